//! Reading evidence files.

use minicbor::Decoder;
use tram_crypto::sha256;
use tram_dispatch::limits::{
    CHAIN_CERTIFICATES_MAX, CRL_BYTES_MAX, DISPATCH_BYTES_MAX, DOCUMENTS_MAX,
    EVIDENCE_FILE_BYTES_MAX, EVIDENCE_FILE_CHECKPOINTS_MAX, EVIDENCE_FILE_RECEIPTS_MAX,
    NOTE_BYTES_MAX, POLICY_BYTES_MAX, RECEIPT_BYTES_MAX, STATEMENT_BYTES_MAX, TIME_STAMP_BYTES_MAX,
    TIME_STAMPS_MAX,
};

use super::{EvidenceFile, Link, NAME, ProvedCheckpoint, VERSION, key};
use crate::WireError;
use crate::cbor::{self, Fields, array, finish, header};
use crate::directory::DirectoryPart;
use crate::fields::{bytes_max, fixed, id, string, within_bytes};

/// Most hashes in a consistency proof.
const CONSISTENCY_PATH_MAX: usize = 126;

impl EvidenceFile {
    /// Reads an evidence file of at most [`EVIDENCE_FILE_BYTES_MAX`] bytes: `["tram-evidence", 1, map]`.
    /// There is no room for fields that this version does not know.
    ///
    /// # Errors
    /// `NotCanonical`, `TooLarge`; `Malformed` also where a list is out of order.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        read(bytes).map_err(|e| e.within("evidence file"))
    }
}

fn read(bytes: &[u8]) -> Result<EvidenceFile, WireError> {
    cbor::check(bytes, EVIDENCE_FILE_BYTES_MAX)?;
    let mut d = Decoder::new(bytes);
    if header(d.array()?)? != 3 || d.str()? != NAME {
        return Err(WireError::malformed("an array of 3 with its name is needed"));
    }
    let version = d.u64()?;
    if version != VERSION {
        return Err(WireError::malformed(format_args!(
            "format version {version}, this program knows {VERSION}"
        )));
    }
    let mut f = Fields::open(&mut d, "body")?;
    let file = EvidenceFile {
        network: f.required(key::NETWORK, id)?,
        root: f.required(key::ROOT, id)?,
        dispatch: f.required(key::DISPATCH, id)?,
        directory: f.required(key::DIRECTORY, DirectoryPart::read)?,
        receipts: f.required(key::RECEIPTS, |d| {
            let receipts = list(d, EVIDENCE_FILE_RECEIPTS_MAX, RECEIPT_BYTES_MAX)?;
            by_digest(receipts)
        })?,
        sealed: f.optional(key::SEALED, |d| some_bytes(d, DISPATCH_BYTES_MAX))?,
        revocation: f
            .optional(key::REVOCATION, |d| list(d, CHAIN_CERTIFICATES_MAX, CRL_BYTES_MAX))?
            .unwrap_or_default(),
        checkpoints: f
            .optional(key::CHECKPOINTS, |d| {
                checkpoints(d, EVIDENCE_FILE_CHECKPOINTS_MAX, EVIDENCE_FILE_RECEIPTS_MAX)
            })?
            .unwrap_or_default(),
        statements: f
            .optional(key::STATEMENTS, |d| {
                let statements = list(d, EVIDENCE_FILE_RECEIPTS_MAX, STATEMENT_BYTES_MAX)?;
                by_digest(statements)
            })?
            .unwrap_or_default(),
        documents: f.optional(key::DOCUMENTS, documents)?.unwrap_or_default(),
        policy: f.optional(key::POLICY, |d| {
            let text = string(d)?;
            within_bytes(text.len(), POLICY_BYTES_MAX)?;
            if text.is_empty() { Err(WireError::malformed("an empty text")) } else { Ok(text) }
        })?,
    };
    f.end()?;
    finish(&d)?;
    Ok(file)
}

fn some_bytes(d: &mut Decoder<'_>, max: usize) -> Result<Vec<u8>, WireError> {
    let bytes = bytes_max(d, max)?;
    if bytes.is_empty() { Err(WireError::malformed("no bytes")) } else { Ok(bytes) }
}

fn list(d: &mut Decoder<'_>, most: usize, bytes: usize) -> Result<Vec<Vec<u8>>, WireError> {
    array(d, 1, most, "elements", |d| some_bytes(d, bytes))
}

/// An order that leaves no choice to who makes the file.
fn by_digest(items: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, WireError> {
    let digests: Vec<[u8; 32]> = items.iter().map(|item| sha256(item)).collect();
    in_order(digests.is_sorted_by(|a, b| a < b))?;
    Ok(items)
}

fn in_order(sorted: bool) -> Result<(), WireError> {
    if sorted { Ok(()) } else { Err(WireError::malformed("elements repeated or out of order")) }
}

/// At least one checkpoint, at most `most`, each with at most `links_max` links.
pub(crate) fn checkpoints(
    d: &mut Decoder<'_>,
    most: usize,
    links_max: usize,
) -> Result<Vec<ProvedCheckpoint>, WireError> {
    let checkpoints = array(d, 1, most, "checkpoints", |d| checkpoint(d, links_max))?;
    in_order(checkpoints.is_sorted_by(|a, b| a.note < b.note))?;
    Ok(checkpoints)
}

fn checkpoint(d: &mut Decoder<'_>, links_max: usize) -> Result<ProvedCheckpoint, WireError> {
    if header(d.array()?)? != 3 {
        return Err(WireError::malformed("a checkpoint is an array of 3"));
    }
    let note = some_bytes(d, NOTE_BYTES_MAX)?;
    let links = array(d, 1, links_max, "links", |d| {
        if header(d.array()?)? != 2 {
            return Err(WireError::malformed("a link is an array of 2"));
        }
        let size = d.u64()?;
        Ok(Link { size, path: array(d, 0, CONSISTENCY_PATH_MAX, "path nodes", fixed)? })
    })?;
    in_order(links.is_sorted_by(|a, b| a.size < b.size))?;
    let stamps =
        array(d, 0, TIME_STAMPS_MAX, "time-stamps", |d| some_bytes(d, TIME_STAMP_BYTES_MAX))?;
    in_order(stamps.is_sorted_by(|a, b| a < b))?;
    Ok(ProvedCheckpoint { note, links, stamps })
}

fn documents(d: &mut Decoder<'_>) -> Result<Vec<(u8, Vec<u8>)>, WireError> {
    let documents = array(d, 1, DOCUMENTS_MAX, "documents", |d| {
        if header(d.array()?)? != 2 {
            return Err(WireError::malformed("a document is an array of 2"));
        }
        Ok((d.u8()?, bytes_max(d, EVIDENCE_FILE_BYTES_MAX)?))
    })?;
    in_order(documents.is_sorted_by(|a, b| a.0 < b.0))?;
    Ok(documents)
}
