//! Signatures: published vectors, what other libraries made, and everything that must not verify.

use tram_crypto::{
    Algorithm, BadSignature, Ed25519Signer, P256Signer, PrivateKeyError, PublicKey, SeededEntropy,
    Sign, ed25519_pkcs8_from_seed, generate_ed25519_pkcs8, generate_p256_pkcs8,
    signer_from_pkcs8_der,
};

macro_rules! data {
    ($name:literal) => {
        include_bytes!(concat!("data/", $name))
    };
}

const MESSAGE: &[u8] = data!("message.txt");

fn unhex(text: &str) -> Vec<u8> {
    let text: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    text.chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Key, algorithm and signature over [`MESSAGE`], made by openssl and Python's cryptography.
fn foreign() -> Vec<(PublicKey, Algorithm, &'static [u8])> {
    let cases: [(&[u8], Algorithm, &[u8]); 8] = [
        (data!("p256.spki.der"), Algorithm::Es256, data!("p256.es256.sig")),
        (data!("p384.spki.der"), Algorithm::Es384, data!("p384.es384.sig")),
        (data!("rsa2048.spki.der"), Algorithm::Rs256, data!("rsa2048.rs256.sig")),
        (data!("rsa2048.spki.der"), Algorithm::Ps256, data!("rsa2048.ps256.sig")),
        (data!("rsa2048.spki.der"), Algorithm::Ps384, data!("rsa2048.ps384.sig")),
        (data!("rsa3072.spki.der"), Algorithm::Rs256, data!("rsa3072.rs256.sig")),
        (data!("rsa3072.spki.der"), Algorithm::Ps256, data!("rsa3072.ps256.sig")),
        (data!("rsa3072.spki.der"), Algorithm::Ps384, data!("rsa3072.ps384.sig")),
    ];
    cases.map(|(spki, alg, sig)| (PublicKey::from_spki_der(spki).unwrap(), alg, sig)).into()
}

#[test]
fn foreign_signatures_verify_with_their_algorithm_only() {
    for (key, algorithm, signature) in foreign() {
        for tried in Algorithm::ALL {
            let verified = key.verify(tried, MESSAGE, signature);
            assert_eq!(verified.is_ok(), tried == algorithm, "{key:?} {algorithm} as {tried}");
        }
        assert!(algorithm.fits(key.kind()));
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    for (key, algorithm, signature) in foreign() {
        for bit in (0..signature.len() * 8).step_by(7) {
            let mut bad = signature.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.verify(algorithm, MESSAGE, &bad), Err(BadSignature), "bit {bit}");
        }
        for bit in 0..MESSAGE.len() * 8 {
            let mut bad = MESSAGE.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.verify(algorithm, &bad, signature), Err(BadSignature), "bit {bit}");
        }
        for cut in [0, 1, signature.len() - 1] {
            assert!(key.verify(algorithm, MESSAGE, &signature[..cut]).is_err());
        }
        assert!(key.verify(algorithm, MESSAGE, &[signature, &[0]].concat()).is_err());
    }
}

#[test]
fn another_key_of_the_same_kind_is_refused() {
    let one = Ed25519Signer::from_seed(&[1; 32]).unwrap();
    let two = Ed25519Signer::from_seed(&[2; 32]).unwrap();
    let signature = one.sign(MESSAGE).unwrap();
    assert!(one.public_key().verify(Algorithm::EdDsa, MESSAGE, &signature).is_ok());
    assert!(two.public_key().verify(Algorithm::EdDsa, MESSAGE, &signature).is_err());
}

/// RFC 8032 section 7.1, tests 1 and 3.
#[test]
fn rfc_8032_vectors() {
    let cases = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155
             5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac
             18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ];
    for (seed, public, message, signature) in cases {
        let signer = Ed25519Signer::from_seed(&unhex(seed).try_into().unwrap()).unwrap();
        assert_eq!(signer.public_key().ed25519_bytes().unwrap()[..], unhex(public));
        assert_eq!(signer.sign(&unhex(message)).unwrap(), unhex(signature));
    }
}

