//! The steps of a plan, and what follows from them at a node.

use tram_dispatch::Code;
use tram_spool::disk::{Disk, Fault, FaultEffect, FaultError, OpenMode};

use super::{Happening, World};
use crate::land::land;
use crate::model::Wrong;
use crate::node::{Lie, Moment, Outage};
use crate::plan::What;

/// Space of a disk that is not full, bytes.
const ROOMY_BYTES: u64 = 1 << 50;

impl World<'_> {
    pub(super) fn step(&mut self, what: &What) {
        match what {
            What::Submit(order) => self.client(*order, 0),
            What::Clerks(place) => self.clerks(*place),
            What::Operate(place, pick, act) => self.operate(*place, *pick, *act),
            What::Crash { place, moment, power, down_ms, nested } => {
                let outage = match power {
                    true => Outage::Power(self.dice.number()),
                    false => Outage::Process,
                };
                self.arm(*place, *moment, outage, *down_ms, *nested);
            }
            What::Fail { place, op, nth, no_space, applied } => {
                let error = if *no_space { FaultError::NoSpace } else { FaultError::Io };
                let effect = if *applied { FaultEffect::Applied } else { FaultEffect::NotApplied };
                self.stats.disk_faults += 1;
                self.with_site(*place, |site| {
                    site.faulted = true;
                    site.hurt = true;
                    site.node.disk().set_faults(vec![Fault { op: *op, nth: *nth, error, effect }]);
                });
            }
            What::Full(place, ms) => {
                self.stats.full_disks += 1;
                self.with_site(*place, |site| {
                    site.faulted = true;
                    site.full = true;
                    site.hurt = true;
                    let files = ["journal", "documents", "staging"];
                    let used = files.iter().flat_map(|d| site.node.disk().files(d)).map(|f| f.1);
                    site.node.disk().set_capacity_bytes(used.sum());
                });
                self.after(*ms, Happening::Roomy(*place));
            }
            What::SlowDisk(place, commit_ms, ms) => {
                self.stats.slow_disks += 1;
                let until = self.t + ms;
                self.with_site(*place, |site| {
                    site.commit_ms = *commit_ms;
                    site.slow_until = until;
                });
                self.after(*ms, Happening::Roomy(*place));
            }
            What::Lie(place, lie) => {
                self.stats.disk_lies += 1;
                self.with_site(*place, |site| {
                    site.doubtful = true;
                    site.hurt = true;
                    site.faulted |= matches!(lie, Lie::FlipRead(..));
                    site.node.disk().plan_lie(*lie);
                });
            }
            What::Rot(place, pick) => self.rot(*place, *pick),
            What::RotTail(place, pick) => self.rot_tail(*place, *pick),
            What::LoseDisk(place) => {
                self.crash(*place, Moment::Now, Outage::Process);
                self.after(2_000, Happening::NewDisk(*place));
            }
            What::Backup(place) => {
                let seed = self.dice.number();
                self.with_site(*place, |site| {
                    let size = site.node.reader().map(|r| r.log_head().size);
                    site.backup = size.map(|size| (site.node.backup(seed), size));
                });
            }
            What::Restore { place, anchor_lost } => self.restore(*place, *anchor_lost),
            What::Cut(link, ways, ms) => self.cut(*link, *ways, *ms),
            What::Flap(link) => self.flap(*link),
            What::Slow(link, extra, ms) => self.slow_link(*link, *extra, *ms),
            What::Clock(place, jump) => {
                self.stats.clock_jumps += 1;
                self.with_site(*place, |site| {
                    site.offset_ms += jump;
                    site.clock_doubted = true;
                });
                self.on(*place, |node, now| node.tick(now));
            }
            What::Move(version) => {
                self.stats.moves += 1;
                self.directory = *version;
                for place in self.plan.places.clone() {
                    let after = self.dice.below(3_000);
                    self.after(after, Happening::Directory(place, *version));
                }
            }
            What::Replay(pick, elsewhere) => self.replay(*pick, *elsewhere),
            What::Forge(place) => self.with_site(*place, |site| site.forge = true),
        }
    }

    pub(super) fn with_site(&mut self, place: usize, change: impl FnOnce(&mut super::Site)) {
        if let Some(site) = self.sites.get_mut(&place) {
            change(site);
        }
    }

    /// A crash now, or at the next commit where it is meant for one.
    fn arm(
        &mut self,
        place: usize,
        moment: Moment,
        outage: Outage,
        down_ms: u64,
        nested: Option<u64>,
    ) {
        let committing = self.sites[&place].node.is_committing();
        if moment == Moment::Now || committing {
            self.crash(place, moment, outage);
            self.after(down_ms, Happening::Start(place, nested));
        } else {
            self.with_site(place, |site| site.armed = Some((moment, outage, down_ms, nested)));
        }
    }

    /// The process of a node ends.
    pub(super) fn crash(&mut self, place: usize, moment: Moment, outage: Outage) {
        let t = self.t;
        let Some(site) = self.sites.get_mut(&place) else { return };
        if !site.node.runs() {
            return;
        }
        match outage {
            Outage::Process => self.stats.kills += 1,
            Outage::Power(_) => self.stats.power_cuts += 1,
        }
        match moment {
            Moment::Now => {}
            Moment::InCommit(_) => self.stats.crashes_in_commit += 1,
            Moment::AfterCommit => self.stats.crashes_after_commit += 1,
        }
        if matches!(outage, Outage::Power(_)) {
            site.reboot_first = false;
        }
        site.node.crash(moment, outage);
        site.incarnation += 1;
        site.tick_at = None;
        site.armed = None;
        self.trace.event(t, place, "crashed", 0);
        self.sever(place);
    }

    pub(super) fn commit_done(&mut self, place: usize, incarnation: u64) {
        let Some(site) = self.sites.get_mut(&place) else { return };
        if site.incarnation != incarnation || !site.node.runs() {
            return;
        }
        if let Some((moment, outage, down_ms, nested)) = site.armed.take() {
            self.crash(place, moment, outage);
            self.after(down_ms, Happening::Start(place, nested));
            return;
        }
        self.on(place, |node, now| node.commit_done(now));
    }

    /// A node starts.
    pub(super) fn start(&mut self, place: usize, nested: Option<u64>) {
        let (t, court) = (self.t, self.court);
        let seed = self.dice.number();
        let Some(site) = self.sites.get_mut(&place) else { return };
        if site.node.runs() || site.giving_up {
            return;
        }
        if site.reboot_first && seed.is_multiple_of(2) {
            // Some machines are started anew; on the others the page cache says what it likes.
            site.node.crash(Moment::Now, Outage::Power(seed));
        }
        site.reboot_first = false;
        site.booted_ms = t;
        site.tick_at = None;
        let now = self.now(place);
        let Some(site) = self.sites.get_mut(&place) else { return };
        match site.node.start(now, court, nested) {
            Ok(_) => {
                // What was to fail has failed by now, or does not.
                site.node.disk().set_faults(Vec::new());
                // It may have started on a full disk; the next time it may not.
                site.faulted = site.full;
                self.trace.event(t, place, "started", 0);
                self.started(place);
            }
            Err(e) if e.cut => {
                self.stats.crashes_in_recovery += 1;
                site.node.crash(Moment::Now, Outage::Power(seed));
                self.trace.event(t, place, "power off in recovery", 0);
                self.after(500, Happening::Start(place, None));
            }
            Err(e) => {
                self.trace.line(t, || {
                    format!("{} does not start: {}: {}", land().places[place].id, e.code, e.detail)
                });
                self.does_not_start(place, e.code, &e.detail);
            }
        }
    }

    fn started(&mut self, place: usize) {
        let site = &self.sites[&place];
        let released = self.model.log(&site.node.keys().epoch);
        let reader = site.node.reader();
        let fits = match (released, reader) {
            (Some(log), Some(reader)) => log.compare(&reader),
            _ => Ok(()),
        };
        if let Err(what) = fits {
            if site.doubtful {
                // A write that the disk swore it had done is gone from the end of the journal: no
                // store can tell that from a batch that never was. Its operator can.
                self.give_up_disk(place);
                return;
            }
            if !site.rolled_back {
                self.wrong(Wrong::Lost, format!("after a start: {what}"));
            }
        }
        self.drain(place);
        self.dial_all(place);
    }

    fn does_not_start(&mut self, place: usize, code: Code, detail: &str) {
        let site = &self.sites[&place];
        let caught = matches!(code, Code::LogRollback | Code::LogFork);
        if caught && site.rolled_back {
            self.stats.rollbacks_caught += 1;
            self.give_up_disk(place);
        } else if caught && !site.doubtful {
            // Damage is told as damage, by the store itself.
            let at = &land().places[place].id;
            self.wrong(Wrong::Lost, format!("{at} lost the end of its log: {code}: {detail}"));
        } else if site.damaged || site.doubtful {
            self.give_up_disk(place);
        } else if matches!(code, Code::StorageFailed | Code::BusyStorage) && site.faulted {
            self.with_site(place, |site| site.reboot_first = true);
            self.after(1_000, Happening::Start(place, None));
        } else {
            let at = &land().places[place].id;
            self.wrong(Wrong::Stopped, format!("{at} does not start: {code}: {detail}"));
        }
    }

    /// The node is set up anew on another disk.
    fn give_up_disk(&mut self, place: usize) {
        self.crash(place, Moment::Now, Outage::Process);
        self.with_site(place, |site| site.giving_up = true);
        self.after(1_000, Happening::NewDisk(place));
    }

    pub(super) fn new_disk(&mut self, place: usize) {
        let t = self.t;
        let Some(site) = self.sites.get_mut(&place) else { return };
        if site.node.runs() {
            return;
        }
        let epoch = site.node.keys().epoch;
        let lost = site.node.lose_disk();
        site.giving_up = false;
        if lost {
            site.damaged = false;
            site.doubtful = false;
            site.rolled_back = false;
            site.faulted = false;
            site.reboot_first = false;
            site.backup = None;
            self.stats.disks_lost += 1;
            self.model.log_ended(epoch);
            self.trace.event(t, place, "new disk", 0);
        }
        self.after(10, Happening::Start(place, None));
    }

    /// A node stopped by itself.
    pub(super) fn stopped(&mut self, place: usize, code: Code, detail: &str) {
        self.stats.stops += 1;
        let Some(site) = self.sites.get_mut(&place) else { return };
        site.incarnation += 1;
        site.tick_at = None;
        site.armed = None;
        site.reboot_first = true;
        let excused = site.faulted || site.damaged || site.doubtful;
        if !excused {
            let at = &land().places[place].id;
            self.wrong(Wrong::Stopped, format!("{at} stopped: {code}: {detail}"));
        }
        self.sever(place);
        let after = self.dice.between(200, 3_000);
        self.after(after, Happening::Start(place, None));
    }

    /// Looks whether a node has halted.
    pub(super) fn watch(&mut self, place: usize) {
        let Some(site) = self.sites.get(&place) else { return };
        let Some(engine) = site.node.engine() else { return };
        // Above the limit is an eighth, and at least one for each hop, for what is on its way.
        let most = self.plan.knobs.held_max;
        if engine.held_count() > most + (most / 8).max(8) {
            let what = format!("{} holds {} dispatches", engine.me(), engine.held_count());
            self.wrong(Wrong::Bounds, what);
            return;
        }
        let Some(code) = engine.halted() else { return };
        if site.giving_up {
            return;
        }
        if site.rolled_back || site.doubtful {
            self.stats.rollbacks_caught += 1;
            self.give_up_disk(place);
        } else {
            let what = format!("{} halted without a cause: {code}", engine.me());
            self.wrong(Wrong::Stopped, what);
            self.give_up_disk(place);
        }
    }

    pub(super) fn roomy(&mut self, place: usize) {
        let (t, commit_ms) = (self.t, self.plan.knobs.commit_ms);
        self.with_site(place, |site| {
            site.node.disk().set_capacity_bytes(ROOMY_BYTES);
            site.full = false;
            if t >= site.slow_until {
                site.commit_ms = commit_ms;
            }
        });
    }

    fn rot(&mut self, place: usize, pick: u64) {
        let Some(site) = self.sites.get_mut(&place) else { return };
        let mut files = site.node.disk().files("journal");
        files.extend(site.node.disk().files("documents"));
        if files.is_empty() {
            return;
        }
        let (path, len) = files[(pick % files.len() as u64) as usize].clone();
        if len > 0 && site.node.disk().flip_bit(&path, (pick >> 8) % (8 * len)) {
            site.damaged = true;
            site.hurt = true;
            self.stats.bit_rots += 1;
        }
    }

    /// The power goes off; while it is, a bit of the last batch turns.
    fn rot_tail(&mut self, place: usize, pick: u64) {
        self.crash(place, Moment::Now, Outage::Power(pick));
        let Some(site) = self.sites.get_mut(&place) else { return };
        let disk = site.node.disk().clone();
        // Of a segment that holds nothing yet, the one before has the last batch.
        let mut found = None;
        for (path, _) in disk.files("journal").into_iter().rev() {
            let Ok(file) = disk.open(&path, OpenMode::Read) else { continue };
            let Ok(len) = file.len_bytes() else { continue };
            let mut bytes = vec![0; len as usize];
            if tram_spool::disk::read_full(&*file, 0, &mut bytes).is_err() {
                continue;
            }
            let last = bytes.chunks(512).rposition(|s| s.iter().any(|b| *b != 0)).unwrap_or(0);
            if last > 0 {
                found = Some((path, last as u64));
                break;
            }
        }
        if let Some((path, sector)) = found
            && disk.flip_bit(&path, 8 * 512 * sector + pick % (8 * 512))
        {
            self.with_site(place, |site| (site.damaged, site.hurt) = (true, true));
            self.stats.bit_rots += 1;
        }
        self.after(1_000, Happening::Start(place, None));
    }

    /// An old backup is put in the place of the disk, where that loses something.
    fn restore(&mut self, place: usize, anchor_lost: bool) {
        let Some(site) = self.sites.get(&place) else { return };
        let Some((_, old)) = site.backup else { return };
        let Some(size) = site.node.reader().map(|r| r.log_head().size) else { return };
        let id = &land().places[place].id;
        // Without an anchor only peers can tell; each that may come first must know enough.
        let epoch = site.node.keys().epoch;
        let peers_know = self.plan.places.iter().filter(|p| land().adjacent(place, **p)).all(|p| {
            let engine = self.sites[p].node.engine();
            let held = engine.and_then(|e| e.held_of(id));
            held.is_some_and(|h| h.epoch == epoch && h.size > old)
        });
        if size <= old || (anchor_lost && !peers_know) || site.doubtful || site.damaged {
            return;
        }
        self.stats.restores += 1;
        let t = self.t;
        self.trace.event(t, place, "an old backup is put back", old);
        let Some(site) = self.sites.get_mut(&place) else { return };
        site.node.stop();
        site.incarnation += 1;
        site.tick_at = None;
        site.armed = None;
        if let Some((backup, _)) = site.backup.take() {
            site.node.restore(&backup, anchor_lost);
        }
        site.rolled_back = true;
        self.sever(place);
        self.after(1_000, Happening::Start(place, None));
    }
}
