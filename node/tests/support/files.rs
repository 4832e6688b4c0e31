//! The files of one node: folders, keys, configuration.

use std::fs::{self, DirBuilder};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use tram_crypto::{Ed25519Signer, Sign as _, SystemEntropy};
use tram_dispatch::directory::{Epoch, Node as NodeEntry};
use tram_dispatch::evidence::Genesis;
use tram_dispatch::{NetworkId, NodeId};
use tram_pki::{Key, KeyAlgorithm, write_certificates, write_new_file};
use tram_tlog::Hash;
use tram_tlog::checkpoint::Checkpoint;
use tram_transport::Identity;

use super::authorities::Authorities;
use super::{Plan, agency, node_id, wall_now};

/// One node as it lies on disk, and its keys, for those who play it themselves.
pub struct NodeFiles {
    pub tier: usize,
    pub id: NodeId,
    pub folder: PathBuf,
    pub config: PathBuf,
    pub socket: PathBuf,
    pub log: PathBuf,
    /// Where it listens for peers; every tier but the lowest.
    pub listen: Option<SocketAddr>,
    pub identity: Identity,
    pub receipt_key: Ed25519Signer,
    pub checkpoint_key: Ed25519Signer,
    pub genesis: Genesis,
}

/// What the network has decided before a node is set up.
pub struct Place<'a> {
    pub folder: PathBuf,
    pub socket: PathBuf,
    pub listen: Option<SocketAddr>,
    pub parent: Option<SocketAddr>,
    pub network: NetworkId,
    pub root_file: &'a [u8],
}

impl NodeFiles {
    pub fn create(plan: &Plan, tier: usize, authorities: &Authorities, place: Place<'_>) -> Self {
        let Place { folder, socket, listen, parent, network, root_file } = place;
        for name in ["", "keys", "network", "data", "anchor"] {
            let path = folder.join(name);
            DirBuilder::new().mode(0o700).recursive(true).create(path).expect("a folder");
        }
        let id = node_id(tier);
        let (chain, tls) = authorities.node(tier, &id);
        tls.write_new(&folder.join("keys/tls.key")).expect("a key file");
        let pem = write_certificates(&chain);
        write_new_file(&folder.join("keys/tls.crt"), pem.as_bytes()).expect("a file");
        let log_key = |name: &str| {
            let key =
                Key::generate(KeyAlgorithm::Ed25519, &mut SystemEntropy::new()).expect("a key");
            key.write_new(&folder.join("keys").join(name)).expect("a key file");
            Ed25519Signer::from_pkcs8_der(key.pkcs8_der()).expect("an Ed25519 key")
        };
        let (receipt_key, checkpoint_key) = (log_key("receipt.key"), log_key("checkpoint.key"));
        let genesis = Genesis {
            network,
            node: id.clone(),
            receipt_key: receipt_key.public_key().spki_der().to_vec(),
            checkpoint_key: checkpoint_key.public_key().spki_der().to_vec(),
            started_at: wall_now(),
            previous: None,
        };
        let bytes = tram_wire::genesis::encode(&genesis);
        write_new_file(&folder.join("data/genesis.cbor"), &bytes).expect("a file");
        write_new_file(&folder.join("network/root.cbor"), root_file).expect("a file");
        let config = folder.join("tram.toml");
        let text = configuration(plan, &id, &socket, listen, parent);
        fs::write(&config, text).expect("a file");
        NodeFiles {
            identity: Identity { chain_der: chain, key_pkcs8_der: tls.pkcs8_der().to_vec() },
            log: folder.join("log"),
            tier,
            id,
            folder,
            config,
            socket,
            listen,
            receipt_key,
            checkpoint_key,
            genesis,
        }
    }

    /// Its line in the directory.
    pub fn entry(&self) -> NodeEntry {
        NodeEntry {
            id: self.id.clone(),
            addresses: self.listen.iter().map(SocketAddr::to_string).collect(),
            parent: self.tier.checked_sub(1).map(node_id),
            lateral: Vec::new(),
            open: true,
            epochs: vec![Epoch {
                id: tram_wire::genesis::epoch_id(&self.genesis),
                receipt_key: self.genesis.receipt_key.clone(),
                checkpoint_key: self.genesis.checkpoint_key.clone(),
                from: self.genesis.started_at,
                until: None,
            }],
        }
    }

    /// A checkpoint of its log as it would sign it, over whatever tree.
    pub fn note(&self, size: u64, root: [u8; 32]) -> Vec<u8> {
        let epoch = tram_wire::genesis::epoch_id(&self.genesis);
        let origin = tram_trust::checkpoint::origin(self.genesis.network, &self.id, epoch);
        let checkpoint = Checkpoint::new(&origin, size, Hash(root)).expect("a checkpoint");
        checkpoint.sign(&origin, &self.checkpoint_key).expect("a note")
    }

    /// The folder of the store.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The agency that runs it.
    pub fn agency(&self) -> tram_dispatch::AgencyCode {
        agency(self.tier)
    }
}

fn configuration(
    plan: &Plan,
    id: &NodeId,
    socket: &Path,
    listen: Option<SocketAddr>,
    parent: Option<SocketAddr>,
) -> String {
    let listen = listen.map(|a| format!("listen = \"{a}\"\n")).unwrap_or_default();
    let parent = parent
        .map(|a| format!("[[peers]]\nparent = true\naddress = \"{a}\"\n"))
        .unwrap_or_default();
    let numbers = |list: &[(&str, u64)]| -> String {
        list.iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
    };
    let (limits, quotas) = (numbers(&plan.limits), numbers(&plan.quotas));
    format!(
        "[node]\nid = \"{id}\"\ndata_dir = \"data\"\nanchor_dir = \"anchor\"\n\
         root = \"network/root.cbor\"\ndirectory = \"network/directory.cbor\"\n{listen}\
         {parent}\
         [keys]\ntls_certificate = \"keys/tls.crt\"\ntls_key = \"keys/tls.key\"\n\
         receipt_key = \"keys/receipt.key\"\ncheckpoint_key = \"keys/checkpoint.key\"\n\
         [[sockets]]\nname = \"local\"\npath = \"{}\"\nmode = \"0600\"\n\
         [[access]]\nany = true\nagencies = \"*\"\n\
         roles = [\"submit\", \"collect\", \"operate\", \"audit\"]\n\
         [limits]\n{limits}\
         [quotas]\n{quotas}\
         [log]\nformat = \"human\"\nlevel = \"{}\"\n",
        socket.display(),
        plan.log_level,
    )
}
