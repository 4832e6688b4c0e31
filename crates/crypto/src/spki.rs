//! SubjectPublicKeyInfo (RFC 5280 section 4.1) → key material, with every limit.

use ed25519_dalek::VerifyingKey;

use crate::der::{DerError, Reader, TAG_NULL, TAG_OID, TAG_SEQUENCE};

/// The shortest RSA modulus taken, in bits.
pub const RSA_MODULUS_BITS_MIN: u32 = 2048;
/// The longest RSA modulus taken, in bits (a check costs time quadratic in it).
pub const RSA_MODULUS_BITS_MAX: u32 = 4096;
/// The smallest public exponent taken (NIST SP 800-56B, BSI TR-02102-1).
pub const RSA_EXPONENT_MIN: u64 = 65_537;
/// The largest public exponent the provider verifies with.
pub const RSA_EXPONENT_MAX: u64 = (1 << 33) - 1;
/// The longest SubjectPublicKeyInfo looked at, in bytes: RSA-4096 takes 550, and a longer modulus
/// (up to 16,384 bits) is still worth refusing by its size.
pub const SPKI_BYTES_MAX: usize = 2_200;

/// Why a public key is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not the DER of a SubjectPublicKeyInfo; the part that was being read.
    #[error("the public key is malformed: {0}")]
    Malformed(&'static str),
    /// A key type that the product does not verify with.
    #[error("keys of type {0} are not accepted")]
    Unsupported(String),
    /// An elliptic curve other than P-256 and P-384.
    #[error("the curve {0} is not accepted")]
    Curve(String),
    /// Curve parameters are spelled out instead of named (RFC 5480 section 2.1.1 forbids it).
    #[error("explicit curve parameters are not accepted")]
    ExplicitCurve,
    /// An RSA modulus outside [`RSA_MODULUS_BITS_MIN`]..=[`RSA_MODULUS_BITS_MAX`].
    #[error("RSA-{bits} is not accepted: the modulus must have 2048 to 4096 bits")]
    RsaModulus {
        /// The length of the modulus offered, in bits.
        bits: u32,
    },
    /// An RSA exponent that is even, below [`RSA_EXPONENT_MIN`] or above [`RSA_EXPONENT_MAX`].
    #[error("the RSA exponent is not accepted: it must be odd and between 65537 and 2^33-1")]
    RsaExponent,
    /// An Ed25519 key of small order or in a second spelling: its holder could make one signature
    /// that fits many messages, which is no evidence.
    #[error("the Ed25519 key is weak or not in canonical form")]
    WeakEd25519,
}

/// What the provider needs to verify. Variants hold exactly checked lengths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Material {
    /// The key as 32 bytes, and as a point where it is one; what is none verifies nothing.
    Ed25519([u8; 32], Option<Box<VerifyingKey>>),
    /// Uncompressed point, 65 bytes.
    P256(Vec<u8>),
    /// Uncompressed point, 97 bytes.
    P384(Vec<u8>),
    /// Modulus and exponent, big-endian without leading zeros.
    Rsa { modulus: Vec<u8>, exponent: Vec<u8>, bits: u32 },
}

pub(crate) const OID_ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const OID_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
pub(crate) const OID_EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
pub(crate) const OID_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const OID_P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];

/// Names for what is refused, so that the refusal tells the operator what was in the certificate.
const KNOWN_NAMES: [(&[u8], &str); 8] = [
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a], "RSASSA-PSS"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01], "DSA"),
    (&[0x2b, 0x65, 0x71], "Ed448"),
    (&[0x2b, 0x65, 0x6e], "X25519"),
    (&[0x2b, 0x65, 0x6f], "X448"),
    (&[0x2b, 0x81, 0x04, 0x00, 0x23], "P-521"),
    (&[0x2b, 0x81, 0x04, 0x00, 0x0a], "secp256k1"),
    (&[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07], "brainpoolP256r1"),
];

/// Parses a whole SubjectPublicKeyInfo; nothing may follow it. Only one spelling of a key is taken,
/// so the digest of the bytes names the key.
pub(crate) fn parse(spki: &[u8]) -> Result<Material, KeyError> {
    if spki.len() > SPKI_BYTES_MAX {
        return Err(KeyError::Malformed("longer than any accepted key"));
    }
    let mut outer = Reader::new(spki);
    let mut info = outer.sequence().map_err(in_part("SubjectPublicKeyInfo"))?;
    let mut algorithm = info.sequence().map_err(in_part("AlgorithmIdentifier"))?;
    let oid = algorithm.take(TAG_OID).map_err(in_part("algorithm identifier"))?;
    let key = info.bit_string().map_err(in_part("subjectPublicKey"))?;
    if !outer.is_empty() || !info.is_empty() {
        return Err(KeyError::Malformed("trailing bytes"));
    }
    match oid {
        OID_ED25519 => {
            finished(algorithm, "Ed25519 parameters")?; // absent, RFC 8410 section 3
            ed25519(key)
        }
        OID_EC => elliptic(algorithm, key),
        OID_RSA => {
            // NULL, RFC 3279 section 2.3.1.
            let null = algorithm.take(TAG_NULL).map_err(in_part("RSA parameters"))?;
            if !null.is_empty() {
                return Err(KeyError::Malformed("RSA parameters"));
            }
            finished(algorithm, "RSA parameters")?;
            rsa(key)
        }
        other => Err(KeyError::Unsupported(oid_name(other))),
    }
}

fn in_part(part: &'static str) -> impl Fn(DerError) -> KeyError {
    move |DerError| KeyError::Malformed(part)
}

