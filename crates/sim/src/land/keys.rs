//! Keys of nodes and agencies, from fixed labels.

use std::sync::Arc;

use tram_crypto::{Ed25519Signer, Sign, ed25519_pkcs8_from_seed};
use tram_dispatch::directory::Epoch;
use tram_dispatch::evidence::Genesis;
use tram_dispatch::{AgencyCode, EpochId, NodeId};
use tram_trust::fixtures::{END, Leaf, Network, START, seed};

use super::LIVES;

/// One life of a node: the keys and the genesis of one receipt log.
pub struct Life {
    /// The first leaf of the log.
    pub genesis: Genesis,
    /// The epoch.
    pub epoch: EpochId,
    /// Signs receipts.
    pub receipt: Arc<dyn Sign>,
    /// Signs checkpoints.
    pub checkpoint: Arc<dyn Sign>,
}

impl Life {
    /// As the directory lists it.
    pub(super) fn listed(&self) -> Epoch {
        Epoch {
            id: self.epoch,
            receipt_key: self.genesis.receipt_key.clone(),
            checkpoint_key: self.genesis.checkpoint_key.clone(),
            from: START,
            until: None,
        }
    }
}

/// An agency's seal.
pub(super) struct Seal {
    pub(super) chain: Vec<Vec<u8>>,
    pub(super) key: Ed25519Signer,
}

impl Seal {
    pub(super) fn new(base: &Network, agency: &AgencyCode) -> Self {
        let key = signer(&format!("sim seal {agency}"));
        let centre = base.authority("centre CA");
        let name = agency.certificate_name().expect("a structured code");
        let leaf = centre.issue(&Leaf::seal(&name, START, END), key.public_key().spki_der());
        Seal { chain: vec![leaf, centre.der().to_vec()], key }
    }
}

pub(super) fn node_id(agency: &str) -> NodeId {
    format!("n1.{agency}").parse().expect("a node id")
}

fn signer(label: &str) -> Ed25519Signer {
    Ed25519Signer::from_pkcs8_der(&ed25519_pkcs8_from_seed(&seed(label))).expect("a key")
}

pub(super) fn lives(base: &Network, id: &NodeId) -> Vec<Life> {
    (0..LIVES as u64).map(|n| life(base, id, n)).collect()
}

fn life(base: &Network, id: &NodeId, n: u64) -> Life {
    let receipt = signer(&format!("sim receipt {id} {n}"));
    let checkpoint = signer(&format!("sim checkpoint {id} {n}"));
    let genesis = Genesis {
        network: base.id(),
        node: id.clone(),
        receipt_key: receipt.public_key().spki_der().to_vec(),
        checkpoint_key: checkpoint.public_key().spki_der().to_vec(),
        started_at: START.plus_ms(n),
        previous: None,
    };
    let epoch = tram_wire::genesis::epoch_id(&genesis);
    Life { genesis, epoch, receipt: Arc::new(receipt), checkpoint: Arc::new(checkpoint) }
}
