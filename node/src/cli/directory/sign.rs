//! `tram directory sign`: from the working file to a signed directory.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use tram_crypto::{Sign, signer_from_pkcs8_der};
use tram_dispatch::directory::Head;
use tram_dispatch::limits::DIRECTORY_BYTES_MAX;
use tram_dispatch::{Code, Digest};
use tram_pki::Key;
use tram_trust::{Directory, Root};
use tram_wire::directory::{
    DirectoryFile, encode_entry, encode_head, entries_root, sort_key, to_be_signed,
};
use tram_wire::root::KeySignature;

use super::working::{Signed, Working};
use crate::cli::clock::{DAY_MS, now};
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, files, inspect};

/// Sign the working file as the next version of the directory.
///
/// Where several people must sign, the first one signs the working file, and each further one adds
/// a signature to the result with --add-to.
#[derive(Args)]
#[command(after_help = "Examples:\n  tram directory sign --root network/root.cbor --key \
network/directory-0.key --out directory.cbor\n  tram directory sign --root network/root.cbor --key \
network/directory-1.key --add-to directory.cbor")]
pub(crate) struct SignArgs {
    /// The working file.
    #[arg(long, default_value = "directory.toml", value_name = "FILE")]
    file: PathBuf,
    /// The network's root document.
    #[arg(long, value_name = "FILE")]
    root: PathBuf,
    /// A private key of the network; may be repeated.
    #[arg(long, value_name = "FILE", required = true)]
    key: Vec<PathBuf>,
    /// Where the signed directory is written; one that is there is replaced.
    #[arg(long, value_name = "FILE", required_unless_present = "add_to")]
    out: Option<PathBuf>,
    /// Add signatures to this signed directory instead.
    #[arg(long, value_name = "FILE", conflicts_with = "out")]
    add_to: Option<PathBuf>,
    /// Days until it expires.
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u64).range(1..=3650))]
    days: u64,
}

#[derive(Serialize)]
struct Made {
    file: String,
    version: u64,
    digest: String,
    expires_at: String,
    entries: u64,
    signatures: usize,
    threshold: u8,
    complete: bool,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &SignArgs) -> Done {
    let root = inspect::root(&args.root)?;
    let mut keys = Vec::new();
    for path in &args.key {
        keys.push(signer(&root, path)?);
    }
    let (mut file, path) = match (&args.add_to, &args.out) {
        (Some(path), _) => {
            let file = DirectoryFile::decode(&files::read(path, DIRECTORY_BYTES_MAX)?)
                .map_err(|e| Failure::from(e).about(path.display()))?;
            (file, path)
        }
        (None, Some(path)) => (next(&root, &args.file, args.days)?, path),
        (None, None) => return Err(Failure::usage("--out or --add-to is needed")),
    };
    if file.head.network != root.network() {
        return Err(Failure::new(Code::WrongNetwork, "directory and root are of two networks"));
    }
    for (index, key) in &keys {
        let algorithm = key.algorithm();
        let signature = key
            .sign(&to_be_signed(algorithm, &file.head_bytes, root.network()))
            .map_err(|e| Failure::new(Code::Internal, e))?;
        file.signatures.retain(|s| s.key_index != *index);
        file.signatures.push(KeySignature { key_index: *index, algorithm, signature });
    }
    file.signatures.sort_by_key(|s| s.key_index);
    let bytes = file.encode();
    let threshold = root.document().threshold;
    let complete = file.signatures.len() >= usize::from(threshold);
    // An incomplete one cannot be verified yet; what it would say is checked all the same.
    if complete {
        Directory::verify(&root, &bytes, None, now())?;
    } else {
        DirectoryFile::decode(&bytes)?;
    }
    files::replace(path, &bytes, 0o644)?;
    if args.add_to.is_none() {
        remember(&args.file, &file)?;
    }
    let made = Made {
        file: path.display().to_string(),
        version: file.head.version,
        digest: file.digest().to_string(),
        expires_at: file.head.expires_at.to_string(),
        entries: file.head.entries,
        signatures: file.signatures.len(),
        threshold,
        complete,
    };
    shell.answer(&made, || {
        let (version, have) = (made.version.to_string(), made.signatures.to_string());
        let (need, until) = (threshold.to_string(), shell.time(file.head.expires_at));
        let values = [made.file.as_str(), &version, &made.digest, &until, &have, &need];
        let more = if complete { "" } else { shell.word(Word::MoreSignatures) };
        format!("{}{more}", shell.sentence(Word::DirectorySigned, &values))
    })?;
    Ok(DONE)
}

/// A key with its index in the root document.
fn signer(root: &Root, path: &Path) -> Result<(u8, Box<dyn Sign>), Failure> {
    let key = Key::read(path)?;
    let place = root.document().keys.iter().position(|k| *k == key.spki_der());
    let index = place.and_then(|i| u8::try_from(i).ok()).ok_or_else(|| {
        let detail = format!("{} is no key of this network", path.display());
        Failure::new(Code::NotAuthorised, detail)
    })?;
    let signer = signer_from_pkcs8_der(key.pkcs8_der())
        .map_err(|e| Failure::new(Code::AlgorithmRefused, e))?;
    Ok((index, signer))
}

/// The next version of the working file, without signatures.
fn next(root: &Root, path: &Path, days: u64) -> Result<DirectoryFile, Failure> {
    let working = Working::read(path)?;
    if working.network()? != root.network() {
        let detail = format!("{} is of another network", path.display());
        return Err(Failure::new(Code::WrongNetwork, detail));
    }
    let mut decoded = working.entries()?;
    decoded.sort_by_cached_key(sort_key);
    let twice = decoded.windows(2).find(|pair| sort_key(&pair[0]) == sort_key(&pair[1]));
    if let Some(pair) = twice {
        let name = String::from_utf8_lossy(&sort_key(&pair[0])[1..]).into_owned();
        return Err(Failure::new(Code::DirectoryInvalid, format!("{name} stands twice")));
    }
    let entries: Vec<Vec<u8>> = decoded.iter().map(encode_entry).collect();
    let (version, previous) = match &working.signed {
        None => (1, None),
        Some(Signed { version, digest }) => {
            let bad = |e| Failure::new(Code::DirectoryInvalid, format!("signed.digest: {e}"));
            let digest: Digest = digest.parse().map_err(bad)?;
            (version.saturating_add(1), Some(digest))
        }
    };
    let issued_at = now();
    let head = Head {
        network: root.network(),
        version,
        previous,
        issued_at,
        expires_at: issued_at.plus_ms(days * DAY_MS),
        entries: entries.len() as u64,
        root: Digest(entries_root(&entries)),
    };
    Ok(DirectoryFile { head_bytes: encode_head(&head), head, signatures: vec![], entries, decoded })
}

/// Notes in the working file what the version after this one follows.
fn remember(path: &Path, file: &DirectoryFile) -> Result<(), Failure> {
    let mut working = Working::read(path)?;
    let digest = file.digest().to_string();
    working.signed = Some(Signed { version: file.head.version, digest });
    files::replace(path, working.text()?.as_bytes(), 0o644)
}
