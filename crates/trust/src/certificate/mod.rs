//! What is read from one X.509 certificate (RFC 5280), once, with x509-parser.
//!
//! Reading is not trusting: path and signatures are `chain`'s work, fitness for a purpose is
//! `profile`'s.

pub(crate) mod profile;
mod strict;

use tram_crypto::{KeyError, PublicKey, sha256};
use tram_dispatch::limits::CERTIFICATE_BYTES_MAX;
use tram_dispatch::text::escaped;
use tram_dispatch::{Code, Digest, UnixMillis};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

use crate::verdict::Refusal;

/// Longest serial number, bytes (RFC 5280 section 4.1.2.2).
const SERIAL_BYTES_MAX: usize = 20;

/// One certificate, read: what people are shown and what the profile judges.
#[derive(Clone, Debug)]
pub struct Certificate {
    der: Vec<u8>,
    digest: Digest,
    subject: String,
    issuer: String,
    subject_der: Vec<u8>,
    issuer_der: Vec<u8>,
    serial: Vec<u8>,
    not_before: UnixMillis,
    not_after: UnixMillis,
    spki: Vec<u8>,
    key: Result<PublicKey, KeyError>,
    alternative: Vec<Name>,
    is_ca: bool,
    usages: Option<Usages>,
    purposes: Option<Vec<String>>,
    purposes_critical: bool,
    points: Vec<String>,
}

/// One entry of the subjectAltName extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// A dNSName, as it stands there.
    Dns(String),
    /// An rfc822Name: a mail address, as it stands there.
    Email(String),
    /// A uniformResourceIdentifier, as it stands there.
    Uri(String),
    /// Any other kind, described for people.
    Other(String),
}

/// The keyUsage bits that matter here (RFC 5280 section 4.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usages {
    pub(crate) digital_signature: bool,
    pub(crate) certificate_sign: bool,
    pub(crate) crl_sign: bool,
}

impl Certificate {
    /// Reads one certificate, DER.
    ///
    /// # Errors
    /// `TOO_LARGE` over [`CERTIFICATE_BYTES_MAX`]; `CERTIFICATE_INVALID` for anything that is not
    /// exactly one well-formed certificate with unique extensions and a positive serial number.
    pub fn parse(der: &[u8]) -> Result<Self, Refusal> {
        if der.len() > CERTIFICATE_BYTES_MAX {
            let detail = format!("a certificate of {} bytes is over the limit", der.len());
            return Err(Refusal::new(Code::TooLarge, detail));
        }
        let invalid = |what: String| Refusal::new(Code::CertificateInvalid, what);
        let (rest, x509) = X509Certificate::from_der(der)
            .map_err(|error| invalid(format!("not an X.509 certificate: {error}")))?;
        if !rest.is_empty() {
            return Err(invalid(format!("{} bytes follow the certificate", rest.len())));
        }
        let tbs = &x509.tbs_certificate;
        let subject = escaped(&tbs.subject.to_string());
        let in_this = |what: &str| invalid(format!("certificate of \"{subject}\": {what}"));
        tbs.extensions_map().map_err(|_| in_this("an extension occurs twice"))?;
        if !strict::is_name(tbs.subject.as_raw()) || !strict::is_name(tbs.issuer.as_raw()) {
            return Err(in_this("the name of subject or issuer is malformed"));
        }
        let broken = tbs.extensions().iter().any(|e| match e.parsed_extension() {
            ParsedExtension::ParseError { .. } => true,
            ParsedExtension::UnsupportedExtension { .. } => false,
            _ => !strict::is_one_item(e.value),
        });
        if broken {
            return Err(in_this("an extension is malformed"));
        }
        let serial = tbs.raw_serial();
        if !strict::is_positive(serial) || serial.len() > SERIAL_BYTES_MAX {
            return Err(in_this("the serial number is not a positive one of at most 20 bytes"));
        }
        let usages = tbs.key_usage().map_err(|_| in_this("the key usage is malformed"))?;
        let purposes =
            tbs.extended_key_usage().map_err(|_| in_this("the extended key usage is malformed"))?;
        let basic =
            tbs.basic_constraints().map_err(|_| in_this("the basic constraints are malformed"))?;
        let names = tbs
            .subject_alternative_name()
            .map_err(|_| in_this("the alternative names are malformed"))?;
        let spki = tbs.subject_pki.raw.to_vec();
        Ok(Certificate {
            digest: Digest(sha256(der)),
            subject_der: tbs.subject.as_raw().to_vec(),
            issuer_der: tbs.issuer.as_raw().to_vec(),
            issuer: escaped(&tbs.issuer.to_string()),
            serial: serial.to_vec(),
            not_before: millis(tbs.validity.not_before),
            not_after: millis(tbs.validity.not_after),
            key: PublicKey::from_spki_der(&spki),
            alternative: names.map(|n| names_of(&n.value.general_names)).unwrap_or_default(),
            is_ca: basic.is_some_and(|b| b.value.ca),
            usages: usages.map(|u| Usages {
                digital_signature: u.value.digital_signature(),
                certificate_sign: u.value.key_cert_sign(),
                crl_sign: u.value.crl_sign(),
            }),
            purposes_critical: purposes.as_ref().is_some_and(|p| p.critical),
            purposes: purposes.map(|p| purposes_of(p.value)),
            points: points_of(&x509),
            der: der.to_vec(),
            spki,
            subject,
        })
    }

