//! A generator of history: agencies that write to each other, and what becomes of it.

use crate::log::Log;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::Arc;
use tram_crypto::{Ed25519Signer, Sign};
use tram_dispatch::envelope::{Act, Envelope, Metadata, SealedBy, Secrecy, Urgency};
use tram_dispatch::evidence::Genesis;
use tram_dispatch::{
    AgencyCode, Code, Digest, DispatchId, EpochId, Event, EvidenceRecord, NetworkId, NodeId,
    UnixMillis,
};
use tram_engine::record::{Foreign, Held, Leaf, OwnEvidence};
use tram_engine::{Batch, Record};
use tram_tlog::{BatchAppend, Frontier, leaf_hash};
use tram_wire::evidence::commitment;
use tram_wire::receipt::SignedRoot;
use tram_wire::sealed::SealedDispatch;

pub(crate) const NETWORK: NetworkId = NetworkId([0x41; 32]);
/// 2026-01-05, Monday, at midnight in Viet Nam.
pub(crate) const BEGIN: UnixMillis = UnixMillis(1_767_546_000_000);
pub(crate) const DAY_MS: u64 = 86_400_000;
const LEAVES_PER_BATCH: usize = 4_000;

/// How much of it.
pub(crate) struct Size {
    pub(crate) receipts: u64,
    pub(crate) agencies: usize,
    pub(crate) days: u64,
    pub(crate) seed: u64,
}

/// What became of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    None,
    Refused,
    Failed,
    Expired,
    Registered(u64),
    Returned(u64),
}

/// One leg, as the generator remembers it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leg {
    pub(crate) dispatch: u32,
    pub(crate) originator: u16,
    pub(crate) recipient: u16,
    pub(crate) urgency: Urgency,
    pub(crate) sent: u64,
    pub(crate) arrived: Option<u64>,
    pub(crate) end: End,
}

/// A refusal or failure that was recorded.
pub(crate) struct Refusal {
    pub(crate) time: u64,
    pub(crate) event: Event,
    pub(crate) code: Code,
    /// Originator and recipient.
    pub(crate) parties: [Option<u16>; 2],
}

pub(crate) struct Country {
    pub(crate) agencies: Vec<AgencyCode>,
    indexes: HashMap<AgencyCode, u16>,
    pub(crate) node: NodeId,
    pub(crate) key: Ed25519Signer,
    /// The log of the next node, which refuses some legs.
    next: Log,
    pub(crate) dispatches: Vec<DispatchId>,
    pub(crate) legs: Vec<Leg>,
    pub(crate) refusals: Vec<Refusal>,
    pub(crate) batches: u64,
    pub(crate) now: u64,
    epoch: EpochId,
    frontier: Frontier,
    random: u64,
    step_ms: u64,
    wanted: u64,
    numbers: Vec<u32>,
    due: BinaryHeap<Reverse<(u64, u32, u8)>>,
    /// Legs of each dispatch that did not end yet.
    open: Vec<u8>,
    genesis: Option<Leaf>,
    leaves: Vec<Leaf>,
    records: Vec<Record>,
}

const ARRIVES: u8 = 0;
const ENDS: u8 = 1;

/// The key that signs the roots.
pub(crate) fn signer() -> Ed25519Signer {
    Ed25519Signer::from_seed(&[7; 32]).unwrap()
}

impl Country {
    pub(crate) fn new(size: &Size) -> Self {
        let key = signer();
        let spki = key.public_key().spki_der().to_vec();
        let node: NodeId = "n1.G22".parse().unwrap();
        let genesis = Genesis {
            network: NETWORK,
            node: node.clone(),
            receipt_key: spki.clone(),
            checkpoint_key: spki,
            started_at: BEGIN,
            previous: None,
        };
        let leaf = tram_wire::genesis::leaf(&genesis);
        let codes = (0..size.agencies).map(|n| format!("H{:02}.{:03}", n % 34 + 1, n / 34));
        let agencies: Vec<_> =
            codes.map(|code| AgencyCode::parse_canonical(&code).unwrap()).collect();
        let (mut next, first) = Log::new("n1.G01", 8);
        next.commit(&[first], BEGIN);
        // A dispatch comes to some 3.6 receipts.
        let dispatches = (size.receipts * 10 / 36).max(1);
        Country {
            indexes: agencies.iter().cloned().zip(0..).collect(),
            agencies,
            node,
            key,
            next,
            dispatches: Vec::new(),
            legs: Vec::new(),
            refusals: Vec::new(),
            batches: 0,
            now: BEGIN.0,
            epoch: tram_wire::genesis::epoch_id(&genesis),
            frontier: Frontier::new(),
            random: size.seed,
            step_ms: size.days * DAY_MS / dispatches,
            wanted: size.receipts,
            numbers: vec![0; size.agencies],
            due: BinaryHeap::new(),
            open: Vec::new(),
            genesis: Some(Leaf { index: 0, salt: leaf.salt, record: leaf.bytes.into() }),
            leaves: Vec::new(),
            records: Vec::new(),
        }
    }

    pub(crate) fn receipts(&self) -> u64 {
        self.frontier.size().saturating_sub(1)
    }

