//! The hidden ZIP: one vendor's library wraps each attachment in a ZIP of one entry, named by a UUID,
//! whatever type is declared. It is told from a ZIP that somebody meant to send, and unfolded with
//! bounds on size and ratio. Nothing else is ever unpacked, and no name from inside becomes a path.

use std::io::{self, Read, Seek, SeekFrom, Write};

use flate2::Crc;
use flate2::read::DeflateDecoder;

use crate::Limits;
use crate::fault::Fault;

/// End of central directory record (APPNOTE 4.3.16), without its comment.
const END_BYTES: usize = 22;
/// Longest comment.
const COMMENT_BYTES_MAX: usize = 0xffff;
/// Central directory header (4.3.12), without its variable parts.
const CENTRAL_BYTES: usize = 46;
/// Local file header (4.3.7), without its variable parts.
const LOCAL_BYTES: usize = 30;
/// Bytes unfolded at a time.
const PIECE_BYTES: usize = 64 << 10;

/// What came out of a hidden ZIP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfolded {
    /// The entry's name: data, never a path.
    pub name: String,
    /// Bytes written.
    pub size: u64,
}

/// The one entry of a ZIP.
struct Entry {
    name: Vec<u8>,
    deflated: bool,
    crc: u32,
    packed: u64,
    size: u64,
    data_at: u64,
}

/// Unfolds a hidden ZIP into `out`: `None`, with nothing written, where the bytes are no ZIP, or one
/// that is meant as such. `name` is the attachment's own name.
///
/// # Errors
/// [`Fault::Zip`] where it is damaged or unfolds to more than it says; [`Fault::TooLarge`] over
/// `attachment_bytes_max` or `unzip_ratio_max`; [`Fault::Input`], [`Fault::Sink`]. What was written is
/// then worth nothing.
pub fn unfold<R: Read + Seek>(
    mut zip: R,
    out: &mut dyn Write,
    name: &str,
    limits: &Limits,
) -> Result<Option<Unfolded>, Fault> {
    let Some(entry) = only_entry(&mut zip).map_err(input)? else { return Ok(None) };
    if !is_hidden(&entry.name, name) {
        return Ok(None);
    }
    if entry.size > limits.attachment_bytes_max {
        return Err(Fault::large("attachment_bytes_max", limits.attachment_bytes_max));
    }
    let by_ratio = entry.packed.saturating_mul(limits.unzip_ratio_max);
    if entry.size > limits.unzip_free_bytes && entry.size > by_ratio {
        return Err(Fault::large("unzip_ratio_max", limits.unzip_ratio_max));
    }
    zip.seek(SeekFrom::Start(entry.data_at)).map_err(input)?;
    let packed = zip.take(entry.packed);
    let size = if entry.deflated {
        copy(DeflateDecoder::new(packed), out, &entry)?
    } else {
        copy(packed, out, &entry)?
    };
    Ok(Some(Unfolded { name: String::from_utf8_lossy(&entry.name).into_owned(), size }))
}

fn input(error: io::Error) -> Fault {
    Fault::Input(error.to_string())
}

/// Copies the entry, never more than it says it holds.
fn copy(mut from: impl Read, out: &mut dyn Write, entry: &Entry) -> Result<u64, Fault> {
    let (mut crc, mut size, mut piece) = (Crc::new(), 0, vec![0; PIECE_BYTES]);
    loop {
        let n = match from.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(Fault::Zip(format!("damaged: {e}"))),
        };
        size += n as u64;
        if size > entry.size {
            return Err(Fault::Zip(format!(
                "unfolds to more than the {} bytes it says",
                entry.size
            )));
        }
        crc.update(&piece[..n]);
        out.write_all(&piece[..n]).map_err(|e| Fault::Sink(e.to_string()))?;
    }
    if size != entry.size || crc.sum() != entry.crc {
        return Err(Fault::Zip("damaged: length or checksum differ".to_owned()));
    }
    Ok(size)
}

