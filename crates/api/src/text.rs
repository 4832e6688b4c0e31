//! Values of the vocabulary as JSON texts, and bytes as base64.

use std::fmt;
use std::ops::Deref;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tram_dispatch::{
    AgencyCode, Code, Day, Digest, DispatchId, EpochId, Event, NetworkId, NodeId, Reference,
    Status, UnitCode, UnixMillis,
};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::model::Happening;

/// A value of the vocabulary that has one spelling as text.
pub trait Spelled: Sized {
    /// Name of its schema in the OpenAPI description.
    const NAME: &'static str;
    /// What the text is, for people.
    const MEANING: &'static str;
    /// Regular expression the text matches (ECMA-262), where one says it well.
    const PATTERN: Option<&'static str>;
    /// The text.
    fn spell(&self) -> String;
    /// Reads the text; the error says what was expected.
    fn read(text: &str) -> Result<Self, String>;
}

macro_rules! spelled {
    ($($ty:ty, $alias:ident, $name:literal, $pattern:expr, $meaning:literal;)+) => { $(
        impl Spelled for $ty {
            const NAME: &'static str = $name;
            const MEANING: &'static str = $meaning;
            const PATTERN: Option<&'static str> = $pattern;
            fn spell(&self) -> String {
                self.to_string()
            }
            fn read(text: &str) -> Result<Self, String> {
                text.parse().map_err(|e| format!("{e}"))
            }
        }
        #[doc = $meaning]
        pub type $alias = Text<$ty>;
    )+ };
}

const HEX32: Option<&str> = Some("^[0-9a-f]{64}$");

spelled! {
    AgencyCode, AgencyText, "AgencyCode", None,
        "Agency code in canonical form, for example H41.12.03; the older form 000.03.12.H41 is read as well";
    NodeId, NodeText, "NodeId", Some("^[a-z0-9-]{1,16}\\..+$"), "Node id, for example n1.H41.12";
    Reference, ReferenceText, "Reference", None,
        "The originator's own name for a dispatch, 1 to 64 bytes without control characters";
    Digest, DigestText, "Digest", HEX32, "SHA-256, 64 hexadecimal digits";
    DispatchId, DispatchText, "DispatchId", HEX32,
        "Dispatch id: SHA-256 of its to-be-signed bytes, 64 hexadecimal digits";
    NetworkId, NetworkText, "NetworkId", HEX32,
        "Network id: SHA-256 of its first root document, 64 hexadecimal digits";
    EpochId, EpochText, "EpochId", HEX32,
        "Epoch id: leaf hash of the genesis leaf, 64 hexadecimal digits";
    UnixMillis, TimeText, "Time", None,
        "RFC 3339 time in UTC with milliseconds; in questions a bare date YYYY-MM-DD is midnight UTC";
    Day, DayText, "Day", Some("^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
        "A day by the clocks of Viet Nam (UTC+7), for example 2026-11-21";
    Status, StatusText, "Status", Some("^[0-9]{2}$"),
        "National status of a document's handling: 01 arrived, 02 refused, 03 accepted, 04 assigned, 05 processing, 06 completed, 13 take-back requested, 15 agreed, 16 declined";
    UnitCode, UnitText, "UnitCode", Some("^[A-Za-z0-9.-]{1,32}$"),
        "Code of a unit inside an agency, for example VP";
    Code, CodeText, "Code", Some("^[A-Z_]+$"), "A code of the table in docs/errors.md";
}

impl Spelled for Event {
    const NAME: &'static str = "Event";
    const MEANING: &'static str = "Evidence event, named as in ETSI EN 319 522-1";
    const PATTERN: Option<&'static str> = Some("^[A-Z][A-Za-z]+$");
    fn spell(&self) -> String {
        self.name().to_owned()
    }
    fn read(text: &str) -> Result<Self, String> {
        Event::ALL
            .into_iter()
            .chain([Event::Unknown(0)])
            .find(|e| e.name() == text)
            .ok_or_else(|| "not the name of an evidence event".to_owned())
    }
}

/// Evidence event, named as in ETSI EN 319 522-1.
pub type EventText = Text<Event>;

impl Spelled for Happening {
    const NAME: &'static str = "Happening";
    const MEANING: &'static str =
        "Evidence event, named as in ETSI EN 319 522-1, or Overdue: a deadline passed";
    const PATTERN: Option<&'static str> = Some("^[A-Z][A-Za-z]+$");
    fn spell(&self) -> String {
        match self {
            Happening::Evidence(event) => event.spell(),
            Happening::Overdue => OVERDUE.to_owned(),
        }
    }
    fn read(text: &str) -> Result<Self, String> {
        if text == OVERDUE {
            Ok(Happening::Overdue)
        } else {
            <Event as Spelled>::read(text).map(Into::into)
        }
    }
}

/// The name of a deadline that passed; no evidence event is called so.
const OVERDUE: &str = "Overdue";

/// Evidence event, or a deadline that passed.
pub type HappeningText = Text<Happening>;

/// Wraps a value so that JSON and query strings carry its one spelling.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text<T>(pub T);

impl<T> From<T> for Text<T> {
    fn from(value: T) -> Self {
        Text(value)
    }
}

impl<T> Deref for Text<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Spelled> fmt::Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.spell())
    }
}

