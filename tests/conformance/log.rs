//! The receipt log that the vectors are of.

use tram_crypto::{Sign, sha256};
use tram_dispatch::envelope::Sequence;
use tram_dispatch::evidence::Genesis;
use tram_dispatch::*;
use tram_tlog::checkpoint::Checkpoint;
use tram_tlog::{Hash, MemoryTree};
use tram_wire::{Receipt, SealedDispatch, SignedRoot, evidence, genesis};

use crate::made::{SEED_CHECKPOINT, SEED_RECEIPT, START, code, node, signer, spki};

/// The receipt log of node n1.H41: a genesis and four records.
pub(crate) struct Log {
    pub(crate) genesis: Genesis,
    pub(crate) epoch: EpochId,
    pub(crate) tree: MemoryTree,
    records: Vec<Vec<u8>>,
    root: SignedRoot,
}

impl Log {
    pub(crate) fn new(network: NetworkId, dispatch: &SealedDispatch) -> Self {
        let genesis = Genesis {
            network,
            node: node("n1.H41"),
            receipt_key: spki(SEED_RECEIPT),
            checkpoint_key: spki(SEED_CHECKPOINT),
            started_at: UnixMillis(START),
            previous: None,
        };
        let epoch = genesis::epoch_id(&genesis);
        let base = EvidenceRecord {
            event: Event::SubmissionAcceptance,
            network,
            node: genesis.node.clone(),
            epoch,
            dispatch: dispatch.id(),
            object: Some(dispatch.object()),
            originator: code("G22"),
            recipient: None,
            custody: 1,
            admission: Some(1),
            time: UnixMillis(START + 1_000),
            reason: None,
            remark: None,
            status: None,
            previous: None,
            upstream: None,
            directory: Some(Digest([6; 32])),
            revocation: None,
            attestation: None,
            other_object: None,
            sequence: None,
            related: None,
            removal: None,
        };
        let refused = EvidenceRecord {
            event: Event::SubmissionRejection,
            object: None,
            custody: 2,
            admission: Some(2),
            sequence: Some(Sequence { series: 1, number: 17 }),
            reason: Some(Code::SecretRefused),
            ..base.clone()
        };
        let consigned = EvidenceRecord {
            event: Event::ContentConsignment,
            recipient: Some(code("H41.12.03")),
            custody: 3,
            admission: None,
            status: Some(1),
            previous: Some(node("n1.G22")),
            upstream: Some(Digest([7; 32])),
            revocation: Some(Digest([8; 32])),
            ..base.clone()
        };
        let returned = EvidenceRecord {
            event: Event::ConsignmentRejection,
            reason: Some(Code::RecipientRefused),
            remark: Some("Thiếu phụ lục".into()),
            status: Some(2),
            custody: 4,
            attestation: Some(Digest([10; 32])),
            other_object: Some(Digest([11; 32])),
            ..consigned.clone()
        };
        let records: Vec<Vec<u8>> =
            [base, refused, consigned, returned].iter().map(evidence::encode).collect();
        let mut tree = MemoryTree::new();
        tree.push(&genesis::leaf(&genesis).commitment);
        for (salt, record) in (1u8..).zip(&records) {
            tree.push(&evidence::commitment(&[salt; 16], record));
        }
        let mut root = SignedRoot {
            key: Digest(sha256(&spki(SEED_RECEIPT))),
            node: genesis.node.clone(),
            epoch,
            size: tree.size(),
            time: UnixMillis(START + 1_234),
            root: tree.root().0,
            signature: vec![],
        };
        root.signature = signer(SEED_RECEIPT).sign(&root.to_be_signed(network)).unwrap();
        Log { genesis, epoch, tree, records, root }
    }

    pub(crate) fn receipt(&self, index: u64) -> Receipt {
        let path: Vec<_> = self.tree.inclusion(index).unwrap().iter().map(|h| h.0).collect();
        let record = &self.records[index as usize - 1];
        let network = self.genesis.network;
        Receipt::build(network, &self.root, index, &path, &[index as u8; 16], record).unwrap()
    }

    pub(crate) fn note(&self, network: NetworkId) -> Vec<u8> {
        note(network, &self.genesis.node, self.epoch, self.tree.size(), self.tree.root())
    }
}

pub(crate) fn note(
    network: NetworkId,
    node: &NodeId,
    epoch: EpochId,
    size: u64,
    root: Hash,
) -> Vec<u8> {
    let origin = format!("tram/{network}/{node}/{epoch}");
    Checkpoint::new(&origin, size, root).unwrap().sign(&origin, &signer(SEED_CHECKPOINT)).unwrap()
}
