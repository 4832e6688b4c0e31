//! Who is who: nodes with TLS certificates, receipt logs and seals, under one directory.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use tram_crypto::{Ed25519Signer, Sign, ed25519_pkcs8_from_seed};
use tram_dispatch::directory::{Agency, Entry, Epoch, Node};
use tram_dispatch::envelope::{Document, Envelope};
use tram_dispatch::evidence::Genesis;
use tram_dispatch::{AgencyCode, Digest, EpochId, NodeId};
use tram_engine::Issuer;
use tram_transport::Identity;
use tram_trust::fixtures::{END, Leaf, NOW, Network, START, seed};
use tram_trust::{Crls, Directory, Options, Verdict, VerifiedDispatch, Verifier};

/// The UDP port of every node.
const PORT: u16 = 4433;

/// One node's part.
pub(crate) struct Member {
    pub(crate) node: NodeId,
    pub(crate) agency: AgencyCode,
    /// The node above.
    pub(crate) parent: Option<NodeId>,
    pub(crate) addr: SocketAddr,
    pub(crate) identity: Identity,
    pub(crate) genesis: Genesis,
    pub(crate) epoch: EpochId,
    pub(crate) checkpoint_key: Ed25519Signer,
    receipt_key: Arc<dyn Sign>,
    seal: Ed25519Signer,
    seal_chain: Vec<Vec<u8>>,
}

/// A network that never changes; runs share it.
pub struct Country {
    base: Network,
    pub(crate) members: BTreeMap<NodeId, Member>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) verifier: Arc<Verifier>,
}

/// The tree most runs take their nodes from: two communes under a district, and two tiers above.
const TREE: [(&str, Option<&str>); 5] = [
    ("G22", None),
    ("H41", Some("G22")),
    ("H41.12", Some("H41")),
    ("H41.12.03", Some("H41.12")),
    ("H41.12.04", Some("H41.12")),
];

/// Leaves of [`star`].
pub const LEAVES: usize = 64;

/// The tree of five nodes.
#[must_use]
pub fn tree() -> &'static Country {
    static TREE_OF_FIVE: OnceLock<Country> = OnceLock::new();
    TREE_OF_FIVE.get_or_init(|| {
        let nodes = TREE.map(|(agency, above)| (agency.to_owned(), above.map(str::to_owned)));
        Country::new("packets", &nodes)
    })
}

/// One centre with [`LEAVES`] leaves.
#[must_use]
pub fn star() -> &'static Country {
    static STAR: OnceLock<Country> = OnceLock::new();
    STAR.get_or_init(|| {
        let mut nodes = vec![("H41".to_owned(), None)];
        nodes.extend((1..=LEAVES).map(|n| (format!("H41.{n:02}"), Some("H41".to_owned()))));
        Country::new("packets star", &nodes)
    })
}

pub(crate) fn agency(text: &str) -> AgencyCode {
    AgencyCode::parse_canonical(text).expect("a code of the simulation")
}

/// The node of an agency.
///
/// # Panics
/// When the text is no agency code.
#[must_use]
pub fn node(agency: &str) -> NodeId {
    format!("n1.{agency}").parse().expect("a node of the simulation")
}

fn signer(label: &str) -> (Ed25519Signer, Vec<u8>) {
    let pkcs8 = ed25519_pkcs8_from_seed(&seed(label));
    (Ed25519Signer::from_pkcs8_der(&pkcs8).expect("a key made from a seed"), pkcs8)
}

impl Country {
    /// Nodes by the agency they host, each with the agency above.
    fn new(label: &str, nodes: &[(String, Option<String>)]) -> Self {
        let base = Network::new(label);
        let members: Vec<Member> = nodes
            .iter()
            .zip(1u32..)
            .map(|((code, above), n)| Member::new(&base, code, above.as_deref(), n))
            .collect();
        let entries: Vec<Entry> = members.iter().flat_map(Member::entries).collect();
        let file = base.directory_file(base.head(1, None, &entries), &entries);
        let directory = Directory::verify(&base.root, &file, None, NOW).expect("it is sound");
        let directory = Arc::new(directory);
        let verifier =
            Verifier::new(base.root.clone(), directory.clone(), Crls::none(), Options::default());
        let members = members.into_iter().map(|m| (m.node.clone(), m)).collect();
        Country { base, members, directory, verifier: Arc::new(verifier) }
    }

    pub(crate) fn root(&self) -> &tram_trust::Root {
        &self.base.root
    }

