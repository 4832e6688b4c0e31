//! Private keys: Ed25519 or P-256, PKCS#8, in files only their owner may read.

use std::fmt;
use std::path::Path;

use rcgen::{KeyPair, PublicKeyData as _};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use tram_crypto::{Entropy, generate_ed25519_pkcs8, generate_p256_pkcs8};

use crate::file::{read_file, write_new};
use crate::{PkiError, pem};

/// Largest private key file.
const KEY_BYTES_MAX: usize = 64 << 10;

/// What kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// ECDSA on NIST P-256 with SHA-256.
    P256,
}

/// A private key.
pub struct Key(KeyPair);

impl Key {
    /// A new key. `entropy` makes Ed25519 keys; the provider makes P-256 keys from the system's
    /// generator, whatever `entropy` is.
    ///
    /// # Errors
    /// [`PkiError::Entropy`].
    pub fn generate(algorithm: KeyAlgorithm, entropy: &mut dyn Entropy) -> Result<Self, PkiError> {
        Self::from_pkcs8_der(&match algorithm {
            KeyAlgorithm::Ed25519 => generate_ed25519_pkcs8(entropy)?,
            KeyAlgorithm::P256 => generate_p256_pkcs8()?,
        })
    }

    /// From PKCS#8 DER.
    ///
    /// # Errors
    /// [`PkiError::PrivateKey`] for anything but Ed25519 and P-256.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, PkiError> {
        let der = PrivatePkcs8KeyDer::from(der);
        [&rcgen::PKCS_ED25519, &rcgen::PKCS_ECDSA_P256_SHA256]
            .into_iter()
            .find_map(|alg| KeyPair::from_pkcs8_der_and_sign_algo(&der, alg).ok())
            .map(Key)
            .ok_or(PkiError::PrivateKey)
    }

    /// From PEM with one `PRIVATE KEY` block.
    ///
    /// # Errors
    /// [`PkiError::PrivateKey`].
    pub fn from_pem(text: &str) -> Result<Self, PkiError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes())
            .map_err(|_| PkiError::PrivateKey)?;
        Self::from_pkcs8_der(der.secret_pkcs8_der())
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// [`PkiError::File`], [`PkiError::TooLarge`], [`PkiError::PrivateKey`].
    pub fn read(path: &Path) -> Result<Self, PkiError> {
        let bytes = read_file(path, KEY_BYTES_MAX)?;
        Self::from_pem(&String::from_utf8_lossy(&bytes))
    }

    /// Writes the key to a new file with mode 0600, durably.
    ///
    /// # Errors
    /// [`PkiError::File`], also if the file is there already: a key is never overwritten.
    pub fn write_new(&self, path: &Path) -> Result<(), PkiError> {
        write_new(path, self.to_pem().as_bytes(), 0o600)
    }

    /// PKCS#8 PEM. Secret.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::block("PRIVATE KEY", self.0.serialized_der())
    }

    /// PKCS#8 DER. Secret.
    #[must_use]
    pub fn pkcs8_der(&self) -> &[u8] {
        self.0.serialized_der()
    }

    /// The public half, SubjectPublicKeyInfo DER.
    #[must_use]
    pub fn spki_der(&self) -> Vec<u8> {
        self.0.subject_public_key_info()
    }

    /// What kind of key.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        if self.0.is_compatible(&rcgen::PKCS_ED25519) {
            KeyAlgorithm::Ed25519
        } else {
            KeyAlgorithm::P256
        }
    }

    pub(crate) fn pair(&self) -> &KeyPair {
        &self.0
    }
}

/// Never shows the key.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?}, …)", self.algorithm())
    }
}