    /// SplitMix64.
    fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    /// The next batch; `None` when there are enough receipts.
    pub(crate) fn batch(&mut self) -> Option<Batch> {
        if let Some(genesis) = self.genesis.take() {
            self.leaves.push(genesis.clone());
            self.records.push(Record::Genesis(genesis));
            return Some(self.seal());
        }
        if self.receipts() >= self.wanted {
            return None;
        }
        while self.leaves.len() < LEAVES_PER_BATCH
            && self.receipts() + (self.leaves.len() as u64) < self.wanted
        {
            self.now += self.step_ms.max(1);
            while let Some(Reverse((time, leg, what))) = self.due.peek().copied()
                && time <= self.now
            {
                self.due.pop();
                self.happen(time, leg as usize, what);
            }
            if self.below(200) == 0 { self.reject() } else { self.dispatch() }
        }
        Some(self.seal())
    }

    fn reject(&mut self) {
        let count = self.agencies.len() as u64;
        let index = self.below(count) as usize;
        let originator = self.agencies[index].clone();
        let id = DispatchId(tram_crypto::sha256(&self.random.to_be_bytes()));
        let code = if self.below(2) == 0 { Code::SecretRefused } else { Code::RecipientUnknown };
        let (now, event) = (self.now, Event::SubmissionRejection);
        self.witness(now, id, event, originator, None, Some(code));
    }

    fn dispatch(&mut self) {
        let count = self.agencies.len() as u64;
        let originator = self.below(count) as usize;
        let many = if self.below(20) == 0 { 4 } else { 1 };
        let mut recipients = BTreeMap::new();
        for _ in 0..many {
            // Most write to few.
            let near = if self.below(2) == 0 {
                originator as u64 + 1 + self.below(5)
            } else {
                self.below(count)
            };
            recipients
                .insert(self.agencies[(near % count) as usize].clone(), (near % count) as u16);
        }
        self.numbers[originator] += 1;
        let number = self.numbers[originator];
        let urgency = match self.dispatches.len() % 20 {
            0 => Urgency::Urgent,
            1 => Urgency::Flash,
            2 => Urgency::FlashAt(UnixMillis(self.now + 3_600_000)),
            _ => Urgency::Normal,
        };
        let envelope = Envelope {
            network: NETWORK,
            originator: self.agencies[originator].clone(),
            reference: format!("{number}/CV").parse().unwrap(),
            sequence: None,
            recipients: recipients.keys().cloned().collect(),
            group: None,
            secrecy: Secrecy::None,
            metadata: Metadata {
                urgency,
                number: Some(number.to_string()),
                notation: Some("CV-UBND".to_owned()),
                subject: "Về việc báo cáo định kỳ".to_owned(),
                issued_on: Some("2026-01-05".to_owned()),
                ..Metadata::default()
            },
            act: Act::New,
            documents: Vec::new(),
            sealed_by: SealedBy::Agency,
            issued_at: UnixMillis(self.now),
            expires_at: UnixMillis(self.now + 30 * DAY_MS),
            max_hops: 8,
            encryption: None,
            extensions: BTreeMap::new(),
        };
        // The seal is not what is measured or checked here; the roots over the receipts are signed.
        let seal = |_: &[u8]| Ok::<_, ()>(vec![0; 64]);
        let chain = [b"certificate".to_vec()];
        let sealed = SealedDispatch::seal(&envelope, &chain, self.key.algorithm(), seal).unwrap();
        let id = sealed.id();
        let dispatch = self.dispatches.len() as u32;
        self.dispatches.push(id);
        self.open.push(recipients.len() as u8);
        self.records.push(Record::Held(Held {
            dispatch: id,
            raw: sealed.raw().clone(),
            object: sealed.object(),
            originator: envelope.originator.clone(),
            reference: envelope.reference.clone(),
            previous: None,
            recipients: envelope.recipients.clone(),
            receipts: Vec::new(),
            inline: Vec::new(),
            files: Vec::new(),
            removed: Vec::new(),
            at: UnixMillis(self.now),
        }));
        let (now, event) = (self.now, Event::SubmissionAcceptance);
        self.witness(now, id, event, envelope.originator, None, None);
        for recipient in recipients.into_values() {
            let leg = self.legs.len() as u32;
            let sent = self.now;
            let originator = originator as u16;
            self.legs.push(Leg {
                dispatch,
                originator,
                recipient,
                urgency,
                sent,
                arrived: None,
                end: End::None,
            });
            let (after, what) = match self.below(100) {
                0 => (1_000 + self.below(5_000), ENDS),
                1 => (3 * DAY_MS, ENDS),
                2..=90 => (50 + self.below(4_000), ARRIVES),
                _ => (60_000 + self.below(6 * 3_600_000), ARRIVES),
            };
            self.due.push(Reverse((sent + after, leg, what)));
        }
    }

