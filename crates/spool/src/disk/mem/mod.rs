//! A deterministic model of a disk, harsher than most.
//!
//! Per file, *live* bytes (what a running process reads) and *durable* bytes are kept apart, in
//! sectors of 512 bytes; per name likewise. [`MemDisk::crash`] returns the disk a power cut would
//! leave: of every sector written since the last sync, any of the versions it had since then (or
//! the old one); of the unsynced names any subset that respects the order of operations on one
//! name. A rename is a link followed by an unlink: after a crash the file may have both names,
//! never none. A failed sync leaves its sectors outside all later syncs, as Linux does.
//!
//! Assumed, as the journal assumes: a sector is written entirely or not at all.

mod content;
mod crash;
mod fault;
mod names;
mod rng;

use self::content::Inode;
use self::fault::{Faults, Verdict};
use self::names::{Names, Node};
use super::port::check_path;
use super::{Disk, DiskCounts, DiskError, DiskFile, DiskOp, EntryKind, ListedEntry, OpenMode};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use self::fault::{Fault, FaultEffect, FaultError};

/// Size of the unit that is written entirely or not at all.
const SECTOR_BYTES: u64 = 512;
/// Space of a disk unless set otherwise: more than any test writes.
const CAPACITY_BYTES: u64 = 1 << 50;

/// A disk in memory with crashes and faults. Clones are handles to the same disk.
#[derive(Clone, Debug)]
pub struct MemDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    inodes: BTreeMap<u64, Inode>,
    inode_next: u64,
    names: Names,
    counts: DiskCounts,
    faults: Faults,
    capacity_bytes: u64,
}

