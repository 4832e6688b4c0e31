//! The four kinds of certificate, as parameters of the encoder. `certs/README.md` says the same
//! in words.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    KeyUsagePurpose, NameConstraints, date_time_ymd,
};
use tram_dispatch::UnixMillis;

use crate::name::{Subject, Subtree};
use crate::{PkiError, Serial};

/// Usual life of a root authority, days.
pub const ROOT_DAYS: u32 = 20 * 365;
/// Usual life of an authority, days.
pub const AUTHORITY_DAYS: u32 = 10 * 365;
/// Usual life of a node certificate, days.
pub const NODE_DAYS: u32 = 397;
/// Usual life of a seal certificate, days.
pub const SEAL_DAYS: u32 = 2 * 365;
/// Usual time from one revocation list to the next, days.
pub const CRL_DAYS: u32 = 7;

/// The purpose of a seal certificate: id-kp-documentSigning (RFC 9336).
pub const OID_DOCUMENT_SIGNING: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 3, 36];

/// 9999-12-31T23:59:59Z, the last moment X.509 can write.
const SECS_MAX: u64 = 253_402_300_799;
const DAY_MS: u64 = 86_400_000;

/// From when to when a certificate is valid; X.509 keeps whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// First moment.
    pub not_before: UnixMillis,
    /// Last moment.
    pub not_after: UnixMillis,
}

impl Validity {
    /// `days` days from a moment on.
    #[must_use]
    pub fn days(not_before: UnixMillis, days: u32) -> Self {
        Validity { not_before, not_after: not_before.plus_ms(u64::from(days) * DAY_MS) }
    }

    pub(crate) fn check(self) -> Result<Self, PkiError> {
        if self.not_before.secs() < self.not_after.secs() && self.not_after.secs() <= SECS_MAX {
            Ok(self)
        } else {
            Err(PkiError::EmptyValidity(self.not_before, self.not_after))
        }
    }
}

/// Distance from 1970 for the encoder's calendar; callers have checked that the year exists.
pub(crate) fn since_1970(at: UnixMillis) -> Duration {
    Duration::from_secs(at.secs().min(SECS_MAX))
}

fn base(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

/// Fills in what the issuer decides.
pub(crate) fn issued(
    params: &mut CertificateParams,
    validity: Validity,
    serial: &Serial,
) -> Result<(), PkiError> {
    let validity = validity.check()?;
    params.not_before = date_time_ymd(1970, 1, 1) + since_1970(validity.not_before);
    params.not_after = date_time_ymd(1970, 1, 1) + since_1970(validity.not_after);
    params.serial_number = Some(rcgen::SerialNumber::from_slice(serial.as_bytes()));
    params.use_authority_key_identifier_extension = true;
    Ok(())
}

/// An authority. It has no extended key usage: a verifier that sees one there would demand each
/// purpose of every authority above.
pub(crate) fn authority(
    common_name: &str,
    subtree: Option<&Subtree>,
    path_len: Option<u8>,
) -> Result<CertificateParams, PkiError> {
    let plain = tram_dispatch::text::is_plain(common_name);
    // 64 is ub-common-name of RFC 5280 appendix A.1.
    if !plain || !(1..=64).contains(&common_name.chars().count()) {
        return Err(PkiError::CommonName(tram_dispatch::text::escaped(common_name)));
    }
    let mut params = base(common_name);
    params.is_ca = IsCa::Ca(match path_len {
        Some(n) => BasicConstraints::Constrained(n),
        None => BasicConstraints::Unconstrained,
    });
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    if let Some(subtree) = subtree {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: subtree.permitted()?.map(GeneralSubtree::DnsName).to_vec(),
            excluded_subtrees: Vec::new(),
        });
    }
    Ok(params)
}

/// A node or seal certificate.
pub(crate) fn leaf(subject: &Subject) -> Result<CertificateParams, PkiError> {
    let mut params = base(&subject.to_string());
    params.subject_alt_names = vec![rcgen::SanType::DnsName(subject.dns_name()?.try_into()?)];
    params.is_ca = IsCa::ExplicitNoCa;
    match subject {
        Subject::Node(_) => {
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            params.extended_key_usages =
                vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        }
        Subject::Seal(_) => {
            params.key_usages =
                vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
            params.extended_key_usages =
                vec![ExtendedKeyUsagePurpose::Other(OID_DOCUMENT_SIGNING.to_vec())];
        }
    }
    Ok(params)
}
