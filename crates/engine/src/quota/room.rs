//! Whether there is room for more, and when to ask again where there is not.

use tram_dispatch::{AgencyCode, Code, NodeId, Now};

use super::ceiling::{Ceiling, Use};
use crate::engine::Engine;

/// Something is not taken now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shortage {
    pub(crate) code: Code,
    pub(crate) retry_ms: u64,
}

/// Where a leg leads from here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// To a peer.
    Toward(NodeId),
    /// Into the mailbox of this recipient.
    Into(AgencyCode),
}

/// The part of a mailbox that one originator may have.
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

    /// Whether this node has too much for more, whoever it is from.
    pub(crate) fn node_is_full(&self, more: Use, class: u8) -> Option<Shortage> {
        let (used, ceiling) = (self.state.usage.total(), self.settings.ceiling());
        let stored = Ceiling { count: u64::MAX, memory_bytes: u64::MAX, ..ceiling };
        if !stored.fits(used, more, class) {
            let retry_ms = self.settings.quota_retry_ms;
            return Some(Shortage { code: Code::BusyStorage, retry_ms });
        }
        let retry_ms = self.settings.busy_retry_ms;
        (!ceiling.fits(used, more, class)).then_some(Shortage { code: Code::Busy, retry_ms })
    }

    /// Whether too much waits on a way, or is kept for it, for more. Nothing that is there is ever
    /// dropped for it, and no other way is concerned.
    pub(crate) fn way_is_full(
        &self,
        way: &Way,
        originator: &AgencyCode,
        more: Use,
        class: u8,
    ) -> Option<Shortage> {
        self.way_is_full_at(way, originator, more, class, 1)
    }

    fn way_is_full_at(
        &self,
        way: &Way,
        originator: &AgencyCode,
        more: Use,
        class: u8,
        times: u64,
    ) -> Option<Shortage> {
        let (quotas, settings) = (&self.settings.quotas, &self.settings);
        match way {
            Way::Toward(peer) => {
                let used = self.state.direction_use(peer);
                let connected = self.state.peers.get(peer).is_some_and(|p| p.connected);
                let retry_ms = match connected {
                    true => settings.busy_retry_ms,
                    false => settings.absent_retry_ms,
                };
                let full = !quotas.direction.times(times).fits(used, more, class);
                full.then_some(Shortage { code: Code::Busy, retry_ms })
            }
            Way::Into(recipient) => {
                let used = self.state.usage.sender(recipient, originator);
                let whole = quotas.mailbox.times(times);
                let part = |max: u64| max / SENDER_SHARE + u64::from(max > 0 && max < SENDER_SHARE);
                let share = Ceiling {
                    count: part(whole.count),
                    stored_bytes: part(whole.stored_bytes),
                    memory_bytes: part(whole.memory_bytes),
                };
                let full = !share.fits(used, more, class)
                    || !whole.fits(self.state.usage.mailbox(recipient), more, class);
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
        originator: &AgencyCode,
        more: Use,
        class: u8,
    ) -> Option<Shortage> {
        let (mut some_room, mut first) = (false, None);
        for way in ways {
            match self.way_is_full(way, originator, more, class) {
                None => some_room = true,
                Some(shortage) => {
                    first = first.or(Some(shortage));
                    let far_over = self.way_is_full_at(way, originator, more, class, FAN_OUT);
                    if far_over.is_some() {
                        return far_over;
                    }
                }
            }
        }
        first.filter(|_| !some_room)
    }
}
