//! Revocation lists that this node ever used, kept by their digest: evidence names them so, and whoever
//! judges it later must see the very lists that were in force.

use std::path::Path;

use tram_crypto::sha256;
use tram_dispatch::{Digest, UnixMillis};
use tram_trust::Crls;
use tram_wire::SealedDispatch;

use super::files;

/// Their folder in the data directory.
const FOLDER: &str = "revocation";
/// How long before the moment of judgement a list may have ended and still have decided then.
const ENDED_MS_MAX: u64 = 30 * 86_400_000;

/// Keeps these lists, durably. Called before they are used. Blocks.
///
/// # Errors
/// What the disk says.
pub(crate) fn keep(data: &Path, lists: &Crls) -> std::io::Result<()> {
    let folder = data.join(FOLDER);
    if lists.lists().next().is_some() {
        std::fs::create_dir_all(&folder)?;
    }
    for list in lists.lists() {
        let path = folder.join(format!("{}.crl", list.digest()));
        // One that a power cut tore has another length, and is written anew.
        let whole = std::fs::metadata(&path).is_ok_and(|m| m.len() == list.der().len() as u64);
        if !whole {
            files::replace(&path, list.der())?;
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
    let folder = data.join(FOLDER);
    if let Ok(one) = std::fs::read(folder.join(format!("{used}.crl")))
        && sha256(&one) == used.0
    {
        return vec![one];
    }
    let mut kept = Crls::none();
    let Ok(entries) = std::fs::read_dir(&folder) else { return Vec::new() };
    for path in entries.flatten().map(|entry| entry.path()) {
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let mut one = Crls::none();
        if one.add(&bytes).is_err() {
            tracing::warn!(?path, "a kept revocation list cannot be read");
            continue;
        }
        let then = one
            .lists()
            .any(|list| list.this_update() <= at && at <= list.next_update().plus_ms(ENDED_MS_MAX));
        if then && kept.include(&one).is_err() {
            tracing::warn!("more revocation lists of that time than can be looked through");
            break;
        }
    }
    let found = kept.used(sealed, at, used).unwrap_or_default();
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
        let path = folder.path().join(FOLDER).join(format!("{torn}.crl"));
        std::fs::write(&path, &world.lists[0][..40]).unwrap();
        assert!(used(folder.path(), &world.sealed, at, named).is_empty());
        keep(folder.path(), &lists).unwrap();
        assert_eq!(used(folder.path(), &world.sealed, at, named), world.lists);
        assert_eq!(used(folder.path(), &world.sealed, at, torn), world.lists[..1]);
    }
}
