//! Revocation lists that this node ever used, kept by their digest: evidence names them so, and whoever
//! judges it later must see the very lists that were in force.

use std::path::{Path, PathBuf};

use tram_crypto::sha256;
use tram_dispatch::{Digest, UnixMillis};
use tram_trust::Crls;
use tram_trust::revocation::Crl;
use tram_wire::SealedDispatch;

use super::files;

/// Their folder in the data directory.
const FOLDER: &str = "revocation";
/// How long before the moment of judgement a list may have ended and still have decided then.
const ENDED_MS_MAX: u64 = 30 * 86_400_000;

/// The name of a list's file: when it was in force, and its digest. So what was not in force at a moment
/// need not be read to be passed over.
fn name(list: &Crl) -> String {
    format!("{}-{}-{}.crl", list.this_update().0, list.next_update().0, list.digest())
}

/// What the name of a file says.
struct Named {
    this_update: UnixMillis,
    next_update: UnixMillis,
    digest: String,
    path: PathBuf,
}

/// The files kept, as far as their names say what they are.
fn kept(data: &Path) -> Vec<Named> {
    let Ok(entries) = std::fs::read_dir(data.join(FOLDER)) else { return Vec::new() };
    let named = |path: PathBuf| {
        let mut parts = path.file_name()?.to_str()?.strip_suffix(".crl")?.splitn(3, '-');
        let mut time = || parts.next()?.parse().ok().map(UnixMillis);
        let (this_update, next_update) = (time()?, time()?);
        let digest = parts.next()?.to_owned();
        Some(Named { this_update, next_update, digest, path })
    };
    entries.flatten().filter_map(|entry| named(entry.path())).collect()
}

/// Keeps these lists, durably. Called before they are used. Blocks.
///
/// # Errors
/// What the disk says.
pub(crate) fn keep(data: &Path, lists: &Crls) -> std::io::Result<()> {
    for list in lists.lists() {
        let name = name(list);
        let path = data.join(FOLDER).join(&name);
        // One that was torn has another length, and is written anew.
        let whole = std::fs::metadata(&path).is_ok_and(|m| m.len() == list.der().len() as u64);
        if !whole {
            files::keep(data, FOLDER, &name, list.der())?;
        }
    }
    Ok(())
}

/// The lists that `used` names (field 18 of a record about this dispatch, judged at `at`), as far as
/// they are kept here; empty where not all of them are. Blocks.
pub(crate) fn used(
    data: &Path,
    sealed: &SealedDispatch,
    at: UnixMillis,
    used: Digest,
) -> Vec<Vec<u8>> {
    let (all, wanted) = (kept(data), used.to_string());
    if let Some(one) = all.iter().find(|named| named.digest == wanted)
        && let Ok(bytes) = std::fs::read(&one.path)
        && sha256(&bytes) == used.0
    {
        return vec![bytes];
    }
    let mut then = Crls::none();
    let in_force = |n: &&Named| n.this_update <= at && at <= n.next_update.plus_ms(ENDED_MS_MAX);
    for Named { path, .. } in all.iter().filter(in_force) {
        let Ok(bytes) = std::fs::read(path) else { continue };
        let mut one = Crls::none();
        if one.add(&bytes).is_err() {
            tracing::warn!(?path, "a kept revocation list cannot be read");
            continue;
        }
        if then.include(&one).is_err() {
            tracing::warn!("more revocation lists of that time than can be looked through");
            break;
        }
    }
    let found = then.used(sealed, at, used).unwrap_or_default();
    found.into_iter().map(|list| list.der().to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tram_trust::fixtures::FourTiers;

    #[test]
    fn lists_are_kept_by_digest_and_found_again() {
        let world = FourTiers::new("lists");
        let folder = tempfile::tempdir().unwrap();
        let mut lists = Crls::none();
        world.lists.iter().for_each(|list| _ = lists.add(list).unwrap());
        let first = world.receipts[0].record();
        let (at, named) = (first.time, first.revocation.unwrap());
        assert!(used(folder.path(), &world.sealed, at, named).is_empty(), "nothing is kept yet");
        keep(folder.path(), &lists).unwrap();
        assert_eq!(used(folder.path(), &world.sealed, at, named), world.lists);
        // Torn by a power cut: found out, and mended when it is kept again.
        let torn = Digest(sha256(&world.lists[0]));
        let file = |named: &Named| named.digest == torn.to_string();
        let path = kept(folder.path()).into_iter().find(file).unwrap().path;
        std::fs::write(&path, &world.lists[0][..40]).unwrap();
        assert!(used(folder.path(), &world.sealed, at, named).is_empty());
        keep(folder.path(), &lists).unwrap();
        assert_eq!(used(folder.path(), &world.sealed, at, named), world.lists);
        assert_eq!(used(folder.path(), &world.sealed, at, torn), world.lists[..1]);
        // One of another time is not even read; one whose name says that it was in force then is.
        let names = kept(folder.path());
        let (this, next) = (names[0].this_update.0, names[0].next_update.0);
        assert!(names.iter().all(|n| n.this_update <= at && at <= n.next_update));
        let long_ago = names[0].path.with_file_name(format!("{}-{}-{torn}.crl", 1, 2));
        std::fs::rename(&path, &long_ago).unwrap();
        assert!(used(folder.path(), &world.sealed, at, named).is_empty());
        std::fs::rename(&long_ago, path.with_file_name(format!("{this}-{next}-{torn}.crl")))
            .unwrap();
        assert_eq!(used(folder.path(), &world.sealed, at, named), world.lists);
    }
}
