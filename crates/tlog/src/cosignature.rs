//! Cosignatures (C2SP tlog-cosignature, `cosignature/v1`): what a witness says of a checkpoint.
//!
//! A cosignature says: at this time, this was the largest tree of this log that the witness had seen,
//! and it continued every one that it had seen before. One value stands alone here, apart from the
//! note that it belongs under; with the checkpoint's text it verifies, and it can be written as a
//! line of that note.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tram_crypto::{Algorithm, Sign};

use crate::checkpoint::Checkpoint;
use crate::note::{KEY_NAME_BYTES_MAX, NoteError, NoteKey, NoteSignature, SignatureType, within};

/// Bytes of the timestamped signature: the time, most significant byte first, then Ed25519.
const SIGNATURE_BYTES: usize = 8 + 64;

/// The longest line of a cosignature, in bytes: dash, name, and the base64 of key id and signature.
pub const COSIGNATURE_LINE_BYTES_MAX: usize = 4 + KEY_NAME_BYTES_MAX + 1 + 104;

/// One witness's signature on one checkpoint. As read or made; [`Cosignature::verify`] tells.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cosignature {
    name: String,
    key_id: u32,
    time: u64,
    signature: [u8; 64],
}

impl Cosignature {
    /// Cosigns a checkpoint as the witness `key_name`, at `time` (seconds since 1970-01-01 UTC).
    ///
    /// The caller must have proved that the checkpoint continues every one it saw of this log, and
    /// must hold it durably: a cosignature that left the process is a promise never to sign another
    /// history.
    ///
    /// # Errors
    /// [`NoteError::WrongKey`] when `signer` is not Ed25519; [`NoteError::KeyName`];
    /// [`NoteError::Sign`]; [`NoteError::Malformed`] for a time above 2^63 − 1, or a checkpoint with
    /// extension lines, of which a witness of ours can say nothing.
    pub fn sign(
        checkpoint: &Checkpoint,
        key_name: &str,
        time: u64,
        signer: &dyn Sign,
    ) -> Result<Self, NoteError> {
        if signer.algorithm() != Algorithm::EdDsa {
            return Err(NoteError::WrongKey);
        }
        if !checkpoint.extension_lines().is_empty() {
            return Err(NoteError::Malformed("checkpoint to cosign (it has extension lines)"));
        }
        let key = NoteKey::new(key_name, SignatureType::CosignatureV1, signer.public_key())?;
        let bytes = signer.sign(&message(time, &checkpoint.to_note_text()))?;
        let signature = bytes.try_into().map_err(|_| NoteError::WrongKey)?;
        checked_time(time)?;
        Ok(Self { name: key_name.to_owned(), key_id: key.id(), time, signature })
    }

    /// Reads the line of a note, without its newline.
    ///
    /// # Errors
    /// [`NoteError::TooLarge`], [`NoteError::Malformed`], [`NoteError::KeyName`].
    pub fn from_line(line: &str) -> Result<Self, NoteError> {
        within("cosignature line bytes", line.len(), COSIGNATURE_LINE_BYTES_MAX)?;
        Self::from_signature(&NoteSignature::from_line(line)?)
    }

    /// Takes a signature line of a note as a cosignature. Whether it is one, only its key can tell:
    /// [`Cosignature::verify`].
    ///
    /// # Errors
    /// [`NoteError::Malformed`] when it has not the shape of one.
    pub fn from_signature(line: &NoteSignature) -> Result<Self, NoteError> {
        const PART: NoteError = NoteError::Malformed("cosignature");
        let bytes: &[u8; SIGNATURE_BYTES] = line.bytes.as_slice().try_into().map_err(|_| PART)?;
        let (time, signature) = bytes.split_first_chunk::<8>().ok_or(PART)?;
        let time = checked_time(u64::from_be_bytes(*time))?;
        let signature = signature.try_into().map_err(|_| PART)?;
        Ok(Self { name: line.name.clone(), key_id: line.key_id, time, signature })
    }

    /// The line of a note, without its newline.
    #[must_use]
    pub fn to_line(&self) -> String {
        let mut data = self.key_id.to_be_bytes().to_vec();
        data.extend_from_slice(&self.timestamped());
        format!("\u{2014} {} {}", self.name, STANDARD.encode(data))
    }

    /// The same as a signature line for [`crate::note::Note::add`].
    #[must_use]
    pub fn to_signature(&self) -> NoteSignature {
        NoteSignature {
            name: self.name.clone(),
            key_id: self.key_id,
            bytes: self.timestamped().to_vec(),
        }
    }

    /// The name of the witness's key.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id of the witness's key.
    #[must_use]
    pub fn key_id(&self) -> u32 {
        self.key_id
    }

    /// When the witness says that it cosigned, in seconds since 1970-01-01 UTC.
    #[must_use]
    pub fn time(&self) -> u64 {
        self.time
    }

    /// Whether it carries the name and id of this key; nothing is verified.
    #[must_use]
    pub fn names(&self, key: &NoteKey) -> bool {
        self.name == key.name() && self.key_id == key.id()
    }

    /// Checks that `key` (of type 0x04) cosigned the checkpoint with this text: all lines above the
    /// empty one, with the last newline.
    ///
    /// # Errors
    /// [`NoteError::WrongKey`] for a key of type 0x01; [`NoteError::NotSigned`] when the cosignature
    /// does not name this key; [`NoteError::BadSignature`].
    pub fn verify(&self, text: &str, key: &NoteKey) -> Result<(), NoteError> {
        if key.signature_type() != SignatureType::CosignatureV1 {
            return Err(NoteError::WrongKey);
        }
        if !self.names(key) {
            return Err(NoteError::NotSigned(key.name().to_owned()));
        }
        key.public_key()
            .verify(Algorithm::EdDsa, &message(self.time, text), &self.signature)
            .map_err(|_| NoteError::BadSignature(key.name().to_owned()))
    }

    fn timestamped(&self) -> [u8; SIGNATURE_BYTES] {
        let mut out = [0; SIGNATURE_BYTES];
        out[..8].copy_from_slice(&self.time.to_be_bytes());
        out[8..].copy_from_slice(&self.signature);
        out
    }
}

/// What is signed: two lines, then the whole text of the checkpoint.
fn message(time: u64, text: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
}

fn checked_time(time: u64) -> Result<u64, NoteError> {
    if time > i64::MAX as u64 { Err(NoteError::Malformed("cosignature time")) } else { Ok(time) }
}
