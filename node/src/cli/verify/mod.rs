//! `tram verify`: what exported files prove, without any node.

mod claim;
mod dispatches;
mod receipts;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;
use tram_dispatch::{Digest, NetworkId, UnixMillis};
use tram_trust::{Directory, Options, Root, VerifiedReceipt, Verifier};

use super::Done;
use super::clock::now;
use super::failure::Failure;
use super::receipt::Evidence;
use super::shell::Shell;
use super::texts::Word;
use super::{files, inspect};
use claim::{Item, Verdict};

/// Verify exported receipts and sealed dispatches off line, claim by claim.
///
/// Needs only the network's root document and a signed directory; neither the network nor a node
/// is asked. The exit code is 0 only if every claim of every file holds, 1 if one does not, 3 if
/// one could not be decided.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  tram verify directive.receipts --root root.cbor\n  tram verify \
directive.receipts chi-thi.dispatch --root root.cbor --directory directory.cbor --document chi-thi.pdf"
)]
pub(crate) struct VerifyArgs {
    /// Receipts (one, several, or an export bundle) and sealed dispatches.
    #[arg(value_name = "FILE", required = true)]
    file: Vec<PathBuf>,
    /// The network's root document, from a source you trust.
    #[arg(long, value_name = "FILE")]
    root: PathBuf,
    /// A signed directory; otherwise the one in the export bundle.
    #[arg(long, value_name = "FILE")]
    directory: Option<PathBuf>,
    /// A document of a dispatch, to compare with its envelope; may be repeated.
    #[arg(long, value_name = "FILE")]
    document: Vec<PathBuf>,
    /// A revocation list; may be repeated.
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,
}

/// A document file with its digest.
struct DocumentFile {
    path: PathBuf,
    sha256: Digest,
    size: u64,
}

/// What everything is verified against.
struct Ground<'s> {
    shell: &'s Shell,
    verifier: Verifier,
    network: NetworkId,
    documents: Vec<DocumentFile>,
    /// What verified receipts say, by their digests.
    receipts: BTreeMap<Digest, VerifiedReceipt>,
    now: UnixMillis,
}

#[derive(Serialize)]
struct Report {
    network: String,
    directory_version: u64,
    directory_digest: String,
    verified: usize,
    refused: usize,
    undetermined: usize,
    items: Vec<Item>,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &VerifyArgs) -> Done {
    let root = inspect::root(&args.root)?;
    let mut read = Vec::new();
    for path in &args.file {
        read.push((path.display().to_string(), Evidence::read(path)?));
    }
    let directory = directory(args, &root, &read)?;
    let (version, digest) = (directory.version(), directory.digest());
    let crls = inspect::crls(&args.crl)?;
    let mut ground = Ground {
        shell,
        network: root.network(),
        verifier: Verifier::new(Arc::new(root), Arc::new(directory), crls, Options::default()),
        documents: documents(&args.document)?,
        receipts: BTreeMap::new(),
        now: now(),
    };
    let mut items = Vec::new();
    // Receipts first: they say when a dispatch was taken, which is what judges its seal.
    for (file, evidence) in &read {
        if let Evidence::Receipts(bundle) = evidence {
            receipts::judge(&mut ground, file, bundle, &mut items);
        }
    }
    receipts::link(&ground, &mut items);
    for (file, evidence) in &read {
        if let Evidence::Dispatch(sealed) = evidence {
            items.push(dispatches::judge(&ground, file, sealed));
        }
    }
    items.extend(dispatches::strangers(&ground, &read));
    let count = |verdict| items.iter().filter(|i| i.verdict() == verdict).count();
    let report = Report {
        network: ground.network.to_string(),
        directory_version: version,
        directory_digest: digest.to_string(),
        verified: count(Verdict::Verified),
        refused: count(Verdict::Refused),
        undetermined: count(Verdict::Undetermined),
        items,
    };
    shell.answer(&report, || lines(shell, &report))?;
    Ok(claim::exit(&report.items))
}

/// The directory named, or the one that a bundle brings; verified like any other.
fn directory(
    args: &VerifyArgs,
    root: &Root,
    read: &[(String, Evidence)],
) -> Result<Directory, Failure> {
    if let Some(path) = &args.directory {
        return inspect::directory(root, path);
    }
    let mut newest: Option<Directory> = None;
    for (file, evidence) in read {
        let Evidence::Receipts(bundle) = evidence else { continue };
        let Some(bytes) = &bundle.directory else { continue };
        let found = Directory::verify(root, bytes, None, now())
            .map_err(|e| Failure::from(e).about(format!("{file}: its directory")))?;
        if newest.as_ref().is_none_or(|n| n.version() < found.version()) {
            newest = Some(found);
        }
    }
    newest.ok_or_else(|| Failure::usage("no file brings a directory: give --directory FILE"))
}

fn documents(paths: &[PathBuf]) -> Result<Vec<DocumentFile>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        let (sha256, size) = files::digest(path)?;
        found.push(DocumentFile { path: path.clone(), sha256, size });
    }
    Ok(found)
}

fn lines(shell: &Shell, report: &Report) -> String {
    let mut out: String = report.items.iter().map(|item| item.lines(shell)).collect();
    let all = report.items.len().to_string();
    let counts = [report.verified, report.refused, report.undetermined].map(|n| n.to_string());
    out.push('\n');
    out.push_str(&shell.sentence(Word::VerifySummary, &[&counts[0], &all, &counts[1], &counts[2]]));
    out
}
