//! `tram verify`: what exported files prove, without any node.

mod claim;
mod dispatches;
mod files;
mod log_proof;
mod receipts;
mod words;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;
use tram_dispatch::limits::EVIDENCE_FILE_BYTES_MAX;
use tram_dispatch::{Digest, NetworkId, UnixMillis};
use tram_trust::evidence::Claim;
use tram_trust::{Directory, Options, Root, VerifiedReceipt, Verifier};
use tram_wire::EvidenceFile;
use tram_wire::epoch::EPOCH_BYTES_MAX;

use super::Done;
use super::clock::now;
use super::failure::Failure;
use super::receipt::Evidence;
use super::shell::Shell;
use super::texts::Word;
use super::{files as cli_files, inspect};
use claim::{Item, Verdict};

/// Verify evidence files, exported receipts and sealed dispatches off line, claim by claim.
///
/// An evidence file needs only the network's root document; receipts and dispatches a signed directory
/// as well. Neither the network nor a node is asked. The exit code is 0 only if every claim that is asked
/// for is proved, 1 if something is false, 3 if a claim is not proved or could not be decided.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  tram verify directive.evidence --root root.cbor\n  tram verify \
directive.evidence --root root.cbor --ask sealed,custody,arrived\n  tram verify directive.receipts --root root.cbor\n  tram verify \
directive.receipts chi-thi.dispatch --root root.cbor --directory directory.cbor --document chi-thi.pdf"
)]
pub(crate) struct VerifyArgs {
    /// Evidence files; or receipts (one, several, or an export bundle) and sealed dispatches.
    #[arg(value_name = "FILE", required = true)]
    file: Vec<PathBuf>,
    /// The network's root document, from a source you trust.
    #[arg(long, value_name = "FILE")]
    root: PathBuf,
    /// A signed directory; otherwise the one in the export bundle. With an evidence file it says whose
    /// cosignatures each log needs, unless --policy does.
    #[arg(long, value_name = "FILE")]
    directory: Option<PathBuf>,
    /// An epoch of a node's log that the directory does not list: a file of data/epochs/ of any node that
    /// takes it; may be repeated. What such an epoch signed is provisional.
    #[arg(long, value_name = "FILE")]
    epoch: Vec<PathBuf>,
    /// A document of a dispatch, to compare with its envelope; may be repeated.
    #[arg(long, value_name = "FILE")]
    document: Vec<PathBuf>,
    /// A revocation list; may be repeated. An evidence file brings those that count.
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,
    /// Of an evidence file: whose cosignatures count, and how many are needed (C2SP tlog-policy).
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Of an evidence file: certificates (PEM or DER) of the authorities whose time-stamps count; may be
    /// repeated.
    #[arg(long, value_name = "FILE")]
    tsa: Vec<PathBuf>,
    /// Of an evidence file: the claims that the exit code depends on; otherwise all that such a file
    /// should prove.
    #[arg(long, value_name = "CLAIM", value_delimiter = ',', value_parser = asked)]
    ask: Vec<Claim>,
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

fn asked(text: &str) -> Result<Claim, String> {
    Claim::ALL.into_iter().find(|claim| claim.name() == text).ok_or_else(|| {
        let names: Vec<&str> = Claim::ALL.iter().map(|claim| claim.name()).collect();
        format!("one of {}", names.join(", "))
    })
}

/// A file's name and what is in it.
type Named = (PathBuf, Vec<u8>);

/// The evidence files among the arguments, read; `None` where there are only other files.
fn evidence_files(args: &VerifyArgs) -> Result<Option<Vec<Named>>, Failure> {
    let (mut found, mut others) = (Vec::new(), 0);
    for path in &args.file {
        if cli_files::begins(path, EvidenceFile::is_meant)? {
            found.push((path.clone(), cli_files::read(path, EVIDENCE_FILE_BYTES_MAX)?));
        } else {
            others += 1;
        }
    }
    if found.is_empty() {
        return Ok(None);
    }
    if others > 0 {
        return Err(Failure::usage("evidence files are verified by themselves"));
    }
    Ok(Some(found))
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &VerifyArgs) -> Done {
    if let Some(proofs) = log_proof::among(args)? {
        return log_proof::run(shell, args, &proofs);
    }
    if let Some(read) = evidence_files(args)? {
        return files::run(shell, args, read);
    }
    let root = inspect::root(&args.root)?;
    let mut read = Vec::new();
    for path in &args.file {
        read.push((path.display().to_string(), Evidence::read(path)?));
    }
    let directory = directory(args, &root, &read)?;
    let (version, digest) = (directory.version(), directory.digest());
    let crls = inspect::crls(&args.crl)?;
    let network = root.network();
    let verifier = Verifier::new(Arc::new(root), Arc::new(directory), crls, Options::default());
    let mut ground = Ground {
        shell,
        network,
        verifier: with_epochs(verifier, &args.epoch)?,
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

/// The verifier with these epochs, each verified like any other.
fn with_epochs(verifier: Verifier, paths: &[PathBuf]) -> Result<Verifier, Failure> {
    paths.iter().try_fold(verifier, |verifier, path| {
        let file = cli_files::read(path, EPOCH_BYTES_MAX)?;
        let epoch =
            verifier.epoch(&file, now()).map_err(|e| Failure::from(e).about(path.display()))?;
        Ok(match verifier.directory().adopt(&epoch) {
            None => verifier,
            Some(directory) => {
                let (root, crls) = (verifier.root().clone(), verifier.crls().clone());
                Verifier::new(root, Arc::new(directory), crls, *verifier.options())
            }
        })
    })
}

fn documents(paths: &[PathBuf]) -> Result<Vec<DocumentFile>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        let (sha256, size) = cli_files::digest(path)?;
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
