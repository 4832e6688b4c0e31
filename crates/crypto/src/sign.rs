//! Signing with keys held in memory: Ed25519 and P-256, nothing else.

use std::fmt;

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};

use crate::algorithm::Algorithm;
use crate::key::PublicKey;

/// The key holder could not sign. The message says nothing about the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("signing failed in the key provider")]
pub struct SignError;

/// Why a private key is not taken. Never carries key material.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrivateKeyError {
    /// Not a PKCS#8 document with an Ed25519 key, or its two halves do not fit.
    #[error("not a usable Ed25519 private key in PKCS#8")]
    NotEd25519,
    /// Not a PKCS#8 document with a P-256 key, or its two halves do not fit.
    #[error("not a usable P-256 private key in PKCS#8")]
    NotP256,
    /// Neither of the two kinds we sign with.
    #[error("not a usable private key: Ed25519 or P-256 in unencrypted PKCS#8 is needed")]
    Unknown,
}

/// Something that signs with one key, always with the same algorithm.
pub trait Sign: Send + Sync {
    /// The algorithm of every signature made here.
    fn algorithm(&self) -> Algorithm;

    /// The key that verifies them.
    fn public_key(&self) -> &PublicKey;

    /// Signs `message`. The result has the shape that [`PublicKey::verify`] takes: 64 bytes for both
    /// algorithms we sign with.
    ///
    /// # Errors
    /// [`SignError`] when the key holder failed (randomness, or a device in other implementations).
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

impl<S: Sign + ?Sized> Sign for Box<S> {
    fn algorithm(&self) -> Algorithm {
        (**self).algorithm()
    }

    fn public_key(&self) -> &PublicKey {
        (**self).public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        (**self).sign(message)
    }
}

/// An Ed25519 key in memory (RFC 8032). Deterministic: the same message gets the same signature.
pub struct Ed25519Signer {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl Ed25519Signer {
    /// The key of this 32-byte seed (RFC 8032 section 5.1.5 calls it the private key).
    ///
    /// # Errors
    /// [`PrivateKeyError::NotEd25519`] when the provider refuses it.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, PrivateKeyError> {
        let pair =
            Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| PrivateKeyError::NotEd25519)?;
        Self::from_pair(pair)
    }

    /// The key in a PKCS#8 document, version 1 or 2 (RFC 8410 section 7, RFC 5958). Where the document
    /// holds the public key, it must be the right one.
    ///
    /// # Errors
    /// [`PrivateKeyError::NotEd25519`].
    pub fn from_pkcs8_der(pkcs8: &[u8]) -> Result<Self, PrivateKeyError> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8)
            .map_err(|_| PrivateKeyError::NotEd25519)?;
        Self::from_pair(pair)
    }

    fn from_pair(pair: Ed25519KeyPair) -> Result<Self, PrivateKeyError> {
        let bytes =
            pair.public_key().as_ref().try_into().map_err(|_| PrivateKeyError::NotEd25519)?;
        let public =
            PublicKey::from_ed25519_bytes(bytes).map_err(|_| PrivateKeyError::NotEd25519)?;
        Ok(Self { pair, public })
    }
}

impl Sign for Ed25519Signer {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDsa
    }

    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(self.pair.sign(message).as_ref().to_vec())
    }
}

/// A P-256 key in memory (FIPS 186-5). Nonces come from the operating system, mixed by the provider
/// with the key and the message, so signatures of one message differ.
pub struct P256Signer {
    pair: EcdsaKeyPair,
    public: PublicKey,
    random: SystemRandom,
}

impl P256Signer {
    /// The key in a PKCS#8 v1 document that also holds the public key, as openssl writes it.
    ///
    /// # Errors
    /// [`PrivateKeyError::NotP256`].
    pub fn from_pkcs8_der(pkcs8: &[u8]) -> Result<Self, PrivateKeyError> {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &random)
            .map_err(|_| PrivateKeyError::NotP256)?;
        let public = PublicKey::from_p256_point(pair.public_key().as_ref())
            .map_err(|_| PrivateKeyError::NotP256)?;
        Ok(Self { pair, public, random })
    }
}

impl Sign for P256Signer {
    fn algorithm(&self) -> Algorithm {
        Algorithm::Es256
    }

    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = self.pair.sign(&self.random, message).map_err(|_| SignError)?;
        Ok(signature.as_ref().to_vec())
    }
}

impl fmt::Debug for Ed25519Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ed25519Signer").field("public", &self.public).finish_non_exhaustive()
    }
}

impl fmt::Debug for P256Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("P256Signer").field("public", &self.public).finish_non_exhaustive()
    }
}

/// A signer for the key in this PKCS#8 document, whichever of the two kinds it is.
///
/// # Errors
/// [`PrivateKeyError::Unknown`] when it is neither (RSA, another curve, encrypted, or not PKCS#8).
pub fn signer_from_pkcs8_der(pkcs8: &[u8]) -> Result<Box<dyn Sign>, PrivateKeyError> {
    if let Ok(signer) = Ed25519Signer::from_pkcs8_der(pkcs8) {
        return Ok(Box::new(signer));
    }
    match P256Signer::from_pkcs8_der(pkcs8) {
        Ok(signer) => Ok(Box::new(signer)),
        Err(_) => Err(PrivateKeyError::Unknown),
    }
}
