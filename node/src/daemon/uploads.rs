//! Documents uploaded before the dispatch that names them.
//!
//! An upload belongs to its agency: only a dispatch of the same agency may use it, so that knowing
//! a digest never gets anybody a document. What is not used within a day is removed; after a
//! restart uploads are forgotten and the client is told to upload again.

use std::collections::BTreeMap;
use std::sync::Mutex;

use tram_dispatch::{AgencyCode, Digest};

/// Most finished uploads remembered.
const UPLOADS_MAX: usize = 100_000;
/// Finished uploads are kept this long, monotonic ms.
const KEEP_MS: u64 = 86_400_000;

/// Finished uploads, by agency and digest: (size in bytes, monotonic ms).
#[derive(Debug, Default)]
pub(crate) struct Uploads(Mutex<BTreeMap<(AgencyCode, Digest), (u64, u64)>>);

impl Uploads {
    /// Remembers a finished upload; false when there are too many.
    pub(crate) fn add(&self, agency: &AgencyCode, digest: Digest, size: u64, now_ms: u64) -> bool {
        let Ok(mut map) = self.0.lock() else { return false };
        if map.len() >= UPLOADS_MAX {
            return false;
        }
        map.insert((agency.clone(), digest), (size, now_ms));
        true
    }

    /// The size of an agency's finished upload.
    pub(crate) fn size(&self, agency: &AgencyCode, digest: &Digest) -> Option<u64> {
        let map = self.0.lock().ok()?;
        map.get(&(agency.clone(), *digest)).map(|(size, _)| *size)
    }

    /// Forgets uploads that are too old; gives documents no agency has uploaded any more.
    pub(crate) fn expire(&self, now_ms: u64) -> Vec<Digest> {
        let Ok(mut map) = self.0.lock() else { return Vec::new() };
        let old: Vec<(AgencyCode, Digest)> = map
            .iter()
            .filter(|(_, (_, at))| now_ms.saturating_sub(*at) > KEEP_MS)
            .map(|(key, _)| key.clone())
            .collect();
        for key in &old {
            map.remove(key);
        }
        let mut gone: Vec<Digest> = old.into_iter().map(|(_, d)| d).collect();
        gone.sort();
        gone.dedup();
        gone.retain(|d| !map.keys().any(|(_, other)| other == d));
        gone
    }

    /// Whether somebody still counts on this document.
    pub(crate) fn contains(&self, digest: &Digest) -> bool {
        self.0.lock().is_ok_and(|map| map.keys().any(|(_, d)| d == digest))
    }
}

/// Uploads that broke off, by agency and digest: (size, bytes here).
#[derive(Debug, Default)]
pub(crate) struct PartialUploads(Mutex<BTreeMap<(AgencyCode, Digest), (u64, u64)>>);

impl PartialUploads {
    pub(crate) fn get(&self, agency: &AgencyCode, digest: &Digest) -> Option<(u64, u64)> {
        self.0.lock().ok()?.get(&(agency.clone(), *digest)).copied()
    }

    pub(crate) fn set(&self, agency: &AgencyCode, digest: Digest, size: u64, held: u64) {
        if let Ok(mut map) = self.0.lock()
            && map.len() < UPLOADS_MAX
        {
            map.insert((agency.clone(), digest), (size, held));
        }
    }

    pub(crate) fn remove(&self, agency: &AgencyCode, digest: &Digest) {
        if let Ok(mut map) = self.0.lock() {
            map.remove(&(agency.clone(), *digest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_belongs_to_its_agency_and_ends() {
        let uploads = Uploads::default();
        let (a, b): (AgencyCode, AgencyCode) = ("H41".parse().unwrap(), "H42".parse().unwrap());
        let d = Digest([7; 32]);
        assert!(uploads.add(&a, d, 10, 0));
        assert_eq!((uploads.size(&a, &d), uploads.size(&b, &d)), (Some(10), None));
        assert!(uploads.add(&b, d, 10, KEEP_MS));
        assert_eq!(uploads.expire(KEEP_MS + 1), []);
        assert!(uploads.contains(&d));
        assert_eq!(uploads.expire(3 * KEEP_MS), [d]);
        assert!(!uploads.contains(&d));
    }
}
