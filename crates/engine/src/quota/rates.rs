//! What comes per time, and how often somebody was turned away.

use std::collections::BTreeMap;

use tram_dispatch::{AgencyCode, NodeId};

use super::bucket::Bucket;
use super::ceiling::Quotas;

/// Rates of agencies served here and of peers: the directory and the sessions bound how many.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    agencies: BTreeMap<AgencyCode, AgencyRate>,
    peers: BTreeMap<NodeId, PeerRate>,
}

#[derive(Debug)]
struct AgencyRate {
    dispatches: Bucket,
    bytes: Bucket,
    turned_away: u64,
}

#[derive(Debug)]
struct PeerRate {
    offers: Bucket,
    turned_away: u64,
}

impl Rates {
    fn agency(&mut self, agency: &AgencyCode, quotas: &Quotas, mono_ms: u64) -> &mut AgencyRate {
        self.agencies.entry(agency.clone()).or_insert_with(|| AgencyRate {
            dispatches: Bucket::full(&quotas.agency_rate, mono_ms),
            bytes: Bucket::full(&quotas.agency_bytes_rate, mono_ms),
            turned_away: 0,
        })
    }

    fn peer(&mut self, peer: &NodeId, quotas: &Quotas, mono_ms: u64) -> &mut PeerRate {
        self.peers.entry(peer.clone()).or_insert_with(|| PeerRate {
            offers: Bucket::full(&quotas.peer_rate, mono_ms),
            turned_away: 0,
        })
    }

    /// How long until an agency may submit something of so many bytes, milliseconds.
    pub(crate) fn agency_wait_ms(
        &mut self,
        agency: &AgencyCode,
        bytes: u64,
        quotas: &Quotas,
        mono_ms: u64,
    ) -> u64 {
        let rate = self.agency(agency, quotas, mono_ms);
        let dispatches = rate.dispatches.wait_ms(&quotas.agency_rate, 1, mono_ms);
        dispatches.max(rate.bytes.wait_ms(&quotas.agency_bytes_rate, bytes, mono_ms))
    }

    /// An agency's submission of so many bytes leaves something behind.
    pub(crate) fn agency_took(
        &mut self,
        agency: &AgencyCode,
        bytes: u64,
        quotas: &Quotas,
        mono_ms: u64,
    ) {
        let rate = self.agency(agency, quotas, mono_ms);
        rate.dispatches.take(&quotas.agency_rate, 1, mono_ms);
        rate.bytes.take(&quotas.agency_bytes_rate, bytes, mono_ms);
    }

    /// How long until a peer may offer something, milliseconds.
    pub(crate) fn peer_wait_ms(&mut self, peer: &NodeId, quotas: &Quotas, mono_ms: u64) -> u64 {
        let rate = self.peer(peer, quotas, mono_ms);
        rate.offers.wait_ms(&quotas.peer_rate, 1, mono_ms)
    }

    /// A peer's offer leaves something behind.
    pub(crate) fn peer_took(&mut self, peer: &NodeId, quotas: &Quotas, mono_ms: u64) {
        let rate = self.peer(peer, quotas, mono_ms);
        rate.offers.take(&quotas.peer_rate, 1, mono_ms);
    }

    /// A submission was answered "later".
    pub(crate) fn agency_turned_away(&mut self, agency: &AgencyCode, quotas: &Quotas, at: u64) {
        self.agency(agency, quotas, at).turned_away += 1;
    }

    /// An offer was answered "later", at least for some of its recipients.
    pub(crate) fn peer_turned_away(&mut self, peer: &NodeId, quotas: &Quotas, mono_ms: u64) {
        self.peer(peer, quotas, mono_ms).turned_away += 1;
    }

    /// Agencies that submitted since the start: what is left of their rates (dispatches, bytes), and
    /// how often each was turned away.
    pub(crate) fn agencies(
        &self,
        quotas: &Quotas,
        mono_ms: u64,
    ) -> impl Iterator<Item = (&AgencyCode, u64, u64, u64)> {
        let (dispatches, bytes) = (quotas.agency_rate, quotas.agency_bytes_rate);
        self.agencies.iter().map(move |(agency, r)| {
            let left = r.dispatches.left(&dispatches, mono_ms);
            (agency, left, r.bytes.left(&bytes, mono_ms), r.turned_away)
        })
    }

    /// What is left of a peer's rate, and how often it was turned away.
    pub(crate) fn of_peer(&self, peer: &NodeId, quotas: &Quotas, mono_ms: u64) -> (u64, u64) {
        self.peers.get(peer).map_or((quotas.peer_rate.burst, 0), |r| {
            (r.offers.left(&quotas.peer_rate, mono_ms), r.turned_away)
        })
    }
}
