//! Frames to bytes.

use super::{Answer, Frame, Hello, Outcome, Range, Transfer, kind, outcome};
use crate::cbor::{FieldsOut, Writer};

/// The one encoding of this frame: `[type, fields]`. It is what [`super::decode()`] takes if
/// [`super::validate`] agrees with the frame.
pub fn encode(frame: &Frame) -> Vec<u8> {
    let mut f = FieldsOut::new();
    let kind = match frame {
        Frame::Hello(hello) => {
            hello_fields(&mut f, hello);
            kind::HELLO
        }
        Frame::HelloRefused { code, detail } => {
            f.put(1, |w| _ = w.uint(code.number().into())).put(2, |w| _ = w.text(detail));
            kind::HELLO_REFUSED
        }
        Frame::Receipts { batch, receipts, statements } => {
            f.put(1, |w| _ = w.uint(*batch)).put(2, |w| byte_strings(w, receipts));
            if !statements.is_empty() {
                f.put(3, |w| byte_strings(w, statements));
            }
            kind::RECEIPTS
        }
        Frame::Stored { batch } => {
            f.put(1, |w| _ = w.uint(*batch));
            kind::STORED
        }
        Frame::Checkpoint { note } => {
            f.put(1, |w| _ = w.bytes(note));
            kind::CHECKPOINT
        }
        Frame::ConsistencyRequest { epoch, old_size, new_size } => {
            sizes(&mut f, epoch.as_bytes(), *old_size, *new_size);
            kind::CONSISTENCY_REQUEST
        }
        Frame::Consistency { epoch, old_size, new_size, path } => {
            sizes(&mut f, epoch.as_bytes(), *old_size, *new_size).put(4, |w| hashes(w, path));
            kind::CONSISTENCY
        }
        Frame::Cosignature { log, epoch, size, line } => {
            f.put(1, |w| _ = w.text(log.as_str()))
                .put(2, |w| _ = w.bytes(epoch.as_bytes()))
                .put(3, |w| _ = w.uint(*size))
                .put(4, |w| _ = w.text(line));
            kind::COSIGNATURE
        }
        Frame::CosignatureRequest { log, note, old_size, path } => {
            f.put(1, |w| _ = w.text(log.as_str()))
                .put(2, |w| _ = w.bytes(note))
                .put(3, |w| _ = w.uint(*old_size))
                .put(4, |w| hashes(w, path));
            kind::COSIGNATURE_REQUEST
        }
        Frame::CosignatureHeld { log, note } => {
            f.put(1, |w| _ = w.text(log.as_str())).put(2, |w| _ = w.bytes(note));
            kind::COSIGNATURE_HELD
        }
        Frame::ProofRequest { asker, log, epoch, sizes } => {
            f.put(1, |w| _ = w.text(asker.as_str()))
                .put(2, |w| _ = w.text(log.as_str()))
                .put(3, |w| _ = w.bytes(epoch.as_bytes()))
                .put(4, |w| {
                    w.array(sizes.len());
                    sizes.iter().for_each(|size| _ = w.uint(*size));
                });
            kind::PROOF_REQUEST
        }
        Frame::Proof { asker, log, epoch, checkpoints } => {
            f.put(1, |w| _ = w.text(asker.as_str()))
                .put(2, |w| _ = w.text(log.as_str()))
                .put(3, |w| _ = w.bytes(epoch.as_bytes()))
                .put(4, |w| {
                    w.array(checkpoints.len());
                    checkpoints.iter().for_each(|checkpoint| checkpoint.write(w));
                });
            kind::PROOF
        }
        Frame::Epoch { file } => {
            f.put(1, |w| _ = w.bytes(file));
            kind::EPOCH
        }
        Frame::Transfer(transfer) => {
            transfer_fields(&mut f, transfer);
            kind::TRANSFER
        }
        Frame::Want(ranges) => {
            f.put(1, |w| wanted(w, ranges));
            kind::WANT
        }
        Frame::Data { document, offset, length } => {
            f.put(1, |w| _ = w.uint((*document).into()))
                .put(2, |w| _ = w.uint(*offset))
                .put(3, |w| _ = w.uint(*length));
            kind::DATA
        }
        Frame::Answer(answers) => {
            f.put(1, |w| {
                w.array(answers.len());
                answers.iter().for_each(|a| answer(w, a));
            });
            kind::ANSWER
        }
        Frame::Directory { version, digest } => {
            f.put(1, |w| _ = w.uint(*version)).put(2, |w| _ = w.bytes(digest.as_bytes()));
            kind::DIRECTORY
        }
        Frame::DirectoryRequest { have, offset } => {
            f.put(1, |w| _ = w.bytes(have.as_bytes())).put(2, |w| _ = w.uint(*offset));
            kind::DIRECTORY_REQUEST
        }
        Frame::DirectoryPiece(piece) => {
            f.put(1, |w| _ = w.uint(piece.version))
                .put(2, |w| _ = w.bytes(piece.digest.as_bytes()))
                .put_some(3, piece.base, |w, base| _ = w.bytes(base.as_bytes()))
                .put(4, |w| _ = w.uint(piece.total))
                .put(5, |w| _ = w.uint(piece.offset))
                .put(6, |w| _ = w.bytes(&piece.bytes));
            kind::DIRECTORY_PIECE
        }
        Frame::Unknown { kind, body } => {
            let mut w = Writer::with_capacity(body.len() + 10);
            w.array(2).uint(*kind).raw(body);
            return w.finish();
        }
    };
    let mut w = Writer::new();
    w.array(2).uint(kind).fields(f);
    w.finish()
}

