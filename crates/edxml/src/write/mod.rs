//! Writing, as the pickiest receiver wants it: the order of the regulation, the prefix `edXML` inside the
//! envelope and none outside, `cid:` on both sides, every optional field there and empty rather than left
//! out, UTF-8 without a byte order mark, attachments as they are (no ZIP), no signature.

mod element;
mod header;
mod status;

use std::io::{self, Read, Write};

use ::base64::engine::general_purpose::STANDARD;
use ::base64::write::EncoderWriter;
use tram_crypto::{Sha256Stream, sha256_parts};
use tram_dispatch::Digest;

use crate::fault::EdxmlError;
use crate::model::{Edoc, StatusNotice};
use element::{Elements, PREFIX};

/// Bytes of an attachment read at a time.
const PIECE_BYTES: usize = 48 << 10;

/// What is said of an attachment that is written. Its bytes are asked for when it is its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Name for people.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Description.
    pub description: Option<String>,
    /// SHA-256 of the bytes: the content id is made of it, and it is compared.
    pub sha256: Digest,
}

impl Part {
    /// Its content id without `cid:`: a UUID made of digest and place, so that the same file comes out
    /// every time (version 8 of RFC 9562).
    pub fn content_id(&self, index: usize) -> String {
        let place = (index as u64).to_be_bytes();
        let mut id = [0; 16];
        id.copy_from_slice(
            &sha256_parts(&[b"tram edxml content", self.sha256.as_bytes(), &place])[..16],
        );
        id[6] = id[6] & 0x0f | 0x80;
        id[8] = id[8] & 0x3f | 0x80;
        let hex: String = id.iter().map(|b| format!("{b:02x}")).collect();
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Bytes of the file.
    pub size: u64,
    /// SHA-256 of the file.
    pub sha256: Digest,
}

/// Why nothing sound was written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A value that XML or edXML cannot hold.
    #[error(transparent)]
    Value(#[from] EdxmlError),
    /// The attachment of this index has other bytes than its digest says.
    #[error("attachment {0} has other bytes than its digest says")]
    Digest(usize),
    /// An attachment cannot be read, or the output takes nothing.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Counts and hashes what goes out.
struct Outgoing<W> {
    out: W,
    hash: Sha256Stream,
    size: u64,
}

impl<W: Write> Write for Outgoing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.hash.update(&bytes[..n]);
        self.size += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes a document with its attachments; `open` gives the bytes of each when it is its turn.
///
/// # Errors
/// [`WriteError`]; what was written until then is worth nothing.
pub fn write_document<W: Write, R: Read>(
    out: W,
    edoc: &Edoc,
    parts: &[Part],
    mut open: impl FnMut(usize) -> io::Result<R>,
) -> Result<Written, WriteError> {
    let mut to = begin(out)?;
    to.open_declaring("edXMLEnvelope")?;
    to.open("edXMLHeader")?;
    header::write(&mut to, edoc)?;
    to.close()?;
    to.open("edXMLBody")?;
    to.open_with("edXMLManifest", &[("version", "1.0")])?;
    for (index, part) in parts.iter().enumerate() {
        to.open("Reference")?;
        described(&mut to, part, index)?;
        to.close()?;
    }
    to.close()?;
    to.close()?;
    to.close()?;
    to.plain();
    to.open("AttachmentEncoded")?;
    for (index, part) in parts.iter().enumerate() {
        to.open("Attachment")?;
        described(&mut to, part, index)?;
        to.prefixed();
        to.begin_content("ContentTransferEncoded")?;
        let sha256 = encode(to.out(), open(index)?)?;
        if sha256 != part.sha256 {
            return Err(WriteError::Digest(index));
        }
        to.end_content("ContentTransferEncoded")?;
        to.plain();
        to.close()?;
    }
    to.close()?;
    finish(to)
}

/// Writes a status.
///
/// # Errors
/// As [`write_document`].
pub fn write_status<W: Write>(out: W, notice: &StatusNotice) -> Result<Written, WriteError> {
    let mut to = begin(out)?;
    to.open_declaring("edXMLEnvelope")?;
    to.open("edXMLHeader")?;
    status::write(&mut to, notice)?;
    to.close()?;
    to.close()?;
    finish(to)
}

fn begin<W: Write>(out: W) -> Result<Elements<Outgoing<W>>, WriteError> {
    let out = Outgoing { out, hash: Sha256Stream::new(), size: 0 };
    let mut to = Elements::new(out);
    to.declaration()?;
    to.plain();
    to.open_with("edXML", &[("xmlns", crate::xml::NAMESPACE)])?;
    to.prefixed();
    Ok(to)
}

fn finish<W: Write>(mut to: Elements<Outgoing<W>>) -> Result<Written, WriteError> {
    to.plain();
    to.close()?;
    let mut out = to.into_out();
    out.flush()?;
    Ok(Written { size: out.size, sha256: Digest(out.hash.finish()) })
}

fn described<W: Write>(to: &mut Elements<W>, part: &Part, index: usize) -> Result<(), WriteError> {
    let id = format!("cid:{}", part.content_id(index));
    // The order of the two differs between manifest and attachment.
    let (kind, name) = (part.media_type.as_str(), part.name.as_str());
    let description = part.description.as_deref().unwrap_or_default();
    to.leaf("ContentId", &id)?;
    if to.prefix() == PREFIX {
        to.leaf("ContentType", kind)?;
        to.leaf("Description", description)?;
        to.leaf("AttachmentName", name)?;
    } else {
        to.leaf("AttachmentName", name)?;
        to.leaf("Description", description)?;
        to.leaf("ContentType", kind)?;
    }
    Ok(())
}

/// Base64 on one line, as every sample has it.
fn encode(out: &mut dyn Write, mut bytes: impl Read) -> io::Result<Digest> {
    let mut hash = Sha256Stream::new();
    let mut encoder = EncoderWriter::new(out, &STANDARD);
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match bytes.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => {
                hash.update(&piece[..n]);
                encoder.write_all(&piece[..n])?;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    encoder.finish()?;
    Ok(Digest(hash.finish()))
}
