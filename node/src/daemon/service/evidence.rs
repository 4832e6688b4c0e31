//! The evidence file of one dispatch.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use tokio::sync::OwnedSemaphorePermit;
use tram_api::Problem;
use tram_api::model::EvidenceQuery;
use tram_dispatch::directory::Entry;
use tram_dispatch::limits::DIRECTORY_BYTES_MAX;
use tram_dispatch::{AgencyCode, Code, DispatchId, Event, NodeId};
use tram_engine::{Engine, Fatal, View};
use tram_tlog::note::Note;
use tram_trust::evidence::Ground;
use tram_trust::{Directory, Verifier};
use tram_wire::directory::{DirectoryFile, DirectoryPart};
use tram_wire::evidence_file::{EvidenceFile, ProvedCheckpoint};
use tram_wire::{Receipt, SealedDispatch, SealedStatement};

use super::super::context::Context;
use super::super::proving::{self, Log};
use super::{NodeService, checkpoints, convert, storage, store_problem};

/// Most bytes of documents in a file made here: the whole is in memory. What is over is verified beside
/// the file.
const DOCUMENTS_BYTES_MAX: u64 = 32 << 20;
/// Largest file made here: what a client of the socket takes.
const FILE_BYTES_MAX: usize = 60 << 20;
/// From this size on one file at a time is made, and kept until it is read.
const LARGE_BYTES: u64 = 4 << 20;

impl NodeService {
    pub(super) async fn do_evidence(
        &self,
        id: DispatchId,
        query: EvidenceQuery,
    ) -> Result<bytes::Bytes, Problem> {
        let found = self
            .context
            .core
            .question(move |engine, view| Known::of(engine, view, &id))
            .await?
            .map_err(storage)?;
        let Known { sealed, receipts, statements } = match found {
            Some(known) => known,
            None => {
                let receipts = self.refusals_of(id).await?.into_iter().map(|(r, _)| r).collect();
                Known { sealed: None, receipts, statements: Vec::new() }
            }
        };
        let mut others = sizes_by_log(&receipts);
        others.retain(|(node, _), _| *node != self.context.me);
        let given = proving::ask(&self.context, others).await;
        let context = self.context.clone();
        let sizes = receipts.iter().map(|receipt| receipt.raw().len());
        let documents = match (&sealed, query.documents) {
            (Some(sealed), true) => documents_bytes(sealed),
            _ => 0,
        };
        let alone = match sizes.sum::<usize>() as u64 + documents > LARGE_BYTES {
            true => Some(self.alone()?),
            false => None,
        };
        let bytes = self.reading(move || {
            let verifier = context.verifier();
            // What came in under a directory of before and is not listed any more proves nothing to
            // anybody.
            // Nor does what is valid provisionally, without the epoch's file.
            let genuine = |receipt: &Receipt| {
                verifier.receipt(receipt.clone()).is_ok_and(|r| !r.is_provisional())
            };
            let receipts = receipts.into_iter().filter(genuine).collect();
            Making { context: &context, verifier, id, sealed, receipts, statements, given }
                .file(query.documents)
        });
        let file = Made { bytes: bytes.await?, _alone: alone };
        Ok(bytes::Bytes::from_owner(file))
    }

    /// A place for a large file.
    fn alone(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let place = self.context.budgets.evidence.clone().try_acquire_owned();
        place.map_err(|_| Problem::busy("another large evidence file is made or read", 5))
    }
}

