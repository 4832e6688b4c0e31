//! Names and ids of note keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tram_crypto::{PublicKey, sha256_parts};

use super::{KEY_NAME_BYTES_MAX, NoteError, VERIFIER_KEY_BYTES_MAX, within};

/// The signature types we know, by their identifier byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SignatureType {
    /// Ed25519 over the note text.
    Ed25519 = 0x01,
    /// Timestamped Ed25519 cosignature of a checkpoint (C2SP tlog-cosignature, `cosignature/v1`).
    CosignatureV1 = 0x04,
}

/// A named Ed25519 key that verifies one type of note signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteKey {
    name: String,
    signature_type: SignatureType,
    id: u32,
    public: PublicKey,
}

impl NoteKey {
    /// Names a key. The key id is the first four bytes of SHA-256(name ‖ newline ‖ type ‖ 32-byte key).
    ///
    /// # Errors
    /// [`NoteError::KeyName`], [`NoteError::TooLarge`] for the name; [`NoteError::WrongKey`] when
    /// `public` is not an Ed25519 key.
    pub fn new(
        name: &str,
        signature_type: SignatureType,
        public: &PublicKey,
    ) -> Result<Self, NoteError> {
        check_name(name)?;
        let bytes = public.ed25519_bytes().ok_or(NoteError::WrongKey)?;
        let digest =
            sha256_parts(&[name.as_bytes(), b"\n", &[signature_type as u8], bytes.as_slice()]);
        let id = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        Ok(Self { name: name.to_owned(), signature_type, id, public: public.clone() })
    }

    /// Reads a verifier key, `name+id as 8 hexadecimal digits+base64(type ‖ key)`.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] also when the id is not that of the name and key; otherwise as
    /// [`NoteKey::new`].
    pub fn from_verifier_key(text: &str) -> Result<Self, NoteError> {
        const PART: NoteError = NoteError::Malformed("verifier key");
        within("verifier key bytes", text.len(), VERIFIER_KEY_BYTES_MAX)?;
        let mut parts = text.splitn(3, '+'); // base64 may hold further plus signs
        let (Some(name), Some(id), Some(data)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(PART);
        };
        let data = STANDARD.decode(data).map_err(|_| PART)?;
        let [signature_type, key @ ..] = data.as_slice() else { return Err(PART) };
        let signature_type = match signature_type {
            0x01 => SignatureType::Ed25519,
            0x04 => SignatureType::CosignatureV1,
            _ => return Err(NoteError::WrongKey),
        };
        let key: &[u8; 32] = key.try_into().map_err(|_| PART)?;
        let public = PublicKey::from_ed25519_bytes(key).map_err(|_| NoteError::WrongKey)?;
        let named = Self::new(name, signature_type, &public)?;
        if format!("{:08x}", named.id) == id { Ok(named) } else { Err(PART) }
    }

    /// The verifier key as text, for configuration files of others.
    #[must_use]
    pub fn to_verifier_key(&self) -> String {
        let mut data = vec![self.signature_type as u8];
        data.extend_from_slice(self.public.ed25519_bytes().map_or(&[], |bytes| bytes.as_slice()));
        format!("{}+{:08x}+{}", self.name, self.id, STANDARD.encode(data))
    }

    /// The name in signature lines.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key id in signature lines.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The type of the signatures it verifies.
    #[must_use]
    pub fn signature_type(&self) -> SignatureType {
        self.signature_type
    }

    /// The key itself.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }
}

/// Refuses what cannot stand as a name in a signature line.
pub(crate) fn check_name(name: &str) -> Result<(), NoteError> {
    within("key name bytes", name.len(), KEY_NAME_BYTES_MAX)?;
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.contains(bad) { Err(NoteError::KeyName) } else { Ok(()) }
}
