//! Admission of incoming handshakes, before any CPU is spent on them.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

use crate::TransportLimits;

/// Counts handshakes in progress.
pub(super) struct Gate {
    limits: Arc<TransportLimits>,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    total: u32,
    by_address: BTreeMap<IpAddr, u32>,
}

/// What to do with a first packet.
pub(super) enum Entry {
    /// Go on; the pass counts until it is dropped.
    Admit(Pass),
    /// Have the dialler prove its address first.
    Retry,
    /// Too many.
    Refuse,
}

impl Gate {
    pub(super) fn new(limits: Arc<TransportLimits>) -> Arc<Self> {
        Arc::new(Self { limits, counts: Mutex::default() })
    }

    /// `proven`: the dialler has shown that it receives at `address`.
    ///
    /// A full count of an address refuses only those who proved it; otherwise anybody could lock a
    /// peer out by sending in its name.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr, proven: bool) -> Entry {
        let key = network(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let here = counts.by_address.get(&key).copied().unwrap_or(0);
        let crowded = here >= self.limits.handshakes_per_address_max;
        if !proven && (crowded || counts.total >= self.limits.retry_above_handshakes) {
            return Entry::Retry;
        }
        if crowded || counts.total >= self.limits.handshakes_max {
            return Entry::Refuse;
        }
        counts.total += 1;
        counts.by_address.insert(key, here + 1);
        Entry::Admit(Pass { gate: self.clone(), key })
    }
}

/// One handshake in progress.
pub(super) struct Pass {
    gate: Arc<Gate>,
    key: IpAddr,
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut counts = self.gate.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.total = counts.total.saturating_sub(1);
        let here = counts.by_address.get(&self.key).copied().unwrap_or(0);
        if here > 1 {
            counts.by_address.insert(self.key, here - 1);
        } else {
            counts.by_address.remove(&self.key);
        }
    }
}

/// One IPv4 address, or the /64 that one IPv6 host commonly commands.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Arc<Gate> {
        Gate::new(Arc::new(TransportLimits {
            handshakes_max: 6,
            retry_above_handshakes: 3,
            handshakes_per_address_max: 2,
            ..Default::default()
        }))
    }

    fn admit(gate: &Arc<Gate>, address: &str, proven: bool) -> Option<Pass> {
        match gate.enter(address.parse().unwrap(), proven) {
            Entry::Admit(pass) => Some(pass),
            Entry::Retry | Entry::Refuse => None,
        }
    }

    #[test]
    fn spoofed_addresses_leave_room_for_proven_ones() {
        let gate = gate();
        let flood: Vec<_> =
            (0..50).filter_map(|n| admit(&gate, &format!("192.0.2.{n}"), false)).collect();
        assert_eq!(flood.len(), 3);
        assert!(matches!(gate.enter("198.51.100.1".parse().unwrap(), false), Entry::Retry));
        let real: Vec<_> =
            (0..50).filter_map(|n| admit(&gate, &format!("198.51.100.{n}"), true)).collect();
        assert_eq!(real.len(), 3);
        assert!(matches!(gate.enter("203.0.113.1".parse().unwrap(), true), Entry::Refuse));
        drop(flood);
        assert!(admit(&gate, "203.0.113.1", true).is_some());
    }

    #[test]
    fn one_address_has_its_share_only() {
        let gate = gate();
        let held = [admit(&gate, "2001:db8::1", true), admit(&gate, "2001:db8::2", true)];
        assert!(held.iter().all(Option::is_some));
        assert!(matches!(gate.enter("2001:db8::3".parse().unwrap(), true), Entry::Refuse));
        assert!(matches!(gate.enter("2001:db8::3".parse().unwrap(), false), Entry::Retry));
        assert!(admit(&gate, "2001:db8:0:1::1", true).is_some());
        drop(held);
        assert!(gate.counts.lock().unwrap().by_address.is_empty());
    }
}
