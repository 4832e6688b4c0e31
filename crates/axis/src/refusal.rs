//! Why a call is refused, in the numbers of a provincial axis of the same family. The client library
//! itself knows "0" and "not 0"; people read the text.

use tram_dispatch::text::escaped;

use crate::limits::{BUSY_RETRY_S, SHOWN_CHARS_MAX, TEXT_CHARS_MAX};

/// `ErrorCode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Number {
    /// 10: the file is not what was signed, or none came.
    File,
    /// 15: system id or key wrong, or the signed text is not.
    Account,
    /// 18: no such recipient, or the parameters name others than the file.
    Recipient,
    /// 19: the sender is not this account's.
    Sender,
    /// 20: the node cannot now, or the call makes no sense here.
    System,
    /// 21: the file cannot be processed.
    Processing,
    /// 22: not edXML as the node reads it.
    Nonconforming,
    /// 23: the recipient is closed, and nobody follows it.
    Locked,
}

impl Number {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Number::File => "10",
            Number::Account => "15",
            Number::Recipient => "18",
            Number::Sender => "19",
            Number::System => "20",
            Number::Processing => "21",
            Number::Nonconforming => "22",
            Number::Locked => "23",
        }
    }
}

/// A refusal, before it is put into an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {text}", number.as_str())]
pub struct Refusal {
    /// `ErrorCode`.
    pub number: Number,
    /// `ErrorDesc`: English, safe to show. Where there is a time to wait, it says that too, as the client
    /// library shows nothing else.
    pub text: String,
    /// When to try again, seconds: the header `Retry-After`.
    pub retry_after_s: Option<u64>,
}

impl Refusal {
    /// A refusal with its particulars; control characters are escaped, and what is too long is cut.
    pub fn new(number: Number, text: impl AsRef<str>) -> Self {
        let text = escaped(text.as_ref()).chars().take(TEXT_CHARS_MAX).collect();
        Refusal { number, text, retry_after_s: None }
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.text.push_str(&format!("; try again after {seconds} s"));
        self.retry_after_s = Some(seconds);
        self
    }

    /// "Not now": the node is full, stopping or broken.
    pub fn system(text: impl AsRef<str>) -> Self {
        Self::new(Number::System, text)
    }

    /// Too much at once: it will do soon.
    pub(crate) fn busy(text: impl AsRef<str>) -> Self {
        Self::system(text).retry_after(BUSY_RETRY_S)
    }
}

/// A parameter as it may be shown.
pub(crate) fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    escaped(&short)
}
