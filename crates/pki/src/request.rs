//! Requests for certificates (PKCS#10, RFC 2986): made here, and checked before anything is
//! signed for them.

use rcgen::CertificateParams;
use tram_crypto::PublicKey;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::cri_attributes::ParsedCriAttribute;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer as _;

use crate::key::Key;
use crate::name::Subject;
use crate::{PkiError, pem, profile, show};

/// Largest request.
pub(crate) const REQUEST_BYTES_MAX: usize = 16 << 10;

/// RSA signatures over SHA-1: broken, whoever asks.
const SHA1_SIGNATURES: [&str; 2] = ["1.2.840.113549.1.1.5", "1.3.14.3.2.29"];

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A node or seal certificate.
    For(Subject),
    /// To be an authority; for which subtree, the issuer says.
    Authority,
}

/// A request whose signature verifies and which asks for one thing of a known kind. Making one
/// from bytes is the check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    der: Vec<u8>,
    spki: Vec<u8>,
    asked: Asked,
}

impl Request {
    /// A request for a node or seal certificate.
    ///
    /// # Errors
    /// [`PkiError::Opaque`], [`PkiError::Encode`].
    pub fn new(subject: &Subject, key: &Key) -> Result<Self, PkiError> {
        Self::made(&profile::leaf(subject)?, key)
    }

    /// A request to be an authority. Its name here is only for the people who handle it.
    ///
    /// # Errors
    /// [`PkiError::CommonName`], [`PkiError::Encode`].
    pub fn for_authority(common_name: &str, key: &Key) -> Result<Self, PkiError> {
        Self::made(&profile::authority(common_name, None, None)?, key)
    }

    fn made(params: &CertificateParams, key: &Key) -> Result<Self, PkiError> {
        Self::from_der(params.serialize_request(key.pair())?.der())
    }

    /// Parses and checks a request, PEM or DER.
    ///
    /// # Errors
    /// As [`Request::from_der`].
    pub fn parse(bytes: &[u8]) -> Result<Self, PkiError> {
        Self::from_der(&pem::one_der(bytes, "certificate request")?)
    }

    /// Parses and checks a DER request: its signature, its key, exactly one name under
    /// `agency.alt` or `node.alt` (or none, for an authority), and nothing that the profile does
    /// not have.
    ///
    /// # Errors
    /// [`PkiError::TooLarge`], [`PkiError::Format`], [`PkiError::RequestSignature`],
    /// [`PkiError::KeyNotAccepted`], [`PkiError::NameCount`], [`PkiError::NameForm`],
    /// [`PkiError::Wildcard`], [`PkiError::NotInProfile`].
    pub fn from_der(der: &[u8]) -> Result<Self, PkiError> {
        let (what, bytes_max) = ("certificate request", REQUEST_BYTES_MAX);
        if der.len() > bytes_max {
            return Err(PkiError::TooLarge { what, bytes: der.len(), bytes_max });
        }
        let parsed = match X509CertificationRequest::from_der(der) {
            Ok(([], parsed)) => parsed,
            Ok(_) => return Err(PkiError::Format { what, detail: "bytes follow it".into() }),
            Err(e) => return Err(PkiError::Format { what, detail: e.to_string() }),
        };
        let algorithm = parsed.signature_algorithm.algorithm.to_id_string();
        if SHA1_SIGNATURES.contains(&algorithm.as_str()) {
            return Err(PkiError::KeyNotAccepted("it signs with SHA-1".into()));
        }
        let spki = parsed.certification_request_info.subject_pki.raw;
        PublicKey::from_spki_der(spki).map_err(|e| PkiError::KeyNotAccepted(e.to_string()))?;
        parsed.verify_signature().map_err(|_| PkiError::RequestSignature)?;
        let asked = Wishes::read(&parsed)?.settle()?;
        Ok(Request { der: der.to_vec(), spki: spki.to_vec(), asked })
    }

    /// What it asks for.
    #[must_use]
    pub fn asked(&self) -> &Asked {
        &self.asked
    }

    /// The key, SubjectPublicKeyInfo DER.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The request as received.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The request as PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::write_request(&self.der)
    }
}

/// The extensions a request asks for.
#[derive(Default)]
struct Wishes {
    names: Vec<String>,
    authority: bool,
    key_usage: Option<Vec<&'static str>>,
    extended_key_usage: Option<Vec<String>>,
}

impl Wishes {
    fn read(parsed: &X509CertificationRequest<'_>) -> Result<Self, PkiError> {
        let mut wishes = Wishes::default();
        let mut lists = 0;
        for attribute in parsed.certification_request_info.iter_attributes() {
            // Other attributes, a challenge password for example, leave no trace in what we sign.
            let ParsedCriAttribute::ExtensionRequest(list) = attribute.parsed_attribute() else {
                continue;
            };
            lists += 1;
            for extension in &list.extensions {
                match extension.parsed_extension() {
                    ParsedExtension::SubjectAlternativeName(names) => {
                        wishes.names.extend(names.general_names.iter().map(|name| match name {
                            GeneralName::DNSName(name) => (*name).to_owned(),
                            other => show::name_text(other),
                        }));
                    }
                    ParsedExtension::BasicConstraints(basic) => wishes.authority = basic.ca,
                    ParsedExtension::KeyUsage(usage) => {
                        wishes.key_usage = Some(show::key_usage(usage));
                    }
                    ParsedExtension::ExtendedKeyUsage(usage) => {
                        wishes.extended_key_usage = Some(show::extended_key_usage(usage));
                    }
                    // Ours is computed from the key.
                    ParsedExtension::SubjectKeyIdentifier(_) => {}
                    _ => {
                        let what = format!("extension {}", extension.oid.to_id_string());
                        return Err(PkiError::NotInProfile(what));
                    }
                }
            }
        }
        if lists > 1 {
            return Err(PkiError::NotInProfile("extensions in more than one list".into()));
        }
        Ok(wishes)
    }

    fn settle(self) -> Result<Asked, PkiError> {
        let (asked, usages, purposes): (_, &[&str], &[&str]) = if self.authority {
            if !self.names.is_empty() {
                return Err(PkiError::NotInProfile("names for an authority".into()));
            }
            (Asked::Authority, &["keyCertSign", "cRLSign"], &[])
        } else {
            let [name] = &self.names[..] else {
                return Err(PkiError::NameCount(self.names.len()));
            };
            match Subject::from_dns_name(name)? {
                subject @ Subject::Node(_) => {
                    (Asked::For(subject), &["digitalSignature"], &["serverAuth", "clientAuth"])
                }
                subject @ Subject::Seal(_) => (
                    Asked::For(subject),
                    &["digitalSignature", "contentCommitment"],
                    &["documentSigning"],
                ),
            }
        };
        // What is not asked for is given anyway; what is asked for beyond it is not.
        if let Some(usage) = self.key_usage.iter().flatten().find(|u| !usages.contains(u)) {
            return Err(PkiError::NotInProfile(format!("key usage {usage}")));
        }
        let purpose = self.extended_key_usage.iter().flatten();
        if let Some(other) = purpose.into_iter().find(|p| !purposes.contains(&p.as_str())) {
            return Err(PkiError::NotInProfile(format!("purpose {other}")));
        }
        Ok(asked)
    }
}
