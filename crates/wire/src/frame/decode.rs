//! Bytes to frames.

use minicbor::Decoder;
use minicbor::data::Type;
use tram_dispatch::limits::{
    CBOR_ITEMS_MAX, DISPATCH_BYTES_MAX, DOCUMENTS_MAX, FRAME_BYTES_MAX, INLINE_DOCUMENT_BYTES_MAX,
    NOTE_BYTES_MAX, PROOF_PATH_MAX, RECEIPT_BYTES_MAX, RECEIPTS_PER_FRAME_MAX, RECIPIENTS_MAX,
    STATEMENT_BYTES_MAX,
};

use super::{
    Answer, DIRECTORY_PIECE_BYTES, DirectoryPiece, Frame, Hello, Outcome, PROOF_CHECKPOINTS_MAX,
    PROOF_SIZES_MAX, Range, Transfer, check, kind, outcome,
};
use crate::WireError;
use crate::cbor::{self, Fields, NON_CRITICAL_KEYS_FROM, array, finish, header, raw};
use crate::epoch::EPOCH_BYTES_MAX;
use crate::evidence_file::checkpoints;
use crate::fields::{agency, bytes_max, code, exactly, fixed, id, node, string, time};

/// Reads one frame of at most [`FRAME_BYTES_MAX`] bytes, without its length prefix. Dispatches and receipts
/// inside are byte strings and not looked into.
///
/// # Errors
/// `NotCanonical`, `TooLarge`, `Malformed`; an unknown type below 128 is `Malformed`.
pub fn decode(bytes: &[u8]) -> Result<Frame, WireError> {
    cbor::check(bytes, FRAME_BYTES_MAX).map_err(|e| e.within("frame"))?;
    let mut d = Decoder::new(bytes);
    if header(d.array()?)? != 2 {
        return Err(WireError::malformed("frame: an array of 2 is needed"));
    }
    let kind = d.u64()?;
    let frame = if kind >= NON_CRITICAL_KEYS_FROM {
        if d.datatype()? != Type::Map {
            return Err(WireError::malformed("frame: the body must be a map"));
        }
        Frame::Unknown { kind, body: raw(&mut d)?.to_vec() }
    } else {
        let mut f = Fields::open(&mut d, name(kind)?)?;
        let frame = read(kind, &mut f)?;
        f.end_skipping()?;
        frame
    };
    finish(&d)?;
    check::validate(&frame)?;
    Ok(frame)
}

fn name(kind: u64) -> Result<&'static str, WireError> {
    Ok(match kind {
        kind::HELLO => "hello",
        kind::HELLO_REFUSED => "hello-refused",
        kind::RECEIPTS => "receipts",
        kind::STORED => "stored",
        kind::CHECKPOINT => "checkpoint",
        kind::CONSISTENCY_REQUEST => "consistency-request",
        kind::CONSISTENCY => "consistency",
        kind::TRANSFER => "transfer",
        kind::WANT => "want",
        kind::DATA => "data",
        kind::ANSWER => "answer",
        kind::DIRECTORY => "directory",
        kind::COSIGNATURE => "cosignature",
        kind::COSIGNATURE_REQUEST => "cosignature-request",
        kind::COSIGNATURE_HELD => "cosignature-held",
        kind::EPOCH => "epoch",
        kind::PROOF_REQUEST => "proof-request",
        kind::PROOF => "proof",
        kind::DIRECTORY_REQUEST => "directory-request",
        kind::DIRECTORY_PIECE => "directory-piece",
        other => {
            return Err(WireError::malformed(format_args!("unknown frame type {other}")));
        }
    })
}

