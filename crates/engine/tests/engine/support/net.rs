//! Two provinces under one centre, with real seals and receipt keys:
//!
//! ```text
//! G22 ─┬─ H41 ── H41.12 ─┬─ H41.12.03 (also hosts H41.12.03.01)
//!      │                 └─ H41.12.04
//!      └─ H29 ── H29.05 ─── H29.05.01
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use tram_crypto::{Ed25519Signer, Sign, ed25519_pkcs8_from_seed};
use tram_dispatch::directory::{Agency, Entry, Epoch, Node};
use tram_dispatch::envelope::Envelope;
use tram_dispatch::evidence::Genesis;
use tram_dispatch::{AgencyCode, EpochId, NodeId};
use tram_tlog::Hash;
use tram_tlog::checkpoint::Checkpoint;
use tram_trust::fixtures::{END, Leaf, NOW, Network, START, seed};
use tram_trust::{Crls, Directory, Options, Verdict, VerifiedDispatch, Verifier};
use tram_wire::SealedDispatch;

pub(crate) const CENTRE: &str = "G22";
pub(crate) const PROVINCE: &str = "H41";
pub(crate) const DISTRICT: &str = "H41.12";
pub(crate) const COMMUNE: &str = "H41.12.03";
pub(crate) const HAMLET: &str = "H41.12.03.01";
pub(crate) const SISTER: &str = "H41.12.04";
pub(crate) const OTHER_PROVINCE: &str = "H29";
pub(crate) const OTHER_DISTRICT: &str = "H29.05";
pub(crate) const OTHER_COMMUNE: &str = "H29.05.01";

/// Every node's agency, with the one above.
pub(crate) const NODES: [(&str, Option<&str>); 8] = [
    (CENTRE, None),
    (PROVINCE, Some(CENTRE)),
    (DISTRICT, Some(PROVINCE)),
    (COMMUNE, Some(DISTRICT)),
    (SISTER, Some(DISTRICT)),
    (OTHER_PROVINCE, Some(CENTRE)),
    (OTHER_DISTRICT, Some(OTHER_PROVINCE)),
    (OTHER_COMMUNE, Some(OTHER_DISTRICT)),
];

/// A node's lives: the second begins when its disk is lost.
pub(crate) const LIVES: usize = 3;

pub(crate) struct Life {
    pub(crate) genesis: Genesis,
    pub(crate) epoch: EpochId,
    pub(crate) receipt: Arc<dyn Sign>,
    pub(crate) checkpoint: Arc<dyn Sign>,
}

pub(crate) struct Net {
    pub(crate) base: Network,
    pub(crate) entries: Vec<Entry>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) lives: BTreeMap<NodeId, Vec<Life>>,
    pub(crate) seals: BTreeMap<AgencyCode, (Vec<Vec<u8>>, Ed25519Signer)>,
}

/// The one network all tests share; it never changes.
pub(crate) fn net() -> &'static Net {
    static NET: OnceLock<Net> = OnceLock::new();
    NET.get_or_init(Net::new)
}

/// The lives of a node: of this network, or of any other directory under the same root.
pub(crate) fn lives_of(id: &NodeId) -> &'static [Life] {
    static OTHERS: Mutex<BTreeMap<NodeId, &'static [Life]>> = Mutex::new(BTreeMap::new());
    if let Some(lives) = net().lives.get(id) {
        return lives;
    }
    OTHERS
        .lock()
        .unwrap()
        .entry(id.clone())
        .or_insert_with(|| vec![life(&net().base, id, 0)].leak())
}

pub(crate) fn code(text: &str) -> AgencyCode {
    AgencyCode::parse_canonical(text).unwrap()
}

pub(crate) fn node(agency: &str) -> NodeId {
    format!("n1.{agency}").parse().unwrap()
}

pub(crate) fn signer(label: &str) -> Ed25519Signer {
    Ed25519Signer::from_pkcs8_der(&ed25519_pkcs8_from_seed(&seed(label))).unwrap()
}

impl Net {
    fn new() -> Self {
        let base = Network::new("engine tests");
        let (mut entries, mut lives) = (Vec::new(), BTreeMap::new());
        for (agency, above) in NODES {
            let id = node(agency);
            let of_node: Vec<Life> = (0..LIVES).map(|n| life(&base, &id, n as u64)).collect();
            entries.push(agency_entry(agency, above, agency));
            entries.push(Entry::Node(Node {
                id: id.clone(),
                addresses: Vec::new(),
                parent: above.map(node),
                lateral: Vec::new(),
                open: true,
                epochs: of_node.iter().map(listed).collect(),
            }));
            lives.insert(id, of_node);
        }
        entries.push(agency_entry(HAMLET, Some(COMMUNE), COMMUNE));
        let file = base.directory_file(base.head(1, None, &entries), &entries);
        let directory = Arc::new(Directory::verify(&base.root, &file, None, NOW).unwrap());
        let mut seals = BTreeMap::new();
        let centre = base.authority("centre CA");
        for agency in NODES.map(|n| n.0).into_iter().chain([HAMLET]) {
            let seal = signer(&format!("seal of {agency}"));
            let leaf = Leaf::seal(&code(agency).certificate_name().unwrap(), START, END);
            let leaf = centre.issue(&leaf, seal.public_key().spki_der());
            seals.insert(code(agency), (vec![leaf, centre.der().to_vec()], seal));
        }
        let verifier = verifier(&base, &directory);
        Net { base, entries, directory, verifier, lives, seals }
    }