/// RFC 6979 appendix A.2.5 (P-256, SHA-256) and A.2.6 (P-384, SHA-384), message "sample".
#[test]
fn rfc_6979_vectors() {
    let p256 = [
        unhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004"),
        unhex("60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"),
        unhex("7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299"),
    ]
    .concat();
    let signature = [
        unhex("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"),
        unhex("F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"),
    ]
    .concat();
    let key = PublicKey::from_spki_der(&p256).unwrap();
    assert_eq!(key.verify(Algorithm::Es256, b"sample", &signature), Ok(()));
    assert!(key.verify(Algorithm::Es256, b"Sample", &signature).is_err());

    let p384 = [
        unhex("3076301006072a8648ce3d020106052b8104002203620004"),
        unhex("EC3A4E415B4E19A4568618029F427FA5DA9A8BC4AE92E02E06AAE5286B300C64"),
        unhex("DEF8F0EA9055866064A254515480BC13"),
        unhex("8015D9B72D7D57244EA8EF9AC0C621896708A59367F9DFB9F54CA84B3F1C9DB1"),
        unhex("288B231C3AE0D4FE7344FD2533264720"),
    ]
    .concat();
    let signature = [
        unhex("94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C"),
        unhex("81A648152E44ACF96E36DD1E80FABE46"),
        unhex("99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94F"),
        unhex("A329C145786E679E7B82C71A38628AC8"),
    ]
    .concat();
    let key = PublicKey::from_spki_der(&p384).unwrap();
    assert_eq!(key.verify(Algorithm::Es384, b"sample", &signature), Ok(()));
}

/// S + L verifies with a careless checker; RFC 8032 section 5.1.7 wants it refused.
#[test]
fn malleable_ed25519_signature_is_refused() {
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let signer = Ed25519Signer::from_seed(&[3; 32]).unwrap();
    let mut signature = signer.sign(MESSAGE).unwrap();
    let mut carry = 0;
    for (byte, add) in signature[32..].iter_mut().zip(L) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    assert!(signer.public_key().verify(Algorithm::EdDsa, MESSAGE, &signature).is_err());
}

#[test]
fn keys_written_by_openssl_sign() {
    let ed25519 = Ed25519Signer::from_pkcs8_der(data!("ed25519.pkcs8.der")).unwrap();
    assert_eq!(ed25519.public_key().spki_der(), data!("ed25519.spki.der"));
    let p256 = P256Signer::from_pkcs8_der(data!("p256.pkcs8.der")).unwrap();
    assert_eq!(p256.public_key().spki_der(), data!("p256.spki.der"));
    for pkcs8 in [&data!("ed25519.pkcs8.der")[..], data!("p256.pkcs8.der")] {
        let signer = signer_from_pkcs8_der(pkcs8).unwrap();
        let signature = signer.sign(MESSAGE).unwrap();
        assert_eq!(signature.len(), 64);
        assert!(signer.algorithm().fits(signer.public_key().kind()));
        signer.public_key().verify(signer.algorithm(), MESSAGE, &signature).unwrap();
    }
    assert!(matches!(signer_from_pkcs8_der(MESSAGE), Err(PrivateKeyError::Unknown)));
    assert!(P256Signer::from_pkcs8_der(data!("ed25519.pkcs8.der")).is_err());
    assert!(Ed25519Signer::from_pkcs8_der(data!("p256.pkcs8.der")).is_err());
}

#[test]
fn generated_keys_sign() {
    let mut entropy = SeededEntropy::from_u64(1);
    let one = generate_ed25519_pkcs8(&mut entropy).unwrap();
    let two = generate_ed25519_pkcs8(&mut entropy).unwrap();
    assert_ne!(one, two);
    assert_eq!(one, generate_ed25519_pkcs8(&mut SeededEntropy::from_u64(1)).unwrap());
    for pkcs8 in [one, two, generate_p256_pkcs8().unwrap()] {
        let signer = signer_from_pkcs8_der(&pkcs8).unwrap();
        let signature = signer.sign(MESSAGE).unwrap();
        signer.public_key().verify(signer.algorithm(), MESSAGE, &signature).unwrap();
    }
    // Byte for byte what openssl writes for the same seed.
    let openssl = data!("ed25519.pkcs8.der");
    let seed: [u8; 32] = openssl[16..].try_into().unwrap();
    assert_eq!(ed25519_pkcs8_from_seed(&seed), openssl);
}

#[test]
fn debug_shows_no_key_material() {
    let pkcs8 = data!("ed25519.pkcs8.der");
    let shown = format!("{:?}", Ed25519Signer::from_pkcs8_der(pkcs8).unwrap());
    let seed: String = pkcs8[16..20].iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(shown.starts_with("Ed25519Signer") && !shown.contains(&seed), "{shown}");
    let pkcs8 = data!("p256.pkcs8.der");
    let shown = format!("{:?}", P256Signer::from_pkcs8_der(pkcs8).unwrap());
    assert!(shown.starts_with("P256Signer { public: PublicKey(P-256 "), "{shown}");
    let scalar = &pkcs8[36..68];
    for part in scalar.windows(3) {
        let hex: String = part.iter().map(|byte| format!("{byte:02x}")).collect();
        let decimal = format!("{}, {}, {}", part[0], part[1], part[2]);
        assert!(!shown.to_lowercase().contains(&hex) && !shown.contains(&decimal), "{shown}");
    }
}
