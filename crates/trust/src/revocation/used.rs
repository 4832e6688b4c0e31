//! Which of many kept lists a record commits to.

use tram_crypto::sha256_parts;
use tram_dispatch::{Digest, UnixMillis};
use tram_wire::SealedDispatch;

use super::{Crl, Crls};
use crate::certificate::Certificate;

/// Most combinations that are tried: a hash each.
const TRIES_MAX: usize = 200_000;

impl Crls {
    /// The lists among these that `used` names (field 18 of a record about this dispatch, judged at
    /// `at`), in the order of the certificates on the path: what an evidence file carries. `None` where
    /// they are not all here.
    ///
    /// A record names several lists by one digest over theirs, so the newest of each issuer are tried
    /// first: those that were in force.
    pub fn used(&self, sealed: &SealedDispatch, at: UnixMillis, used: Digest) -> Option<Vec<&Crl>> {
        if let Some(one) = self.lists.get(&used) {
            return Some(vec![one]);
        }
        let mut levels: Vec<Vec<&Crl>> = Vec::new();
        for der in sealed.chain() {
            let certificate = Certificate::parse(der).ok()?;
            let about = |list: &&Crl| list.covers(&certificate) && list.this_update() <= at;
            let mut lists: Vec<&Crl> = self.lists().filter(about).collect();
            lists.sort_by_key(|list| std::cmp::Reverse(list.this_update()));
            levels.push(lists);
        }
        let mut tries = TRIES_MAX;
        choose(&levels, &mut Vec::new(), used, &mut tries)
    }
}

/// One list, or none, for each level, newest first.
fn choose<'a>(
    levels: &[Vec<&'a Crl>],
    chosen: &mut Vec<&'a Crl>,
    used: Digest,
    tries: &mut usize,
) -> Option<Vec<&'a Crl>> {
    let Some((level, above)) = levels.split_first() else {
        *tries = tries.checked_sub(1)?;
        let digests: Vec<[u8; 32]> = chosen.iter().map(|list| list.digest().0).collect();
        let parts: Vec<&[u8]> = digests.iter().map(|digest| &digest[..]).collect();
        return (sha256_parts(&parts) == used.0).then(|| chosen.clone());
    };
    for list in level {
        // One that speaks about two certificates counts once.
        let again = chosen.iter().any(|c| c.digest() == list.digest());
        if !again {
            chosen.push(list);
        }
        let found = choose(above, chosen, used, tries);
        if !again {
            chosen.pop();
        }
        if found.is_some() || *tries == 0 {
            return found;
        }
    }
    choose(above, chosen, used, tries)
}
