//! Why a file was refused: what is wrong, at which element, at which byte.

use std::fmt;

use tram_dispatch::Code;
use tram_dispatch::text::escaped;

/// Longest quotation from the input inside an error.
const QUOTED_CHARS_MAX: usize = 80;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place} (byte {offset}): {fault}")]
pub struct EdxmlError {
    /// What is wrong.
    pub fault: Fault,
    /// The element, as the way to it from the root, `edXML/edXMLEnvelope/…/To[2]/OrganId`.
    pub place: String,
    /// Bytes read when it was noticed.
    pub offset: u64,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The input broke off with an error of its own.
    #[error("the input cannot be read: {0}")]
    Input(String),
    /// What was to take an attachment did not.
    #[error("the attachment cannot be kept: {0}")]
    Sink(String),
    /// The rules of XML are broken.
    #[error("not well-formed XML: {0}")]
    NotWellFormed(String),
    /// The end came before the root element was closed.
    #[error("the file ends inside this element")]
    Cut,
    /// Bytes that are no UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// A character that XML forbids.
    #[error("a character that XML forbids: {0:?}")]
    Character(char),
    /// Another encoding than UTF-8.
    #[error("the encoding is {0}, only UTF-8 is read")]
    Encoding(String),
    /// Another version than XML 1.0.
    #[error("XML {0}, only 1.0 is read")]
    Version(String),
    /// A document type declaration.
    #[error("a document type declaration (DTD) is not read")]
    Dtd,
    /// An entity other than the five of XML.
    #[error("an entity that XML does not define: {0}")]
    Entity(String),
    /// A prefix without a namespace, or a namespace misused.
    #[error("namespaces: {0}")]
    Namespace(String),
    /// Not edXML at all: another root element or namespace.
    #[error("not edXML of QCVN 102: the root element is {0}")]
    NotEdxml(String),
    /// An element that must be there.
    #[error("is missing or empty")]
    Missing,
    /// An element that may stand here once.
    #[error("stands here a second time")]
    Duplicate,
    /// Text between elements.
    #[error("text where only elements belong: {0:?}")]
    StrayText(String),
    /// An element inside a value.
    #[error("an element where only text belongs: {0}")]
    StrayElement(String),
    /// A value that its field cannot have.
    #[error("{expected}, this is {found:?}")]
    Value {
        /// What belongs there.
        expected: &'static str,
        /// What is there, shortened.
        found: String,
    },
    /// Not base64.
    #[error("not base64: {0}")]
    Base64(String),
    /// A ZIP that cannot be unfolded.
    #[error("a hidden ZIP: {0}")]
    Zip(String),
    /// A bound of [`crate::Limits`].
    #[error("{limit} is {max}, and this is more")]
    TooLarge {
        /// The name of the bound.
        limit: &'static str,
        /// Its value.
        max: u64,
    },
    /// A secrecy mark: such documents must not travel here.
    #[error("carries a secrecy mark")]
    Secret,
    /// What a dispatch or an edXML file cannot say.
    #[error("cannot be carried over: {0}")]
    NotCarried(String),
}

impl Fault {
    /// A value that does not fit, quoted in part.
    pub(crate) fn value(expected: &'static str, found: &str) -> Self {
        Fault::Value { expected, found: quoted(found) }
    }

    /// A bound that was reached.
    pub(crate) fn large(limit: &'static str, max: impl TryInto<u64>) -> Self {
        Fault::TooLarge { limit, max: max.try_into().unwrap_or(u64::MAX) }
    }

    /// This fault at an element that the reader is no longer, or not yet, at.
    pub(crate) fn at(self, place: impl Into<String>, offset: u64) -> EdxmlError {
        EdxmlError { fault: self, place: place.into(), offset }
    }
}

impl EdxmlError {
    /// The row of the table of codes.
    pub fn code(&self) -> Code {
        match &self.fault {
            Fault::Input(_) | Fault::Sink(_) => Code::Unreadable,
            Fault::TooLarge { .. } => Code::TooLarge,
            Fault::Secret => Code::SecretRefused,
            Fault::Encoding(_)
            | Fault::Version(_)
            | Fault::Dtd
            | Fault::NotEdxml(_)
            | Fault::NotCarried(_) => Code::EdxmlUnsupported,
            _ => Code::EdxmlMalformed,
        }
    }
}

/// A piece of the input, short and safe to show.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_graphic() || b == b' ';
    if text.len() <= QUOTED_CHARS_MAX && text.bytes().all(plain) {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(QUOTED_CHARS_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    escaped(&short)
}

/// As [`quoted`], for anything that can be shown.
pub(crate) fn shown(value: impl fmt::Display) -> String {
    quoted(&value.to_string())
}
