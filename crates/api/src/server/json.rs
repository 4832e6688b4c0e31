//! Strict reading of JSON bodies: bounded depth, no key twice, no unknown field.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};

use crate::Problem;
use crate::limits::JSON_DEPTH_MAX;

/// Reads a body into a request type (which itself refuses unknown fields). An empty body counts
/// as `{}`, so that a request whose fields are all optional needs none.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let bytes = if bytes.iter().all(u8::is_ascii_whitespace) { b"{}".as_slice() } else { bytes };
    let refuse = |error: serde_json::Error| Problem::bad_request(format!("JSON body: {error}"));
    // The first walk looks at the form alone; a typed reader would not see keys twice inside what
    // it skips.
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let depth = Cell::new(0);
    Walk { depth: &depth }.deserialize(&mut deserializer).map_err(refuse)?;
    deserializer.end().map_err(refuse)?;
    serde_json::from_slice(bytes).map_err(refuse)
}

#[derive(Clone, Copy)]
struct Walk<'a> {
    depth: &'a Cell<usize>,
}

impl Walk<'_> {
    fn enter<E: serde::de::Error>(&self) -> Result<(), E> {
        self.depth.set(self.depth.get() + 1);
        if self.depth.get() > JSON_DEPTH_MAX {
            return Err(E::custom(format_args!("nested deeper than {JSON_DEPTH_MAX}")));
        }
        Ok(())
    }

    fn leave(&self) {
        self.depth.set(self.depth.get() - 1);
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.enter()?;
        while seq.next_element_seed(self)?.is_some() {}
        self.leave();
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.enter()?;
        let mut keys = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if keys.contains(&key) {
                let shown = crate::text::clip(&key);
                return Err(A::Error::custom(format_args!("key `{shown}` stands twice")));
            }
            keys.insert(key);
            map.next_value_seed(self)?;
        }
        self.leave();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{RefuseRequest, RegisterRequest, SealRequest};

    fn detail<T: DeserializeOwned + fmt::Debug>(text: &str) -> String {
        read::<T>(text.as_bytes()).unwrap_err().detail
    }

    #[test]
    fn what_is_refused_is_named() {
        let text = detail::<RefuseRequest>(r#"{"reason":"x","reasn":"y"}"#);
        assert!(text.contains("`reasn`"), "{text}");
        let text = detail::<RefuseRequest>(r#"{"reason":"x","reason":"y"}"#);
        assert!(text.contains("`reason` stands twice"), "{text}");
        let text = detail::<SealRequest>(r#"{"metadata":{"subject":"a","subject":"b"}}"#);
        assert!(text.contains("`subject` stands twice"), "{text}");
        let text = detail::<RefuseRequest>("{}");
        assert!(text.contains("`reason`"), "{text}");
        for broken in ["{", "[1,]", r#"{"reason":"x"} trailing"#, "\u{feff}{}", "nul"] {
            assert!(read::<RefuseRequest>(broken.as_bytes()).is_err(), "{broken}");
        }
        assert!(read::<RefuseRequest>(b"{\"reason\":\"\xff\"}").is_err());
    }

    #[test]
    fn depth_is_bounded() {
        let nest = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        let shallow = read::<serde_json::Value>(nest(JSON_DEPTH_MAX).as_bytes());
        assert!(shallow.is_ok());
        let text = detail::<serde_json::Value>(&nest(JSON_DEPTH_MAX + 1));
        assert!(text.contains("nested deeper than 32"), "{text}");
        assert!(read::<serde_json::Value>(nest(100_000).as_bytes()).is_err());
    }

    #[test]
    fn an_empty_body_is_an_empty_object() {
        assert_eq!(read::<RegisterRequest>(b"").unwrap(), RegisterRequest::default());
    }
}
