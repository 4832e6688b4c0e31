//! Keys and signature algorithms.

use super::{ALGORITHM, Accepted, INVALID, Shapes, UNTRUSTED};
use crate::cert::{AUTHORITY_KEY, COMMUNE, Cert, Line, Purpose, key_identifier};
use crate::der::{NULL, bits, bits_unused, implicit, oid, sequence, unsigned};
use crate::keys::{Key, Scheme, ed25519, listed, p256, p384, rsa, rsa_spki};

pub(super) fn add(shapes: &mut Shapes, purpose: Purpose) {
    leaf_keys(shapes, purpose);
    weak_authorities(shapes, purpose);
    schemes(shapes, purpose);
    spellings(shapes, purpose);
}

fn leaf_keys(shapes: &mut Shapes, purpose: Purpose) {
    let why = "Ed25519, P-256, P-384, and RSA of 2048 to 4096 bits with exponent 65537 or more";
    for (what, key) in [
        ("P-256", p256()),
        ("P-384", p384()),
        ("RSA-2048", rsa(2048)),
        ("RSA-3072", rsa(3072)),
        ("RSA-4096", rsa(4096)),
    ] {
        shapes.add(&format!("key/leaf with {what}"), Line::keyed(purpose, key), Accepted, why);
    }
    for name in [
        "rsa512",
        "rsa1024",
        "rsa1536",
        "rsa2047",
        "rsa2048e3",
        "rsa2048e17",
        "rsapss",
        "ec-prime192v1",
        "ec-secp224r1",
        "ec-secp521r1",
        "ec-secp256k1",
        "ec-brainpoolP256r1",
        "ec-sect283r1",
        "ec-explicit",
        "ed448",
        "x25519",
        "x448",
        "dh",
    ] {
        let line = Line::keyed(purpose, listed(name));
        shapes.add(&format!("key/leaf with {name}"), line, ALGORITHM, why);
    }
    let odd_modulus = |bits: usize| -> Vec<u8> {
        let mut bytes = vec![0xc3; bits.div_ceil(8)];
        bytes[0] = 0xff >> (8 * bytes.len() - bits);
        bytes
    };
    let two = odd_modulus(2048);
    let even: Vec<u8> =
        two.iter().enumerate().map(|(i, b)| if i == 255 { b & 0xfe } else { *b }).collect();
    let keys: Vec<(&str, Vec<u8>)> = vec![
        ("a modulus of 2040 bits", rsa_spki(&odd_modulus(2040), &[1, 0, 1])),
        ("a modulus of 4104 bits", rsa_spki(&odd_modulus(4104), &[1, 0, 1])),
        ("a modulus of 8192 bits", rsa_spki(&odd_modulus(8192), &[1, 0, 1])),
        ("a modulus of 16384 bits", rsa_spki(&odd_modulus(16384), &[1, 0, 1])),
        ("a modulus of one bit", rsa_spki(&[1], &[1, 0, 1])),
        ("exponent 1", rsa_spki(&two, &[1])),
        ("exponent 0", rsa_spki(&two, &[])),
        ("exponent 65536, even", rsa_spki(&two, &[1, 0, 0])),
        ("exponent of 64 bits", rsa_spki(&two, &[0xff; 8])),
        ("exponent as long as the modulus", rsa_spki(&two, &two)),
    ];
    for (what, spki) in keys {
        let line = Line::keyed(purpose, Key::Public(spki));
        shapes.add(&format!("key/leaf with {what}"), line, ALGORITHM, why);
    }
    let line = Line::keyed(purpose, Key::Public(rsa_spki(&even, &[1, 0, 1])));
    shapes.add("key/leaf with an even modulus", line, ALGORITHM, why);
}

