//! One page of an ordered map that lies in several layers.

/// A key with its value; no value where a newer layer removed it.
pub(super) type Entry = (Vec<u8>, Option<Vec<u8>>);

/// A part of one layer: its first entries of the range asked for.
pub(super) struct Slice {
    /// In order.
    pub(super) entries: Vec<Entry>,
    /// There are more behind them.
    pub(super) cut: bool,
}

/// What is known after looking at the slices of all layers.
pub(super) struct Merged {
    /// Entries that are there, in order.
    pub(super) entries: Vec<(Vec<u8>, Vec<u8>)>,
    /// Everything up to this key is decided; `None`: the whole range is.
    pub(super) decided_to: Option<Vec<u8>>,
}

/// Merges slices of the same range, the newest layer first. A layer that was cut says nothing about
/// keys behind its last entry, so the result ends at the smallest such key.
pub(super) fn merge(slices: Vec<Slice>) -> Merged {
    let decided_to = slices
        .iter()
        .filter(|s| s.cut)
        .filter_map(|s| s.entries.last().map(|(key, _)| key.clone()))
        .min();
    let mut layers: Vec<_> = slices.into_iter().map(|s| s.entries.into_iter().peekable()).collect();
    let mut entries = Vec::new();
    loop {
        let next = layers.iter_mut().filter_map(|l| l.peek().map(|(key, _)| key.clone())).min();
        let Some(key) = next.filter(|key| decided_to.as_ref().is_none_or(|end| key <= end)) else {
            return Merged { entries, decided_to };
        };
        let mut newest = None;
        for layer in &mut layers {
            if let Some((_, value)) = layer.next_if(|(k, _)| *k == key) {
                newest.get_or_insert(value);
            }
        }
        if let Some(Some(value)) = newest {
            entries.push((key, value));
        }
    }
}
