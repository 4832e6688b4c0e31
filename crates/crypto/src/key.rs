//! Public keys and signature checks.

use std::fmt;
use std::sync::Arc;

use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RsaPublicKeyComponents, UnparsedPublicKey,
    VerificationAlgorithm,
};

use crate::algorithm::Algorithm;
use crate::digest::sha256;
use crate::spki::{self, KeyError, Material};

/// The signature does not fit the message, the key or the algorithm. Deliberately without detail:
/// there is nothing to be learnt from a false signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct BadSignature;

/// The kinds of key the product verifies with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// Ed25519 (RFC 8032, RFC 8410).
    Ed25519,
    /// NIST P-256, named curve (RFC 5480).
    P256,
    /// NIST P-384, named curve (RFC 5480).
    P384,
    /// RSA with `rsaEncryption` (RFC 3279).
    Rsa {
        /// Length of the modulus, 2048..=4096 bits.
        bits: u32,
    },
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::P256 => f.write_str("P-256"),
            Self::P384 => f.write_str("P-384"),
            Self::Rsa { bits } => write!(f, "RSA-{bits}"),
        }
    }
}

/// A parsed public key. Cloning shares the material; equality is equality of the DER bytes, of which
/// there is one spelling per key.
#[derive(Clone)]
pub struct PublicKey(Arc<Inner>);

struct Inner {
    spki: Vec<u8>,
    key_id: [u8; 32],
    material: Material,
}

impl PublicKey {
    /// Parses a DER SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).
    ///
    /// # Errors
    /// [`KeyError`] names what was offered when it is not one of [`KeyKind`], is out of limits, or is
    /// not the one canonical spelling.
    pub fn from_spki_der(spki: &[u8]) -> Result<Self, KeyError> {
        let material = spki::parse(spki)?;
        Ok(Self(Arc::new(Inner { spki: spki.to_vec(), key_id: sha256(spki), material })))
    }

    /// The key with these 32 bytes (RFC 8032 section 5.1.5).
    ///
    /// # Errors
    /// [`KeyError::WeakEd25519`] for a point of small order or a second spelling.
    pub fn from_ed25519_bytes(key: &[u8; 32]) -> Result<Self, KeyError> {
        let mut spki = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03];
        spki.extend_from_slice(spki::OID_ED25519);
        spki.extend_from_slice(&[0x03, 0x21, 0x00]);
        spki.extend_from_slice(key);
        Self::from_spki_der(&spki)
    }

    /// The key with this uncompressed P-256 point, 65 bytes (RFC 5480 section 2.2).
    pub(crate) fn from_p256_point(point: &[u8]) -> Result<Self, KeyError> {
        let mut spki = vec![0x30, 0x59, 0x30, 0x13, 0x06, 0x07];
        spki.extend_from_slice(spki::OID_EC);
        spki.extend_from_slice(&[0x06, 0x08]);
        spki.extend_from_slice(spki::OID_P256);
        spki.extend_from_slice(&[0x03, 0x42, 0x00]);
        spki.extend_from_slice(point);
        Self::from_spki_der(&spki)
    }

    pub(crate) fn material(&self) -> &Material {
        &self.0.material
    }

    /// The DER the key was parsed from.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.0.spki
    }

    /// What kind of key it is.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        match self.0.material {
            Material::Ed25519(..) => KeyKind::Ed25519,
            Material::P256(_) => KeyKind::P256,
            Material::P384(_) => KeyKind::P384,
            Material::Rsa { bits, .. } => KeyKind::Rsa { bits },
        }
    }

    /// SHA-256 of the SubjectPublicKeyInfo: the key's name in `kid` and in the directory.
    #[must_use]
    pub fn key_id(&self) -> [u8; 32] {
        self.0.key_id
    }

    /// The 32 bytes of an Ed25519 key; `None` for other kinds.
    #[must_use]
    pub fn ed25519_bytes(&self) -> Option<&[u8; 32]> {
        match &self.0.material {
            Material::Ed25519(key, _) => Some(key),
            _ => None,
        }
    }

    /// Checks `signature` over `message`. ECDSA signatures are r‖s of fixed size (RFC 9053 section
    /// 2.1), never DER; PSS salts have the length of the digest (RFC 8230 section 2).
    ///
    /// # Errors
    /// [`BadSignature`], also when `algorithm` does not fit this kind of key.
    pub fn verify(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        let verified = match (algorithm, &self.0.material) {
            (Algorithm::EdDsa, Material::Ed25519(_, point)) => {
                return ed25519(point.as_deref().ok_or(BadSignature)?, message, signature);
            }
            (Algorithm::Es256, Material::P256(point)) => {
                unparsed(&ECDSA_P256_SHA256_FIXED, point, message, signature)
            }
            (Algorithm::Es384, Material::P384(point)) => {
                unparsed(&ECDSA_P384_SHA384_FIXED, point, message, signature)
            }
            (Algorithm::Ps256, Material::Rsa { modulus, exponent, .. }) => {
                RsaPublicKeyComponents { n: modulus, e: exponent }.verify(
                    &RSA_PSS_2048_8192_SHA256,
                    message,
                    signature,
                )
            }
            (Algorithm::Ps384, Material::Rsa { modulus, exponent, .. }) => {
                RsaPublicKeyComponents { n: modulus, e: exponent }.verify(
                    &RSA_PSS_2048_8192_SHA384,
                    message,
                    signature,
                )
            }
            (Algorithm::Rs256, Material::Rsa { modulus, exponent, .. }) => {
                RsaPublicKeyComponents { n: modulus, e: exponent }.verify(
                    &RSA_PKCS1_2048_8192_SHA256,
                    message,
                    signature,
                )
            }
            _ => return Err(BadSignature),
        };
        verified.map_err(|_| BadSignature)
    }
}

/// Ed25519 without cofactor, R compared as bytes: what ring and OpenSSL accept, so that every
/// verifier agrees. In this library because it takes a quarter less time (docs/adr/0010).
fn ed25519(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
    let signature = Signature::from_slice(signature).map_err(|_| BadSignature)?;
    key.verify(message, &signature).map_err(|_| BadSignature)
}

fn unparsed(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), ring::error::Unspecified> {
    UnparsedPublicKey::new(algorithm, key).verify(message, signature)
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.spki == other.0.spki
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} ", self.kind())?;
        for byte in &self.0.key_id[..8] {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("…)")
    }
}
