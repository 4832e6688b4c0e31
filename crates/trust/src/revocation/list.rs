//! One certificate revocation list (RFC 5280 section 5).
//!
//! rustls-webpki reads it strictly (version 2, nextUpdate present, no delta, no indirect entries, no
//! partition by reasons, no unknown critical extension). The moment of revocation, which decides
//! here because one moment judges a certificate, is ours to compare.

use rustls_pki_types::{SignatureVerificationAlgorithm, UnixTime};
use tram_crypto::sha256;
use tram_dispatch::limits::CRL_BYTES_MAX;
use tram_dispatch::text::escaped;
use tram_dispatch::{Code, Digest, UnixMillis};
use webpki::{ALL_VERIFICATION_ALGS, CertRevocationList, OwnedCertRevocationList};
use x509_parser::asn1_rs::Any;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::certificate::{Certificate, millis, uris_of};
use crate::verdict::Refusal;

/// A well-formed list. Whether its signature is its issuer's is asked per issuer key.
#[derive(Debug)]
pub struct Crl {
    issuer: String,
    issuer_der: Vec<u8>,
    this_update: UnixMillis,
    next_update: UnixMillis,
    digest: Digest,
    scope: Scope,
    entries: CertRevocationList<'static>,
    /// The whole list, and where in it the signed part lies.
    der: Vec<u8>,
    signed: std::ops::Range<usize>,
    algorithm: Vec<u8>,
    signature: Vec<u8>,
}

/// What the issuingDistributionPoint extension narrows the list to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Scope {
    users_only: bool,
    authorities_only: bool,
    points: Vec<String>,
}

impl Crl {
    /// Reads one list, DER.
    ///
    /// # Errors
    /// `TOO_LARGE` over [`CRL_BYTES_MAX`]; `UNREADABLE` for what is not a list this product can use,
    /// with the reason.
    pub fn parse(der: &[u8]) -> Result<Self, Refusal> {
        if der.len() > CRL_BYTES_MAX {
            let detail = format!("a revocation list of {} bytes is over the limit", der.len());
            return Err(Refusal::new(Code::TooLarge, detail));
        }
        let unreadable = |what: String| Refusal::new(Code::Unreadable, what);
        let entries = OwnedCertRevocationList::from_der(der)
            .map_err(|e| unreadable(format!("not a revocation list that can be used: {e}")))?;
        let (_, parsed) = CertificateRevocationList::from_der(der)
            .map_err(|e| unreadable(format!("not a revocation list: {e}")))?;
        let next = parsed
            .next_update()
            .ok_or_else(|| unreadable("the revocation list has no nextUpdate".to_owned()))?;
        let (signed, algorithm) = signed_parts(der)
            .ok_or_else(|| unreadable("the revocation list is malformed".to_owned()))?;
        if parsed.tbs_cert_list.extensions_map().is_err() {
            return Err(unreadable("an extension occurs twice in the revocation list".to_owned()));
        }
        // Nobody could check it: better said now than taken for no list later.
        if !ALL_VERIFICATION_ALGS.iter().any(|a| a.signature_alg_id().as_ref() == algorithm) {
            return Err(unreadable(
                "the revocation list is signed with a weak algorithm".to_owned(),
            ));
        }
        Ok(Crl {
            issuer: escaped(&parsed.issuer().to_string()),
            issuer_der: parsed.issuer().as_raw().to_vec(),
            this_update: millis(parsed.last_update()),
            next_update: millis(next),
            digest: Digest(sha256(der)),
            scope: scope_of(&parsed),
            signature: parsed.signature_value.data.to_vec(),
            signed,
            der: der.to_vec(),
            algorithm: algorithm.to_vec(),
            entries: entries.into(),
        })
    }

    /// The issuer for people, control characters escaped.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// When it was made.
    pub fn this_update(&self) -> UnixMillis {
        self.this_update
    }

    /// When a newer one was promised.
    pub fn next_update(&self) -> UnixMillis {
        self.next_update
    }

    /// Its bytes, DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of its bytes.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Whether it is a list of the same issuer for the same certificates, and no older.
    pub(crate) fn is_later_than(&self, before: &Crl) -> bool {
        self.issuer_der == before.issuer_der
            && self.scope == before.scope
            && self.this_update >= before.this_update
    }

    /// Whether it speaks about this certificate, by issuer name and scope (RFC 5280 section 6.3.3
    /// (b)).
    pub(crate) fn covers(&self, certificate: &Certificate) -> bool {
        let scope = &self.scope;
        let kind_fits =
            if certificate.is_ca() { !scope.users_only } else { !scope.authorities_only };
        let listed = certificate.points();
        let point_fits = scope.points.is_empty()
            || listed.is_empty()
            || listed.iter().any(|uri| scope.points.contains(uri));
        self.issuer_der == certificate.issuer_der() && kind_fits && point_fits
    }

    /// Whether the holder of this key signed it; `spki` is a SubjectPublicKeyInfo, DER.
    pub(crate) fn signed_by(&self, spki: &[u8]) -> bool {
        let Ok((_, key)) = SubjectPublicKeyInfo::from_der(spki) else { return false };
        let Some((_, key_algorithm)) = tlv_content(spki).and_then(first_tlv) else { return false };
        let Some(signed) = self.der.get(self.signed.clone()) else { return false };
        ALL_VERIFICATION_ALGS.iter().any(|algorithm: &&dyn SignatureVerificationAlgorithm| {
            algorithm.signature_alg_id().as_ref() == self.algorithm
                && algorithm.public_key_alg_id().as_ref() == key_algorithm
                && algorithm
                    .verify_signature(&key.subject_public_key.data, signed, &self.signature)
                    .is_ok()
        })
    }

    /// When the certificate with this serial number was revoked, if it was.
    pub(crate) fn revoked_at(&self, serial: &[u8]) -> Option<UnixMillis> {
        // An owned list was read as a whole when it was loaded, so looking up cannot fail.
        let entry = self.entries.find_serial(serial).ok().flatten()?;
        Some(UnixMillis(unix_secs(entry.revocation_date).saturating_mul(1000)))
    }
}

fn unix_secs(time: UnixTime) -> u64 {
    time.as_secs()
}

fn scope_of(list: &CertificateRevocationList<'_>) -> Scope {
    for extension in list.extensions() {
        if let ParsedExtension::IssuingDistributionPoint(point) = extension.parsed_extension() {
            return Scope {
                users_only: point.only_contains_user_certs,
                authorities_only: point.only_contains_ca_certs,
                points: uris_of(point.distribution_point.as_ref()),
            };
        }
    }
    Scope::default()
}

/// Where the signed bytes lie (tag and length included), and the content of the signature algorithm.
fn signed_parts(der: &[u8]) -> Option<(std::ops::Range<usize>, &[u8])> {
    let (whole, content) = first_tlv(der)?;
    let (signed, _) = first_tlv(content)?;
    let (_, algorithm) = first_tlv(content.get(signed.len()..)?)?;
    let start = whole.len() - content.len();
    Some((start..start + signed.len(), algorithm))
}

/// The content of the one DER item that `bytes` are.
fn tlv_content(bytes: &[u8]) -> Option<&[u8]> {
    first_tlv(bytes).map(|(_, content)| content)
}

/// The first DER item: whole, and its content.
fn first_tlv(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (rest, item) = Any::from_der(bytes).ok()?;
    Some((&bytes[..bytes.len() - rest.len()], item.data))
}
