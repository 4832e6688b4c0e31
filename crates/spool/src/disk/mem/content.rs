//! The bytes of one file: live, durable, and what lies between.

use super::SECTOR_BYTES;
use std::collections::{BTreeMap, BTreeSet};

pub(super) type Sector = Box<[u8; SECTOR_BYTES as usize]>;

/// Bytes in sectors; absent sectors are zeros, so that preallocation costs nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pub(super) len: u64,
    pub(super) sectors: BTreeMap<u64, Sector>,
}

/// One change that is not yet durable. `None` is a sector that became a hole.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Sector(u64, Option<Sector>),
    Len(u64),
}

/// A change and whether a failed sync took it out of all later ones.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) change: Change,
    lost: bool,
}

/// One file.
#[derive(Clone, Debug, Default)]
pub(super) struct Inode {
    pub(super) live: Content,
    pub(super) durable: Content,
    pub(super) pending: Vec<Pending>,
}

impl Content {
    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Len(len) => self.len = *len,
            Change::Sector(index, Some(bytes)) => {
                self.sectors.insert(*index, bytes.clone());
            }
            Change::Sector(index, None) => {
                self.sectors.remove(index);
            }
        }
    }

    /// Drops what lies beyond the length.
    pub(super) fn clip(&mut self) {
        let whole = self.len.div_ceil(SECTOR_BYTES);
        self.sectors.split_off(&whole);
        let within = (self.len % SECTOR_BYTES) as usize;
        if within > 0
            && let Some(last) = self.sectors.get_mut(&(whole - 1))
        {
            last[within..].fill(0);
        }
    }

    fn flip_bit(&mut self, bit: u64) -> bool {
        let byte = bit / 8;
        if byte >= self.len {
            return false;
        }
        let sector = self
            .sectors
            .entry(byte / SECTOR_BYTES)
            .or_insert_with(|| Box::new([0; SECTOR_BYTES as usize]));
        sector[(byte % SECTOR_BYTES) as usize] ^= 1 << (bit % 8);
        true
    }
}

impl Inode {
    /// A file as a crash left it: everything in it is durable.
    pub(super) fn settled(content: Content) -> Self {
        Self { live: content.clone(), durable: content, pending: Vec::new() }
    }

    pub(super) fn len_bytes(&self) -> u64 {
        self.live.len
    }

    pub(super) fn read_at(&self, offset: u64, buf: &mut [u8]) -> usize {
        let end = self.live.len.min(offset.saturating_add(buf.len() as u64));
        let mut at = offset;
        while at < end {
            let within = (at % SECTOR_BYTES) as usize;
            let n = (end - at).min(SECTOR_BYTES - within as u64) as usize;
            let target = &mut buf[(at - offset) as usize..][..n];
            match self.live.sectors.get(&(at / SECTOR_BYTES)) {
                Some(sector) => target.copy_from_slice(&sector[within..within + n]),
                None => target.fill(0),
            }
            at += n as u64;
        }
        end.saturating_sub(offset) as usize
    }

    pub(super) fn write_at(&mut self, offset: u64, bytes: &[u8]) {
        let end = offset + bytes.len() as u64;
        if end > self.live.len {
            self.record(Change::Len(end));
        }
        let mut at = offset;
        while at < end {
            let index = at / SECTOR_BYTES;
            let within = (at % SECTOR_BYTES) as usize;
            let n = (end - at).min(SECTOR_BYTES - within as u64) as usize;
            let mut sector = self
                .live
                .sectors
                .get(&index)
                .cloned()
                .unwrap_or_else(|| Box::new([0; SECTOR_BYTES as usize]));
            sector[within..within + n].copy_from_slice(&bytes[(at - offset) as usize..][..n]);
            self.record(Change::Sector(index, Some(sector)));
            at += n as u64;
        }
    }

    pub(super) fn set_len(&mut self, len: u64) {
        let whole = len.div_ceil(SECTOR_BYTES);
        let beyond: Vec<u64> = self.live.sectors.range(whole..).map(|(i, _)| *i).collect();
        for index in beyond {
            self.record(Change::Sector(index, None));
        }
        self.record(Change::Len(len));
        let before = self.live.sectors.get(&(whole.saturating_sub(1))).cloned();
        self.live.clip();
        let after = self.live.sectors.get(&(whole.saturating_sub(1))).cloned();
        if before != after {
            self.record(Change::Sector(whole.saturating_sub(1), after));
        }
    }

    fn record(&mut self, change: Change) {
        self.live.apply(&change);
        self.pending.push(Pending { change, lost: false });
    }

    pub(super) fn sync(&mut self) {
        let mut settled = BTreeSet::new();
        let mut len_settled = false;
        for pending in self.pending.iter().filter(|p| !p.lost) {
            self.durable.apply(&pending.change);
            match &pending.change {
                Change::Sector(index, _) => {
                    settled.insert(*index);
                }
                Change::Len(_) => len_settled = true,
            }
        }
        self.pending.retain(|p| {
            p.lost
                && match &p.change {
                    Change::Sector(index, _) => !settled.contains(index),
                    Change::Len(_) => !len_settled,
                }
        });
        self.durable.clip();
    }

    /// Lengths and holes are the file system's own: they wait for a sync that succeeds.
    pub(super) fn fail_sync(&mut self) {
        for pending in &mut self.pending {
            pending.lost |= matches!(pending.change, Change::Sector(_, Some(_)));
        }
    }

    pub(super) fn flip_bit(&mut self, bit: u64) -> bool {
        let live = self.live.flip_bit(bit);
        self.durable.flip_bit(bit);
        live
    }

    pub(super) fn lose_sector(&mut self, sector: u64) -> bool {
        self.durable.sectors.remove(&sector);
        self.live.sectors.remove(&sector).is_some()
    }
}
