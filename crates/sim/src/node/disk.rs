//! The disk of a simulated node: the model of `tram-spool`, and lies on top of it.
//!
//! What can fail openly, and what a crash leaves, is the model's part. Here lies what a disk does
//! while it says that all is well: a write that never happens or lands elsewhere, a bit that reads
//! wrong once; and two planted bugs, a directory sync that is no sync, a sync that is tried again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tram_spool::disk::{
    Disk, DiskError, DiskFile, DiskOp, EntryKind, Fault, ListedEntry, MemDisk, OpenMode,
};

/// Size of what a disk writes entirely or not at all.
const SECTOR_BYTES: u64 = 512;

/// One lie, told once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// The nth write from now says that it was done and is not.
    LoseWrite(u64),
    /// The nth write from now lands so many sectors further on.
    Misdirect(u64, u64),
    /// The nth read from now gives one bit wrong.
    FlipRead(u64, u64),
}

/// Bugs planted in how the disk is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskPlants {
    /// Directories are never synced.
    pub dir_sync_forgotten: bool,
    /// A sync that fails is tried again, and believed.
    pub sync_retried: bool,
}

#[derive(Debug, Default)]
struct Lies {
    plants: DiskPlants,
    planned: Option<Lie>,
    told: u64,
    /// The process ends after so many changes of the disk; from then on it can do nothing.
    ends_in: Option<u64>,
}

impl Lies {
    /// Whether the process lives to make one more change.
    fn lives(&mut self) -> bool {
        match &mut self.ends_in {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }
}

/// A disk in memory that can crash, fail and lie. Clones are handles to the same disk.
#[derive(Clone, Debug)]
pub struct SimDisk {
    mem: MemDisk,
    lies: Arc<Mutex<Lies>>,
}

impl SimDisk {
    /// An empty disk.
    #[must_use]
    pub fn new(plants: DiskPlants) -> Self {
        Self::over(MemDisk::new(), plants)
    }

    fn over(mem: MemDisk, plants: DiskPlants) -> Self {
        let lies = Lies { plants, ..Lies::default() };
        Self { mem, lies: Arc::new(Mutex::new(lies)) }
    }

    /// The disk that a power cut now leaves.
    #[must_use]
    pub fn crash(&self, seed: u64) -> Self {
        Self::over(self.mem.crash(seed), lock(&self.lies).plants)
    }

    /// The process ends, the machine does not: everything written stays readable.
    pub fn process_ended(&self) {
        self.mem.set_faults(Vec::new());
        let mut lies = lock(&self.lies);
        lies.planned = None;
        lies.ends_in = None;
    }

    /// The process ends after so many changes of the disk: what comes then is never done.
    pub fn process_ends_after(&self, changes: u64) {
        lock(&self.lies).ends_in = Some(changes);
    }

    fn alive(&self, op: DiskOp, path: &str) -> Result<(), DiskError> {
        alive(&self.lies, op, path)
    }

    /// So many changing operations from now nothing works any more.
    pub fn power_off_after(&self, mutations: u64) {
        self.mem.power_off_after(mutations);
    }

    /// Whether the power went off.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.mem.is_off()
    }

    /// Faults to come; none takes back those that were planned.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.mem.set_faults(faults);
    }

    /// The space of the disk, bytes.
    pub fn set_capacity_bytes(&self, bytes: u64) {
        self.mem.set_capacity_bytes(bytes);
    }

    /// The lie to come.
    pub fn plan_lie(&self, lie: Lie) {
        lock(&self.lies).planned = Some(lie);
    }

    /// How many lies were told.
    #[must_use]
    pub fn lies_told(&self) -> u64 {
        lock(&self.lies).told
    }

    /// Inverts one bit of a file; false if there is no such file or bit.
    pub fn flip_bit(&self, path: &str, bit: u64) -> bool {
        self.mem.flip_bit(path, bit)
    }

    /// Zeroes one sector of a file; false if there is no such file or sector.
    pub fn lose_sector(&self, path: &str, sector: u64) -> bool {
        self.mem.lose_sector(path, sector)
    }

    /// The files in a directory with their lengths in bytes, by name; nothing on any error.
    #[must_use]
    pub fn files(&self, dir: &str) -> Vec<(String, u64)> {
        let mut out = Vec::new();
        for entry in self.mem.list(dir).unwrap_or_default() {
            let path = format!("{dir}/{}", entry.name);
            match entry.kind {
                EntryKind::Dir => out.extend(self.files(&path)),
                EntryKind::File | EntryKind::Other => {
                    let len = self.mem.open(&path, OpenMode::Read).and_then(|f| f.len_bytes());
                    out.extend(len.ok().map(|len| (path, len)));
                }
            }
        }
        out
    }
}

