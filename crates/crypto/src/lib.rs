//! Digests, signing and signature checks behind small traits; the only crate that names ring.
//!
//! Everything here is a function of its arguments: no clock, no file, no socket. Randomness comes in
//! as an [`Entropy`]; the two exceptions, both inside the provider, are [`generate_p256_pkcs8`] and
//! the nonces of [`P256Signer`].
//!
//! What is checked here is arithmetic only. Whether a key may say something is decided in `trust`.

mod algorithm;
mod der;
mod digest;
mod entropy;
mod generate;
mod key;
mod mac;
mod outside;
mod sign;
mod spki;

pub use algorithm::Algorithm;
pub use digest::{Sha256Stream, sha256, sha256_parts};
pub use entropy::{Entropy, EntropyError, SeededEntropy, SystemEntropy};
pub use generate::{ed25519_pkcs8_from_seed, generate_ed25519_pkcs8, generate_p256_pkcs8};
pub use key::{BadSignature, KeyKind, PublicKey};
pub use mac::{hmac_sha256, hmac_sha256_is};
pub use outside::Sha2;
pub use sign::{
    Ed25519Signer, P256Signer, PrivateKeyError, Sign, SignError, signer_from_pkcs8_der,
};
pub use spki::{
    KeyError, RSA_EXPONENT_MAX, RSA_EXPONENT_MIN, RSA_MODULUS_BITS_MAX, RSA_MODULUS_BITS_MIN,
    SPKI_BYTES_MAX,
};
