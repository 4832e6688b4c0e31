//! Revocation: the configured lists, and what they say about one certificate at one moment.

mod list;
mod used;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

pub use list::Crl;
use tram_crypto::{sha256, sha256_parts};
use tram_dispatch::{Code, Digest, UnixMillis};
use x509_parser::pem::Pem;

use crate::cache::Cache;
use crate::certificate::Certificate;
use crate::verdict::Refusal;

/// Most lists held at a time.
pub const CRLS_MAX: usize = 1024;

/// Most (list, issuer key) pairs whose signature check is remembered.
const SIGNATURES_CACHED_MAX: usize = 4 * CRLS_MAX;

/// Most keys remembered that signed one list: one, but for keys that were certified anew.
const SIGNERS_MAX: usize = 4;

/// By (list, SHA-256 of the key's SubjectPublicKeyInfo): whether that key signed that list.
type Signatures = Cache<(Digest, [u8; 32]), bool>;

/// The revocation lists in force, from configured files. Cloning shares them.
#[derive(Clone, Debug)]
pub struct Crls {
    lists: BTreeMap<Digest, Arc<Crl>>,
    signatures: Arc<Mutex<Signatures>>,
    /// Keys (SubjectPublicKeyInfo) that signed a list, as far as anybody asked.
    signers: Arc<Mutex<Signers>>,
}

type Signers = BTreeMap<Digest, BTreeSet<Vec<u8>>>;

impl Default for Crls {
    fn default() -> Self {
        Crls {
            lists: BTreeMap::new(),
            signatures: Arc::new(Mutex::new(Cache::new(SIGNATURES_CACHED_MAX))),
            signers: Arc::default(),
        }
    }
}

impl Crls {
    /// No list at all: every verdict will say "revocation not checked".
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds the lists of one file, DER or PEM (one or more blocks `X509 CRL`). Lists may overlap:
    /// of those that speak about a certificate the newest decides.
    ///
    /// # Errors
    /// `UNREADABLE` or `TOO_LARGE`; then nothing of the file was added, and the lists held before
    /// stay in force.
    pub fn add(&mut self, file: &[u8]) -> Result<usize, Refusal> {
        let mut read = Vec::new();
        if file.starts_with(&[0x30]) {
            read.push(Crl::parse(file)?);
        } else {
            for block in Pem::iter_from_buffer(file) {
                let block =
                    block.map_err(|e| Refusal::new(Code::Unreadable, format!("bad PEM: {e}")))?;
                if block.label != "X509 CRL" {
                    let detail = format!("a PEM block \"{}\" among revocation lists", block.label);
                    return Err(Refusal::new(Code::Unreadable, detail));
                }
                read.push(Crl::parse(&block.contents)?);
            }
        }
        if read.is_empty() {
            return Err(Refusal::new(Code::Unreadable, "no revocation list in the file"));
        }
        if self.lists.len() + read.len() > CRLS_MAX {
            let detail = format!("more than {CRLS_MAX} revocation lists");
            return Err(Refusal::new(Code::TooLarge, detail));
        }
        let count = read.len();
        self.lists.extend(read.into_iter().map(|list| (list.digest(), Arc::new(list))));
        Ok(count)
    }

    /// Takes the lists of another set in as well.
    ///
    /// # Errors
    /// `TOO_LARGE` over [`CRLS_MAX`]; then none of them was taken.
    pub fn include(&mut self, other: &Crls) -> Result<(), Refusal> {
        let new = other.lists.keys().filter(|digest| !self.lists.contains_key(digest)).count();
        if self.lists.len() + new > CRLS_MAX {
            let detail = format!("more than {CRLS_MAX} revocation lists");
            return Err(Refusal::new(Code::TooLarge, detail));
        }
        self.lists.extend(other.lists.iter().map(|(digest, list)| (*digest, list.clone())));
        Ok(())
    }

    /// Puts these lists, newly read, in the place of those in force. A list in force stays until one
    /// of its issuer for the same certificates is here that is no older and signed by a key that
    /// signed it: a file that was mixed up or put back must not make a revoked certificate good
    /// again. Gives the lists that stayed although the files do not hold them any more.
    ///
    /// # Errors
    /// `TOO_LARGE` over [`CRLS_MAX`].
    pub fn replacing(mut self, before: &Crls) -> Result<(Self, Vec<Arc<Crl>>), Refusal> {
        self.signatures = before.signatures.clone();
        self.signers = before.signers.clone();
        let stay: Vec<Arc<Crl>> = before
            .lists
            .values()
            .filter(|old| !self.lists.contains_key(&old.digest()))
            .filter(|old| !self.is_superseded(old, before))
            .cloned()
            .collect();
        if self.lists.len() + stay.len() > CRLS_MAX {
            let detail = format!("more than {CRLS_MAX} revocation lists");
            return Err(Refusal::new(Code::TooLarge, detail));
        }
        self.lists.extend(stay.iter().map(|list| (list.digest(), list.clone())));
        Ok((self, stay))
    }

    /// Whether one of these lists, or a later one of before, takes the place of a list of before.
    fn is_superseded(&self, old: &Crl, before: &Crls) -> bool {
        let signers = self.signers.lock().unwrap_or_else(PoisonError::into_inner);
        let signers = signers.get(&old.digest()).cloned().unwrap_or_default();
        let of_before = before.lists.values().filter(|l| l.this_update() > old.this_update());
        let later = self.lists.values().chain(of_before).filter(|l| l.is_later_than(old));
        later.into_iter().any(|new| {
            // One that nobody ever asked about has no known signer.
            signers.is_empty() || signers.iter().any(|key| new.signed_by(key))
        })
    }

