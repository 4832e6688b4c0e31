//! The evidence file of one dispatch.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use tram_api::Problem;
use tram_api::model::EvidenceQuery;
use tram_dispatch::directory::Entry;
use tram_dispatch::limits::DIRECTORY_BYTES_MAX;
use tram_dispatch::{AgencyCode, Code, DispatchId, Event, NodeId};
use tram_tlog::Hash;
use tram_tlog::checkpoint::Checkpoint;
use tram_tlog::note::Note;
use tram_trust::{Directory, Verifier, position};
use tram_wire::directory::{DirectoryFile, DirectoryPart};
use tram_wire::evidence_file::{EvidenceFile, Link, ProvedCheckpoint};
use tram_wire::{Receipt, SealedDispatch};

use super::super::context::Context;
use super::{NodeService, blocking, convert, storage, store_problem};

/// Most bytes of documents in a file made here: the whole is in memory. What is over is verified beside
/// the file.
const DOCUMENTS_BYTES_MAX: u64 = 32 << 20;
/// Largest file made here: what a client of the socket takes.
const FILE_BYTES_MAX: usize = 60 << 20;

impl NodeService {
    pub(super) async fn do_evidence(
        &self,
        id: DispatchId,
        query: EvidenceQuery,
    ) -> Result<bytes::Bytes, Problem> {
        let found = self
            .context
            .core
            .question(move |engine, view| match engine.find(&id, view)? {
                Some(held) => {
                    let sealed = held.dispatch.sealed().clone();
                    Ok::<_, tram_engine::Fatal>(Some((
                        sealed,
                        convert::receipts(engine, view, &held)?,
                    )))
                }
                None => Ok(None),
            })
            .await?
            .map_err(storage)?;
        let (sealed, receipts) = match found {
            Some((sealed, receipts)) => (Some(sealed), receipts),
            None => (None, self.refusals_of(id).await?),
        };
        let receipts = receipts.into_iter().map(|(receipt, _)| receipt).collect();
        let context = self.context.clone();
        let bytes = blocking(move || {
            Made { context: &context, verifier: context.verifier(), id, sealed, receipts }
                .file(query.documents)
        });
        Ok(bytes.await?.into())
    }
}

/// What a file is made of.
struct Made<'a> {
    context: &'a Context,
    verifier: Arc<Verifier>,
    id: DispatchId,
    sealed: Option<SealedDispatch>,
    receipts: Vec<Receipt>,
}

impl Made<'_> {
    fn file(mut self, documents: bool) -> Result<Vec<u8>, Problem> {
        // What came in under a directory of before and is not listed any more proves nothing to anybody.
        let genuine = |r: &Receipt| self.verifier.receipt(r.clone()).is_ok();
        self.receipts = self.receipts.iter().filter(|r| genuine(r)).cloned().collect();
        if self.receipts.is_empty() {
            let id = self.id;
            return Err(Problem::new(Code::NotFound, format!("there is no receipt of {id}")));
        }
        let documents = if documents { self.documents()? } else { Vec::new() };
        let mut file = EvidenceFile {
            network: self.context.network,
            root: self.context.root.digest(),
            dispatch: self.id,
            directory: self.directory()?,
            receipts: self.receipts.iter().map(|r| r.raw().to_vec()).collect(),
            sealed: self.sealed.as_ref().map(|sealed| sealed.raw().to_vec()),
            revocation: self.lists(),
            checkpoints: self.checkpoints()?,
            statements: Vec::new(),
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
    /// every receipt, and the neighbours of this one, who may have cosigned.
    fn directory(&self) -> Result<DirectoryPart, Problem> {
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
        let (agencies, nodes) = self.needed(directory);
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
        let me = &self.context.me;
        let around = position::Around::of(directory, me);
        nodes.extend(around.parent.into_iter().chain(around.grandparent));
        nodes.insert(me.clone());
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

    /// That of [`Made::checkpoint`], and the smallest that is time-stamped.
    fn checkpoints(&self) -> Result<Vec<ProvedCheckpoint>, Problem> {
        let mut checkpoints: Vec<_> = self.checkpoint()?.into_iter().collect();
        super::time_stamps::include(self.context, &self.own_sizes(), &mut checkpoints)?;
        Ok(checkpoints)
    }

    /// Sizes of the trees that this node's own receipts here lie under.
    fn own_sizes(&self) -> BTreeSet<u64> {
        let own = self.receipts.iter().map(Receipt::signed_root);
        let (me, epoch) = (&self.context.me, self.context.epoch);
        own.filter(|root| root.node == *me && root.epoch == epoch).map(|root| root.size).collect()
    }

    /// A checkpoint of this node's own log over its own receipts here: the smallest that its position's
    /// witnesses have cosigned, else the newest that anybody cosigned, else the log as it is.
    fn checkpoint(&self) -> Result<Option<ProvedCheckpoint>, Problem> {
        let (context, me) = (self.context, &self.context.me);
        let sizes = self.own_sizes();
        let Some(largest) = sizes.last().copied() else { return Ok(None) };
        let origin = tram_trust::checkpoint::origin(context.network, me, context.epoch);
        let policy = position::policy(self.verifier.directory(), me).ok();
        let text = |c: &tram_spool::store::CosignedCheckpoint| {
            Checkpoint::new(&origin, c.size, Hash(c.root)).map(|c| c.to_note_text())
        };
        let enough = |c: &tram_spool::store::CosignedCheckpoint| {
            let lines: Vec<_> = c.by.iter().map(|by| by.cosignature.clone()).collect();
            policy
                .as_ref()
                .zip(text(c).ok())
                .is_some_and(|(p, text)| p.judge(&text, &lines).reached)
        };
        let mut found = context.store.cosigned_from(largest, enough).map_err(store_problem)?;
        if found.is_none() {
            let any = |c: &tram_spool::store::CosignedCheckpoint| c.size >= largest;
            found = context.store.newest_cosigned(any).map_err(store_problem)?;
        }
        let internal = |e: tram_tlog::note::NoteError| Problem::new(Code::Internal, e.to_string());
        let (size, note) = match found {
            Some(cosigned) => {
                let signed = context.sign_checkpoint(cosigned.size, cosigned.root);
                let mut note = Note::parse(&signed.map_err(internal)?).map_err(internal)?;
                for by in &cosigned.by {
                    note.add(by.cosignature.to_signature()).map_err(internal)?;
                }
                (cosigned.size, note.to_bytes().map_err(internal)?)
            }
            None => {
                let size = context.core.head().size;
                let root = context.store.root(size).map_err(store_problem)?;
                (size, context.sign_checkpoint(size, root).map_err(internal)?)
            }
        };
        let link = |from: u64| {
            let path = context.store.consistency_proof(from, size).map_err(store_problem)?;
            Ok::<_, Problem>(Link { size: from, path })
        };
        let links = sizes.into_iter().map(link).collect::<Result<_, _>>()?;
        Ok(Some(ProvedCheckpoint { note, links, stamps: Vec::new() }))
    }

    fn documents(&self) -> Result<Vec<(u8, Vec<u8>)>, Problem> {
        let Some(sealed) = &self.sealed else { return Ok(Vec::new()) };
        let named = &sealed.envelope().documents;
        let total = named.iter().fold(0, |sum: u64, d| sum.saturating_add(d.size));
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
