//! Documents that are here before the dispatch that names them.
//!
//! Each belongs to who brought it: an agency that uploaded it, or a peer that gave it for one
//! dispatch. Only a dispatch of the same agency, or the same dispatch offered again by the same peer,
//! may count on it, so that knowing a digest never gets anybody a document. What is not used within
//! a day is removed; after a restart everything here is forgotten, and comes again.

use std::collections::BTreeMap;
use std::sync::Mutex;

use tram_dispatch::Digest;

use super::bringer::{Bringer, Owner};

/// Most finished documents remembered; peers get half of it, so that agencies always find room.
const UPLOADS_MAX: usize = 100_000;
/// What nobody used is kept this long, monotonic ms.
const KEEP_MS: u64 = 86_400_000;

/// Finished documents: per digest, who brought it, with (size in bytes, monotonic ms).
#[derive(Debug, Default)]
pub struct Uploads(Mutex<Finished>);

#[derive(Debug, Default)]
struct Finished {
    by_digest: BTreeMap<Digest, BTreeMap<Bringer, (u64, u64)>>,
    count: usize,
    bytes: BTreeMap<Owner, u64>,
}

impl Finished {
    fn change_bytes(&mut self, owner: Owner, by: impl FnOnce(u64) -> u64) {
        let bytes = self.bytes.get(&owner).copied().unwrap_or(0);
        match by(bytes) {
            0 => self.bytes.remove(&owner),
            bytes => self.bytes.insert(owner, bytes),
        };
    }
}

impl Uploads {
    /// Remembers a finished document of `size` bytes; false when there are too many. `now_ms` is
    /// monotonic, here and below.
    pub fn add(&self, who: &Bringer, digest: Digest, size: u64, now_ms: u64) -> bool {
        let Ok(mut all) = self.0.lock() else { return false };
        let max = match who {
            Bringer::Agency(_) => UPLOADS_MAX,
            Bringer::Peer(..) => UPLOADS_MAX / 2,
        };
        if all.count >= max {
            return false;
        }
        let before = all.by_digest.entry(digest).or_default().insert(who.clone(), (size, now_ms));
        all.count += usize::from(before.is_none());
        let before = before.map_or(0, |(size, _)| size);
        all.change_bytes(who.owner(), |bytes| bytes.saturating_sub(before).saturating_add(size));
        true
    }

    /// Bytes of the finished documents of one owner.
    pub fn bytes_of(&self, who: &Bringer) -> u64 {
        let all = self.0.lock().ok();
        all.and_then(|all| all.bytes.get(&who.owner()).copied()).unwrap_or(0)
    }

    /// The size in bytes of a finished document of this bringer.
    pub fn size(&self, who: &Bringer, digest: &Digest) -> Option<u64> {
        let all = self.0.lock().ok()?;
        all.by_digest.get(digest)?.get(who).map(|(size, _)| *size)
    }

    /// Forgets one; true if it was there.
    pub fn forget(&self, who: &Bringer, digest: &Digest) -> bool {
        let Ok(mut all) = self.0.lock() else { return false };
        let Some(bringers) = all.by_digest.get_mut(digest) else { return false };
        let Some((size, _)) = bringers.remove(who) else { return false };
        if bringers.is_empty() {
            all.by_digest.remove(digest);
        }
        all.count -= 1;
        all.change_bytes(who.owner(), |bytes| bytes.saturating_sub(size));
        true
    }

    /// Forgets one whoever brought it: its file goes.
    pub fn forget_all(&self, digest: &Digest) {
        let Ok(mut all) = self.0.lock() else { return };
        let bringers = all.by_digest.remove(digest).unwrap_or_default();
        all.count -= bringers.len();
        for (who, (size, _)) in bringers {
            all.change_bytes(who.owner(), |bytes| bytes.saturating_sub(size));
        }
    }

