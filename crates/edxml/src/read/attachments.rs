//! `AttachmentEncoded`: the attachments, whose bytes stream to the sink and are hashed on the way.

use std::io::BufRead;

use tram_crypto::Sha256Stream;
use tram_dispatch::Digest;

use super::Sink;
use super::base64::Decoder;
use super::field::Seen;
use super::manifest::{self, Listed};
use crate::fault::{EdxmlError, Fault, shown};
use crate::model::Attachment;
use crate::sniff::{LOOK_BYTES, Sniffed};
use crate::xml::Pull;

/// The bytes of one attachment, as far as they went by.
struct Passing<'s> {
    sink: &'s mut dyn Sink,
    hash: Sha256Stream,
    size: u64,
    first: Vec<u8>,
    bytes_max: u64,
}

impl Passing<'_> {
    fn pass(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.size += bytes.len() as u64;
        if self.size > self.bytes_max {
            return Err(Fault::large("attachment_bytes_max", self.bytes_max));
        }
        let missing = LOOK_BYTES - self.first.len();
        self.first.extend(bytes.iter().take(missing));
        self.hash.update(bytes);
        self.sink.piece(bytes).map_err(|e| Fault::Sink(shown(e)))
    }
}

/// Reads them all.
pub(super) fn read<R: BufRead>(
    pull: &mut Pull<R>,
    sink: &mut dyn Sink,
    found: &mut Vec<(Listed, Attachment)>,
) -> Result<(), EdxmlError> {
    pull.children(|pull, name| {
        if name.word() != "Attachment" {
            return pull.skip();
        }
        let max = pull.limits().attachments_max;
        if found.len() >= max {
            return Err(pull.fail(Fault::large("attachments_max", max)));
        }
        found.push(attachment(pull, sink, found.len())?);
        Ok(())
    })
}

fn attachment<R: BufRead>(
    pull: &mut Pull<R>,
    sink: &mut dyn Sink,
    index: usize,
) -> Result<(Listed, Attachment), EdxmlError> {
    let place = pull.place();
    let missing = pull.fail_inside("ContentTransferEncoded", Fault::Missing);
    let mut listed = Listed::at(place);
    let mut bytes = None;
    let mut seen = Seen::default();
    pull.children(|pull, name| match name.word() {
        "ContentTransferEncoded" => {
            seen.once(pull, "ContentTransferEncoded")?;
            bytes = Some(content(pull, sink, index)?);
            Ok(())
        }
        // Of one vendor; they say nothing that the others do not.
        "FieldName" | "MimeType" | "Format" => pull.skip_quietly(),
        word => manifest::field(pull, word, &mut seen, &mut listed),
    })?;
    let (size, sha256, sniffed) = bytes.ok_or(missing)?;
    let described = listed.described.clone();
    Ok((listed, Attachment { described, size, sha256, sniffed }))
}

fn content<R: BufRead>(
    pull: &mut Pull<R>,
    sink: &mut dyn Sink,
    index: usize,
) -> Result<(u64, Digest, Sniffed), EdxmlError> {
    let bytes_max = pull.limits().attachment_bytes_max;
    sink.begin(index).map_err(|e| pull.fail(Fault::Sink(shown(e))))?;
    // The element is left before its last characters are decoded: a fault in them is still its own.
    let mut last = pull.fail(Fault::Missing);
    let mut passing =
        Passing { sink, hash: Sha256Stream::new(), size: 0, first: Vec::new(), bytes_max };
    let mut decoder = Decoder::new();
    pull.stream(|chars| decoder.feed(chars, &mut |bytes| passing.pass(bytes)))?;
    let finish = || {
        decoder.finish(&mut |bytes| passing.pass(bytes))?;
        passing.sink.end(index).map_err(|e| Fault::Sink(shown(e)))
    };
    if let Err(fault) = finish() {
        last.fault = fault;
        last.offset = pull.fail(Fault::Missing).offset;
        return Err(last);
    }
    Ok((passing.size, Digest(passing.hash.finish()), Sniffed::of(&passing.first)))
}
