//! A node's history told record by record: its own leaves in a real tree, and real receipts of another node.

pub(crate) use crate::country::NETWORK;

use crate::country::{BEGIN, DAY_MS};
use crate::log::Log;
use std::collections::BTreeMap;
use std::sync::Arc;
use tram_crypto::{Algorithm, sha256};
use tram_dispatch::envelope::{Act, Envelope, Metadata, SealedBy, Secrecy, Urgency};
use tram_dispatch::{
    AgencyCode, Code, Digest, DispatchId, Event, EvidenceRecord, NodeId, UnixMillis,
};
use tram_engine::record::{self, Earlier, Foreign, Held, Leaf, Legs, OwnEvidence};
use tram_engine::{Batch, Record};
use tram_wire::sealed::{Sealed, SealedDispatch};
use tram_wire::statement::Statement;

pub(crate) fn node(text: &str) -> NodeId {
    text.parse().unwrap()
}

pub(crate) fn agency(text: &str) -> AgencyCode {
    AgencyCode::parse_canonical(text).unwrap()
}

/// The agencies of these tests.
pub(crate) const AGENCIES: [&str; 5] = ["G22", "H41", "H41.12", "H41.12.03", "H42"];

/// What is evidence of which log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    Own,
    /// This node's, from an epoch of its log that ended.
    Earlier,
    Foreign,
    /// Of a node that may not say so.
    Unauthorised,
}

pub(crate) struct World {
    own: Log,
    other: Log,
    pub(crate) now: UnixMillis,
    sealed: BTreeMap<DispatchId, SealedDispatch>,
    leaves: Vec<Leaf>,
    records: Vec<Record>,
    /// What the next evidence names.
    attestation: Option<Digest>,
    batches: u64,
    /// Every record, in order.
    pub(crate) told: Vec<Record>,
}

impl World {
    pub(crate) fn new() -> Self {
        let (own, genesis) = Log::new("n1.H41", 1);
        let (mut other, first) = Log::new("n1.G22", 2);
        other.commit(&[first], BEGIN);
        World {
            own,
            other,
            now: BEGIN,
            sealed: BTreeMap::new(),
            leaves: vec![genesis.clone()],
            records: vec![Record::Genesis(genesis)],
            attestation: None,
            batches: 0,
            told: Vec::new(),
        }
    }

    /// A dispatch is sealed, somewhere.
    pub(crate) fn sealed(&mut self, originator: &str, recipients: &[&str]) -> DispatchId {
        self.sealed_under(b"certificate", originator, recipients)
    }

    /// The same, under this certificate.
    pub(crate) fn sealed_under(
        &mut self,
        certificate: &[u8],
        originator: &str,
        recipients: &[&str],
    ) -> DispatchId {
        let mut recipients: Vec<_> = recipients.iter().map(|text| agency(text)).collect();
        recipients.sort();
        let number = self.sealed.len();
        let six_hours = self.now.plus_ms(DAY_MS / 4);
        let urgency = [Urgency::Normal, Urgency::Flash, Urgency::FlashAt(six_hours)][number % 3];
        let envelope = Envelope {
            network: NETWORK,
            originator: agency(originator),
            reference: format!("{number}/CV").parse().unwrap(),
            sequence: None,
            recipients,
            group: None,
            secrecy: Secrecy::None,
            metadata: Metadata {
                subject: "Về việc báo cáo".to_owned(),
                urgency,
                ..Metadata::default()
            },
            act: Act::New,
            documents: Vec::new(),
            sealed_by: SealedBy::Agency,
            issued_at: self.now,
            expires_at: self.now.plus_ms(30 * DAY_MS),
            max_hops: 8,
            encryption: None,
            extensions: BTreeMap::new(),
        };
        let seal = |_: &[u8]| Ok::<_, ()>(vec![0; 64]);
        let chain = [certificate.to_vec()];
        let sealed = SealedDispatch::seal(&envelope, &chain, Algorithm::EdDsa, seal).unwrap();
        let id = sealed.id();
        self.sealed.insert(id, sealed);
        id
    }

    /// The recipient seals under this certificate that it registered what came for it.
    pub(crate) fn registered(&mut self, certificate: &[u8], id: DispatchId, recipient: &str) {
        let statement = Statement {
            network: NETWORK,
            agency: agency(recipient),
            dispatch: id,
            object: self.sealed[&id].object(),
            event: Event::ConsignmentAcceptance,
            status: None,
            // As whoever has the key likes it.
            time: UnixMillis(1),
            remark: None,
            sealed_by: SealedBy::Agency,
        };
        let seal = |_: &[u8]| Ok::<_, ()>(vec![0; 64]);
        let chain = [certificate.to_vec()];
        let sealed = Sealed::seal(&statement, &chain, Algorithm::EdDsa, seal).unwrap();
        let (digest, raw) = (sealed.object(), sealed.raw().clone());
        self.records.push(Record::Statement(record::Statement { dispatch: id, digest, raw }));
        self.attestation = Some(digest);
        self.say(Voice::Foreign, id, recipient, Event::ConsignmentAcceptance, None);
    }

