//! Revocation lists (RFC 5280 section 5): complete, of one authority, numbered.

use std::collections::BTreeSet;

use rcgen::{
    CertificateRevocationListParams, KeyIdMethod, RevocationReason, RevokedCertParams,
    SerialNumber, date_time_ymd,
};
use tram_crypto::sha256;
use tram_dispatch::UnixMillis;
use tram_dispatch::limits::CRL_BYTES_MAX;
use tram_dispatch::text::escaped;
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;
use x509_parser::x509::ReasonCode;

use crate::authority::Authority;
use crate::profile::since_1970;
use crate::show::{self, moment};
use crate::{PkiError, Serial, Validity, pem};

/// Why a certificate was revoked (RFC 5280 section 5.3.1). Those that can be undone
/// (certificateHold, removeFromCRL) are left out: evidence must not change its mind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No reason given, or one that is not listed here.
    Unspecified,
    /// Somebody else may have the key.
    KeyCompromise,
    /// Somebody else may have the authority's key.
    CaCompromise,
    /// The subject's affiliation changed.
    AffiliationChanged,
    /// Another certificate takes its place.
    Superseded,
    /// No longer needed: the node or agency was closed.
    CessationOfOperation,
    /// The right to it was withdrawn.
    PrivilegeWithdrawn,
}

impl Reason {
    /// Every reason, with its name for people and programs.
    pub const NAMES: &'static [(&'static str, Reason)] = &[
        ("unspecified", Reason::Unspecified),
        ("key-compromise", Reason::KeyCompromise),
        ("ca-compromise", Reason::CaCompromise),
        ("affiliation-changed", Reason::AffiliationChanged),
        ("superseded", Reason::Superseded),
        ("cessation-of-operation", Reason::CessationOfOperation),
        ("privilege-withdrawn", Reason::PrivilegeWithdrawn),
    ];

    /// RFC 5280 forbids writing "unspecified"; absence says it.
    fn encoded(self) -> Option<RevocationReason> {
        match self {
            Reason::Unspecified => None,
            Reason::KeyCompromise => Some(RevocationReason::KeyCompromise),
            Reason::CaCompromise => Some(RevocationReason::CaCompromise),
            Reason::AffiliationChanged => Some(RevocationReason::AffiliationChanged),
            Reason::Superseded => Some(RevocationReason::Superseded),
            Reason::CessationOfOperation => Some(RevocationReason::CessationOfOperation),
            Reason::PrivilegeWithdrawn => Some(RevocationReason::PrivilegeWithdrawn),
        }
    }

    fn decoded(code: ReasonCode) -> Self {
        match code {
            ReasonCode::KeyCompromise => Reason::KeyCompromise,
            ReasonCode::CACompromise => Reason::CaCompromise,
            ReasonCode::AffiliationChanged => Reason::AffiliationChanged,
            ReasonCode::Superseded => Reason::Superseded,
            ReasonCode::CessationOfOperation => Reason::CessationOfOperation,
            ReasonCode::PrivilegeWithdrawn => Reason::PrivilegeWithdrawn,
            _ => Reason::Unspecified,
        }
    }
}

/// One revoked certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Its serial number.
    pub serial: Serial,
    /// From when.
    pub at: UnixMillis,
    /// Why.
    pub reason: Reason,
}

/// What a revocation list says; nothing is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrlInfo {
    /// Distinguished name of the authority, safe to show.
    pub issuer: String,
    /// Its number; only grows.
    pub number: Option<u64>,
    /// When it was made.
    pub this_update: UnixMillis,
    /// When the next one is due.
    pub next_update: Option<UnixMillis>,
    /// The revoked certificates, in the list's order.
    pub revoked: Vec<Revoked>,
    /// SHA-256 of the DER.
    pub sha256: [u8; 32],
}

impl Authority {
    /// Signs a revocation list, DER. `number` must be higher than that of every list before, and
    /// `revoked` holds the earlier entries too (take them from [`read_crl`]).
    ///
    /// # Errors
    /// [`PkiError::RevokedTwice`], [`PkiError::EmptyValidity`], [`PkiError::NotAuthority`],
    /// [`PkiError::Encode`].
    pub fn sign_crl(
        &self,
        number: u64,
        this_update: UnixMillis,
        next_update: UnixMillis,
        revoked: &[Revoked],
    ) -> Result<Vec<u8>, PkiError> {
        Validity { not_before: this_update, not_after: next_update }.check()?;
        if !self.info().key_usage.contains(&"cRLSign") {
            return Err(PkiError::NotAuthority(self.info().subject.clone(), "revocation lists"));
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = revoked.iter().find(|r| !seen.insert(&r.serial)) {
            return Err(PkiError::RevokedTwice(twice.serial.to_string()));
        }
        let entries = revoked.iter().map(|entry| RevokedCertParams {
            serial_number: SerialNumber::from_slice(entry.serial.as_bytes()),
            revocation_time: date_time_ymd(1970, 1, 1) + since_1970(entry.at),
            reason_code: entry.reason.encoded(),
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(1970, 1, 1) + since_1970(this_update),
            next_update: date_time_ymd(1970, 1, 1) + since_1970(next_update),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: entries.collect(),
            key_identifier_method: match &self.info().key_identifier {
                Some(id) => KeyIdMethod::PreSpecified(id.clone()),
                None => KeyIdMethod::Sha256,
            },
        };
        Ok(list.signed_by(&self.issuer()?)?.der().to_vec())
    }

    /// Whether a revocation list, DER, carries this authority's name and signature.
    ///
    /// # Errors
    /// Those of [`read_crl`].
    pub fn signed_crl(&self, der: &[u8]) -> Result<bool, PkiError> {
        let list = parse(der)?;
        let own = show::parse(self.certificate())?;
        Ok(list.issuer().as_raw() == own.subject().as_raw()
            && list.verify_signature(own.public_key()).is_ok())
    }
}

/// Reads a revocation list, PEM or DER.
///
/// # Errors
/// [`PkiError::TooLarge`], [`PkiError::Format`], [`PkiError::Serial`].
pub fn read_crl(bytes: &[u8]) -> Result<CrlInfo, PkiError> {
    let der = pem::one_der(bytes, "revocation list")?;
    let list = parse(&der)?;
    let revoked = list
        .iter_revoked_certificates()
        .map(|entry| {
            Ok(Revoked {
                serial: Serial::from_der_integer(entry.raw_serial())?,
                at: moment(entry.revocation_date),
                reason: entry
                    .reason_code()
                    .map_or(Reason::Unspecified, |(_, code)| Reason::decoded(code)),
            })
        })
        .collect::<Result<_, PkiError>>()?;
    Ok(CrlInfo {
        issuer: escaped(&list.issuer().to_string()),
        number: list.crl_number().and_then(|n| u64::try_from(n).ok()),
        this_update: moment(list.last_update()),
        next_update: list.next_update().map(moment),
        revoked,
        sha256: sha256(&der),
    })
}

fn parse(der: &[u8]) -> Result<CertificateRevocationList<'_>, PkiError> {
    let what = "revocation list";
    if der.len() > CRL_BYTES_MAX {
        return Err(PkiError::TooLarge { what, bytes: der.len(), bytes_max: CRL_BYTES_MAX });
    }
    match CertificateRevocationList::from_der(der) {
        Ok(([], list)) => Ok(list),
        Ok(_) => Err(PkiError::Format { what, detail: "bytes follow it".into() }),
        Err(e) => Err(PkiError::Format { what, detail: e.to_string() }),
    }
}
