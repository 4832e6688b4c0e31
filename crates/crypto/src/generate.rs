//! New private keys as PKCS#8 DER.

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

use crate::entropy::{Entropy, EntropyError};

/// PKCS#8 version 1 with Ed25519 (RFC 8410 section 7) up to the 32-byte seed. Version 1, because
/// OpenSSL 3.0 does not read version 2 and every library we meet reads version 1.
const ED25519_PREFIX: [u8; 16] = [
    0x30, 0x2e, // SEQUENCE, 46 bytes
    0x02, 0x01, 0x00, // version 0, called v1
    0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, // AlgorithmIdentifier: 1.3.101.112
    0x04, 0x22, 0x04, 0x20, // OCTET STRING in an OCTET STRING, 32 bytes
];

/// The 48-byte PKCS#8 v1 document around an Ed25519 seed (RFC 8410).
#[must_use]
pub fn ed25519_pkcs8_from_seed(seed: &[u8; 32]) -> Vec<u8> {
    [&ED25519_PREFIX[..], seed].concat()
}

/// A new Ed25519 private key as PKCS#8 v1 DER, 48 bytes.
///
/// # Errors
/// [`EntropyError`] when `entropy` failed.
pub fn generate_ed25519_pkcs8(entropy: &mut dyn Entropy) -> Result<Vec<u8>, EntropyError> {
    let mut seed = [0; 32];
    entropy.fill(&mut seed)?;
    Ok(ed25519_pkcs8_from_seed(&seed))
}

/// A new P-256 private key as PKCS#8 v1 DER with its public key inside, about 138 bytes. The provider
/// takes randomness from the operating system itself: it offers no other way.
///
/// # Errors
/// [`EntropyError`] when the system's generator failed.
pub fn generate_p256_pkcs8() -> Result<Vec<u8>, EntropyError> {
    EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .map(|document| document.as_ref().to_vec())
        .map_err(|_| EntropyError)
}