impl Default for MemDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl MemDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::from_state(State {
            inodes: BTreeMap::new(),
            inode_next: 1,
            names: Names::default(),
            counts: DiskCounts::default(),
            faults: Faults::default(),
            capacity_bytes: CAPACITY_BYTES,
        })
    }

    fn from_state(state: State) -> Self {
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// The disk after a power cut now. The same disk and the same seed give the same outcome.
    /// Faults and counters start afresh; this disk is left as it is.
    #[must_use]
    pub fn crash(&self, seed: u64) -> Self {
        Self::from_state(self.lock().crash(seed))
    }

    /// Replaces the faults to come; operations are counted from now.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.lock().faults = Faults::planned(faults);
    }

    /// Lets `mutations` more changing operations pass; the next one is caught in flight (it
    /// reports an error, its effect is as any unsynced one), and from then on nothing works.
    pub fn power_off_after(&self, mutations: u64) {
        self.lock().faults.power_off_after(mutations);
    }

    /// True once the power went off.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.lock().faults.is_off()
    }

    /// Sets the space of the disk; files count with their length.
    pub fn set_capacity_bytes(&self, capacity_bytes: u64) {
        self.lock().capacity_bytes = capacity_bytes;
    }

    /// Operations so far.
    #[must_use]
    pub fn counts(&self) -> DiskCounts {
        self.lock().counts
    }

    /// Damages the medium: inverts one bit of a file, in the live and the durable bytes. False if
    /// there is no such file or bit.
    pub fn flip_bit(&self, path: &str, bit: u64) -> bool {
        self.damage(path, |inode| inode.flip_bit(bit))
    }

    /// Damages the medium: zeroes one sector, as a write that the disk lost though it said
    /// otherwise. False if there is no such file or sector.
    pub fn lose_sector(&self, path: &str, sector: u64) -> bool {
        self.damage(path, |inode| inode.lose_sector(sector))
    }

    fn damage(&self, path: &str, change: impl FnOnce(&mut Inode) -> bool) -> bool {
        let mut state = self.lock();
        match state.names.live(path) {
            Some(Node::File(id)) => state.inodes.get_mut(&id).is_some_and(change),
            _ => false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Asks the faults about one operation; `Err` if it must fail without effect.
    fn admit(&mut self, op: DiskOp, path: &str) -> Result<Verdict, DiskError> {
        match self.faults.judge(op) {
            Verdict::FailWithout(error) => Err(error.report(op, path)),
            verdict => Ok(verdict),
        }
    }

    fn free_bytes(&self) -> u64 {
        let used: u64 = self.inodes.values().map(Inode::len_bytes).sum();
        self.capacity_bytes.saturating_sub(used)
    }

    fn file(&mut self, path: &str, op: DiskOp) -> Result<u64, DiskError> {
        match self.names.live(path) {
            Some(Node::File(id)) => Ok(id),
            _ => Err(DiskError::NotFound { op, path: path.to_owned() }),
        }
    }

    fn check_growth(&self, id: u64, end: u64, op: DiskOp, path: &str) -> Result<(), DiskError> {
        let present = self.inodes.get(&id).map_or(0, Inode::len_bytes);
        if end.saturating_sub(present) > self.free_bytes() {
            return Err(DiskError::NoSpace { op, path: path.to_owned() });
        }
        Ok(())
    }
}

impl Verdict {
    /// Turns an operation that took effect into its answer.
    fn answer(self, op: DiskOp, path: &str) -> Result<(), DiskError> {
        match self {
            Self::Pass => Ok(()),
            Self::FailWith(error) | Self::FailWithout(error) => Err(error.report(op, path)),
        }
    }
}

impl Disk for MemDisk {
    fn open(&self, path: &str, mode: OpenMode) -> Result<Arc<dyn DiskFile>, DiskError> {
        check_path(path)?;
        let mut state = self.lock();
        let op = DiskOp::Open;
        let missing = state.names.live(path).is_none();
        // Only a creation changes the disk; a plain open is not a point where power can fail.
        let creates = missing && matches!(mode, OpenMode::Create | OpenMode::CreateNew);
        let verdict = state.faults.judge_open(creates);
        if let Verdict::FailWithout(error) = verdict {
            return Err(error.report(op, path));
        }
        if !missing && mode == OpenMode::CreateNew {
            return Err(DiskError::AlreadyExists { op, path: path.to_owned() });
        }
        let id = if creates {
            let id = state.inode_next;
            state.names.link(path, Node::File(id), op)?;
            state.inode_next += 1;
            state.inodes.insert(id, Inode::default());
            id
        } else {
            state.file(path, op)?
        };
        verdict.answer(op, path)?;
        Ok(Arc::new(MemFile {
            disk: self.clone(),
            id,
            path: path.to_owned(),
            writable: mode != OpenMode::Read,
        }))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        check_path(from)?;
        check_path(to)?;
        let mut state = self.lock();
        let verdict = state.admit(DiskOp::Rename, from)?;
        state.file(from, DiskOp::Rename)?;
        state.names.rename(from, to)?;
        verdict.answer(DiskOp::Rename, from)
    }

    fn remove(&self, path: &str) -> Result<(), DiskError> {
        check_path(path)?;
        let mut state = self.lock();
        let verdict = state.admit(DiskOp::Remove, path)?;
        state.file(path, DiskOp::Remove)?;
        state.names.unlink(path);
        state.forget_unreachable();
        verdict.answer(DiskOp::Remove, path)
    }

    fn list(&self, dir: &str) -> Result<Vec<ListedEntry>, DiskError> {
        check_path(dir)?;
        let mut state = self.lock();
        let verdict = state.admit(DiskOp::List, dir)?;
        verdict.answer(DiskOp::List, dir)?;
        let entries = state.names.list(dir)?;
        Ok(entries
            .into_iter()
            .map(|(name, node)| ListedEntry {
                name,
                kind: match node {
                    Node::Dir => EntryKind::Dir,
                    Node::File(_) => EntryKind::File,
                },
            })
            .collect())
    }

    fn create_dir_all(&self, dir: &str) -> Result<(), DiskError> {
        check_path(dir)?;
        let mut state = self.lock();
        let verdict = state.admit(DiskOp::CreateDir, dir)?;
        state.names.create_dir_all(dir)?;
        verdict.answer(DiskOp::CreateDir, dir)
    }

    fn sync_dir(&self, dir: &str) -> Result<(), DiskError> {
        check_path(dir)?;
        let mut state = self.lock();
        let verdict = state.admit(DiskOp::SyncDir, dir)?;
        state.counts.dir_syncs += 1;
        verdict.answer(DiskOp::SyncDir, dir)?;
        state.names.sync_dir(dir)?;
        state.forget_unreachable();
        Ok(())
    }

    fn free_bytes(&self) -> Result<u64, DiskError> {
        let mut state = self.lock();
        state.admit(DiskOp::FreeBytes, "")?.answer(DiskOp::FreeBytes, "")?;
        Ok(state.free_bytes())
    }
}

impl State {
    /// Gives back the bytes of files that no name, live, durable or pending, can reach. A file
    /// that is still open keeps working until then only through its names, which is all the
    /// spool needs: it never uses a file after removing it.
    fn forget_unreachable(&mut self) {
        let reachable = self.names.reachable();
        self.inodes.retain(|id, _| reachable.contains(id));
    }
}

#[derive(Debug)]
struct MemFile {
    disk: MemDisk,
    id: u64,
    path: String,
    writable: bool,
}

impl MemFile {
    fn change<T>(
        &self,
        op: DiskOp,
        end: u64,
        change: impl FnOnce(&mut Inode, Verdict) -> Result<T, DiskError>,
    ) -> Result<T, DiskError> {
        if !self.writable {
            let source = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
            return Err(DiskError::Io { op, path: self.path.clone(), source });
        }
        let mut state = self.disk.lock();
        let verdict = state.admit(op, &self.path)?;
        state.check_growth(self.id, end, op, &self.path)?;
        change(state.inode(self.id, op, &self.path)?, verdict)
    }
}

impl State {
    fn inode(&mut self, id: u64, op: DiskOp, path: &str) -> Result<&mut Inode, DiskError> {
        let path = path.to_owned();
        self.inodes.get_mut(&id).ok_or(DiskError::NotFound { op, path })
    }
}

impl DiskFile for MemFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize, DiskError> {
        let mut state = self.disk.lock();
        state.admit(DiskOp::Read, &self.path)?.answer(DiskOp::Read, &self.path)?;
        let read = state.inode(self.id, DiskOp::Read, &self.path)?.read_at(offset, buf);
        state.counts.reads += 1;
        state.counts.bytes_read += read as u64;
        Ok(read)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.change(DiskOp::Write, offset + bytes.len() as u64, |inode, verdict| {
            inode.write_at(offset, bytes);
            verdict.answer(DiskOp::Write, &self.path)
        })?;
        let mut state = self.disk.lock();
        state.counts.writes += 1;
        state.counts.bytes_written += bytes.len() as u64;
        Ok(())
    }

    fn sync_data(&self) -> Result<(), DiskError> {
        let mut state = self.disk.lock();
        let verdict = match state.faults.judge(DiskOp::Sync) {
            // A sync that fails took its pages out of every later sync.
            Verdict::FailWithout(error) => {
                state.inode(self.id, DiskOp::Sync, &self.path)?.fail_sync();
                return Err(error.report(DiskOp::Sync, &self.path));
            }
            verdict => verdict,
        };
        state.counts.syncs += 1;
        state.inode(self.id, DiskOp::Sync, &self.path)?.sync();
        verdict.answer(DiskOp::Sync, &self.path)
    }

    fn len_bytes(&self) -> Result<u64, DiskError> {
        let mut state = self.disk.lock();
        state.admit(DiskOp::Len, &self.path)?.answer(DiskOp::Len, &self.path)?;
        Ok(state.inode(self.id, DiskOp::Len, &self.path)?.len_bytes())
    }

    fn truncate(&self, len_bytes: u64) -> Result<(), DiskError> {
        self.change(DiskOp::Truncate, len_bytes, |inode, verdict| {
            inode.set_len(len_bytes);
            verdict.answer(DiskOp::Truncate, &self.path)
        })
    }

    fn preallocate(&self, len_bytes: u64) -> Result<(), DiskError> {
        self.change(DiskOp::Preallocate, len_bytes, |inode, verdict| {
            if len_bytes > inode.len_bytes() {
                inode.set_len(len_bytes);
            }
            verdict.answer(DiskOp::Preallocate, &self.path)
        })
    }
}