    /// A peer's offer is taken, with a receipt of that peer.
    pub(crate) fn held_with_receipt(&mut self, id: DispatchId, recipients: &[&str]) {
        self.say(Voice::Foreign, id, recipients[0], Event::SubmissionAcceptance, None);
        let Some(Record::Foreign(foreign)) = self.records.pop() else { panic!("said last") };
        self.held(id, recipients);
        let held = self.records.iter_mut().rev().find_map(|record| match record {
            Record::Held(held) => Some(held),
            _ => None,
        });
        held.unwrap().receipts.push(foreign.raw);
    }

    /// The epochs of this node's log and of the other's.
    pub(crate) fn epochs(&self) -> [tram_dispatch::EpochId; 2] {
        [self.own.epoch, self.other.epoch]
    }

    /// A peer's offer is taken: custody begins, or begins again.
    pub(crate) fn held(&mut self, id: DispatchId, recipients: &[&str]) {
        let sealed = &self.sealed[&id];
        let envelope = sealed.envelope();
        self.records.push(Record::Held(Held {
            dispatch: id,
            raw: sealed.raw().clone(),
            object: sealed.object(),
            originator: envelope.originator.clone(),
            reference: envelope.reference.clone(),
            previous: Some(self.other.node.clone()),
            recipients: recipients.iter().map(|text| agency(text)).collect(),
            receipts: Vec::new(),
            inline: Vec::new(),
            files: Vec::new(),
            removed: Vec::new(),
            at: self.now,
        }));
        self.accept(id, recipients);
    }

    /// A peer's later offer of what is held.
    pub(crate) fn more(&mut self, id: DispatchId, recipients: &[&str]) {
        self.records.push(Record::Legs(Legs {
            dispatch: id,
            previous: self.other.node.clone(),
            recipients: recipients.iter().map(|text| agency(text)).collect(),
            receipts: Vec::new(),
        }));
        self.accept(id, recipients);
    }

    fn accept(&mut self, id: DispatchId, recipients: &[&str]) {
        for recipient in recipients {
            self.say(Voice::Own, id, recipient, Event::RelayAcceptance, None);
        }
    }

    pub(crate) fn closed(&mut self, id: DispatchId) {
        self.records.push(Record::Closed(id));
    }

    /// Something is said about a leg.
    pub(crate) fn say(
        &mut self,
        voice: Voice,
        id: DispatchId,
        recipient: &str,
        event: Event,
        reason: Option<Code>,
    ) {
        let own = voice == Voice::Own;
        let attestation = self.attestation.take();
        let log = if own { &self.own } else { &self.other };
        let index = log.frontier.size() + if own { self.leaves.len() as u64 } else { 0 };
        let evidence = EvidenceRecord {
            event,
            network: NETWORK,
            node: log.node.clone(),
            epoch: log.epoch,
            dispatch: id,
            object: Some(self.sealed[&id].object()),
            originator: self.sealed[&id].envelope().originator.clone(),
            recipient: Some(agency(recipient)),
            custody: index,
            admission: None,
            sequence: None,
            related: None,
            removal: None,
            time: self.now,
            reason,
            remark: None,
            status: None,
            previous: None,
            upstream: None,
            directory: Some(Digest([3; 32])),
            revocation: None,
            attestation,
            other_object: None,
        };
        let record: Arc<[u8]> = tram_wire::evidence::encode(&evidence).into();
        let leaf = Leaf { index, salt: [index as u8; 16], record };
        if own {
            self.leaves.push(leaf.clone());
            let owed_to = Vec::new();
            self.records.push(Record::Evidence(OwnEvidence { leaf, evidence, owed_to }));
            return;
        }
        let (_, receipts, _) = self.other.commit(&[leaf], self.now);
        let raw = receipts[&index].clone();
        let (digest, owed_to) = (Digest(sha256(&raw)), Vec::new());
        self.records.push(match voice {
            Voice::Earlier => Record::Earlier(Earlier { digest, raw, evidence, owed_to }),
            _ => {
                let from = self.other.node.clone();
                let authorised = voice == Voice::Foreign;
                Record::Foreign(Foreign { digest, raw, evidence, from, authorised, owed_to })
            }
        });
    }

    /// All of it since the last batch.
    pub(crate) fn batch(&mut self) -> Batch {
        let leaves = std::mem::take(&mut self.leaves);
        let mut tree_nodes = Vec::new();
        if !leaves.is_empty() {
            let (root, _, nodes) = self.own.commit(&leaves, self.now);
            tree_nodes = nodes;
            self.records.push(Record::Root(root));
        }
        let records = std::mem::take(&mut self.records);
        self.told.extend_from_slice(&records);
        self.batches += 1;
        Batch { number: self.batches, records, tree_nodes }
    }
}
