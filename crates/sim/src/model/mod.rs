//! The reference model: what must hold whatever happens. It sees what leaves the nodes and what
//! people see, keeps it in the simplest form, and says what is wrong.

mod logs;
mod outcome;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use tram_dispatch::{AgencyCode, DispatchId, EpochId, Event, EvidenceRecord};
use tram_trust::Verifier;
use tram_wire::Receipt;

pub use logs::LogWatch;
pub use outcome::Excuses;

/// What kind of promise was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// Something acknowledged is gone.
    Lost,
    /// One effect happened twice.
    Duplicated,
    /// A receipt that left a node does not verify with the directory alone.
    Unverifiable,
    /// A log contradicts what was released of it.
    Forked,
    /// Faults are over and something does not end.
    Stuck,
    /// Somebody got what was not theirs.
    Leaked,
    /// A document is not what was handed in.
    Altered,
    /// The originator is told something else than what happened, or twice.
    Outcome,
    /// More is kept than the limits allow.
    Bounds,
    /// A node stopped, or did not start, without a cause.
    Stopped,
}

impl Wrong {
    /// All of them.
    pub const ALL: [Wrong; 10] = [
        Wrong::Lost,
        Wrong::Duplicated,
        Wrong::Unverifiable,
        Wrong::Forked,
        Wrong::Stuck,
        Wrong::Leaked,
        Wrong::Altered,
        Wrong::Outcome,
        Wrong::Bounds,
        Wrong::Stopped,
    ];

    /// The word in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Wrong::Lost => "lost",
            Wrong::Duplicated => "duplicated",
            Wrong::Unverifiable => "unverifiable",
            Wrong::Forked => "forked",
            Wrong::Stuck => "stuck",
            Wrong::Leaked => "leaked",
            Wrong::Altered => "altered",
            Wrong::Outcome => "outcome",
            Wrong::Bounds => "bounds",
            Wrong::Stopped => "stopped",
        }
    }
}

/// One broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub wrong: Wrong,
    /// When, ms.
    pub at_ms: u64,
    /// In words.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} ms: {}", self.wrong.word(), self.at_ms, self.detail)
    }
}

/// Leaves about one thing, by log.
type Leaves = BTreeMap<EpochId, BTreeSet<u64>>;

/// The model of one schedule.
pub struct Model {
    auditor: Arc<Verifier>,
    violations: Vec<Violation>,
    logs: BTreeMap<EpochId, LogWatch>,
    /// What the receipts say that were looked at, by SHA-256 of their octets.
    seen: BTreeMap<[u8; 32], EvidenceRecord>,
    facts: BTreeMap<(DispatchId, AgencyCode, Event), Leaves>,
    /// Logs that ended with their disk.
    ended: BTreeSet<EpochId>,
    /// Receipts that were looked at.
    pub receipts: u64,
}

impl Model {
    /// A model that has seen nothing. The auditor has the directory and nothing of any node.
    #[must_use]
    pub fn new(auditor: Arc<Verifier>) -> Self {
        Model {
            auditor,
            violations: Vec::new(),
            logs: BTreeMap::new(),
            seen: BTreeMap::new(),
            facts: BTreeMap::new(),
            ended: BTreeSet::new(),
            receipts: 0,
        }
    }

    /// Notes a broken promise.
    pub fn wrong(&mut self, wrong: Wrong, at_ms: u64, detail: impl Into<String>) {
        let detail = detail.into();
        // One is enough to look at; a thousand of the same only cost memory.
        if self.violations.len() < 16 {
            self.violations.push(Violation { wrong, at_ms, detail });
        }
    }

    /// What is wrong so far.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// A receipt left a node, or was shown to somebody. Gives its record if it is sound.
    pub fn released(&mut self, at_ms: u64, by: &str, raw: &[u8]) -> Option<EvidenceRecord> {
        let name = tram_crypto::sha256(raw);
        if let Some(record) = self.seen.get(&name) {
            return Some(record.clone());
        }
        let receipt = match Receipt::parse(raw) {
            Ok(receipt) => receipt,
            Err(e) => {
                self.wrong(Wrong::Unverifiable, at_ms, format!("{by} gave a receipt: {e}"));
                return None;
            }
        };
        let record = receipt.record().clone();
        self.seen.insert(name, record.clone());
        self.receipts += 1;
        if let Err(refusal) = self.auditor.receipt(receipt.clone()) {
            let what = format!(
                "{by} gave {} of {} about {}: {}",
                record.event.name(),
                record.node,
                record.dispatch.short(),
                refusal.detail
            );
            self.wrong(Wrong::Unverifiable, at_ms, what);
            return None;
        }
        let watch = self.logs.entry(record.epoch).or_insert_with(|| LogWatch::new(&record.node));
        if let Err(what) = watch.note(&receipt) {
            self.wrong(Wrong::Forked, at_ms, format!("{} ({by} gave it)", what));
        }
        if let Some(recipient) = &record.recipient {
            let key = (record.dispatch, recipient.clone(), record.event);
            let leaves = self.facts.entry(key).or_default().entry(record.epoch).or_default();
            leaves.insert(receipt.leaf_index());
            if once(record.event) && leaves.len() > 1 {
                let what = format!(
                    "{} has {} {} of {} for {recipient}: leaves {leaves:?}",
                    record.node,
                    leaves.len(),
                    record.event.name(),
                    record.dispatch.short()
                );
                self.wrong(Wrong::Duplicated, at_ms, what);
            }
        }
        Some(record)
    }

    /// What was released of one log.
    #[must_use]
    pub fn log(&self, epoch: &EpochId) -> Option<&LogWatch> {
        self.logs.get(epoch)
    }

    /// A log ended with its disk.
    pub fn log_ended(&mut self, epoch: EpochId) {
        self.ended.insert(epoch);
    }

    /// Whether a fact about a leg was released: (by a log that goes on, by one that ended).
    #[must_use]
    pub fn fact(
        &self,
        dispatch: &DispatchId,
        recipient: &AgencyCode,
        event: Event,
    ) -> (bool, bool) {
        let key = (*dispatch, recipient.clone(), event);
        let Some(leaves) = self.facts.get(&key) else { return (false, false) };
        let ended = leaves.keys().any(|e| self.ended.contains(e));
        let going_on = leaves.keys().any(|e| !self.ended.contains(e));
        (going_on, ended)
    }

    /// Whether a log that goes on says that the recipient's node has it. Of a consignment whose commit was
    /// cut short nobody may have heard but by what came of it.
    pub fn was_delivered(&self, dispatch: &DispatchId, recipient: &AgencyCode) -> bool {
        let said = |event| self.fact(dispatch, recipient, event).0;
        said(Event::ContentConsignment) || said(Event::ContentHandover)
    }
}

/// What can happen to a leg once at most in one log.
fn once(event: Event) -> bool {
    matches!(
        event,
        Event::ContentConsignment
            | Event::ContentHandover
            | Event::ConsignmentAcceptance
            | Event::ConsignmentRejection
    )
}
