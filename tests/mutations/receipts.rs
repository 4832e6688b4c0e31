//! Receipts: bytes, fields, proofs and signatures changed or taken from one another.

use ciborium::Value;
use tram_dispatch::{Event, UnixMillis};
use tram_trust::Verifier;
use tram_trust::fixtures::{CENTRE, COMMUNE, DISTRICT, Log, NOW, Network};
use tram_wire::Receipt;

use crate::{Numbers, deep, read, written};

/// Changes in an ordinary run, beside every single bit and every pair of parts.
const ORDINARY: u64 = 20_000;
const SEED: u64 = 3;

/// Sound receipts of two nodes: several of one commit, and of a later one.
struct World {
    verifier: Verifier,
    sound: Vec<Vec<u8>>,
}

impl World {
    fn new() -> Self {
        let network = Network::new("mutations");
        let envelope = |reference| network.envelope(COMMUNE, &[CENTRE, DISTRICT], reference);
        let sealed = [network.seal(&envelope("1/TB")), network.seal(&envelope("2/TB"))];
        let mut sound = Vec::new();
        for node in [COMMUNE, DISTRICT] {
            let mut log = Log::new(network.node(node));
            for at in [NOW, NOW.plus_ms(5_000)] {
                let event = |place: usize| match (node, place) {
                    (COMMUNE, _) => (Event::SubmissionAcceptance, None),
                    (_, 0) => (Event::RelayAcceptance, Some(&sealed[0].envelope().recipients[0])),
                    _ => (Event::ContentConsignment, Some(&sealed[0].envelope().recipients[1])),
                };
                let records: Vec<_> = (0..5)
                    .map(|place| {
                        let (event, recipient) = event(place);
                        log.record(event, &sealed[place % 2], recipient, at)
                    })
                    .collect();
                let made = log.commit(&records, at.plus_ms(10));
                sound.extend(made.iter().map(|receipt| receipt.raw().to_vec()));
            }
        }
        let world = World { verifier: network.verifier(), sound };
        assert!(world.sound.iter().all(|bytes| world.is_believed(bytes)));
        world
    }

    fn is_believed(&self, bytes: &[u8]) -> bool {
        Receipt::parse(bytes).is_ok_and(|receipt| self.verifier.receipt(receipt).is_ok())
    }
}

/// What came of the changes.
#[derive(Default)]
struct Tally {
    tried: u64,
    /// Read as a receipt: only keys and signature stood against them.
    parsed: u64,
    accepted: Vec<String>,
}

impl Tally {
    fn check(&mut self, world: &World, bytes: &[u8]) {
        if world.sound.iter().any(|sound| sound[..] == *bytes) {
            return;
        }
        self.tried += 1;
        self.parsed += u64::from(Receipt::parse(bytes).is_ok());
        if world.is_believed(bytes) {
            self.accepted.push(hex::encode(bytes));
        }
    }

    fn end(&self, what: &str) {
        let (tried, parsed, accepted) = (self.tried, self.parsed, self.accepted.len());
        println!("{what}: seed={SEED} tried={tried} parsed={parsed} accepted={accepted}");
        assert!(self.accepted.is_empty(), "{:?}", self.accepted);
    }
}

#[test]
fn no_receipt_with_one_changed_byte_is_believed() {
    let world = World::new();
    let mut tally = Tally::default();
    for sound in [&world.sound[1], &world.sound[17]] {
        for place in 0..sound.len() {
            let mut bytes = sound.clone();
            for bit in 0..8 {
                bytes[place] = sound[place] ^ 1 << bit;
                tally.check(&world, &bytes);
            }
            for value in [0x00, 0x18, 0x1f, 0x5f, 0x9f, 0xbf, 0xd2, 0xf6, 0xff] {
                bytes[place] = value;
                tally.check(&world, &bytes);
            }
            let mut shorter = sound.clone();
            shorter.remove(place);
            tally.check(&world, &shorter);
            let mut longer = sound.clone();
            longer.insert(place, 0);
            tally.check(&world, &longer);
        }
    }
    tally.end("receipts, one byte");
    assert!(tally.tried > 10_000);
}

