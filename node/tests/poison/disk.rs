//! A disk on which reading one document ends badly.

use std::io;
use std::sync::Arc;

use tram_spool::disk::{Disk, DiskError, DiskFile, DiskOp, ListedEntry, OpenMode};

/// What reading it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Harm {
    /// The process dies, as of a bad pointer or for want of memory.
    Kill,
    /// The handler panics.
    Panic,
    /// The disk cannot read it.
    Fail,
}

impl Harm {
    pub(crate) const ALL: [(Harm, &'static str); 3] =
        [(Harm::Kill, "kill"), (Harm::Panic, "panic"), (Harm::Fail, "fail")];

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(harm, _)| *harm == self).expect("every harm").1
    }

    pub(crate) fn named(name: &str) -> Self {
        Self::ALL.iter().find(|(_, n)| *n == name).expect("a harm").0
    }
}

#[derive(Debug)]
pub(crate) struct HarmfulDisk {
    pub(crate) disk: Arc<dyn Disk>,
    /// Name of the document's file.
    pub(crate) document: String,
    pub(crate) harm: Harm,
}

#[derive(Debug)]
struct HarmfulFile(Arc<dyn DiskFile>, Harm);

impl Disk for HarmfulDisk {
    fn open(&self, path: &str, mode: OpenMode) -> Result<Arc<dyn DiskFile>, DiskError> {
        let file = self.disk.open(path, mode)?;
        Ok(match path.ends_with(&self.document) {
            true => Arc::new(HarmfulFile(file, self.harm)),
            false => file,
        })
    }
    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        self.disk.rename(from, to)
    }
    fn remove(&self, path: &str) -> Result<(), DiskError> {
        self.disk.remove(path)
    }
    fn list(&self, dir: &str) -> Result<Vec<ListedEntry>, DiskError> {
        self.disk.list(dir)
    }
    fn create_dir_all(&self, dir: &str) -> Result<(), DiskError> {
        self.disk.create_dir_all(dir)
    }
    fn sync_dir(&self, dir: &str) -> Result<(), DiskError> {
        self.disk.sync_dir(dir)
    }
    fn free_bytes(&self) -> Result<u64, DiskError> {
        self.disk.free_bytes()
    }
}

impl DiskFile for HarmfulFile {
    fn read_at(&self, _: u64, _: &mut [u8]) -> Result<usize, DiskError> {
        match self.1 {
            Harm::Kill => std::process::abort(),
            Harm::Panic => panic!("on purpose"),
            Harm::Fail => {
                let source = io::Error::from_raw_os_error(5);
                Err(DiskError::from_io(DiskOp::Read, "a document", source))
            }
        }
    }
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.0.write_at(offset, bytes)
    }
    fn sync_data(&self) -> Result<(), DiskError> {
        self.0.sync_data()
    }
    fn len_bytes(&self) -> Result<u64, DiskError> {
        self.0.len_bytes()
    }
    fn truncate(&self, len_bytes: u64) -> Result<(), DiskError> {
        self.0.truncate(len_bytes)
    }
    fn preallocate(&self, len_bytes: u64) -> Result<(), DiskError> {
        self.0.preallocate(len_bytes)
    }
}
