//! The rules a frame must keep, beside its shape.

use std::collections::BTreeSet;

use tram_dispatch::limits::{
    DIRECTORY_BYTES_MAX, DOCUMENT_BYTES_MAX, DOCUMENTS_MAX, INLINE_TOTAL_BYTES_MAX, TEXT_BYTES_MAX,
    UPSTREAM_RECEIPTS_MAX,
};
use tram_dispatch::text;
use tram_tlog::cosignature::Cosignature;

use super::{
    Answer, DIRECTORY_PIECE_BYTES, DirectoryPiece, Frame, Hello, Outcome, Range, Transfer,
};
use crate::WireError;
use crate::cbor::{self, NON_CRITICAL_KEYS_FROM};
use crate::fields::{ascending, plain, within_bytes};

/// Whether the frame keeps to every rule that needs nothing but the frame itself; sizes of byte strings
/// and counts, which depend on nothing else, are checked while reading.
///
/// # Errors
/// `Malformed`, `TooLarge`.
pub fn validate(frame: &Frame) -> Result<(), WireError> {
    match frame {
        Frame::Hello(hello) => hello_rules(hello),
        Frame::HelloRefused { detail, .. } => plain(detail, 0, TEXT_BYTES_MAX),
        Frame::ConsistencyRequest { old_size, new_size, .. }
        | Frame::Consistency { old_size, new_size, .. }
            if old_size > new_size =>
        {
            Err(WireError::malformed("the older tree is the larger"))
        }
        Frame::Transfer(transfer) => transfer_rules(transfer),
        Frame::Want(ranges) => wanted(ranges),
        Frame::Data { document, offset, length } => {
            document_index(*document)?;
            range_end(*offset, *length)
        }
        Frame::Answer(answers) => answer_rules(answers),
        Frame::Unknown { kind, body } => {
            if *kind < NON_CRITICAL_KEYS_FROM {
                return Err(WireError::malformed("an unknown frame of a critical type"));
            }
            cbor::check(body, body.len())
        }
        Frame::Cosignature { line, .. } => match Cosignature::from_line(line) {
            Ok(_) => Ok(()),
            Err(error) => Err(WireError::malformed(error)),
        },
        Frame::ProofRequest { sizes, .. } => ascending(sizes, "sizes"),
        Frame::DirectoryPiece(piece) => piece_rules(piece),
        Frame::DirectoryRequest { .. }
        | Frame::Receipts { .. }
        | Frame::Proof { .. }
        | Frame::CosignatureRequest { .. }
        | Frame::CosignatureHeld { .. }
        | Frame::Epoch { .. }
        | Frame::Stored { .. }
        | Frame::Checkpoint { .. }
        | Frame::ConsistencyRequest { .. }
        | Frame::Consistency { .. }
        | Frame::Directory { .. } => Ok(()),
    }
}

/// A detail as frames carry it: control characters escaped, cut to [`TEXT_BYTES_MAX`].
pub fn detail(text: &str) -> String {
    let mut escaped = text::escaped(text);
    let end = (0..=TEXT_BYTES_MAX.min(escaped.len())).rev().find(|i| escaped.is_char_boundary(*i));
    escaped.truncate(end.unwrap_or(0));
    escaped
}

fn hello_rules(hello: &Hello) -> Result<(), WireError> {
    if hello.versions.is_empty() {
        return Err(WireError::malformed("a hello without a protocol version"));
    }
    if hello.held.as_ref().is_some_and(Vec::is_empty) {
        return Err(WireError::malformed("a held checkpoint without bytes"));
    }
    ascending(&hello.versions, "versions")?;
    ascending(&hello.features, "features")
}

fn transfer_rules(transfer: &Transfer) -> Result<(), WireError> {
    ascending(&transfer.recipients, "recipients")?;
    // The first node's receipt, and for each recipient those of the hops between.
    let most = 1 + UPSTREAM_RECEIPTS_MAX * transfer.recipients.len();
    if transfer.receipts.len() > most {
        return Err(WireError::too_large(format_args!("more than {most} receipts")));
    }
    let indexes: Vec<u16> = transfer.inline.iter().map(|(index, _)| *index).collect();
    ascending(&indexes, "inline documents")?;
    indexes.into_iter().try_for_each(document_index)?;
    let total: usize = transfer.inline.iter().map(|(_, bytes)| bytes.len()).sum();
    within_bytes(total, INLINE_TOTAL_BYTES_MAX).map_err(|e| e.within("inline documents"))
}

fn wanted(ranges: &[Range]) -> Result<(), WireError> {
    if !ranges.is_sorted_by(|a, b| a.document < b.document) {
        return Err(WireError::malformed("ranges are repeated or out of order"));
    }
    for range in ranges {
        document_index(range.document)?;
        range_end(range.offset, 0)?;
    }
    Ok(())
}

fn piece_rules(piece: &DirectoryPiece) -> Result<(), WireError> {
    let total = piece.total;
    if total > DIRECTORY_BYTES_MAX as u64 {
        let max = DIRECTORY_BYTES_MAX;
        return Err(WireError::too_large(format_args!("{total} bytes, at most {max} allowed")));
    }
    let left = total.saturating_sub(piece.offset);
    if left == 0 || piece.bytes.len() as u64 != left.min(DIRECTORY_PIECE_BYTES as u64) {
        let (length, offset) = (piece.bytes.len(), piece.offset);
        return Err(WireError::malformed(format_args!(
            "a piece of {length} bytes at {offset} of {total}"
        )));
    }
    Ok(())
}

fn document_index(index: u16) -> Result<(), WireError> {
    if usize::from(index) < DOCUMENTS_MAX {
        return Ok(());
    }
    Err(WireError::too_large(format_args!("document {index}, at most {DOCUMENTS_MAX} allowed")))
}

fn range_end(offset: u64, length: u64) -> Result<(), WireError> {
    match offset.checked_add(length) {
        Some(end) if end <= DOCUMENT_BYTES_MAX => Ok(()),
        _ => Err(WireError::too_large(format_args!(
            "{length} bytes from {offset}, at most {DOCUMENT_BYTES_MAX} allowed"
        ))),
    }
}

fn answer_rules(answers: &[Answer]) -> Result<(), WireError> {
    let recipients: BTreeSet<_> = answers.iter().map(|answer| &answer.recipient).collect();
    if recipients.len() < answers.len() {
        return Err(WireError::malformed("a recipient is answered twice"));
    }
    for answer in answers {
        if let Outcome::RefusedUnsigned { detail, .. } = &answer.outcome {
            plain(detail, 0, TEXT_BYTES_MAX)?;
        }
    }
    Ok(())
}
