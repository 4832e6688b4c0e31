//! SHA-256 (FIPS 180-4), whole and streaming.

use std::fmt;

use ring::digest::{Context, Digest, SHA256, digest};

/// The SHA-256 digest of `data`, 32 bytes.
#[must_use]
pub fn sha256(data: &[u8]) -> [u8; 32] {
    to_array(&digest(&SHA256, data))
}

/// The SHA-256 digest of the parts written one after the other, without copying them together.
///
/// The parts are *not* separated: `["ab", "c"]` and `["a", "bc"]` give the same digest, so the caller
/// must frame what could be ambiguous.
#[must_use]
pub fn sha256_parts(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    to_array(&context.finish())
}

/// SHA-256 over bytes that arrive in pieces; memory does not depend on their number.
#[derive(Clone)]
pub struct Sha256Stream(Context);

impl Sha256Stream {
    /// A stream that has seen no byte yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// Takes the next piece.
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    /// The digest of everything seen.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        to_array(&self.0.finish())
    }
}

impl Default for Sha256Stream {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Sha256Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sha256Stream")
    }
}

fn to_array(digest: &Digest) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref()); // SHA-256 digests are always 32 bytes
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    // FIPS 180-4 example "abc" and the digest of nothing.
    const ABC: [u8; 32] = [
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22,
        0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00,
        0x15, 0xad,
    ];

    #[test]
    fn known_digest_in_all_three_ways() {
        assert_eq!(sha256(b"abc"), ABC);
        assert_eq!(sha256_parts(&[b"a", b"", b"bc"]), ABC);
        let mut stream = Sha256Stream::new();
        stream.update(b"ab");
        stream.update(b"c");
        assert_eq!(stream.finish(), ABC);
        assert_eq!(Sha256Stream::default().finish(), sha256(b""));
    }
}