fn hashes(w: &mut Writer, path: &[[u8; 32]]) {
    w.array(path.len());
    path.iter().for_each(|hash| _ = w.bytes(hash));
}

fn hello_fields(f: &mut FieldsOut, h: &Hello) {
    f.put(1, |w| _ = w.bytes(h.network.as_bytes()))
        .put(2, |w| numbers(w, &h.versions))
        .put(3, |w| numbers(w, &h.features))
        .put(4, |w| _ = w.text(h.node.as_str()))
        .put(5, |w| _ = w.uint(h.directory_version))
        .put(6, |w| _ = w.bytes(h.directory.as_bytes()))
        .put(7, |w| _ = w.bytes(h.epoch.as_bytes()))
        .put(8, |w| _ = w.bytes(&h.checkpoint))
        .put_some(9, h.held.as_deref(), |w, note| _ = w.bytes(note))
        .put(10, |w| _ = w.uint(h.wall.0))
        .put(11, |w| _ = w.uint(h.credit.into()));
}

fn transfer_fields(f: &mut FieldsOut, t: &Transfer) {
    f.put(1, |w| _ = w.bytes(&t.dispatch))
        .put(2, |w| {
            w.array(t.recipients.len());
            t.recipients.iter().for_each(|code| _ = w.text(code.as_str()));
        })
        .put(3, |w| byte_strings(w, &t.receipts))
        .put(4, |w| {
            w.array(t.inline.len());
            for (index, bytes) in &t.inline {
                w.array(2).uint((*index).into()).bytes(bytes);
            }
        });
}

fn sizes<'f>(f: &'f mut FieldsOut, epoch: &[u8; 32], old: u64, new: u64) -> &'f mut FieldsOut {
    f.put(1, |w| _ = w.bytes(epoch)).put(2, |w| _ = w.uint(old)).put(3, |w| _ = w.uint(new))
}

fn wanted(w: &mut Writer, ranges: &[Range]) {
    w.array(ranges.len());
    for range in ranges {
        w.array(2).uint(range.document.into()).uint(range.offset);
    }
}

fn answer(w: &mut Writer, answer: &Answer) {
    let recipient = answer.recipient.as_str();
    match &answer.outcome {
        Outcome::Accepted(receipt) => {
            w.array(3).text(recipient).uint(outcome::ACCEPTED).bytes(receipt);
        }
        Outcome::Refused(receipt) => {
            w.array(3).text(recipient).uint(outcome::REFUSED).bytes(receipt);
        }
        Outcome::RefusedUnsigned { code, detail } => {
            w.array(4).text(recipient).uint(outcome::REFUSED_UNSIGNED);
            w.uint(code.number().into()).text(detail);
        }
        Outcome::Later { code, retry_ms } => {
            w.array(4).text(recipient).uint(outcome::LATER);
            w.uint(code.number().into()).uint(*retry_ms);
        }
    }
}

fn byte_strings(w: &mut Writer, items: &[Vec<u8>]) {
    w.array(items.len());
    items.iter().for_each(|item| _ = w.bytes(item));
}

fn numbers(w: &mut Writer, items: &[u16]) {
    w.array(items.len());
    items.iter().for_each(|item| _ = w.uint((*item).into()));
}
