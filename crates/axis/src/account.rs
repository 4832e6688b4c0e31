//! Accounts: a system id and a secret, the agencies it speaks for, and what it may do.

use std::collections::BTreeSet;
use std::fmt;

use tram_dispatch::AgencyCode;

use crate::limits::SECRET_BYTES;

/// The text that client and node share. Used as it stands: what looks like base64 is not decoded.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// Why a text is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret is one line of {} to {} bytes", SECRET_BYTES.start(), SECRET_BYTES.end())]
pub struct SecretError;

impl Secret {
    /// The secret that a key file holds: its one line, without the line break.
    ///
    /// # Errors
    /// Several lines, too short, or too long.
    pub fn from_file(bytes: &[u8]) -> Result<Self, SecretError> {
        let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let plain = !line.iter().any(|b| matches!(b, b'\n' | b'\r' | 0));
        if plain && SECRET_BYTES.contains(&line.len()) {
            Ok(Secret(line.to_vec()))
        } else {
            Err(SecretError)
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    // It must never reach a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A system that calls.
#[derive(Clone, Debug)]
pub struct Account {
    /// By what it names itself.
    pub system_id: String,
    /// What it signs with.
    pub secret: Secret,
    /// The agencies it speaks for, each by its own code.
    pub agencies: BTreeSet<AgencyCode>,
    /// Whether it may send documents for them, and ask for them back.
    pub may_send: bool,
    /// Whether it may take what is addressed to them, and say how far that is.
    pub may_collect: bool,
    /// How old the signed timestamp may be, milliseconds; absent: of any age.
    pub age_ms_max: Option<u64>,
    /// Whether codes are written in the older form (`000.00.12.H41`) where they fit it.
    pub old_codes: bool,
}

impl Account {
    /// A code as this account's system writes codes.
    pub fn spelled(&self, code: &AgencyCode) -> String {
        let old = if self.old_codes { code.to_qcvn102() } else { None };
        old.unwrap_or_else(|| code.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_one_line_as_it_stands() {
        let secret = Secret::from_file(b"c2VjcmV0IHNlY3JldA==\r\n").unwrap();
        assert_eq!(secret.as_bytes(), b"c2VjcmV0IHNlY3JldA==");
        assert_eq!(format!("{secret:?}"), "Secret");
        for bad in [&b""[..], b"short", b"line one is long enough\nline two", &[b'x'; 2000]] {
            assert!(Secret::from_file(bad).is_err());
        }
    }
}
