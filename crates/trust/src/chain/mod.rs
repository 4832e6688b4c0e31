//! Paths from a leaf to a configured anchor (RFC 5280 section 6).
//!
//! rustls-webpki builds the path and checks signatures, validity, basic constraints, path length,
//! name constraints, extended key usage where a CA restricts it, and unknown critical extensions,
//! within a budget of 100 signature checks. What it leaves out is checked here: keyUsage of the CAs,
//! the kinds and sizes of all keys on the path, counts and sizes, and revocation at one moment.

mod explain;

use std::cell::RefCell;

use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use tram_dispatch::limits::CHAIN_CERTIFICATES_MAX;
use tram_dispatch::{Code, UnixMillis};
use webpki::{
    ALL_VERIFICATION_ALGS, EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter,
    KeyUsage, RequiredEkuNotFoundContext, VerifiedPath, anchor_from_trusted_cert,
};

use crate::certificate::Certificate;
use crate::certificate::profile::Purpose;
use crate::revocation::{Crls, PathStatus};
use crate::verdict::Refusal;

/// The anchors that chains for one purpose may end at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Anchors {
    trust: Vec<TrustAnchor<'static>>,
    certificates: Vec<Certificate>,
}

impl Anchors {
    /// Adds an anchor from the root document.
    ///
    /// # Errors
    /// `CERTIFICATE_INVALID` if it is no CA that may sign certificates, `ALGORITHM_REFUSED` for its
    /// key. Its own signature and validity do not matter: the root document vouches for it.
    pub(crate) fn add(&mut self, der: &[u8]) -> Result<(), Refusal> {
        let certificate = Certificate::parse(der)?;
        certificate.key()?;
        if !certificate.is_ca() || certificate.usages().is_some_and(|u| !u.certificate_sign) {
            let detail = format!("the anchor \"{}\" is not a CA", certificate.subject());
            return Err(Refusal::new(Code::CertificateInvalid, detail));
        }
        let bytes = CertificateDer::from(der);
        let anchor = anchor_from_trusted_cert(&bytes).map_err(|e| {
            let detail = format!("the anchor \"{}\" is malformed: {e}", certificate.subject());
            Refusal::new(Code::CertificateInvalid, detail)
        })?;
        self.trust.push(anchor.to_owned());
        self.certificates.push(certificate);
        Ok(())
    }

    /// The certificate behind an anchor that webpki ended a path at.
    fn certificate_of(&self, anchor: &TrustAnchor<'_>) -> Option<&Certificate> {
        let place = self.trust.iter().position(|t| t == anchor)?;
        self.certificates.get(place)
    }
}

/// A path that holds for every moment in its window.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    /// Where its certificates stand in the chain given, leaf first.
    pub(crate) places: Vec<usize>,
    /// First and last moment at which every certificate on it (the anchor not counted) is valid.
    pub(crate) window: (UnixMillis, UnixMillis),
    /// What the revocation lists say, leaf first.
    pub(crate) status: PathStatus,
}

/// Reads a chain, leaf first.
///
/// # Errors
/// `CERTIFICATE_UNTRUSTED` when empty, `TOO_LARGE` over [`CHAIN_CERTIFICATES_MAX`], and those of
/// [`Certificate::parse`].
pub(crate) fn read(chain: &[Vec<u8>]) -> Result<Vec<Certificate>, Refusal> {
    if chain.is_empty() {
        return Err(no_certificate());
    }
    if chain.len() > CHAIN_CERTIFICATES_MAX {
        let detail =
            format!("{} certificates; at most {CHAIN_CERTIFICATES_MAX} are taken", chain.len());
        return Err(Refusal::new(Code::TooLarge, detail));
    }
    chain.iter().map(|der| Certificate::parse(der)).collect()
}

pub(crate) fn no_certificate() -> Refusal {
    Refusal::new(Code::CertificateUntrusted, "there is no certificate")
}

