//! What schedules did and what was done to them, to be added up.

use std::fmt;

macro_rules! stats {
    ($( $(#[doc = $doc:literal])+ $name:ident, )+) => {
        /// Counts of one schedule, or of many.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Stats {
            $( $(#[doc = $doc])+ pub $name: u64, )+
        }

        impl Stats {
            /// Adds the counts of another one.
            pub fn add(&mut self, other: &Stats) {
                $( self.$name += other.$name; )+
            }

            /// Every count with its name.
            #[must_use]
            pub fn all(&self) -> Vec<(&'static str, u64)> {
                vec![$( (stringify!($name), self.$name) ),+]
            }
        }
    };
}

stats! {
    /// Schedules.
    schedules,
    /// Virtual time, ms.
    virtual_ms,
    /// Things that happened.
    happenings,
    /// Orders acknowledged.
    acknowledged,
    /// Legs delivered to a mailbox and taken from there.
    handed_over,
    /// Different receipts that left a node, each verified.
    receipts,
    /// Evidence that became durable somewhere.
    evidence,
    /// Sessions that came up.
    sessions,
    /// Processes killed, the machine going on.
    kills,
    /// Machines that lost power.
    power_cuts,
    /// Of both, in the middle of a commit.
    crashes_in_commit,
    /// Of both, after a commit and before anybody was told.
    crashes_after_commit,
    /// Crashes during recovery.
    crashes_in_recovery,
    /// Links cut both ways.
    partitions,
    /// Links cut one way.
    one_way_partitions,
    /// Sessions ended by the network.
    flaps,
    /// Disk operations made to fail.
    disk_faults,
    /// Full disks.
    full_disks,
    /// Slow disks.
    slow_disks,
    /// Lies of disks.
    disk_lies,
    /// Bits turned on a medium.
    bit_rots,
    /// Disks lost.
    disks_lost,
    /// Backups put back.
    restores,
    /// Logs that had gone back, found by the anchor or a peer.
    rollbacks_caught,
    /// Clocks that jumped.
    clock_jumps,
    /// Directories that came into force.
    moves,
    /// Offers and receipts repeated by the network.
    replays,
    /// Answers forged on their way.
    forgeries,
    /// Orders for a document of which only the digest was known.
    digest_probes,
    /// Answers that clients did not hear.
    unheard,
    /// What an operator did.
    operations,
    /// Nodes that stopped by themselves after a storage error.
    stops,
    /// Schedules that were run a second time and did the same.
    repeated,
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, count)) in self.all().into_iter().enumerate() {
            write!(f, "{}{name}={count}", if i > 0 { " " } else { "" })?;
        }
        Ok(())
    }
}

impl Stats {
    /// Crashes of any kind.
    #[must_use]
    pub fn crashes(&self) -> u64 {
        self.kills + self.power_cuts
    }

    /// What was injected too seldom to say anything: every kind must occur, crashes and partitions
    /// once per schedule on average. Empty if all is well. Small runs are not judged by rare kinds.
    #[must_use]
    pub fn too_few(&self) -> Vec<&'static str> {
        let mut few = Vec::new();
        let happened = [
            ("schedules", self.schedules),
            ("acknowledged", self.acknowledged),
            ("handed_over", self.handed_over),
            ("repeated", self.repeated),
        ];
        few.extend(happened.into_iter().filter(|(_, n)| *n == 0).map(|(name, _)| name));
        if self.crashes() < self.schedules {
            few.push("crashes");
        }
        if self.partitions + self.one_way_partitions < self.schedules {
            few.push("partitions");
        }
        if self.schedules >= 1_000 {
            let kinds = [
                ("crashes_in_commit", self.crashes_in_commit),
                ("crashes_after_commit", self.crashes_after_commit),
                ("crashes_in_recovery", self.crashes_in_recovery),
                ("kills", self.kills),
                ("power_cuts", self.power_cuts),
                ("one_way_partitions", self.one_way_partitions),
                ("flaps", self.flaps),
                ("disk_faults", self.disk_faults),
                ("full_disks", self.full_disks),
                ("slow_disks", self.slow_disks),
                ("disk_lies", self.disk_lies),
                ("bit_rots", self.bit_rots),
                ("disks_lost", self.disks_lost),
                ("restores", self.restores),
                ("rollbacks_caught", self.rollbacks_caught),
                ("clock_jumps", self.clock_jumps),
                ("moves", self.moves),
                ("replays", self.replays),
                ("forgeries", self.forgeries),
                ("digest_probes", self.digest_probes),
                ("unheard", self.unheard),
                ("operations", self.operations),
                ("stops", self.stops),
            ];
            few.extend(kinds.into_iter().filter(|(_, n)| *n == 0).map(|(name, _)| name));
        }
        few
    }
}
