//! A directory of the file system.

use super::port::check_path;
use super::{Disk, DiskError, DiskFile, DiskOp, EntryKind, ListedEntry, OpenMode};
use rustix::fs::{FallocateFlags, OFlags, StatVfsMountFlags};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Mode of every file: the owner only.
const FILE_MODE: u32 = 0o600;
/// Mode of every directory: the owner only.
const DIR_MODE: u32 = 0o700;

/// The disk under a real directory. Symbolic links are not followed for files.
#[derive(Clone, Debug)]
pub struct RealDisk {
    root: PathBuf,
}

impl RealDisk {
    /// Uses `root`, creating it (mode 0700) if it is missing. The path is resolved once, so a
    /// later change of the working directory does not matter.
    pub fn open(root: &Path) -> Result<Self, DiskError> {
        let shown = root.display().to_string();
        let fail = |e| DiskError::from_io(DiskOp::CreateDir, &shown, e);
        DirBuilder::new().recursive(true).mode(DIR_MODE).create(root).map_err(fail)?;
        Ok(Self { root: root.canonicalize().map_err(fail)? })
    }

    /// The resolved root directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn full(&self, path: &str) -> Result<PathBuf, DiskError> {
        check_path(path)?;
        Ok(if path.is_empty() { self.root.clone() } else { self.root.join(path) })
    }
}

impl Disk for RealDisk {
    fn open(&self, path: &str, mode: OpenMode) -> Result<Arc<dyn DiskFile>, DiskError> {
        let mut options = OpenOptions::new();
        options.read(true).mode(FILE_MODE);
        match mode {
            OpenMode::Read => {}
            OpenMode::Write => {
                options.write(true);
            }
            OpenMode::Create => {
                options.write(true).create(true).truncate(false);
            }
            OpenMode::CreateNew => {
                options.write(true).create_new(true);
            }
        }
        // std adds O_CLOEXEC itself.
        options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
        let file = options
            .open(self.full(path)?)
            .map_err(|e| DiskError::from_io(DiskOp::Open, path, e))?;
        Ok(Arc::new(RealFile { file, path: path.to_owned() }))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        std::fs::rename(self.full(from)?, self.full(to)?)
            .map_err(|e| DiskError::from_io(DiskOp::Rename, from, e))
    }

    fn remove(&self, path: &str) -> Result<(), DiskError> {
        std::fs::remove_file(self.full(path)?)
            .map_err(|e| DiskError::from_io(DiskOp::Remove, path, e))
    }

    fn list(&self, dir: &str) -> Result<Vec<ListedEntry>, DiskError> {
        let fail = |e| DiskError::from_io(DiskOp::List, dir, e);
        let mut listed = Vec::new();
        for entry in std::fs::read_dir(self.full(dir)?).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let kind = match entry.file_type().map_err(fail)? {
                t if t.is_file() => EntryKind::File,
                t if t.is_dir() => EntryKind::Dir,
                _ => EntryKind::Other,
            };
            // The spool makes ASCII names only; a name that is no text is somebody else's.
            if let Ok(name) = entry.file_name().into_string() {
                listed.push(ListedEntry { name, kind });
            }
        }
        listed.sort();
        Ok(listed)
    }

    fn create_dir_all(&self, dir: &str) -> Result<(), DiskError> {
        DirBuilder::new()
            .recursive(true)
            .mode(DIR_MODE)
            .create(self.full(dir)?)
            .map_err(|e| DiskError::from_io(DiskOp::CreateDir, dir, e))
    }

    fn sync_dir(&self, dir: &str) -> Result<(), DiskError> {
        File::open(self.full(dir)?)
            .and_then(|d| d.sync_all())
            .map_err(|e| DiskError::from_io(DiskOp::SyncDir, dir, e))
    }

    fn free_bytes(&self) -> Result<u64, DiskError> {
        let stat = rustix::fs::statvfs(&self.root)
            .map_err(|e| DiskError::from_io(DiskOp::FreeBytes, "", e.into()))?;
        if stat.f_flag.contains(StatVfsMountFlags::RDONLY) {
            let source = io::ErrorKind::ReadOnlyFilesystem.into();
            return Err(DiskError::from_io(DiskOp::FreeBytes, "", source));
        }
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

#[derive(Debug)]
struct RealFile {
    file: File,
    path: String,
}

impl RealFile {
    fn fail(&self, op: DiskOp) -> impl FnOnce(io::Error) -> DiskError + '_ {
        move |e| DiskError::from_io(op, &self.path, e)
    }
}

impl DiskFile for RealFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize, DiskError> {
        loop {
            match self.file.read_at(buf, offset) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => return other.map_err(self.fail(DiskOp::Read)),
            }
        }
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.file.write_all_at(bytes, offset).map_err(self.fail(DiskOp::Write))
    }

    fn sync_data(&self) -> Result<(), DiskError> {
        self.file.sync_data().map_err(self.fail(DiskOp::Sync))
    }

    fn len_bytes(&self) -> Result<u64, DiskError> {
        Ok(self.file.metadata().map_err(self.fail(DiskOp::Len))?.len())
    }

    fn truncate(&self, len_bytes: u64) -> Result<(), DiskError> {
        self.file.set_len(len_bytes).map_err(self.fail(DiskOp::Truncate))
    }

    fn preallocate(&self, len_bytes: u64) -> Result<(), DiskError> {
        let present = self.len_bytes()?;
        if len_bytes <= present {
            return Ok(());
        }
        match rustix::fs::fallocate(&self.file, FallocateFlags::empty(), 0, len_bytes) {
            Ok(()) => Ok(()),
            // File systems without fallocate get a sparse file: right, but without reserved space.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {
                self.file.set_len(len_bytes).map_err(self.fail(DiskOp::Preallocate))
            }
            Err(e) => Err(self.fail(DiskOp::Preallocate)(e.into())),
        }
    }
}
