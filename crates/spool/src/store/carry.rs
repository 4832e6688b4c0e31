//! Carrying over what a store holds into a new one, in which a new epoch of the receipt log begins.
//!
//! Custody, submission keys, receipts of other nodes and what is owed stay as they are. Receipts that this
//! node gave become whole receipts of an earlier epoch: the tree they are in is not continued. Roots,
//! cosignatures and the tree itself stay in the old store, which is kept.

use super::{CommitError, Store, StoreError, StoreReader};
use crate::records;
use tram_dispatch::Code;
use tram_engine::record::{Batch, Earlier, OutboxDone, Owed, Record};

/// What was carried over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Dispatches, closed ones among them.
    pub dispatches: u64,
    /// Receipts that this node had given.
    pub receipts: u64,
    /// Records, all in all.
    pub records: u64,
}

/// Why it was not carried over. The new store is to be thrown away; the old one is as it was.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// The old store cannot be read.
    #[error("the store cannot be read")]
    Read(#[from] StoreError),
    /// The new one cannot be written.
    #[error("the new store cannot be written")]
    Write(#[from] CommitError),
}

impl CarryError {
    /// The row of the table.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            CarryError::Read(e) => e.code(),
            CarryError::Write(e) => e.code(),
        }
    }

    /// With its causes, in words.
    #[must_use]
    pub fn explain(&self) -> String {
        super::error::chain(self)
    }
}

impl Store {
    /// Carries everything over from `old` into this store, which has its genesis leaf and nothing else.
    /// Documents that are files are not touched: they are to lie where this store looks for them.
    ///
    /// # Errors
    /// [`CarryError`].
    pub fn carry_over(&mut self, old: &StoreReader) -> Result<Carried, CarryError> {
        let dispatches = old.counts().dispatches;
        let mut carried = Carried { dispatches, ..Carried::default() };
        let scan = old.journal().scan_from(None).map_err(StoreError::from)?;
        for batch in scan {
            let batch = batch.map_err(StoreError::from)?;
            let mut records = Vec::with_capacity(batch.records.len());
            for (_, raw) in &batch.records {
                let record = records::decode(raw).map_err(StoreError::from)?;
                records.extend(carry(record, old, &mut carried)?);
            }
            carried.records += records.len() as u64;
            if !records.is_empty() {
                self.commit(&Batch { number: 0, records, tree_nodes: Vec::new() })?;
            }
        }
        Ok(carried)
    }
}

/// What stands in the new store for one record of the old one.
fn carry(
    record: Record,
    old: &StoreReader,
    carried: &mut Carried,
) -> Result<Option<Record>, StoreError> {
    Ok(match record {
        Record::Genesis(_) | Record::Root(_) | Record::Cosigned(_) => None,
        Record::Evidence(own) => {
            let receipt = given(old, own.leaf.index)?;
            carried.receipts += 1;
            Some(Record::Earlier(Earlier {
                digest: receipt.digest(),
                raw: receipt.raw().clone(),
                evidence: own.evidence,
                owed_to: own.owed_to,
            }))
        }
        Record::OutboxDone(OutboxDone { dispatch, peer, owed: Owed::Own(leaf) }) => {
            let owed = Owed::Foreign(given(old, leaf)?.digest());
            Some(Record::OutboxDone(OutboxDone { dispatch, peer, owed }))
        }
        other => Some(other),
    })
}

fn given(old: &StoreReader, leaf: u64) -> Result<tram_wire::Receipt, StoreError> {
    let detail = "there is no receipt of it".to_owned();
    old.receipt(leaf)?.ok_or(StoreError::Receipt { leaf, detail })
}
