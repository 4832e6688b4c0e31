//! Reading a certificate for people and for the checks before signing.

use tram_crypto::{PublicKey, sha256};
use tram_dispatch::UnixMillis;
use tram_dispatch::limits::CERTIFICATE_BYTES_MAX;
use tram_dispatch::text::escaped;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{
    ExtendedKeyUsage, GeneralName, GeneralSubtree, KeyUsage, ParsedExtension,
};
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;

use crate::name::Subject;
use crate::{PkiError, Serial};

/// What a certificate says. Nothing here is verified; texts are safe to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateInfo {
    /// Distinguished name.
    pub subject: String,
    /// Distinguished name of the issuer.
    pub issuer: String,
    /// The names it speaks for: dNSNames as they are, others with their kind before them.
    pub names: Vec<String>,
    /// The node or agency, if there is exactly one name and it is one of ours.
    pub speaks_for: Option<Subject>,
    /// Serial number.
    pub serial: Serial,
    /// First moment.
    pub not_before: UnixMillis,
    /// Last moment.
    pub not_after: UnixMillis,
    /// `Ed25519`, `P-256`, `RSA-3072`…, or why the product does not verify with this key.
    pub key: String,
    /// SubjectPublicKeyInfo, DER.
    pub spki: Vec<u8>,
    /// Whether it may sign certificates (basicConstraints).
    pub is_authority: bool,
    /// Levels of authorities allowed below it; absent: any number.
    pub path_len: Option<u32>,
    /// keyUsage, as RFC 5280 spells it; empty if absent.
    pub key_usage: Vec<&'static str>,
    /// extKeyUsage: names, or object identifiers.
    pub extended_key_usage: Vec<String>,
    /// Permitted subtrees of name constraints.
    pub permitted: Vec<String>,
    /// Excluded subtrees of name constraints.
    pub excluded: Vec<String>,
    /// subjectKeyIdentifier.
    pub key_identifier: Option<Vec<u8>>,
    /// Whether subject and issuer are the same name and the signature is by its own key.
    pub self_signed: bool,
    /// SHA-256 of the DER: the fingerprint.
    pub sha256: [u8; 32],
}

/// Reads one DER certificate.
///
/// # Errors
/// [`PkiError::TooLarge`], [`PkiError::Format`], [`PkiError::Serial`].
pub fn read_certificate(der: &[u8]) -> Result<CertificateInfo, PkiError> {
    let parsed = parse(der)?;
    let mut info = CertificateInfo {
        subject: escaped(&parsed.subject().to_string()),
        issuer: escaped(&parsed.issuer().to_string()),
        names: Vec::new(),
        speaks_for: None,
        serial: Serial::from_der_integer(parsed.raw_serial())?,
        not_before: moment(parsed.validity().not_before),
        not_after: moment(parsed.validity().not_after),
        key: key_name(parsed.public_key().raw),
        spki: parsed.public_key().raw.to_vec(),
        is_authority: false,
        path_len: None,
        key_usage: Vec::new(),
        extended_key_usage: Vec::new(),
        permitted: Vec::new(),
        excluded: Vec::new(),
        key_identifier: None,
        self_signed: parsed.subject().as_raw() == parsed.issuer().as_raw()
            && parsed.verify_signature(None).is_ok(),
        sha256: sha256(der),
    };
    for extension in parsed.iter_extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(names) => {
                info.names.extend(names.general_names.iter().map(name_text));
                if let [GeneralName::DNSName(name)] = names.general_names[..] {
                    info.speaks_for = Subject::from_dns_name(name).ok();
                }
            }
            ParsedExtension::BasicConstraints(basic) => {
                info.is_authority = basic.ca;
                info.path_len = basic.path_len_constraint;
            }
            ParsedExtension::KeyUsage(usage) => info.key_usage = key_usage(usage),
            ParsedExtension::ExtendedKeyUsage(usage) => {
                info.extended_key_usage = extended_key_usage(usage);
            }
            ParsedExtension::NameConstraints(constraints) => {
                info.permitted = subtrees(constraints.permitted_subtrees.as_deref());
                info.excluded = subtrees(constraints.excluded_subtrees.as_deref());
            }
            ParsedExtension::SubjectKeyIdentifier(id) => {
                info.key_identifier = Some(id.0.to_vec());
            }
            ParsedExtension::ParseError { error } => {
                let detail = format!("extension {}: {error}", extension.oid);
                return Err(PkiError::Format { what: "certificate", detail });
            }
            _ => {}
        }
    }
    Ok(info)
}