fn finished(reader: Reader<'_>, part: &'static str) -> Result<(), KeyError> {
    if reader.is_empty() { Ok(()) } else { Err(KeyError::Malformed(part)) }
}

fn elliptic(mut parameters: Reader<'_>, key: &[u8]) -> Result<Material, KeyError> {
    if parameters.peek_tag() == Some(TAG_SEQUENCE) {
        return Err(KeyError::ExplicitCurve);
    }
    let curve = parameters.take(TAG_OID).map_err(in_part("curve name"))?;
    finished(parameters, "curve name")?;
    let coordinate_bytes = match curve {
        OID_P256 => 32,
        OID_P384 => 48,
        other => return Err(KeyError::Curve(oid_name(other))),
    };
    // Uncompressed only (RFC 5480 section 2.2). That the point lies on the curve is checked by the
    // provider at every verification; one that does not verifies nothing.
    if key.len() != 1 + 2 * coordinate_bytes || key[0] != 4 {
        return Err(KeyError::Malformed("curve point (only the uncompressed form is accepted)"));
    }
    let point = key.to_vec();
    Ok(if coordinate_bytes == 32 { Material::P256(point) } else { Material::P384(point) })
}

fn rsa(key: &[u8]) -> Result<Material, KeyError> {
    let mut outer = Reader::new(key);
    let mut numbers = outer.sequence().map_err(in_part("RSAPublicKey"))?;
    let modulus = numbers.unsigned().map_err(in_part("RSA modulus"))?;
    let exponent = numbers.unsigned().map_err(in_part("RSA exponent"))?;
    finished(numbers, "RSAPublicKey")?;
    finished(outer, "RSAPublicKey")?;
    // The length is bounded by SPKI_BYTES_MAX, and a magnitude has no leading zero byte.
    let bits = modulus.len() as u32 * 8 - modulus[0].leading_zeros();
    if !(RSA_MODULUS_BITS_MIN..=RSA_MODULUS_BITS_MAX).contains(&bits) {
        return Err(KeyError::RsaModulus { bits });
    }
    if modulus.last().is_none_or(|low| low % 2 == 0) {
        return Err(KeyError::Malformed("RSA modulus (even)"));
    }
    if exponent.len() > 8 {
        return Err(KeyError::RsaExponent);
    }
    let value = exponent.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    if !(RSA_EXPONENT_MIN..=RSA_EXPONENT_MAX).contains(&value) || value % 2 == 0 {
        return Err(KeyError::RsaExponent);
    }
    Ok(Material::Rsa { modulus: modulus.to_vec(), exponent: exponent.to_vec(), bits })
}

pub(crate) fn ed25519(key: &[u8]) -> Result<Material, KeyError> {
    let key: [u8; 32] = key.try_into().map_err(|_| KeyError::Malformed("Ed25519 key"))?;
    let mut y = key;
    y[31] &= 0x7f; // the top bit is the sign of x
    // Little-endian: y >= p = 2^255 - 19 is a second spelling of a smaller y.
    let not_reduced = y[0] >= 0xed && y[1..31].iter().all(|byte| *byte == 0xff) && y[31] == 0x7f;
    if not_reduced || SMALL_ORDER_Y.contains(&y) {
        return Err(KeyError::WeakEd25519);
    }
    // Finding the point takes a quarter of the time of a check, so it is done once per key.
    let point = VerifyingKey::from_bytes(&key).ok().map(Box::new);
    Ok(Material::Ed25519(key, point))
}

/// The y coordinates of the eight points whose order divides the cofactor.
const SMALL_ORDER_Y: [[u8; 32]; 5] = [
    [0; 32],
    {
        let mut one = [0; 32];
        one[0] = 1;
        one
    },
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    {
        let mut minus_one = [0xff; 32];
        minus_one[0] = 0xec;
        minus_one[31] = 0x7f;
        minus_one
    },
];

/// The usual name of an object identifier, else its dotted form.
fn oid_name(oid: &[u8]) -> String {
    if let Some((_, name)) = KNOWN_NAMES.iter().find(|(known, _)| *known == oid) {
        return (*name).to_owned();
    }
    let mut arcs: Vec<u64> = Vec::new();
    let mut arc: u64 = 0;
    for byte in oid.iter().take(64) {
        arc = arc.wrapping_mul(128) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if arcs.is_empty() {
                let first = (arc / 40).min(2);
                arcs.push(first);
                arcs.push(arc - first * 40);
            } else {
                arcs.push(arc);
            }
            arc = 0;
        }
    }
    arcs.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_identifiers() {
        assert_eq!(oid_name(&[0x2b, 0x65, 0x71]), "Ed448");
        assert_eq!(oid_name(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d]), "1.2.840.113549");
        assert_eq!(oid_name(&[0x88, 0x37, 0x03]), "2.999.3");
        assert_eq!(oid_name(&[]), "");
        oid_name(&[0xff; 200]); // hostile: no panic, no end marker
    }

    #[test]
    fn weak_ed25519_keys_are_refused_with_either_sign() {
        for y in SMALL_ORDER_Y {
            let mut negative = y;
            negative[31] |= 0x80;
            assert_eq!(ed25519(&y), Err(KeyError::WeakEd25519));
            assert_eq!(ed25519(&negative), Err(KeyError::WeakEd25519));
        }
        for low in 0xed..=0xff {
            let mut y = [0xff; 32];
            y[0] = low;
            assert_eq!(ed25519(&y), Err(KeyError::WeakEd25519), "{low:02x}");
        }
        let mut ok = [0xff; 32];
        ok[0] = 0xeb;
        assert!(ed25519(&ok).is_ok());
    }
}
