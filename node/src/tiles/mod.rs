//! Writing a receipt log out as static files (C2SP tlog-tiles), step by step.
//!
//! [`Export`] says which entries it wants next and is given them, by the daemon from its store or by the
//! command line over the socket. It builds the tree from them and from what the folder holds, and puts the
//! checkpoint into place only when the root is that of the checkpoint. So the folder never shows a
//! checkpoint that its tiles do not prove, and a run that was cut short is taken up again.

pub(crate) mod ended;
mod folder;

use std::path::{Path, PathBuf};

use tram_dispatch::Code;
use tram_tlog::checkpoint::Checkpoint;
use tram_tlog::note::Note;
use tram_tlog::published::{
    Published, PublishedError, TileFile, decode_bundle, decode_tile, entries_path, partial_folder,
};
use tram_tlog::tile::{TILE_WIDTH, TileCoord};

use self::folder::Folder;

/// Why a log was not written out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportError {
    /// The folder cannot be written or read.
    #[error("{path}: {error}")]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The folder holds another log, or one that says something else.
    #[error("{path}: {what}")]
    Other {
        /// The folder.
        path: PathBuf,
        /// What it holds.
        what: String,
    },
    /// The folder holds more of this log than the node has.
    #[error("{path} holds {there} leaves of this log and the node has {here}: it went back")]
    Ahead {
        /// The folder.
        path: PathBuf,
        /// Leaves in the folder.
        there: u64,
        /// Leaves of the node.
        here: u64,
    },
    /// Another process writes there now.
    #[error("{0}: another process is writing this log there")]
    Held(PathBuf),
    /// The node gave something that is no part of its log.
    #[error("the node's entries are not those of its checkpoint: {0}")]
    Source(String),
}

impl ExportError {
    pub(crate) fn code(&self) -> Code {
        match self {
            ExportError::Io { .. } => Code::StorageFailed,
            ExportError::Other { .. } | ExportError::Source(_) => Code::StoreCorrupt,
            ExportError::Ahead { .. } => Code::LogRollback,
            ExportError::Held(_) => Code::StoreLocked,
        }
    }
}

impl From<PublishedError> for ExportError {
    fn from(e: PublishedError) -> Self {
        ExportError::Source(e.to_string())
    }
}

/// Entries that are wanted: the first `width` of bundle `index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub index: u64,
    pub width: usize,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exported {
    /// Where: the prefix under which the log is read.
    pub folder: PathBuf,
    /// Leaves under the checkpoint there.
    pub size: u64,
    /// Of them, those that are new.
    pub new: u64,
}

/// One log being written.
pub(crate) struct Export {
    folder: Folder,
    checkpoint: Checkpoint,
    note: Vec<u8>,
    before: u64,
    written: Published,
    /// Tiles that became full: the folders of their partial ones go once the checkpoint is there.
    filled: Vec<String>,
}

impl Export {
    /// Begins to bring the folder `below`/`name` up to a checkpoint, which is the node's own signed note.
    ///
    /// # Errors
    /// [`ExportError`]: the folder holds another log, or more of it.
    pub(crate) fn begin(below: &Path, name: &str, note: Vec<u8>) -> Result<Self, ExportError> {
        let source = |e: &dyn std::fmt::Display| ExportError::Source(e.to_string());
        let checkpoint = text(&note).map_err(|e| source(&e))?;
        let folder = Folder::open(&below.join(name))?;
        let other = |what: String| ExportError::Other { path: folder.path().to_owned(), what };
        let mut before = 0;
        let mut written = Published::new();
        if let Some(there) = folder.checkpoint()? {
            let there = text(&there).map_err(|e| other(format!("its checkpoint: {e}")))?;
            if there.origin() != checkpoint.origin() {
                return Err(other(format!("it holds the log {}", there.origin())));
            }
            if there.size() > checkpoint.size() {
                let path = folder.path().to_owned();
                return Err(ExportError::Ahead {
                    path,
                    there: there.size(),
                    here: checkpoint.size(),
                });
            }
            before = there.size();
            written = Published::resume(before, |tile, width| folder.tile(tile, width))?;
            if written.root() != there.root() {
                return Err(other("its tiles do not lead to its checkpoint".to_owned()));
            }
        }
        Ok(Export { folder, checkpoint, note, before, written, filled: Vec::new() })
    }

    /// Leaves that are in place, and all of them.
    pub(crate) fn progress(&self) -> (u64, u64) {
        (self.written.size(), self.checkpoint.size())
    }