fn lock(lies: &Mutex<Lies>) -> MutexGuard<'_, Lies> {
    lies.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Fails where the process has ended.
fn alive(lies: &Mutex<Lies>, op: DiskOp, path: &str) -> Result<(), DiskError> {
    if lock(lies).lives() {
        return Ok(());
    }
    let source = std::io::Error::other("the process has ended");
    Err(DiskError::Io { op, path: path.to_owned(), source })
}

impl Disk for SimDisk {
    fn open(&self, path: &str, mode: OpenMode) -> Result<Arc<dyn DiskFile>, DiskError> {
        if mode != OpenMode::Read {
            self.alive(DiskOp::Open, path)?;
        }
        let file = self.mem.open(path, mode)?;
        Ok(Arc::new(SimFile { file, lies: Arc::clone(&self.lies) }))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        self.alive(DiskOp::Rename, from)?;
        self.mem.rename(from, to)
    }

    fn remove(&self, path: &str) -> Result<(), DiskError> {
        self.alive(DiskOp::Remove, path)?;
        self.mem.remove(path)
    }

    fn list(&self, dir: &str) -> Result<Vec<ListedEntry>, DiskError> {
        self.mem.list(dir)
    }

    fn create_dir_all(&self, dir: &str) -> Result<(), DiskError> {
        self.alive(DiskOp::CreateDir, dir)?;
        self.mem.create_dir_all(dir)
    }

    fn sync_dir(&self, dir: &str) -> Result<(), DiskError> {
        self.alive(DiskOp::SyncDir, dir)?;
        if lock(&self.lies).plants.dir_sync_forgotten {
            return Ok(());
        }
        self.mem.sync_dir(dir)
    }

    fn free_bytes(&self) -> Result<u64, DiskError> {
        self.mem.free_bytes()
    }
}

#[derive(Debug)]
struct SimFile {
    file: Arc<dyn DiskFile>,
    lies: Arc<Mutex<Lies>>,
}

/// What becomes of one write.
enum Fate {
    Honest,
    Lost,
    Elsewhere(u64),
}

impl SimFile {
    fn fate_of_write(&self) -> Fate {
        let mut lies = lock(&self.lies);
        let fate = match &mut lies.planned {
            Some(Lie::LoseWrite(n) | Lie::Misdirect(n, _)) if *n > 1 => {
                *n -= 1;
                return Fate::Honest;
            }
            Some(Lie::LoseWrite(_)) => Fate::Lost,
            Some(Lie::Misdirect(_, sectors)) => Fate::Elsewhere(*sectors),
            Some(Lie::FlipRead(..)) | None => return Fate::Honest,
        };
        lies.planned = None;
        lies.told += 1;
        fate
    }

    fn flips_read(&self) -> Option<u64> {
        let mut lies = lock(&self.lies);
        let Some(Lie::FlipRead(n, bit)) = &mut lies.planned else { return None };
        if *n > 1 {
            *n -= 1;
            return None;
        }
        let bit = *bit;
        lies.planned = None;
        lies.told += 1;
        Some(bit)
    }
}

impl DiskFile for SimFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize, DiskError> {
        let n = self.file.read_at(offset, buf)?;
        if n > 0
            && let Some(bit) = self.flips_read()
        {
            let bit = (bit % (8 * n as u64)) as usize;
            buf[bit / 8] ^= 1 << (bit % 8);
        }
        Ok(n)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        alive(&self.lies, DiskOp::Write, "")?;
        match self.fate_of_write() {
            Fate::Honest => self.file.write_at(offset, bytes),
            Fate::Lost => Ok(()),
            Fate::Elsewhere(sectors) => self.file.write_at(offset + sectors * SECTOR_BYTES, bytes),
        }
    }

    fn sync_data(&self) -> Result<(), DiskError> {
        alive(&self.lies, DiskOp::Sync, "")?;
        match self.file.sync_data() {
            Err(_) if lock(&self.lies).plants.sync_retried => self.file.sync_data(),
            answer => answer,
        }
    }

    fn len_bytes(&self) -> Result<u64, DiskError> {
        self.file.len_bytes()
    }

    fn truncate(&self, len_bytes: u64) -> Result<(), DiskError> {
        alive(&self.lies, DiskOp::Truncate, "")?;
        self.file.truncate(len_bytes)
    }

    fn preallocate(&self, len_bytes: u64) -> Result<(), DiskError> {
        alive(&self.lies, DiskOp::Preallocate, "")?;
        self.file.preallocate(len_bytes)
    }
}
