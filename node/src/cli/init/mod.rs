//! `tram init`: everything a new node has of its own, and the request that makes it known.

mod layout;
mod request;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use tram_crypto::SystemEntropy;
use tram_dispatch::evidence::Genesis;
use tram_dispatch::limits::ROOT_BYTES_MAX;
use tram_dispatch::{AgencyCode, NodeId};
use tram_pki::{Key, KeyAlgorithm, Request, Subject};
use tram_trust::Root;
use tram_wire::genesis;

use super::clock::now;
use super::failure::Failure;
use super::shell::Shell;
use super::texts::Word;
use super::{DONE, Done, files};
use layout::Layout;
pub(crate) use request::NodeRequest;

/// Name of the first leaf of the receipt log inside the data folder, for the first start.
pub(crate) const GENESIS_FILE: &str = "genesis.cbor";

/// Make a new node: folders, keys, configuration, and the request for the directory's signer.
///
/// Nothing that is there already is overwritten. The file node-request.json holds all that
/// authority and directory need to know, and nothing secret.
#[derive(Args)]
#[command(after_help = "Examples:\n  tram init --code H41 --root root.cbor --listen 0.0.0.0:7800 \
--address tram.h41.example.vn:7800 --dir /srv/tram\n  tram init --code H41.12.03 --root root.cbor \
--parent tram.h41.example.vn:7800 --parent-node n1.H41 --dir /srv/tram")]
pub(crate) struct InitArgs {
    /// Code of the agency that runs the node.
    #[arg(long, value_name = "CODE")]
    code: AgencyCode,
    /// What tells this node from others of the same agency.
    #[arg(long, default_value = "n1")]
    label: String,
    /// The network's root document; compare its fingerprint with `tram network show`.
    #[arg(long, alias = "anchor", value_name = "FILE")]
    root: PathBuf,
    /// Where the node above listens; this one dials it.
    #[arg(long, value_name = "HOST:PORT")]
    parent: Option<String>,
    /// Which node that is, for the directory.
    #[arg(long, value_name = "NODE")]
    parent_node: Option<NodeId>,
    /// Where this node listens (UDP); leave it out to only dial.
    #[arg(long, value_name = "IP:PORT")]
    listen: Option<SocketAddr>,
    /// Where others reach it, for the directory; otherwise the address of --listen.
    #[arg(long, value_name = "HOST:PORT")]
    address: Vec<String>,
    /// Folder to make, with everything in it.
    #[arg(long, value_name = "FOLDER")]
    dir: PathBuf,
    /// Folder for the sockets; otherwise one inside, or below /tmp where that path is too long.
    #[arg(long, value_name = "FOLDER")]
    sockets: Option<PathBuf>,
}

#[derive(Serialize)]
struct Made {
    node: NodeIdText,
    network: String,
    network_name: String,
    epoch: String,
    folder: String,
    config: String,
    request: String,
}

type NodeIdText = String;

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: InitArgs) -> Done {
    let node = NodeId::new(&args.label, &args.code).map_err(Failure::usage)?;
    let root_bytes = files::read(&args.root, ROOT_BYTES_MAX)?;
    let root =
        Root::install(&root_bytes).map_err(|e| Failure::from(e).about(args.root.display()))?;
    let layout = Layout::new(&args.dir, args.sockets.as_deref(), &node);
    let config = layout.config(&node, args.listen, args.parent.as_deref())?;
    layout.make_folders()?;

    let mut entropy = SystemEntropy::new();
    let mut key = |path: PathBuf| -> Result<Key, Failure> {
        let key = Key::generate(KeyAlgorithm::Ed25519, &mut entropy)?;
        key.write_new(&path)?;
        Ok(key)
    };
    let tls = key(layout.tls_key())?;
    let receipt = key(layout.receipt_key())?;
    let checkpoint = key(layout.checkpoint_key())?;
    let genesis = Genesis {
        network: root.network(),
        node: node.clone(),
        receipt_key: receipt.spki_der(),
        checkpoint_key: checkpoint.spki_der(),
        started_at: now(),
        previous: None,
    };
    files::write_new(&layout.genesis(), &genesis::encode(&genesis), 0o600)?;
    files::write_new(&layout.root(), &root_bytes, 0o644)?;
    let addresses = if args.address.is_empty() {
        let reachable = args.listen.filter(|a| !a.ip().is_unspecified() && a.port() != 0);
        reachable.iter().map(ToString::to_string).collect()
    } else {
        args.address
    };
    let csr = Request::new(&Subject::Node(node.clone()), &tls)?;
    let request = NodeRequest::new(&genesis, addresses, args.parent_node.as_ref(), &csr);
    files::write_new(&layout.request(), request.to_json()?.as_bytes(), 0o644)?;
    // The configuration comes last: where it is, the node is whole.
    files::write_new(&layout.config_file(), config.as_bytes(), 0o644)?;

    let made = Made {
        node: node.to_string(),
        network: root.network().to_string(),
        network_name: root.document().name.clone(),
        epoch: request.epoch.clone(),
        folder: layout.folder().display().to_string(),
        config: layout.config_file().display().to_string(),
        request: layout.request().display().to_string(),
    };
    shell.answer(&made, || {
        let Made { node, network, network_name, folder, config, request, .. } = &made;
        shell.sentence(Word::NodeMade, &[node, network_name, network, folder, request, config])
    })?;
    Ok(DONE)
}
