//! Changes of the working file.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use tram_dispatch::{AgencyCode, Code, NodeId, UnixMillis};

use super::working::{Agency, Node, Working, written_epoch};
use crate::cli::failure::Failure;
use crate::cli::init::NodeRequest;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, files, inspect};

/// Start the directory of a network as a working file.
#[derive(Args)]
#[command(
    after_help = "Example:\n  tram directory new --root network/root.cbor --file directory.toml"
)]
pub(crate) struct NewArgs {
    /// The network's root document.
    #[arg(long, value_name = "FILE")]
    root: PathBuf,
    /// The working file to make.
    #[arg(long, default_value = "directory.toml", value_name = "FILE")]
    file: PathBuf,
}

/// Add an agency to the working file, or change one that is there.
#[derive(Args)]
#[command(
    after_help = "Example:\n  tram directory add-agency --code H41.12.03 --name \"Xã Mỹ Sơn\" \
--tier 4 --parent H41.12 --node n1.H41.12.03"
)]
pub(crate) struct AddAgencyArgs {
    /// The working file.
    #[arg(long, default_value = "directory.toml", value_name = "FILE")]
    file: PathBuf,
    /// Its code.
    #[arg(long, value_name = "CODE")]
    code: AgencyCode,
    /// Its name.
    #[arg(long, value_name = "TEXT")]
    name: String,
    /// 1 centre, 2 province, 3 district, 4 commune.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=4))]
    tier: u8,
    /// The agency above.
    #[arg(long, value_name = "CODE")]
    parent: Option<AgencyCode>,
    /// The node that holds its mailbox.
    #[arg(long, value_name = "NODE")]
    node: Option<NodeId>,
    /// A code it had before; may be repeated.
    #[arg(long, value_name = "CODE")]
    former: Vec<AgencyCode>,
    /// How people reach it: a telephone number or address of its records office.
    #[arg(long, value_name = "TEXT")]
    contact: Option<String>,
    /// Since when its code is valid, for example 2025-07-01T00:00:00.000Z.
    #[arg(long, value_name = "TIME")]
    from: Option<UnixMillis>,
    /// Change the agency that is there under this code.
    #[arg(long)]
    replace: bool,
}

/// Add a node to the working file, or a new epoch to one that is there.
///
/// Everything comes from the node-request.json that `tram init` made there.
#[derive(Args)]
#[command(
    after_help = "Example:\n  tram directory add-node --request node-request.json --parent n1.H41.12"
)]
pub(crate) struct AddNodeArgs {
    /// The working file.
    #[arg(long, default_value = "directory.toml", value_name = "FILE")]
    file: PathBuf,
    /// The request of the node.
    #[arg(long, value_name = "FILE")]
    request: PathBuf,
    /// The node above; otherwise what the request says, or none.
    #[arg(long, value_name = "NODE")]
    parent: Option<NodeId>,
    /// Where it listens, instead of what the request says; may be repeated.
    #[arg(long, value_name = "HOST:PORT")]
    address: Vec<String>,
    /// Another node it may exchange with directly; may be repeated. Both must be there.
    #[arg(long, value_name = "NODE")]
    lateral: Vec<NodeId>,
}

/// Close an agency in the working file; what is addressed to it goes to its successor.
#[derive(Args)]
#[command(
    after_help = "Example:\n  tram directory close-agency --code H41.12.07 --successor H41.12.03"
)]
pub(crate) struct CloseAgencyArgs {
    /// The working file.
    #[arg(long, default_value = "directory.toml", value_name = "FILE")]
    file: PathBuf,
    /// Its code.
    #[arg(long, value_name = "CODE")]
    code: AgencyCode,
    /// Who takes over.
    #[arg(long, value_name = "CODE")]
    successor: Option<AgencyCode>,
}

#[derive(Serialize)]
struct Changed {
    file: String,
    entry: String,
    agencies: usize,
    nodes: usize,
}

fn changed(shell: &Shell, path: &Path, entry: &str, working: &Working) -> Done {
    let changed = Changed {
        file: path.display().to_string(),
        entry: entry.to_owned(),
        agencies: working.agencies.len(),
        nodes: working.nodes.len(),
    };
    shell.answer(&changed, || shell.sentence(Word::WorkingChanged, &[entry, &changed.file]))?;
    Ok(DONE)
}

fn save(path: &Path, working: &Working) -> Result<(), Failure> {
    // What cannot be written into a signed directory must not get into the file unnoticed.
    working.entries()?;
    files::replace(path, working.text()?.as_bytes(), 0o644)
}

