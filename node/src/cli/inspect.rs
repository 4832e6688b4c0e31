//! Looks at what a configuration names more closely than the configuration itself can: do root
//! document, directory, keys and certificates belong together, and for how long still?

use std::sync::Arc;

use serde::Serialize;
use tram_config::Config;
use tram_dispatch::limits::{
    CERTIFICATE_BYTES_MAX, CHAIN_CERTIFICATES_MAX, CRL_BYTES_MAX, DIRECTORY_BYTES_MAX,
};
use tram_dispatch::{Code, UnixMillis};
use tram_pki::{CertificateInfo, Key, Subject, read_certificate, read_certificates};
use tram_trust::time_stamp::Authorities;
use tram_trust::{Crls, Directory, Options, Root, Verifier};
use tram_wire::root::ROOT_FILE_BYTES_MAX;

use super::clock::{DAY_MS, now};
use super::failure::Failure;
use super::files;
use super::shell::Shell;
use super::texts::Word;

/// Largest file of anchors of time-stamping authorities.
pub(crate) const AUTHORITIES_BYTES_MAX: usize = 1 << 20;

/// Certificates and directories that end sooner are worth a warning.
const SOON_DAYS: u64 = 30;
/// PEM takes four bytes for three, and texts may stand between.
pub(crate) const CHAIN_BYTES_MAX: usize = (CHAIN_CERTIFICATES_MAX + 1) * CERTIFICATE_BYTES_MAX * 2;

/// How a finding is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// As it should be.
    Good,
    /// Works, but not for long.
    Warning,
    /// The node would not work.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    /// Which thing.
    pub(crate) what: String,
    /// How it is.
    pub(crate) level: Level,
    /// The code of the table, on a problem and on some warnings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// The particulars, English.
    pub(crate) detail: String,
}

impl Finding {
    fn of(what: &str, result: Result<Seen, Failure>) -> Self {
        let what = what.to_owned();
        match result {
            Ok(Seen { detail, until, soon }) => match until {
                Some(until) if until < now().plus_ms(SOON_DAYS * DAY_MS) => {
                    let code = soon.map(|code| code.to_string());
                    Finding { what, level: Level::Warning, code, detail }
                }
                _ => Finding { what, level: Level::Good, code: None, detail },
            },
            Err(failure) => {
                let code = failure.code();
                let document = failure.document(tram_api::Language::English);
                let detail = format!("{}: {}", document.title, document.detail);
                Finding { what, level: Level::Problem, code: Some(code.to_string()), detail }
            }
        }
    }
}

/// What was found good, and how long it stays so.
struct Seen {
    detail: String,
    until: Option<UnixMillis>,
    /// What it is called where that is soon.
    soon: Option<Code>,
}

/// Reads and checks a root file.
///
/// # Errors
/// Those of [`Root::install`], naming the file.
pub(crate) fn root(path: &std::path::Path) -> Result<Root, Failure> {
    let bytes = files::read(path, ROOT_FILE_BYTES_MAX)?;
    Root::install(&bytes).map_err(|e| Failure::from(e).about(path.display()))
}

/// Reads and verifies a directory file.
///
/// # Errors
/// Those of [`Directory::verify`], naming the file.
pub(crate) fn directory(root: &Root, path: &std::path::Path) -> Result<Directory, Failure> {
    let bytes = files::read(path, DIRECTORY_BYTES_MAX)?;
    Directory::verify(root, &bytes, None, now()).map_err(|e| Failure::from(e).about(path.display()))
}

/// Reads revocation lists.
///
/// # Errors
/// Those of [`Crls::add`], naming the file.
pub(crate) fn crls<'p>(
    paths: impl IntoIterator<Item = &'p std::path::PathBuf>,
) -> Result<Crls, Failure> {
    let mut crls = Crls::none();
    for path in paths {
        let bytes = files::read(path, CRL_BYTES_MAX / 3 * 4)?;
        crls.add(&bytes).map_err(|e| Failure::from(e).about(path.display()))?;
    }
    Ok(crls)
}

/// Reads the anchors of time-stamping authorities.
///
/// # Errors
/// Those of [`Authorities::add`], naming the file.
pub(crate) fn authorities<'p>(
    paths: impl IntoIterator<Item = &'p std::path::PathBuf>,
) -> Result<Authorities, Failure> {
    let mut authorities = Authorities::default();
    for path in paths {
        let bytes = files::read(path, AUTHORITIES_BYTES_MAX)?;
        authorities.add(&bytes).map_err(|e| Failure::from(e).about(path.display()))?;
    }
    Ok(authorities)
}

