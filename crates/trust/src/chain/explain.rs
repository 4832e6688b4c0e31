//! Errors of path building, as codes with the detail a person needs.

use tram_dispatch::{Code, UnixMillis};
use webpki::Error;

use super::Anchors;
use crate::certificate::{Certificate, Name};
use crate::verdict::Refusal;

/// The refusal for an error of rustls-webpki.
#[expect(deprecated, reason = "the old variants are still matched, should webpki ever give them")]
pub(super) fn refusal(
    error: Error,
    chain: &[Certificate],
    anchors: &Anchors,
    at: UnixMillis,
) -> Refusal {
    let leaf = chain.first().map(Certificate::subject).unwrap_or_default();
    let (code, detail) = match error {
        Error::CertExpired { not_after, .. } => {
            let whose = whose(chain, |c| c.not_after().secs() == not_after.as_secs());
            let end = UnixMillis(not_after.as_secs().saturating_mul(1000));
            (
                Code::CertificateExpired,
                format!("certificate of \"{whose}\" expired at {end}; judged at {at}"),
            )
        }
        Error::CertNotValidYet { not_before, .. } => {
            let whose = whose(chain, |c| c.not_before().secs() == not_before.as_secs());
            let start = UnixMillis(not_before.as_secs().saturating_mul(1000));
            (
                Code::CertificateNotYetValid,
                format!("certificate of \"{whose}\" is valid from {start}; judged at {at}"),
            )
        }
        Error::NameConstraintViolation => (
            Code::CertificateNameConstraint,
            format!(
                "certificate of \"{leaf}\" ({}) names something outside what a CA on its path may \
                 issue for",
                names(chain)
            ),
        ),
        Error::UnknownIssuer => (Code::CertificateUntrusted, missing_issuer(chain, anchors)),
        // The provider calls every signature by a key that it does not take a false one.
        Error::InvalidSignatureForPublicKey => match refused_issuer(chain) {
            Some(refused) => (refused.code, refused.detail),
            None => (
                Code::CertificateUntrusted,
                format!(
                    "a certificate on the path of \"{leaf}\" was not signed by the key of the issuer \
                     it names"
                ),
            ),
        },
        Error::UnsupportedSignatureAlgorithm
        | Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKey
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            // A key over our limits is the commonest cause, and can be named.
            let refused = chain.iter().find_map(|c| c.key().err());
            let detail = refused.map(|r| r.detail).unwrap_or_else(|| {
                format!(
                    "a certificate on the path of \"{leaf}\" has a signature that is not accepted"
                )
            });
            (Code::AlgorithmRefused, detail)
        }
        Error::MaximumSignatureChecksExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumNameConstraintComparisonsExceeded
        | Error::MaximumPathDepthExceeded => (
            Code::CertificateUntrusted,
            format!("the path of \"{leaf}\" takes more checks than allowed ({error})"),
        ),
        Error::CaUsedAsEndEntity => {
            (Code::CertificateInvalid, format!("\"{leaf}\" is a CA certificate"))
        }
        Error::EndEntityUsedAsCa => (
            Code::CertificateInvalid,
            format!("a certificate on the path of \"{leaf}\" was issued by one that is not a CA"),
        ),
        Error::PathLenConstraintViolated => (
            Code::CertificateInvalid,
            format!("the path of \"{leaf}\" is longer than a CA on it allows"),
        ),
        Error::RequiredEkuNotFound
        | Error::RequiredEkuNotFoundContext(_)
        | Error::EmptyEkuExtension => (
            Code::CertificateInvalid,
            format!(
                "the extended key usage of \"{leaf}\", or of a CA above it, does not allow this purpose"
            ),
        ),
        other => (
            Code::CertificateInvalid,
            format!("a certificate on the path of \"{leaf}\" cannot be used: {other}"),
        ),
    };
    Refusal::new(code, detail)
}

/// The refusal for a revoked certificate.
pub(super) fn revoked(
    certificate: &Certificate,
    revoked_at: UnixMillis,
    at: UnixMillis,
) -> Refusal {
    let detail = format!(
        "certificate of \"{}\" was revoked at {revoked_at}; judged at {at}",
        certificate.subject()
    );
    Refusal::new(Code::CertificateRevoked, detail)
}

fn whose(chain: &[Certificate], is_it: impl Fn(&Certificate) -> bool) -> &str {
    chain.iter().find(|c| is_it(c)).map(Certificate::subject).unwrap_or("a CA on the path")
}

fn names(chain: &[Certificate]) -> String {
    let names = chain.first().map(Certificate::names).unwrap_or_default();
    let shown = names.iter().map(|name| match name {
        Name::Dns(name) | Name::Email(name) | Name::Uri(name) | Name::Other(name) => &**name,
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// Why a CA that issued another certificate here has a key that is not accepted.
fn refused_issuer(chain: &[Certificate]) -> Option<Refusal> {
    let issued = |ca: &&Certificate| {
        chain.iter().any(|c| c.issuer_der() == ca.subject_der() && c.der() != ca.der())
    };
    chain.iter().filter(issued).find_map(|ca| ca.key().err())
}

/// Follows the issuer names as far as the chain goes and names the first that is missing.
fn missing_issuer(chain: &[Certificate], anchors: &Anchors) -> String {
    let Some(mut at) = chain.first() else { return "there is no certificate".to_owned() };
    for _ in 0..chain.len() {
        if anchors.certificates.iter().any(|a| a.subject_der() == at.issuer_der()) {
            break;
        }
        match chain.iter().find(|c| c.subject_der() == at.issuer_der() && c.der() != at.der()) {
            Some(next) => at = next,
            None => break,
        }
    }
    format!(
        "\"{}\" was issued by \"{}\", which is neither in the chain nor an anchor of this network \
         for this purpose",
        at.subject(),
        at.issuer()
    )
}
