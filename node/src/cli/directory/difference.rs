//! `tram directory diff` and `apply`: what changed between two signed versions, and the later one made of
//! the earlier one and that.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use tram_dispatch::Code;
use tram_dispatch::directory::Entry;
use tram_dispatch::limits::DIRECTORY_BYTES_MAX;
use tram_trust::{Directory, Root};
use tram_wire::directory::{DirectoryDifference, DirectoryFile, sort_key};

use super::written;
use crate::cli::clock::now;
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, files, inspect};

/// Show what changed between two signed versions; with --out, write the difference for nodes that have the
/// older one.
///
/// A difference needs no signature of its own: with the older version it makes the newer one, whose
/// signatures it carries. `tram directory install` takes it like a whole directory.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  tram directory diff old.cbor new.cbor --root network/root.cbor\n  \
tram directory diff old.cbor new.cbor --root network/root.cbor --out new.difference"
)]
pub(crate) struct DiffArgs {
    /// The older signed directory.
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The newer signed directory.
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// The network's root document.
    #[arg(long, value_name = "FILE")]
    root: PathBuf,
    /// Where the difference is written; one that is there is replaced.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Make the newer signed directory of an older one and a difference, and verify it.
#[derive(Args)]
#[command(
    after_help = "Example:\n  tram directory apply old.cbor new.difference --root network/root.cbor --out new.cbor"
)]
pub(crate) struct ApplyArgs {
    /// The older signed directory.
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The difference.
    #[arg(value_name = "DIFFERENCE")]
    difference: PathBuf,
    /// The network's root document.
    #[arg(long, value_name = "FILE")]
    root: PathBuf,
    /// Where the newer directory is written; one that is there is replaced.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// One entry that is not what it was.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Changed {
    pub(super) change: &'static str,
    pub(super) kind: &'static str,
    pub(super) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// Field, before, after.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) fields: Vec<(String, Value, Value)>,
}

#[derive(Serialize)]
struct Compared {
    old_version: u64,
    new_version: u64,
    added: usize,
    removed: usize,
    changed: usize,
    bytes: usize,
    whole_bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    entries: Vec<Changed>,
}

#[derive(Serialize)]
struct Applied {
    file: String,
    version: u64,
    digest: String,
    entries: u64,
}

/// Reads a signed directory and verifies it.
pub(super) fn read(
    root: &Root,
    path: &Path,
) -> Result<(Directory, DirectoryFile, Vec<u8>), Failure> {
    let bytes = files::read(path, DIRECTORY_BYTES_MAX)?;
    let about = |e: Failure| e.about(path.display());
    let directory =
        Directory::verify(root, &bytes, None, now()).map_err(|e| about(Failure::from(e)))?;
    let file = DirectoryFile::decode(&bytes).map_err(|e| about(Failure::from(e)))?;
    Ok((directory, file, bytes))
}

/// `directory diff`.
pub(crate) fn diff(shell: &Shell, args: &DiffArgs) -> Done {
    let root = inspect::root(&args.root)?;
    let (old, earlier, _) = read(&root, &args.old)?;
    let (new, later, whole) = read(&root, &args.new)?;
    if old.version() > new.version() {
        let detail = format!("version {} is older than version {}", new.version(), old.version());
        return Err(Failure::new(Code::DirectoryOld, detail));
    }
    let difference = DirectoryDifference::between(&earlier, &later).encode();
    if let Some(out) = &args.out {
        files::replace(out, &difference, 0o644)?;
    }
    let entries = compare(&earlier.decoded, &later.decoded)?;
    let count = |what: &str| entries.iter().filter(|entry| entry.change == what).count();
    let compared = Compared {
        old_version: old.version(),
        new_version: new.version(),
        added: count(ADDED),
        removed: count(REMOVED),
        changed: count(CHANGED),
        bytes: difference.len(),
        whole_bytes: whole.len(),
        file: args.out.as_ref().map(|out| out.display().to_string()),
        entries,
    };
    shell.answer(&compared, || {
        let numbers = [
            compared.old_version.to_string(),
            compared.new_version.to_string(),
            compared.added.to_string(),
            compared.changed.to_string(),
            compared.removed.to_string(),
            compared.bytes.to_string(),
            compared.whole_bytes.to_string(),
        ];
        let values: Vec<&str> = numbers.iter().map(String::as_str).collect();
        let mut lines: Vec<String> = compared.entries.iter().map(|e| line(shell, e)).collect();
        lines.push(shell.sentence(Word::DirectoryCompared, &values));
        lines.join("\n")
    })?;
    Ok(DONE)
}