/// `[COSE_Sign1, salt, record]` as eight pieces that can be exchanged.
pub(crate) fn pieces(receipt: &[u8]) -> Vec<Value> {
    let Ok([sign1, salt, record]) =
        <[Value; 3]>::try_from(read(receipt).into_array().expect("a list"))
    else {
        panic!("three parts")
    };
    let Value::Tag(18, sign1) = sign1 else { panic!("a COSE_Sign1") };
    let mut out = sign1.into_array().expect("a list");
    // The proof by its three fields.
    let proof = out[1].as_map().expect("a map")[0].1.as_map().expect("a map")[0].1.clone();
    let proof = read(proof.as_array().expect("a list")[0].as_bytes().expect("bytes"));
    out.extend(proof.into_array().expect("a list"));
    out.extend([salt, record]);
    out
}

/// Protected header, (unprotected), payload, signature, size, index, path, salt, record put together.
pub(crate) fn assembled(pieces: &[Value]) -> Vec<u8> {
    let [protected, _, payload, signature, size, index, path, salt, record] = pieces else {
        panic!("nine pieces")
    };
    let proof = Value::Array(vec![size.clone(), index.clone(), path.clone()]);
    let proofs = Value::Array(vec![Value::Bytes(written(&proof))]);
    let unprotected = Value::Map(vec![(396.into(), Value::Map(vec![(Value::from(-1), proofs)]))]);
    let sign1 =
        Value::Array(vec![protected.clone(), unprotected, payload.clone(), signature.clone()]);
    let sign1 = Value::Tag(18, Box::new(sign1));
    written(&Value::Array(vec![sign1, salt.clone(), record.clone()]))
}

#[test]
fn no_receipt_spliced_from_two_is_believed() {
    let world = World::new();
    let mut tally = Tally::default();
    let taken: Vec<Vec<Value>> = world.sound.iter().map(|sound| pieces(sound)).collect();
    assert_eq!(assembled(&taken[0]), world.sound[0]);
    for (place, one) in taken.iter().enumerate() {
        for (other_place, other) in taken.iter().enumerate() {
            if place == other_place {
                continue;
            }
            // Every choice of pieces from the two (the unprotected header is made from others).
            for choice in 0..1_u32 << 8 {
                let piece = |at: usize| match at {
                    0 => 0,
                    at => at - 1,
                };
                let mixed: Vec<Value> = (0..9)
                    .map(|at| {
                        if choice >> piece(at) & 1 == 1 {
                            other[at].clone()
                        } else {
                            one[at].clone()
                        }
                    })
                    .collect();
                // A few in an ordinary run: neighbours, and the first with all.
                if place == 0 || other_place == place + 1 {
                    tally.check(&world, &assembled(&mixed));
                }
            }
        }
    }
    tally.end("receipts, spliced");
    assert!(tally.tried > 5_000);
}

