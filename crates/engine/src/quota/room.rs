//! Whether there is room for more, and when to ask again where there is not.

use tram_dispatch::{AgencyCode, Code, NodeId, Now};

use super::ceiling::{Ceiling, Use};
use crate::engine::Engine;
use crate::state::lanes::Flow;

/// Something is not taken now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shortage {
    pub(crate) code: Code,
    pub(crate) retry_ms: u64,
}

/// What asks for room on its ways.
#[derive(Debug)]
pub(crate) struct Coming<'a> {
    pub(crate) originator: &'a AgencyCode,
    pub(crate) flow: Flow,
    pub(crate) more: Use,
    pub(crate) class: u8,
}

/// Where a leg leads from here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// To a peer.
    Toward(NodeId),
    /// Into the mailbox of this recipient.
    Into(AgencyCode),
}

/// The part of a direction that one flow may have, and of a mailbox one originator: so what one
/// sends to somebody who is away leaves room for others, and in its own quota for other ways.
const SENDER_SHARE: u64 = 2;
/// How far above its ceiling a way may get when it is only one of several of a submission, so that
/// one dead peer does not stop what is for many.
const FAN_OUT: u64 = 2;

impl Engine {
    /// Whether an agency submits faster than it may.
    pub(crate) fn agency_too_fast(
        &mut self,
        now: Now,
        originator: &AgencyCode,
        bytes: u64,
    ) -> Option<Shortage> {
        let quotas = &self.settings.quotas;
        let retry_ms = self.rates.agency_wait_ms(originator, bytes, quotas, now.mono_ms);
        (retry_ms > 0).then_some(Shortage { code: Code::Quota, retry_ms })
    }

    /// Whether a peer offers faster than it may.
    pub(crate) fn peer_too_fast(&mut self, now: Now, peer: &NodeId) -> Option<Shortage> {
        let retry_ms = self.rates.peer_wait_ms(peer, &self.settings.quotas, now.mono_ms);
        (retry_ms > 0).then_some(Shortage { code: Code::Quota, retry_ms })
    }

    /// Whether an agency has too much open here for more.
    pub(crate) fn agency_is_full(
        &self,
        originator: &AgencyCode,
        more: Use,
        class: u8,
    ) -> Option<Shortage> {
        let open = self.state.usage.agency(originator);
        self.over_quota(self.settings.quotas.agency_open, open, more, class)
    }

    /// Whether too much that a peer gave us is still open for more.
    pub(crate) fn peer_is_full(&self, peer: &NodeId, more: Use, class: u8) -> Option<Shortage> {
        let open = self.state.usage.incoming(peer);
        self.over_quota(self.settings.quotas.peer_open, open, more, class)
    }

    fn over_quota(&self, ceiling: Ceiling, used: Use, more: Use, class: u8) -> Option<Shortage> {
        let retry_ms = self.settings.quota_retry_ms;
        (!ceiling.fits(used, more, class)).then_some(Shortage { code: Code::Quota, retry_ms })
    }

    /// Whether this node has too much for more, whoever it is from; of what has been at so many nodes
    /// before.
    pub(crate) fn node_is_full(&self, more: Use, class: u8, nodes: usize) -> Option<Shortage> {
        let (used, ceiling) = (self.state.usage.total(), self.settings.ceiling());
        let beside = ceiling.for_those_on_their_way(nodes);
        let stored = Ceiling { count: u64::MAX, memory_bytes: u64::MAX, ..ceiling };
        if !stored.fits_with(used, more, class, &beside) {
            let retry_ms = self.settings.quota_retry_ms;
            return Some(Shortage { code: Code::BusyStorage, retry_ms });
        }
        let retry_ms = self.settings.busy_retry_ms;
        let fits = ceiling.fits_with(used, more, class, &beside);
        (!fits).then_some(Shortage { code: Code::Busy, retry_ms })
    }

    /// Whether too much waits on a way, or is kept for it, for more. Nothing that is there is ever
    /// dropped for it, and no other way is concerned.
    pub(crate) fn way_is_full(&self, way: &Way, load: &Coming<'_>) -> Option<Shortage> {
        self.way_is_full_at(way, load, 1)
    }

    fn way_is_full_at(&self, way: &Way, load: &Coming<'_>, times: u64) -> Option<Shortage> {
        let (quotas, settings) = (&self.settings.quotas, &self.settings);
        let full = |whole: Ceiling, used: Use, part: Use| {
            let whole = whole.times(times);
            !whole.fits(used, load.more, load.class)
                || !whole.part(SENDER_SHARE).fits(part, load.more, load.class)
        };
        match way {
            Way::Toward(peer) => {
                let used = self.state.direction_use(peer);
                let part = self.state.direction_use_of(peer, &load.flow);
                let connected = self.state.peers.get(peer).is_some_and(|p| p.connected);
                let retry_ms = match connected {
                    true => settings.busy_retry_ms,
                    false => settings.absent_retry_ms,
                };
                let full = full(quotas.direction, used, part);
                full.then_some(Shortage { code: Code::Busy, retry_ms })
            }
            Way::Into(recipient) => {
                let used = self.state.usage.mailbox(recipient);
                let part = self.state.usage.sender(recipient, load.originator);
                let full = full(quotas.mailbox, used, part);
                let retry_ms = settings.absent_retry_ms;
                full.then_some(Shortage { code: Code::Busy, retry_ms })
            }
        }
    }

    /// Whether a submission finds no room: one way of several may be over its ceiling, but not by
    /// much, and not all of them.
    pub(crate) fn ways_are_full<'w>(
        &self,
        ways: impl IntoIterator<Item = &'w Way>,
        load: &Coming<'_>,
    ) -> Option<Shortage> {
        let (mut some_room, mut first) = (false, None);
        for way in ways {
            match self.way_is_full(way, load) {
                None => some_room = true,
                Some(shortage) => {
                    first = first.or(Some(shortage));
                    let far_over = self.way_is_full_at(way, load, FAN_OUT);
                    if far_over.is_some() {
                        return far_over;
                    }
                }
            }
        }
        first.filter(|_| !some_room)
    }
}
