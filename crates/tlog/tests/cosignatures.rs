//! Cosignatures, against published ones and against everything that is not one.

use proptest::prelude::*;
use tram_crypto::{Ed25519Signer, Sign, generate_p256_pkcs8, signer_from_pkcs8_der};
use tram_tlog::checkpoint::Checkpoint;
use tram_tlog::cosignature::{COSIGNATURE_LINE_BYTES_MAX, Cosignature};
use tram_tlog::leaf_hash;
use tram_tlog::note::{KEY_NAME_BYTES_MAX, Note, NoteError, NoteKey, SignatureType};

mod published;

const WITNESS: &str = "h41.tram.example/witness";

fn signer() -> Ed25519Signer {
    Ed25519Signer::from_seed(&[9; 32]).unwrap()
}

fn checkpoint() -> Checkpoint {
    Checkpoint::new("h41.tram.example/log/1", 20_852_163, leaf_hash(b"golden")).unwrap()
}

fn key() -> NoteKey {
    NoteKey::new(WITNESS, SignatureType::CosignatureV1, signer().public_key()).unwrap()
}

#[test]
fn public_witnesses_cosigned_a_public_checkpoint() {
    let note = Note::parse(published::CHECKPOINT.as_bytes()).unwrap();
    for text in published::WITNESSES {
        let key = NoteKey::from_verifier_key(text).unwrap();
        assert_eq!(key.to_verifier_key(), text);
        assert_eq!(note.cosigned_at(&key), Ok(published::TIME), "{text}");
        let line = note.signatures().iter().find(|line| line.key_id == key.id()).unwrap();
        let cosignature = Cosignature::from_signature(line).unwrap();
        assert_eq!((cosignature.name(), cosignature.time()), (key.name(), published::TIME));
        assert_eq!(cosignature.verify(note.text(), &key), Ok(()));
        let another = note.text().replace("1432088532", "1432088533");
        let bad = Err(NoteError::BadSignature(key.name().to_owned()));
        assert_eq!(cosignature.verify(&another, &key), bad);
        let line = cosignature.to_line();
        assert!(published::CHECKPOINT.contains(&format!("\n{line}\n")));
        assert_eq!(Cosignature::from_line(&line), Ok(cosignature));
    }
}

/// The line in the text of the specification; its key is not published.
#[test]
fn the_example_of_the_specification_is_read() {
    let line = "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dl\
                rDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==";
    let cosignature = Cosignature::from_line(line).unwrap();
    assert_eq!(cosignature.name(), "witness.example.com/w1");
    assert_eq!((cosignature.key_id(), cosignature.time()), (0x8d66_cf3f, 1_679_315_147));
    assert_eq!(cosignature.to_line(), line);
}

/// Ed25519 is deterministic: the bytes must not change from one version to the next.
#[test]
fn golden_cosignature() {
    let made = Cosignature::sign(&checkpoint(), WITNESS, 1_790_000_000, &signer()).unwrap();
    assert_eq!(made.to_line(), GOLDEN);
    assert_eq!(made.verify(&checkpoint().to_note_text(), &key()), Ok(()));
}

/// Made independently with Python's `hashlib` and `cryptography`.
const GOLDEN: &str = "— h41.tram.example/witness 8mnyMgAAAABqsTuAXLnGQI7TGQfjNz3ovyLhFXX29eO3HwudKz0VXGCm8QoRZz47Ak5sky44ZdNyzA/eWHaLeQH8OyuuAykY57ZoAw==";

#[test]
fn a_cosignature_stands_under_its_note_and_alone() {
    let log = Ed25519Signer::from_seed(&[7; 32]).unwrap();
    let checkpoint = checkpoint();
    let bytes = checkpoint.sign(checkpoint.origin(), &log).unwrap();
    let mut note = Note::parse(&bytes).unwrap();
    let made = Cosignature::sign(&checkpoint, WITNESS, 5, &signer()).unwrap();
    note.add(made.to_signature()).unwrap();
    assert_eq!(note.cosigned_at(&key()), Ok(5));
    let bytes = String::from_utf8(note.to_bytes().unwrap()).unwrap();
    assert!(bytes.ends_with(&format!("{}\n", made.to_line())));
    assert!(Checkpoint::open(bytes.as_bytes(), checkpoint.origin(), log.public_key()).is_ok());
}

