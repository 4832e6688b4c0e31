//! Keys of every kind that an authority or a leaf may have, and signatures the product never makes.

use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, RsaEncoding, RsaKeyPair};
use tram_crypto::{Ed25519Signer, Sign};
use tram_trust::fixtures::seed;

use crate::der::{NULL, holds, integer, oid, sequence};
use crate::rsa;

/// A private key of a test.
pub(crate) enum Key {
    Ed25519(Box<Ed25519Signer>),
    Ecdsa {
        curve: &'static str,
        pkcs8: &'static [u8],
    },
    Rsa {
        pkcs8: &'static [u8],
    },
    /// Nobody has the private half: only to stand in a certificate.
    Public(Vec<u8>),
}

const RSA2048: &[u8] = include_bytes!("../../crates/trust/tests/data/rsa2048.pkcs8.der");
const OID_RSA: &str = "1.2.840.113549.1.1.1";
const SPKI: &str = include_str!("data/spki.txt");

pub(crate) fn ed25519(label: &str) -> Key {
    Key::Ed25519(Box::new(Ed25519Signer::from_seed(&seed(label)).expect("a seed")))
}

pub(crate) fn p256() -> Key {
    Key::Ecdsa { curve: "prime256v1", pkcs8: include_bytes!("data/prime256v1.pkcs8.der") }
}

pub(crate) fn p384() -> Key {
    Key::Ecdsa { curve: "secp384r1", pkcs8: include_bytes!("data/secp384r1.pkcs8.der") }
}

/// RSA of 1024, 2048, 3072 or 4096 bits; 3 stands for 2048 bits with exponent 3.
pub(crate) fn rsa(bits: u32) -> Key {
    let pkcs8: &[u8] = match bits {
        3 => include_bytes!("data/rsa2048e3.pkcs8.der"),
        1024 => include_bytes!("data/rsa1024.pkcs8.der"),
        2048 => RSA2048,
        3072 => include_bytes!("data/rsa3072.pkcs8.der"),
        _ => include_bytes!("data/rsa4096.pkcs8.der"),
    };
    Key::Rsa { pkcs8 }
}

/// A public key of `data/spki.txt`.
pub(crate) fn listed(name: &str) -> Key {
    let line = SPKI.lines().find(|line| line.split(' ').next() == Some(name));
    let digits = line.and_then(|line| line.split(' ').nth(1)).expect("a key of spki.txt");
    Key::Public(hex::decode(digits).expect("hexadecimal digits"))
}

/// How a certificate is signed: the AlgorithmIdentifier, and the padding or curve behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Ed25519,
    Ecdsa256,
    Ecdsa384,
    /// ecdsa-with-SHA1 (the signature itself is not one: nobody may get that far).
    EcdsaSha1,
    Rsa1,
    Rsa224,
    Rsa256,
    Rsa384,
    Rsa512,
    /// md5WithRSAEncryption and md2 (the same).
    RsaMd5,
    RsaMd2,
    Pss256,
    Pss384,
    Pss512,
    /// RSASSA-PSS with all defaults, which mean SHA-1.
    PssSha1,
    /// RSASSA-PSS with SHA-256 and a salt length field of 20.
    PssShortSalt,
    /// RSA with the parameters left out instead of NULL.
    RsaNoNull,
}

impl Scheme {
    /// The AlgorithmIdentifier.
    pub(crate) fn identifier(self) -> Vec<u8> {
        let rsa = |last: u8| sequence(&[oid(&format!("1.2.840.113549.1.1.{last}")), NULL.to_vec()]);
        match self {
            Scheme::Ed25519 => sequence(&[oid("1.3.101.112")]),
            Scheme::Ecdsa256 => sequence(&[oid("1.2.840.10045.4.3.2")]),
            Scheme::Ecdsa384 => sequence(&[oid("1.2.840.10045.4.3.3")]),
            Scheme::EcdsaSha1 => sequence(&[oid("1.2.840.10045.4.1")]),
            Scheme::RsaMd2 => rsa(2),
            Scheme::RsaMd5 => rsa(4),
            Scheme::Rsa1 => rsa(5),
            Scheme::Rsa256 => rsa(11),
            Scheme::Rsa384 => rsa(12),
            Scheme::Rsa512 => rsa(13),
            Scheme::Rsa224 => rsa(14),
            Scheme::RsaNoNull => sequence(&[oid("1.2.840.113549.1.1.11")]),
            Scheme::Pss256 => pss(1, 32),
            Scheme::Pss384 => pss(2, 48),
            Scheme::Pss512 => pss(3, 64),
            Scheme::PssShortSalt => pss(1, 20),
            Scheme::PssSha1 => sequence(&[oid("1.2.840.113549.1.1.10"), sequence::<&[u8]>(&[])]),
        }
    }
}

/// RSASSA-PSS with SHA-2 number `hash` of the NIST arc for digest and MGF1.
fn pss(hash: u8, salt: u8) -> Vec<u8> {
    let digest = sequence(&[oid(&format!("2.16.840.1.101.3.4.2.{hash}")), NULL.to_vec()]);
    let mask = sequence(&[oid("1.2.840.113549.1.1.8"), digest.clone()]);
    let parameters = sequence(&[holds(0, &digest), holds(1, &mask), holds(2, &integer(&[salt]))]);
    sequence(&[oid("1.2.840.113549.1.1.10"), parameters])
}

