//! `tram pki install`: puts a certificate where the configuration wants it, after comparing it
//! with key, name and trust anchors.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use tram_config::Config;
use tram_dispatch::{AgencyCode, Code};
use tram_pki::{CertificateInfo, Key, Subject, read_certificate, write_certificates};
use tram_trust::{Options, Root, Verifier};

use crate::cli::clock::now;
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect, files, inspect};

/// Install the certificate that an authority sent, for this node or a seal it holds.
///
/// Refused unless it belongs to the private key here, carries the right name, is valid now and
/// leads to a trust anchor of the network. A renewal replaces the certificate before it.
#[derive(Args)]
#[command(after_help = "Examples:\n  tram pki install --certificate tls.crt\n  tram pki install \
--certificate seal.crt --seal H41.12.03")]
pub(crate) struct InstallArgs {
    /// Certificate with those above it, PEM.
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// It is the seal of this agency, which `[[seals]]` of the configuration names.
    #[arg(long, value_name = "CODE")]
    seal: Option<AgencyCode>,
}

#[derive(Serialize)]
struct Installed {
    certificate: String,
    speaks_for: String,
    not_after: String,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &InstallArgs) -> Done {
    let config = connect::read_config(&connect::required_config_file(shell)?)?;
    let (place, key, subject) = target(&config, args.seal.as_ref())?;
    let (chain, leaf) = inspect::chain_of(&args.certificate, &Key::read(&key)?)?;
    let invalid = |code, detail: String| {
        Failure::new(code, format!("{}: {detail}", args.certificate.display()))
    };
    if leaf.speaks_for.as_ref() != Some(&subject) {
        let names = leaf.names.join(", ");
        let detail = format!("it names {names}, not {subject}");
        return Err(invalid(Code::CertificateInvalid, detail));
    }
    let at = now();
    if at > leaf.not_after {
        let detail = format!("it ended at {}", leaf.not_after);
        return Err(invalid(Code::CertificateExpired, detail));
    }
    if at < leaf.not_before {
        let detail = format!("it begins at {}", leaf.not_before);
        return Err(invalid(Code::CertificateNotYetValid, detail));
    }
    let root = inspect::root(&config.root)?;
    leads_to_anchor(&root, &chain, &subject)
        .map_err(|detail| invalid(Code::CertificateUntrusted, detail))?;
    // Signatures and constraints along the path are checked with the directory, once it is there.
    if config.directory.exists() && args.seal.is_none() {
        let directory = inspect::directory(&root, &config.directory)?;
        let crls = inspect::crls(&config.crls)?;
        let verifier = Verifier::new(root.into(), directory.into(), crls, Options::default());
        if let Err(refusal) = verifier.peer(&chain, Some(&config.node), at)
            && refusal.code != Code::PeerNotInDirectory
        {
            return Err(refusal.into());
        }
    }
    files::replace(&place, write_certificates(&chain).as_bytes(), 0o644)?;
    let installed = Installed {
        certificate: place.display().to_string(),
        speaks_for: subject.to_string(),
        not_after: leaf.not_after.to_string(),
    };
    shell.answer(&installed, || {
        let (name, file) = (&installed.speaks_for, &installed.certificate);
        shell.sentence(Word::CertificateInstalled, &[name, file, &shell.time(leaf.not_after)])
    })?;
    Ok(DONE)
}

/// Where the certificate goes, which key it belongs to, and whom it must name.
fn target(
    config: &Config,
    seal: Option<&AgencyCode>,
) -> Result<(PathBuf, PathBuf, Subject), Failure> {
    let Some(agency) = seal else {
        let keys = &config.keys;
        let subject = Subject::Node(config.node.clone());
        return Ok((keys.tls_certificate.clone(), keys.tls_key.clone(), subject));
    };
    let named = config.seals.iter().find(|s| s.agency == *agency).ok_or_else(|| {
        let detail = format!("no `[[seals]]` for {agency} in {}", config.file().display());
        Failure::new(Code::ConfigInvalid, detail)
    })?;
    Ok((named.certificate.clone(), named.key.clone(), Subject::Seal(agency.clone())))
}

/// Whether each certificate names the next as its issuer, and the last one an anchor.
fn leads_to_anchor(root: &Root, chain: &[Vec<u8>], subject: &Subject) -> Result<(), String> {
    let read = |der: &[u8]| read_certificate(der).map_err(|e| e.to_string());
    let infos: Vec<CertificateInfo> = chain.iter().map(|d| read(d)).collect::<Result<_, _>>()?;
    for pair in infos.windows(2) {
        if pair[0].issuer != pair[1].subject {
            return Err(format!("\"{}\" does not follow \"{}\"", pair[1].subject, pair[0].subject));
        }
    }
    let last = infos.last().map(|info| info.issuer.clone()).unwrap_or_default();
    let for_nodes = matches!(subject, Subject::Node(_));
    let anchors = root.anchors().iter().filter(|a| if for_nodes { a.nodes } else { a.seals });
    for anchor in anchors {
        if read(&anchor.certificate)?.subject == last {
            return Ok(());
        }
    }
    Err(format!(
        "\"{last}\" is no trust anchor of the network; are the authorities' certificates in the file?"
    ))
}
