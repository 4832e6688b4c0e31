//! Signature algorithms by their COSE numbers.

use std::fmt;

use crate::key::KeyKind;

/// The signature algorithms the product accepts (COSE registry: RFC 9053 section 2, RFC 8230 section
/// 2, RFC 8812 section 2). Signing uses only [`Algorithm::EdDsa`] and [`Algorithm::Es256`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256; 64-byte signature r‖s.
    Es256,
    /// ECDSA on P-384 with SHA-384; 96-byte signature r‖s.
    Es384,
    /// EdDSA; here always Ed25519, 64-byte signature (RFC 8032).
    EdDsa,
    /// RSASSA-PSS with SHA-256, MGF1-SHA-256 and a 32-byte salt.
    Ps256,
    /// RSASSA-PSS with SHA-384, MGF1-SHA-384 and a 48-byte salt.
    Ps384,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (national tokens sign with it).
    Rs256,
}

impl Algorithm {
    /// Every algorithm, in a fixed order.
    pub const ALL: [Self; 6] =
        [Self::Es256, Self::Es384, Self::EdDsa, Self::Ps256, Self::Ps384, Self::Rs256];

    /// The number in the COSE Algorithms registry.
    #[must_use]
    pub const fn cose_id(self) -> i64 {
        match self {
            Self::Es256 => -7,
            Self::Es384 => -35,
            Self::EdDsa => -8,
            Self::Ps256 => -37,
            Self::Ps384 => -38,
            Self::Rs256 => -257,
        }
    }

    /// The algorithm with this COSE number, if it is one of ours.
    #[must_use]
    pub fn from_cose_id(id: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.cose_id() == id)
    }

    /// The registered name, as people know it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Rs256 => "RS256",
        }
    }

    /// Whether a key of this kind can make such a signature. One curve goes with one hash; a P-256
    /// key never makes an ES384 signature here although RFC 9053 would allow it.
    #[must_use]
    pub const fn fits(self, kind: KeyKind) -> bool {
        matches!(
            (self, kind),
            (Self::EdDsa, KeyKind::Ed25519)
                | (Self::Es256, KeyKind::P256)
                | (Self::Es384, KeyKind::P384)
                | (Self::Ps256 | Self::Ps384 | Self::Rs256, KeyKind::Rsa { .. })
        )
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cose_numbers_go_both_ways() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_cose_id(algorithm.cose_id()), Some(algorithm));
        }
        assert_eq!(Algorithm::Rs256.cose_id(), -257);
        assert_eq!(Algorithm::from_cose_id(-7), Some(Algorithm::Es256));
        // RS1 (SHA-1), ES512 and HMAC are registered, but not ours.
        for other in [-65535, -36, 5, 0, i64::MIN, i64::MAX] {
            assert_eq!(Algorithm::from_cose_id(other), None);
        }
    }
}
