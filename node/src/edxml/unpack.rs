//! A file taken apart: what it says, and its attachments as files, hidden ZIPs unfolded.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tram_crypto::Sha256Stream;
use tram_dispatch::Digest;
use tram_dispatch::limits::DOCUMENT_NAME_BYTES_MAX;
use tram_dispatch::text::is_plain;
use tram_edxml::{
    EdxmlError, Fault, Limits, Reading, Sink, Sniffed, Unfolded, media_type, read, unfold,
};

/// A file taken apart. The attachments lie in a folder that goes with this value.
#[derive(Debug)]
pub(crate) struct Unpacked {
    /// What was read.
    pub(crate) reading: Reading,
    /// The documents in it, in their order.
    pub(crate) documents: Vec<Piece>,
    _folder: TempDir,
}

/// A document that was in the file.
#[derive(Debug)]
pub(crate) struct Piece {
    /// Its name, fit for an envelope.
    pub(crate) name: String,
    /// Its media type, by its bytes.
    pub(crate) media_type: String,
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// SHA-256.
    pub(crate) sha256: Digest,
    /// Bytes.
    pub(crate) size: u64,
    /// The hidden ZIP it came out of.
    pub(crate) unfolded: Option<Unfolded>,
}

/// Writes attachments to numbered files.
struct Folder<'p> {
    path: &'p Path,
    now: Option<BufWriter<File>>,
}

impl Folder<'_> {
    fn file(path: &Path, index: usize) -> PathBuf {
        path.join(format!("{index}"))
    }
}

impl Sink for Folder<'_> {
    fn begin(&mut self, index: usize) -> io::Result<()> {
        let made = File::create_new(Self::file(self.path, index))?;
        self.now = Some(BufWriter::new(made));
        Ok(())
    }

    fn piece(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.now.as_mut().map_or(Ok(()), |file| file.write_all(bytes))
    }

    fn end(&mut self, _: usize) -> io::Result<()> {
        self.now.take().map_or(Ok(()), |mut file| file.flush())
    }
}

/// Takes a file apart.
///
/// # Errors
/// [`EdxmlError`], naming the element; [`Fault::Input`] and [`Fault::Sink`] where disks fail.
pub(crate) fn unpack(path: &Path) -> Result<Unpacked, EdxmlError> {
    let file = File::open(path).map_err(|e| EdxmlError {
        fault: Fault::Input("cannot be opened".into()),
        place: format!("{}: {e}", path.display()),
        offset: 0,
    })?;
    unpack_in(file, &std::env::temp_dir())
}

/// Takes an open file apart, from where it stands, in a folder made below `base`.
///
/// # Errors
/// As [`unpack`].
pub(crate) fn unpack_in(file: File, base: &Path) -> Result<Unpacked, EdxmlError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("tram-edxml-").permissions(fs::Permissions::from_mode(0o700));
    let folder = builder.tempdir_in(base).map_err(|e| EdxmlError {
        fault: Fault::Sink("no folder".to_owned()),
        place: format!("{}: {e}", base.display()),
        offset: 0,
    })?;
    let limits = Limits::DEFAULT;
    let mut sink = Folder { path: folder.path(), now: None };
    let reading = read(BufReader::with_capacity(1 << 16, file), &mut sink, &limits)?;
    let mut documents = Vec::new();
    for index in 0..reading.attachments.len() {
        let nth = if index == 0 { String::new() } else { format!("[{}]", index + 1) };
        let piece = piece(folder.path(), &reading, index, &limits).map_err(|fault| EdxmlError {
            fault,
            place: format!("edXML/AttachmentEncoded/Attachment{nth}"),
            offset: reading.size,
        })?;
        documents.push(piece);
    }
    Ok(Unpacked { reading, documents, _folder: folder })
}

fn piece(folder: &Path, reading: &Reading, index: usize, limits: &Limits) -> Result<Piece, Fault> {
    let attachment = &reading.attachments[index];
    let said = attachment.described.name.as_deref().unwrap_or_default();
    let raw = Folder::file(folder, index);
    let name = name(said, index);
    let declared = attachment.described.content_type.as_deref();
    if attachment.sniffed == Sniffed::Zip {
        let inner = folder.join(format!("{index}-unfolded"));
        let zip = File::open(&raw).map_err(input)?;
        let mut out = BufWriter::new(File::create_new(&inner).map_err(sink)?);
        let unfolded = unfold(zip, &mut out, said, limits)?;
        out.flush().map_err(sink)?;
        if unfolded.is_some() {
            fs::remove_file(&raw).map_err(sink)?;
            let (sha256, size, first) = digest(&inner).map_err(input)?;
            let media_type = media_type(Sniffed::of(&first), &name, None);
            return Ok(Piece { name, media_type, path: inner, sha256, size, unfolded });
        }
    }
    let media_type = media_type(attachment.sniffed, &name, declared);
    let (sha256, size) = (attachment.sha256, attachment.size);
    Ok(Piece { name, media_type, path: raw, sha256, size, unfolded: None })
}

fn input(error: io::Error) -> Fault {
    Fault::Input(error.to_string())
}

fn sink(error: io::Error) -> Fault {
    Fault::Sink(error.to_string())
}

/// SHA-256, length and first bytes of a file.
fn digest(path: &Path) -> io::Result<(Digest, u64, Vec<u8>)> {
    let mut file = File::open(path)?;
    let (mut hash, mut size, mut first) = (Sha256Stream::new(), 0, Vec::new());
    let mut piece = vec![0; 1 << 16];
    loop {
        let n = match file.read(&mut piece) {
            Ok(0) => return Ok((Digest(hash.finish()), size, first)),
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        if size == 0 {
            first.extend_from_slice(&piece[..n.min(64)]);
        }
        hash.update(&piece[..n]);
        size += n as u64;
    }
}

/// A name that an envelope can hold: as it is said where that is possible.
fn name(said: &str, index: usize) -> String {
    let plain: String = said
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .filter(|c| is_plain(c.encode_utf8(&mut [0; 4])))
        .collect();
    let mut end = plain.len().min(DOCUMENT_NAME_BYTES_MAX);
    while !plain.is_char_boundary(end) {
        end -= 1;
    }
    let name = plain[..end].trim();
    if name.is_empty() { format!("attachment-{}", index + 1) } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_where_an_envelope_can_hold_them() {
        assert_eq!(name("Phụ lục 1.pdf", 0), "Phụ lục 1.pdf");
        assert_eq!(name("../../x", 0), "../../x");
        assert_eq!(name("a\u{202e}fdp.exe\n", 0), "afdp.exe");
        assert_eq!(name("", 2), "attachment-3");
        assert_eq!(name("\u{200b}", 2), "attachment-3");
        assert_eq!(name(&"ạ".repeat(200), 0).len(), 255);
    }
}
