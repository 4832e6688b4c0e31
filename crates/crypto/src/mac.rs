//! HMAC-SHA256 (RFC 2104), for doors whose callers share a secret with the node.

use ring::hmac;

/// Whether `tag` is HMAC-SHA256 of `message` under `key`; compared in constant time. A tag of another
/// length is none.
#[must_use]
pub fn hmac_sha256_is(key: &[u8], message: &[u8], tag: &[u8]) -> bool {
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, key), message, tag).is_ok()
}

/// HMAC-SHA256 of `message` under `key`.
#[must_use]
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message);
    let mut out = [0; 32];
    out.copy_from_slice(tag.as_ref()); // 32 bytes for this algorithm
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    #[test]
    fn the_vector_of_the_rfc_holds() {
        let tag = hmac_sha256(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(tag[..4], [0x5b, 0xdc, 0xc1, 0x46]);
        assert_eq!(tag[28..], [0x64, 0xec, 0x38, 0x43]);
        assert!(hmac_sha256_is(b"Jefe", b"what do ya want for nothing?", &tag));
        assert!(!hmac_sha256_is(b"Jeff", b"what do ya want for nothing?", &tag));
        assert!(!hmac_sha256_is(b"Jefe", b"what do ya want for nothing?", &tag[..31]));
    }
}
