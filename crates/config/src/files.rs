//! The second stage: what must hold of the files a configuration names. Reads only.

use std::fs::{self, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use tram_dispatch::limits::{
    ANCHORS_BYTES_MAX, CERTIFICATE_BYTES_MAX, CHAIN_CERTIFICATES_MAX, CRL_BYTES_MAX,
    DIRECTORY_BYTES_MAX, POLICY_BYTES_MAX, ROOT_BYTES_MAX,
};

use crate::problem::Problem;

/// Largest private key file.
const KEY_BYTES_MAX: u64 = 64 << 10;
/// Shortest and longest key of one line.
const SECRET_BYTES_MIN: usize = 16;
const SECRET_BYTES_MAX: usize = 1024;
/// Largest certificate chain file: PEM takes four bytes for three, and texts may stand between.
const CHAIN_BYTES_MAX: u64 = (CHAIN_CERTIFICATES_MAX * CERTIFICATE_BYTES_MAX * 2) as u64;

const KEY_LABEL: &str = "-----BEGIN PRIVATE KEY-----";
const CERTIFICATE_LABEL: &str = "-----BEGIN CERTIFICATE-----";
const CRL_LABEL: &str = "-----BEGIN X509 CRL-----";

/// What a path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A folder of this node's own.
    Folder,
    /// The network's root document.
    Root,
    /// The signed directory.
    Directory,
    /// PEM certificates.
    Certificates,
    /// A PKCS#8 PEM private key.
    PrivateKey,
    /// A key of one line, shared with somebody.
    Secret,
    /// A revocation list.
    Crl,
    /// Anchors of time-stamping authorities, PEM or DER.
    Anchors,
    /// A trust policy.
    Policy,
    /// A list of working days.
    WorkingDays,
    /// A policy of retention.
    Retention,
    /// A folder for files that everybody may read.
    Public,
    /// A folder shared with one system.
    Shared,
    /// A socket to be made; its folder must be there.
    Socket,
}

/// A path of the configuration with what it is for; `problem` is filled in if it does not hold.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) path: PathBuf,
    pub(crate) kind: Kind,
    pub(crate) problem: Problem,
}

/// What is wrong, and how to mend it.
type Fault = (String, String);

/// The faults of all files.
pub(crate) fn check(claims: &[Claim]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut folders: Vec<(PathBuf, &Claim)> = Vec::new();
    let mut keys: Vec<(String, &Claim)> = Vec::new();
    for claim in claims {
        let fault = match claim.kind {
            Kind::Folder => folder(&claim.path).and_then(|real| nested(real, claim, &mut folders)),
            Kind::Root => plain(&claim.path, ROOT_BYTES_MAX as u64),
            Kind::Directory => plain(&claim.path, DIRECTORY_BYTES_MAX as u64),
            Kind::Certificates => certificates(&claim.path),
            Kind::PrivateKey => private_key(&claim.path).and_then(|k| reused(k, claim, &mut keys)),
            Kind::Secret => secret(&claim.path).and_then(|k| reused(k, claim, &mut keys)),
            Kind::Crl => crl(&claim.path),
            Kind::Anchors => plain(&claim.path, ANCHORS_BYTES_MAX as u64),
            Kind::Policy => plain(&claim.path, POLICY_BYTES_MAX as u64),
            Kind::WorkingDays => working_days(&claim.path),
            Kind::Retention => retention(&claim.path),
            Kind::Public => public(&claim.path),
            Kind::Shared => shared(&claim.path).and_then(|real| nested(real, claim, &mut folders)),
            Kind::Socket => socket(&claim.path),
        };
        if let Err((what, remedy)) = fault {
            problems.push(Problem { what, remedy, ..claim.problem.clone() });
        }
    }
    problems
}

fn working_days(path: &Path) -> Result<(), Fault> {
    let remedy = "correct it, or leave working_days out to use the list that comes along";
    let shown = path.display();
    let fault = |e| (format!("{shown}: {e}"), remedy.to_owned());
    crate::working_days::load(Some(path)).map(|_| ()).map_err(fault)
}

