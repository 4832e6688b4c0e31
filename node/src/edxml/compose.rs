//! A dispatch that was fetched, as an edXML file for a document system that reads nothing else.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::PathBuf;

use tram_dispatch::envelope::Document;
use tram_dispatch::{AgencyCode, Digest, Envelope};
use tram_edxml::map::{Outline, Setting, edoc};
use tram_edxml::model::Attachment;
use tram_edxml::{
    Content, Edoc, Ignore, Limits, MEDIA_TYPE, Note, Part, WriteError, Written, read,
    write_document,
};

/// What was composed.
pub(crate) struct Composed {
    /// Length and digest.
    pub(crate) written: Written,
    /// What edXML could not say.
    pub(crate) notes: Vec<Note>,
}

/// Writes the file. `path_of` says where a document lies.
///
/// # Errors
/// [`WriteError`]; what was written until then is worth nothing.
pub(crate) fn compose(
    envelope: &Envelope,
    names: &BTreeMap<AgencyCode, String>,
    path_of: impl Fn(&Document) -> PathBuf,
    out: impl Write,
) -> Result<Composed, WriteError> {
    compose_from(envelope, names, |d| File::open(path_of(d)), out)
}

/// As [`compose`], where `open` gives a document's bytes.
///
/// # Errors
/// As [`compose`].
pub(crate) fn compose_from<R: Read>(
    envelope: &Envelope,
    names: &BTreeMap<AgencyCode, String>,
    open: impl Fn(&Document) -> io::Result<R>,
    out: impl Write,
) -> Result<Composed, WriteError> {
    let is_kept = |d: &&Document| d.media_type == MEDIA_TYPE;
    let kept = envelope.documents.iter().find(is_kept).and_then(|d| header(d, open(d).ok()?));
    let documents: Vec<&Document> = envelope.documents.iter().filter(|d| !is_kept(d)).collect();
    let outline = Outline::from(envelope);
    let mut notes = Vec::new();
    let setting = Setting {
        issued_at: envelope.issued_at,
        kept: kept.as_ref().map(|kept| (&kept.edoc, kept.sha256)),
        names,
    };
    let made = edoc(&outline, &setting, &mut notes)?;
    let described = kept.as_ref().map(|kept| &kept.attachments[..]).unwrap_or_default();
    let part = |(index, d): (usize, &&Document)| Part {
        name: d.name.clone(),
        media_type: d.media_type.clone(),
        description: described
            .get(index)
            .filter(|a| a.described.name.as_ref() == Some(&d.name))
            .and_then(|a| a.described.description.clone()),
        sha256: d.sha256,
    };
    let parts: Vec<Part> = documents.iter().enumerate().map(part).collect();
    let written = write_document(out, &made, &parts, |index| open(documents[index]))?;
    Ok(Composed { written, notes })
}

/// The file that the dispatch was made of.
struct Kept {
    edoc: Edoc,
    sha256: Digest,
    attachments: Vec<Attachment>,
}

/// What the kept file says, where it can be read and is a document: it came from outside and may be
/// anything.
fn header(document: &Document, bytes: impl Read) -> Option<Kept> {
    let reading = read(BufReader::new(bytes), &mut Ignore, &Limits::DEFAULT).ok()?;
    match reading.content {
        Content::Document(edoc) if reading.sha256 == document.sha256 => {
            Some(Kept { edoc: *edoc, sha256: reading.sha256, attachments: reading.attachments })
        }
        _ => None,
    }
}
