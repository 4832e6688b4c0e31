//! The text of a note and its signature lines.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tram_crypto::{Algorithm, Sign};

use super::key::{NoteKey, SignatureType, check_name};
use super::{NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, NoteError, within};
use crate::cosignature::Cosignature;

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: String,
    /// Id of the key: with the name it says which key and which signature type.
    pub key_id: u32,
    /// The signature in the format of its type, at least one byte.
    pub bytes: Vec<u8>,
}

/// A note as read or made; nothing about it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// Em dash and space: every signature line starts with it.
const LINE_START: &str = "\u{2014} ";

impl NoteSignature {
    /// Reads one signature line, without its newline. Nothing is verified.
    ///
    /// # Errors
    /// [`NoteError::Malformed`], [`NoteError::KeyName`].
    pub fn from_line(line: &str) -> Result<Self, NoteError> {
        const PART: NoteError = NoteError::Malformed("signature line");
        let (name, data) =
            line.strip_prefix(LINE_START).and_then(|rest| rest.split_once(' ')).ok_or(PART)?;
        check_name(name)?;
        let data = STANDARD.decode(data).map_err(|_| PART)?;
        let (key_id, bytes) = data.split_first_chunk::<4>().ok_or(PART)?;
        if bytes.is_empty() {
            return Err(PART);
        }
        let key_id = u32::from_be_bytes(*key_id);
        Ok(Self { name: name.to_owned(), key_id, bytes: bytes.to_vec() })
    }
}

impl Note {
    /// A note with this text and no signature yet.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] when the text does not end with a newline or holds another control
    /// character; [`NoteError::TooLarge`].
    pub fn new(text: &str) -> Result<Self, NoteError> {
        within("note bytes", text.len(), NOTE_BYTES_MAX)?;
        check_characters(text)?;
        if !text.ends_with('\n') {
            return Err(NoteError::Malformed("note text (no newline at its end)"));
        }
        Ok(Self { text: text.to_owned(), signatures: Vec::new() })
    }

    /// Reads a signed note: the text ends at the last empty line; under it at least one signature.
    ///
    /// # Errors
    /// [`NoteError::TooLarge`] before anything else is looked at; [`NoteError::Malformed`];
    /// [`NoteError::KeyName`].
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        within("note bytes", bytes.len(), NOTE_BYTES_MAX)?;
        let whole = std::str::from_utf8(bytes).map_err(|_| NoteError::Malformed("UTF-8"))?;
        let end = whole.rfind("\n\n").ok_or(NoteError::Malformed("note (no empty line)"))?;
        let mut note = Self::new(&whole[..=end])?;
        let lines = whole[end + 2..]
            .strip_suffix('\n')
            .ok_or(NoteError::Malformed("signature lines (no newline at their end)"))?;
        check_characters(lines)?;
        within("signature lines", lines.split('\n').count(), NOTE_SIGNATURES_MAX)?;
        for line in lines.split('\n') {
            note.signatures.push(NoteSignature::from_line(line)?);
        }
        Ok(note)
    }

    /// What was signed: everything above the empty line, with the last newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines in their order.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Signs the text with an Ed25519 key and adds the line (signature type 0x01). Only checkpoints
    /// are signed here, hence not public: a log must never sign two that contradict each other.
    pub(crate) fn sign(&mut self, name: &str, signer: &dyn Sign) -> Result<(), NoteError> {
        if signer.algorithm() != Algorithm::EdDsa {
            return Err(NoteError::WrongKey);
        }
        let key = NoteKey::new(name, SignatureType::Ed25519, signer.public_key())?;
        let bytes = signer.sign(self.text.as_bytes())?;
        self.add(NoteSignature { name: name.to_owned(), key_id: key.id(), bytes })
    }

    /// Adds a signature line made elsewhere, such as a witness's. It is not verified here.
    ///
    /// # Errors
    /// [`NoteError::KeyName`]; [`NoteError::TooLarge`] above [`NOTE_SIGNATURES_MAX`];
    /// [`NoteError::Malformed`] for an empty signature.
    pub fn add(&mut self, signature: NoteSignature) -> Result<(), NoteError> {
        check_name(&signature.name)?;
        if signature.bytes.is_empty() {
            return Err(NoteError::Malformed("signature (empty)"));
        }
        within("signature lines", self.signatures.len() + 1, NOTE_SIGNATURES_MAX)?;
        self.signatures.push(signature);
        Ok(())
    }

    /// Keeps the signature lines that `keep` takes.
    pub fn retain(&mut self, keep: impl FnMut(&NoteSignature) -> bool) {
        self.signatures.retain(keep);
    }

    /// Checks that `key` (of type 0x01) signed the text: at least one line with its name and id, and
    /// every such line verifies. Lines of other keys are ignored.
    ///
    /// # Errors
    /// [`NoteError::NotSigned`], [`NoteError::BadSignature`]; [`NoteError::WrongKey`] for a key of
    /// type 0x04.
    pub fn verify(&self, key: &NoteKey) -> Result<(), NoteError> {
        if key.signature_type() != SignatureType::Ed25519 {
            return Err(NoteError::WrongKey);
        }
        self.each_of(key, |line| {
            key.public_key().verify(Algorithm::EdDsa, self.text.as_bytes(), &line.bytes).ok()
        })?;
        Ok(())
    }

    /// Checks that `key` (of type 0x04) cosigned the checkpoint in this note; gives the latest time at
    /// which it says so, in seconds since 1970-01-01 UTC.
    ///
    /// # Errors
    /// [`NoteError::NotSigned`], [`NoteError::BadSignature`]; [`NoteError::WrongKey`] for a key of
    /// type 0x01.
    pub fn cosigned_at(&self, key: &NoteKey) -> Result<u64, NoteError> {
        if key.signature_type() != SignatureType::CosignatureV1 {
            return Err(NoteError::WrongKey);
        }
        self.each_of(key, |line| {
            let cosignature = Cosignature::from_signature(line).ok()?;
            cosignature.verify(&self.text, key).ok()?;
            Some(cosignature.time())
        })
    }

    /// Runs `check` on every signature of `key`; the greatest result, if all succeed.
    fn each_of<T: Ord>(
        &self,
        key: &NoteKey,
        check: impl Fn(&NoteSignature) -> Option<T>,
    ) -> Result<T, NoteError> {
        let mut greatest = None;
        for line in &self.signatures {
            if line.name == key.name() && line.key_id == key.id() {
                let bad = || NoteError::BadSignature(key.name().to_owned());
                greatest = greatest.max(Some(check(line).ok_or_else(bad)?));
            }
        }
        greatest.ok_or_else(|| NoteError::NotSigned(key.name().to_owned()))
    }

    /// The note as bytes: text, empty line, signature lines.
    ///
    /// # Errors
    /// [`NoteError::NotSigned`] without any signature (that is no signed note);
    /// [`NoteError::TooLarge`] above [`NOTE_BYTES_MAX`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, NoteError> {
        if self.signatures.is_empty() {
            return Err(NoteError::NotSigned("anybody".to_owned()));
        }
        let mut out = format!("{}\n", self.text);
        for line in &self.signatures {
            let data = [&line.key_id.to_be_bytes()[..], &line.bytes].concat();
            out.push_str(&format!("{LINE_START}{} {}\n", line.name, STANDARD.encode(data)));
        }
        within("note bytes", out.len(), NOTE_BYTES_MAX)?;
        Ok(out.into_bytes())
    }
}

fn check_characters(text: &str) -> Result<(), NoteError> {
    if text.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
        return Err(NoteError::Malformed("note (control character)"));
    }
    Ok(())
}