pub(crate) fn parse(der: &[u8]) -> Result<X509Certificate<'_>, PkiError> {
    if der.len() > CERTIFICATE_BYTES_MAX {
        return Err(PkiError::TooLarge {
            what: "certificate",
            bytes: der.len(),
            bytes_max: CERTIFICATE_BYTES_MAX,
        });
    }
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) => Err(PkiError::Format { what: "certificate", detail: "bytes follow it".into() }),
        Err(e) => Err(PkiError::Format { what: "certificate", detail: e.to_string() }),
    }
}

/// Moments before 1970 are shown as 1970.
pub(crate) fn moment(time: ASN1Time) -> UnixMillis {
    UnixMillis(u64::try_from(time.timestamp()).unwrap_or(0).saturating_mul(1000))
}

fn key_name(spki: &[u8]) -> String {
    match PublicKey::from_spki_der(spki) {
        Ok(key) => key.kind().to_string(),
        Err(error) => format!("not accepted: {error}"),
    }
}

pub(crate) fn name_text(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(name) => escaped(name),
        GeneralName::RFC822Name(name) => format!("email:{}", escaped(name)),
        GeneralName::URI(uri) => format!("uri:{}", escaped(uri)),
        GeneralName::DirectoryName(name) => format!("dn:{}", escaped(&name.to_string())),
        GeneralName::IPAddress(bytes) => format!("ip:{bytes:02x?}"),
        _ => "other name".to_owned(),
    }
}

fn subtrees(list: Option<&[GeneralSubtree<'_>]>) -> Vec<String> {
    list.unwrap_or_default().iter().map(|s| name_text(&s.base)).collect()
}

pub(crate) fn key_usage(usage: &KeyUsage) -> Vec<&'static str> {
    let flags = [
        (usage.digital_signature(), "digitalSignature"),
        (usage.non_repudiation(), "contentCommitment"),
        (usage.key_encipherment(), "keyEncipherment"),
        (usage.data_encipherment(), "dataEncipherment"),
        (usage.key_agreement(), "keyAgreement"),
        (usage.key_cert_sign(), "keyCertSign"),
        (usage.crl_sign(), "cRLSign"),
        (usage.encipher_only(), "encipherOnly"),
        (usage.decipher_only(), "decipherOnly"),
    ];
    flags.into_iter().filter(|(on, _)| *on).map(|(_, name)| name).collect()
}

pub(crate) fn extended_key_usage(usage: &ExtendedKeyUsage<'_>) -> Vec<String> {
    let flags = [
        (usage.any, "anyExtendedKeyUsage"),
        (usage.server_auth, "serverAuth"),
        (usage.client_auth, "clientAuth"),
        (usage.code_signing, "codeSigning"),
        (usage.email_protection, "emailProtection"),
        (usage.time_stamping, "timeStamping"),
        (usage.ocsp_signing, "OCSPSigning"),
    ];
    let known = flags.into_iter().filter(|(on, _)| *on).map(|(_, name)| name.to_owned());
    known
        .chain(usage.other.iter().map(|oid| match oid.to_id_string().as_str() {
            "1.3.6.1.5.5.7.3.36" => "documentSigning".to_owned(),
            other => other.to_owned(),
        }))
        .collect()
}
