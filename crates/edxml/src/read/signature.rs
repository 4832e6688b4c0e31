//! `Signature`: reported, not verified.

use std::io::BufRead;

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;

use super::base64;
use super::field::room;
use crate::fault::{EdxmlError, Fault};
use crate::model::{Attachment, Referred, SignatureForm, SignatureReport};
use crate::xml::{Name, Pull, Space};

/// The name of SHA-256 as a digest method.
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

/// Whether the element is a signature, and in which form.
pub(super) fn form(name: &Name) -> Option<SignatureForm> {
    match (name.local.as_str(), name.space) {
        ("Signature", Space::Signature) => Some(SignatureForm::XmlSignature),
        ("Signature", Space::Edxml | Space::None) => Some(SignatureForm::Edxml),
        ("DigitalSignature", Space::Edxml | Space::None) => Some(SignatureForm::DigitalSignature),
        _ => None,
    }
}

/// Reads it. Its elements count by their local names, in whichever namespace.
pub(super) fn read<R: BufRead>(
    pull: &mut Pull<R>,
    form: SignatureForm,
) -> Result<SignatureReport, EdxmlError> {
    let mut report = SignatureReport {
        form,
        canonicalization: None,
        method: None,
        references: Vec::new(),
        value_chars: 0,
        subject: None,
        certificates: Vec::new(),
    };
    pull.text_or_children(|pull, name| match name.local.as_str() {
        "SignedInfo" => pull.children(|pull, name| signed_info(pull, name, &mut report)),
        "SignatureValue" => {
            let value = pull.text()?.unwrap_or_default();
            report.value_chars = value.chars().filter(|c| !c.is_whitespace()).count();
            Ok(())
        }
        "KeyInfo" => pull.children(|pull, name| match name.local.as_str() {
            "X509Data" => pull.children(|pull, name| x509(pull, name, &mut report)),
            _ => pull.skip_quietly(),
        }),
        _ => pull.skip_quietly(),
    })?;
    Ok(report)
}

fn signed_info<R: BufRead>(
    pull: &mut Pull<R>,
    name: &Name,
    report: &mut SignatureReport,
) -> Result<(), EdxmlError> {
    let algorithm = pull.attribute("Algorithm").map(str::to_owned);
    match name.local.as_str() {
        "CanonicalizationMethod" => report.canonicalization = algorithm,
        "SignatureMethod" => report.method = algorithm,
        "Reference" => {
            room(pull, report.references.len())?;
            let uri = pull.attribute("URI").unwrap_or_default().to_owned();
            let mut referred = Referred { uri, ..Referred::default() };
            pull.children(|pull, name| {
                match name.local.as_str() {
                    "DigestMethod" => {
                        referred.method = pull.attribute("Algorithm").map(str::to_owned);
                        pull.skip_quietly()?;
                    }
                    "DigestValue" => referred.digest = pull.text()?,
                    _ => pull.skip_quietly()?,
                }
                Ok(())
            })?;
            report.references.push(referred);
            return Ok(());
        }
        _ => {}
    }
    pull.skip_quietly()
}

fn x509<R: BufRead>(
    pull: &mut Pull<R>,
    name: &Name,
    report: &mut SignatureReport,
) -> Result<(), EdxmlError> {
    match name.local.as_str() {
        "X509SubjectName" => report.subject = pull.text()?,
        "X509Certificate" => {
            room(pull, report.certificates.len())?;
            let max = pull.limits().certificate_bytes_max;
            let bytes = pull.value(|text| {
                let bytes = base64::decode(text)?;
                let fits = bytes.len() <= max;
                if fits { Ok(bytes) } else { Err(Fault::large("certificate_bytes_max", max)) }
            })?;
            report.certificates.push(bytes);
        }
        _ => pull.skip_quietly()?,
    }
    Ok(())
}

/// Compares what the signature refers to with the attachments that came.
pub(super) fn compare(report: &mut SignatureReport, attachments: &[Attachment]) {
    for referred in &mut report.references {
        let (Some(id), Some(SHA256)) =
            (referred.uri.strip_prefix("cid:"), referred.method.as_deref())
        else {
            continue;
        };
        let said = referred.digest.as_deref().map(str::trim);
        let fits = |attachment: &Attachment| {
            said == Some(STANDARD.encode(attachment.sha256.as_bytes()).as_str())
        };
        // Of several under one id, one that fits must not speak for the others.
        let named = attachments.iter().filter(|a| a.described.content_id.as_deref() == Some(id));
        referred.fits = named.map(fits).reduce(|all, one| all && one);
    }
}
