//! `tram network show`: what a root document says, to be compared by voice.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use tram_crypto::PublicKey;
use tram_dispatch::id::hex;
use tram_pki::read_certificate;

use crate::cli::clock::DAY_MS;
use crate::cli::shell::Shell;
use crate::cli::{DONE, Done, inspect, table};

/// Show a root document, after checking its own signatures.
///
/// Compare the digest by telephone with somebody you know before you install the file: it decides
/// whom this node trusts.
#[derive(Args)]
#[command(after_help = "Example:\n  tram network show root.cbor")]
pub(crate) struct ShowArgs {
    /// The root document.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Serialize)]
struct Shown {
    name: String,
    network: String,
    version: u64,
    digest: String,
    threshold: u8,
    keys: Vec<String>,
    lifetime_days_max: u64,
    anchors: Vec<AnchorShown>,
}

#[derive(Serialize)]
struct AnchorShown {
    subject: String,
    nodes: bool,
    seals: bool,
    not_after: String,
    sha256: String,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &ShowArgs) -> Done {
    let root = inspect::root(&args.file)?;
    let document = root.document();
    let mut anchors = Vec::new();
    for anchor in root.anchors() {
        let info = read_certificate(&anchor.certificate)?;
        anchors.push(AnchorShown {
            nodes: anchor.nodes,
            seals: anchor.seals,
            not_after: shell.time(info.not_after),
            sha256: hex(&info.sha256),
            subject: info.subject,
        });
    }
    let key = |spki: &Vec<u8>| {
        PublicKey::from_spki_der(spki).map_or_else(|e| e.to_string(), |k| hex(&k.key_id()))
    };
    let view = Shown {
        name: document.name.clone(),
        network: root.network().to_string(),
        version: document.version,
        digest: root.digest().to_string(),
        threshold: document.threshold,
        keys: document.keys.iter().map(key).collect(),
        lifetime_days_max: document.lifetime_ms_max / DAY_MS,
        anchors,
    };
    shell.answer(&view, || {
        let mut lines = vec![
            ("network", view.name.clone()),
            ("id", view.network.clone()),
            ("version", view.version.to_string()),
            ("digest", view.digest.clone()),
            ("signatures", format!("{} of {} keys", view.threshold, view.keys.len())),
            ("keys", view.keys.join("\n")),
            ("longest life", format!("{} days", view.lifetime_days_max)),
        ];
        for a in &view.anchors {
            let purposes = match (a.nodes, a.seals) {
                (true, true) => "nodes and seals",
                (true, false) => "nodes",
                _ => "seals",
            };
            let text =
                format!("{}\nfor {purposes}, until {}\n{}", a.subject, a.not_after, a.sha256);
            lines.push(("trust anchor", text));
        }
        table::pairs(&lines)
    })?;
    Ok(DONE)
}
