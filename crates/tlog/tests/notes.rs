//! Signed notes and checkpoints, against published ones and against everything malformed.

use proptest::prelude::*;
use tram_crypto::{Ed25519Signer, PublicKey, Sign, generate_p256_pkcs8, signer_from_pkcs8_der};
use tram_tlog::checkpoint::{
    CHECKPOINT_BYTES_MAX, Checkpoint, EXTENSION_LINES_MAX, ORIGIN_BYTES_MAX,
};
use tram_tlog::note::{
    NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, Note, NoteError, NoteKey, NoteSignature, SignatureType,
};
use tram_tlog::{Hash, TREE_SIZE_MAX, empty_root, leaf_hash};

const ORIGIN: &str = "h41.tram.example/log/1";

fn signer() -> Ed25519Signer {
    Ed25519Signer::from_seed(&[7; 32]).unwrap()
}

/// The example of the documentation of Go's `golang.org/x/mod/sumdb/note`, signed again by its key.
#[test]
fn published_note_of_go() {
    let key = NoteKey::from_verifier_key(
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    )
    .unwrap();
    let text = "If you think cryptography is the answer to your problem,\n\
                then you don't know what your problem is.\n";
    let signed = format!(
        "{text}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqf\
         qdngotpRZb6KE6RyyBwJnAM=\n"
    );
    let note = Note::parse(signed.as_bytes()).unwrap();
    assert_eq!(note.text(), text);
    assert_eq!(key.id(), 0xc74f_20a3);
    note.verify(&key).unwrap();
    assert_eq!(note.to_bytes().unwrap(), signed.as_bytes());

    let signer = Ed25519Signer::from_seed(&[
        0x81, 0x0a, 0x14, 0x02, 0xd5, 0x14, 0x6c, 0x8d, 0x84, 0xf2, 0x44, 0x33, 0x30, 0xf5, 0x40,
        0x80, 0xeb, 0xf9, 0x8e, 0xe1, 0x7d, 0x9c, 0x74, 0xf6, 0x25, 0x2f, 0xc5, 0xd5, 0xc7, 0x28,
        0x31, 0x73,
    ])
    .unwrap();
    assert_eq!(signer.public_key(), key.public_key());
    let mut again = Note::new(text).unwrap();
    let bytes = signer.sign(text.as_bytes()).unwrap();
    again.add(NoteSignature { name: "PeterNeumann".into(), key_id: key.id(), bytes }).unwrap();
    assert_eq!(again, note);
    assert_eq!(
        key.to_verifier_key(),
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    );
}

/// Two tree heads of Go's checksum database, as published.
#[test]
fn published_checkpoints_of_go() {
    let key = NoteKey::from_verifier_key(
        "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
    )
    .unwrap();
    let cases = [
        (
            31_700_353,
            "go.sum database tree\n31700353\nqINS1GRFhWHwdkUeqLEoP4yEMkTBBzxBkGwGQlVlVcs=\n\n\
             — sum.golang.org Az3grnmrIUEDFqHzAElIQCPNoRFRAAdFo47fooyWKMHb89k11GJh5zHIfNCOBmwn/C3YI8\
             oW9/C8DJ87F61QqspBYwM=\n",
        ),
        (
            65_209_736,
            "go.sum database tree\n65209736\n5+uGFjx6xBZG8ip1+wi77v+grwbhhukIrxEUS8PXvRo=\n\n\
             — sum.golang.org Az3grnbssgK7ubgFX36gVETtNv0U23qxyAhAMai2QUfeGa3nB/akvkMdlUErfcZz7l/R3c\
             VtYspg3dxXABkGZZKdsQ8=\n",
        ),
    ];
    for (size, signed) in cases {
        let checkpoint =
            Checkpoint::open(signed.as_bytes(), "sum.golang.org", key.public_key()).unwrap();
        assert_eq!(checkpoint.origin(), "go.sum database tree");
        assert_eq!(checkpoint.size(), size);
        assert!(signed.starts_with(&checkpoint.to_note_text()));
        let changed = signed.replacen("65209736", "65209737", 1).replacen("31700353", "1", 1);
        assert_eq!(
            Checkpoint::open(changed.as_bytes(), "sum.golang.org", key.public_key()),
            Err(NoteError::BadSignature("sum.golang.org".into()))
        );
        assert!(matches!(
            Checkpoint::open_from(signed.as_bytes(), "sum.golang.org", key.public_key()),
            Err(NoteError::Origin { .. })
        ));
    }
}

