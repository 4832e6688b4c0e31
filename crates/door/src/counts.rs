//! How many at a time: of one caller, and in all.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts by key, and in all.
#[derive(Debug)]
pub struct Counts<K: Ord>(Mutex<BTreeMap<K, usize>>);

impl<K: Ord> Default for Counts<K> {
    fn default() -> Self {
        Counts(Mutex::default())
    }
}

/// One that is counted, until it is dropped.
#[derive(Debug)]
pub struct Counted<K: Ord> {
    counts: Arc<Counts<K>>,
    key: K,
}

impl<K: Ord + Clone> Counts<K> {
    /// Counts one more, unless there are `all_max` already, or `own_max` of this key.
    pub fn enter(self: &Arc<Self>, key: K, all_max: usize, own_max: usize) -> Option<Counted<K>> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = counts.values().sum();
        let own = counts.get(&key).copied().unwrap_or(0);
        if all >= all_max || own >= own_max {
            return None;
        }
        counts.insert(key.clone(), own + 1);
        Some(Counted { counts: self.clone(), key })
    }
}

impl<K: Ord> Drop for Counted<K> {
    fn drop(&mut self) {
        let mut counts = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.get_mut(&self.key) {
            Some(n) if *n > 1 => *n -= 1,
            _ => {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_more_than_their_share_and_places_come_back() {
        let counts: Arc<Counts<u8>> = Arc::default();
        let first = counts.enter(1, 3, 2);
        let _second = counts.enter(1, 3, 2).unwrap();
        assert!(counts.enter(1, 3, 2).is_none());
        let _other = counts.enter(2, 3, 2).unwrap();
        assert!(counts.enter(3, 3, 2).is_none());
        drop(first);
        assert!(counts.enter(3, 3, 2).is_some());
        assert_eq!(counts.0.lock().unwrap().len(), 2);
    }
}
