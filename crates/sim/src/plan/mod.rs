//! What a schedule will do, all of it drawn from one seed before anything happens. A part of the
//! steps can be left out and the rest is as it was: so a failing schedule shrinks.

mod draw;
mod words;

use tram_dispatch::AgencyCode;
use tram_dispatch::envelope::Urgency;
use tram_spool::disk::DiskOp;

use crate::node::{Lie, Moment};

/// One schedule.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// The nodes that take part, by place in the country.
    pub places: Vec<usize>,
    /// Circumstances that hold all the time.
    pub knobs: Knobs,
    /// What will be handed in.
    pub orders: Vec<Order>,
    /// What happens, by time.
    pub steps: Vec<Step>,
    /// When all faults end, ms.
    pub heal_ms: u64,
}

/// Circumstances that hold all the time.
#[derive(Clone, Debug)]
pub struct Knobs {
    /// On every link both ends dial, not the lower one alone.
    pub both_dial: bool,
    /// One-way delay of a link, ms.
    pub delay_ms: u64,
    /// How many octets in a hundred sendings are late because something was lost.
    pub loss_percent: u64,
    /// How long a commit takes, ms.
    pub commit_ms: u64,
    /// Most dispatches in memory of a node.
    pub held_max: usize,
    /// Size of a journal segment, bytes.
    pub segment_bytes: u64,
    /// In how many of a hundred cases a client does not hear an answer.
    pub deaf_percent: u64,
}

/// Something to hand in.
#[derive(Clone, Debug)]
pub struct Order {
    /// Who seals it.
    pub originator: AgencyCode,
    /// To whom.
    pub recipients: Vec<AgencyCode>,
    /// What is special about it.
    pub kind: Kind,
    /// The sizes of its documents, bytes.
    pub documents: Vec<usize>,
    /// How urgent it is.
    pub urgency: Urgency,
    /// How long it is good, ms.
    pub lifetime_ms: u64,
    /// What the clerks will do with it: register (or refuse).
    pub registered: bool,
}

/// What is special about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Plain,
    /// The same sealed object as an earlier order's, handed in again.
    Again(usize),
    /// Another content under an earlier order's reference.
    SameReference(usize),
    /// Names a document of an earlier order, of which only the digest is known.
    DigestOnly(usize),
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// When, ms.
    pub at_ms: u64,
    /// What.
    pub what: What,
}

/// Which way a link is cut, seen from its first end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ways {
    /// Both.
    Both,
    /// From the first end to the second.
    There,
    /// From the second end to the first.
    Back,
}

/// What an operator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Stops a leg.
    Hold,
    /// Lets one go on.
    Release,
    /// Tries one now.
    Retry,
    /// Gives one up.
    Drop,
}

/// Something that happens. Places are nodes; a link is two of them.
#[derive(Clone, Debug)]
pub enum What {
    /// An order is handed in, and again until it is answered.
    Submit(usize),
    /// The clerks of a node look into their mailboxes.
    Clerks(usize),
    /// An operator acts on a leg in custody there.
    Operate(usize, u64, Act),
    /// The process ends.
    Crash {
        /// Where.
        place: usize,
        /// When exactly.
        moment: Moment,
        /// The machine goes down with it.
        power: bool,
        /// Until it starts again, ms.
        down_ms: u64,
        /// While it starts the power goes off again, after so many changes of the disk.
        nested: Option<u64>,
    },
    /// The nth operation of a kind fails.
    Fail {
        /// Where.
        place: usize,
        /// The kind.
        op: DiskOp,
        /// Which.
        nth: u64,
        /// With ENOSPC; else with EIO.
        no_space: bool,
        /// And takes effect all the same.
        applied: bool,
    },
    /// No space is left for so many ms.
    Full(usize, u64),
    /// Commits take so long, for so many ms.
    SlowDisk(usize, u64, u64),
    /// The disk lies.
    Lie(usize, Lie),
    /// A bit of some file turns.
    Rot(usize, u64),
    /// The last batch in the journal loses a bit while the machine is down.
    RotTail(usize, u64),
    /// The disk is gone.
    LoseDisk(usize),
    /// A backup is made.
    Backup(usize),
    /// The newest backup is put in the place of the disk.
    Restore {
        /// Where.
        place: usize,
        /// The anchor outside of it is gone as well.
        anchor_lost: bool,
    },
    /// A link carries nothing for so many ms.
    Cut((usize, usize), Ways, u64),
    /// The sessions of a link end.
    Flap((usize, usize)),
    /// A link is slower by so many ms, for so many ms.
    Slow((usize, usize), u64, u64),
    /// The wall clock of a node jumps.
    Clock(usize, i64),
    /// A directory comes into force, node by node.
    Move(usize),
    /// An offer or a batch of receipts that went over a link before goes over it again, or, with
    /// `true`, from the node that took it to another of its peers.
    Replay(u64, bool),
    /// The receipts in the next answer of a node are forged on their way.
    Forge(usize),
}

impl Plan {
    /// The plan of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        draw::draw(seed)
    }

    /// The links between the nodes that take part, the upper or first end first.
    #[must_use]
    pub fn links(&self) -> Vec<(usize, usize)> {
        let land = crate::land::land();
        let mut links = Vec::new();
        for (i, a) in self.places.iter().enumerate() {
            for b in &self.places[i + 1..] {
                if land.adjacent(*a, *b) {
                    links.push((*a.min(b), *a.max(b)));
                }
            }
        }
        links
    }
}