#[test]
fn checkpoint_round_trip() {
    let signer = signer();
    for (size, root) in [(0, empty_root()), (1, leaf_hash(b"a")), (TREE_SIZE_MAX, leaf_hash(b"b"))]
    {
        let checkpoint = Checkpoint::new(ORIGIN, size, root).unwrap();
        let bytes = checkpoint.sign(ORIGIN, &signer).unwrap();
        assert_eq!(Checkpoint::open(&bytes, ORIGIN, signer.public_key()).as_ref(), Ok(&checkpoint));
        assert_eq!(Checkpoint::open_from(&bytes, ORIGIN, signer.public_key()), Ok(checkpoint));
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut bad = bytes.clone();
                bad[at] ^= 1 << bit;
                let opened = Checkpoint::open(&bad, ORIGIN, signer.public_key());
                assert!(opened.is_err(), "byte {at}, bit {bit}");
            }
        }
    }
}

/// The bytes must not change from one version to the next. Ed25519 is deterministic.
#[test]
fn golden_checkpoint() {
    let checkpoint = Checkpoint::new(ORIGIN, 20_852_163, leaf_hash(b"golden")).unwrap();
    let bytes = checkpoint.sign(ORIGIN, &signer()).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), GOLDEN);
}

/// Made independently with Python's `hashlib` and `cryptography`.
const GOLDEN: &str = "h41.tram.example/log/1\n\
    20852163\n\
    LjKrDVhqK0Trv8FNvfXJENgfBwgDcI3iNKDK2Y2T4B0=\n\
    \n\
    — h41.tram.example/log/1 pVRlESFV3+p3xxsru31fEYi9k2jeDoQ/Gn57PC9ywA1ekjGV2bDf+ANljFemtruPfPbhvKSGb8tP83pIBXcC+x4QJA0=\n";

#[test]
fn other_keys_and_names_do_not_open() {
    let signer = signer();
    let other = Ed25519Signer::from_seed(&[8; 32]).unwrap();
    let checkpoint = Checkpoint::new(ORIGIN, 5, leaf_hash(b"")).unwrap();
    let bytes = checkpoint.sign(ORIGIN, &signer).unwrap();
    let not_signed = |name: &str| Err(NoteError::NotSigned(name.to_owned()));
    assert_eq!(Checkpoint::open(&bytes, ORIGIN, other.public_key()), not_signed(ORIGIN));
    assert_eq!(Checkpoint::open(&bytes, "other", signer.public_key()), not_signed("other"));

    let p256 = signer_from_pkcs8_der(&generate_p256_pkcs8().unwrap()).unwrap();
    assert_eq!(checkpoint.sign(ORIGIN, p256.as_ref()), Err(NoteError::WrongKey));
    assert_eq!(Checkpoint::open(&bytes, ORIGIN, p256.public_key()), Err(NoteError::WrongKey));
    for name in ["", "a b", "a+b", "a\u{a0}b", "a\nb", "a\u{3000}"] {
        assert_eq!(checkpoint.sign(name, &signer), Err(NoteError::KeyName), "{name:?}");
    }
}

/// One good and one false line of the same key: the note is refused as a whole.
#[test]
fn every_line_of_a_known_key_must_verify() {
    let signer = signer();
    let bytes = Checkpoint::new(ORIGIN, 5, leaf_hash(b"")).unwrap().sign(ORIGIN, &signer).unwrap();
    let mut note = Note::parse(&bytes).unwrap();
    let good = note.signatures()[0].clone();
    let stranger = NoteSignature { name: "witness".into(), key_id: 1, bytes: vec![0; 5000] };
    let same_id = NoteSignature { name: "witness".into(), ..good.clone() };
    let same_name = NoteSignature { key_id: 2, ..good.clone() };
    for line in [stranger, same_id, same_name, good.clone()] {
        note.add(line).unwrap();
        let bytes = note.to_bytes().unwrap();
        assert_eq!(Note::parse(&bytes).as_ref(), Ok(&note));
        assert!(Checkpoint::open(&bytes, ORIGIN, signer.public_key()).is_ok());
    }
    note.add(NoteSignature { bytes: vec![0; 64], ..good }).unwrap();
    assert_eq!(
        Checkpoint::open(&note.to_bytes().unwrap(), ORIGIN, signer.public_key()),
        Err(NoteError::BadSignature(ORIGIN.into()))
    );
}

