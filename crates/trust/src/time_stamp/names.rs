//! Object identifiers, as they stand in the bytes.

use tram_crypto::{KeyKind, Sha2};

use super::der::{Broken, Item, NULL, OID, SEQUENCE, write};

/// id-signedData (RFC 5652 section 5.1).
pub(super) const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// id-ct-TSTInfo (RFC 3161 section 2.4.2).
pub(super) const TST_INFO: &[u8] =
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];
/// id-contentType (RFC 5652 section 11.1).
pub(super) const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
/// id-messageDigest (RFC 5652 section 11.2).
pub(super) const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
/// id-aa-signingCertificateV2 (RFC 5035 section 3).
pub(super) const SIGNING_CERTIFICATE_V2: &[u8] =
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x2f];

const SHA_2: [(&[u8], Sha2); 3] = [
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01], Sha2::Sha256),
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02], Sha2::Sha384),
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03], Sha2::Sha512),
];

/// rsaEncryption, which CMS takes for PKCS #1 v1.5 with whatever digest (RFC 3370 section 3.2).
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// The identifier for a signature with a digest: RSA (RFC 4055 section 5), ECDSA (RFC 5758 section
/// 3.2).
fn signed_with(sha2: Sha2, is_rsa: bool) -> &'static [u8] {
    match (is_rsa, sha2) {
        (true, Sha2::Sha256) => &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b],
        (true, Sha2::Sha384) => &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c],
        (true, Sha2::Sha512) => &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d],
        (false, Sha2::Sha256) => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
        (false, Sha2::Sha384) => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03],
        (false, Sha2::Sha512) => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04],
    }
}

/// The identifier in an AlgorithmIdentifier whose parameters are absent or NULL.
fn identifier<'a>(item: &Item<'a>, what: &'static str) -> Result<&'a [u8], Broken> {
    match item.inside(SEQUENCE, what)?[..] {
        [oid] if oid.tag() == OID => Ok(oid.value),
        [oid, none] if oid.tag() == OID && none.tag() == NULL && none.value.is_empty() => {
            Ok(oid.value)
        }
        _ => Err(Broken(what)),
    }
}

/// The digest that an AlgorithmIdentifier names.
pub(super) fn sha2(item: &Item<'_>, what: &'static str) -> Result<Sha2, Broken> {
    let named = identifier(item, what)?;
    SHA_2.iter().find(|(oid, _)| *oid == named).map(|(_, sha2)| *sha2).ok_or(Broken(what))
}

/// Whether an AlgorithmIdentifier names a signature by such a key with this digest.
pub(super) fn is_signature(item: &Item<'_>, kind: KeyKind, sha2: Sha2) -> Result<bool, Broken> {
    let named = identifier(item, "the signature algorithm")?;
    let is_rsa = matches!(kind, KeyKind::Rsa { .. });
    Ok(named == signed_with(sha2, is_rsa) || (is_rsa && named == RSA))
}

/// The AlgorithmIdentifier of a digest, without parameters (RFC 5754 section 2).
pub(super) fn write_sha2(sha2: Sha2) -> Vec<u8> {
    let oid = SHA_2.iter().find(|(_, s)| *s == sha2).map_or(SHA_2[0].0, |(oid, _)| *oid);
    write(SEQUENCE, &[&write(OID, &[oid])])
}

/// The AlgorithmIdentifier of a signature in the one form that is kept.
pub(super) fn write_signature(kind: KeyKind, sha2: Sha2) -> Vec<u8> {
    match kind {
        KeyKind::Rsa { .. } => write(SEQUENCE, &[&write(OID, &[RSA]), &[NULL, 0]]),
        KeyKind::Ed25519 | KeyKind::P256 | KeyKind::P384 => {
            write(SEQUENCE, &[&write(OID, &[signed_with(sha2, false)])])
        }
    }
}