/// `directory new`.
pub(crate) fn new(shell: &Shell, args: &NewArgs) -> Done {
    let root = inspect::root(&args.root)?;
    let working = Working {
        network: root.network().to_string(),
        signed: None,
        agencies: Vec::new(),
        nodes: Vec::new(),
        delegations: Vec::new(),
    };
    files::write_new(&args.file, working.text()?.as_bytes(), 0o644)?;
    changed(shell, &args.file, &root.document().name, &working)
}

/// `directory add-agency`.
pub(crate) fn add_agency(shell: &Shell, args: &AddAgencyArgs) -> Done {
    let mut working = Working::read(&args.file)?;
    let text = |code: &AgencyCode| code.to_string();
    let code = args.code.to_string();
    let place = working.agencies.iter().position(|a| a.code == code);
    if place.is_some() && !args.replace {
        let detail = format!("{code} is in {} already; --replace changes it", args.file.display());
        return Err(Failure::new(Code::WrongState, detail));
    }
    let before = place.map(|i| &working.agencies[i]);
    let agency = Agency {
        code: code.clone(),
        name: args.name.clone(),
        tier: args.tier,
        parent: args.parent.as_ref().map(text),
        node: args.node.as_ref().map(ToString::to_string),
        open: true,
        successor: None,
        former: args.former.iter().map(text).collect(),
        contact: args.contact.clone().or_else(|| before.and_then(|a| a.contact.clone())),
        from: args
            .from
            .as_ref()
            .map(ToString::to_string)
            .or_else(|| before.and_then(|a| a.from.clone())),
        until: None,
        bindings: before.map(|a| a.bindings.clone()).unwrap_or_default(),
    };
    match place {
        Some(i) => working.agencies[i] = agency,
        None => working.agencies.push(agency),
    }
    save(&args.file, &working)?;
    changed(shell, &args.file, &code, &working)
}

/// `directory add-node`.
pub(crate) fn add_node(shell: &Shell, args: &AddNodeArgs) -> Done {
    let mut working = Working::read(&args.file)?;
    let request = NodeRequest::read(&args.request)?;
    let first = request.genesis().map_err(|e| Failure::unreadable(&args.request, e))?;
    if first.network != working.network()? {
        let detail = format!("{} is of another network", args.request.display());
        return Err(Failure::new(Code::WrongNetwork, detail));
    }
    let id = tram_wire::genesis::epoch_id(&first);
    let from = first.started_at;
    let mut epoch = written_epoch(id, &first.receipt_key, &first.checkpoint_key, from);
    let parent = args.parent.as_ref().map(ToString::to_string).or(request.parent);
    let addresses = if args.address.is_empty() { request.addresses } else { args.address.clone() };
    let lateral: Vec<String> = args.lateral.iter().map(ToString::to_string).collect();
    match working.nodes.iter_mut().find(|n| n.id == request.node) {
        Some(node) => {
            if node.epochs.iter().any(|e| e.id == epoch.id) {
                let detail = format!("{} lists this epoch already", request.node);
                return Err(Failure::new(Code::WrongState, detail));
            }
            // Receipts of the life before stay good up to the beginning of the new one.
            if let Some(last) = node.epochs.last_mut().filter(|e| e.until.is_none()) {
                last.until = Some(epoch.from.clone());
            }
            node.epochs.push(epoch);
            node.addresses = addresses;
            node.parent = parent.or(node.parent.take());
            node.open = true;
            if !lateral.is_empty() {
                node.lateral = lateral;
            }
        }
        None => {
            epoch.until = None;
            working.nodes.push(Node {
                id: request.node.clone(),
                parent,
                addresses,
                lateral,
                open: true,
                epochs: vec![epoch],
            });
        }
    }
    save(&args.file, &working)?;
    changed(shell, &args.file, &request.node, &working)
}

/// `directory close-agency`.
pub(crate) fn close_agency(shell: &Shell, args: &CloseAgencyArgs) -> Done {
    let mut working = Working::read(&args.file)?;
    let code = args.code.to_string();
    let agency = working.agencies.iter_mut().find(|a| a.code == code).ok_or_else(|| {
        Failure::new(Code::NotFound, format!("no agency {code} in {}", args.file.display()))
    })?;
    agency.open = false;
    agency.successor = args.successor.as_ref().map(ToString::to_string);
    save(&args.file, &working)?;
    changed(shell, &args.file, &code, &working)
}