    fn happen(&mut self, time: u64, index: usize, what: u8) {
        let leg = self.legs[index];
        let id = self.dispatches[leg.dispatch as usize];
        let originator = self.agencies[leg.originator as usize].clone();
        let recipient = Some(self.agencies[leg.recipient as usize].clone());
        let (event, code, end) = match (what, leg.arrived) {
            (ARRIVES, _) => {
                self.legs[index].arrived = Some(time);
                let answer = match self.below(100) {
                    0..=54 => 60_000 + self.below(2 * 3_600_000),
                    55..=84 => 3_600_000 + self.below(DAY_MS),
                    85..=94 => DAY_MS + self.below(6 * DAY_MS),
                    _ => 0,
                };
                if answer > 0 {
                    self.due.push(Reverse((time + answer, index as u32, ENDS)));
                }
                (Event::ContentConsignment, None, End::None)
            }
            (_, Some(_)) if self.below(25) == 0 => {
                let code = Some(Code::RecipientRefused);
                (Event::ConsignmentRejection, code, End::Returned(time))
            }
            (_, Some(_)) => (Event::ConsignmentAcceptance, None, End::Registered(time)),
            (_, None) => match (time - leg.sent < DAY_MS, self.below(2)) {
                (true, 0) => (Event::RelayRejection, Some(Code::RecipientUnknown), End::Refused),
                (true, _) => (Event::RelayFailure, Some(Code::NoRoute), End::Failed),
                _ => (Event::RelayFailure, Some(Code::DispatchExpired), End::Expired),
            },
        };
        self.legs[index].end = end;
        self.witness(time, id, event, originator, recipient, code);
        if end != End::None {
            let open = &mut self.open[leg.dispatch as usize];
            *open -= 1;
            if *open == 0 {
                self.records.push(Record::Closed(id));
            }
        }
    }

    fn witness(
        &mut self,
        time: u64,
        id: DispatchId,
        event: Event,
        originator: AgencyCode,
        recipient: Option<AgencyCode>,
        code: Option<Code>,
    ) {
        if let Some(code) = code {
            let index = |agency: &AgencyCode| self.indexes.get(agency).copied();
            let parties = [index(&originator), recipient.as_ref().and_then(index)];
            self.refusals.push(Refusal { time, event, code, parties });
        }
        let index = self.frontier.size() + self.leaves.len() as u64;
        let mut evidence = EvidenceRecord {
            event,
            network: NETWORK,
            node: self.node.clone(),
            epoch: self.epoch,
            dispatch: id,
            object: Some(Digest(id.0)),
            originator,
            recipient,
            custody: index,
            admission: None,
            sequence: None,
            related: None,
            removal: None,
            time: UnixMillis(time),
            reason: code,
            remark: None,
            status: None,
            previous: None,
            upstream: None,
            directory: Some(Digest([3; 32])),
            revocation: None,
            attestation: None,
            other_object: None,
        };
        if event == Event::RelayRejection {
            // A node refuses what it is offered; of what it holds, the next one does.
            evidence.previous = Some(self.node.clone());
            self.next_says(evidence);
            return;
        }
        let mut salt = [0; 16];
        salt[..8].copy_from_slice(&self.below(u64::MAX).to_be_bytes());
        salt[8..].copy_from_slice(&self.below(u64::MAX).to_be_bytes());
        let record: Arc<[u8]> = tram_wire::evidence::encode(&evidence).into();
        let leaf = Leaf { index, salt, record };
        self.leaves.push(leaf.clone());
        self.records.push(Record::Evidence(OwnEvidence { leaf, evidence, owed_to: Vec::new() }));
    }

    fn next_says(&mut self, mut evidence: EvidenceRecord) {
        let log = &mut self.next;
        let index = log.frontier.size();
        (evidence.node, evidence.epoch) = (log.node.clone(), log.epoch);
        evidence.custody = index;
        let record: Arc<[u8]> = tram_wire::evidence::encode(&evidence).into();
        let leaf = Leaf { index, salt: [8; 16], record };
        let (_, receipts, _) = log.commit(&[leaf], evidence.time);
        let raw = receipts[&index].clone();
        self.records.push(Record::Foreign(Foreign {
            digest: Digest(tram_crypto::sha256(&raw)),
            raw,
            evidence,
            from: log.node.clone(),
            authorised: true,
            owed_to: Vec::new(),
        }));
    }

    fn seal(&mut self) -> Batch {
        let mut append = BatchAppend::new(self.frontier.clone());
        for leaf in self.leaves.drain(..) {
            append.append(leaf_hash(&commitment(&leaf.salt, &leaf.record)));
        }
        let grown = append.finish();
        let mut root = SignedRoot {
            key: Digest(self.key.public_key().key_id()),
            node: self.node.clone(),
            epoch: self.epoch,
            size: grown.size(),
            time: UnixMillis(self.now),
            root: grown.root().0,
            signature: Vec::new(),
        };
        root.signature = self.key.sign(&root.to_be_signed(NETWORK)).unwrap();
        let tree_nodes = grown.nodes().iter().map(|n| (n.level, n.index, n.hash.0)).collect();
        self.frontier = grown.frontier().clone();
        self.records.push(Record::Root(root));
        self.batches += 1;
        Batch { number: self.batches, records: std::mem::take(&mut self.records), tree_nodes }
    }
}
