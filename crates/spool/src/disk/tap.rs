//! Wrappers that watch or slow another disk, for benchmarks.

use super::{Disk, DiskError, DiskFile, ListedEntry, OpenMode};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a [`TappedDisk`] calls. Every hook defaults to doing nothing.
pub trait Tap: Send + Sync + fmt::Debug + 'static {
    /// Bytes were read.
    fn did_read(&self, _bytes: usize) {}
    /// Bytes were written.
    fn did_write(&self, _bytes: usize) {}
    /// A file is about to be made durable.
    fn before_sync(&self) {}
    /// A directory is about to be made durable.
    fn before_sync_dir(&self) {}
}

/// A disk whose operations pass through a [`Tap`].
#[derive(Debug)]
pub struct TappedDisk<D, T> {
    disk: D,
    tap: Arc<T>,
}

/// A disk that counts its reads, writes and syncs.
pub type CountingDisk<D> = TappedDisk<D, TapCounters>;
/// A disk that sleeps before every sync of a file. Figures measured on it must say so.
pub type DelayDisk<D> = TappedDisk<D, SyncDelay>;

impl<D: Disk> CountingDisk<D> {
    /// Wraps `disk` with counters at zero.
    pub fn counting(disk: D) -> Self {
        Self { disk, tap: Arc::new(TapCounters::default()) }
    }

    /// The counts since the beginning.
    #[must_use]
    pub fn counts(&self) -> DiskCounts {
        self.tap.counts()
    }
}

impl<D: Disk> DelayDisk<D> {
    /// Wraps `disk`; each `sync_data` first sleeps for `delay`.
    pub fn delaying(disk: D, delay: Duration) -> Self {
        Self { disk, tap: Arc::new(SyncDelay { delay }) }
    }
}

/// How often a disk was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskCounts {
    /// Read calls.
    pub reads: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Write calls.
    pub writes: u64,
    /// Bytes written.
    pub bytes_written: u64,
    /// Syncs of files.
    pub syncs: u64,
    /// Syncs of directories.
    pub dir_syncs: u64,
}

/// The tap of a [`CountingDisk`].
#[derive(Debug, Default)]
pub struct TapCounters {
    reads: AtomicU64,
    bytes_read: AtomicU64,
    writes: AtomicU64,
    bytes_written: AtomicU64,
    syncs: AtomicU64,
    dir_syncs: AtomicU64,
}

impl TapCounters {
    fn counts(&self) -> DiskCounts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        DiskCounts {
            reads: load(&self.reads),
            bytes_read: load(&self.bytes_read),
            writes: load(&self.writes),
            bytes_written: load(&self.bytes_written),
            syncs: load(&self.syncs),
            dir_syncs: load(&self.dir_syncs),
        }
    }
}

impl Tap for TapCounters {
    fn did_read(&self, bytes: usize) {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.bytes_read.fetch_add(bytes as u64, Ordering::Relaxed);
    }
    fn did_write(&self, bytes: usize) {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.bytes_written.fetch_add(bytes as u64, Ordering::Relaxed);
    }
    fn before_sync(&self) {
        self.syncs.fetch_add(1, Ordering::Relaxed);
    }
    fn before_sync_dir(&self) {
        self.dir_syncs.fetch_add(1, Ordering::Relaxed);
    }
}

/// The tap of a [`DelayDisk`].
#[derive(Debug)]
pub struct SyncDelay {
    delay: Duration,
}

impl Tap for SyncDelay {
    fn before_sync(&self) {
        std::thread::sleep(self.delay);
    }
}

impl<D: Disk, T: Tap> Disk for TappedDisk<D, T> {
    fn open(&self, path: &str, mode: OpenMode) -> Result<Arc<dyn DiskFile>, DiskError> {
        let file = self.disk.open(path, mode)?;
        Ok(Arc::new(TappedFile { file, tap: Arc::clone(&self.tap) }))
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
        self.tap.before_sync_dir();
        self.disk.sync_dir(dir)
    }
    fn free_bytes(&self) -> Result<u64, DiskError> {
        self.disk.free_bytes()
    }
}

#[derive(Debug)]
struct TappedFile<T> {
    file: Arc<dyn DiskFile>,
    tap: Arc<T>,
}

impl<T: Tap> DiskFile for TappedFile<T> {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize, DiskError> {
        let read = self.file.read_at(offset, buf)?;
        self.tap.did_read(read);
        Ok(read)
    }
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.file.write_at(offset, bytes)?;
        self.tap.did_write(bytes.len());
        Ok(())
    }
    fn sync_data(&self) -> Result<(), DiskError> {
        self.tap.before_sync();
        self.file.sync_data()
    }
    fn len_bytes(&self) -> Result<u64, DiskError> {
        self.file.len_bytes()
    }
    fn truncate(&self, len_bytes: u64) -> Result<(), DiskError> {
        self.file.truncate(len_bytes)
    }
    fn preallocate(&self, len_bytes: u64) -> Result<(), DiskError> {
        self.file.preallocate(len_bytes)
    }
}