impl<T: Spelled> fmt::Debug for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.spell())
    }
}

impl<T: Spelled> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.spell())
    }
}

impl<'de, T: Spelled> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        T::read(&text)
            .map(Text)
            .map_err(|e| serde::de::Error::custom(format_args!("{:?}: {e}", clip(&text))))
    }
}

impl<T: Spelled> PartialSchema for Text<T> {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(T::PATTERN)
            .description(Some(T::MEANING));
        RefOr::T(Schema::Object(object.build()))
    }
}

impl<T: Spelled> ToSchema for Text<T> {
    fn name() -> std::borrow::Cow<'static, str> {
        T::NAME.into()
    }
}

/// Bytes that JSON carries as base64 (RFC 4648 section 4, with padding).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Base64(pub Vec<u8>);

impl From<Vec<u8>> for Base64 {
    fn from(bytes: Vec<u8>) -> Self {
        Base64(bytes)
    }
}

impl fmt::Debug for Base64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Base64({} bytes)", self.0.len())
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD
            .decode(text.as_bytes())
            .map(Base64)
            .map_err(|_| serde::de::Error::custom("expected base64 with padding"))
    }
}

impl PartialSchema for Base64 {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Byte)))
            .description(Some("Bytes as base64 (RFC 4648 section 4)"));
        RefOr::T(Schema::Object(object.build()))
    }
}

impl ToSchema for Base64 {
    fn name() -> std::borrow::Cow<'static, str> {
        "Base64".into()
    }
}

/// The first 80 characters of a text from outside, for error messages.
pub(crate) fn clip(text: &str) -> String {
    let mut short: String = text.chars().take(80).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    tram_dispatch::text::escaped(&short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_round_trip_and_say_what_was_expected() {
        let agency: AgencyText = serde_json::from_str("\"000.03.12.H41\"").unwrap();
        assert_eq!(serde_json::to_string(&agency).unwrap(), "\"H41.12.03\"");
        let error = serde_json::from_str::<DigestText>("\"abc\"").unwrap_err().to_string();
        assert!(error.contains("64 hexadecimal digits"), "{error}");
        let event: EventText = serde_json::from_str("\"ContentHandover\"").unwrap();
        assert_eq!(event.0, Event::ContentHandover);
        assert!(serde_json::from_str::<EventText>("\"contenthandover\"").is_err());
    }

    #[test]
    fn bytes_travel_as_base64() {
        let bytes = Base64(vec![0, 255, 7]);
        let text = serde_json::to_string(&bytes).unwrap();
        assert_eq!(text, "\"AP8H\"");
        assert_eq!(serde_json::from_str::<Base64>(&text).unwrap(), bytes);
        assert!(serde_json::from_str::<Base64>("\"A\"").is_err());
    }
}
