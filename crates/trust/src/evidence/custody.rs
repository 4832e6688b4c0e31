//! The chain of custody: which receipts stand in it, and which are claims of strangers.
//!
//! A relay's word counts only if its receipt rests, receipt by receipt, on the first node's; and if it is
//! either a neighbour (by the directory) of the node that it says it took over from, or a later custodian
//! whose word counts rests on it.

use std::collections::{BTreeMap, BTreeSet};

use tram_dispatch::{AgencyCode, Digest, Event, EvidenceRecord, NodeId};

use super::found::Lack;
use super::parts::Held;
use super::say::is_custody;
use crate::directory::Directory;
use crate::verified::VerifiedReceipt;

/// Most hops that are followed: as many as an envelope may ask for, and returns.
const HOPS_FOLLOWED_MAX: usize = 64;

type Receipts = BTreeMap<Digest, VerifiedReceipt>;

/// Which receipts count.
pub(super) struct Chain<'a> {
    receipts: &'a Receipts,
    directory: &'a Directory,
    /// Receipts on which a consignment by the recipient's own node rests.
    vouched: BTreeSet<Digest>,
    /// Custody on the way that counts: by node and recipient (absent: for all), with its receipt.
    custodians: BTreeMap<NodeId, BTreeMap<Option<AgencyCode>, Digest>>,
    /// Every receipt that counts.
    linked: BTreeSet<Digest>,
}

impl<'a> Chain<'a> {
    pub(super) fn of(held: &'a Held) -> Self {
        let (receipts, directory) = (&held.receipts, &**held.verifier.directory());
        let mut chain = Chain {
            receipts,
            directory,
            vouched: BTreeSet::new(),
            custodians: BTreeMap::new(),
            linked: BTreeSet::new(),
        };
        chain.vouch();
        // A custody rests on one that is found before it, so what is new in one round opens the next.
        for _ in 0..HOPS_FOLLOWED_MAX {
            let before = chain.linked.len();
            for receipt in receipts.values() {
                if is_custody(receipt.record().event) && chain.carries(receipt) {
                    chain.take(receipt);
                }
            }
            if chain.linked.len() == before {
                break;
            }
        }
        for receipt in receipts.values() {
            if !is_custody(receipt.record().event) && chain.may_say(receipt) {
                chain.linked.insert(receipt.digest());
            }
        }
        chain
    }

    fn take(&mut self, receipt: &VerifiedReceipt) {
        let record = receipt.record();
        self.linked.insert(receipt.digest());
        if record.event != Event::ContentConsignment {
            let legs = self.custodians.entry(record.node.clone()).or_default();
            legs.entry(record.recipient.clone()).or_insert(receipt.digest());
        }
    }

    /// Whether this receipt counts.
    pub(super) fn counts(&self, receipt: &VerifiedReceipt) -> bool {
        self.linked.contains(&receipt.digest())
    }

    fn vouch(&mut self) {
        for receipt in self.receipts.values() {
            let mut at = receipt;
            if at.record().event != Event::ContentConsignment || !is_authorised(at) {
                continue;
            }
            for _ in 0..HOPS_FOLLOWED_MAX {
                match self.upstream(at.record()) {
                    Some(up) if self.vouched.insert(up.digest()) => at = up,
                    _ => break,
                }
            }
        }
    }

    /// The receipt that a custody says it rests on, if it is here and fits.
    fn upstream(&self, record: &EvidenceRecord) -> Option<&'a VerifiedReceipt> {
        let up = self.receipts.get(&record.upstream?)?;
        let above = up.record();
        let fits = matches!(above.event, Event::SubmissionAcceptance | Event::RelayAcceptance)
            && record.previous.as_ref() == Some(&above.node)
            && record.node != above.node
            && (above.recipient.is_none() || above.recipient == record.recipient);
        fits.then_some(up)
    }

    fn carries(&self, receipt: &VerifiedReceipt) -> bool {
        let record = receipt.record();
        if !is_authorised(receipt) {
            return false;
        }
        if record.event == Event::SubmissionAcceptance {
            return record.upstream.is_none() && record.previous.is_none();
        }
        if record.upstream.is_none() {
            // The mailbox is, or came to be, where custody was already.
            return record.event == Event::ContentConsignment && self.is_custodian(record);
        }
        let Some(up) = self.upstream(record) else { return false };
        self.linked.contains(&up.digest())
            && (record.event == Event::ContentConsignment
                || self.vouched.contains(&receipt.digest())
                || self.are_neighbours(&record.node, &up.record().node))
    }

    /// Whether a node may say what is no custody.
    fn may_say(&self, receipt: &VerifiedReceipt) -> bool {
        let record = receipt.record();
        is_authorised(receipt)
            && match record.event {
                // Who refuses has no custody; it answers one that has.
                Event::RelayRejection => record.previous.as_ref().is_some_and(|giver| {
                    self.are_neighbours(&record.node, giver)
                        && self.has_custody(giver, record.recipient.as_ref())
                }),
                Event::RelayFailure => self.is_custodian(record),
                // By the recipient's or the originator's own node: `authority` has decided.
                _ => true,
            }
    }

    fn is_custodian(&self, record: &EvidenceRecord) -> bool {
        self.has_custody(&record.node, record.recipient.as_ref())
    }

    fn has_custody(&self, node: &NodeId, recipient: Option<&AgencyCode>) -> bool {
        self.custodians
            .get(node)
            .is_some_and(|legs| legs.contains_key(&None) || legs.contains_key(&recipient.cloned()))
    }

    /// Parent and child, or lateral peers, open or closed since.
    fn are_neighbours(&self, a: &NodeId, b: &NodeId) -> bool {
        let (Some(x), Some(y)) = (self.directory.node(a), self.directory.node(b)) else {
            return false;
        };
        x.parent.as_ref() == Some(b)
            || y.parent.as_ref() == Some(a)
            || (x.lateral.contains(b) && y.lateral.contains(a))
    }

    /// The nodes from the originator's to the recipient's, by the receipts that this consignment rests
    /// on.
    pub(super) fn way(&self, consignment: &VerifiedReceipt) -> Result<Vec<NodeId>, Lack> {
        let mut nodes = vec![consignment.record().node.clone()];
        let mut at = consignment;
        for _ in 0..HOPS_FOLLOWED_MAX {
            let record = at.record();
            if record.event == Event::SubmissionAcceptance {
                nodes.reverse();
                return Ok(nodes);
            }
            let gap = || Lack::Gap { node: record.node.clone(), upstream: record.upstream };
            let up = match record.upstream {
                Some(_) => self.upstream(record).filter(|up| self.counts(up)),
                None => self.own_custody(at),
            };
            at = up.ok_or_else(gap)?;
            if nodes.last() != Some(&at.record().node) {
                nodes.push(at.record().node.clone());
            }
        }
        Err(Lack::Gap { node: at.record().node.clone(), upstream: at.record().upstream })
    }

    /// The custody of the node itself that a consignment without upstream rests on.
    fn own_custody(&self, consignment: &VerifiedReceipt) -> Option<&'a VerifiedReceipt> {
        let record = consignment.record();
        let of = |recipient: &Option<AgencyCode>| {
            let digest = self.custodians.get(&record.node)?.get(recipient)?;
            self.receipts.get(digest).filter(|r| r.digest() != consignment.digest())
        };
        of(&record.recipient).or_else(|| of(&None))
    }
}

pub(super) fn is_authorised(receipt: &VerifiedReceipt) -> bool {
    receipt.authorised_issuer() == Some(true)
}
