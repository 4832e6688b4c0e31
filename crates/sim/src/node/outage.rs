//! How the process of a node ends, and what becomes of its disk.

use super::disk::{DiskPlants, SimDisk};
use super::machine::{Node, disk_plants};
use crate::land::LIVES;

/// At what moment the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Between two things it does; a batch on its way did not reach the disk.
    Now,
    /// While a batch is written: so many operations of the commit were done.
    InCommit(u64),
    /// When the batch is durable and nobody has been told.
    AfterCommit,
}

/// What ends with the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// Nothing: the page cache stays.
    Process,
    /// The machine: of what was not synced a part is lost, by this seed.
    Power(u64),
}

impl Node {
    /// A copy of the disk as a backup would have it: what is durable now.
    #[must_use]
    pub fn backup(&self, seed: u64) -> SimDisk {
        self.disk.crash(seed)
    }

    /// Puts a backup in the place of the disk; the process must not run. With `anchor_lost` the
    /// anchor outside of it is gone too.
    pub fn restore(&mut self, backup: &SimDisk, anchor_lost: bool) {
        self.disk = backup.crash(0);
        if anchor_lost {
            self.anchor = SimDisk::new(DiskPlants::default());
        }
    }

    /// The disk is lost; the process must not run. A new life begins, if one is left.
    pub fn lose_disk(&mut self) -> bool {
        if self.life + 1 >= LIVES {
            return false;
        }
        self.life += 1;
        self.disk = SimDisk::new(disk_plants(self.options.plant));
        self.anchor = SimDisk::new(DiskPlants::default());
        true
    }

    /// The process ends without warning, and perhaps the machine with it.
    pub fn crash(&mut self, moment: Moment, outage: Outage) {
        if let Some(mut running) = self.running.take() {
            match moment {
                Moment::Now => {}
                Moment::InCommit(operations) => {
                    match outage {
                        Outage::Process => self.disk.process_ends_after(operations),
                        Outage::Power(_) => self.disk.power_off_after(operations),
                    }
                    if let Some(batch) = running.committing.take() {
                        // Cut short: whatever it answers, nobody hears it.
                        let _ = running.store.commit(&batch);
                    }
                }
                Moment::AfterCommit => {
                    if let Some(batch) = running.committing.take() {
                        let _ = running.store.commit(&batch);
                    }
                }
            }
            // What would be put in order at a good end is not.
            self.disk.process_ends_after(0);
            self.anchor.process_ends_after(0);
            drop(running);
        }
        self.last_actions.clear();
        match outage {
            Outage::Process => {
                self.disk.process_ended();
                self.anchor.process_ended();
            }
            Outage::Power(seed) => {
                self.disk = self.disk.crash(seed);
                self.anchor = self.anchor.crash(seed.rotate_left(17));
            }
        }
    }

    /// The process ends in order; a batch on its way is finished first.
    pub fn stop(&mut self) {
        if let Some(mut running) = self.running.take() {
            if let Some(batch) = running.committing.take() {
                // Whether it went well is read from the disk at the next start.
                let _ = running.store.commit(&batch);
            }
            drop(running);
        }
        self.last_actions.clear();
    }
}
