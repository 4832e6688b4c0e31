//! `tram receipt show`: everything a receipt says.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use tram_dispatch::Code;
use tram_wire::Receipt;

use super::evidence::{Evidence, parse_all};
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::{DONE, Done, show, table};

/// Show what exported receipts say. Nothing is verified: `tram verify` does that.
#[derive(Args)]
#[command(after_help = "Example:\n  tram receipt show directive.receipts")]
pub(crate) struct ShowArgs {
    /// A receipt, several, or an export bundle.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Serialize)]
struct Shown {
    digest: String,
    event: &'static str,
    event_for_people: String,
    node: String,
    epoch: String,
    network: String,
    dispatch: String,
    object: Option<String>,
    originator: String,
    recipient: Option<String>,
    time: String,
    reason: Option<&'static str>,
    remark: Option<String>,
    status: Option<u8>,
    previous: Option<String>,
    upstream: Option<String>,
    leaf_index: u64,
    tree_size: u64,
    commit_time: String,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &ShowArgs) -> Done {
    let Evidence::Receipts(bundle) = Evidence::read(&args.file)? else {
        let detail = format!("{}: a sealed dispatch, not a receipt", args.file.display());
        return Err(Failure::new(Code::Unreadable, detail));
    };
    let receipts = parse_all(&bundle)?;
    let views: Vec<Shown> = receipts.iter().map(|r| view(shell, r)).collect();
    shell.answer(&views, || {
        let blocks: Vec<String> = views.iter().map(|v| table::pairs(&lines(v))).collect();
        blocks.join("\n")
    })?;
    Ok(DONE)
}

fn view(shell: &Shell, receipt: &Receipt) -> Shown {
    let (r, root) = (receipt.record(), receipt.signed_root());
    Shown {
        digest: receipt.digest().to_string(),
        event: r.event.name(),
        event_for_people: show::event(shell, r.event),
        node: r.node.to_string(),
        epoch: r.epoch.to_string(),
        network: r.network.to_string(),
        dispatch: r.dispatch.to_string(),
        object: r.object.map(|d| d.to_string()),
        originator: r.originator.to_string(),
        recipient: r.recipient.as_ref().map(ToString::to_string),
        time: shell.exact_time(r.time),
        reason: r.reason.map(Code::as_str),
        remark: r.remark.clone(),
        status: r.status,
        previous: r.previous.as_ref().map(ToString::to_string),
        upstream: r.upstream.map(|d| d.to_string()),
        leaf_index: receipt.leaf_index(),
        tree_size: root.size,
        commit_time: shell.time(root.time),
    }
}

fn lines(v: &Shown) -> Vec<(&'static str, String)> {
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    let mut lines = vec![
        ("receipt", v.digest.clone()),
        ("event", v.event_for_people.clone()),
        ("said by", v.node.clone()),
        ("time", v.time.clone()),
        ("dispatch", v.dispatch.clone()),
        ("object", text(&v.object)),
        ("originator", v.originator.clone()),
        ("recipient", text(&v.recipient)),
        ("reason", v.reason.unwrap_or_default().to_owned()),
        ("remark", text(&v.remark)),
        ("national status", v.status.map(|s| format!("{s:02}")).unwrap_or_default()),
        ("previous node", text(&v.previous)),
        ("upstream receipt", text(&v.upstream)),
        ("network", v.network.clone()),
        ("log", format!("leaf {} of {}, epoch {}", v.leaf_index, v.tree_size, v.epoch)),
        ("committed", v.commit_time.clone()),
    ];
    lines.retain(|(_, value)| !value.is_empty());
    lines
}