fn retention(path: &Path) -> Result<(), Fault> {
    let remedy = "correct it; config/retention.toml is an example";
    let shown = path.display();
    let fault = |e| (format!("{shown}: {e}"), remedy.to_owned());
    crate::retention::load(path).map(|_| ()).map_err(fault)
}

fn public(path: &Path) -> Result<(), Fault> {
    let remedy = "make it, with mode 0755 where a web server is to read it";
    let meta = fs::metadata(path).map_err(|e| missing(path, &e, "folder", remedy))?;
    match meta.is_dir() {
        true => Ok(()),
        false => Err((format!("{} is not a folder", path.display()), "correct the path".into())),
    }
}

fn shared(path: &Path) -> Result<PathBuf, Fault> {
    let remedy = "make it (mode 2770, its group that of the system), or correct the path";
    let meta = fs::symlink_metadata(path).map_err(|e| missing(path, &e, "folder", remedy))?;
    let shown = path.display();
    if !meta.is_dir() {
        return Err((format!("{shown} is not a folder of its own"), "correct the path".into()));
    }
    if meta.mode() & 0o002 != 0 {
        let what = format!("{shown} has mode {:04o}: everybody could send", meta.mode() & 0o7777);
        return Err((what, format!("chmod o-rwx {shown}")));
    }
    fs::canonicalize(path).map_err(|e| missing(path, &e, "folder", remedy))
}

fn missing(path: &Path, error: &io::Error, thing: &str, remedy: &str) -> Fault {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => (format!("no {thing} {path}"), remedy.to_owned()),
        io::ErrorKind::PermissionDenied => {
            (format!("{path} may not be read by this user"), "make this user its owner".to_owned())
        }
        _ => (format!("{path} cannot be read ({error})"), remedy.to_owned()),
    }
}

fn folder(path: &Path) -> Result<PathBuf, Fault> {
    let meta = fs::metadata(path)
        .map_err(|e| missing(path, &e, "folder", "make it (mode 0700), or correct the path"))?;
    let shown = path.display();
    if !meta.is_dir() {
        return Err((format!("{shown} is not a folder"), "correct the path".into()));
    }
    let mode = meta.mode() & 0o777;
    if mode & 0o022 != 0 {
        let what = format!("{shown} has mode {mode:04o}, so others can change what is in it");
        return Err((what, format!("chmod 0700 {shown}")));
    }
    fs::canonicalize(path).map_err(|e| missing(path, &e, "folder", "correct the path"))
}

/// The same rule as in the pure stage, after following symbolic links.
fn nested<'c>(
    real: PathBuf,
    claim: &'c Claim,
    seen: &mut Vec<(PathBuf, &'c Claim)>,
) -> Result<(), Fault> {
    let inside = seen.iter().find(|(other, _)| real.starts_with(other) || other.starts_with(&real));
    if let Some((_, other)) = inside {
        let what = format!("must lie outside {}", last(&other.problem.key));
        let remedy =
            "choose folders of which neither holds the other, best on different disks".into();
        return Err((what, remedy));
    }
    seen.push((real, claim));
    Ok(())
}

fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

fn regular(path: &Path, bytes_max: u64, remedy: &str) -> Result<Metadata, Fault> {
    let meta = fs::metadata(path).map_err(|e| missing(path, &e, "file", remedy))?;
    let shown = path.display();
    if !meta.is_file() {
        return Err((format!("{shown} is not a regular file"), "correct the path".into()));
    }
    if meta.len() == 0 {
        return Err((format!("{shown} is empty"), remedy.into()));
    }
    if meta.len() > bytes_max {
        let what = format!("{shown} has {} bytes, more than {bytes_max}", meta.len());
        return Err((what, "correct the path".into()));
    }
    Ok(meta)
}

fn plain(path: &Path, bytes_max: u64) -> Result<(), Fault> {
    let remedy = "get it from the network's operator, or correct the path";
    regular(path, bytes_max, remedy)?;
    fs::File::open(path).map(|_| ()).map_err(|e| missing(path, &e, "file", remedy))
}

fn bytes(path: &Path, bytes_max: u64, remedy: &str) -> Result<Vec<u8>, Fault> {
    regular(path, bytes_max, remedy)?;
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|f| f.take(bytes_max).read_to_end(&mut bytes))
        .map_err(|e| missing(path, &e, "file", remedy))?;
    Ok(bytes)
}

