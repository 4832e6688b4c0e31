//! The accounts against their ceilings, for those who look after the node.

use std::collections::BTreeMap;

use tram_dispatch::{AgencyCode, NodeId};

use super::ceiling::{Ceiling, Quotas, Use};
use crate::engine::Engine;

/// The node as a whole.
#[derive(Clone, Copy, Debug)]
pub struct NodeUse {
    /// What it holds.
    pub used: Use,
    /// What it may hold.
    pub ceiling: Ceiling,
    /// What each account may have.
    pub quotas: Quotas,
}

/// One agency that submits here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgencyUse {
    /// The agency.
    pub agency: AgencyCode,
    /// What it has open.
    pub open: Use,
    /// What it may submit at once now.
    pub dispatches_left: u64,
    /// The same in bytes.
    pub bytes_left: u64,
    /// Its submissions answered "later" since the start.
    pub turned_away: u64,
}

/// One peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerUse {
    /// What it gave us that is not delivered yet, or whose receipts it did not take.
    pub incoming: Use,
    /// What waits for it.
    pub waiting: Use,
    /// The copies kept of what it has.
    pub kept: Use,
    /// What it may offer at once now.
    pub offers_left: u64,
    /// Its offers answered "later" since the start, at least for some recipient.
    pub turned_away: u64,
}

/// One mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxUse {
    /// The recipient.
    pub recipient: AgencyCode,
    /// What is kept for it.
    pub kept: Use,
}

impl Engine {
    /// The node as a whole.
    pub fn node_use(&self) -> NodeUse {
        NodeUse {
            used: self.state.usage.total(),
            ceiling: self.settings.ceiling(),
            quotas: self.settings.quotas,
        }
    }

    /// The agencies that have the most open or were turned away, at most so many, in order.
    pub fn agency_use(&self, now_mono_ms: u64, max: usize) -> Vec<AgencyUse> {
        let quotas = &self.settings.quotas;
        let (dispatches_left, bytes_left) =
            (quotas.agency_rate.burst, quotas.agency_bytes_rate.burst);
        let account = |agency: &AgencyCode, open| AgencyUse {
            agency: agency.clone(),
            open,
            dispatches_left,
            bytes_left,
            turned_away: 0,
        };
        let mut all: BTreeMap<AgencyCode, AgencyUse> = BTreeMap::new();
        for (agency, open) in self.state.usage.agencies() {
            all.insert(agency.clone(), account(agency, *open));
        }
        for (agency, dispatches, bytes, turned_away) in self.rates.agencies(quotas, now_mono_ms) {
            let entry = all.entry(agency.clone());
            let found = entry.or_insert_with(|| account(agency, Use::default()));
            (found.dispatches_left, found.bytes_left) = (dispatches, bytes);
            found.turned_away = turned_away;
        }
        let mut most: Vec<AgencyUse> = all.into_values().collect();
        if most.len() > max {
            most.sort_by_key(|a| std::cmp::Reverse((a.turned_away > 0, a.open.count)));
            most.truncate(max);
            most.sort_by(|a, b| a.agency.cmp(&b.agency));
        }
        most
    }

    /// One peer.
    pub fn peer_use(&self, peer: &NodeId, now_mono_ms: u64) -> PeerUse {
        let (usage, quotas) = (&self.state.usage, &self.settings.quotas);
        let (offers_left, turned_away) = self.rates.of_peer(peer, quotas, now_mono_ms);
        PeerUse {
            incoming: usage.incoming(peer),
            waiting: self.state.peers.get(peer).map_or_else(Use::default, |p| p.queue.waiting()),
            kept: usage.kept(peer),
            offers_left,
            turned_away,
        }
    }

    /// The fullest mailboxes, at most so many, in order.
    pub fn mailbox_use(&self, max: usize) -> Vec<MailboxUse> {
        let all = self.state.usage.mailboxes().iter();
        let mut most: Vec<MailboxUse> = all
            .map(|(recipient, kept)| MailboxUse { recipient: recipient.clone(), kept: *kept })
            .collect();
        if most.len() > max {
            most.sort_by_key(|m| std::cmp::Reverse(m.kept.count));
            most.truncate(max);
            most.sort_by(|a, b| a.recipient.cmp(&b.recipient));
        }
        most
    }
}
