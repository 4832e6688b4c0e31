//! The index against what the journal says.

use super::{CheckReport, Context, Phase, Progress};
use crate::index::IndexError;
use crate::index::audit::tables;
use crate::index::indexer::Indexer;
use crate::index::keys;
use crate::index::kv::{Kv, Put};
use crate::index::numbers;
use std::collections::BTreeSet;
use std::sync::PoisonError;

/// Index entries that were compared, and how many there should be in the tables that only grow.
#[derive(Debug, Default)]
pub(super) struct Shadow {
    grown: u64,
    tiles: BTreeSet<Vec<u8>>,
    waiting: BTreeSet<Vec<u8>>,
}

impl Shadow {
    /// Compares the entries of one batch with the index.
    pub(super) fn compare(
        &mut self,
        kv: &Kv,
        puts: Vec<Put>,
        report: &mut CheckReport,
    ) -> Result<(), IndexError> {
        for (key, value) in puts {
            let Some(table) = key.first().copied() else { continue };
            if table == tables::WAITING {
                let there = value.is_some();
                if there {
                    self.waiting.insert(key)
                } else {
                    self.waiting.remove(&key)
                };
                continue;
            }
            let Some(value) = value else { continue };
            let agrees = match table {
                // Replaced and removed as time goes on; compared at the end.
                keys::ACTIVE | keys::PEERS | keys::OPEN_NUMBERS | keys::SERIES => continue,
                // A tile may have grown since.
                keys::TILES => {
                    self.tiles.insert(key.clone());
                    kv.get(&key)?.is_some_and(|found| found.starts_with(&value))
                }
                _ => {
                    self.grown += 1;
                    kv.get(&key)? == Some(value)
                }
            };
            report.index_entries += 1;
            if !agrees {
                let table = char::from(table);
                report.index(
                    format_args!("index, table {table}"),
                    "an entry is missing or says something else than the journal",
                );
            }
        }
        Ok(())
    }

    /// Compares what changes, and looks for entries that nothing in the journal explains.
    pub(super) fn finish(
        &self,
        kv: &Kv,
        indexer: &mut Indexer,
        report: &mut CheckReport,
        context: &mut Context<'_>,
    ) -> Result<(), IndexError> {
        let counts = indexer.auditor.drain();
        for (key, value) in &counts {
            if kv.get(key)? != *value {
                report.index("index, table S", "counts are others than the journal gives");
            }
        }
        let active = indexer.active.read().unwrap_or_else(PoisonError::into_inner);
        let mut wanted: BTreeSet<Vec<u8>> = active.iter().map(keys::active).collect();
        for (peer, latest) in &indexer.peers {
            wanted.extend(latest.epoch.map(|_| keys::peer_epoch(peer)));
            let epochs = latest.checkpoints.keys();
            wanted.extend(epochs.map(|epoch| keys::peer_checkpoint(peer, epoch)));
            wanted.extend(latest.cosigned.map(|_| keys::peer_cosigned(peer)));
        }
        wanted.extend(numbers::changing_keys(&indexer.series));
        wanted.extend(self.waiting.iter().cloned());
        let mut found: BTreeSet<Vec<u8>> = BTreeSet::new();
        let changing = [keys::OPEN_NUMBERS, keys::SERIES, tables::WAITING];
        for table in [keys::ACTIVE, keys::PEERS].into_iter().chain(changing) {
            found.extend(kv.all(&[table])?.into_iter().map(|(key, _)| key));
        }
        for key in wanted.symmetric_difference(&found) {
            let table = char::from(key[0]);
            report.index(format_args!("index, table {table}"), "an entry is missing or surplus");
        }
        let wanted = (wanted.len() + counts.len()) as u64;
        report.index_entries += wanted;
        let head = 1;
        let entries = self.grown + self.tiles.len() as u64 + wanted + head;
        let there = kv.len()?;
        if there > entries {
            let more = there - entries;
            report.index("index", format_args!("{more} entries that the journal does not explain"));
        }
        (context.progress)(Progress { phase: Phase::Index, done: there, total: there });
        Ok(())
    }
}
