//! The ordered map: layers in memory over a redb file.

use super::merge::{Entry, Slice, merge};
use super::{INDEX_FORMAT, IndexError};
use redb::{
    Builder, Database, Durability, ReadOnlyTable, ReadableDatabase, ReadableTableMetadata,
    TableDefinition, TableError,
};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

/// Holds the format version, so that every later format can be told by name.
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const FORMAT: &str = "format";
const ENTRIES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("entries");

/// A change of one key; `None` removes it.
pub(crate) type Put = (Vec<u8>, Option<Vec<u8>>);
/// Changes not yet in the file.
pub(crate) type Layer = BTreeMap<Vec<u8>, Option<Vec<u8>>>;
/// Present entries, in order of their keys.
pub(crate) type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// Where the lower layer lies.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A file of the real disk.
    File(PathBuf),
    /// Memory: gone with the process.
    Memory,
}

/// The file as one committed transaction left it.
type Snapshot = Arc<ReadOnlyTable<&'static [u8], &'static [u8]>>;

struct Layers {
    top: Layer,
    /// On its way into the file. It stays visible until it is there.
    frozen: Option<Arc<Layer>>,
    /// What lies below them. Kept from one flush to the next: to begin a read costs more than the
    /// read itself. Absent only after a check of the file, which suffers no reader beside it.
    file: Option<Snapshot>,
}

impl std::fmt::Debug for Layers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Layers").field("top", &self.top.len()).finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(crate) struct Kv {
    /// Before the file, so that its snapshot goes before it.
    layers: RwLock<Layers>,
    db: Database,
}

impl Kv {
    /// Opens or creates the file.
    pub(crate) fn open(place: &Place, cache_bytes: usize) -> Result<Self, IndexError> {
        let mut builder = Builder::new();
        builder.set_cache_size(cache_bytes);
        let db = match place {
            Place::File(path) => builder.create(path)?,
            Place::Memory => builder.create_with_backend(redb::backends::InMemoryBackend::new())?,
        };
        check_format(&db)?;
        let layers = Layers { top: Layer::new(), frozen: None, file: Some(snapshot(&db)?) };
        Ok(Self { db, layers: RwLock::new(layers) })
    }

    /// Reads every page of the file and compares its checksum; false if something had to be mended.
    pub(crate) fn check_integrity(&mut self) -> Result<bool, IndexError> {
        self.layers.get_mut().unwrap_or_else(PoisonError::into_inner).file = None;
        Ok(self.db.check_integrity()?)
    }

    fn file(&self, layers: &Layers) -> Result<Snapshot, IndexError> {
        layers.file.as_ref().map_or_else(|| snapshot(&self.db), |file| Ok(Arc::clone(file)))
    }

    /// Applies changes to the upper layer, all at once for readers.
    pub(crate) fn write(&self, puts: Vec<Put>) {
        self.layers.write().unwrap_or_else(PoisonError::into_inner).top.extend(puts);
    }

    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, IndexError> {
        let file = {
            let layers = self.read_layers();
            if let Some(value) = layers.top.get(key) {
                return Ok(value.clone());
            }
            if let Some(value) = layers.frozen.as_ref().and_then(|f| f.get(key)) {
                return Ok(value.clone());
            }
            // Taken under the lock: a frozen layer that is gone by now is in this snapshot.
            self.file(&layers)?
        };
        Ok(file.get(key)?.map(|value| value.value().to_vec()))
    }

    /// Up to `max` present entries with `from <= key < to`, in order. Fewer only at the end.
    pub(crate) fn page(&self, from: &[u8], to: &[u8], max: usize) -> Result<Entries, IndexError> {
        let mut found = Entries::new();
        let mut start = Bound::Included(from.to_vec());
        while found.len() < max {
            let want = max - found.len();
            let merged = merge(self.slices(&start, to, want)?);
            found.extend(merged.entries.into_iter().take(want));
            match merged.decided_to {
                Some(key) => start = Bound::Excluded(key),
                None => break,
            }
        }
        Ok(found)
    }