/// A finished file; a large one keeps its place until nobody holds its bytes any more.
struct Made {
    bytes: Vec<u8>,
    _alone: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Made {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Bytes of the documents that an envelope names.
fn documents_bytes(sealed: &SealedDispatch) -> u64 {
    let documents = &sealed.envelope().documents;
    documents.iter().fold(0, |sum: u64, d| sum.saturating_add(d.size))
}

/// What the engine knows of a dispatch that was taken here.
struct Known {
    sealed: Option<SealedDispatch>,
    receipts: Vec<Receipt>,
    statements: Vec<Vec<u8>>,
}

impl Known {
    fn of(engine: &Engine, view: &dyn View, id: &DispatchId) -> Result<Option<Self>, Fatal> {
        let Some(held) = engine.find(id, view)? else { return Ok(None) };
        let receipts = convert::receipts(engine, view, &held)?;
        let receipts: Vec<Receipt> = receipts.into_iter().map(|(receipt, _)| receipt).collect();
        let named: BTreeSet<_> = receipts.iter().filter_map(|r| r.record().attestation).collect();
        let mut statements = Vec::new();
        for digest in named {
            let statement = engine.statement(id, digest, view)?;
            statements.extend(statement.map(|raw| raw.to_vec()));
        }
        Ok(Some(Known { sealed: Some(held.dispatch.sealed().clone()), receipts, statements }))
    }
}

/// What a file is made of.
struct Making<'a> {
    context: &'a Context,
    verifier: Arc<Verifier>,
    id: DispatchId,
    sealed: Option<SealedDispatch>,
    receipts: Vec<Receipt>,
    statements: Vec<Vec<u8>>,
    /// Checkpoints of other nodes' logs, as they gave them.
    given: Vec<ProvedCheckpoint>,
}

impl Making<'_> {
    fn file(self, documents: bool) -> Result<Vec<u8>, Problem> {
        if self.receipts.is_empty() {
            let id = self.id;
            return Err(Problem::new(Code::NotFound, format!("there is no receipt of {id}")));
        }
        let documents = if documents { self.documents()? } else { Vec::new() };
        let checkpoints = self.checkpoints()?;
        let mut file = EvidenceFile {
            network: self.context.network,
            root: self.context.root.digest(),
            dispatch: self.id,
            directory: self.directory(&checkpoints)?,
            receipts: self.receipts.iter().map(|r| r.raw().to_vec()).collect(),
            sealed: self.sealed.as_ref().map(|sealed| sealed.raw().to_vec()),
            revocation: self.lists(),
            checkpoints,
            statements: self.statements(),
            documents,
            policy: None,
        };
        file.sort();
        let bytes = file.encode();
        if bytes.len() > FILE_BYTES_MAX {
            let detail = format!("the evidence file would have {} bytes", bytes.len());
            return Err(Problem::new(Code::TooLarge, detail));
        }
        Ok(bytes)
    }

    /// The head, and of the entries: the parties, who took over from them, the nodes of either and of
    /// every receipt, and of those who cosigned.
    fn directory(&self, checkpoints: &[ProvedCheckpoint]) -> Result<DirectoryPart, Problem> {
        let bytes = {
            let _alone =
                self.context.budgets.installing.lock().unwrap_or_else(PoisonError::into_inner);
            std::fs::read(&self.context.config.directory).map_err(storage)?
        };
        if bytes.len() > DIRECTORY_BYTES_MAX {
            return Err(Problem::new(Code::TooLarge, "the directory file"));
        }
        let file = DirectoryFile::decode(&bytes)
            .map_err(|e| Problem::new(Code::DirectoryInvalid, e.detail))?;
        let directory = self.verifier.directory();
        if file.digest() != directory.digest() {
            return Err(Problem::busy("another directory is just being installed", 1));
        }
        let (agencies, mut nodes) = self.needed(directory);
        nodes.extend(checkpoints.iter().flat_map(|checkpoint| witnesses(&checkpoint.note)));
        Ok(DirectoryPart::of(&file, |entry| match entry {
            Entry::Agency(agency) => agencies.contains(&agency.code),
            Entry::Node(node) => nodes.contains(&node.id),
            Entry::Delegation(_) => false,
        }))
    }

    fn needed(&self, directory: &Directory) -> (BTreeSet<AgencyCode>, BTreeSet<NodeId>) {
        let (mut agencies, mut nodes) = (BTreeSet::new(), BTreeSet::new());
        let mut parties: BTreeSet<AgencyCode> = BTreeSet::new();
        for record in self.receipts.iter().map(Receipt::record) {
            parties.insert(record.originator.clone());
            parties.extend(record.recipient.clone());
            nodes.insert(record.node.clone());
            nodes.extend(record.previous.clone());
        }
        if let Some(sealed) = &self.sealed {
            parties.extend(sealed.envelope().recipients.iter().cloned());
        }
        for code in parties {
            // The agency by its present code, then whoever took over; a directory has no loops.
            let mut at = directory.agency(&code);
            while let Some(agency) = at.filter(|a| agencies.insert(a.code.clone())) {
                nodes.extend(agency.node.clone());
                at = agency.successor.as_ref().and_then(|code| directory.agency(code));
            }
        }
        (agencies, nodes)
    }

