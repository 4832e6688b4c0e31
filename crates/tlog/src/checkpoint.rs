//! Checkpoints (C2SP tlog-checkpoint): origin, tree size and root of a log as a signed note.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tram_crypto::{PublicKey, Sign};

use crate::hash::{HASH_BYTES, Hash, empty_root};
use crate::note::{Note, NoteError, NoteKey, SignatureType, within};
use crate::shape::TREE_SIZE_MAX;

/// The longest origin line, in bytes.
pub const ORIGIN_BYTES_MAX: usize = 256;

/// The longest checkpoint text (above the signatures), in bytes.
pub const CHECKPOINT_TEXT_BYTES_MAX: usize = 4 * 1024;

/// Most extension lines in a checkpoint of others; ours have none.
pub const EXTENSION_LINES_MAX: usize = 16;

/// The longest signed checkpoint, in bytes. Room for ours and sixteen witnesses' signatures, also
/// long ones.
pub const CHECKPOINT_BYTES_MAX: usize = 64 * 1024;

/// The state of a log: this many leaves, this root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    extension_lines: Vec<String>,
}

impl Checkpoint {
    /// A checkpoint of the log `origin` at `size` leaves.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] for an origin that is empty or holds control characters, a size above
    /// [`TREE_SIZE_MAX`], or an empty tree whose root is not [`empty_root`]; [`NoteError::TooLarge`].
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, NoteError> {
        within("origin bytes", origin.len(), ORIGIN_BYTES_MAX)?;
        if origin.is_empty() || origin.contains(char::is_control) {
            return Err(NoteError::Malformed("checkpoint origin"));
        }
        if size > TREE_SIZE_MAX {
            return Err(NoteError::Malformed("checkpoint size"));
        }
        if size == 0 && root != empty_root() {
            return Err(NoteError::Malformed("checkpoint root (not that of an empty tree)"));
        }
        Ok(Self { origin: origin.to_owned(), size, root, extension_lines: Vec::new() })
    }

    /// The log's name.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The Merkle tree hash over them.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.root
    }

    /// Lines after the root, as found. They mean nothing to us and are never written.
    #[must_use]
    pub fn extension_lines(&self) -> &[String] {
        &self.extension_lines
    }

    /// The three lines that are signed, without extension lines.
    #[must_use]
    pub fn to_note_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root.0))
    }

    /// Reads the text of a checkpoint note. Nothing is verified.
    ///
    /// # Errors
    /// [`NoteError::Malformed`], [`NoteError::TooLarge`].
    pub fn parse_text(text: &str) -> Result<Self, NoteError> {
        within("checkpoint text bytes", text.len(), CHECKPOINT_TEXT_BYTES_MAX)?;
        let body = text
            .strip_suffix('\n')
            .ok_or(NoteError::Malformed("checkpoint (no newline at its end)"))?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(NoteError::Malformed("checkpoint (fewer than three lines)"));
        };
        let size = parse_size(size).ok_or(NoteError::Malformed("checkpoint size"))?;
        let root = STANDARD
            .decode(root)
            .ok()
            .and_then(|bytes| <[u8; HASH_BYTES]>::try_from(bytes).ok())
            .ok_or(NoteError::Malformed("checkpoint root"))?;
        let mut checkpoint = Self::new(origin, size, Hash(root))?;
        for line in lines {
            if line.is_empty() || line.contains(char::is_control) {
                return Err(NoteError::Malformed("checkpoint extension line"));
            }
            checkpoint.extension_lines.push(line.to_owned());
            let found = checkpoint.extension_lines.len();
            within("checkpoint extension lines", found, EXTENSION_LINES_MAX)?;
        }
        Ok(checkpoint)
    }

    /// The checkpoint signed by the log's Ed25519 key under `key_name` (which should be the origin).
    ///
    /// The caller must make the tree durable first: a checkpoint that left the process is a promise.
    ///
    /// # Errors
    /// [`NoteError::WrongKey`] when `signer` is not Ed25519; [`NoteError::KeyName`];
    /// [`NoteError::Sign`]; [`NoteError::Malformed`] when extension lines would be lost.
    pub fn sign(&self, key_name: &str, signer: &dyn Sign) -> Result<Vec<u8>, NoteError> {
        if !self.extension_lines.is_empty() {
            return Err(NoteError::Malformed("checkpoint to sign (it has extension lines)"));
        }
        let mut note = Note::new(&self.to_note_text())?;
        note.sign(key_name, signer)?;
        note.to_bytes()
    }

    /// Reads a signed checkpoint and checks the log's signature on it. Signatures of other keys are
    /// ignored. The origin is returned, not judged: see [`Checkpoint::open_from`].
    ///
    /// # Errors
    /// Every arm of [`NoteError`] that reading and verifying have; limits are checked first.
    pub fn open(bytes: &[u8], key_name: &str, public: &PublicKey) -> Result<Self, NoteError> {
        within("checkpoint bytes", bytes.len(), CHECKPOINT_BYTES_MAX)?;
        let note = Note::parse(bytes)?;
        note.verify(&NoteKey::new(key_name, SignatureType::Ed25519, public)?)?;
        Self::parse_text(note.text())
    }

    /// As [`Checkpoint::open`] with the origin as key name, and the origin line must be it as well.
    ///
    /// # Errors
    /// As [`Checkpoint::open`], and [`NoteError::Origin`].
    pub fn open_from(bytes: &[u8], origin: &str, public: &PublicKey) -> Result<Self, NoteError> {
        let checkpoint = Self::open(bytes, origin, public)?;
        if checkpoint.origin == origin {
            Ok(checkpoint)
        } else {
            Err(NoteError::Origin { expected: origin.to_owned(), found: checkpoint.origin })
        }
    }
}

/// Decimal digits without sign and without leading zeros.
fn parse_size(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = text.len() > 1 && text.starts_with('0');
    if plain && !leading_zero { text.parse().ok() } else { None }
}
