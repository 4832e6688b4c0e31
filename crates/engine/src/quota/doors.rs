//! Who was told to come back later: until then they are told the same before anything is verified,
//! so that a flood costs no signature checks and no turn of the engine.

use std::collections::BTreeMap;
use std::sync::Mutex;

use tram_dispatch::{AgencyCode, NodeId};

/// A door is closed at most this long; then the engine is asked again, for room may have come.
const CLOSED_MS_MAX: u64 = 1_000;
/// Most doors. Only agencies served here and peers come to have one.
const DOORS_MAX: usize = 100_000;

/// The doors of agencies and of peers.
#[derive(Debug, Default)]
pub struct Doors {
    /// Of agencies that hand in.
    pub agencies: DoorsOf<AgencyCode>,
    /// Of peers that offer.
    pub peers: DoorsOf<NodeId>,
}

/// Doors by who comes through them; what is urgent has one of its own.
#[derive(Debug)]
pub struct DoorsOf<K>(Mutex<BTreeMap<K, [Door; 2]>>);

/// Times in monotonic ms.
#[derive(Clone, Copy, Debug, Default)]
struct Door {
    closed_until: u64,
    retry_at: u64,
    turned_away: u64,
}

impl<K> Default for DoorsOf<K> {
    fn default() -> Self {
        DoorsOf(Mutex::default())
    }
}

impl<K: Ord + Clone> DoorsOf<K> {
    /// The engine said "later", after `retry_ms`, to something of this urgency class. `now_ms` is
    /// monotonic.
    pub fn close(&self, who: &K, class: u8, retry_ms: u64, now_ms: u64) {
        let Ok(mut doors) = self.0.lock() else { return };
        if doors.len() >= DOORS_MAX && !doors.contains_key(who) {
            return;
        }
        let pair = doors.entry(who.clone()).or_default();
        // No room for what is urgent is no room for anything.
        let last = usize::from(class > 0);
        for door in &mut pair[..=last] {
            door.closed_until = now_ms.saturating_add(retry_ms.min(CLOSED_MS_MAX));
            door.retry_at = now_ms.saturating_add(retry_ms);
        }
    }

    /// Whether the door is closed: when to come again, milliseconds from now. Counts who came.
    pub fn turn_away(&self, who: &K, class: u8, now_ms: u64) -> Option<u64> {
        let mut doors = self.0.lock().ok()?;
        let door = &mut doors.get_mut(who)?[usize::from(class > 0)];
        if door.closed_until <= now_ms {
            return None;
        }
        door.turned_away += 1;
        Some(door.retry_at.saturating_sub(now_ms).max(1))
    }

    /// How many were turned away here since the start.
    pub fn turned_away(&self, who: &K) -> u64 {
        let Ok(doors) = self.0.lock() else { return 0 };
        doors.get(who).map_or(0, |pair| pair.iter().map(|d| d.turned_away).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agency() -> AgencyCode {
        "H41".parse().unwrap()
    }

    #[test]
    fn a_closed_door_says_the_same_until_the_engine_is_to_be_asked_again() {
        let doors = Doors::default();
        doors.agencies.close(&agency(), 0, 30_000, 500);
        assert_eq!(doors.agencies.turn_away(&agency(), 0, 600), Some(29_900));
        assert_eq!(doors.agencies.turn_away(&agency(), 0, 1_500), None);
        assert_eq!(doors.agencies.turn_away(&"H42".parse().unwrap(), 0, 600), None);
        assert_eq!(doors.agencies.turned_away(&agency()), 1);
    }

    #[test]
    fn what_is_urgent_is_asked_about_for_itself() {
        let doors = Doors::default();
        doors.agencies.close(&agency(), 0, 30_000, 0);
        assert_eq!(doors.agencies.turn_away(&agency(), 2, 1), None);
        doors.agencies.close(&agency(), 1, 10, 0);
        assert_eq!(doors.agencies.turn_away(&agency(), 3, 1), Some(9));
        assert_eq!(doors.agencies.turn_away(&agency(), 0, 1), Some(9));
        assert_eq!(doors.agencies.turn_away(&agency(), 0, 10), None);
    }
}
