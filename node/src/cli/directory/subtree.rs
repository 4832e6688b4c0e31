//! Delegation: the centre names a key for a subtree, whoever holds it signs what changed there, and the
//! centre takes that into the directory.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use tram_crypto::{SystemEntropy, sha256, signer_from_pkcs8_der};
use tram_dispatch::directory::{Delegation as PlainDelegation, Entry};
use tram_dispatch::limits::DIRECTORY_BYTES_MAX;
use tram_dispatch::{AgencyCode, Code, Digest};
use tram_pki::{Key, KeyAlgorithm};
use tram_trust::Directory;
use tram_wire::directory::{
    SubtreeChange, SubtreeFile, change_to_be_signed, encode_change, sort_key,
};

use super::difference::{self, Changed};
use super::working::{Signed, Working};
use super::{merge, written};
use crate::cli::clock::{DAY_MS, now};
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, files, inspect};

/// Largest file with a public key.
const PUBLIC_BYTES_MAX: usize = 4096;

/// Make the working file of a signed directory, to go on from it.
#[derive(Args)]
#[command(
    after_help = "Example:\n  tram directory open directory.cbor --root network/root.cbor --file h41.toml"
)]
pub(crate) struct OpenArgs {
    /// The signed directory.
    #[arg(value_name = "SIGNED")]
    signed: PathBuf,
    /// The network's root document.
    #[arg(long, value_name = "FILE")]
    root: PathBuf,
    /// The working file to make.
    #[arg(long, default_value = "directory.toml", value_name = "FILE")]
    file: PathBuf,
}

/// Let a key sign changes of a subtree, in the working file. Without --key, the key is made here.
///
/// Better make the key where it is used: with --new-key alone, nothing else is done.
#[derive(Args)]
#[command(after_help = "Examples:\n  tram directory delegate --new-key h41.key\n  tram directory \
delegate --subtree H41 --key h41.key.pub --days 365")]
pub(crate) struct DelegateArgs {
    /// Make a private key in this file, and the public one beside it in FILE.pub.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["subtree", "key"])]
    new_key: Option<PathBuf>,
    /// The agency whose subtree it is; the agency itself is not part of it.
    #[arg(long, value_name = "CODE", required_unless_present = "new_key", requires = "key")]
    subtree: Option<AgencyCode>,
    /// The public key.
    #[arg(long, value_name = "FILE", required_unless_present = "new_key")]
    key: Option<PathBuf>,
    /// Days until it ends.
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u64).range(1..=3650))]
    days: u64,
    /// The working file.
    #[arg(long, default_value = "directory.toml", value_name = "FILE")]
    file: PathBuf,
}

