//! From a part of a directory, as evidence files carry it, to what it proves.

use std::collections::BTreeMap;
use std::sync::Arc;

use tram_dispatch::Code;
use tram_wire::directory::{DirectoryPart, to_be_signed};

use super::Directory;
use super::index::Listed;
use crate::root::Root;
use crate::verdict::Refusal;

impl Directory {
    /// Verifies the head and the proof of each entry, and indexes these entries alone. What an entry
    /// says of others that are not here is not checked: whoever uses this must conclude nothing from
    /// the absence of an entry. So it stays inside this crate.
    ///
    /// # Errors
    /// `WRONG_NETWORK`; `DIRECTORY_INVALID` with what does not hold.
    pub(crate) fn verify_part(root: &Root, part: &DirectoryPart) -> Result<Directory, Refusal> {
        let invalid = |what: String| Refusal::new(Code::DirectoryInvalid, what);
        if part.head.network != root.network() {
            let detail = "the directory is of another network";
            return Err(Refusal::new(Code::WrongNetwork, detail));
        }
        root.check_threshold(&part.signatures, |a| {
            to_be_signed(a, &part.head_bytes, root.network())
        })
        .map_err(invalid)?;
        for entry in &part.entries {
            let leads_to = entry.root(part.head.entries).map_err(|e| invalid(e.detail))?;
            if leads_to != part.head.root {
                let index = entry.index;
                return Err(invalid(format!("entry {index} is not one that the head commits to")));
            }
        }
        let entries = part.entries.iter().map(|e| e.entry.clone()).collect();
        let listed = Arc::new(Listed::index(entries, false).map_err(invalid)?);
        let (head, digest) = (part.head.clone(), part.digest());
        Ok(Directory { head, digest, listed, adopted: BTreeMap::new() })
    }
}
