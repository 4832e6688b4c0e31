//! The anchor: how far this node had come, kept outside the data directory.
//!
//! A restored backup of the data directory does not bring its anchor along, so a store that ends
//! before its anchor has been rolled back (or has lost its tail), and must not sign anything.
//! The file is a few lines of text, replaced as a whole: temporary file, sync, rename, sync of the
//! directory.

use crate::disk::{Disk, DiskError, OpenMode, RealDisk, read_full};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// First line of the file in this version.
const FORMAT: &str = "tram-anchor 1";
const FORMAT_NAME: &str = "tram-anchor ";
/// Largest anchor file.
const FILE_BYTES_MAX: usize = 4096;
/// Longest machine id.
pub const MACHINE_ID_BYTES_MAX: usize = 128;

/// The last thing this node is known to have committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The store this is about.
    pub store_id: [u8; 16],
    /// Size of the receipt log, in leaves.
    pub tree_size: u64,
    /// Root of the receipt log at that size.
    pub root: [u8; 32],
    /// Sequence number of the journal batch that made it so.
    pub batch_seq: u64,
    /// The machine it was written on: at most [`MACHINE_ID_BYTES_MAX`] bytes of letters, digits,
    /// `.`, `_`, `-`.
    pub machine_id: String,
}

/// Where the anchor is kept.
#[derive(Clone, Debug)]
pub struct AnchorFile {
    disk: Arc<dyn Disk>,
    name: String,
}

/// Why an anchor could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// The disk failed.
    #[error("the anchor file's disk failed")]
    Disk(#[from] DiskError),
    /// The path has no directory or no usable file name.
    #[error("{path} cannot be an anchor file")]
    BadPath {
        /// The path as given.
        path: PathBuf,
    },
    /// Written by a newer version of this program.
    #[error("the anchor file has a newer format: {found:?}")]
    FormatTooNew {
        /// Its first line.
        found: String,
    },
    /// Not what was written.
    #[error("the anchor file is damaged")]
    Corrupt,
    /// A machine id that is too long or has other characters than allowed.
    #[error("{machine_id:?} cannot be a machine id")]
    BadMachineId {
        /// The id as given.
        machine_id: String,
    },
}

impl AnchorFile {
    /// The anchor at `path`; its directory is created if it is missing.
    pub fn at(path: &Path) -> Result<Self, AnchorError> {
        let bad = || AnchorError::BadPath { path: path.to_owned() };
        let name = path.file_name().and_then(|n| n.to_str()).ok_or_else(bad)?;
        let parent = match path.parent().ok_or_else(bad)? {
            p if p.as_os_str().is_empty() => Path::new("."),
            p => p,
        };
        Ok(Self::on(Arc::new(RealDisk::open(parent)?), name))
    }

    /// The anchor under `name` in the root of `disk`.
    pub fn on(disk: Arc<dyn Disk>, name: &str) -> Self {
        Self { disk, name: name.to_owned() }
    }

    /// Reads the anchor; `None` if none was ever written. Where the disk fails that once it is read again:
    /// nothing relied on what failed, and a node that cannot read its anchor signs nothing.
    pub fn read(&self) -> Result<Option<Anchor>, AnchorError> {
        match self.read_once() {
            Err(AnchorError::Disk(_)) => self.read_once(),
            other => other,
        }
    }

    fn read_once(&self) -> Result<Option<Anchor>, AnchorError> {
        let file = match self.disk.open(&self.name, OpenMode::Read) {
            Err(e) if e.is_not_found() => return Ok(None),
            other => other?,
        };
        let mut bytes = vec![0; FILE_BYTES_MAX + 1];
        let len = read_full(&*file, 0, &mut bytes)?;
        if len > FILE_BYTES_MAX {
            return Err(AnchorError::Corrupt);
        }
        let text = std::str::from_utf8(&bytes[..len]).map_err(|_| AnchorError::Corrupt)?;
        decode(text).map(Some)
    }

    /// Replaces the anchor durably. After an error the old one, or the new one, is in place.
    pub fn write(&self, anchor: &Anchor) -> Result<(), AnchorError> {
        let text = encode(anchor)?;
        let staged = format!("{}.new", self.name);
        let file = self.disk.open(&staged, OpenMode::Create)?;
        file.truncate(0)?;
        file.write_at(0, text.as_bytes())?;
        file.sync_data()?;
        self.disk.rename(&staged, &self.name)?;
        self.disk.sync_dir("")?;
        Ok(())
    }
}