/// Sign what changed below a subtree, with the key that the directory delegates it to.
///
/// What changed is told by comparing a working file (`tram directory open`, then the usual commands) with the
/// signed directory that it began with. Only what the delegate may change is signed.
#[derive(Args)]
#[command(
    after_help = "Example:\n  tram directory sign-subtree --subtree H41 --file h41.toml --base \
directory.cbor --root network/root.cbor --key h41.key --out h41.change"
)]
pub(crate) struct SignSubtreeArgs {
    /// The agency whose subtree it is.
    #[arg(long, value_name = "CODE")]
    subtree: AgencyCode,
    /// The working file.
    #[arg(long, default_value = "directory.toml", value_name = "FILE")]
    file: PathBuf,
    /// The signed directory that it began with, which is the one in force.
    #[arg(long, value_name = "FILE")]
    base: PathBuf,
    /// The network's root document.
    #[arg(long, value_name = "FILE")]
    root: PathBuf,
    /// The private key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where the signed change is written; one that is there is replaced.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Take a signed change of a subtree into the working file.
///
/// Its signature, the delegation and every entry are verified against the directory signed last; what is not
/// the delegate's to change is refused. It takes effect with the next `tram directory sign`.
#[derive(Args)]
#[command(after_help = "Example:\n  tram directory take-subtree h41.change --base directory.cbor \
--root network/root.cbor --file directory.toml --dry-run")]
pub(crate) struct TakeSubtreeArgs {
    /// The signed change.
    #[arg(value_name = "CHANGE")]
    change: PathBuf,
    /// The working file.
    #[arg(long, default_value = "directory.toml", value_name = "FILE")]
    file: PathBuf,
    /// The directory signed last.
    #[arg(long, value_name = "FILE")]
    base: PathBuf,
    /// The network's root document.
    #[arg(long, value_name = "FILE")]
    root: PathBuf,
    /// Only show what would change.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Opened {
    file: String,
    version: u64,
    agencies: usize,
    nodes: usize,
}

#[derive(Serialize)]
struct Delegated {
    file: String,
    subtree: Option<String>,
    key: String,
}

#[derive(Serialize)]
struct Subtree {
    file: String,
    subtree: String,
    written: bool,
    entries: Vec<Changed>,
}

/// `directory open`.
pub(crate) fn open(shell: &Shell, args: &OpenArgs) -> Done {
    let root = inspect::root(&args.root)?;
    let (directory, file, _) = difference::read(&root, &args.signed)?;
    let mut working = Working::of(root.network(), &file.decoded);
    let digest = directory.digest().to_string();
    working.signed = Some(Signed { version: directory.version(), digest });
    files::write_new(&args.file, working.text()?.as_bytes(), 0o644)?;
    let opened = Opened {
        file: args.file.display().to_string(),
        version: directory.version(),
        agencies: working.agencies.len(),
        nodes: working.nodes.len(),
    };
    shell.answer(&opened, || {
        let entry = format!("version {}", opened.version);
        shell.sentence(Word::WorkingChanged, &[&entry, &opened.file])
    })?;
    Ok(DONE)
}

/// `directory delegate`.
pub(crate) fn delegate(shell: &Shell, args: &DelegateArgs) -> Done {
    if let Some(path) = &args.new_key {
        return new_key(shell, path);
    }
    let (Some(subtree), Some(path)) = (&args.subtree, &args.key) else {
        return Err(Failure::usage("--subtree and --key, or --new-key"));
    };
    let text = files::read_text(path, PUBLIC_BYTES_MAX)?;
    let bytes = tram_dispatch::id::unhex(text.trim())
        .ok_or_else(|| Failure::unreadable(path, "not a public key in hexadecimal"))?;
    tram_crypto::PublicKey::from_spki_der(&bytes).map_err(|e| Failure::unreadable(path, e))?;
    let mut working = Working::read(&args.file)?;
    let code = subtree.to_string();
    if !working.agencies.iter().any(|a| a.open && a.code == code) {
        let detail = format!("no open agency {code} in {}", args.file.display());
        return Err(Failure::new(Code::NotFound, detail));
    }
    let from = now();
    let until = Some(from.plus_ms(args.days * DAY_MS));
    let digest = Digest(sha256(&bytes)).to_string();
    let delegation = PlainDelegation { subtree: subtree.clone(), key: bytes, from, until };
    let delegation = written::delegation(&delegation);
    // The same key again: another end.
    working.delegations.retain(|d| d.subtree != code || d.key != delegation.key);
    working.delegations.push(delegation);
    working.entries()?;
    files::replace(&args.file, working.text()?.as_bytes(), 0o644)?;
    let file = args.file.display().to_string();
    let delegated = Delegated { file, subtree: Some(code.clone()), key: digest };
    shell.answer(&delegated, || shell.sentence(Word::WorkingChanged, &[&code, &delegated.file]))?;
    Ok(DONE)
}

fn new_key(shell: &Shell, path: &std::path::Path) -> Done {
    let key = Key::generate(KeyAlgorithm::Ed25519, &mut SystemEntropy::new())?;
    files::write_new(path, key.to_pem().as_bytes(), 0o600)?;
    let public = path.with_added_extension("pub");
    let text = format!("{}\n", tram_dispatch::id::hex(&key.spki_der()));
    files::write_new(&public, text.as_bytes(), 0o644)?;
    let delegated = Delegated {
        file: public.display().to_string(),
        subtree: None,
        key: Digest(sha256(&key.spki_der())).to_string(),
    };
    let private = path.display().to_string();
    shell.answer(&delegated, || shell.sentence(Word::RequestMade, &[&delegated.file, &private]))?;
    Ok(DONE)
}

/// `directory sign-subtree`.
pub(crate) fn sign(shell: &Shell, args: &SignSubtreeArgs) -> Done {
    let root = inspect::root(&args.root)?;
    let (directory, file, _) = difference::read(&root, &args.base)?;
    let mut entries = Working::read(&args.file)?.entries()?;
    let changed = difference::compare(&file.decoded, &entries)?;
    if changed.is_empty() {
        return Err(Failure::usage("nothing changed since the signed directory"));
    }
    if let Some(gone) = changed.iter().find(|entry| entry.change == "removed") {
        let detail = format!("{} {} is gone: a code closes, and stays", gone.kind, gone.id);
        return Err(Failure::new(Code::NotAuthorised, detail));
    }
    Directory::check_entries(entries.clone())
        .map_err(|broken| Failure::new(Code::DirectoryInvalid, broken))?;
    let before: BTreeMap<Vec<u8>, &Entry> =
        file.decoded.iter().map(|entry| (sort_key(entry), entry)).collect();
    entries.retain(|entry| before.get(&sort_key(entry)) != Some(&entry));
    entries.sort_by_cached_key(sort_key);
    let key = Key::read(&args.key)?;
    let signer = signer_from_pkcs8_der(key.pkcs8_der())
        .map_err(|e| Failure::new(Code::AlgorithmRefused, e))?;
    let change = SubtreeChange {
        network: root.network(),
        subtree: args.subtree.clone(),
        key: Digest(sha256(&key.spki_der())),
        base: directory.digest(),
        issued_at: now(),
        entries,
    };
    let (body, algorithm) = (encode_change(&change), signer.algorithm());
    let signature = signer
        .sign(&change_to_be_signed(algorithm, &body, root.network()))
        .map_err(|e| Failure::new(Code::Internal, e))?;
    let bytes = SubtreeFile { body, change, algorithm, signature }.encode();
    directory.subtree_change(&bytes, now())?;
    files::replace(&args.out, &bytes, 0o644)?;
    told(shell, &args.out, &args.subtree, true, changed)
}

/// `directory take-subtree`.
pub(crate) fn take(shell: &Shell, args: &TakeSubtreeArgs) -> Done {
    let root = inspect::root(&args.root)?;
    let (directory, file, _) = difference::read(&root, &args.base)?;
    let mut working = Working::read(&args.file)?;
    let digest = directory.digest().to_string();
    if working.signed.as_ref().is_none_or(|signed| signed.digest != digest) {
        let detail = format!(
            "{} is not what {} was signed as last",
            args.base.display(),
            args.file.display()
        );
        return Err(Failure::new(Code::WrongState, detail));
    }
    let bytes = files::read(&args.change, DIRECTORY_BYTES_MAX)?;
    let about = |e: tram_trust::Refusal| Failure::from(e).about(args.change.display());
    let verified = directory.subtree_change(&bytes, now()).map_err(about)?;
    let change = verified.change();
    let mut entries: BTreeMap<Vec<u8>, Entry> =
        working.entries()?.into_iter().map(|entry| (sort_key(&entry), entry)).collect();
    let before: BTreeMap<Vec<u8>, &Entry> =
        file.decoded.iter().map(|entry| (sort_key(entry), entry)).collect();
    let old: Vec<Entry> = entries.values().cloned().collect();
    for entry in &change.entries {
        let key = sort_key(entry);
        let here = entries.get(&key);
        if here != before.get(&key).copied() && here != Some(entry) {
            let name = String::from_utf8_lossy(&key[1..]).into_owned();
            let detail = format!("{name} was changed in {} as well", args.file.display());
            return Err(Failure::new(Code::WrongState, detail));
        }
        entries.insert(key, entry.clone());
    }
    let new: Vec<Entry> = entries.into_values().collect();
    let changed = difference::compare(&old, &new)?;
    let signed = working.signed.take();
    working = Working { signed, ..Working::of(root.network(), &new) };
    merge::check(&working)?;
    if !args.dry_run {
        files::replace(&args.file, working.text()?.as_bytes(), 0o644)?;
    }
    told(shell, &args.file, &change.subtree, !args.dry_run, changed)
}

fn told(
    shell: &Shell,
    path: &std::path::Path,
    subtree: &AgencyCode,
    written: bool,
    entries: Vec<Changed>,
) -> Done {
    let (file, subtree) = (path.display().to_string(), subtree.to_string());
    let told = Subtree { file, subtree, written, entries };
    shell.answer(&told, || {
        let mut lines: Vec<String> =
            told.entries.iter().map(|entry| difference::line(shell, entry)).collect();
        if told.written {
            lines.push(shell.sentence(Word::WorkingChanged, &[&told.subtree, &told.file]));
        }
        lines.join("\n")
    })?;
    Ok(DONE)
}