impl Key {
    /// The SubjectPublicKeyInfo, DER.
    pub(crate) fn spki(&self) -> Vec<u8> {
        match self {
            Key::Ed25519(key) => key.public_key().spki_der().to_vec(),
            Key::Ecdsa { curve, .. } => match listed(&format!("ec-{curve}")) {
                Key::Public(spki) => spki,
                _ => unreachable!("a public key"),
            },
            Key::Rsa { pkcs8 } => {
                let [modulus, exponent, _] = rsa::parts(pkcs8);
                rsa_spki(&modulus, &exponent)
            }
            Key::Public(spki) => spki.clone(),
        }
    }

    /// The scheme this key signs certificates with unless told otherwise.
    pub(crate) fn scheme(&self) -> Scheme {
        match self {
            Key::Ecdsa { curve: "prime256v1", .. } => Scheme::Ecdsa256,
            Key::Ecdsa { .. } => Scheme::Ecdsa384,
            Key::Rsa { .. } => Scheme::Rsa256,
            Key::Ed25519(_) | Key::Public(_) => Scheme::Ed25519,
        }
    }

    /// Signs by this scheme; where key and scheme do not go together, 64 bytes that are no signature.
    pub(crate) fn sign(&self, scheme: Scheme, bytes: &[u8]) -> Vec<u8> {
        match (self, scheme) {
            (Key::Ed25519(key), Scheme::Ed25519) => key.sign(bytes).expect("a signature"),
            (Key::Ecdsa { curve: "prime256v1", pkcs8 }, Scheme::Ecdsa256) => {
                ecdsa(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8, bytes)
            }
            (Key::Ecdsa { curve: "secp384r1", pkcs8 }, Scheme::Ecdsa384) => {
                ecdsa(&signature::ECDSA_P384_SHA384_ASN1_SIGNING, pkcs8, bytes)
            }
            (Key::Rsa { pkcs8 }, Scheme::Rsa1) => rsa::sign_sha1(pkcs8, bytes),
            (Key::Rsa { pkcs8 }, Scheme::Rsa256 | Scheme::RsaNoNull) => {
                match RsaKeyPair::from_pkcs8(pkcs8) {
                    Ok(_) => padded(pkcs8, &signature::RSA_PKCS1_SHA256, bytes),
                    // Too short, or with an exponent that the provider does not take.
                    Err(_) => rsa::sign_sha256(pkcs8, bytes),
                }
            }
            (Key::Rsa { pkcs8 }, Scheme::Rsa384) => {
                padded(pkcs8, &signature::RSA_PKCS1_SHA384, bytes)
            }
            (Key::Rsa { pkcs8 }, Scheme::Rsa512) => {
                padded(pkcs8, &signature::RSA_PKCS1_SHA512, bytes)
            }
            (Key::Rsa { pkcs8 }, Scheme::Pss256) => {
                padded(pkcs8, &signature::RSA_PSS_SHA256, bytes)
            }
            (Key::Rsa { pkcs8 }, Scheme::Pss384) => {
                padded(pkcs8, &signature::RSA_PSS_SHA384, bytes)
            }
            (Key::Rsa { pkcs8 }, Scheme::Pss512) => {
                padded(pkcs8, &signature::RSA_PSS_SHA512, bytes)
            }
            _ => vec![0x2a; 64],
        }
    }

    /// The COSE algorithm of a seal by this key, with the signature in COSE form.
    pub(crate) fn seal(&self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Key::Ecdsa { curve: "prime256v1", pkcs8 } => {
                ecdsa(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, bytes)
            }
            Key::Ecdsa { pkcs8, .. } => {
                ecdsa(&signature::ECDSA_P384_SHA384_FIXED_SIGNING, pkcs8, bytes)
            }
            key => key.sign(key.scheme(), bytes),
        }
    }

    /// A seal with RSASSA-PSS and SHA-256.
    pub(crate) fn seal_pss(&self, bytes: &[u8]) -> Vec<u8> {
        self.sign(Scheme::Pss256, bytes)
    }
}

/// SubjectPublicKeyInfo of an RSA key.
pub(crate) fn rsa_spki(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let key = sequence(&[crate::der::unsigned(modulus), crate::der::unsigned(exponent)]);
    sequence(&[sequence(&[oid(OID_RSA), NULL.to_vec()]), crate::der::bits(&key)])
}

fn ecdsa(
    signing: &'static signature::EcdsaSigningAlgorithm,
    pkcs8: &[u8],
    bytes: &[u8],
) -> Vec<u8> {
    let random = SystemRandom::new();
    let pair = EcdsaKeyPair::from_pkcs8(signing, pkcs8, &random).expect("an EC key");
    pair.sign(&random, bytes).expect("a signature").as_ref().to_vec()
}

fn padded(pkcs8: &[u8], padding: &'static dyn RsaEncoding, bytes: &[u8]) -> Vec<u8> {
    let pair = RsaKeyPair::from_pkcs8(pkcs8).expect("an RSA key");
    let mut out = vec![0; pair.public().modulus_len()];
    pair.sign(padding, &SystemRandom::new(), bytes, &mut out).expect("a signature");
    out
}
