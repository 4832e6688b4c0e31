//! `docId`: on the client it is a file name, a header and a key of its database. So it is a UUID.

use std::fmt;
use std::str::FromStr;

use tram_crypto::sha256_parts;
use tram_dispatch::{AgencyCode, DispatchId};

/// A document as one recipient has it, or as its originator does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocId([u8; 16]);

impl DocId {
    /// Of a dispatch with one of its recipients: two recipients of one account are two items.
    pub fn received(dispatch: DispatchId, recipient: &AgencyCode) -> Self {
        Self::made(b"tram axis received", &[dispatch.as_bytes(), recipient.as_str().as_bytes()])
    }

    /// Of a dispatch with its originator.
    pub fn sent(dispatch: DispatchId) -> Self {
        Self::made(b"tram axis sent", &[dispatch.as_bytes()])
    }

    /// Of a status that a recipient gave: `receipt` is the digest of the receipt that says so.
    pub fn status(receipt: &[u8; 32]) -> Self {
        Self::made(b"tram axis status", &[receipt])
    }

    /// A UUID of version 8 (RFC 9562): digest of what it stands for. The first part has a fixed length.
    fn made(of: &[u8], parts: &[&[u8]]) -> Self {
        let mut all = vec![of];
        all.extend_from_slice(parts);
        let digest = sha256_parts(&all);
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        id[6] = id[6] & 0x0f | 0x80;
        id[8] = id[8] & 0x3f | 0x80;
        DocId(id)
    }
}

impl fmt::Display for DocId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for DocId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Not the form of our ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a docId of this endpoint")]
pub struct BadDocId;

/// Letters of either case.
impl FromStr for DocId {
    type Err = BadDocId;

    fn from_str(text: &str) -> Result<Self, BadDocId> {
        let groups: Vec<&str> = text.split('-').collect();
        if !groups.iter().map(|g| g.len()).eq([8, 4, 4, 4, 12]) {
            return Err(BadDocId);
        }
        let bytes = tram_dispatch::id::unhex(&groups.concat()).ok_or(BadDocId)?;
        Ok(DocId(bytes.try_into().map_err(|_| BadDocId)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids_that_differ_by_recipient_and_read_back() {
        let dispatch = DispatchId([7; 32]);
        let [a, b]: [AgencyCode; 2] = ["H41", "H41.12"].map(|c| c.parse().unwrap());
        let all =
            [DocId::received(dispatch, &a), DocId::received(dispatch, &b), DocId::sent(dispatch)];
        for (i, id) in all.iter().enumerate() {
            let text = id.to_string();
            assert_eq!(text.len(), 36);
            assert!(text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-'), "{text}");
            assert_eq!(text.as_bytes()[14], b'8');
            assert_eq!(text.parse(), Ok(*id));
            assert_eq!(text.to_uppercase().parse(), Ok(*id));
            assert!(all.iter().skip(i + 1).all(|other| other != id));
        }
        for bad in ["", "0", "../../etc/passwd", "00000000-0000-0000-0000-00000000000g"] {
            assert_eq!(bad.parse::<DocId>(), Err(BadDocId), "{bad}");
        }
    }
}