/// Builds a path for `purpose` that holds at `at`: validity as well as revocation. `chain` is not
/// empty, leaf first; the rest may stand in any order and hold more than is needed.
///
/// # Errors
/// The refusal of the path that came furthest; see `explain`.
pub(crate) fn build(
    anchors: &Anchors,
    chain: &[Certificate],
    purpose: Purpose,
    at: UnixMillis,
    crls: &Crls,
) -> Result<Path, Refusal> {
    let ders: Vec<CertificateDer<'_>> =
        chain.iter().map(|c| CertificateDer::from(c.der())).collect();
    let explained = |error: Error| explain::refusal(error, chain, anchors, at);
    let (Some(leaf_der), Some(leaf)) = (ders.first(), chain.first()) else {
        return Err(explained(Error::UnknownIssuer));
    };
    let end_entity = EndEntityCert::try_from(leaf_der).map_err(explained)?;
    // Why the last candidate path was turned down by our own checks, and the path that passed.
    let ours: RefCell<Option<Refusal>> = RefCell::new(None);
    let found: RefCell<Option<Path>> = RefCell::new(None);
    let judge =
        |candidate: &VerifiedPath<'_>| match judge(candidate, anchors, chain, leaf, at, crls) {
            Ok(path) => {
                found.replace(Some(path));
                Ok(())
            }
            Err(refusal) => {
                ours.replace(Some(refusal));
                Err(Error::CertDistrusted)
            }
        };
    let result = end_entity.verify_for_usage(
        ALL_VERIFICATION_ALGS,
        &anchors.trust,
        &ders[1..],
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(at.secs())),
        Restricted(purpose),
        None,
        Some(&judge),
    );
    match (result, found.into_inner(), ours.into_inner()) {
        (Ok(_), Some(path), _) => Ok(path),
        (Ok(_), None, _) => Err(explained(Error::UnknownIssuer)),
        (Err(Error::CertDistrusted), _, Some(refusal)) => Err(refusal),
        (Err(error), _, _) => Err(explained(error)),
    }
}

/// Our own checks on a path whose signatures, names and times webpki has found right.
fn judge(
    candidate: &VerifiedPath<'_>,
    anchors: &Anchors,
    chain: &[Certificate],
    leaf: &Certificate,
    at: UnixMillis,
    crls: &Crls,
) -> Result<Path, Refusal> {
    let lost = || Refusal::new(Code::CertificateUntrusted, "the path does not lead to an anchor");
    let (mut path, mut places) = (vec![leaf], vec![0]);
    for intermediate in candidate.intermediate_certificates() {
        let der = intermediate.der();
        let place = chain.iter().position(|c| c.der() == der.as_ref()).ok_or_else(lost)?;
        path.push(&chain[place]);
        places.push(place);
    }
    let anchor = anchors.certificate_of(candidate.anchor()).ok_or_else(lost)?;
    for authority in &path[1..] {
        authority.key()?;
        // RFC 5280 section 6.1.4 (n).
        if authority.usages().is_some_and(|u| !u.certificate_sign) {
            let detail = format!(
                "the key usage of the CA \"{}\" does not allow signing certificates",
                authority.subject()
            );
            return Err(Refusal::new(Code::CertificateInvalid, detail));
        }
    }
    let issuers = path[1..].iter().copied().chain([anchor]);
    let status = PathStatus(path.iter().zip(issuers).map(|(c, i)| crls.about(c, i)).collect());
    if let Some((place, revoked_at)) = status.revoked(at) {
        return Err(explain::revoked(path.get(place).copied().unwrap_or(leaf), revoked_at, at));
    }
    let from = path.iter().map(|c| c.not_before()).max().unwrap_or_default();
    // notAfter is the last valid second, all of it.
    let until = path.iter().map(|c| c.not_after().plus_ms(999)).min().unwrap_or_default();
    Ok(Path { places, window: (from, until), status })
}

/// Extended key usage along the path: a certificate that has the extension must allow the purpose.
/// That the leaf has it is the profile's to demand (`KeyUsage::required` would demand it of the CAs
/// as well, which seldom have one).
struct Restricted(Purpose);

impl ExtendedKeyUsageValidator for Restricted {
    fn validate(&self, listed: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        let mut present = Vec::new();
        for purpose in listed {
            present.push(purpose?.to_decoded_oid());
        }
        let dotted =
            |oid: &Vec<usize>| oid.iter().map(usize::to_string).collect::<Vec<_>>().join(".");
        let texts: Vec<String> = present.iter().map(dotted).collect();
        if texts.is_empty() || self.0.allows(&texts) {
            return Ok(());
        }
        Err(Error::RequiredEkuNotFoundContext(RequiredEkuNotFoundContext {
            required: KeyUsage::client_auth(),
            present,
        }))
    }
}
