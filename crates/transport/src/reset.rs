//! Keys that outlive the process, so that a node that was killed and comes back can tell its peers
//! at once that the old sessions are gone (stateless reset, RFC 9000 section 10.3). With random keys
//! they would only notice when the idle timeout ran out.

use quinn::crypto::{CryptoError, HmacKey};
use tram_crypto::{sha256, sha256_parts};

const BLOCK_BYTES: usize = 64;

/// HMAC-SHA256 (RFC 2104) under a key derived from the node's TLS key.
pub(crate) struct ResetKey {
    inner: [u8; BLOCK_BYTES],
    outer: [u8; BLOCK_BYTES],
}

impl ResetKey {
    /// The key of the node that has this private key.
    pub(crate) fn derive(key_pkcs8_der: &[u8]) -> Self {
        let secret = sha256_parts(&[b"tram stateless reset v1", &sha256(key_pkcs8_der)]);
        let (mut inner, mut outer) = ([0x36; BLOCK_BYTES], [0x5c; BLOCK_BYTES]);
        for (i, byte) in secret.iter().enumerate() {
            inner[i] ^= byte;
            outer[i] ^= byte;
        }
        ResetKey { inner, outer }
    }

    fn tag(&self, data: &[u8]) -> [u8; 32] {
        sha256_parts(&[&self.outer, &sha256_parts(&[&self.inner, data])])
    }
}

impl HmacKey for ResetKey {
    fn sign(&self, data: &[u8], signature_out: &mut [u8]) {
        signature_out.copy_from_slice(&self.tag(data));
    }

    fn signature_len(&self) -> usize {
        32
    }

    fn verify(&self, data: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        // Every byte is looked at whatever the first difference.
        let tag = self.tag(data);
        let differ = signature.len() != tag.len()
            || tag.iter().zip(signature).fold(0, |acc, (a, b)| acc | (a ^ b)) != 0;
        if differ { Err(CryptoError) } else { Ok(()) }
    }
}

/// The number that marks connection ids as this node's, the same after a restart.
pub(crate) fn connection_id_key(key_pkcs8_der: &[u8]) -> u64 {
    let digest = sha256_parts(&[b"tram connection ids v1", &sha256(key_pkcs8_der)]);
    digest[..8].iter().fold(0, |n, byte| n << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_of_a_published_key_and_another_key_differs() {
        // RFC 4231 section 4.2, test case 1, run through the same two blocks.
        let (mut inner, mut outer) = ([0x36; BLOCK_BYTES], [0x5c; BLOCK_BYTES]);
        for i in 0..20 {
            inner[i] ^= 0x0b;
            outer[i] ^= 0x0b;
        }
        let tag = ResetKey { inner, outer }.tag(b"Hi There");
        assert_eq!(tag[..8], [0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53]);
        let (a, b) = (ResetKey::derive(b"a"), ResetKey::derive(b"b"));
        let mut out = [0; 32];
        a.sign(b"id", &mut out);
        assert!(a.verify(b"id", &out).is_ok() && b.verify(b"id", &out).is_err());
        assert_ne!(connection_id_key(b"a"), connection_id_key(b"b"));
    }
}