    /// Forgets what is too old; gives documents that nobody here counts on any more.
    pub fn expire(&self, now_ms: u64) -> Vec<Digest> {
        let Ok(mut all) = self.0.lock() else { return Vec::new() };
        let (mut gone, mut left) = (Vec::new(), 0);
        let mut bytes: BTreeMap<Owner, u64> = BTreeMap::new();
        all.by_digest.retain(|digest, bringers| {
            bringers.retain(|_, (_, at)| now_ms.saturating_sub(*at) <= KEEP_MS);
            left += bringers.len();
            for (who, (size, _)) in bringers.iter() {
                *bytes.entry(who.owner()).or_default() += size;
            }
            if bringers.is_empty() {
                gone.push(*digest);
            }
            !bringers.is_empty()
        });
        all.count = left;
        all.bytes = bytes;
        gone
    }

    /// Whether somebody still counts on this document.
    pub fn contains(&self, digest: &Digest) -> bool {
        self.0.lock().is_ok_and(|all| all.by_digest.contains_key(digest))
    }
}

/// Documents that broke off on their way, by bringer and digest.
#[derive(Debug, Default)]
pub struct PartialUploads(Mutex<BTreeMap<(Bringer, Digest), Partial>>);

/// One that broke off.
#[derive(Clone, Copy, Debug)]
struct Partial {
    size: u64,
    held: u64,
    at_ms: u64,
}

impl PartialUploads {
    /// (Size in bytes, bytes here).
    pub fn get(&self, who: &Bringer, digest: &Digest) -> Option<(u64, u64)> {
        let all = self.0.lock().ok()?;
        all.get(&(who.clone(), *digest)).map(|p| (p.size, p.held))
    }

    /// Bytes promised to the documents of one owner that broke off, but for this one.
    pub fn bytes_of(&self, who: &Bringer, except: &Digest) -> u64 {
        let Ok(all) = self.0.lock() else { return 0 };
        let owner = who.owner();
        all.range((who.first_of_owner(), Digest([0; 32]))..)
            .take_while(|((bringer, _), _)| bringer.owner() == owner)
            .filter(|((bringer, digest), _)| !(bringer == who && digest == except))
            .fold(0, |sum, (_, p)| sum.saturating_add(p.size))
    }

    /// Notes one; false when there are too many: then its staged file must go at once.
    pub fn set(&self, who: &Bringer, digest: Digest, size: u64, held: u64, at_ms: u64) -> bool {
        let Ok(mut all) = self.0.lock() else { return false };
        let key = (who.clone(), digest);
        if all.len() >= UPLOADS_MAX && !all.contains_key(&key) {
            return false;
        }
        all.insert(key, Partial { size, held, at_ms });
        true
    }

    /// Forgets one: it is whole, or its staged file is gone.
    pub fn remove(&self, who: &Bringer, digest: &Digest) {
        if let Ok(mut all) = self.0.lock() {
            all.remove(&(who.clone(), *digest));
        }
    }

