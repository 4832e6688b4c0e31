//! A bounded cache: the least recently used entry goes first, so what stays depends only on the
//! order of use.

use std::collections::BTreeMap;

#[derive(Debug)]
pub(crate) struct Cache<K, V> {
    entries: BTreeMap<K, (u64, V)>,
    order: BTreeMap<u64, K>,
    next: u64,
    capacity: usize,
}

impl<K: Ord + Clone, V: Clone> Cache<K, V> {
    /// A cache of at most `capacity` entries; with 0 it keeps nothing.
    pub(crate) fn new(capacity: usize) -> Self {
        Cache { entries: BTreeMap::new(), order: BTreeMap::new(), next: 0, capacity }
    }

    pub(crate) fn get(&mut self, key: &K) -> Option<V> {
        let (used, value) = self.entries.get_mut(key)?;
        self.order.remove(used);
        *used = self.next;
        self.order.insert(self.next, key.clone());
        self.next += 1;
        Some(value.clone())
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        if self.capacity == 0 {
            return;
        }
        if let Some((used, _)) = self.entries.insert(key.clone(), (self.next, value)) {
            self.order.remove(&used);
        }
        self.order.insert(self.next, key);
        self.next += 1;
        while self.entries.len() > self.capacity {
            if let Some((_, oldest)) = self.order.pop_first() {
                self.entries.remove(&oldest);
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut cache = Cache::new(2);
        cache.insert(1, 'a');
        cache.insert(2, 'b');
        assert_eq!(cache.get(&1), Some('a'));
        cache.insert(3, 'c');
        assert_eq!((cache.get(&1), cache.get(&2), cache.get(&3)), (Some('a'), None, Some('c')));
        for key in 0..1000 {
            cache.insert(key, 'x');
            cache.insert(key, 'y');
        }
        assert_eq!((cache.len(), cache.order.len(), cache.get(&999)), (2, 2, Some('y')));
    }

    #[test]
    fn nothing_is_kept_without_room() {
        let mut cache = Cache::new(0);
        cache.insert(1, 'a');
        assert_eq!((cache.get(&1), cache.len()), (None, 0));
    }
}
