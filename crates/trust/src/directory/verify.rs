//! From a directory file to a verified directory.

use std::collections::BTreeMap;
use std::sync::Arc;

use tram_dispatch::{Code, UnixMillis};
use tram_wire::directory::{
    DirectoryDifference, DirectoryFile, SignedHead, entries_root, to_be_signed,
};

use super::Directory;
use super::index::Listed;
use crate::root::Root;
use crate::verdict::Refusal;

impl Directory {
    /// Verifies a directory file against the root document: signatures of the threshold, the Merkle
    /// root over the entries, and the rules the entries keep among each other. `previous` is the
    /// directory in force, if there is one; `now` is the wall clock.
    ///
    /// An expired directory is taken only where none is in force (a node that starts again), so that
    /// nothing new takes effect after the expiry while routing goes on; see [`Directory::expires_at`].
    ///
    /// # Errors
    /// `DIRECTORY_OLD` below the version in force; `DIRECTORY_FORK` for the same version with other
    /// content, or a next one that does not follow from it; `WRONG_NETWORK`; `DIRECTORY_INVALID` with
    /// the rule that is broken. The directory in force stays in every case.
    pub fn verify(
        root: &Root,
        file: &[u8],
        previous: Option<&Directory>,
        now: UnixMillis,
    ) -> Result<Directory, Refusal> {
        let invalid = |what: String| Refusal::new(Code::DirectoryInvalid, what);
        // Nothing is read on of what the network's keys did not sign.
        Directory::verify_head(root, file)?;
        let file = DirectoryFile::decode(file).map_err(|e| invalid(e.detail))?;
        let head = &file.head;
        let (count, listed) = (file.entries.len(), head.entries);
        if u64::try_from(count) != Ok(listed) {
            return Err(invalid(format!("{count} entries; the head says {listed}")));
        }
        if entries_root(&file.entries) != head.root.0 {
            return Err(invalid("the entries are not those that the head commits to".to_owned()));
        }
        if head.expires_at <= head.issued_at {
            return Err(invalid("the directory expires before it was issued".to_owned()));
        }
        if (head.version == 1) != head.previous.is_none() {
            return Err(invalid("only version 1 has no head before it".to_owned()));
        }
        if let Some(previous) = previous {
            follows(previous, &file, now)?;
        }
        let digest = file.digest();
        let listed = Arc::new(Listed::index(file.decoded, true).map_err(invalid)?);
        let directory = Directory { head: file.head, digest, listed, adopted: BTreeMap::new() };
        Ok(match previous {
            Some(previous) => directory.keeping(previous),
            None => directory,
        })
    }
}

impl Directory {
    /// Verifies the beginning of a directory file, or of a difference between two: that the network's keys
    /// signed its head. The rest need not be there.
    ///
    /// # Errors
    /// `WRONG_NETWORK`, `DIRECTORY_INVALID`.
    pub fn verify_head(root: &Root, beginning: &[u8]) -> Result<SignedHead, Refusal> {
        let invalid = |what: String| Refusal::new(Code::DirectoryInvalid, what);
        let signed = SignedHead::peek(beginning).map_err(|e| invalid(e.detail))?;
        if signed.head.network != root.network() {
            let detail = "the directory is of another network";
            return Err(Refusal::new(Code::WrongNetwork, detail));
        }
        root.check_threshold(&signed.signatures, |a| {
            to_be_signed(a, &signed.bytes, root.network())
        })
        .map_err(invalid)?;
        Ok(signed)
    }

    /// The whole directory file that a difference makes of the one in force, to be given to
    /// [`Directory::verify`]. `file` is the file of the directory in force.
    ///
    /// # Errors
    /// `WRONG_NETWORK`; `DIRECTORY_OLD` where it leads to no later version; `DIRECTORY_INVALID` where it is
    /// made for another version than `file`, or nothing can be made of the two.
    pub fn with_difference(
        root: &Root,
        file: &[u8],
        difference: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        let invalid = |what: String| Refusal::new(Code::DirectoryInvalid, what);
        let signed = Directory::verify_head(root, difference)?;
        let difference = DirectoryDifference::decode(difference).map_err(|e| invalid(e.detail))?;
        let file = DirectoryFile::decode(file).map_err(|e| invalid(e.detail))?;
        let (have, comes) = (file.head.version, signed.head.version);
        if comes <= have {
            let detail = format!("the difference leads to version {comes}; version {have} is here");
            return Err(Refusal::new(Code::DirectoryOld, detail));
        }
        if difference.base != file.digest() {
            let detail = format!(
                "the difference to version {comes} is made for another version than the version \
                 {have} that is here: take the whole directory"
            );
            return Err(invalid(detail));
        }
        let made = difference.apply(file).map_err(|e| invalid(e.detail))?;
        Ok(made.encode())
    }
}

/// Whether the file may replace the directory in force.
fn follows(previous: &Directory, file: &DirectoryFile, now: UnixMillis) -> Result<(), Refusal> {
    let (have, comes) = (previous.version(), file.head.version);
    if previous.network() != file.head.network {
        return Err(Refusal::new(Code::WrongNetwork, "the directory is of another network"));
    }
    if comes < have {
        let detail = format!("version {comes}; version {have} is in force");
        return Err(Refusal::new(Code::DirectoryOld, detail));
    }
    if comes == have {
        if file.digest() == previous.digest() {
            return Ok(());
        }
        let detail = format!("version {comes} with another content than the one in force");
        return Err(Refusal::new(Code::DirectoryFork, detail));
    }
    if have.checked_add(1) == Some(comes) && file.head.previous != Some(previous.digest()) {
        let detail = format!("version {comes} does not follow from the version {have} in force");
        return Err(Refusal::new(Code::DirectoryFork, detail));
    }
    if now > file.head.expires_at {
        let detail = format!("version {comes} expired at {}", file.head.expires_at);
        return Err(Refusal::new(Code::DirectoryInvalid, detail));
    }
    Ok(())
}
