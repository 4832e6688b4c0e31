//! Bytes that every implementation must refuse, with the code it should give: `tests/vectors/invalid.json`.

use serde_json::{Value, json};
use tram_wire::{Receipt, SealedDispatch, WireError, evidence, frame};

const FILE: &str = "tests/vectors/invalid.json";

/// One change of a good vector.
struct Change {
    base: &'static str,
    why: &'static str,
    code: &'static str,
    make: fn(Vec<u8>) -> Vec<u8>,
}

/// Replaces the first occurrence, which must be there.
fn replace(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|w| w == from).expect("the bytes to change");
    bytes.splice(at..at + from.len(), to.iter().copied());
    bytes
}

const CHANGES: &[Change] = &[
    Change {
        base: "dispatch-minimal",
        why: "without tag 18",
        code: "MALFORMED",
        make: |b| b[1..].to_vec(),
    },
    Change {
        base: "dispatch-minimal",
        why: "a byte is left over",
        code: "MALFORMED",
        make: |mut b| {
            b.push(0);
            b
        },
    },
    Change {
        base: "dispatch-minimal",
        why: "cut off by one byte",
        code: "MALFORMED",
        make: |mut b| {
            b.pop();
            b
        },
    },
    Change {
        base: "dispatch-minimal",
        why: "the unprotected header is not empty",
        code: "MALFORMED",
        make: |b| replace(b, &[0xa0, 0x58], &[0xa1, 0x00, 0x00, 0x58]),
    },
    Change {
        base: "dispatch-minimal",
        why: "the array of four in two bytes",
        code: "NOT_CANONICAL",
        make: |b| replace(b, &[0xd2, 0x84], &[0xd2, 0x98, 0x04]),
    },
    Change {
        base: "dispatch-minimal",
        why: "the tag in two bytes",
        code: "NOT_CANONICAL",
        make: |b| replace(b, &[0xd2, 0x84], &[0xd8, 0x12, 0x84]),
    },
    Change {
        base: "dispatch-minimal",
        why: "typ of another object",
        code: "MALFORMED",
        make: |b| replace(b, b"tram-dispatch", b"tram-dispatcj"),
    },
    Change {
        base: "dispatch-minimal",
        why: "an algorithm that does not sign (-6)",
        code: "MALFORMED",
        make: |b| replace(b, &[0x01, 0x27, 0x10], &[0x01, 0x25, 0x10]),
    },
    Change {
        base: "dispatch-minimal",
        why: "the originator in small letters",
        code: "MALFORMED",
        make: |b| replace(b, b"\x02\x63G22", b"\x02\x63g22"),
    },
    Change {
        base: "dispatch-minimal",
        why: "no hop allowed",
        code: "MALFORMED",
        make: |b| replace(b, &[0x0e, 0x01], &[0x0e, 0x00]),
    },
    Change {
        base: "evidence",
        why: "event 0",
        code: "MALFORMED",
        make: |b| replace(b, &[0x01, 0x06, 0x02], &[0x01, 0x00, 0x02]),
    },
    Change {
        base: "evidence",
        why: "a key stands twice",
        code: "NOT_CANONICAL",
        make: |b| replace(b, &[0x01, 0x06, 0x02], &[0x00, 0x06, 0x02]),
    },
    Change {
        base: "evidence",
        why: "an unknown critical field",
        code: "MALFORMED",
        make: |mut b| {
            b[0] += 1;
            b.extend_from_slice(&[0x18, 0x7f, 0x00]);
            b
        },
    },
    Change {
        base: "receipt",
        why: "the salt is one byte short",
        code: "MALFORMED",
        make: |b| replace(b, &[0x50, 3, 3], &[0x4f, 3]),
    },
    Change {
        base: "receipt",
        why: "record and header name different epochs",
        code: "MALFORMED",
        make: |mut b| {
            let at = b.len() - 1;
            let epoch = b.windows(3).rposition(|w| w == [0x04, 0x58, 0x20]).expect("an epoch");
            b[(epoch + 3).min(at)] ^= 1;
            b
        },
    },
    Change {
        base: "frame-stored",
        why: "an unknown critical frame type",
        code: "MALFORMED",
        make: |b| replace(b, &[0x82, 0x04], &[0x82, 0x18, 0x7f]),
    },
    Change {
        base: "frame-stored",
        why: "a floating-point batch number",
        code: "MALFORMED",
        make: |b| replace(b, &[0x01, 0x01], &[0x01, 0xf9, 0x3c, 0x00]),
    },
    Change {
        base: "frame-want",
        why: "an array of indefinite length",
        code: "NOT_CANONICAL",
        make: |b| replace(b, &[0x81, 0x82], &[0x9f, 0x82]),
    },
];

fn all() -> Vec<Value> {
    CHANGES
        .iter()
        .map(|change| {
            let good = crate::hex_file(&format!("tests/vectors/{}.hex", change.base));
            let bytes = (change.make)(good);
            let format = change.base.split('-').next();
            json!({ "format": format, "why": change.why, "code": change.code, "hex": hex::encode(bytes) })
        })
        .collect()
}

#[test]
fn every_one_is_refused_with_its_code() {
    if crate::update() {
        let mut text = serde_json::to_string_pretty(&all()).unwrap();
        text.push('\n');
        std::fs::write(crate::repository(FILE), text).unwrap();
    }
    let written: Value = serde_json::from_str(&crate::text(FILE)).unwrap();
    assert_eq!(written, Value::Array(all()));
    for row in written.as_array().unwrap() {
        let bytes = hex::decode(row["hex"].as_str().unwrap()).unwrap();
        let error: WireError = match row["format"].as_str().unwrap() {
            "dispatch" => SealedDispatch::parse(&bytes).map(|_| ()).unwrap_err(),
            "evidence" => evidence::decode(&bytes).map(|_| ()).unwrap_err(),
            "receipt" => Receipt::parse(&bytes).map(|_| ()).unwrap_err(),
            "frame" => frame::decode(&bytes).map(|_| ()).unwrap_err(),
            other => panic!("no parser for {other}"),
        };
        assert_eq!(error.code.as_str(), row["code"], "{}: {error}", row["why"]);
    }
}
