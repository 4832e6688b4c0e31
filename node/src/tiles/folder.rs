//! The folder of one log: files that appear whole, and a checkpoint that appears last.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use tram_tlog::checkpoint::CHECKPOINT_BYTES_MAX;
use tram_tlog::published::CHECKPOINT_PATH;

use super::ExportError;

/// Largest file here: a full bundle of commitments has 8,704 bytes, a full tile 8,192.
const FILE_BYTES_MAX: u64 = CHECKPOINT_BYTES_MAX as u64;

/// The prefix under which one log is read.
pub(super) struct Folder {
    path: PathBuf,
    /// Locked: two writers could each put an older checkpoint in the place of the other's.
    held: File,
}

impl Folder {
    /// Opens it, or makes it. What is in it is for everybody to read.
    pub(super) fn open(path: &Path) -> Result<Self, ExportError> {
        let held = make(path).and_then(|()| File::open(path));
        let held = held.map_err(|error| failed(path, error))?;
        match rustix::fs::flock(&held, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => Err(ExportError::Held(path.to_owned())),
            locked => locked
                .map(|()| Folder { path: path.to_owned(), held })
                .map_err(|e| failed(path, e.into())),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The checkpoint that is published, if one is.
    pub(super) fn checkpoint(&self) -> Result<Option<Vec<u8>>, ExportError> {
        self.read(CHECKPOINT_PATH)
    }

    /// A file, if it is there.
    pub(super) fn read(&self, path: &str) -> Result<Option<Vec<u8>>, ExportError> {
        let path = self.path.join(path);
        let mut bytes = Vec::new();
        match File::open(&path).and_then(|f| f.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)) {
            Ok(_) => Ok(Some(bytes)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&path, error)),
        }
    }

    /// Writes a file, whole or not at all; durable is it with [`Folder::publish`].
    pub(super) fn write(&self, path: &str, bytes: &[u8]) -> Result<(), ExportError> {
        let path = self.path.join(path);
        let write = || {
            make(path.parent().unwrap_or(&self.path))?;
            let beside = beside(&path);
            create(&beside)?.write_all(bytes)?;
            fs::rename(&beside, &path)
        };
        write().map_err(|error| failed(&path, error))
    }

    /// Makes durable what was written, and then shows the checkpoint over it.
    pub(super) fn publish(&self, note: &[u8]) -> Result<(), ExportError> {
        let path = self.path.join(CHECKPOINT_PATH);
        let publish = || {
            // One sync for all files: each has its name already, and none is believed before this.
            rustix::fs::syncfs(&self.held)?;
            let beside = beside(&path);
            let mut file = create(&beside)?;
            file.write_all(note)?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            self.held.sync_all()
        };
        publish().map_err(|error| failed(&path, error))
    }

    /// Removes a folder of partial tiles that a full one stands for now.
    pub(super) fn forget(&self, path: &str) -> Result<(), ExportError> {
        let path = self.path.join(path);
        match fs::remove_dir_all(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(failed(&path, e)),
            _ => Ok(()),
        }
    }
}

/// Makes a folder with those above it; what is published can be entered and read by everybody.
fn make(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o755).create(path)
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(path)
}

/// Another process may write the same file with the same bytes: each has its own name for it.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{}", std::process::id()));
    path.with_file_name(name)
}

fn failed(path: &Path, error: io::Error) -> ExportError {
    ExportError::Io { path: path.to_owned(), error }
}