/// The entry of a ZIP that has one, plain, from its first byte on; everything unusual is no wrapper.
fn only_entry<R: Read + Seek>(zip: &mut R) -> io::Result<Option<Entry>> {
    let len = zip.seek(SeekFrom::End(0))?;
    let mut first = [0; LOCAL_BYTES];
    if len < (LOCAL_BYTES + CENTRAL_BYTES + END_BYTES) as u64 {
        return Ok(None);
    }
    zip.seek(SeekFrom::Start(0))?;
    zip.read_exact(&mut first)?;
    if !first.starts_with(b"PK\x03\x04") {
        return Ok(None);
    }
    let tail_len = len.min((END_BYTES + COMMENT_BYTES_MAX) as u64);
    zip.seek(SeekFrom::Start(len - tail_len))?;
    let mut tail = Vec::new();
    zip.take(tail_len).read_to_end(&mut tail)?;
    let Some((end_at, end)) = end_record(&tail) else { return Ok(None) };
    let end_at = len - tail_len + end_at as u64;
    let entries = (u16_at(end, 8), u16_at(end, 10));
    let (central_len, central_at) = (u32_at(end, 12), u32_at(end, 16));
    let disks = (u16_at(end, 4), u16_at(end, 6));
    if entries != (1, 1) || disks != (0, 0) || central_at + central_len != end_at {
        return Ok(None);
    }
    if central_len < CENTRAL_BYTES as u64 || central_len > tail_len {
        return Ok(None);
    }
    zip.seek(SeekFrom::Start(central_at))?;
    let mut central = Vec::new();
    zip.take(central_len).read_to_end(&mut central)?;
    let name_len = usize::from(u16_at(&central, 28));
    let (Some(name), true) = (
        central.get(CENTRAL_BYTES..CENTRAL_BYTES + name_len),
        central.starts_with(b"PK\x01\x02") && u32_at(&central, 42) == 0,
    ) else {
        return Ok(None);
    };
    let (flags, method) = (u16_at(&central, 8), u16_at(&central, 10));
    let (packed, size) = (u32_at(&central, 20), u32_at(&central, 24));
    let data_at =
        LOCAL_BYTES as u64 + u64::from(u16_at(&first, 26)) + u64::from(u16_at(&first, 28));
    // Encrypted, of another method, of the 64-bit form, or two entries in one place.
    let plain = flags & 0x2041 == 0
        && matches!(method, 0 | 8)
        && method == u16_at(&first, 8)
        && packed != u64::from(u32::MAX)
        && size != u64::from(u32::MAX)
        && data_at + packed <= central_at
        && (method == 8 || packed == size);
    let crc = u32::try_from(u32_at(&central, 16)).unwrap_or_default();
    let entry = Entry { name: name.to_owned(), deflated: method == 8, crc, packed, size, data_at };
    Ok(plain.then_some(entry))
}

/// The end record, and where it begins in `tail`: the one whose comment ends the file.
fn end_record(tail: &[u8]) -> Option<(usize, &[u8])> {
    let last = tail.len().checked_sub(END_BYTES)?;
    (0..=last).rev().map(|at| (at, &tail[at..])).find(|(at, record)| {
        let comment = usize::from(u16_at(record, 20));
        record.starts_with(b"PK\x05\x06") && at + END_BYTES + comment == tail.len()
    })
}

/// Whether a ZIP with this one entry is a wrapper around an attachment of this name: the entry is named
/// by a UUID, or the attachment's name is of something that is no archive.
fn is_hidden(entry: &[u8], name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default();
    let no_archive =
        ["pdf", "doc", "xls", "ppt", "rtf", "txt", "png", "jpg", "jpeg", "tif", "tiff", "xml"];
    is_uuid(entry) || no_archive.contains(&ending.as_str())
}

/// `8-4-4-4-12` hexadecimal digits, with or without an ending behind them.
fn is_uuid(name: &[u8]) -> bool {
    let stem = name.split(|b| *b == b'.').next().unwrap_or_default();
    let groups: Vec<&[u8]> = stem.split(|b| *b == b'-').collect();
    groups.iter().map(|g| g.len()).eq([8, 4, 4, 4, 12])
        && groups.concat().iter().all(u8::is_ascii_hexdigit)
}

/// Little-endian; 0 beyond the end, which no caller reads unchecked.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]))
}

fn u32_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 4).map_or(0, |b| u64::from(u32::from_le_bytes([b[0], b[1], b[2], b[3]])))
}
