//! A node's history made at random, with what a store must answer about it.

use crate::log::Log;
use crate::model::Model;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tram_crypto::{Ed25519Signer, Entropy, SeededEntropy, Sign, sha256};
use tram_dispatch::envelope::{Act, Document, Envelope, Metadata, SealedBy, Secrecy, Sequence};
use tram_dispatch::evidence::Removal;
use tram_dispatch::{
    AgencyCode, Code, Digest, DispatchId, EpochId, Event, EvidenceRecord, NetworkId, NodeId,
    Reference, UnixMillis,
};
use tram_engine::record::{
    Attempt, Cause, Cosigned, Foreign, Held, Hold, Leaf, Legs, Numbered, Offered, OutboxDone, Owed,
    OwnEvidence, PeerCheckpoint, PeerEpoch, Quarantine, Reoffer, Stage, Void,
};
use tram_engine::{Batch, Record};
use tram_tlog::Hash;
use tram_tlog::checkpoint::Checkpoint;
use tram_tlog::cosignature::Cosignature;
use tram_wire::sealed::SealedDispatch;

pub(crate) const NETWORK: NetworkId = NetworkId([0x4e; 32]);
const AGENCIES: [&str; 5] = ["G22", "H41", "H41.12", "H41.12.03", "vxp.saas.03"];
const PEERS: [&str; 2] = ["n1.H41", "n1.G22"];

pub(crate) fn agency(text: &str) -> AgencyCode {
    AgencyCode::parse_canonical(text).unwrap()
}

/// A witness's cosignature of some log; the store asks nothing of it but its shape.
pub(crate) fn cosignature(size: u64, root: [u8; 32]) -> Cosignature {
    let key = Ed25519Signer::from_seed(&root).unwrap();
    let checkpoint = Checkpoint::new("log", size.max(1), Hash(root)).unwrap();
    Cosignature::sign(&checkpoint, "witness", size, &key).unwrap()
}

pub(crate) fn node(text: &str) -> NodeId {
    text.parse().unwrap()
}

