//! `tram dispatch seal`: sealing without a node, with a key in a file.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use tram_api::model::{LeftOutView, SealRequest};
use tram_config::Role;
use tram_crypto::signer_from_pkcs8_der;
use tram_dispatch::envelope::{SealedBy, Sequence};
use tram_dispatch::{AgencyCode, Code, group};
use tram_pki::{CertificateInfo, Key, Subject};
use tram_trust::Root;
use tram_trust::group::NamedGroups;

use super::metadata::Describe;
use crate::cli::clock::now;
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect, files, inspect};
use crate::sealing::{self, Circumstances};

/// Seal a dispatch with an agency's own key, without any node.
///
/// The result holds the envelope with the digests of the documents, not the documents themselves:
/// hand in both with `tram dispatch submit`.
#[derive(Args)]
#[command(
    after_help = "Example:\n  tram dispatch seal --from H41 --to H41.12.03 --reference 16/CT-UBND \
--subject \"Phòng chống bão số 5\" --document chi-thi.pdf --cert seal.crt --key seal.key --root \
root.cbor --out chi-thi.dispatch"
)]
pub(crate) struct SealArgs {
    #[command(flatten)]
    describe: Describe,
    /// Seal certificate with those above it, PEM.
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,
    /// Its private key, PKCS#8 PEM.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The network's root document.
    #[arg(long, value_name = "FILE")]
    root: PathBuf,
    /// A signed directory that says who a group is; otherwise the running node is asked.
    #[arg(long, value_name = "FILE")]
    directory: Option<PathBuf>,
    /// Where the sealed dispatch is written; otherwise the reference with the ending .dispatch.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// A series of your own numbering for this key; numbers in it start at 1 and leave no gap.
    #[arg(long, value_name = "SERIES", requires = "sequence")]
    series: Option<u64>,
    /// The dispatch's number in that series; one that is never sent must be declared void.
    #[arg(long, value_name = "NUMBER", requires = "series", value_parser = clap::value_parser!(u64).range(1..))]
    sequence: Option<u64>,
    /// Seal also what every node will refuse for its certificate, to see that it does.
    #[arg(long)]
    unchecked: bool,
}

#[derive(Serialize)]
struct Sealed {
    file: String,
    dispatch: String,
    object: String,
    bytes: usize,
    recipients: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<LeftOutView>,
    expires_at: String,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: SealArgs) -> Done {
    let SealArgs { describe, cert, key, root, directory, out, series, sequence, unchecked } = args;
    let root = inspect::root(&root)?;
    let key = Key::read(&key)?;
    let (chain, leaf) = inspect::chain_of(&cert, &key)?;
    let mut described = describe.read()?;
    if !unchecked {
        may_seal(&leaf, &described.request.originator, &cert)?;
    }
    let recipients = expand(shell, &mut described.request, &root, directory.as_deref())?;
    let signer = signer_from_pkcs8_der(key.pkcs8_der())
        .map_err(|e| Failure::new(Code::AlgorithmRefused, e))?;
    let at = Circumstances {
        network: root.network(),
        reference: described.reference.clone(),
        sealed_by: SealedBy::Agency,
        sequence: series.zip(sequence).map(|(series, number)| Sequence { series, number }),
        now: now(),
    };
    let size_of = |digest: &tram_dispatch::Digest| {
        described.files.iter().find(|f| f.sha256 == *digest).map(|f| f.size)
    };
    let envelope = sealing::envelope(&described.request, at, size_of)?;
    let sealed = sealing::seal(&envelope, &chain, &*signer)?;
    let out = out.unwrap_or_else(|| {
        PathBuf::from(format!("{}.dispatch", files::safe_name(described.reference.as_str())))
    });
    files::write_new(&out, sealed.raw(), 0o644)?;
    let made = Sealed {
        file: out.display().to_string(),
        dispatch: sealed.id().to_string(),
        object: sealed.object().to_string(),
        bytes: sealed.raw().len(),
        recipients: envelope.recipients.len(),
        left_out: recipients,
        expires_at: envelope.expires_at.to_string(),
    };
    shell.answer(&made, || {
        let (until, count) = (shell.time(envelope.expires_at), made.recipients.to_string());
        let said = shell.sentence(Word::Sealed, &[&made.file, &made.dispatch, &until]);
        match &envelope.group {
            Some(group) => {
                format!("{said}\n{}", shell.sentence(Word::Expanded, &[group, &count]))
            }
            None => said,
        }
    })?;
    Ok(DONE)
}

/// Puts the agencies of groups among the recipients, by a directory file or by what the running node says.
/// Gives who is left out.
fn expand(
    shell: &Shell,
    request: &mut SealRequest,
    root: &Root,
    directory: Option<&Path>,
) -> Result<Vec<LeftOutView>, Failure> {
    if request.groups.is_empty() {
        return Ok(Vec::new());
    }
    let bad = |bad: group::BadGroup| Failure::usage(bad.to_string());
    let groups = group::read_list(&request.groups.join(",")).map_err(bad)?;
    let originator = request.originator.0.clone();
    let view = match directory {
        Some(path) => {
            let directory = inspect::directory(root, path)?;
            let found = tram_trust::group::expand(
                &directory,
                &NamedGroups::new(),
                &originator,
                &groups,
                &[],
            )?;
            crate::groups::view(&directory, &groups, &found)
        }
        None => {
            let client = connect::client(shell, &[Role::Submit])?;
            connect::block_on(async { Ok(client.recipients(&originator, &groups).await?) })?
        }
    };
    let members = view.recipients.into_iter().map(|r| r.agency);
    request.recipients.extend(members);
    request.recipients.sort();
    request.recipients.dedup();
    (request.group, request.groups) = (Some(view.groups), Vec::new());
    if let Some(out) = crate::cli::group::left_out(shell, view.left_out_count, &view.left_out) {
        shell.note(out);
    }
    Ok(view.left_out)
}

/// Whether the certificate can be the originator's seal now. One without our names may be bound in
/// the directory, which is not asked here.
fn may_seal(leaf: &CertificateInfo, originator: &AgencyCode, path: &Path) -> Result<(), Failure> {
    let fail = |code, what: String| Err(Failure::new(code, format!("{}: {what}", path.display())));
    match &leaf.speaks_for {
        Some(Subject::Seal(agency)) if agency != originator => {
            return fail(
                Code::OriginatorMismatch,
                format!("it is the seal of {agency}, not of {originator}"),
            );
        }
        Some(Subject::Node(node)) => {
            return fail(
                Code::CertificateInvalid,
                format!("it is of node {node}, and seals nothing"),
            );
        }
        Some(Subject::Seal(_)) | None => {}
    }
    let at = now();
    if at > leaf.not_after {
        return fail(Code::CertificateExpired, format!("it ended at {}", leaf.not_after));
    }
    if at < leaf.not_before {
        return fail(Code::CertificateNotYetValid, format!("it begins at {}", leaf.not_before));
    }
    Ok(())
}
