//! The entries of the receipt log as they are published: salted commitments, and nothing else.

use super::{StoreError, StoreReader};
use tram_wire::evidence::commitment;

impl StoreReader {
    /// The entries of the tree from leaf `first` on, `count` of them: what each leaf commits to, as
    /// [`commitment`] of salt and record. Neither leaves the store by this.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Proof`] where there are not so many leaves.
    pub fn entries(&self, first: u64, count: usize) -> Result<Vec<[u8; 32]>, StoreError> {
        let end = first.saturating_add(count as u64);
        self.check_size(end)?;
        (first..end)
            .map(|index| {
                let record = self.lookup.leaf(index)?;
                let leaf = record.as_ref().and_then(|record| record.leaf());
                let missing = || StoreError::Receipt { leaf: index, detail: "no such leaf".into() };
                let leaf = leaf.ok_or_else(missing)?;
                Ok(commitment(&leaf.salt, &leaf.record))
            })
            .collect()
    }
}
