//! Public keys: what is taken, what is refused and by which name.

use proptest::prelude::*;
use tram_crypto::{KeyError, KeyKind, PublicKey, sha256};

macro_rules! data {
    ($name:literal) => {
        include_bytes!(concat!("data/", $name))
    };
}

#[test]
fn accepted_kinds() {
    let cases: [(&[u8], KeyKind); 5] = [
        (data!("ed25519.spki.der"), KeyKind::Ed25519),
        (data!("p256.spki.der"), KeyKind::P256),
        (data!("p384.spki.der"), KeyKind::P384),
        (data!("rsa2048.spki.der"), KeyKind::Rsa { bits: 2048 }),
        (data!("rsa3072.spki.der"), KeyKind::Rsa { bits: 3072 }),
    ];
    for (spki, kind) in cases {
        let key = PublicKey::from_spki_der(spki).unwrap();
        assert_eq!(key.kind(), kind);
        assert_eq!(key.spki_der(), spki);
        assert_eq!(key.key_id(), sha256(spki));
        assert_eq!(key.clone(), key);
        assert_eq!(key.ed25519_bytes().is_some(), kind == KeyKind::Ed25519);
    }
    let ed25519 = PublicKey::from_spki_der(data!("ed25519.spki.der")).unwrap();
    assert_eq!(PublicKey::from_ed25519_bytes(ed25519.ed25519_bytes().unwrap()), Ok(ed25519));
}

#[test]
fn refused_by_name() {
    let cases: [(&[u8], KeyError, &str); 7] = [
        (data!("rsa1024.spki.der"), KeyError::RsaModulus { bits: 1024 }, "RSA-1024"),
        (data!("rsa2048_e3.spki.der"), KeyError::RsaExponent, "exponent"),
        (data!("rsapss2048.spki.der"), KeyError::Unsupported("RSASSA-PSS".into()), "RSASSA-PSS"),
        (data!("ed448.spki.der"), KeyError::Unsupported("Ed448".into()), "Ed448"),
        (data!("p521.spki.der"), KeyError::Curve("P-521".into()), "P-521"),
        (data!("secp256k1.spki.der"), KeyError::Curve("secp256k1".into()), "secp256k1"),
        (data!("p256_explicit.spki.der"), KeyError::ExplicitCurve, "explicit curve"),
    ];
    for (spki, error, words) in cases {
        let refused = PublicKey::from_spki_der(spki).unwrap_err();
        assert_eq!(refused, error);
        assert!(refused.to_string().contains(words), "{refused}");
    }
}

#[test]
fn malformed_keys_are_refused() {
    let compressed = PublicKey::from_spki_der(data!("p256_compressed.spki.der"));
    assert!(matches!(compressed, Err(KeyError::Malformed(_))), "{compressed:?}");
    for good in [&data!("ed25519.spki.der")[..], data!("p256.spki.der"), data!("rsa2048.spki.der")]
    {
        for cut in 0..good.len() {
            assert!(PublicKey::from_spki_der(&good[..cut]).is_err(), "cut at {cut}");
        }
        let longer = [good, &[0]].concat();
        assert_eq!(
            PublicKey::from_spki_der(&longer),
            Err(KeyError::Malformed("trailing bytes")),
            "a byte after the end"
        );
    }
    assert!(PublicKey::from_spki_der(&[0x30; 100_000]).is_err());
}

/// Rewrites the modulus and exponent of an RSA key of at most 65,535 content bytes.
fn rsa_spki(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    fn element(tag: u8, body: &[u8]) -> Vec<u8> {
        let mut out = vec![tag];
        match body.len() {
            length @ 0..=0x7f => out.push(length as u8),
            length @ 0x80..=0xff => out.extend([0x81, length as u8]),
            length => out.extend([0x82, (length >> 8) as u8, length as u8]),
        }
        out.extend_from_slice(body);
        out
    }
    let numbers = [element(2, modulus), element(2, exponent)].concat();
    let algorithm = element(
        0x30,
        &[&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1][..], &[5, 0]].concat(),
    );
    let bits = element(3, &[&[0][..], &element(0x30, &numbers)].concat());
    element(0x30, &[algorithm, bits].concat())
}

#[test]
fn rsa_limits_are_exact() {
    let modulus = |bits: u32| {
        let bytes = bits.div_ceil(8) as usize;
        let mut out = vec![0x55; bytes];
        out[0] = 1 << ((bits - 1) % 8);
        out[bytes - 1] |= 1;
        if out[0] & 0x80 != 0 {
            out.insert(0, 0);
        }
        out
    };
    let exponent = [1, 0, 1];
    for (bits, taken) in [(2047, false), (2048, true), (4096, true), (4097, false), (8192, false)] {
        let key = PublicKey::from_spki_der(&rsa_spki(&modulus(bits), &exponent));
        match taken {
            true => assert_eq!(key.unwrap().kind(), KeyKind::Rsa { bits }),
            false => assert_eq!(key, Err(KeyError::RsaModulus { bits })),
        }
    }
    let cases: [(&[u8], bool); 7] = [
        (&[0], false),
        (&[3], false),
        (&[0, 0xff, 0xff], false), // 65,535
        (&[1, 0, 2], false),       // even
        (&[1, 0, 3], true),        // 65,539
        (&[2, 0, 0, 0, 1], false), // beyond 2^33 - 1
        (&[1, 0, 0, 0, 0, 0, 0, 0, 1], false),
    ];
    for (exponent, taken) in cases {
        let key = PublicKey::from_spki_der(&rsa_spki(&modulus(2048), exponent));
        assert_eq!(key.is_ok(), taken, "{exponent:02x?}");
        if !taken {
            assert_eq!(key, Err(KeyError::RsaExponent));
        }
    }
    let mut even = modulus(2048);
    *even.last_mut().unwrap() &= 0xfe;
    assert!(PublicKey::from_spki_der(&rsa_spki(&even, &exponent)).is_err());
    let twice = [&[0][..], &modulus(2048)].concat();
    assert!(PublicKey::from_spki_der(&rsa_spki(&twice, &exponent)).is_err(), "second spelling");
}

proptest! {
    #[test]
    fn any_bytes_are_taken_whole_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(key) = PublicKey::from_spki_der(&bytes) {
            prop_assert_eq!(key.spki_der(), &bytes[..]);
        }
    }

    #[test]
    fn one_changed_byte_never_panics(at in 0usize..294, to in any::<u8>()) {
        let mut spki = data!("rsa2048.spki.der").to_vec();
        spki[at] = to;
        if let Ok(key) = PublicKey::from_spki_der(&spki) {
            prop_assert_eq!(key.key_id(), sha256(&spki));
        }
    }
}