/// Keys that are spelt in another way than the one.
fn spellings(shapes: &mut Shapes, purpose: Purpose) {
    let Key::Public(p256) = listed("ec-prime256v1") else { return };
    let point = p256[p256.len() - 65..].to_vec();
    let curve = sequence(&[oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")]);
    let ec = |point: &[u8]| sequence(&[curve.clone(), bits(point)]);
    let compressed = [&[2 + (point[64] & 1)], &point[1..33]].concat();
    let hybrid = [&[6 + (point[64] & 1)], &point[1..]].concat();
    let mut off = point.clone();
    off[64] ^= 1;
    let Key::Public(ed) = Key::Public(ed25519("leaf").spki()) else { return };
    let ed = ed[ed.len() - 32..].to_vec();
    let edwards = sequence(&[oid("1.3.101.112")]);
    let edwards_null = sequence(&[oid("1.3.101.112"), NULL.to_vec()]);
    let rsa_oid = oid("1.2.840.113549.1.1.1");
    let modulus = sequence(&[unsigned(&[0xc3; 256]), unsigned(&[1, 0, 1])]);
    let padded = sequence(&[
        crate::der::integer(&[&[0, 0][..], &[0xc3; 256]].concat()),
        unsigned(&[1, 0, 1]),
    ]);
    let negative = sequence(&[crate::der::integer(&[0xc3; 256]), unsigned(&[1, 0, 1])]);
    let why = "a key is taken in one spelling only, so that its digest names it";
    let keys: Vec<(&str, Vec<u8>)> = vec![
        ("compressed point", ec(&compressed)),
        ("hybrid point", ec(&hybrid)),
        ("point at infinity", ec(&[0])),
        ("empty point", ec(&[])),
        ("point of 64 bytes", ec(&point[1..])),
        ("unused bits", sequence(&[curve.clone(), bits_unused(3, &point)])),
        ("curve left out", sequence(&[sequence(&[oid("1.2.840.10045.2.1")]), bits(&point)])),
        (
            "curve as NULL",
            sequence(&[sequence(&[oid("1.2.840.10045.2.1"), NULL.to_vec()]), bits(&point)]),
        ),
        ("something behind the key", sequence(&[curve.clone(), bits(&point), NULL.to_vec()])),
        ("Ed25519 with NULL", sequence(&[edwards_null, bits(&ed)])),
        ("Ed25519 of 31 bytes", sequence(&[edwards.clone(), bits(&ed[1..])])),
        ("Ed25519 of 33 bytes", sequence(&[edwards.clone(), bits(&[&ed[..], &[0]].concat())])),
        ("Ed25519 zero", sequence(&[edwards.clone(), bits(&[0; 32])])),
        (
            "Ed25519 neutral point",
            sequence(&[edwards.clone(), bits(&[&[1][..], &[0; 31]].concat())]),
        ),
        ("Ed25519 not reduced", sequence(&[edwards, bits(&[0xff; 32])])),
        ("RSA without NULL", sequence(&[sequence(&[rsa_oid.clone()]), bits(&modulus)])),
        (
            "RSA modulus with zeros before",
            sequence(&[sequence(&[rsa_oid.clone(), NULL.to_vec()]), bits(&padded)]),
        ),
        (
            "RSA modulus negative",
            sequence(&[sequence(&[rsa_oid.clone(), NULL.to_vec()]), bits(&negative)]),
        ),
        (
            "RSA key that is none",
            sequence(&[sequence(&[rsa_oid, NULL.to_vec()]), bits(b"rubbish")]),
        ),
    ];
    for (what, spki) in keys {
        let line = Line::keyed(purpose, Key::Public(spki));
        let expected = if what == "unused bits" { INVALID } else { ALGORITHM };
        shapes.add(&format!("key/spelling: {what}"), line, expected, why);
    }
    let line = Line::keyed(purpose, Key::Public(ec(&off)));
    let expected = if purpose == Purpose::Seal { ALGORITHM } else { Accepted };
    let why = "a point off the curve verifies nothing: no seal, and no handshake either";
    shapes.add("key/spelling: point off the curve", line, expected, why);
}

/// A CA on the path whose key is not accepted, although it signs truly.
fn weak_authorities(shapes: &mut Shapes, purpose: Purpose) {
    let why = "a weak key anywhere on the path makes the path worthless";
    for (what, key, expected) in [
        ("RSA-1024", rsa(1024), ALGORITHM),
        ("RSA-2048 with exponent 3", rsa(3), ALGORITHM),
        ("RSA-2048", rsa(2048), Accepted),
        ("RSA-3072", rsa(3072), Accepted),
        ("RSA-4096", rsa(4096), Accepted),
        ("P-256", p256(), Accepted),
        ("P-384", p384(), Accepted),
    ] {
        let mut line = Line::full(purpose);
        line.rekey(COMMUNE, key);
        shapes.add(&format!("key/CA with {what}"), line, expected, why);
    }
    for (what, key, expected) in [
        ("RSA-1024", rsa(1024), ALGORITHM),
        ("exponent 3", rsa(3), ALGORITHM),
        ("RSA-2048", rsa(2048), Accepted),
        ("P-256", p256(), Accepted),
        ("P-384", p384(), Accepted),
        ("Ed448", listed("ed448"), ALGORITHM),
        ("P-521", listed("ec-secp521r1"), ALGORITHM),
        ("P-192", listed("ec-prime192v1"), ALGORITHM),
        ("explicit parameters", listed("ec-explicit"), ALGORITHM),
    ] {
        let mut line = Line::short(purpose);
        line.anchor = Cert::anchor("root CA", &key);
        let name = key_identifier(&line.anchor.spki);
        line.issuer().set(AUTHORITY_KEY, false, sequence(&[implicit(0, &name)]));
        line.anchor_key = key;
        shapes.add(&format!("key/anchor with {what}"), line, expected, why);
    }
}

/// What the certificate of the leaf is signed with.
fn schemes(shapes: &mut Shapes, purpose: Purpose) {
    let why = "SHA-2 with the key's own kind; PSS with salt and mask of the same hash";
    for (what, key, scheme, expected) in [
        ("SHA-1 with RSA", rsa(2048), Scheme::Rsa1, ALGORITHM),
        ("MD5 with RSA", rsa(2048), Scheme::RsaMd5, ALGORITHM),
        ("MD2 with RSA", rsa(2048), Scheme::RsaMd2, ALGORITHM),
        ("SHA-224 with RSA", rsa(2048), Scheme::Rsa224, ALGORITHM),
        ("SHA-256 with RSA", rsa(2048), Scheme::Rsa256, Accepted),
        ("SHA-384 with RSA", rsa(2048), Scheme::Rsa384, Accepted),
        ("SHA-512 with RSA", rsa(2048), Scheme::Rsa512, Accepted),
        ("PSS with SHA-256", rsa(2048), Scheme::Pss256, Accepted),
        ("PSS with SHA-384", rsa(2048), Scheme::Pss384, Accepted),
        ("PSS with SHA-512", rsa(2048), Scheme::Pss512, Accepted),
        ("PSS with SHA-1", rsa(2048), Scheme::PssSha1, ALGORITHM),
        ("PSS with a short salt", rsa(2048), Scheme::PssShortSalt, ALGORITHM),
        ("ECDSA with SHA-1", p256(), Scheme::EcdsaSha1, ALGORITHM),
        ("ECDSA with SHA-256 on P-256", p256(), Scheme::Ecdsa256, Accepted),
        ("ECDSA with SHA-384 on P-256, forged", p256(), Scheme::Ecdsa384, UNTRUSTED),
        ("ECDSA with SHA-384 on P-384", p384(), Scheme::Ecdsa384, Accepted),
        ("an RSA algorithm by an Ed25519 key", ed25519("x"), Scheme::Rsa256, ALGORITHM),
        ("ECDSA by an Ed25519 key", ed25519("x"), Scheme::Ecdsa256, ALGORITHM),
        ("Ed25519 by an RSA key", rsa(2048), Scheme::Ed25519, ALGORITHM),
    ] {
        let mut line = Line::short(purpose);
        line.rekey(COMMUNE, key);
        line.leaf().scheme = Some(scheme);
        shapes.add(&format!("signature/{what}"), line, expected, why);
    }
    let mut line = Line::short(purpose);
    line.rekey(COMMUNE, rsa(2048));
    line.leaf().scheme = Some(Scheme::RsaNoNull);
    let why = "RFC 4055 wants NULL, but accepts it left out; what is signed is the same";
    shapes.add("signature/RSA without NULL", line, Accepted, why);
    for (what, inner) in [
        ("SHA-1", Scheme::Rsa1.identifier()),
        ("Ed25519", Scheme::Ed25519.identifier()),
        ("the same without NULL", Scheme::RsaNoNull.identifier()),
        ("nothing", sequence::<&[u8]>(&[])),
    ] {
        let mut line = Line::short(purpose);
        line.rekey(COMMUNE, rsa(2048));
        line.leaf().inner = Some(inner);
        let why = "the algorithm inside and outside must be the same (RFC 5280 section 4.1.1.2)";
        shapes.add(&format!("signature/inside it says {what}"), line, INVALID, why);
    }
}
