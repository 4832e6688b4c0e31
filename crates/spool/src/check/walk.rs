//! The walk over the journal.

use super::index::Shadow;
use super::{CheckReport, Context, Phase, Progress};
use crate::index::IndexError;
use crate::index::audit::Before;
use crate::index::growth::grow;
use crate::index::head::tag;
use crate::index::indexer::{Applied, Indexer};
use crate::index::lookup::Lookup;
use crate::journal::{JournalError, JournalReader, Position, ScannedBatch};
use crate::records;
use crate::store::StoreError;
use crate::store::error::{chain, journal_code};
use std::collections::{BTreeMap, BTreeSet};
use tram_crypto::sha256;
use tram_dispatch::{Code, Digest, DispatchId, Event, NetworkId, NodeId};
use tram_engine::record::{Held, OwnEvidence, Record};
use tram_wire::sealed::SealedDispatch;

/// A document file that Held records speak of.
#[derive(Debug, Default)]
pub(super) struct FileUse {
    pub(super) size: u64,
    pub(super) dispatches: Vec<DispatchId>,
}

/// What the walk gathers for the walks after it.
pub(super) struct Walk {
    /// Indexes the batches once more, apart from the index.
    pub(super) indexer: Indexer,
    lookup: Option<Lookup>,
    pub(super) shadow: Shadow,
    pub(super) files: BTreeMap<Digest, FileUse>,
    network: Option<NetworkId>,
    pub(super) node: Option<NodeId>,
    /// The whole range was read without a finding that ends it.
    pub(super) whole: bool,
}

impl Walk {
    pub(super) fn new(store_id: [u8; 16], lookup: Option<Lookup>) -> Self {
        Self {
            indexer: Indexer::new(store_id),
            lookup,
            shadow: Shadow::default(),
            files: BTreeMap::new(),
            network: None,
            node: None,
            whole: false,
        }
    }

    /// Reads all batches up to the one numbered `up_to`. Damage of the journal, and what contradicts
    /// the log, end the walk: nothing behind them is believed.
    pub(super) fn run(
        &mut self,
        journal: &JournalReader,
        up_to: u64,
        report: &mut CheckReport,
        context: &mut Context<'_>,
    ) -> Result<(), StoreError> {
        let scan = match journal.scan_from(None) {
            Ok(scan) => scan,
            Err(e) => return damaged(report, 0, e),
        };
        for batch in scan {
            let batch = match batch {
                Ok(batch) if batch.batch_seq > up_to => break,
                Ok(batch) => batch,
                Err(e) => {
                    let seq = report.batches + 1;
                    return damaged(report, seq, e);
                }
            };
            let (seq, at) = (batch.batch_seq, batch.position);
            match self.batch(batch, report, context) {
                Ok(()) => {}
                Err(StoreError::Index(e @ (IndexError::Log(_) | IndexError::Record(_)))) => {
                    report.damage(e.code(), format_args!("batch {seq}"), e);
                    return Ok(());
                }
                Err(e) => return Err(e),
            }
            report.batches += 1;
            report.at = Some(at);
            (context.progress)(Progress {
                phase: Phase::Journal,
                done: seq,
                total: up_to.max(seq),
            });
        }
        self.whole = true;
        Ok(())
    }

    fn batch(
        &mut self,
        batch: ScannedBatch,
        report: &mut CheckReport,
        context: &mut Context<'_>,
    ) -> Result<(), StoreError> {
        let (positions, raw): (Vec<_>, Vec<_>) = batch.records.into_iter().unzip();
        let records: Vec<Record> = raw.iter().map(records::decode).collect::<Result<_, _>>()?;
        let growth = grow(&self.indexer.head.frontier, &records, &[])?;
        report.records += records.len() as u64;
        for (at, record) in positions.iter().zip(&records) {
            self.record(*at, record, report, context)?;
        }
        let applied = Applied {
            at: batch.position,
            tag: tag(&raw),
            positions: &positions,
            records: &records,
            growth,
        };
        let lookup = &self.lookup;
        let past = Before { lookup: lookup.as_ref(), at: positions.first().copied() };
        let puts = self.indexer.apply(&applied, &past)?;
        if let Some(lookup) = lookup {
            self.shadow.compare(&lookup.kv, puts, report)?;
        }
        Ok(())
    }

