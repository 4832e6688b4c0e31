//! Evidence files: everything that proves what became of one dispatch, in one file.
//!
//! The file itself is not signed and proves nothing: each part of it is checked by itself, against a root
//! document that comes from elsewhere. Nothing stands in it that no signature, digest or proof covers.

mod decode;
mod encode;

use minicbor::Decoder;
use tram_dispatch::{Digest, DispatchId, NetworkId};

use crate::directory::DirectoryPart;

pub(crate) use decode::checkpoints;

/// First element of an evidence file.
const NAME: &str = "tram-evidence";
/// Format version.
const VERSION: u64 = 1;

mod key {
    pub(super) const NETWORK: u64 = 1;
    pub(super) const ROOT: u64 = 2;
    pub(super) const DISPATCH: u64 = 3;
    pub(super) const DIRECTORY: u64 = 4;
    pub(super) const RECEIPTS: u64 = 5;
    pub(super) const SEALED: u64 = 6;
    pub(super) const REVOCATION: u64 = 7;
    pub(super) const CHECKPOINTS: u64 = 8;
    pub(super) const STATEMENTS: u64 = 9;
    pub(super) const DOCUMENTS: u64 = 10;
    pub(super) const POLICY: u64 = 11;
}

/// What an evidence file holds. Receipts, dispatch, lists, notes and statements are bytes here: each has a
/// parser and a verifier of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceFile {
    /// The network.
    pub network: NetworkId,
    /// SHA-256 of the root document that it was made under.
    pub root: Digest,
    /// The dispatch that everything in it is about.
    pub dispatch: DispatchId,
    /// The head of the directory with the entries needed.
    pub directory: DirectoryPart,
    /// Raw receipts, ascending by their SHA-256.
    pub receipts: Vec<Vec<u8>>,
    /// The sealed dispatch as received.
    pub sealed: Option<Vec<u8>>,
    /// The revocation lists (DER) that the first node used, in the order of the certificates on the path.
    pub revocation: Vec<Vec<u8>>,
    /// Checkpoints, ascending by note.
    pub checkpoints: Vec<ProvedCheckpoint>,
    /// Statements sealed by agencies, ascending by their SHA-256.
    pub statements: Vec<Vec<u8>>,
    /// Documents by their index in the envelope, ascending.
    pub documents: Vec<(u8, Vec<u8>)>,
    /// The witness policy (C2SP tlog-policy) of who made the file; a verifier goes by its own.
    pub policy: Option<String>,
}

/// A checkpoint, and how the roots that receipts here are under lead to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvedCheckpoint {
    /// The signed note, with the lines of its witnesses.
    pub note: Vec<u8>,
    /// One for each tree size of receipts here that it covers, ascending by size.
    pub links: Vec<Link>,
    /// Time-stamp tokens (RFC 3161, DER) over the note's text, ascending by bytes.
    pub stamps: Vec<Vec<u8>>,
}

/// A consistency proof (RFC 9162 section 2.1.4) from a receipt's root to a checkpoint's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The tree size of the receipts.
    pub size: u64,
    /// Empty where the checkpoint is of the same size.
    pub path: Vec<[u8; 32]>,
}

impl EvidenceFile {
    /// Whether the bytes begin as an evidence file of any version does, so that [`EvidenceFile::decode`]
    /// is the one to say what is wrong with them.
    pub fn is_meant(bytes: &[u8]) -> bool {
        let mut d = Decoder::new(bytes);
        d.array().is_ok() && d.str().is_ok_and(|name| name == NAME)
    }
}
