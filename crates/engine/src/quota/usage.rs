//! What is held, by who has to answer for it: a fold over the held dispatches.

use std::collections::BTreeMap;

use tram_dispatch::{AgencyCode, DispatchId, NodeId};

use super::ceiling::Use;
use crate::record::Owed;
use crate::state::held::HeldDispatch;
use crate::state::lanes::Flow;
use crate::state::leg::{Leg, Outcome, Stage};

/// The accounts. An account with nothing in it is not there, so what is held bounds their number.
#[derive(Debug, Default)]
pub struct Usage {
    total: Use,
    agencies: BTreeMap<AgencyCode, Use>,
    incoming: BTreeMap<NodeId, Use>,
    kept: BTreeMap<NodeId, Use>,
    kept_of: BTreeMap<(NodeId, Flow), Use>,
    mailboxes: BTreeMap<AgencyCode, Use>,
    senders: BTreeMap<(AgencyCode, AgencyCode), Use>,
    surplus: BTreeMap<NodeId, u64>,
    charges: BTreeMap<DispatchId, Charge>,
}

/// Where one dispatch is counted.
#[derive(Debug, PartialEq, Eq)]
struct Charge {
    each: Use,
    originator: AgencyCode,
    flow: Flow,
    /// Submitted here, and not delivered yet.
    open_here: bool,
    /// The peers it came from, while it is not delivered or they did not take its receipts.
    from: Vec<NodeId>,
    /// The peers that have it, while we keep a copy.
    kept: Vec<NodeId>,
    /// The recipients here for whom it is kept.
    mailboxes: Vec<AgencyCode>,
    /// Memory, bytes, of the receipts about it that each peer gave beyond the first of their kind.
    surplus: Vec<(NodeId, u64)>,
}

impl Charge {
    fn of(held: &HeldDispatch) -> Self {
        let (mut open, mut kept, mut mailboxes) = (false, Vec::new(), Vec::new());
        for (recipient, leg) in &held.legs {
            open |= leg.in_custody();
            match leg {
                Leg::Transferred { peer, .. } => {
                    open = true;
                    kept.push(peer.clone());
                }
                Leg::Ended {
                    outcome: Outcome::Consigned,
                    via: Some(peer),
                    last_relay: true,
                    stage: Stage::Consigned,
                    ..
                } => kept.push(peer.clone()),
                Leg::Mailbox { .. } => mailboxes.push(recipient.clone()),
                _ => {}
            }
        }
        kept.sort();
        kept.dedup();
        Charge {
            each: Use::now(held),
            originator: held.dispatch.envelope().originator.clone(),
            flow: Flow::of(held),
            open_here: open && held.upstreams.is_empty(),
            from: held.upstreams.iter().filter(|p| open || owes(held, p)).cloned().collect(),
            kept,
            mailboxes,
            surplus: held.surplus().map(|(peer, bytes)| (peer.clone(), *bytes)).collect(),
        }
    }
}

impl Usage {
    /// Counts a dispatch as it stands now.
    pub(crate) fn charge(&mut self, id: DispatchId, held: &HeldDispatch) {
        let charge = Charge::of(held);
        if self.charges.get(&id) == Some(&charge) {
            return;
        }
        self.discharge(&id);
        self.count(&charge, Use::plus);
        for (peer, bytes) in &charge.surplus {
            let all = self.surplus.entry(peer.clone()).or_default();
            *all = all.saturating_add(*bytes);
        }
        self.charges.insert(id, charge);
    }

    /// Counts a dispatch no more.
    pub(crate) fn discharge(&mut self, id: &DispatchId) {
        if let Some(charge) = self.charges.remove(id) {
            self.count(&charge, Use::minus);
            for (peer, bytes) in &charge.surplus {
                let all = self.surplus(peer).saturating_sub(*bytes);
                match all {
                    0 => _ = self.surplus.remove(peer),
                    all => _ = self.surplus.insert(peer.clone(), all),
                }
            }
        }
    }

    fn count(&mut self, charge: &Charge, change: fn(Use, Use) -> Use) {
        let Charge { each, originator, flow, open_here, from, kept, mailboxes, .. } = charge;
        self.total = change(self.total, *each);
        if *open_here {
            update(&mut self.agencies, originator, *each, change);
        }
        from.iter().for_each(|p| update(&mut self.incoming, p, *each, change));
        for peer in kept {
            update(&mut self.kept, peer, *each, change);
            update(&mut self.kept_of, &(peer.clone(), flow.clone()), *each, change);
        }
        for recipient in mailboxes {
            update(&mut self.mailboxes, recipient, *each, change);
            let pair = (recipient.clone(), originator.clone());
            update(&mut self.senders, &pair, *each, change);
        }
    }

    /// Everything held.
    pub fn total(&self) -> Use {
        self.total
    }

    /// What an agency submitted here and has no outcome yet.
    pub fn agency(&self, agency: &AgencyCode) -> Use {
        self.agencies.get(agency).copied().unwrap_or_default()
    }

    /// What a peer gave us that is not delivered yet, or whose receipts it did not take.
    pub fn incoming(&self, peer: &NodeId) -> Use {
        self.incoming.get(peer).copied().unwrap_or_default()
    }

    /// The copies kept of what a peer has.
    pub fn kept(&self, peer: &NodeId) -> Use {
        self.kept.get(peer).copied().unwrap_or_default()
    }

    /// Of those, the copies of one flow.
    pub fn kept_of(&self, peer: &NodeId, flow: &Flow) -> Use {
        self.kept_of.get(&(peer.clone(), flow.clone())).copied().unwrap_or_default()
    }

    /// Memory, bytes, of the receipts that a peer gave beyond the first of their kind, about what is held.
    pub fn surplus(&self, peer: &NodeId) -> u64 {
        self.surplus.get(peer).copied().unwrap_or_default()
    }

    /// What is kept for a recipient here.
    pub fn mailbox(&self, recipient: &AgencyCode) -> Use {
        self.mailboxes.get(recipient).copied().unwrap_or_default()
    }

    /// Of that, what came from one originator.
    pub fn sender(&self, recipient: &AgencyCode, originator: &AgencyCode) -> Use {
        let pair = (recipient.clone(), originator.clone());
        self.senders.get(&pair).copied().unwrap_or_default()
    }

    /// Agencies with something open.
    pub fn agencies(&self) -> &BTreeMap<AgencyCode, Use> {
        &self.agencies
    }

    /// Mailboxes with something in them.
    pub fn mailboxes(&self) -> &BTreeMap<AgencyCode, Use> {
        &self.mailboxes
    }
}

/// Whether a peer is still owed a receipt.
fn owes(held: &HeldDispatch, peer: &NodeId) -> bool {
    let from = (peer.clone(), Owed::Own(0));
    held.owed.range(from..).next().is_some_and(|(to, _)| to == peer)
}

fn update<K: Ord + Clone>(
    accounts: &mut BTreeMap<K, Use>,
    key: &K,
    each: Use,
    change: fn(Use, Use) -> Use,
) {
    let account = accounts.entry(key.clone()).or_default();
    *account = change(*account, each);
    if account.count == 0 {
        accounts.remove(key);
    }
}