/// `directory apply`.
pub(crate) fn apply(shell: &Shell, args: &ApplyArgs) -> Done {
    let root = inspect::root(&args.root)?;
    let (old, _, bytes) = read(&root, &args.old)?;
    let difference = files::read(&args.difference, DIRECTORY_BYTES_MAX)?;
    let about = |e: tram_trust::Refusal| Failure::from(e).about(args.difference.display());
    let made = Directory::with_difference(&root, &bytes, &difference).map_err(about)?;
    let new = Directory::verify(&root, &made, Some(&old), now()).map_err(about)?;
    files::replace(&args.out, &made, 0o644)?;
    let applied = Applied {
        file: args.out.display().to_string(),
        version: new.version(),
        digest: new.digest().to_string(),
        entries: new.head().entries,
    };
    shell.answer(&applied, || {
        let (version, entries) = (applied.version.to_string(), applied.entries.to_string());
        let until = shell.time(new.expires_at());
        shell.sentence(Word::DirectoryHolds, &[&version, &applied.digest, &entries, &until])
    })?;
    Ok(DONE)
}

const ADDED: &str = "added";
const CHANGED: &str = "changed";
const REMOVED: &str = "removed";

/// What is not the same in two lists of entries, by sort key.
pub(super) fn compare(old: &[Entry], new: &[Entry]) -> Result<Vec<Changed>, Failure> {
    let keyed = |entries: &'_ [Entry]| -> BTreeMap<Vec<u8>, Entry> {
        entries.iter().map(|entry| (sort_key(entry), entry.clone())).collect()
    };
    let (old, new) = (keyed(old), keyed(new));
    let mut keys: Vec<&Vec<u8>> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    let mut found = Vec::new();
    for key in keys {
        let (change, entry, fields) = match (old.get(key), new.get(key)) {
            (Some(old), Some(new)) if old == new => continue,
            (Some(old), Some(new)) => (CHANGED, new, fields(old, new)?),
            (None, Some(new)) => (ADDED, new, Vec::new()),
            (Some(old), None) => (REMOVED, old, Vec::new()),
            (None, None) => continue,
        };
        let (kind, id, name) = match entry {
            Entry::Agency(a) => ("agency", a.code.to_string(), Some(a.name.clone())),
            Entry::Node(n) => ("node", n.id.to_string(), None),
            Entry::Delegation(d) => ("delegation", d.subtree.to_string(), None),
        };
        found.push(Changed { change, kind, id, name, fields });
    }
    Ok(found)
}

/// The fields of an entry as the working file writes them.
fn written(entry: &Entry) -> Result<Value, Failure> {
    let value = match entry {
        Entry::Agency(a) => serde_json::to_value(written::agency(a)),
        Entry::Node(n) => serde_json::to_value(written::node(n)),
        Entry::Delegation(d) => serde_json::to_value(written::delegation(d)),
    };
    value.map_err(|e| Failure::new(Code::Internal, e))
}

fn fields(old: &Entry, new: &Entry) -> Result<Vec<(String, Value, Value)>, Failure> {
    let (old, new) = (written(old)?, written(new)?);
    let names = |value: &Value| -> Vec<String> {
        value.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default()
    };
    let mut all = [names(&old), names(&new)].concat();
    all.sort();
    all.dedup();
    let of = |value: &Value, name: &str| value.get(name).cloned().unwrap_or(Value::Null);
    let both = all.into_iter().map(|name| {
        let (before, after) = (of(&old, &name), of(&new, &name));
        (name, before, after)
    });
    Ok(both.filter(|(_, before, after)| before != after).collect())
}

pub(super) fn line(shell: &Shell, entry: &Changed) -> String {
    let word = match entry.change {
        ADDED => Word::EntryAdded,
        REMOVED => Word::EntryRemoved,
        _ => Word::EntryChanged,
    };
    let name = entry.name.clone().unwrap_or_else(|| entry.kind.to_owned());
    let mut text = shell.sentence(word, &[&entry.id, &name]);
    for (field, before, after) in &entry.fields {
        let short = |value: &Value| match value {
            Value::Null => "-".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let change = format!("{field}: {} → {}", short(before), short(after));
        text = format!("{text}\n    {}", tram_dispatch::text::escaped(&change));
    }
    text
}