fn read(kind: u64, f: &mut Fields<'_, '_>) -> Result<Frame, WireError> {
    let uint = |d: &mut Decoder<'_>| Ok(d.u64()?);
    Ok(match kind {
        kind::HELLO => Frame::Hello(Box::new(hello(f)?)),
        kind::HELLO_REFUSED => {
            Frame::HelloRefused { code: f.required(1, code)?, detail: f.required(2, string)? }
        }
        kind::RECEIPTS => Frame::Receipts {
            batch: f.required(1, uint)?,
            receipts: f
                .required(2, |d| array(d, 1, RECEIPTS_PER_FRAME_MAX, "receipts", receipt))?,
            statements: f
                .optional(3, |d| array(d, 1, RECEIPTS_PER_FRAME_MAX, "statements", statement))?
                .unwrap_or_default(),
        },
        kind::STORED => Frame::Stored { batch: f.required(1, uint)? },
        kind::CHECKPOINT => {
            Frame::Checkpoint { note: f.required(1, |d| bytes_max(d, NOTE_BYTES_MAX))? }
        }
        kind::CONSISTENCY_REQUEST => Frame::ConsistencyRequest {
            epoch: f.required(1, id)?,
            old_size: f.required(2, uint)?,
            new_size: f.required(3, uint)?,
        },
        kind::CONSISTENCY => Frame::Consistency {
            epoch: f.required(1, id)?,
            old_size: f.required(2, uint)?,
            new_size: f.required(3, uint)?,
            path: f.required(4, path)?,
        },
        kind::COSIGNATURE => Frame::Cosignature {
            log: f.required(1, node)?,
            epoch: f.required(2, id)?,
            size: f.required(3, uint)?,
            line: f.required(4, string)?,
        },
        kind::COSIGNATURE_REQUEST => Frame::CosignatureRequest {
            log: f.required(1, node)?,
            note: f.required(2, |d| bytes_max(d, NOTE_BYTES_MAX))?,
            old_size: f.required(3, uint)?,
            path: f.required(4, path)?,
        },
        kind::COSIGNATURE_HELD => Frame::CosignatureHeld {
            log: f.required(1, node)?,
            note: f.required(2, |d| bytes_max(d, NOTE_BYTES_MAX))?,
        },
        kind::PROOF_REQUEST => Frame::ProofRequest {
            asker: f.required(1, node)?,
            log: f.required(2, node)?,
            epoch: f.required(3, id)?,
            sizes: f.required(4, |d| array(d, 1, PROOF_SIZES_MAX, "sizes", uint))?,
        },
        kind::PROOF => Frame::Proof {
            asker: f.required(1, node)?,
            log: f.required(2, node)?,
            epoch: f.required(3, id)?,
            checkpoints: f
                .required(4, |d| checkpoints(d, PROOF_CHECKPOINTS_MAX, PROOF_SIZES_MAX))?,
        },
        kind::EPOCH => Frame::Epoch { file: f.required(1, |d| bytes_max(d, EPOCH_BYTES_MAX))? },
        kind::TRANSFER => Frame::Transfer(Box::new(transfer(f)?)),
        kind::WANT => Frame::Want(f.required(1, |d| {
            array(d, 0, DOCUMENTS_MAX, "ranges", |d| {
                exactly(d, 2)?;
                Ok(Range { document: d.u16()?, offset: d.u64()? })
            })
        })?),
        kind::DATA => Frame::Data {
            document: f.required(1, |d| Ok(d.u16()?))?,
            offset: f.required(2, uint)?,
            length: f.required(3, uint)?,
        },
        kind::ANSWER => {
            Frame::Answer(f.required(1, |d| array(d, 1, RECIPIENTS_MAX, "answers", answer))?)
        }
        kind::DIRECTORY => {
            Frame::Directory { version: f.required(1, uint)?, digest: f.required(2, id)? }
        }
        kind::DIRECTORY_REQUEST => {
            Frame::DirectoryRequest { have: f.required(1, id)?, offset: f.required(2, uint)? }
        }
        // `name` has let no other type through.
        _ => Frame::DirectoryPiece(Box::new(DirectoryPiece {
            version: f.required(1, uint)?,
            digest: f.required(2, id)?,
            base: f.optional(3, id)?,
            total: f.required(4, uint)?,
            offset: f.required(5, uint)?,
            bytes: f.required(6, |d| bytes_max(d, DIRECTORY_PIECE_BYTES))?,
        })),
    })
}

fn path(d: &mut Decoder<'_>) -> Result<Vec<[u8; 32]>, WireError> {
    array(d, 0, 2 * PROOF_PATH_MAX, "path nodes", fixed)
}

fn hello(f: &mut Fields<'_, '_>) -> Result<Hello, WireError> {
    let numbers = |d: &mut Decoder<'_>| array(d, 0, NUMBERS_MAX, "numbers", |d| Ok(d.u16()?));
    Ok(Hello {
        network: f.required(1, id)?,
        versions: f.required(2, numbers)?,
        features: f.required(3, numbers)?,
        node: f.required(4, node)?,
        directory_version: f.required(5, |d| Ok(d.u64()?))?,
        directory: f.required(6, id)?,
        epoch: f.required(7, id)?,
        checkpoint: f.required(8, |d| bytes_max(d, NOTE_BYTES_MAX))?,
        held: f.optional(9, |d| bytes_max(d, NOTE_BYTES_MAX))?,
        wall: f.required(10, time)?,
        credit: f.required(11, |d| Ok(d.u32()?))?,
    })
}

/// Most versions or features in a hello: one for each bit of a 16-bit number would already be absurd.
const NUMBERS_MAX: usize = 64;

fn transfer(f: &mut Fields<'_, '_>) -> Result<Transfer, WireError> {
    Ok(Transfer {
        dispatch: f.required(1, |d| bytes_max(d, DISPATCH_BYTES_MAX))?,
        recipients: f.required(2, |d| array(d, 1, RECIPIENTS_MAX, "recipients", agency))?,
        receipts: f.required(3, |d| array(d, 0, CBOR_ITEMS_MAX, "receipts", receipt))?,
        inline: f.required(4, |d| {
            array(d, 0, DOCUMENTS_MAX, "inline documents", |d| {
                exactly(d, 2)?;
                Ok((d.u16()?, bytes_max(d, INLINE_DOCUMENT_BYTES_MAX)?))
            })
        })?,
    })
}

fn answer(d: &mut Decoder<'_>) -> Result<Answer, WireError> {
    let length = header(d.array()?)?;
    let recipient = agency(d)?;
    let outcome = match (d.u64()?, length) {
        (outcome::ACCEPTED, 3) => Outcome::Accepted(receipt(d)?),
        (outcome::REFUSED, 3) => Outcome::Refused(receipt(d)?),
        (outcome::REFUSED_UNSIGNED, 4) => {
            Outcome::RefusedUnsigned { code: code(d)?, detail: string(d)? }
        }
        (outcome::LATER, 4) => Outcome::Later { code: code(d)?, retry_ms: d.u64()? },
        (other, _) => {
            return Err(WireError::malformed(format_args!("answer {other} of {length}")));
        }
    };
    Ok(Answer { recipient, outcome })
}

fn receipt(d: &mut Decoder<'_>) -> Result<Vec<u8>, WireError> {
    let bytes = bytes_max(d, RECEIPT_BYTES_MAX)?;
    if bytes.is_empty() { Err(WireError::malformed("an empty receipt")) } else { Ok(bytes) }
}

fn statement(d: &mut Decoder<'_>) -> Result<Vec<u8>, WireError> {
    let bytes = bytes_max(d, STATEMENT_BYTES_MAX)?;
    if bytes.is_empty() { Err(WireError::malformed("an empty statement")) } else { Ok(bytes) }
}
