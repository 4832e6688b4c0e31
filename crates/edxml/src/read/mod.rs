//! Reading a file from its first byte to its last: in any order of elements, with or without prefixes,
//! whatever is met in the field; and nothing beyond [`Limits`].

mod attachments;
mod base64;
mod field;
mod header;
mod manifest;
mod parties;
mod signature;
mod status;
mod task;

use std::io::{self, BufRead};

use tram_dispatch::Digest;

use crate::fault::{EdxmlError, Fault, quoted};
use crate::model::{Attachment, Content, Hop, Reading, SignatureReport, Task};
use crate::xml::{Name, Pull};
use crate::{Limits, Odd};
use field::Seen;
use header::Header;
use manifest::Listed;

/// Takes the attachments as they stream by, decoded from base64, one after the other.
pub trait Sink {
    /// The attachment of this index (from 0) begins.
    ///
    /// # Errors
    /// What keeps it from being kept; the reading ends with it.
    fn begin(&mut self, index: usize) -> io::Result<()>;

    /// The next bytes of it.
    ///
    /// # Errors
    /// As [`Sink::begin`].
    fn piece(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// It is complete.
    ///
    /// # Errors
    /// As [`Sink::begin`].
    fn end(&mut self, index: usize) -> io::Result<()>;
}

/// Lets the attachments go by: for looking at a file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ignore;

impl Sink for Ignore {
    fn begin(&mut self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn piece(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn end(&mut self, _: usize) -> io::Result<()> {
        Ok(())
    }
}

/// What was read so far.
#[derive(Default)]
struct Parts {
    header: Option<Header>,
    trace: Vec<Hop>,
    task: Option<Task>,
    signature: Option<SignatureReport>,
    listed: Vec<Listed>,
    attachments: Vec<(Listed, Attachment)>,
}

/// Reads a file. Attachments go to `sink` as they come by: if the reading fails, what the sink took is
/// worth nothing.
///
/// # Errors
/// [`EdxmlError`], naming the element. A secrecy mark is no error here: see [`Reading::marks`].
pub fn read<R: BufRead>(
    input: R,
    sink: &mut dyn Sink,
    limits: &Limits,
) -> Result<Reading, EdxmlError> {
    let mut pull = Pull::new(input, limits);
    let root = pull.root()?;
    if root.word() != "edXML" {
        return Err(pull.fail(Fault::NotEdxml(quoted(&root.local))));
    }
    let mut parts = Parts::default();
    let mut seen = Seen::default();
    pull.children(|pull, name| match name.word() {
        "edXMLEnvelope" => {
            seen.once(pull, "edXMLEnvelope")?;
            envelope(pull, &mut parts)
        }
        "AttachmentEncoded" => {
            seen.once(pull, "AttachmentEncoded")?;
            attachments::read(pull, sink, &mut parts.attachments)
        }
        _ => other(pull, name, &mut parts),
    })?;
    if !seen.has("edXMLEnvelope") {
        let at = pull.finish()?.0;
        return Err(Fault::Missing.at("edXML/edXMLEnvelope", at));
    }
    let attachments = manifest::match_up(&mut pull, parts.listed, parts.attachments);
    let mut signature = parts.signature;
    if let Some(report) = &mut signature {
        signature::compare(report, &attachments);
    }
    let (size, sha256, notes, marks) = pull.finish()?;
    let header = parts
        .header
        .ok_or_else(|| Fault::Missing.at("edXML/edXMLEnvelope/edXMLHeader/MessageHeader", size))?;
    let content = match header {
        Header::Status(notice) => Content::Status(notice),
        Header::Document(mut edoc) => {
            edoc.trace = parts.trace;
            edoc.task = parts.task.unwrap_or_default();
            Content::Document(edoc)
        }
    };
    Ok(Reading { content, attachments, signature, marks, notes, size, sha256: Digest(sha256) })
}

fn envelope<R: BufRead>(pull: &mut Pull<R>, parts: &mut Parts) -> Result<(), EdxmlError> {
    let mut seen = Seen::default();
    pull.children(|pull, name| match name.word() {
        "edXMLHeader" => {
            seen.once(pull, "edXMLHeader")?;
            head(pull, parts)
        }
        "edXMLBody" => {
            seen.once(pull, "edXMLBody")?;
            pull.children(|pull, name| match name.word() {
                "edXMLManifest" => manifest::read(pull, &mut parts.listed),
                _ => other(pull, name, parts),
            })
        }
        _ => other(pull, name, parts),
    })
}

fn head<R: BufRead>(pull: &mut Pull<R>, parts: &mut Parts) -> Result<(), EdxmlError> {
    let mut seen = Seen::default();
    pull.children(|pull, name| match name.word() {
        "MessageHeader" => {
            seen.once(pull, "MessageHeader")?;
            parts.header = Some(header::read(pull)?);
            Ok(())
        }
        "TraceHeaderList" => {
            seen.once(pull, "TraceHeaderList")?;
            task::trace(pull, &mut parts.trace, &mut parts.task)
        }
        "Bussiness" | "Business" if parts.task.is_none() => {
            parts.task = Some(task::read(pull)?);
            Ok(())
        }
        _ => other(pull, name, parts),
    })
}

/// A signature, wherever it stands, or an element that is not known there.
fn other<R: BufRead>(pull: &mut Pull<R>, name: &Name, parts: &mut Parts) -> Result<(), EdxmlError> {
    match signature::form(name) {
        Some(_) if parts.signature.is_some() => {
            pull.remark(Odd::Unknown);
            pull.skip_quietly()
        }
        Some(form) => {
            parts.signature = Some(signature::read(pull, form)?);
            Ok(())
        }
        None => pull.skip(),
    }
}