#[test]
fn no_receipt_with_a_changed_proof_or_time_is_believed() {
    let world = World::new();
    let mut tally = Tally::default();
    for sound in &world.sound {
        let good = pieces(sound);
        let size = u64::try_from(good[4].as_integer().expect("a number")).expect("a size");
        let path = good[6].as_array().expect("a list").clone();
        let mut try_with = |at: usize, value: Value| {
            let mut changed = good.clone();
            changed[at] = value;
            tally.check(&world, &assembled(&changed));
        };
        // Every other index, also past the end, and sizes of other trees; the header may follow.
        for index in (0..size + 3).chain([1 << 32, 1 << 62, (1 << 62) - 1, u64::MAX]) {
            try_with(5, index.into());
        }
        for other in (0..2 * size).chain([1 << 32, 1 << 62, u64::MAX]) {
            try_with(4, other.into());
        }
        for place in 0..path.len() {
            let mut shorter = path.clone();
            let node = shorter.remove(place);
            try_with(6, Value::Array(shorter.clone()));
            shorter.insert(0, node.clone());
            try_with(6, Value::Array(shorter));
            try_with(6, Value::Array([path.clone(), vec![node]].concat()));
        }
        try_with(6, Value::Array([path.clone(), vec![Value::Bytes(vec![0; 32])]].concat()));
        try_with(6, Value::Array(vec![]));
        try_with(6, Value::Array(vec![Value::Bytes(vec![0; 32]); 63]));
        try_with(2, Value::Bytes(vec![]));
        try_with(2, Value::Bytes(vec![7; 32]));
        // Leaf and node confused: the record is what two nodes hash to.
        let two = [path[0].as_bytes().expect("bytes").clone(), vec![0; 32]].concat();
        try_with(8, Value::Bytes(two));
        // Another date in header, record or both.
        for days in [-400_i64, -1, 1, 400] {
            let moved = |value: &Value, key: i64| shifted(value, key, days * 86_400_000);
            let mut changed = good.clone();
            let (header, record) = (moved(&good[0], COMMIT_TIME), moved(&good[8], RECORD_TIME));
            changed[0] = header.clone();
            tally.check(&world, &assembled(&changed));
            changed[8] = record.clone();
            tally.check(&world, &assembled(&changed));
            changed[0] = good[0].clone();
            tally.check(&world, &assembled(&changed));
        }
    }
    tally.end("receipts, proofs and times");
    assert!(tally.tried > 500);
}

/// Label of the commit time in the protected header, and key of the time in the record
/// (`docs/protocol.md`).
const COMMIT_TIME: i64 = -70_004;
const RECORD_TIME: i64 = 11;

/// A byte string that holds a map, with one number moved.
fn shifted(value: &Value, key: i64, by: i64) -> Value {
    let Value::Map(mut pairs) = read(value.as_bytes().expect("bytes")) else { panic!("a map") };
    let place = pairs.iter_mut().find(|(k, _)| *k == Value::from(key));
    let (_, time) = place.unwrap_or_else(|| panic!("no time under {key}"));
    let old = u64::try_from(time.as_integer().expect("a number")).expect("a time");
    assert!(UnixMillis(old) >= UnixMillis(NOW.0), "a time under {key}");
    *time = old.saturating_add_signed(by).into();
    Value::Bytes(written(&Value::Map(pairs)))
}

fn many(count: u64) {
    let world = World::new();
    let mut tally = Tally::default();
    let mut numbers = Numbers::new(SEED);
    while tally.tried < count {
        let sound = &world.sound[numbers.below(world.sound.len())];
        let bytes = match numbers.below(8) {
            // Fields, in proper form.
            0..=5 => deep::changed(sound, &mut numbers).unwrap_or_default(),
            // A stretch of another receipt in the same place.
            6 => {
                let other = &world.sound[numbers.below(world.sound.len())];
                let mut bytes = sound.clone();
                let at = numbers.below(bytes.len().min(other.len()));
                let end = (at + 1 + numbers.below(64)).min(bytes.len()).min(other.len());
                bytes[at..end].copy_from_slice(&other[at..end]);
                bytes
            }
            // Two bytes.
            _ => {
                let mut bytes = sound.clone();
                for _ in 0..2 {
                    let at = numbers.below(bytes.len());
                    bytes[at] = numbers.next() as u8;
                }
                bytes
            }
        };
        tally.check(&world, &bytes);
    }
    tally.end("receipts, fields");
    // Many changes must get as far as the signature, or the run proves little.
    assert!(tally.parsed * 20 > tally.tried, "{} of {} parsed", tally.parsed, tally.tried);
}

#[test]
fn no_receipt_with_changed_fields_is_believed() {
    many(ORDINARY);
}

/// As many as `TRAM_MUTATIONS` says.
#[test]
#[ignore = "long: a million changed receipts"]
fn long_changed_receipts() {
    let count = std::env::var("TRAM_MUTATIONS").ok().and_then(|n| n.parse().ok());
    many(count.unwrap_or(1_000_000));
}