fn contains(bytes: &[u8], label: &str) -> bool {
    bytes.windows(label.len()).any(|w| w == label.as_bytes())
}

fn certificates(path: &Path) -> Result<(), Fault> {
    let remedy = "install one with `tram pki install`, or correct the path";
    let bytes = bytes(path, CHAIN_BYTES_MAX, remedy)?;
    let shown = path.display();
    if contains(&bytes, "PRIVATE KEY-----") {
        let what = format!("{shown} holds a private key beside the certificates");
        return Err((what, "keep the key in a file of its own".into()));
    }
    if !contains(&bytes, CERTIFICATE_LABEL) {
        return Err((format!("{shown} holds no PEM certificate"), remedy.into()));
    }
    Ok(())
}

/// What is in a file that nobody else may read.
fn kept_secret(path: &Path, remedy: &str) -> Result<Vec<u8>, Fault> {
    let meta = regular(path, KEY_BYTES_MAX, remedy)?;
    let shown = path.display();
    let mode = meta.mode() & 0o777;
    if mode & 0o077 != 0 {
        let what = format!("{shown} has mode {mode:04o}, so others can read or change it");
        return Err((what, format!("chmod 0600 {shown}; if others could read it, make a new key")));
    }
    bytes(path, KEY_BYTES_MAX, remedy)
}

/// The key in a comparable form: the letters of its PEM block, however broken into lines.
fn private_key(path: &Path) -> Result<String, Fault> {
    let remedy = "make it with `tram init` or `tram pki request`, or correct the path";
    let bytes = kept_secret(path, remedy)?;
    let shown = path.display();
    let text = String::from_utf8_lossy(&bytes);
    let block = text
        .split_once(KEY_LABEL)
        .and_then(|(_, rest)| rest.split_once("-----END PRIVATE KEY-----"))
        .map(|(body, _)| body.split_whitespace().collect::<String>());
    block.ok_or_else(|| {
        let what = format!("{shown} holds no unencrypted PKCS#8 key");
        (what, format!("its first line must be {KEY_LABEL}"))
    })
}

/// A key of one line, without its line break.
fn secret(path: &Path) -> Result<String, Fault> {
    let remedy = "make it with `openssl rand -base64 32`, or correct the path";
    let bytes = kept_secret(path, remedy)?;
    let shown = path.display();
    let text = String::from_utf8_lossy(&bytes);
    let line = text.trim_end_matches(['\r', '\n']);
    if line.contains(['\r', '\n', '\0'])
        || !(SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&line.len())
    {
        let what =
            format!("{shown} is not one line of {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes");
        return Err((what, remedy.into()));
    }
    Ok(line.to_owned())
}

fn reused<'c>(
    key: String,
    claim: &'c Claim,
    seen: &mut Vec<(String, &'c Claim)>,
) -> Result<(), Fault> {
    if let Some((_, first)) = seen.iter().find(|(other, _)| *other == key) {
        let what = format!("is the same key as {}", first.problem.key);
        return Err((what, "give each purpose a key of its own".into()));
    }
    seen.push((key, claim));
    Ok(())
}

fn crl(path: &Path) -> Result<(), Fault> {
    // PEM takes four bytes for three.
    let remedy = "get it from the authority, or correct the path";
    let bytes = bytes(path, CRL_BYTES_MAX as u64 / 3 * 4, remedy)?;
    if bytes.first() == Some(&0x30) || contains(&bytes, CRL_LABEL) {
        return Ok(());
    }
    Err((
        format!("{} holds no revocation list, neither DER nor PEM", path.display()),
        remedy.into(),
    ))
}

fn socket(path: &Path) -> Result<(), Fault> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let meta = fs::metadata(folder)
        .map_err(|e| missing(folder, &e, "folder", "make it, or correct the path"))?;
    if !meta.is_dir() {
        return Err((format!("{} is not a folder", folder.display()), "correct the path".into()));
    }
    match fs::symlink_metadata(path) {
        Ok(meta) if !meta.file_type().is_socket() => Err((
            format!("{} is there and not a socket", path.display()),
            "move it away, or correct the path".into(),
        )),
        _ => Ok(()),
    }
}
