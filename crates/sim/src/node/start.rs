//! How the process of a node starts on what its disk holds.

use std::sync::Arc;

use tram_dispatch::{Code, Digest, Now};
use tram_engine::{Anchor, Engine, Issuer, genesis_batch};
use tram_spool::anchor::AnchorFile;
use tram_spool::disk::Disk;
use tram_spool::documents::{DocumentOptions, ListedDocument};
use tram_spool::store::{RecoveryReport, Store, StoreOptions};
use tram_trust::Verifier;

use super::machine::Node;
use super::running::Running;
use super::sight::Sight;
use crate::dice::Dice;
use crate::land::{Court, land};
use crate::plant::Plant;

/// Name of the anchor file on its disk.
const ANCHOR_NAME: &str = "node.anchor";
/// So many entries go from the upper layer of the index to the lower one at a time: few, so that reads
/// find both layers in use.
const INDEX_ENTRIES: usize = 100;

/// Why a node did not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartError {
    /// The code.
    pub code: Code,
    /// In words.
    pub detail: String,
    /// The power went off while it started: nothing is wrong with it.
    pub cut: bool,
}

impl Node {
    /// Starts the process on what the disk holds. `power_after`: the power goes off after so many
    /// changes of the disk; then nothing is left running.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(
        &mut self,
        now: Now,
        court: &Court,
        power_after: Option<u64>,
    ) -> Result<RecoveryReport, StartError> {
        self.starts += 1;
        if let Some(mutations) = power_after {
            self.disk.power_off_after(mutations);
        }
        let started = self.started(now, court.verifier(self.directory).clone());
        if self.disk.is_off() || (power_after.is_some() && started.is_ok()) {
            self.anchor.process_ends_after(0);
            self.disk.process_ends_after(0);
            drop(started);
            let detail = "the power went off".to_owned();
            return Err(StartError { code: Code::StorageFailed, detail, cut: true });
        }
        let (running, report) = started?;
        self.running = Some(running);
        Ok(report)
    }

    fn store_options(&self, dice: &mut Dice) -> StoreOptions {
        let mut store_id = [0; 16];
        store_id.copy_from_slice(&dice.bytes32()[..16]);
        StoreOptions {
            create_with_store_id: Some(store_id),
            documents: DocumentOptions {
                reserve_bytes: self.options.reserve_bytes,
                ..DocumentOptions::default()
            },
            anchor: Some(AnchorFile::on(Arc::new(self.anchor.clone()), ANCHOR_NAME)),
            machine_id: "simulated".to_owned(),
            segment_bytes: self.options.segment_bytes,
            flush_entries: INDEX_ENTRIES,
            ..StoreOptions::default()
        }
    }

    fn started(
        &self,
        now: Now,
        verifier: Arc<Verifier>,
    ) -> Result<(Running, RecoveryReport), StartError> {
        let fail = |code: Code, detail: String| StartError { code, detail, cut: false };
        let number = (self.place as u64) << 32 | self.starts;
        let mut dice = Dice::of(self.options.seed, "start", number);
        let options = self.store_options(&mut dice);
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        let mut opened = Store::open(Arc::clone(&disk), options.clone());
        if self.options.plant == Some(Plant::FlippedBitIsTorn) {
            for _ in 0..64 {
                match &opened {
                    Err(e) if e.code() == Code::StoreCorrupt && self.zero_damage(&e.explain()) => {
                        opened = Store::open(Arc::clone(&disk), options.clone());
                    }
                    _ => break,
                }
            }
        }
        let (mut store, mut recovered, report) = opened.map_err(|e| fail(e.code(), e.explain()))?;
        if let Some(code) = report.anchor.code()
            && self.options.plant != Some(Plant::NoRollbackCheck)
        {
            return Err(fail(code, format!("the anchor outside the store: {:?}", report.anchor)));
        }
        let life = self.keys();
        let issuer = Issuer {
            network: land().network(),
            node: self.id().clone(),
            epoch: life.epoch,
            key: Arc::clone(&life.receipt),
        };
        if self.options.plant == Some(Plant::NoRollbackCheck) {
            recovered.anchor = Anchor::Agrees;
        }
        if recovered.frontier.size() == 0 {
            if report.anchor.is_safe() {
                // Before the first leaf: a store with leaves and no anchor is never new.
                store.replace_anchor().map_err(|e| fail(e.code(), e.explain()))?;
            }
            let (batch, frontier) = genesis_batch(&issuer, &life.genesis, now.wall)
                .map_err(|e| fail(Code::Internal, e.to_string()))?;
            store.commit(&batch).map_err(|e| fail(e.code(), e.explain()))?;
            recovered.frontier = frontier;
            recovered.last_time = now.wall;
        }
        let head = (recovered.frontier.size(), recovered.frontier.root().0);
        let mut view = Sight::new(store.reader());
        if self.options.plant == Some(Plant::NoDeduplication) {
            view.hide_delivered(&mut recovered);
        }
        let settings = self.options.settings.clone();
        let directory = verifier.directory().clone();
        let engine = Engine::new(settings, issuer, directory, recovered, dice.bytes32())
            .map_err(|e| fail(Code::StoreCorrupt, e.to_string()))?;
        let mut running = Running::new(life, engine, store, view, verifier, head);
        running.plant = self.options.plant;
        running.flushed_ms = now.mono_ms;
        running.anchored = report.anchor.is_safe();
        let mut unneeded = Vec::new();
        for listed in running.documents.list() {
            if let Ok(ListedDocument::Document(digest)) = listed {
                unneeded.push(Digest(digest));
            }
        }
        running.remove_documents(unneeded);
        Ok((running, report))
    }

    /// Zeroes the sector that an error names (a planted bug); false if it names none.
    fn zero_damage(&self, words: &str) -> bool {
        let number = |label: &str| -> Option<u64> {
            let rest = words.split(label).nth(1)?.trim_start();
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        };
        let (Some(segment), Some(offset)) = (number("journal segment"), number("at byte")) else {
            return false;
        };
        let path = format!("journal/{segment:020}.segment");
        self.disk.lose_sector(&path, offset / 512)
    }
}