/// One node with its past.
#[derive(Clone)]
pub(crate) struct World {
    entropy: SeededEntropy,
    log: Log,
    other: Log,
    genesis: Option<Leaf>,
    time: UnixMillis,
    dispatches: u64,
    pub(crate) model: Model,
    waiting: Vec<Leaf>,
    records: Vec<Record>,
    foreign: Vec<(EvidenceRecord, Arc<[u8]>)>,
    admissions: BTreeMap<AgencyCode, u64>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let (log, genesis) = Log::new("n1.H41.12", 1);
        let (mut other, first) = Log::new("n1.H41", 2);
        other.commit(&[first], UnixMillis(2_000));
        World {
            entropy: SeededEntropy::from_u64(seed),
            log,
            other,
            genesis: Some(genesis),
            time: UnixMillis(1_780_000_000_000),
            dispatches: 0,
            model: Model::default(),
            waiting: Vec::new(),
            records: Vec::new(),
            foreign: Vec::new(),
            admissions: BTreeMap::new(),
        }
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let mut bytes = [0; 8];
        self.entropy.fill(&mut bytes).unwrap();
        u64::from_be_bytes(bytes) % bound
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }

    /// The next batch of one to six happenings; the first one of a log is its genesis.
    pub(crate) fn batch(&mut self) -> Batch {
        self.batch_of(1, 6)
    }

    pub(crate) fn batch_of(&mut self, least: u64, most: u64) -> Batch {
        self.time = self.time.plus_ms(self.below(50));
        if let Some(genesis) = self.genesis.take() {
            self.waiting.push(genesis.clone());
            self.records.push(Record::Genesis(genesis));
        } else {
            for _ in 0..least + self.below(most - least + 1) {
                self.happen();
            }
        }
        self.seal()
    }

    /// Ends a batch: signs the root over its leaves and brings the model up to it.
    pub(crate) fn seal(&mut self) -> Batch {
        let mut tree_nodes = Vec::new();
        if !self.waiting.is_empty() {
            let leaves = std::mem::take(&mut self.waiting);
            let (root, receipts, nodes) = self.log.commit(&leaves, self.time);
            for record in &self.records {
                if let Record::Evidence(own) = record {
                    let raw = receipts[&own.leaf.index].clone();
                    self.model.listed.push((own.evidence.clone(), raw));
                }
            }
            self.model.receipts.extend(receipts);
            self.model.roots.insert(root.size, root.clone());
            self.records.push(Record::Root(root));
            tree_nodes = nodes;
        }
        self.model.listed.append(&mut self.foreign);
        let records = std::mem::take(&mut self.records);
        self.model.batches += 1;
        records.iter().for_each(|record| self.model.learn(record));
        Batch { number: self.model.batches, records, tree_nodes }
    }

    fn happen(&mut self) {
        let held = |id: &&DispatchId| self.recipient_of(id).is_some();
        let known: Vec<DispatchId> = self.model.active.iter().filter(held).copied().collect();
        let all: Vec<DispatchId> = self.model.histories.keys().filter(held).copied().collect();
        match self.below(12) {
            _ if known.is_empty() => self.dispatch(),
            0..=3 => self.dispatch(),
            4 | 5 => {
                let id = self.pick(&known);
                self.foreign_receipt(id);
            }
            6 => {
                // Also about dispatches that are closed: they are looked after again.
                let id = self.pick(&all);
                let recipient = self.recipient_of(&id);
                self.witness(id, Event::ContentHandover, recipient);
            }
            7 => {
                let id = self.pick(&known);
                self.records.push(Record::Closed(id));
            }
            8 if self.below(3) > 0 => {
                let id = DispatchId(sha256(&self.below(u64::MAX).to_be_bytes()));
                match self.below(2) {
                    0 => self.witness(id, Event::SubmissionRejection, None),
                    // Of one that was never taken; released or not.
                    _ => {
                        for _ in 0..1 + self.below(3) {
                            let record = self.set_aside(id);
                            self.records.push(record);
                        }
                    }
                }
            }
            8 => self.number(),
            9 => {
                let (peer, n) = (self.peer(), self.below(3) as u8);
                self.records.push(Record::PeerEpoch(PeerEpoch { peer, epoch: EpochId([n; 32]) }));
            }
            10 => {
                let (peer, size) = (self.peer(), self.below(1000));
                let note: Arc<[u8]> = format!("note {size}\n").into_bytes().into();
                let epoch = EpochId([size as u8; 32]);
                let root = sha256(&note);
                let record = PeerCheckpoint { peer: peer.clone(), epoch, size, root, note };
                self.records.push(Record::PeerCheckpoint(record));
                let record = Cosigned {
                    witness: peer.clone(),
                    size,
                    root,
                    cosignature: cosignature(size, root),
                };
                self.records.push(Record::Cosigned(record));
            }
            _ => {
                let id = self.pick(&known);
                self.small(id);
            }
        }
    }

    fn small(&mut self, dispatch: DispatchId) {
        let peer = self.peer();
        let record = match self.below(6) {
            0 => {
                let owed = match self.below(2) {
                    0 => Owed::Own(self.below(100)),
                    _ => Owed::Foreign(Digest([9; 32])),
                };
                Record::OutboxDone(OutboxDone { dispatch, peer, owed })
            }
            1 => {
                let held = self.below(2) == 0;
                Record::Hold(Hold { dispatch, recipient: agency("H41"), held })
            }
            2 => Record::Reoffer(Reoffer { dispatch, peer }),
            3 => self.set_aside(dispatch),
            4 => {
                let recipients = vec![agency("H41"), agency("H41.12")];
                Record::Offered(Offered { dispatch, peer, recipients, at: self.time })
            }
            _ => Record::Legs(Legs {
                dispatch,
                previous: peer,
                recipients: Vec::new(),
                receipts: vec![b"upstream".as_slice().into()],
            }),
        };
        self.records.push(record);
    }

    fn set_aside(&mut self, dispatch: DispatchId) -> Record {
        let (at, detail) = (self.time, "đứt quãng".to_owned());
        if self.below(3) == 0 {
            let stage = self.pick(&Stage::ALL);
            return Record::Attempt(Attempt { dispatch, stage, detail, at });
        }
        let unread = self.below(2) == 0;
        let cause = Cause { code: Code::WorkUnfinished, detail, unread };
        let cause = (self.below(2) == 0).then_some(cause);
        Record::Quarantine(Quarantine { dispatch, cause, at })
    }

    /// A number of one of two series is assigned, used, refused or declared void; a refusal is also
    /// admitted.
    fn number(&mut self) {
        let originator = agency(AGENCIES[self.below(2) as usize]);
        let sequence = Sequence { series: 1 + self.below(2), number: 1 + self.below(30) };
        if self.below(2) == 0 {
            let reference = format!("{}/N", sequence.number).parse().unwrap();
            let (content, at) = (Digest([sequence.number as u8; 32]), self.time);
            let record = Numbered { originator, sequence, reference, content, at };
            self.records.push(Record::Numbered(record));
            return;
        }
        let event = self.pick(&[Event::SubmissionRejection, Event::SequenceVoid]);
        let statement = DispatchId(sha256(&self.below(u64::MAX).to_be_bytes()));
        if event == Event::SequenceVoid {
            let raw: Arc<[u8]> = b"statement".as_slice().into();
            self.records.push(Record::Void(Void { statement, raw }));
        }
        let sequence = Some(sequence);
        self.decide(statement, event, originator, sequence);
    }

    /// Evidence with a number of the originator, and of what is admitted with one of the node.
    fn decide(
        &mut self,
        id: DispatchId,
        event: Event,
        originator: AgencyCode,
        sequence: Option<Sequence>,
    ) {
        let index = self.log.frontier.size() + self.waiting.len() as u64;
        let mut evidence = self.evidence(&self.log, id, event, None, index);
        if event != Event::SequenceVoid {
            let admissions = self.admissions.entry(originator.clone()).or_default();
            *admissions += 1;
            evidence.admission = Some(*admissions);
        }
        evidence.originator = originator;
        evidence.sequence = sequence;
        self.append(evidence, Vec::new());
    }

    fn peer(&mut self) -> NodeId {
        node(self.pick(&PEERS))
    }

    fn recipient_of(&self, id: &DispatchId) -> Option<AgencyCode> {
        self.model.histories[id].iter().find_map(|r| match r {
            Record::Held(held) => held.recipients.first().cloned(),
            _ => None,
        })
    }

    /// Custody of a new dispatch, from a client or a peer, with documents of both forms.
    fn dispatch(&mut self) {
        let n = self.below(3) + 1;
        let recipients: BTreeSet<AgencyCode> =
            (0..n).map(|_| agency(self.pick(&AGENCIES))).collect();
        let originator = agency(self.pick(&AGENCIES));
        let inline: Vec<u8> = format!("document {} ", self.below(40)).repeat(9).into_bytes();
        let files = (self.below(6) == 0).then(|| format!("file {} ", self.below(8)).repeat(3000));
        self.take(originator, recipients.into_iter().collect(), vec![inline.into()], files);
    }

    /// Takes custody of one dispatch; gives its id.
    pub(crate) fn take(
        &mut self,
        originator: AgencyCode,
        recipients: Vec<AgencyCode>,
        inline: Vec<Arc<[u8]>>,
        file: Option<String>,
    ) -> DispatchId {
        self.dispatches += 1;
        let inline: Vec<(Digest, Arc<[u8]>)> =
            inline.into_iter().map(|bytes| (Digest(sha256(&bytes)), bytes)).collect();
        let file: Option<Arc<[u8]>> = file.map(|text| text.into_bytes().into());
        let files: Vec<(Digest, u64)> =
            file.iter().map(|bytes| (Digest(sha256(bytes)), bytes.len() as u64)).collect();
        let sizes = inline.iter().map(|(d, b)| (*d, b.len() as u64)).chain(files.iter().copied());
        let documents = sizes.map(|(sha256, size)| Document {
            name: "van-ban.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            size,
            sha256,
            second_digest: None,
        });
        let reference: Reference = format!("{}/CT", self.dispatches).parse().unwrap();
        let envelope = Envelope {
            network: NETWORK,
            originator: originator.clone(),
            reference: reference.clone(),
            sequence: None,
            recipients: recipients.clone(),
            group: None,
            secrecy: Secrecy::None,
            metadata: Metadata { subject: "Thử".to_owned(), ..Metadata::default() },
            act: Act::New,
            documents: documents.collect(),
            sealed_by: SealedBy::Agency,
            issued_at: self.time,
            expires_at: self.time.plus_ms(86_400_000),
            max_hops: 8,
            encryption: None,
            extensions: BTreeMap::new(),
        };
        let key = &self.log.key;
        let chain = [b"certificate".to_vec()];
        let sealed =
            SealedDispatch::seal(&envelope, &chain, key.algorithm(), |bytes| key.sign(bytes))
                .unwrap();
        let id = sealed.id();
        let previous = (self.below(2) == 0).then(|| self.peer());
        let receipts = previous.iter().map(|_| b"first receipt".as_slice().into()).collect();
        let by = originator.clone();
        self.records.push(Record::Held(Held {
            dispatch: id,
            raw: sealed.raw().clone(),
            object: sealed.object(),
            originator,
            reference,
            previous: previous.clone(),
            recipients: recipients.clone(),
            receipts,
            inline: inline.clone(),
            files,
            removed: Vec::new(),
            at: self.time,
        }));
        self.model.inline.extend(inline);
        self.model.files.extend(file.map(|bytes| (Digest(sha256(&bytes)), bytes)));
        match previous {
            None => {
                let number = 1 + self.below(30);
                let sequence = number.is_multiple_of(2).then_some(Sequence { series: 1, number });
                self.decide(id, Event::SubmissionAcceptance, by, sequence);
            }
            Some(_) => {
                for recipient in recipients {
                    self.witness(id, Event::RelayAcceptance, Some(recipient));
                }
            }
        }
        id
    }

    fn evidence(
        &self,
        log: &Log,
        id: DispatchId,
        event: Event,
        recipient: Option<AgencyCode>,
        custody: u64,
    ) -> EvidenceRecord {
        let held = |r: &Record| match r {
            Record::Held(held) if held.dispatch == id => Some(held.originator.clone()),
            _ => None,
        };
        let past = self.model.histories.get(&id).into_iter().flatten();
        let originator = past.chain(&self.records).find_map(held).unwrap_or_else(|| agency("G22"));
        EvidenceRecord {
            event,
            network: NETWORK,
            node: log.node.clone(),
            epoch: log.epoch,
            dispatch: id,
            object: None,
            originator,
            recipient,
            custody,
            admission: None,
            time: self.time,
            reason: None,
            remark: Some("Đã vào sổ".to_owned()),
            status: Some(1),
            previous: None,
            upstream: None,
            directory: None,
            revocation: None,
            attestation: None,
            other_object: None,
            sequence: None,
            related: None,
            removal: None,
        }
    }

    pub(crate) fn witness(&mut self, id: DispatchId, event: Event, to: Option<AgencyCode>) {
        let index = self.log.frontier.size() + self.waiting.len() as u64;
        let evidence = self.evidence(&self.log, id, event, to, index);
        let owed_to = (0..self.below(2)).map(|_| self.peer()).collect();
        self.append(evidence, owed_to);
    }

    /// Puts on record that the documents of a dispatch are removed.
    pub(crate) fn remove(&mut self, id: DispatchId, documents: Vec<Digest>) {
        let index = self.log.frontier.size() + self.waiting.len() as u64;
        let mut evidence = self.evidence(&self.log, id, Event::DocumentsRemoval, None, index);
        let (policy, rule, since) = (Digest([9; 32]), "delivered".to_owned(), self.time);
        let removal = Removal { policy, rule, since, days: 0, documents };
        evidence.removal = Some(Box::new(removal));
        self.append(evidence, Vec::new());
    }

    fn append(&mut self, evidence: EvidenceRecord, owed_to: Vec<NodeId>) {
        let index = self.log.frontier.size() + self.waiting.len() as u64;
        let mut salt = [0; 16];
        self.entropy.fill(&mut salt).unwrap();
        let record: Arc<[u8]> = tram_wire::evidence::encode(&evidence).into();
        let leaf = Leaf { index, salt, record };
        self.waiting.push(leaf.clone());
        self.records.push(Record::Evidence(OwnEvidence { leaf, evidence, owed_to }));
    }

    pub(crate) fn foreign_receipt(&mut self, id: DispatchId) {
        let recipient = self.recipient_of(&id);
        let index = self.other.frontier.size();
        // Some are of a later version.
        let event = match index % 3 {
            0 => Event::Unknown(100 + (index % 7) as u8),
            _ => Event::ContentConsignment,
        };
        let evidence = self.evidence(&self.other, id, event, recipient, index);
        let record: Arc<[u8]> = tram_wire::evidence::encode(&evidence).into();
        let leaf = Leaf { index, salt: [index as u8; 16], record };
        let mut other = self.other.clone();
        let (_, receipts, _) = other.commit(&[leaf], self.time);
        self.other = other;
        let raw = receipts[&index].clone();
        self.foreign.push((evidence.clone(), raw.clone()));
        let (from, authorised) = (self.peer(), self.below(4) > 0);
        let owed_to = (0..self.below(3)).map(|_| self.peer()).collect();
        let digest = Digest(sha256(&raw));
        self.records.push(Record::Foreign(Foreign {
            digest,
            raw,
            evidence,
            from,
            authorised,
            owed_to,
        }));
    }
}
