//! Signatures that others make in their own formats: DER ECDSA and RSASSA-PKCS1-v1_5, with the
//! digests of SHA-2 (RFC 5754). Time-stamp tokens carry them; nothing of ours is signed so.

use ring::digest::{SHA256, SHA384, SHA512, digest};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

use crate::key::{BadSignature, PublicKey};
use crate::spki::Material;

/// A digest of the SHA-2 family (FIPS 180-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sha2 {
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-384, 48 bytes.
    Sha384,
    /// SHA-512, 64 bytes.
    Sha512,
}

impl Sha2 {
    /// The digest of `data`: 32, 48 or 64 bytes.
    #[must_use]
    pub fn digest(self, data: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => &SHA256,
            Self::Sha384 => &SHA384,
            Self::Sha512 => &SHA512,
        };
        digest(algorithm, data).as_ref().to_vec()
    }
}

impl PublicKey {
    /// Checks a signature in the form of X.509 and CMS over `message`: with an RSA key PKCS #1 v1.5,
    /// with an elliptic curve ECDSA as DER (RFC 3279 section 2.2.3), each with the digest given.
    ///
    /// # Errors
    /// [`BadSignature`], also for an Ed25519 key, and for ECDSA with SHA-512, which the provider lacks.
    pub fn verify_outside(
        &self,
        sha2: Sha2,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        let (algorithm, point): (&'static dyn VerificationAlgorithm, &[u8]) =
            match (self.material(), sha2) {
                (Material::Rsa { modulus, exponent, .. }, _) => {
                    let parameters = match sha2 {
                        Sha2::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
                        Sha2::Sha384 => &RSA_PKCS1_2048_8192_SHA384,
                        Sha2::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
                    };
                    return RsaPublicKeyComponents { n: modulus, e: exponent }
                        .verify(parameters, message, signature)
                        .map_err(|_| BadSignature);
                }
                (Material::P256(point), Sha2::Sha256) => (&ECDSA_P256_SHA256_ASN1, point),
                (Material::P256(point), Sha2::Sha384) => (&ECDSA_P256_SHA384_ASN1, point),
                (Material::P384(point), Sha2::Sha256) => (&ECDSA_P384_SHA256_ASN1, point),
                (Material::P384(point), Sha2::Sha384) => (&ECDSA_P384_SHA384_ASN1, point),
                (Material::Ed25519(..) | Material::P256(_) | Material::P384(_), _) => {
                    return Err(BadSignature);
                }
            };
        UnparsedPublicKey::new(algorithm, point)
            .verify(message, signature)
            .map_err(|_| BadSignature)
    }
}