    /// Those that nobody resumed in time; their staged files are to go. Each stays noted until
    /// [`PartialUploads::remove`].
    pub fn expired(&self, now_ms: u64) -> Vec<(Bringer, Digest)> {
        let Ok(all) = self.0.lock() else { return Vec::new() };
        let old = |p: &Partial| now_ms.saturating_sub(p.at_ms) > KEEP_MS;
        all.iter().filter(|(_, p)| old(p)).map(|(key, _)| key.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tram_dispatch::DispatchId;

    fn agency(code: &str) -> Bringer {
        Bringer::Agency(code.parse().unwrap())
    }

    #[test]
    fn an_upload_belongs_to_its_agency_and_ends() {
        let uploads = Uploads::default();
        let (a, b, d) = (agency("H41"), agency("H42"), Digest([7; 32]));
        assert!(uploads.add(&a, d, 10, 0));
        assert_eq!((uploads.size(&a, &d), uploads.size(&b, &d)), (Some(10), None));
        assert!(uploads.add(&b, d, 10, KEEP_MS));
        assert_eq!(uploads.expire(KEEP_MS + 1), []);
        assert!(uploads.contains(&d));
        assert_eq!(uploads.expire(3 * KEEP_MS), [d]);
        assert!(!uploads.contains(&d));
    }

    #[test]
    fn what_a_peer_gave_is_for_that_dispatch_alone() {
        let uploads = Uploads::default();
        let peer = |n| Bringer::Peer("n1.H41".parse().unwrap(), DispatchId([n; 32]));
        let d = Digest([7; 32]);
        assert!(uploads.add(&peer(1), d, 10, 0));
        assert_eq!((uploads.size(&peer(1), &d), uploads.size(&peer(2), &d)), (Some(10), None));
        assert_ne!(peer(1).staging_name(&d), peer(2).staging_name(&d));
        assert!(uploads.forget(&peer(1), &d) && !uploads.forget(&peer(1), &d));
        assert!(!uploads.contains(&d));
    }

    #[test]
    fn what_goes_is_forgotten_whoever_brought_it() {
        let uploads = Uploads::default();
        let (a, b, d, e) = (agency("H41"), agency("H42"), Digest([7; 32]), Digest([8; 32]));
        let peer = Bringer::Peer("n1.H41".parse().unwrap(), DispatchId([1; 32]));
        for who in [&a, &b, &peer] {
            assert!(uploads.add(who, d, 10, 0) && uploads.add(who, e, 5, 0));
        }
        uploads.forget_all(&d);
        uploads.forget_all(&d);
        for who in [&a, &b, &peer] {
            assert_eq!((uploads.size(who, &d), uploads.size(who, &e)), (None, Some(5)));
            assert_eq!(uploads.bytes_of(who), 5);
        }
        assert!(uploads.add(&a, d, 10, 0), "it may come anew");
    }

    #[test]
    fn bytes_are_counted_for_who_has_to_answer_for_them() {
        let (uploads, partial) = (Uploads::default(), PartialUploads::default());
        let peer = |n| Bringer::Peer("n1.H41".parse().unwrap(), DispatchId([n; 32]));
        let (a, d, e) = (agency("H41"), Digest([7; 32]), Digest([8; 32]));
        assert!(uploads.add(&a, d, 10, 0) && uploads.add(&a, e, 5, KEEP_MS));
        assert!(uploads.add(&a, d, 12, 0), "again: not twice");
        assert!(uploads.add(&peer(1), d, 3, 0) && uploads.add(&peer(2), d, 4, 0));
        assert_eq!((uploads.bytes_of(&a), uploads.bytes_of(&peer(9))), (17, 7));
        uploads.forget(&peer(1), &d);
        uploads.expire(KEEP_MS + 1);
        assert_eq!((uploads.bytes_of(&a), uploads.bytes_of(&peer(2))), (5, 0));
        for (who, digest, size) in [(peer(1), d, 10), (peer(2), e, 20), (agency("H42"), d, 40)] {
            assert!(partial.set(&who, digest, size, 1, 0));
        }
        assert_eq!(partial.bytes_of(&peer(2), &d), 30);
        assert_eq!(partial.bytes_of(&peer(2), &e), 10);
        assert_eq!((partial.bytes_of(&agency("H42"), &e), partial.bytes_of(&a, &d)), (40, 0));
    }

    #[test]
    fn what_broke_off_is_noted_until_its_file_is_gone() {
        let (partial, a, d) = (PartialUploads::default(), agency("H41"), Digest([7; 32]));
        assert!(partial.set(&a, d, 10, 4, 0));
        assert_eq!(partial.get(&a, &d), Some((10, 4)));
        assert!(partial.expired(KEEP_MS).is_empty());
        assert_eq!(partial.expired(KEEP_MS + 1), [(a.clone(), d)]);
        partial.remove(&a, &d);
        assert_eq!(partial.get(&a, &d), None);
    }
}
