//! PEM (RFC 7468) in and out.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{
    CertificateDer, CertificateRevocationListDer, CertificateSigningRequestDer,
};
use tram_dispatch::limits::CHAIN_CERTIFICATES_MAX;

use crate::PkiError;

/// Most certificates in one file: a whole chain with its trust anchor.
const FILE_CERTIFICATES_MAX: usize = CHAIN_CERTIFICATES_MAX + 1;

/// One PEM block with lines of 64 characters.
pub(crate) fn block(label: &str, der: &[u8]) -> String {
    let body = BASE64_STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in body.as_bytes().chunks(64) {
        // Base64 is ASCII, so every cut lies between characters.
        out.push_str(&String::from_utf8_lossy(line));
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

/// Certificates as PEM, in the order given: own certificate first, then its issuers.
#[must_use]
pub fn write_certificates(chain: &[Vec<u8>]) -> String {
    chain.iter().map(|der| block("CERTIFICATE", der)).collect()
}

/// A request as PEM.
#[must_use]
pub fn write_request(der: &[u8]) -> String {
    block("CERTIFICATE REQUEST", der)
}

/// A revocation list as PEM.
#[must_use]
pub fn write_crl(der: &[u8]) -> String {
    block("X509 CRL", der)
}

/// Reads the certificates of a PEM file (or one DER certificate), in their order, as DER. Text
/// between the blocks is passed over; each certificate must be well-formed.
///
/// # Errors
/// [`PkiError::Format`] if there is none, or one is not a certificate; [`PkiError::ChainLength`].
pub fn read_certificates(bytes: &[u8]) -> Result<Vec<Vec<u8>>, PkiError> {
    if bytes.first() == Some(&0x30) {
        crate::read_certificate(bytes)?;
        return Ok(vec![bytes.to_vec()]);
    }
    let mut chain = Vec::new();
    for item in CertificateDer::pem_slice_iter(bytes) {
        let der = item.map_err(|e| format_error("PEM certificate", &e))?;
        crate::read_certificate(&der)?;
        chain.push(der.to_vec());
        if chain.len() > FILE_CERTIFICATES_MAX {
            return Err(PkiError::ChainLength(chain.len()));
        }
    }
    if chain.is_empty() {
        return Err(PkiError::Format { what: "PEM certificate", detail: "no block found".into() });
    }
    Ok(chain)
}

/// The DER of a request or revocation list, from PEM or DER. `what` is for the message.
pub(crate) fn one_der(bytes: &[u8], what: &'static str) -> Result<Vec<u8>, PkiError> {
    if bytes.first() == Some(&0x30) {
        return Ok(bytes.to_vec());
    }
    match what {
        "certificate request" => {
            CertificateSigningRequestDer::from_pem_slice(bytes).map(|der| der.to_vec())
        }
        _ => CertificateRevocationListDer::from_pem_slice(bytes).map(|der| der.to_vec()),
    }
    .map_err(|e| format_error(what, &e))
}

fn format_error(what: &'static str, error: &rustls_pki_types::pem::Error) -> PkiError {
    PkiError::Format { what, detail: format!("{error:?}") }
}