    fn lists(&self) -> Vec<Vec<u8>> {
        let Some(sealed) = &self.sealed else { return Vec::new() };
        let records = self.receipts.iter().map(Receipt::record);
        let first = records.filter(|e| e.event == Event::SubmissionAcceptance);
        let Some(first) = first.min_by_key(|e| e.time) else { return Vec::new() };
        let Some(used) = first.revocation else { return Vec::new() };
        super::super::lists::used(&self.context.config.data_dir, sealed, first.time, used)
    }

    /// Those that a receipt here names and that hold: what came with a receipt was not verified.
    fn statements(&self) -> Vec<Vec<u8>> {
        let holds = |raw: &&Vec<u8>| {
            let sealed = SealedStatement::parse(raw).ok();
            sealed.is_some_and(|sealed| {
                let mut named = self.receipts.iter().map(Receipt::record);
                named.any(|record| {
                    record.attestation == Some(sealed.object())
                        && self.verifier.says(&sealed, record)
                })
            })
        };
        self.statements.iter().filter(holds).cloned().collect()
    }

    /// Those of this node's own log, and what holds of those that other nodes gave.
    fn checkpoints(&self) -> Result<Vec<ProvedCheckpoint>, Problem> {
        let own = (self.context.me.clone(), self.context.epoch);
        let sizes = sizes_by_log(&self.receipts).remove(&own).unwrap_or_default();
        let mut checkpoints = checkpoints::own(self.context, &sizes)?;
        let (verifier, receipts) = (&self.verifier, &self.receipts);
        let verified: Vec<_> =
            receipts.iter().filter_map(|r| verifier.receipt(r.clone()).ok()).collect();
        let ground = Ground::new(self.context.root.clone());
        for given in &self.given {
            let directory = verifier.directory();
            match tram_trust::evidence::cleaned(&ground, directory, &verified, given.clone()) {
                Ok(sound) => checkpoints.push(sound),
                Err(refusal) => {
                    tracing::warn!(detail = refusal.detail, "a checkpoint given is left out");
                }
            }
        }
        Ok(checkpoints)
    }

    fn documents(&self) -> Result<Vec<(u8, Vec<u8>)>, Problem> {
        let Some(sealed) = &self.sealed else { return Ok(Vec::new()) };
        // A receipt in the file says that they were removed, and by which rule.
        if self.context.documents_removed(&self.id).map_err(store_problem)? {
            return Ok(Vec::new());
        }
        let named = &sealed.envelope().documents;
        let total = documents_bytes(sealed);
        if total > DOCUMENTS_BYTES_MAX {
            let detail = format!(
                "the documents have {total} bytes; export without them and give them to `tram verify` \
                 with --document"
            );
            return Err(Problem::new(Code::TooLarge, detail));
        }
        let mut found = Vec::new();
        for (index, document) in (0u8..).zip(named) {
            let problem = |e: super::super::kept::Unfit| Problem::new(e.code(), e.words());
            let mut kept = self.context.kept(document).map_err(problem)?;
            let size = usize::try_from(document.size).unwrap_or(usize::MAX);
            let mut bytes = Vec::with_capacity(size);
            while bytes.len() < size {
                let part = kept.read(bytes.len() as u64, size - bytes.len()).map_err(problem)?;
                bytes.extend_from_slice(&part);
            }
            found.push((index, bytes));
        }
        Ok(found)
    }
}

/// Sizes of the trees that receipts lie under, by log.
fn sizes_by_log(receipts: &[Receipt]) -> BTreeMap<Log, BTreeSet<u64>> {
    let mut logs: BTreeMap<Log, BTreeSet<u64>> = BTreeMap::new();
    for root in receipts.iter().map(Receipt::signed_root) {
        logs.entry((root.node.clone(), root.epoch)).or_default().insert(root.size);
    }
    logs
}

/// The nodes that the names on a note's lines give.
fn witnesses(note: &[u8]) -> Vec<NodeId> {
    let Ok(note) = Note::parse(note) else { return Vec::new() };
    let lines = note.signatures().iter();
    lines.filter_map(|line| line.name.split('/').nth(2)?.parse().ok()).collect()
}