    /// Shows every present entry with `from <= key < to` in order, without keeping any, until `each`
    /// says that it is enough.
    pub(crate) fn walk(
        &self,
        from: &[u8],
        to: &[u8],
        mut each: impl FnMut(&[u8], &[u8]) -> Result<bool, IndexError>,
    ) -> Result<(), IndexError> {
        if from >= to {
            return Ok(());
        }
        let bound = Bound::Included(from.to_vec());
        let (newer, file) = {
            let layers = self.read_layers();
            let mut newer = slice_of(&layers.top, &bound, to, usize::MAX).entries;
            if let Some(frozen) = &layers.frozen {
                let top: BTreeMap<_, _> = newer.into_iter().collect();
                let mut both: BTreeMap<_, _> =
                    slice_of(frozen, &bound, to, usize::MAX).entries.into_iter().collect();
                both.extend(top);
                newer = both.into_iter().collect();
            }
            (newer, self.file(&layers)?)
        };
        let mut newer = newer.into_iter().peekable();
        for found in file.range::<&[u8]>((Bound::Included(from), Bound::Excluded(to)))? {
            let (key, value) = found?;
            let key = key.value();
            while let Some((k, v)) = newer.next_if(|(k, _)| k.as_slice() < key) {
                if let Some(v) = v
                    && !each(&k, &v)?
                {
                    return Ok(());
                }
            }
            let more = match newer.next_if(|(k, _)| k.as_slice() == key) {
                Some((_, Some(v))) => each(key, &v)?,
                Some((_, None)) => true,
                None => each(key, value.value())?,
            };
            if !more {
                return Ok(());
            }
        }
        for (k, v) in newer {
            if let Some(v) = v
                && !each(&k, &v)?
            {
                return Ok(());
            }
        }
        Ok(())
    }

    /// All entries that begin with `prefix`; for tables known to be small there.
    pub(crate) fn all(&self, prefix: &[u8]) -> Result<Entries, IndexError> {
        self.page(prefix, &super::keys::behind(prefix), usize::MAX)
    }

    fn slices(
        &self,
        from: &Bound<Vec<u8>>,
        to: &[u8],
        max: usize,
    ) -> Result<Vec<Slice>, IndexError> {
        let (mut slices, file) = {
            let layers = self.read_layers();
            let mut slices = vec![slice_of(&layers.top, from, to, max)];
            slices.extend(layers.frozen.as_ref().map(|f| slice_of(f, from, to, max)));
            let file = self.file(&layers)?;
            (slices, file)
        };
        slices.push(slice_of_file(&file, from, to, max)?);
        Ok(slices)
    }

    fn read_layers(&self) -> std::sync::RwLockReadGuard<'_, Layers> {
        self.layers.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes in the upper layer.
    pub(crate) fn waiting(&self) -> usize {
        self.read_layers().top.len()
    }

    /// Freezes the upper layer with `last` added, to be given to [`Kv::flush`]. There must be no
    /// other frozen layer.
    pub(crate) fn freeze(&self, last: Vec<Put>) -> Arc<Layer> {
        let mut layers = self.layers.write().unwrap_or_else(PoisonError::into_inner);
        let mut layer = std::mem::take(&mut layers.top);
        layer.extend(last);
        let layer = Arc::new(layer);
        layers.frozen = Some(Arc::clone(&layer));
        layer
    }

    /// Writes a frozen layer to the file as one durable transaction.
    pub(crate) fn flush(&self, layer: &Layer) -> Result<(), IndexError> {
        let mut transaction = self.db.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        // After a crash the file opens at once instead of being walked.
        transaction.set_quick_repair(true);
        {
            let mut table = transaction.open_table(ENTRIES)?;
            for (key, value) in layer {
                match value {
                    Some(value) => drop(table.insert(key.as_slice(), value.as_slice())?),
                    None => drop(table.remove(key.as_slice())?),
                }
            }
        }
        transaction.commit()?;
        let file = snapshot(&self.db)?;
        let mut layers = self.layers.write().unwrap_or_else(PoisonError::into_inner);
        layers.file = Some(file);
        layers.frozen = None;
        Ok(())
    }

    /// Entries in the file.
    pub(crate) fn len(&self) -> Result<u64, IndexError> {
        Ok(self.db.begin_read()?.open_table(ENTRIES)?.len()?)
    }
}

fn snapshot(db: &Database) -> Result<Snapshot, IndexError> {
    Ok(Arc::new(db.begin_read()?.open_table(ENTRIES)?))
}