#[test]
fn no_flipped_bit_verifies() {
    let text = checkpoint().to_note_text();
    let line =
        Cosignature::sign(&checkpoint(), WITNESS, 1_790_000_000, &signer()).unwrap().to_line();
    let holds = |line: &str, text: &str| {
        Cosignature::from_line(line).is_ok_and(|c| c.verify(text, &key()).is_ok())
    };
    assert!(holds(&line, &text));
    let flips = |bytes: &str| -> Vec<String> {
        let flipped = |at: usize, bit: u8| {
            let mut bad = bytes.as_bytes().to_vec();
            bad[at] ^= 1 << bit;
            String::from_utf8(bad).ok()
        };
        (0..bytes.len()).flat_map(|at| (0..8).filter_map(move |bit| flipped(at, bit))).collect()
    };
    assert!(flips(&line).iter().all(|bad| !holds(bad, &text)));
    assert!(flips(&text).iter().all(|bad| !holds(&line, bad)));
}

#[test]
fn another_key_another_name_and_a_plain_signature_do_not_verify() {
    let text = checkpoint().to_note_text();
    let made = Cosignature::sign(&checkpoint(), WITNESS, 5, &signer()).unwrap();
    let other = Ed25519Signer::from_seed(&[8; 32]).unwrap();
    let key_of = |name: &str, kind, signer: &Ed25519Signer| {
        NoteKey::new(name, kind, signer.public_key()).unwrap()
    };
    let v1 = SignatureType::CosignatureV1;
    let not_signed = |name: &str| Err(NoteError::NotSigned(name.to_owned()));
    assert_eq!(made.verify(&text, &key_of(WITNESS, v1, &other)), not_signed(WITNESS));
    assert_eq!(made.verify(&text, &key_of("w2", v1, &signer())), not_signed("w2"));
    let plain = key_of(WITNESS, SignatureType::Ed25519, &signer());
    assert_eq!(made.verify(&text, &plain), Err(NoteError::WrongKey));
    // The same key's signature on the checkpoint itself is no cosignature, whatever it is called.
    let mut line = made.to_signature();
    line.bytes[8..].copy_from_slice(&signer().sign(text.as_bytes()).unwrap());
    let posed = Cosignature::from_signature(&line).unwrap();
    assert_eq!(posed.verify(&text, &key()), Err(NoteError::BadSignature(WITNESS.to_owned())));
}

#[test]
fn what_cannot_be_cosigned_is_refused() {
    let p256 = signer_from_pkcs8_der(&generate_p256_pkcs8().unwrap()).unwrap();
    let sign = |name: &str, time| Cosignature::sign(&checkpoint(), name, time, &signer());
    assert_eq!(
        Cosignature::sign(&checkpoint(), WITNESS, 5, p256.as_ref()),
        Err(NoteError::WrongKey)
    );
    assert_eq!(sign("a b", 5), Err(NoteError::KeyName));
    assert!(sign(WITNESS, i64::MAX as u64).is_ok());
    assert!(sign(WITNESS, i64::MAX as u64 + 1).is_err());
    let extended =
        Checkpoint::parse_text(&format!("{}more\n", checkpoint().to_note_text())).unwrap();
    assert!(Cosignature::sign(&extended, WITNESS, 5, &signer()).is_err());
}

#[test]
fn malformed_lines_are_refused() {
    let line = Cosignature::sign(&checkpoint(), WITNESS, 5, &signer()).unwrap().to_line();
    let shorter = line.replace("==", "");
    for bad in [
        String::new(),
        format!("{line}\n"),
        format!(" {line}"),
        line.replace('—', "-"),
        line.replacen(' ', "  ", 1),
        format!("{line} more"),
        shorter[..shorter.len() - 4].to_owned(),
        format!("{}AAAA", line.trim_end_matches('=')),
        "— n AAAAAAA=".to_owned(),
    ] {
        assert!(Cosignature::from_line(&bad).is_err(), "{bad:?}");
    }
    let longest = "n".repeat(KEY_NAME_BYTES_MAX);
    let line = Cosignature::sign(&checkpoint(), &longest, 5, &signer()).unwrap().to_line();
    assert_eq!(line.len(), COSIGNATURE_LINE_BYTES_MAX);
    assert!(Cosignature::from_line(&line).is_ok());
    let too_long = Cosignature::from_line(&line.replacen('n', "nn", 1));
    assert!(matches!(too_long, Err(NoteError::TooLarge { .. })));
}

proptest! {
    #[test]
    fn any_line_is_refused_or_comes_back_the_same(
        name in "[!-*,-~é]{1,20}",
        data in prop::collection::vec(any::<u8>(), 70..80),
        rest in "[ -~]{0,3}",
    ) {
        use base64::Engine as _;
        let data = base64::engine::general_purpose::STANDARD.encode(data);
        let line = format!("— {name} {data}{rest}");
        if let Ok(cosignature) = Cosignature::from_line(&line) {
            prop_assert_eq!(cosignature.to_line(), line);
            prop_assert!(cosignature.time() <= i64::MAX as u64);
        }
    }
}