    /// The lists held, in the order of their digests.
    pub fn lists(&self) -> impl Iterator<Item = &Crl> {
        self.lists.values().map(|list| &**list)
    }

    /// What the newest list of `issuer` says about `certificate`; `None` where there is no list. A
    /// list that the issuer's key did not sign counts as no list: whoever can write a file must not
    /// be able to stop traffic, nor to revoke.
    pub(crate) fn about(&self, certificate: &Certificate, issuer: &Certificate) -> Option<Listed> {
        if issuer.usages().is_some_and(|usages| !usages.crl_sign) {
            return None;
        }
        let mut best: Option<&Arc<Crl>> = None;
        for list in self.lists.values().filter(|list| list.covers(certificate)) {
            let newer = best.is_none_or(|b| list.this_update() > b.this_update());
            if newer && self.is_signed_by(list, issuer.spki()) {
                best = Some(list);
            }
        }
        best.map(|list| Listed {
            this_update: list.this_update(),
            next_update: list.next_update(),
            digest: list.digest(),
            revoked_at: list.revoked_at(certificate.serial()),
        })
    }

    fn is_signed_by(&self, list: &Crl, spki: &[u8]) -> bool {
        let key = (list.digest(), sha256(spki));
        // A poisoned lock means a panic elsewhere; the cache is only a memory of pure results.
        let mut cache = self.signatures.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = cache.get(&key) {
            return known;
        }
        let signed = list.signed_by(spki);
        cache.insert(key, signed);
        if signed {
            let mut signers = self.signers.lock().unwrap_or_else(PoisonError::into_inner);
            let of_list = signers.entry(list.digest()).or_default();
            if of_list.len() < SIGNERS_MAX {
                of_list.insert(spki.to_vec());
            }
        }
        signed
    }
}

/// What one list says about one certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    this_update: UnixMillis,
    next_update: UnixMillis,
    digest: Digest,
    revoked_at: Option<UnixMillis>,
}

/// Revocation of a whole path at the moment that judges it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// No list is configured for the issuer of the leaf.
    NotChecked,
    /// Not revoked, by lists that were in force.
    Good {
        /// The oldest thisUpdate among the lists used.
        as_of: UnixMillis,
        /// How many certificates above the leaf have an issuer without a list.
        unlisted: u8,
    },
    /// Not revoked as of `as_of`; a newer list was due, and the grace has not run out.
    Stale {
        /// The oldest thisUpdate among the lists used.
        as_of: UnixMillis,
        /// How many certificates above the leaf have an issuer without a list.
        unlisted: u8,
    },
    /// The grace has run out: nobody knows. Only in what was verified for a relay.
    Unknown {
        /// The oldest thisUpdate among the lists there are.
        as_of: UnixMillis,
    },
}

/// What the lists say about a path, leaf first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathStatus(pub(crate) Vec<Option<Listed>>);

impl PathStatus {
    /// The first certificate on the path (0 is the leaf) that was revoked by `at`, and when.
    pub(crate) fn revoked(&self, at: UnixMillis) -> Option<(usize, UnixMillis)> {
        self.0.iter().enumerate().find_map(|(place, listed)| {
            let revoked_at = listed.as_ref()?.revoked_at?;
            (revoked_at <= at).then_some((place, revoked_at))
        })
    }

    /// The status at `at`, which is not revoked. A list is in force until its nextUpdate, and
    /// decides for `grace_ms` after it.
    pub(crate) fn status(&self, at: UnixMillis, grace_ms: u64) -> Revocation {
        let used: Vec<&Listed> = self.0.iter().flatten().collect();
        let Some(as_of) = used.iter().map(|l| l.this_update).min() else {
            return Revocation::NotChecked;
        };
        let leaf_is_listed = self.0.first().is_some_and(Option::is_some);
        let unlisted = u8::try_from(self.0.len() - used.len()).unwrap_or(u8::MAX);
        if used.iter().any(|l| l.over(at, grace_ms)) {
            Revocation::Unknown { as_of }
        } else if !leaf_is_listed {
            Revocation::NotChecked
        } else if used.iter().any(|l| l.over(at, 0)) {
            Revocation::Stale { as_of, unlisted }
        } else {
            Revocation::Good { as_of, unlisted }
        }
    }

    /// Names the lists used: the digest of the one list, or SHA-256 over the digests of several in
    /// path order, repeats left out.
    pub(crate) fn digest(&self) -> Option<Digest> {
        let mut digests: Vec<&[u8]> = Vec::new();
        for listed in self.0.iter().flatten() {
            if !digests.contains(&&listed.digest.0[..]) {
                digests.push(&listed.digest.0);
            }
        }
        match &digests[..] {
            [] => None,
            [one] => <[u8; 32]>::try_from(*one).ok().map(Digest),
            several => Some(Digest(sha256_parts(several))),
        }
    }
}

impl Listed {
    fn over(&self, at: UnixMillis, grace_ms: u64) -> bool {
        at >= self.next_update.plus_ms(grace_ms)
    }
}