fn check_format(db: &Database) -> Result<(), IndexError> {
    let found = match db.begin_read()?.open_table(META) {
        Ok(table) => table.get(FORMAT)?.map(|v| v.value()),
        Err(TableError::TableDoesNotExist(_)) => None,
        Err(e) => return Err(e.into()),
    };
    match found {
        Some(INDEX_FORMAT) => return Ok(()),
        Some(found) if found > INDEX_FORMAT => {
            return Err(IndexError::FormatTooNew { found, supported: INDEX_FORMAT });
        }
        Some(found) => return Err(IndexError::damaged(format_args!("it has format {found}"))),
        None => {}
    }
    let mut transaction = db.begin_write()?;
    transaction.set_quick_repair(true);
    {
        if transaction.list_tables()?.next().is_some() {
            return Err(IndexError::damaged("it does not say its format"));
        }
        transaction.open_table(META)?.insert(FORMAT, INDEX_FORMAT)?;
        transaction.open_table(ENTRIES)?;
    }
    Ok(transaction.commit()?)
}

fn slice_of(layer: &Layer, from: &Bound<Vec<u8>>, to: &[u8], max: usize) -> Slice {
    if inverted(from, to) {
        return Slice { entries: Vec::new(), cut: false };
    }
    let to = Bound::Excluded(to);
    let mut range = layer.range::<[u8], _>((from.as_ref().map(Vec::as_slice), to));
    let entries: Vec<Entry> =
        range.by_ref().take(max).map(|(key, value)| (key.clone(), value.clone())).collect();
    Slice { cut: range.next().is_some(), entries }
}

fn slice_of_file(
    table: &ReadOnlyTable<&'static [u8], &'static [u8]>,
    from: &Bound<Vec<u8>>,
    to: &[u8],
    max: usize,
) -> Result<Slice, IndexError> {
    if inverted(from, to) {
        return Ok(Slice { entries: Vec::new(), cut: false });
    }
    let range = (from.as_ref().map(Vec::as_slice), Bound::Excluded(to));
    let mut entries: Vec<Entry> = Vec::new();
    for found in table.range::<&[u8]>(range)? {
        let (key, value) = found?;
        if entries.len() == max {
            return Ok(Slice { entries, cut: true });
        }
        entries.push((key.value().to_vec(), Some(value.value().to_vec())));
    }
    Ok(Slice { entries, cut: false })
}

/// Ranges that end before they begin make both maps panic.
fn inverted(from: &Bound<Vec<u8>>, to: &[u8]) -> bool {
    match from {
        Bound::Included(key) | Bound::Excluded(key) => key.as_slice() >= to,
        Bound::Unbounded => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever was written, frozen, flushed and removed: pages say what one map would say.
        #[test]
        fn layers_read_as_one_map(
            steps in proptest::collection::vec((0_u8..40, any::<bool>(), 0_u8..8), 1..120),
            max in 1_usize..9,
        ) {
            let kv = Kv::open(&Place::Memory, 1 << 20).unwrap();
            let mut model: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
            let mut frozen = None;
            for (n, (key, put, then)) in steps.into_iter().enumerate() {
                let (key, value) = (vec![1, key], vec![n as u8]);
                kv.write(vec![(key.clone(), put.then(|| value.clone()))]);
                if put { model.insert(key, value); } else { model.remove(&key); }
                match (then, frozen.take()) {
                    (0, None) => frozen = Some(kv.freeze(vec![(vec![0], Some(vec![]))])),
                    (1, Some(layer)) => kv.flush(&layer).unwrap(),
                    (_, other) => frozen = other,
                }
            }
            let all: Entries = model.clone().into_iter().collect();
            prop_assert_eq!(&kv.all(&[1]).unwrap(), &all);
            let page = kv.page(&[1, 7], &[1, 33], max).unwrap();
            let want: Entries = model.range(vec![1, 7]..vec![1, 33])
                .take(max).map(|(k, v)| (k.clone(), v.clone())).collect();
            prop_assert_eq!(page, want);
            let mut walked = Entries::new();
            kv.walk(&[1, 7], &[1, 33], |key, value| {
                walked.push((key.to_vec(), value.to_vec()));
                Ok(walked.len() < max)
            }).unwrap();
            let want: Entries = model.range(vec![1, 7]..vec![1, 33])
                .take(max).map(|(k, v)| (k.clone(), v.clone())).collect();
            prop_assert_eq!(walked, want);
            for key in 0..40 {
                prop_assert_eq!(kv.get(&[1, key]).unwrap(), model.get(&vec![1, key]).cloned());
            }
        }
    }
}
