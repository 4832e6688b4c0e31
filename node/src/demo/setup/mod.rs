//! Sets one node of the demo up: folders, keys, the genesis of its receipt log, the configuration
//! file, and the requests for its certificates. The places are those of `tram init`.

mod configuration;

use std::fs::DirBuilder;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use tram_crypto::Entropy;
use tram_dispatch::directory::{Epoch, Node};
use tram_dispatch::evidence::Genesis;
use tram_dispatch::{AgencyCode, NodeId, UnixMillis};
use tram_pki::{Key, KeyAlgorithm, PkiError, Request, Subject, write_new_file};
use tram_trust::{Refusal, Root};

/// The first leaf of the receipt log, in the data folder: made here, written into the log by the
/// first start. Its hash is the epoch that the directory must list before the node starts.
pub(in crate::demo) const GENESIS_FILE: &str = "genesis.cbor";
/// The configuration file, in the node's folder.
pub(in crate::demo) const CONFIG_FILE: &str = "tram.toml";

/// Paths below the node's folder that others must fill.
pub(in crate::demo) mod place {
    /// The certificate that comes back for the request.
    pub(in crate::demo) const TLS_CERTIFICATE: &str = "keys/tls.crt";
    /// The request itself.
    pub(in crate::demo) const TLS_REQUEST: &str = "keys/tls.csr";
    /// The certificate of the seal key.
    pub(in crate::demo) const SEAL_CERTIFICATE: &str = "keys/seal.crt";
    /// The request for it.
    pub(in crate::demo) const SEAL_REQUEST: &str = "keys/seal.csr";
    /// The root document.
    pub(in crate::demo) const ROOT: &str = "network/root.cbor";
    /// The signed directory.
    pub(in crate::demo) const DIRECTORY: &str = "network/directory.cbor";
}

/// How the node finds the one above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::demo) enum Above {
    /// It is the top, or is only dialled.
    Nobody,
    /// At this `host:port`.
    At(String),
}

/// What a new node needs to know about itself.
#[derive(Clone, Debug)]
pub(in crate::demo) struct NodeSetup {
    /// Its id.
    pub(in crate::demo) node: NodeId,
    /// The network's root file, as it came out of band.
    pub(in crate::demo) root_file: Vec<u8>,
    /// Where peers dial in; `None` to only dial.
    pub(in crate::demo) listen: Option<SocketAddr>,
    /// The node above.
    pub(in crate::demo) above: Above,
    /// The local socket.
    pub(in crate::demo) socket: PathBuf,
    /// The user who may do everything there.
    pub(in crate::demo) uid: u32,
    /// The agency this node seals for, if it does; a seal key is made then.
    pub(in crate::demo) seals_for: Option<AgencyCode>,
    /// Spool and log; relative to the node's folder.
    pub(in crate::demo) data_dir: PathBuf,
    /// The last checkpoint; relative to the node's folder, best on another disk.
    pub(in crate::demo) anchor_dir: PathBuf,
    /// Limits other than the default ones.
    pub(in crate::demo) limits: Vec<(&'static str, u64)>,
    /// This moment: when the epoch begins.
    pub(in crate::demo) now: UnixMillis,
}

/// What goes to others when a node was set up: the requests to its certificate authority, the
/// genesis to whoever signs the directory.
#[derive(Clone, Debug)]
pub(in crate::demo) struct NodeRequest {
    /// For the node's certificate.
    pub(in crate::demo) tls: Request,
    /// For the seal's, where the node seals.
    pub(in crate::demo) seal: Option<Request>,
    /// The first leaf of its receipt log.
    pub(in crate::demo) genesis: Genesis,
}

/// Why a node could not be set up.
#[derive(Debug, thiserror::Error)]
pub(in crate::demo) enum SetupError {
    /// A folder.
    #[error("{path}: {error}", path = .path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The root file does not verify.
    #[error("the root file: {0}")]
    Root(Refusal),
    /// A key, a request or a file.
    #[error(transparent)]
    Pki(#[from] PkiError),
}

impl NodeSetup {
    /// Makes the node's folder and everything in it that the node can make alone. Nothing that is
    /// there already is overwritten. What is missing then: certificate and directory, see [`place`].
    ///
    /// # Errors
    /// [`SetupError`]; what was made before the error stays.
    pub(in crate::demo) fn create(
        &self,
        dir: &Path,
        entropy: &mut dyn Entropy,
    ) -> Result<NodeRequest, SetupError> {
        let root = Root::install(&self.root_file).map_err(SetupError::Root)?;
        let config = dir.join(CONFIG_FILE);
        let (data, anchor) = (dir.join(&self.data_dir), dir.join(&self.anchor_dir));
        for path in [dir, &dir.join("keys"), &dir.join("network"), &data, &anchor] {
            folder(path)?;
        }
        let mut key = |name: &str, algorithm| -> Result<Key, SetupError> {
            let key = Key::generate(algorithm, entropy)?;
            key.write_new(&dir.join("keys").join(name))?;
            Ok(key)
        };
        let tls = key("tls.key", KeyAlgorithm::Ed25519)?;
        let receipt = key("receipt.key", KeyAlgorithm::Ed25519)?;
        let checkpoint = key("checkpoint.key", KeyAlgorithm::Ed25519)?;
        let tls = Request::new(&Subject::Node(self.node.clone()), &tls)?;
        write_new_file(&dir.join(place::TLS_REQUEST), tls.to_pem().as_bytes())?;
        let seal = match &self.seals_for {
            None => None,
            Some(agency) => {
                let seal = key("seal.key", KeyAlgorithm::P256)?;
                let seal = Request::new(&Subject::Seal(agency.clone()), &seal)?;
                write_new_file(&dir.join(place::SEAL_REQUEST), seal.to_pem().as_bytes())?;
                Some(seal)
            }
        };
        let genesis = Genesis {
            network: root.network(),
            node: self.node.clone(),
            receipt_key: receipt.spki_der(),
            checkpoint_key: checkpoint.spki_der(),
            started_at: self.now,
            previous: None,
        };
        write_new_file(&data.join(GENESIS_FILE), &tram_wire::genesis::encode(&genesis))?;
        write_new_file(&dir.join(place::ROOT), &self.root_file)?;
        // Last: its presence says that everything else is there.
        write_new_file(&config, configuration::text(self).as_bytes())?;
        Ok(NodeRequest { tls, seal, genesis })
    }
}

impl NodeRequest {
    /// The node's entry in the directory, as the holder of the genesis can write it.
    pub(in crate::demo) fn entry(&self, parent: Option<NodeId>, addresses: Vec<String>) -> Node {
        Node {
            id: self.genesis.node.clone(),
            addresses,
            parent,
            lateral: Vec::new(),
            open: true,
            epochs: vec![epoch(&self.genesis)],
        }
    }
}

/// The directory's line for the life of a log that begins with this genesis.
pub(in crate::demo) fn epoch(genesis: &Genesis) -> Epoch {
    Epoch {
        id: tram_wire::genesis::epoch_id(genesis),
        receipt_key: genesis.receipt_key.clone(),
        checkpoint_key: genesis.checkpoint_key.clone(),
        from: genesis.started_at,
        until: None,
    }
}

/// A folder for its owner alone; one that is there already is taken as it is.
fn folder(path: &Path) -> Result<(), SetupError> {
    match DirBuilder::new().mode(0o700).recursive(true).create(path) {
        Ok(()) => Ok(()),
        Err(error) => Err(SetupError::Folder { path: path.to_owned(), error }),
    }
}

#[cfg(test)]
mod tests;
