//! A network of some tiers on this machine: root document, directory, the files of every node.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use tempfile::TempDir;
use tram_crypto::{Algorithm, Ed25519Signer, Entropy as _, Sign as _, SystemEntropy};
use tram_dispatch::directory::{Agency, Anchor, Entry, Epoch, Head, RootDocument};
use tram_dispatch::evidence::Genesis;
use tram_dispatch::{Digest, NetworkId, NodeId};
use tram_trust::{Directory, Root};
use tram_wire::directory::{DirectoryFile, encode_entry, encode_head, entries_root, sort_key};
use tram_wire::root::{KeySignature, RootFile};

use super::authorities::{Authorities, Seal};
use super::files::{NodeFiles, Place};
use super::{Node, Program, TIERS, agency, node_id, wall_now};

const DAY_MS: u64 = 86_400_000;
/// Ports below the range from which the system picks those of diallers.
const PORT: u16 = 21_700;

/// What kind of network.
pub struct Plan {
    /// 1 to 4, from the top.
    pub tiers: usize,
    /// `[limits]` of every node.
    pub limits: Vec<(&'static str, u64)>,
    /// `[quotas]` of every node.
    pub quotas: Vec<(&'static str, u64)>,
    /// Level of the service logs.
    pub log_level: &'static str,
    /// Agencies without a node of their own tier.
    pub agencies: Vec<Agency>,
}

impl Plan {
    pub fn tiers(tiers: usize) -> Self {
        // Less free space is kept than a real node keeps.
        let limits = vec![("free_space_reserve_bytes", 64 << 20)];
        Plan { tiers, limits, quotas: Vec::new(), log_level: "info", agencies: Vec::new() }
    }
}

/// The network. Its folders go away with it, unless the test that made it fails.
pub struct Network {
    pub root_file: Vec<u8>,
    pub root: Arc<Root>,
    pub directory: Arc<Directory>,
    pub authorities: Authorities,
    /// From the top.
    pub nodes: Vec<Arc<NodeFiles>>,
    /// Seals of the agencies, from the top.
    pub seals: Vec<Seal>,
    /// Signs root document and directories.
    key: Ed25519Signer,
    folders: Option<(TempDir, TempDir)>,
}

impl Network {
    /// Makes the files below `base`, which decides on which file system the stores lie.
    pub fn create_in(base: &Path, plan: &Plan) -> Self {
        let folder = tempfile::Builder::new().prefix("tram-").tempdir_in(base).expect("a folder");
        // Paths of sockets are short, whatever `base` is.
        let sockets = tempfile::Builder::new().prefix("tram").tempdir_in("/tmp").expect("a folder");
        let authorities = Authorities::new();
        let key = Ed25519Signer::from_seed(&random()).expect("a key");
        let root_file = root_file(authorities.anchor(), &key);
        let root = Root::install(&root_file).expect("a sound root file");
        let listens = addresses(plan.tiers);
        let node = |tier: usize| {
            let place = Place {
                folder: folder.path().join(TIERS[tier]),
                socket: sockets.path().join(TIERS[tier]),
                listen: (tier + 1 < plan.tiers).then_some(listens[tier]),
                parent: tier.checked_sub(1).map(|above| listens[above]),
                network: root.network(),
                root_file: &root_file,
            };
            Arc::new(NodeFiles::create(plan, tier, &authorities, place))
        };
        let nodes: Vec<Arc<NodeFiles>> = (0..plan.tiers).map(node).collect();
        let mut entries = Vec::new();
        for node in &nodes {
            entries.push(Entry::Agency(agency_entry(node.tier)));
            entries.push(Entry::Node(node.entry()));
        }
        entries.extend(plan.agencies.iter().cloned().map(Entry::Agency));
        let file = directory_file(root.network(), &key, entries, None);
        let directory = Directory::verify(&root, &file, None, wall_now());
        let directory = directory.expect("a sound directory");
        for node in &nodes {
            std::fs::write(node.folder.join("network/directory.cbor"), &file).expect("a file");
        }
        Network {
            seals: (0..plan.tiers).map(|tier| authorities.seal(tier)).collect(),
            root: Arc::new(root),
            directory: Arc::new(directory),
            authorities,
            nodes,
            root_file,
            key,
            folders: Some((folder, sockets)),
        }
    }

    /// [`Network::create_in`] the system's folder for temporary files.
    pub fn create(plan: &Plan) -> Self {
        Self::create_in(&std::env::temp_dir(), plan)
    }

    /// A network whose nodes all run and have their sessions.
    pub async fn running(plan: &Plan) -> (Self, Vec<Node>) {
        let network = Self::create(plan);
        let nodes = network.start(&Program::tram()).await;
        (network, nodes)
    }

    /// Starts every node and waits for the sessions.
    pub async fn start(&self, program: &Program) -> Vec<Node> {
        let mut nodes: Vec<Node> =
            self.nodes.iter().map(|files| Node::new(files.clone(), program.clone())).collect();
        nodes.iter_mut().for_each(Node::start);
        for node in &mut nodes {
            node.ready().await;
        }
        nodes
    }

    /// The next version of the directory, in which a node has begun a new epoch.
    pub fn with_epoch(&self, node: &NodeId, first: &Genesis) -> (Vec<u8>, Directory) {
        let entries = self.directory.agencies().cloned().map(Entry::Agency);
        let mut entries: Vec<Entry> = entries.collect();
        for listed in self.directory.nodes() {
            let mut listed = listed.clone();
            if listed.id == *node {
                listed.epochs.iter_mut().for_each(|e| e.until = Some(first.started_at));
                listed.epochs.push(Epoch {
                    id: tram_wire::genesis::epoch_id(first),
                    receipt_key: first.receipt_key.clone(),
                    checkpoint_key: first.checkpoint_key.clone(),
                    from: first.started_at,
                    until: None,
                });
            }
            entries.push(Entry::Node(listed));
        }
        let file = directory_file(self.id(), &self.key, entries, Some(&self.directory));
        let next = Directory::verify(&self.root, &file, Some(&self.directory), wall_now());
        (file, next.expect("a sound directory"))
    }

    /// The version after `before`, with other entries.
    pub fn after(
        &self,
        before: &Directory,
        change: impl FnOnce(&mut Vec<Entry>),
    ) -> (Vec<u8>, Directory) {
        let agencies = before.agencies().cloned().map(Entry::Agency);
        let nodes = before.nodes().cloned().map(Entry::Node);
        let mut entries: Vec<Entry> = agencies.chain(nodes).collect();
        change(&mut entries);
        let file = directory_file(self.id(), &self.key, entries, Some(before));
        let next = Directory::verify(&self.root, &file, Some(before), wall_now());
        (file, next.expect("a sound directory"))
    }

    pub fn id(&self) -> NetworkId {
        self.root.network()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some((folder, sockets)) = self.folders.take()
        {
            drop(sockets);
            eprintln!("the nodes' folders stay in {}", folder.keep().display());
        }
    }
}

/// Addresses on loopback that no other test of this machine has at the same time: from 127/8 by
/// process and network.
fn addresses(tiers: usize) -> Vec<SocketAddr> {
    static NETWORKS: AtomicU16 = AtomicU16::new(1);
    let [high, low] = ((std::process::id() % 0x7fff) as u16 + 256).to_be_bytes();
    let nth = NETWORKS.fetch_add(1, Ordering::Relaxed);
    let ip = Ipv4Addr::new(127, high, low, (nth % 254) as u8 + 1);
    let address = |tier| SocketAddr::from((ip, PORT + nth / 254 * 4 + tier as u16));
    let all: Vec<SocketAddr> = (0..tiers).map(address).collect();
    for address in &all {
        UdpSocket::bind(address).unwrap_or_else(|e| panic!("{address} is not free: {e}"));
    }
    all
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemEntropy::new().fill(&mut bytes).expect("the system's entropy");
    bytes
}

/// The agency of a tier, as the directory has it.
pub fn agency_entry(tier: usize) -> Agency {
    Agency {
        code: agency(tier),
        former: Vec::new(),
        name: format!("Cơ quan {}", TIERS[tier]),
        tier: tier as u8 + 1,
        parent: tier.checked_sub(1).map(agency),
        node: Some(node_id(tier)),
        open: true,
        successor: None,
        bindings: Vec::new(),
        contact: None,
        from: None,
        until: None,
    }
}

fn root_file(anchor: &[u8], key: &Ed25519Signer) -> Vec<u8> {
    let document = RootDocument {
        name: "test".to_owned(),
        nonce: random(),
        version: 1,
        network: None,
        keys: vec![key.public_key().spki_der().to_vec()],
        threshold: 1,
        anchors: vec![Anchor { certificate: anchor.to_vec(), nodes: true, seals: true }],
        lifetime_ms_max: 30 * DAY_MS,
    };
    let raw_root = tram_wire::root::encode(&document);
    let network = tram_wire::root::network_id(&raw_root, &document);
    let message = tram_wire::root::to_be_signed(Algorithm::EdDsa, &raw_root, network);
    let signatures = vec![signature(key, &message)];
    RootFile { raw_root, document, signatures, previous_signatures: Vec::new() }.encode()
}

fn directory_file(
    network: NetworkId,
    key: &Ed25519Signer,
    mut decoded: Vec<Entry>,
    previous: Option<&Directory>,
) -> Vec<u8> {
    decoded.sort_by_key(sort_key);
    let entries: Vec<Vec<u8>> = decoded.iter().map(encode_entry).collect();
    let now = wall_now();
    let head = Head {
        network,
        version: previous.map_or(1, |p| p.version() + 1),
        previous: previous.map(Directory::digest),
        issued_at: now,
        expires_at: now.plus_ms(30 * DAY_MS),
        entries: entries.len() as u64,
        root: Digest(entries_root(&entries)),
    };
    let head_bytes = encode_head(&head);
    let message = tram_wire::directory::to_be_signed(Algorithm::EdDsa, &head_bytes, network);
    let signatures = vec![signature(key, &message)];
    DirectoryFile { head_bytes, head, signatures, entries, decoded }.encode()
}

fn signature(key: &Ed25519Signer, message: &[u8]) -> KeySignature {
    let signature = key.sign(message).expect("an Ed25519 signature");
    KeySignature { key_index: 0, algorithm: key.algorithm(), signature }
}