    fn record(
        &mut self,
        at: Position,
        record: &Record,
        report: &mut CheckReport,
        context: &Context<'_>,
    ) -> Result<(), StoreError> {
        match record {
            Record::Genesis(leaf) => {
                report.leaves += 1;
                match tram_wire::genesis::decode(&leaf.record) {
                    Ok(genesis) => {
                        self.network = Some(genesis.network);
                        self.node = Some(genesis.node);
                    }
                    Err(e) => report.damage(Code::StoreCorrupt, "genesis", e),
                }
            }
            Record::Held(held) => self.held(held, report),
            Record::Evidence(own) => {
                report.leaves += 1;
                self.evidence(at, own, report)?;
            }
            Record::Earlier(own) => {
                if let Some(signatures) = context.signatures {
                    report.signatures += 1;
                    if let Err(what) = signatures.receipt(&own.raw) {
                        let place = format_args!("receipt {}", own.digest);
                        report.damage(Code::ReceiptInvalid, place, what);
                    }
                }
            }
            Record::Foreign(foreign) => {
                report.foreign += 1;
                if let Some(signatures) = context.signatures {
                    report.signatures += 1;
                    if let Err(what) = signatures.receipt(&foreign.raw) {
                        let place = format_args!("receipt {}", foreign.digest);
                        report.damage(Code::ReceiptInvalid, place, what);
                    }
                }
            }
            Record::Root(root) => {
                report.roots += 1;
                if let (Some(signatures), Some(network)) = (context.signatures, self.network) {
                    report.signatures += 1;
                    if let Err(what) = signatures.root(network, root) {
                        let place = format_args!("root of {} leaves", root.size);
                        report.damage(Code::ReceiptInvalid, place, what);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn held(&mut self, held: &Held, report: &mut CheckReport) {
        report.dispatches += 1;
        let id = held.dispatch;
        let mut bad = |what: &str| {
            report.damage(Code::StoreCorrupt, format_args!("dispatch {id}"), what);
        };
        if sha256(&held.raw) != held.object.0 {
            bad("the sealed object has another digest");
        }
        let brought = held.inline.iter().map(|(d, _)| *d).chain(held.files.iter().map(|(d, _)| *d));
        let brought: BTreeSet<Digest> = brought.chain(held.removed.iter().copied()).collect();
        match SealedDispatch::parse(&held.raw) {
            Ok(sealed) => {
                let e = sealed.envelope();
                if sealed.id() != id {
                    bad("the sealed object is another dispatch");
                }
                if e.originator != held.originator || e.reference != held.reference {
                    bad("the submission key is not that of the envelope");
                }
                if e.documents.iter().any(|d| !brought.contains(&d.sha256)) {
                    bad("a document of the envelope is missing in the record");
                }
            }
            Err(e) => bad(&e.to_string()),
        }
        for (digest, bytes) in &held.inline {
            report.documents += 1;
            report.documents_bytes += bytes.len() as u64;
            if sha256(bytes) != digest.0 {
                let what = "the document that rides along has another digest";
                report.damage(Code::StoreCorrupt, format_args!("document {digest}"), what);
            }
        }
        for (digest, size) in &held.files {
            let file = self.files.entry(*digest).or_default();
            file.size = *size;
            file.dispatches.push(id);
        }
    }

    /// Taking a dispatch, and all that follows from it, needs the record of its custody before it.
    fn evidence(
        &self,
        at: Position,
        own: &OwnEvidence,
        report: &mut CheckReport,
    ) -> Result<(), StoreError> {
        let Some(lookup) = &self.lookup else { return Ok(()) };
        let e = &own.evidence;
        let alone = matches!(
            e.event,
            Event::SubmissionRejection
                | Event::RelayRejection
                | Event::ContentConsignmentFailure
                | Event::SequenceVoid
                | Event::AnchorOverride
        );
        if !alone && lookup.held_at(&e.dispatch)?.is_none_or(|held| held >= at) {
            let what = format_args!("{} without custody of {}", e.event.name(), e.dispatch);
            report.damage(Code::StoreCorrupt, format_args!("leaf {}", own.leaf.index), what);
        }
        Ok(())
    }
}

fn damaged(report: &mut CheckReport, batch: u64, e: JournalError) -> Result<(), StoreError> {
    let code = journal_code(&e);
    if code != Code::StoreCorrupt {
        return Err(e.into());
    }
    report.damage(code, format_args!("journal, batch {batch}"), chain(&e));
    Ok(())
}
