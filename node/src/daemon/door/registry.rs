//! Whose a certificate is.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use tram_api::{Peer, Problem};
use tram_config::{Door, DoorSystem, Shown};
use tram_dispatch::{Code, UnixMillis};
use tram_trust::Crls;
use tram_trust::certificate::{Certificate, Name};
use tram_trust::system::SystemAuthorities;

use super::super::alarms::Found;
use super::super::revocation::CrlFiles;

/// The systems that may come in, and what is known of their authorities.
pub(crate) struct Registry {
    authorities: SystemAuthorities,
    files: CrlFiles,
    crls: RwLock<Crls>,
    /// How long a list that ran out still decides.
    grace_ms: u64,
    systems: Vec<(Shown, Arc<str>)>,
}

impl Registry {
    /// Reads the revocation lists, every one of which must be good.
    ///
    /// # Errors
    /// In words, naming the file.
    pub(super) fn new(
        door: &Door,
        authorities_der: &[Vec<u8>],
        grace_ms: u64,
    ) -> Result<Self, String> {
        let authorities = SystemAuthorities::new(authorities_der)
            .map_err(|r| format!("{}: {}", door.authorities.display(), r.detail))?;
        let told =
            |(path, _, detail): (PathBuf, Code, String)| format!("{}: {detail}", path.display());
        let (files, crls) = CrlFiles::load(&door.revocation_lists).map_err(told)?;
        let named = |s: &DoorSystem| (s.shown.clone(), Arc::from(s.name.as_str()));
        let systems = door.systems.iter().map(named).collect();
        Ok(Registry { authorities, files, crls: RwLock::new(crls), grace_ms, systems })
    }

    /// Which system shows these certificates.
    ///
    /// # Errors
    /// `CERTIFICATE_…` and `REVOCATION_UNKNOWN` as they are judged; `NOT_AUTHORISED` for a good one that is
    /// no system's.
    pub(super) fn know(&self, chain_der: &[Vec<u8>], now: UnixMillis) -> Result<Peer, Problem> {
        if chain_der.is_empty() {
            let text = "no certificate was shown: this door knows callers by their certificates";
            return Err(Problem::new(Code::CertificateUntrusted, text));
        }
        let crls = self.crls.read().unwrap_or_else(PoisonError::into_inner).clone();
        let judged = self.authorities.judge(chain_der, &crls, self.grace_ms, now);
        let leaf = judged.map_err(|r| Problem::new(r.code, r.detail))?;
        let known = self.systems.iter().find(|(shown, _)| is(&leaf, shown));
        let certificate = leaf.digest();
        match known {
            Some((_, name)) => Ok(Peer::System { name: name.clone(), certificate }),
            None => {
                let subject = leaf.subject();
                let text = format!(
                    "the certificate {certificate} of \"{subject}\" is of none of the systems that \
                     may come in here"
                );
                Err(Problem::new(Code::NotAuthorised, text))
            }
        }
    }

    /// Looks at the revocation lists again. Blocks.
    pub(super) fn look(&self, now: UnixMillis) {
        let before = self.crls.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(crls) = self.files.look(now, &before) {
            *self.crls.write().unwrap_or_else(PoisonError::into_inner) = crls;
        }
    }

    /// What an operator must know of the lists.
    pub(crate) fn alarms(&self, now: UnixMillis) -> Vec<Found> {
        let crls = self.crls.read().unwrap_or_else(PoisonError::into_inner).clone();
        self.files.alarms(&crls, self.grace_ms, now)
    }
}

/// Whether the configuration means this certificate.
fn is(leaf: &Certificate, shown: &Shown) -> bool {
    let named = |fits: &dyn Fn(&Name) -> bool| leaf.names().iter().any(fits);
    match shown {
        Shown::Sha256(digest) => leaf.digest() == *digest,
        Shown::Subject(subject) => leaf.subject() == subject,
        Shown::Dns(dns) => named(&|n| matches!(n, Name::Dns(d) if d.eq_ignore_ascii_case(dns))),
        Shown::Email(email) => named(&|n| matches!(n, Name::Email(e) if e == email)),
        Shown::Uri(uri) => named(&|n| matches!(n, Name::Uri(u) if u == uri)),
    }
}