fn encode(anchor: &Anchor) -> Result<String, AnchorError> {
    let id = &anchor.machine_id;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if id.is_empty() || id.len() > MACHINE_ID_BYTES_MAX || !id.bytes().all(plain) {
        return Err(AnchorError::BadMachineId { machine_id: id.clone() });
    }
    let mut text = format!(
        "{FORMAT}\nstore {}\ntree_size {}\nroot {}\nbatch_seq {}\nmachine {id}\n",
        hex(&anchor.store_id),
        anchor.tree_size,
        hex(&anchor.root),
        anchor.batch_seq,
    );
    let crc = crc32c::crc32c(text.as_bytes());
    text.push_str(&format!("crc32c {crc:08x}\n"));
    Ok(text)
}

fn decode(text: &str) -> Result<Anchor, AnchorError> {
    let first = text.lines().next().unwrap_or_default();
    let newer =
        first.strip_prefix(FORMAT_NAME).is_some_and(|v| v.parse().is_ok_and(|v: u32| v > 1));
    if newer {
        return Err(AnchorError::FormatTooNew { found: first.to_owned() });
    }
    let anchor = fields(text).ok_or(AnchorError::Corrupt)?;
    // Written in exactly one way: whatever else says the same was not written by us.
    match encode(&anchor) {
        Ok(canonical) if canonical == text => Ok(anchor),
        _ => Err(AnchorError::Corrupt),
    }
}

fn fields(text: &str) -> Option<Anchor> {
    let mut lines = text.lines().skip(1);
    let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
    Some(Anchor {
        store_id: unhex(field("store")?)?,
        tree_size: field("tree_size")?.parse().ok()?,
        root: unhex(field("root")?)?,
        batch_seq: field("batch_seq")?.parse().ok()?,
        machine_id: field("machine")?.to_owned(),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, b| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{b:02x}");
        out
    })
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut out = [0; N];
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    for (byte, at) in out.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{DiskOp, Fault, FaultEffect, FaultError, MemDisk};

    fn anchor(tree_size: u64) -> Anchor {
        Anchor {
            store_id: [0xab; 16],
            tree_size,
            root: [7; 32],
            batch_seq: 12,
            machine_id: "4f0c-machine".to_owned(),
        }
    }

    #[test]
    fn absent_then_written_then_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let file = AnchorFile::at(&dir.path().join("outside/anchor")).unwrap();
        assert_eq!(file.read().unwrap(), None);
        for size in [1, u64::MAX, 0] {
            file.write(&anchor(size)).unwrap();
            assert_eq!(file.read().unwrap(), Some(anchor(size)));
        }
    }

    #[test]
    fn a_read_that_fails_once_is_done_again_and_no_more() {
        let disk = MemDisk::new();
        let file = AnchorFile::on(Arc::new(disk.clone()), "anchor");
        file.write(&anchor(3)).unwrap();
        let fails =
            |op, nth| Fault { op, nth, error: FaultError::Io, effect: FaultEffect::NotApplied };
        for op in [DiskOp::Open, DiskOp::Read] {
            disk.set_faults(vec![fails(op, 1)]);
            assert_eq!(file.read().unwrap(), Some(anchor(3)));
            disk.set_faults(vec![fails(op, 1), fails(op, 2)]);
            assert!(matches!(file.read(), Err(AnchorError::Disk(_))));
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let text = encode(&anchor(99)).unwrap();
        for bit in 0..text.len() * 8 {
            let mut bytes = text.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(text) = std::str::from_utf8(&bytes) {
                assert!(decode(text).is_err(), "bit {bit}");
            }
        }
        for len in 0..text.len() {
            assert!(decode(&text[..len]).is_err(), "{len}");
        }
    }

    #[test]
    fn a_newer_format_is_refused_by_name() {
        let text = encode(&anchor(1)).unwrap().replacen("anchor 1", "anchor 2", 1);
        assert!(matches!(decode(&text), Err(AnchorError::FormatTooNew { .. })));
    }

    #[test]
    fn a_machine_id_cannot_forge_lines() {
        for id in ["", "a b", "a\ncrc32c 0", &"x".repeat(MACHINE_ID_BYTES_MAX + 1)] {
            let anchor = Anchor { machine_id: id.to_owned(), ..anchor(1) };
            assert!(matches!(encode(&anchor), Err(AnchorError::BadMachineId { .. })));
        }
    }

    #[test]
    fn a_crash_leaves_the_old_or_the_new_anchor_and_a_finished_write_the_new() {
        for seed in 0..400 {
            let disk = MemDisk::new();
            let file = AnchorFile::on(Arc::new(disk.clone()), "anchor");
            file.write(&anchor(1)).unwrap();
            disk.power_off_after(seed % 7);
            let finished = file.write(&anchor(2)).is_ok();
            let after = AnchorFile::on(Arc::new(disk.crash(seed)), "anchor").read().unwrap();
            assert!(after == Some(anchor(2)) || (!finished && after == Some(anchor(1))), "{seed}");
            assert_eq!(finished, seed % 7 == 6);
        }
    }
}