    /// A later directory; `version` counts from 2, each built on the first.
    pub(crate) fn directory_with(&self, change: impl FnOnce(&mut Vec<Entry>)) -> Arc<Directory> {
        self.directory_after(&self.directory, change)
    }

    /// The directory after `previous`, built on the first one too.
    pub(crate) fn directory_after(
        &self,
        previous: &Directory,
        change: impl FnOnce(&mut Vec<Entry>),
    ) -> Arc<Directory> {
        let mut entries = self.entries.clone();
        change(&mut entries);
        let head = self.base.head(previous.version() + 1, Some(previous.digest()), &entries);
        let file = self.base.directory_file(head, &entries);
        Arc::new(Directory::verify(&self.base.root, &file, Some(previous), NOW).unwrap())
    }

    pub(crate) fn verifier_for(&self, directory: &Arc<Directory>) -> Arc<Verifier> {
        verifier(&self.base, directory)
    }

    pub(crate) fn envelope(&self, from: &str, to: &[&str], reference: &str) -> Envelope {
        self.base.envelope(from, to, reference)
    }

    /// A dispatch as our own store gives it back: for tests with very many, at one node, where sealing
    /// and verifying each would take most of the time.
    pub(crate) fn stored_dispatch(&self, envelope: &Envelope) -> VerifiedDispatch {
        let (chain, seal) = self.seals.values().next().unwrap();
        let sealed = SealedDispatch::seal(envelope, chain, seal.algorithm(), |_| {
            Ok::<_, std::convert::Infallible>(vec![0; 64])
        });
        tram_trust::assertion::dispatch_from_store(sealed.unwrap())
    }

    /// Seals with the originator's seal and verifies.
    pub(crate) fn dispatch(&self, envelope: &Envelope) -> VerifiedDispatch {
        let (chain, seal) = &self.seals[&envelope.originator];
        let sealed = self.base.seal_with(envelope, chain, seal);
        match self.verifier.dispatch(sealed, NOW) {
            Verdict::Verified(v) => v,
            other => panic!("{other:?}"),
        }
    }
}

fn verifier(base: &Network, directory: &Arc<Directory>) -> Arc<Verifier> {
    let options = Options::default();
    Arc::new(Verifier::new(base.root.clone(), directory.clone(), Crls::none(), options))
}

fn life(base: &Network, id: &NodeId, n: u64) -> Life {
    let receipt = signer(&format!("receipt {id} {n}"));
    let checkpoint = signer(&format!("checkpoint {id} {n}"));
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

impl Life {
    /// A checkpoint of this life's log, as its node signs it.
    pub(crate) fn note(&self, size: u64, root: [u8; 32]) -> Arc<[u8]> {
        let (network, node) = (self.genesis.network, &self.genesis.node);
        let origin = tram_trust::checkpoint::origin(network, node, self.epoch);
        let checkpoint = Checkpoint::new(&origin, size, Hash(root)).unwrap();
        checkpoint.sign(&origin, &*self.checkpoint).unwrap().into()
    }
}

pub(crate) fn listed(life: &Life) -> Epoch {
    Epoch {
        id: life.epoch,
        receipt_key: life.genesis.receipt_key.clone(),
        checkpoint_key: life.genesis.checkpoint_key.clone(),
        from: START,
        until: None,
    }
}

pub(crate) fn agency_entry(agency: &str, above: Option<&str>, host: &str) -> Entry {
    Entry::Agency(Agency {
        code: code(agency),
        former: Vec::new(),
        name: format!("Cơ quan {agency}"),
        tier: agency.matches('.').count() as u8 + 1,
        parent: above.map(code),
        node: Some(node(host)),
        open: true,
        successor: None,
        bindings: Vec::new(),
        contact: None,
        from: None,
        until: None,
    })
}

/// The entry of an agency, to be changed.
pub(crate) fn agency_in<'a>(entries: &'a mut [Entry], agency: &str) -> &'a mut Agency {
    let wanted = code(agency);
    let found = entries.iter_mut().find_map(|e| match e {
        Entry::Agency(a) if a.code == wanted => Some(a),
        _ => None,
    });
    found.unwrap()
}

/// The entry of a node, to be changed.
pub(crate) fn node_in<'a>(entries: &'a mut [Entry], agency: &str) -> &'a mut Node {
    let wanted = node(agency);
    let found = entries.iter_mut().find_map(|e| match e {
        Entry::Node(n) if n.id == wanted => Some(n),
        _ => None,
    });
    found.unwrap()
}