    pub(crate) fn network(&self) -> tram_dispatch::NetworkId {
        self.base.id()
    }

    pub(crate) fn member(&self, node: &NodeId) -> &Member {
        &self.members[node]
    }

    pub(crate) fn issuer(&self, node: &NodeId) -> Issuer {
        let m = self.member(node);
        let (network, key) = (self.network(), m.receipt_key.clone());
        Issuer { network, node: node.clone(), epoch: m.epoch, key }
    }

    /// A dispatch with these documents, sealed by its originator.
    pub(crate) fn dispatch(
        &self,
        from: &NodeId,
        to: &[NodeId],
        reference: &str,
        documents: &[Arc<[u8]>],
    ) -> VerifiedDispatch {
        let of = |node: &NodeId| self.member(node).agency.as_str();
        let recipients: Vec<&str> = to.iter().map(of).collect();
        let mut envelope: Envelope = self.base.envelope(of(from), &recipients, reference);
        let listed = |(n, bytes): (usize, &Arc<[u8]>)| Document {
            name: format!("{n}.bin"),
            media_type: "application/octet-stream".to_owned(),
            size: bytes.len() as u64,
            sha256: Digest(tram_crypto::sha256(bytes)),
            second_digest: None,
        };
        envelope.documents = documents.iter().enumerate().map(listed).collect();
        let member = self.member(from);
        let sealed = self.base.seal_with(&envelope, &member.seal_chain, &member.seal);
        match self.verifier.dispatch(sealed, NOW) {
            Verdict::Verified(dispatch) => dispatch,
            other => panic!("a dispatch of the simulation does not verify: {other:?}"),
        }
    }
}

impl Member {
    fn new(base: &Network, code: &str, above: Option<&str>, number: u32) -> Self {
        let (node, agency) = (node(code), agency(code));
        let issuer = base.authority("centre CA");
        let above_leaf = issuer.der().to_vec();
        let (tls, tls_pkcs8) = signer(&format!("tls of {node}"));
        let tls_leaf = Leaf::node(&node.certificate_name(), START, END);
        let tls_leaf = issuer.issue(&tls_leaf, tls.public_key().spki_der());
        let (seal, _) = signer(&format!("seal of {agency}"));
        let seal_leaf = Leaf::seal(&agency.certificate_name().expect("structured"), START, END);
        let seal_leaf = issuer.issue(&seal_leaf, seal.public_key().spki_der());
        let (receipt, _) = signer(&format!("receipts of {node}"));
        let (checkpoint_key, _) = signer(&format!("checkpoints of {node}"));
        let genesis = Genesis {
            network: base.id(),
            node: node.clone(),
            receipt_key: receipt.public_key().spki_der().to_vec(),
            checkpoint_key: checkpoint_key.public_key().spki_der().to_vec(),
            started_at: START,
            previous: None,
        };
        Member {
            parent: above.map(self::node),
            addr: (Ipv4Addr::from_bits(0x0a00_0000 + number), PORT).into(),
            identity: Identity {
                chain_der: vec![tls_leaf, above_leaf.clone()],
                key_pkcs8_der: tls_pkcs8,
            },
            epoch: tram_wire::genesis::epoch_id(&genesis),
            genesis,
            checkpoint_key,
            receipt_key: Arc::new(receipt),
            seal,
            seal_chain: vec![seal_leaf, above_leaf],
            agency,
            node,
        }
    }

    fn entries(&self) -> [Entry; 2] {
        let agency = Agency {
            code: self.agency.clone(),
            former: Vec::new(),
            name: format!("Cơ quan {}", self.agency),
            tier: self.agency.as_str().matches('.').count() as u8 + 1,
            parent: self.parent.as_ref().map(NodeId::agency),
            node: Some(self.node.clone()),
            open: true,
            successor: None,
            bindings: Vec::new(),
            contact: None,
            from: None,
            until: None,
        };
        let epoch = Epoch {
            id: self.epoch,
            receipt_key: self.genesis.receipt_key.clone(),
            checkpoint_key: self.genesis.checkpoint_key.clone(),
            from: START,
            until: None,
        };
        let node = Node {
            id: self.node.clone(),
            addresses: Vec::new(),
            parent: self.parent.clone(),
            lateral: Vec::new(),
            open: true,
            epochs: vec![epoch],
        };
        [Entry::Agency(agency), Entry::Node(node)]
    }
}