#[test]
fn cosignatures_of_witnesses() {
    let (log, witness) = (signer(), Ed25519Signer::from_seed(&[9; 32]).unwrap());
    let key =
        NoteKey::new("w.example", SignatureType::CosignatureV1, witness.public_key()).unwrap();
    let plain = NoteKey::new("w.example", SignatureType::Ed25519, witness.public_key()).unwrap();
    assert_ne!(key.id(), plain.id());
    assert_eq!(NoteKey::from_verifier_key(&key.to_verifier_key()).as_ref(), Ok(&key));

    let bytes = Checkpoint::new(ORIGIN, 5, leaf_hash(b"")).unwrap().sign(ORIGIN, &log).unwrap();
    let mut note = Note::parse(&bytes).unwrap();
    let cosign = |time: u64, text: &str| NoteSignature {
        name: "w.example".into(),
        key_id: key.id(),
        bytes: [
            time.to_be_bytes().to_vec(),
            witness.sign(format!("cosignature/v1\ntime {time}\n{text}").as_bytes()).unwrap(),
        ]
        .concat(),
    };
    assert_eq!(note.cosigned_at(&key), Err(NoteError::NotSigned("w.example".into())));
    let text = note.text().to_owned();
    note.add(cosign(1_679_315_147, &text)).unwrap();
    note.add(cosign(1_679_315_100, &text)).unwrap();
    assert_eq!(note.cosigned_at(&key), Ok(1_679_315_147));
    assert_eq!(note.cosigned_at(&plain), Err(NoteError::WrongKey));
    assert_eq!(note.verify(&key), Err(NoteError::WrongKey));
    assert!(Checkpoint::open(&note.to_bytes().unwrap(), ORIGIN, log.public_key()).is_ok());

    let bad = || Err(NoteError::BadSignature("w.example".to_owned()));
    for line in [
        cosign(1_679_315_147, "another text\n"),
        cosign(1 << 63, &text),
        NoteSignature { bytes: vec![1; 7], ..cosign(1, &text) },
    ] {
        let mut note = note.clone();
        note.add(line).unwrap();
        assert_eq!(note.cosigned_at(&key), bad());
    }
}

#[test]
fn verifier_keys_that_do_not_fit_are_refused() {
    let good = NoteKey::new("n", SignatureType::Ed25519, signer().public_key()).unwrap();
    let text = good.to_verifier_key();
    assert_eq!(NoteKey::from_verifier_key(&text), Ok(good.clone()));
    let (id, key) = text.strip_prefix("n+").unwrap().split_once('+').unwrap();
    for bad in [
        String::new(),
        "n".into(),
        format!("n+{id}"),
        format!("m+{id}+{key}"),
        format!("n+{}+{key}", id.to_uppercase()),
        format!("n+00000000+{key}"),
        format!("n+{id}+{key}="),
        format!("n+{id}+{}", &key[4..]),
        format!("+{id}+{key}"),
        "n".repeat(10_000),
    ] {
        assert!(NoteKey::from_verifier_key(&bad).is_err(), "{bad}");
    }
}

#[test]
fn malformed_notes_are_refused() {
    let line = "— n AAAAAAA=\n";
    assert!(Note::parse(format!("text\n\n{line}").as_bytes()).is_ok());
    assert!(Note::parse(format!("a\n\nb\n\n{line}{line}").as_bytes()).is_ok());
    for bad in [
        String::new(),
        "\n\n".into(),
        "text\n\n".into(),
        format!("text\n{line}"),
        format!("text\n\n{line}\n"),
        format!("text\n\n{line}rest\n"),
        format!("text\n\n{}", line.trim_end()),
        format!("te\rxt\n\n{line}"),
        format!("te\u{0}xt\n\n{line}"),
        "text\n\n- n AAAAAAA=\n".into(),
        "text\n\n—n AAAAAAA=\n".into(),
        "text\n\n— n  AAAAAAA=\n".into(),
        "text\n\n— n AAAAAAA\n".into(),
        "text\n\n— n AAAAAAB=\n".into(), // bits that say nothing are not zero
        "text\n\n— n AAAAAA==\n".into(), // key id without a signature
        "text\n\n— n\tAAAAAAA=\n".into(),
        "text\n\n— n+m AAAAAAA=\n".into(),
    ] {
        assert!(Note::parse(bad.as_bytes()).is_err(), "{bad:?}");
    }
    assert!(Note::parse(&[&b"te\xffxt\n\n"[..], line.as_bytes()].concat()).is_err());
    assert!(Note::new("no newline").is_err());
    assert!(Note::new("text\n").unwrap().to_bytes().is_err());
}