    /// The bytes it was read from.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of the bytes: the certificate's name in directory bindings.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// SHA-256 of the SubjectPublicKeyInfo: the key's name, the same in every certificate of it.
    pub fn key_digest(&self) -> Digest {
        Digest(sha256(&self.spki))
    }

    /// The subject for people, control characters escaped.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The issuer for people, control characters escaped.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The serial number, big-endian.
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// First moment of validity.
    pub fn not_before(&self) -> UnixMillis {
        self.not_before
    }

    /// Last second of validity (its first millisecond).
    pub fn not_after(&self) -> UnixMillis {
        self.not_after
    }

    /// The entries of subjectAltName, in order.
    pub fn names(&self) -> &[Name] {
        &self.alternative
    }

    /// The extended key usages as dotted identifiers; `None` without the extension.
    pub fn purposes(&self) -> Option<&[String]> {
        self.purposes.as_deref()
    }

    /// Whether basicConstraints says CA.
    pub fn is_ca(&self) -> bool {
        self.is_ca
    }

    /// The key, if it is of a kind, size and spelling that the product verifies with.
    ///
    /// # Errors
    /// `ALGORITHM_REFUSED` naming what was found.
    pub fn key(&self) -> Result<&PublicKey, Refusal> {
        self.key.as_ref().map_err(|error| {
            let detail = format!("certificate of \"{}\": {error}", self.subject);
            Refusal::new(Code::AlgorithmRefused, detail)
        })
    }

    /// The DER of the SubjectPublicKeyInfo, also of a key that is not accepted.
    pub(crate) fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Whether the extended key usage is critical.
    pub(crate) fn purposes_critical(&self) -> bool {
        self.purposes_critical
    }

    pub(crate) fn subject_der(&self) -> &[u8] {
        &self.subject_der
    }

    pub(crate) fn issuer_der(&self) -> &[u8] {
        &self.issuer_der
    }

    pub(crate) fn usages(&self) -> Option<Usages> {
        self.usages
    }

    /// URIs of the CRL distribution points.
    pub(crate) fn points(&self) -> &[String] {
        &self.points
    }
}

/// Moments before 1970 become zero.
pub(crate) fn millis(time: ASN1Time) -> UnixMillis {
    UnixMillis(u64::try_from(time.timestamp()).unwrap_or(0).saturating_mul(1000))
}

fn names_of(names: &[GeneralName<'_>]) -> Vec<Name> {
    let of = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Name::Dns((*name).to_owned()),
        GeneralName::RFC822Name(name) => Name::Email((*name).to_owned()),
        GeneralName::URI(name) => Name::Uri((*name).to_owned()),
        other => Name::Other(escaped(&other.to_string())),
    };
    names.iter().map(of).collect()
}

fn purposes_of(usage: &x509_parser::extensions::ExtendedKeyUsage<'_>) -> Vec<String> {
    let known = [
        (usage.any, profile::ANY_PURPOSE),
        (usage.server_auth, profile::SERVER_AUTH),
        (usage.client_auth, profile::CLIENT_AUTH),
        (usage.code_signing, "1.3.6.1.5.5.7.3.3"),
        (usage.email_protection, profile::EMAIL_PROTECTION),
        (usage.time_stamping, profile::TIME_STAMPING),
        (usage.ocsp_signing, "1.3.6.1.5.5.7.3.9"),
    ];
    let known = known.iter().filter(|(present, _)| *present).map(|(_, oid)| (*oid).to_owned());
    known.chain(usage.other.iter().map(|oid| oid.to_id_string())).collect()
}

fn points_of(x509: &X509Certificate<'_>) -> Vec<String> {
    let mut out = Vec::new();
    for extension in x509.extensions() {
        if let ParsedExtension::CRLDistributionPoints(points) = extension.parsed_extension() {
            for point in &points.points {
                out.extend(uris_of(point.distribution_point.as_ref()));
            }
        }
    }
    out
}

/// The URIs of a distribution point's full name.
pub(crate) fn uris_of(point: Option<&DistributionPointName<'_>>) -> Vec<String> {
    let Some(DistributionPointName::FullName(names)) = point else { return Vec::new() };
    let uri = |name: &GeneralName<'_>| match name {
        GeneralName::URI(uri) => Some((*uri).to_owned()),
        _ => None,
    };
    names.iter().filter_map(uri).collect()
}