    /// The entries to give next; `None` when there are all. What an earlier run wrote and did not finish
    /// is taken from the folder.
    ///
    /// # Errors
    /// [`ExportError::Io`].
    pub(crate) fn wanted(&mut self) -> Result<Option<Wanted>, ExportError> {
        loop {
            let (size, whole) = self.progress();
            if size >= whole {
                return Ok(None);
            }
            let index = size / TILE_WIDTH as u64;
            let width = TileCoord { level: 0, index }.width_at(whole);
            let wanted = Wanted { index, width };
            if width < TILE_WIDTH || !self.take_what_is_there(wanted)? {
                return Ok(Some(wanted));
            }
        }
    }

    /// Takes a bundle from the folder where both it and its tile are whole and fit each other. Whether they
    /// are of this log the root will say.
    fn take_what_is_there(&mut self, wanted: Wanted) -> Result<bool, ExportError> {
        let path = entries_path(wanted.index, wanted.width);
        let Some(bundle) = self.folder.read(&path)? else { return Ok(false) };
        let Some(entries) = whole(&bundle, wanted.width) else { return Ok(false) };
        let mut trial = self.written.clone();
        let Ok(full) = trial.take_bundle(&entries) else { return Ok(false) };
        for file in &full {
            if self.folder.read(&file.path())?.as_deref() != Some(&file.to_bytes()[..]) {
                return Ok(false);
            }
        }
        self.filled.extend(full.iter().map(TileFile::path).chain([path]));
        self.written = trial;
        Ok(true)
    }

    /// Takes the bundle that was wanted.
    ///
    /// # Errors
    /// [`ExportError`].
    pub(crate) fn put(&mut self, wanted: Wanted, bundle: &[u8]) -> Result<(), ExportError> {
        let entries = whole(bundle, wanted.width)
            .ok_or_else(|| ExportError::Source(format!("bundle {}", wanted.index)))?;
        let full = self.written.take_bundle(&entries)?;
        let path = entries_path(wanted.index, wanted.width);
        self.folder.write(&path, bundle)?;
        for file in &full {
            self.folder.write(&file.path(), &file.to_bytes())?;
        }
        self.filled.extend(full.iter().map(TileFile::path));
        if wanted.width == TILE_WIDTH {
            self.filled.push(path);
        }
        Ok(())
    }

    /// Puts the checkpoint into place once everything under it is durable.
    ///
    /// # Errors
    /// [`ExportError::Other`] where the root is another: what the folder held from before is not of this
    /// log.
    pub(crate) fn finish(self) -> Result<Exported, ExportError> {
        let Export { folder, checkpoint, note, before, written, filled } = self;
        if (written.size(), written.root()) != (checkpoint.size(), checkpoint.root()) {
            let what = "with what it held before, the node's entries do not lead to the node's \
                        checkpoint; write into an empty folder, and keep this one to be looked into";
            return Err(ExportError::Other { path: folder.path().to_owned(), what: what.into() });
        }
        for partial in written.partial() {
            folder.write(&partial.path(), &partial.to_bytes())?;
        }
        if folder.checkpoint()?.as_deref() != Some(&note[..]) {
            folder.publish(&note)?;
        }
        for path in &filled {
            folder.forget(&partial_folder(path))?;
        }
        let (size, new) = (checkpoint.size(), checkpoint.size() - before);
        Ok(Exported { folder: folder.path().to_owned(), size, new })
    }
}

/// The checkpoint in a signed note; its signatures are for those who read it.
fn text(note: &[u8]) -> Result<Checkpoint, tram_tlog::note::NoteError> {
    Checkpoint::parse_text(Note::parse(note)?.text())
}

/// The entries of a bundle that holds so many commitments, and nothing else.
fn whole(bundle: &[u8], width: usize) -> Option<Vec<&[u8]>> {
    const COMMITMENT_BYTES: usize = 32;
    let entries = decode_bundle(bundle).ok()?;
    let sound = entries.len() == width && entries.iter().all(|e| e.len() == COMMITMENT_BYTES);
    sound.then_some(entries)
}

impl Folder {
    fn tile(&self, tile: TileCoord, width: usize) -> Result<Vec<tram_tlog::Hash>, ExportError> {
        let path = tile.path(width);
        let other = |what: String| ExportError::Other { path: self.path().join(&path), what };
        let bytes = self.read(&path)?.ok_or_else(|| other("is missing".to_owned()))?;
        decode_tile(&bytes).map_err(|e| other(e.to_string()))
    }
}

#[cfg(test)]
mod tests;