#[test]
fn malformed_checkpoints_are_refused() {
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    let text = |origin: &str, size: &str, root: &str, rest: &str| {
        Checkpoint::parse_text(&format!("{origin}\n{size}\n{root}\n{rest}"))
    };
    let extended = text("o", "7", root, "one\ntwo\n").unwrap();
    assert_eq!(extended.extension_lines(), ["one", "two"]);
    assert_eq!(extended.to_note_text(), format!("o\n7\n{root}\n"));
    assert!(extended.sign("o", &signer()).is_err());
    for size in ["", "07", "+7", "-7", " 7", "7 ", "0x7", "9223372036854775808", "1e3", "٧", "0"] {
        assert!(text("o", size, root, "").is_err(), "{size:?}"); // the empty tree has another root
    }
    for root in ["", "AAAA", &root[..43], &root.replace('=', ""), &root.replace('/', "_")] {
        assert!(text("o", "7", root, "").is_err(), "{root:?}");
    }
    assert!(text("", "7", root, "").is_err());
    assert!(text("o", "7", root, "\n").is_err(), "empty extension line");
    assert!(text("o", "7", root, "x").is_err(), "no newline at the end");
    assert!(Checkpoint::parse_text("o\n7\n").is_err());
    assert!(Checkpoint::new("a\tb", 1, Hash([0; 32])).is_err());
}

#[test]
fn limits_are_exact() {
    let too_large =
        |result: Result<(), NoteError>| matches!(result, Err(NoteError::TooLarge { .. }));
    let origin = |bytes| Checkpoint::new(&"o".repeat(bytes), 1, Hash([0; 32])).map(|_| ());
    assert_eq!(origin(ORIGIN_BYTES_MAX), Ok(()));
    assert!(too_large(origin(ORIGIN_BYTES_MAX + 1)));

    let lines = |count| {
        let text = format!("o\n7\n{}=\n{}", "A".repeat(43), "x\n".repeat(count));
        Checkpoint::parse_text(&text).map(|_| ())
    };
    assert_eq!(lines(EXTENSION_LINES_MAX), Ok(()));
    assert!(too_large(lines(EXTENSION_LINES_MAX + 1)));

    let signatures = |count| {
        let text = format!("text\n\n{}", "— n AAAAAAA=\n".repeat(count));
        Note::parse(text.as_bytes()).map(|_| ())
    };
    assert_eq!(signatures(NOTE_SIGNATURES_MAX), Ok(()));
    assert!(too_large(signatures(NOTE_SIGNATURES_MAX + 1)));

    let tail = "\n\n— n AAAAAAA=\n";
    let sized = |bytes: usize| "x".repeat(bytes - tail.len()) + tail;
    assert!(Note::parse(sized(NOTE_BYTES_MAX).as_bytes()).is_ok());
    assert!(too_large(Note::parse(sized(NOTE_BYTES_MAX + 1).as_bytes()).map(|_| ())));
    let opened =
        Checkpoint::open(sized(CHECKPOINT_BYTES_MAX + 1).as_bytes(), "n", signer().public_key());
    assert!(too_large(opened.map(|_| ())));
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_come_back_the_same(text in "[ -~\n—é]{0,80}", tail in "(\n\n— n[ -~]{0,30}\n)?") {
        if let Ok(note) = Note::parse(format!("{text}{tail}").as_bytes()) {
            let bytes = note.to_bytes().unwrap();
            prop_assert_eq!(bytes, format!("{text}{tail}").into_bytes());
        }
        if let Ok(checkpoint) = Checkpoint::parse_text(&text) {
            prop_assert!(text.starts_with(&checkpoint.to_note_text()));
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let key: PublicKey = signer().public_key().clone();
        prop_assert!(Checkpoint::open(&bytes, ORIGIN, &key).is_err());
    }
}