/// Reads a chain and checks that the key belongs to its first certificate.
///
/// # Errors
/// `UNREADABLE`, `CERTIFICATE_INVALID`.
pub(crate) fn chain_of(
    certificate: &std::path::Path,
    key: &Key,
) -> Result<(Vec<Vec<u8>>, CertificateInfo), Failure> {
    let bytes = files::read(certificate, CHAIN_BYTES_MAX)?;
    let in_file = |e: tram_pki::PkiError| Failure::from(e).about(certificate.display());
    let chain = read_certificates(&bytes).map_err(in_file)?;
    let leaf = read_certificate(chain.first().map_or(&[][..], Vec::as_slice)).map_err(in_file)?;
    if leaf.spki != key.spki_der() {
        let detail = format!("{}: the private key does not belong to it", certificate.display());
        return Err(Failure::new(Code::CertificateInvalid, detail));
    }
    Ok((chain, leaf))
}

/// Everything about an installation whose files are there.
pub(crate) fn installation(shell: &Shell, config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let root = match root(&config.root) {
        Ok(root) => {
            let detail = format!("{} {}", root.document().name, root.network());
            findings
                .push(Finding::of("root document", Ok(Seen { detail, until: None, soon: None })));
            Arc::new(root)
        }
        Err(failure) => {
            findings.push(Finding::of("root document", Err(failure)));
            return findings;
        }
    };
    let directory = match directory(&root, &config.directory) {
        Ok(directory) => {
            let until = directory.expires_at();
            let version = directory.version().to_string();
            let words = [&version[..], &shell.time(until)];
            let detail = shell.particular(Word::VersionUntil, &words);
            let seen = Seen { detail, until: Some(until), soon: None };
            findings.push(Finding::of("directory", Ok(seen)));
            Some(Arc::new(directory))
        }
        Err(failure) => {
            findings.push(Finding::of("directory", Err(failure)));
            None
        }
    };
    findings.push(Finding::of("revocation lists", lists(config)));
    if let Some(directory) = directory {
        let crls = crls(&config.crls).unwrap_or_default();
        let verifier = Verifier::new(root, directory.clone(), crls, Options::default());
        findings.push(Finding::of("node certificate", tls(shell, config, &verifier)));
        findings.push(Finding::of("receipt log", log(shell, config, &directory)));
    }
    for seal in &config.seals {
        findings.push(Finding::of(&format!("seal of {}", seal.agency), self::seal(shell, seal)));
    }
    findings
}

fn lists(config: &Config) -> Result<Seen, Failure> {
    let crls = crls(&config.crls)?;
    Ok(Seen { detail: crls.lists().count().to_string(), until: None, soon: None })
}

fn tls(shell: &Shell, config: &Config, verifier: &Verifier) -> Result<Seen, Failure> {
    let key = Key::read(&config.keys.tls_key)?;
    let (chain, leaf) = chain_of(&config.keys.tls_certificate, &key)?;
    verifier.peer(&chain, Some(&config.node), now())?;
    let words = [&config.node.to_string()[..], &shell.time(leaf.not_after)];
    let detail = shell.particular(Word::NamedUntil, &words);
    Ok(Seen { detail, until: Some(leaf.not_after), soon: Some(Code::CertificateEndsSoon) })
}

/// Whether the directory lists an epoch with this node's receipt and checkpoint keys.
fn log(shell: &Shell, config: &Config, directory: &Directory) -> Result<Seen, Failure> {
    let receipt = Key::read(&config.keys.receipt_key)?.spki_der();
    let checkpoint = Key::read(&config.keys.checkpoint_key)?.spki_der();
    let (id, version) = (&config.node, directory.version());
    let missing = |what: &str| {
        let detail = format!("version {version} of the directory has no {what}");
        Failure::new(Code::PeerNotInDirectory, detail)
    };
    let node = directory.node(id).ok_or_else(|| missing(&format!("node {id}")))?;
    let epoch = node
        .epochs
        .iter()
        .find(|e| e.receipt_key == receipt && e.checkpoint_key == checkpoint)
        .ok_or_else(|| missing(&format!("epoch of {id} with these receipt and checkpoint keys")))?;
    let detail = shell.particular(Word::EpochIs, &[&epoch.id.to_string()]);
    Ok(Seen { detail, until: epoch.until, soon: None })
}

fn seal(shell: &Shell, seal: &tram_config::Seal) -> Result<Seen, Failure> {
    let (_, leaf) = chain_of(&seal.certificate, &Key::read(&seal.key)?)?;
    if let Some(subject) = &leaf.speaks_for
        && *subject != Subject::Seal(seal.agency.clone())
    {
        let detail = format!("the certificate is of {subject}, not of {}", seal.agency);
        return Err(Failure::new(Code::OriginatorMismatch, detail));
    }
    let detail = shell.particular(Word::Until, &[&shell.time(leaf.not_after)]);
    Ok(Seen { detail, until: Some(leaf.not_after), soon: Some(Code::CertificateEndsSoon) })
}
