//! What the node knows of each peer.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tram_dispatch::{DispatchId, EpochId, NodeId};

use super::queue::HopQueue;
use crate::record::Owed;

/// One adjacent node.
#[derive(Debug, Default)]
pub struct Peer {
    /// A session is up.
    pub connected: bool,
    /// The epoch of its receipt log, as last seen.
    pub epoch: Option<EpochId>,
    /// Its wall clock minus ours at the last hello, milliseconds.
    pub clock_offset_ms: Option<i64>,
    /// Dispatches to give to it.
    pub queue: HopQueue,
    /// Receipts to give to it.
    pub outbox: Outbox,
}

/// All peers, by id.
pub type Peers = BTreeMap<NodeId, Peer>;

/// Receipt batches under way to one peer at a time.
const BATCHES_IN_FLIGHT_MAX: usize = 4;

/// Receipts owed to one peer, each resent until the peer says that it is stored.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: VecDeque<(DispatchId, Owed)>,
    known: BTreeSet<(DispatchId, Owed)>,
    sent: BTreeMap<u64, Sent>,
    next_batch: u64,
}

#[derive(Debug)]
struct Sent {
    at_mono_ms: u64,
    entries: Vec<(DispatchId, Owed)>,
}

impl Outbox {
    /// Adds a receipt; one already here stays where it is.
    pub fn push(&mut self, dispatch: DispatchId, owed: Owed) {
        if self.known.insert((dispatch, owed)) {
            self.waiting.push_back((dispatch, owed));
        }
    }

    /// The next batch to send, at most `max` receipts.
    pub fn take(&mut self, now_mono_ms: u64, max: usize) -> Option<(u64, Vec<(DispatchId, Owed)>)> {
        if self.waiting.is_empty() || self.sent.len() >= BATCHES_IN_FLIGHT_MAX {
            return None;
        }
        let entries: Vec<_> = self.waiting.drain(..max.min(self.waiting.len())).collect();
        self.next_batch += 1;
        let sent = Sent { at_mono_ms: now_mono_ms, entries: entries.clone() };
        self.sent.insert(self.next_batch, sent);
        Some((self.next_batch, entries))
    }

    /// One receipt of a batch was not sent after all: it cannot be read.
    pub fn withhold(&mut self, batch: u64, entry: &(DispatchId, Owed)) {
        self.known.remove(entry);
        if let Some(sent) = self.sent.get_mut(&batch) {
            sent.entries.retain(|e| e != entry);
        }
    }

    /// One receipt of a batch was not sent after all: it goes with a later one.
    pub fn put_back(&mut self, batch: u64, entry: (DispatchId, Owed)) {
        if let Some(sent) = self.sent.get_mut(&batch) {
            sent.entries.retain(|e| *e != entry);
        }
        self.waiting.push_back(entry);
    }

    /// The peer stored a batch: its receipts are owed no more.
    pub fn stored(&mut self, batch: u64) -> Vec<(DispatchId, Owed)> {
        let entries = self.sent.remove(&batch).map_or_else(Vec::new, |s| s.entries);
        for e in &entries {
            self.known.remove(e);
        }
        entries
    }

    /// What is under way about one dispatch goes once more with a later batch: the peer shows that it did
    /// not know the dispatch when those receipts came, so that its "stored" says nothing about them.
    pub fn again(&mut self, dispatch: &DispatchId) {
        for sent in self.sent.values_mut() {
            self.waiting.extend(sent.entries.extract_if(.., |(id, _)| id == dispatch));
        }
    }

    /// Batches sent at or before `before_mono_ms` without an answer wait again.
    pub fn resend(&mut self, before_mono_ms: u64) {
        let late: Vec<u64> = self
            .sent
            .iter()
            .filter(|(_, s)| s.at_mono_ms <= before_mono_ms)
            .map(|(n, _)| *n)
            .collect();
        for n in late.into_iter().rev() {
            if let Some(sent) = self.sent.remove(&n) {
                for e in sent.entries.into_iter().rev() {
                    self.waiting.push_front(e);
                }
            }
        }
    }

    /// When the oldest unanswered batch was sent.
    pub fn oldest_sent_mono_ms(&self) -> Option<u64> {
        self.sent.values().map(|s| s.at_mono_ms).min()
    }

    /// Whether a batch could be sent now.
    pub fn has_waiting(&self) -> bool {
        !self.waiting.is_empty() && self.sent.len() < BATCHES_IN_FLIGHT_MAX
    }

    /// Everything owed, in order of dispatch.
    pub fn owed(&self) -> impl Iterator<Item = &(DispatchId, Owed)> {
        self.known.iter()
    }

    /// How many receipts are owed.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is owed.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_receipt_is_resent_until_stored_and_then_forgotten() {
        let id = DispatchId([1; 32]);
        let mut out = Outbox::default();
        for n in 0..3 {
            out.push(id, Owed::Own(n));
            out.push(id, Owed::Own(n));
        }
        let (first, entries) = out.take(10, 2).unwrap();
        assert_eq!(entries, [(id, Owed::Own(0)), (id, Owed::Own(1))]);
        out.push(id, Owed::Own(0));
        assert_eq!(out.len(), 3);
        out.resend(11);
        let (second, again) = out.take(20, 9).unwrap();
        assert_eq!(again.len(), 3);
        assert_eq!(out.stored(first), [], "an answer to the first sending is stale");
        assert_eq!(out.stored(second).len(), 3);
        assert!(out.is_empty() && out.take(30, 9).is_none());
    }

    #[test]
    fn what_is_under_way_about_a_dispatch_goes_again_whatever_is_answered_to_its_batch() {
        let (id, other) = (DispatchId([1; 32]), DispatchId([2; 32]));
        let mut out = Outbox::default();
        out.push(id, Owed::Own(0));
        out.push(other, Owed::Own(1));
        let (first, _) = out.take(10, 9).unwrap();
        out.again(&id);
        assert_eq!(out.stored(first), [(other, Owed::Own(1))]);
        let (second, again) = out.take(20, 9).unwrap();
        assert_eq!(again, [(id, Owed::Own(0))]);
        assert_eq!(out.stored(second), [(id, Owed::Own(0))]);
        assert!(out.is_empty());
    }
}
