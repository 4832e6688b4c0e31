//! Sealed dispatches: everything COSE could be misunderstood to allow.

use std::collections::BTreeSet;

use ciborium::Value;
use ring::hmac;
use tram_crypto::{Ed25519Signer, Sign};
use tram_dispatch::Event;
use tram_trust::fixtures::{CENTRE, COMMUNE, DISTRICT, Log, NOW, Network, seed};
use tram_trust::{Verdict, Verifier};
use tram_wire::SealedDispatch;

use crate::{read, written};

const ALG: i64 = 1;
const TYP: i64 = 16;
const X5CHAIN: i64 = 33;
const TYP_DISPATCH: &str = "application/tram-dispatch+cose";
const VARIANTS_MIN: usize = 60;

/// A COSE_Sign1 taken to pieces.
#[derive(Clone)]
struct Parts {
    tags: Vec<u64>,
    protected: Value,
    unprotected: Value,
    payload: Value,
    signature: Value,
}

impl Parts {
    fn of(bytes: &[u8]) -> Self {
        let Value::Tag(18, inner) = read(bytes) else { panic!("a COSE_Sign1") };
        let Ok([protected, unprotected, payload, signature]) =
            <[Value; 4]>::try_from(inner.into_array().expect("an array"))
        else {
            panic!("four parts")
        };
        Parts { tags: vec![18], protected, unprotected, payload, signature }
    }

    fn items(&self) -> Vec<Value> {
        let Parts { protected, unprotected, payload, signature, .. } = self.clone();
        vec![protected, unprotected, payload, signature]
    }

    fn encode(&self) -> Vec<u8> {
        self.with_items(self.items())
    }

    fn with_items(&self, items: Vec<Value>) -> Vec<u8> {
        let tagged = |inner, tag: &u64| Value::Tag(*tag, Box::new(inner));
        written(&self.tags.iter().fold(Value::Array(items), tagged))
    }
}

/// Everything the table is made from.
struct Forge {
    network: Network,
    good: SealedDispatch,
    parts: Parts,
    rows: Vec<(String, Vec<u8>)>,
}

impl Forge {
    fn new() -> Self {
        let network = Network::new("mutations");
        let good = network.seal(&network.envelope(COMMUNE, &[CENTRE], "1/TB"));
        let parts = Parts::of(good.raw());
        Forge { network, good, parts, rows: Vec::new() }
    }

    fn row(&mut self, what: &str, bytes: Vec<u8>) {
        self.rows.push((what.to_owned(), bytes));
    }

    /// A change by somebody without a key.
    fn changed(&mut self, what: &str, change: impl FnOnce(&mut Parts)) {
        let mut parts = self.parts.clone();
        change(&mut parts);
        self.row(what, parts.encode());
    }

    /// A change by the holder of the right key, who signs what there is then.
    fn resigned(&mut self, what: &str, change: impl FnOnce(&mut Parts)) {
        let mut parts = self.parts.clone();
        change(&mut parts);
        parts.signature = self.sign(&parts, "Signature1", self.network.id().as_bytes()).into();
        self.row(what, parts.encode());
    }

    fn sign(&self, parts: &Parts, context: &str, aad: &[u8]) -> Vec<u8> {
        let bytes = structure(parts, context, aad);
        self.network.agent(COMMUNE).seal.sign(&bytes).expect("a signature")
    }

    /// The chain of the commune's seal as x5chain.
    fn chain(&self) -> Value {
        chain(&self.network.agent(COMMUNE).chain)
    }

    fn standard(&self) -> Vec<(Value, Value)> {
        vec![
            (ALG.into(), Value::from(-8)),
            (TYP.into(), TYP_DISPATCH.into()),
            (X5CHAIN.into(), self.chain()),
        ]
    }

    /// Another protected header, signed by the right key.
    fn header(&mut self, what: &str, pairs: Vec<(Value, Value)>) {
        let protected = Value::Bytes(written(&Value::Map(pairs)));
        self.resigned(what, |p| p.protected = protected);
    }

    /// The ordinary header with one label changed, or left out.
    fn label(&mut self, what: &str, label: i64, value: Option<Value>) {
        let mut pairs = self.standard();
        match value {
            Some(value) => {
                let place = pairs.iter_mut().find(|(key, _)| *key == Value::from(label));
                place.expect("a label of ours").1 = value;
            }
            None => pairs.retain(|(key, _)| *key != Value::from(label)),
        }
        self.header(what, pairs);
    }

    /// The ordinary header with one label more.
    fn extra(&mut self, what: &str, at: usize, label: Value, value: Value) {
        let mut pairs = self.standard();
        pairs.insert(at, (label, value));
        self.header(what, pairs);
    }
}

fn structure(parts: &Parts, context: &str, aad: &[u8]) -> Vec<u8> {
    let payload = match &parts.payload {
        Value::Bytes(bytes) => bytes.clone(),
        _ => Vec::new(),
    };
    let protected = parts.protected.clone();
    written(&Value::Array(vec![
        context.into(),
        protected,
        Value::Bytes(aad.to_vec()),
        payload.into(),
    ]))
}

fn chain(ders: &[Vec<u8>]) -> Value {
    Value::Array(ders.iter().map(|der| Value::Bytes(der.clone())).collect())
}

fn algorithms(forge: &mut Forge) {
    forge.label("alg left out", ALG, None);
    for (what, id) in [
        ("none", 0_i64),
        ("ES256", -7),
        ("ES384", -35),
        ("ES512", -36),
        ("ES256K", -47),
        ("PS256", -37),
        ("RS256", -257),
        ("RS1", -65535),
        ("Ed25519 by its own number", -19),
        ("HS256", 5),
        ("the largest number", i64::MAX),
        ("the smallest number", i64::MIN),
    ] {
        forge.label(&format!("alg is {what}"), ALG, Some(id.into()));
    }
    for (what, value) in [
        ("a text", Value::from("EdDSA")),
        ("null", Value::Null),
        ("a list", Value::Array(vec![Value::from(-8)])),
        ("a number with a fraction", Value::Float(-8.0)),
        ("tagged", Value::Tag(1, Box::new(Value::from(-8)))),
    ] {
        forge.label(&format!("alg is {what}"), ALG, Some(value));
    }
    let alg = || Value::Map(vec![(ALG.into(), Value::from(-8))]);
    let without: Vec<(Value, Value)> = forge.standard()[1..].to_vec();
    let without = Value::Bytes(written(&Value::Map(without)));
    forge.resigned("alg in the unprotected header only", |p| {
        (p.protected, p.unprotected) = (without, alg());
    });
    forge.changed("alg in both headers", |p| p.unprotected = alg());
    forge.changed("another alg in the unprotected header", |p| {
        p.unprotected = Value::Map(vec![(ALG.into(), 0.into())]);
    });
    // The public key as the secret of a MAC (as with JWT's HS256).
    let pairs = [vec![(Value::from(ALG), Value::from(5))], forge.standard()[1..].to_vec()].concat();
    let mut parts = forge.parts.clone();
    parts.protected = Value::Bytes(written(&Value::Map(pairs)));
    let public = forge.network.agent(COMMUNE).seal.public_key();
    let secret = hmac::Key::new(hmac::HMAC_SHA256, public.spki_der());
    let signed = structure(&parts, "MAC0", forge.network.id().as_bytes());
    parts.signature = hmac::sign(&secret, &signed).as_ref().to_vec().into();
    forge.row("a MAC with the public key", parts.encode());
}

fn types(forge: &mut Forge) {
    forge.label("typ left out", TYP, None);
    for typ in [
        "application/tram-receipt+cose",
        "application/tram-root+cose",
        "application/tram-directory+cose",
        "application/cose",
        "Application/Tram-Dispatch+Cose",
        "application/tram-dispatch+cose ",
        "tram-dispatch+cose",
        "",
    ] {
        forge.label(&format!("typ is {typ:?}"), TYP, Some(typ.into()));
    }
    forge.label("typ is a number", TYP, Some(18.into()));
    forge.label("typ is bytes", TYP, Some(Value::Bytes(TYP_DISPATCH.as_bytes().to_vec())));
}

fn chains(forge: &mut Forge) {
    let own = forge.network.agent(COMMUNE).chain.clone();
    let district = forge.network.agent(DISTRICT).chain.clone();
    let node = forge.network.node(COMMUNE).chain.clone();
    let reversed: Vec<Vec<u8>> = own.iter().rev().cloned().collect();
    let seven = [own.clone(), vec![own[1].clone(); 7 - own.len()]].concat();
    for (what, value) in [
        ("empty", Value::Array(vec![])),
        ("one certificate in a list", chain(&own[..1])),
        ("the leaf alone", Value::Bytes(own[0].clone())),
        ("the wrong way round", chain(&reversed)),
        ("of seven", chain(&seven)),
        ("with an empty one", chain(&[own.clone(), vec![vec![]]].concat())),
        ("with rubbish", chain(&[own.clone(), vec![vec![1; 9]]].concat())),
        ("a text", "certificates".into()),
        ("null", Value::Null),
        ("another agency's", chain(&district)),
        ("the node's", chain(&node)),
        ("of another leaf first", chain(&[vec![district[0].clone()], own.clone()].concat())),
    ] {
        forge.label(&format!("x5chain is {what}"), X5CHAIN, Some(value));
    }
    forge.label("x5chain left out", X5CHAIN, None);
    let map = Value::Map(vec![(X5CHAIN.into(), forge.chain())]);
    let without = Value::Bytes(written(&Value::Map(forge.standard()[..2].to_vec())));
    let unprotected = map.clone();
    forge.resigned("x5chain in the unprotected header only", |p| {
        (p.protected, p.unprotected) = (without, unprotected);
    });
    forge.changed("x5chain in both headers", |p| p.unprotected = map);
    let standard = forge.standard();
    for (what, label, value) in [
        ("x5bag", 32_i64, forge.chain()),
        ("x5t", 34, Value::Array(vec![Value::from(-16), Value::Bytes(vec![7; 32])])),
        ("x5u", 35, "https://example.org/seal.pem".into()),
        ("kid", 4, Value::Bytes(vec![7; 32])),
    ] {
        let mut pairs = standard[..2].to_vec();
        // In the order that deterministic CBOR wants.
        pairs.insert(if label < TYP { 1 } else { 2 }, (label.into(), value));
        forge.header(&format!("{what} instead of x5chain"), pairs);
    }
    // Without a new signature: somebody else's chain under this one.
    let swapped =
        Value::Map([standard[..2].to_vec(), vec![(X5CHAIN.into(), chain(&district))]].concat());
    let swapped = Value::Bytes(written(&swapped));
    forge.changed("x5chain swapped under a signature", |p| p.protected = swapped);
}

fn headers(forge: &mut Forge) {
    forge.extra("crit of nothing known", 1, 2.into(), Value::Array(vec![99.into()]));
    forge.extra("crit of alg", 1, 2.into(), Value::Array(vec![ALG.into()]));
    forge.extra("a content type", 1, 3.into(), 0.into());
    forge.extra("a countersignature", 1, 11.into(), Value::Bytes(vec![7; 64]));
    forge.extra("a label of nobody", 3, 999.into(), true.into());
    forge.extra("a label that is a text", 3, "alg".into(), 0.into());
    forge.extra("alg twice", 1, ALG.into(), 0.into());
    forge.extra("x5chain twice", 3, X5CHAIN.into(), Value::Bytes(vec![1]));
    let reversed: Vec<_> = forge.standard().into_iter().rev().collect();
    forge.header("labels in another order", reversed);
    forge.header("no label", Vec::new());
    let standard = forge.standard();
    let plain = written(&Value::Map(standard.clone()));
    let behind = [&plain[..], &[0]].concat();
    let indefinite = [&[0xbf], &plain[1..], &[0xff]].concat();
    for (what, bytes) in [
        ("no bytes", Vec::new()),
        ("an item behind", behind),
        ("of indefinite length", indefinite),
        ("a list", written(&Value::Array(vec![]))),
        ("cut", plain[..plain.len() - 1].to_vec()),
    ] {
        forge.resigned(&format!("protected header: {what}"), |p| p.protected = Value::Bytes(bytes));
    }
    forge.changed("protected header: a map, not bytes", |p| p.protected = Value::Map(standard));
    for (what, value) in [
        ("a label", Value::Map(vec![(99.into(), 0.into())])),
        ("a countersignature", Value::Map(vec![(11.into(), Value::Bytes(vec![7; 64]))])),
        ("null", Value::Null),
        ("bytes", Value::Bytes(vec![0xa0])),
        ("a list", Value::Array(vec![])),
    ] {
        forge.changed(&format!("unprotected header: {what}"), |p| p.unprotected = value);
    }
}

fn payloads(forge: &mut Forge) {
    let other = forge.network.seal(&forge.network.envelope(COMMUNE, &[DISTRICT], "2/TB"));
    let other = Parts::of(other.raw());
    let (payload, signature) = (other.payload.clone(), other.signature.clone());
    forge.changed("payload of another dispatch", |p| p.payload = payload);
    forge.changed("signature of another dispatch", |p| p.signature = signature);
    forge.resigned("payload detached, signed as nothing", |p| p.payload = Value::Null);
    forge.changed("payload detached", |p| p.payload = Value::Null);
    forge.resigned("payload empty", |p| p.payload = Value::Bytes(vec![]));
    let map = |p: &Parts| read(p.payload.as_bytes().expect("bytes"));
    forge.changed("payload as a map, not bytes", |p| p.payload = map(p));
    forge.changed("payload as a text", |p| p.payload = "envelope".into());
    forge.resigned("payload of two envelopes", |p| {
        let one = p.payload.as_bytes().expect("bytes").clone();
        p.payload = Value::Bytes([&one[..], &one].concat());
    });
    let elsewhere = Network::new("another network");
    let foreign = elsewhere.envelope(COMMUNE, &[CENTRE], "1/TB");
    let foreign = Parts::of(elsewhere.seal(&foreign).raw());
    let payload = foreign.payload.clone();
    forge.row("of another network, whole", foreign.encode());
    forge.resigned("envelope of another network, signed for this one", |p| p.payload = payload);
    let mut parts = forge.parts.clone();
    for (what, context, aad) in [
        ("no external data", "Signature1", Vec::new()),
        ("another network as external data", "Signature1", elsewhere.id().as_bytes().to_vec()),
        ("the network as text", "Signature1", forge.network.id().to_string().into_bytes()),
        ("context Signature", "Signature", forge.network.id().as_bytes().to_vec()),
        ("context CounterSignature", "CounterSignature", forge.network.id().as_bytes().to_vec()),
        ("context MAC0", "MAC0", forge.network.id().as_bytes().to_vec()),
        ("an empty context", "", forge.network.id().as_bytes().to_vec()),
    ] {
        parts.signature = forge.sign(&parts, context, &aad).into();
        let bytes = parts.encode();
        forge.row(&format!("signed with {what}"), bytes);
    }
    let bare = forge.parts.payload.as_bytes().expect("bytes").clone();
    parts.signature = forge.network.agent(COMMUNE).seal.sign(&bare).expect("a signature").into();
    forge.row("signed over the payload alone", parts.encode());
}

fn signatures(forge: &mut Forge) {
    let good = forge.good.signature().to_vec();
    // S + L: the same signature to those who do not reduce (RFC 8032 section 5.1.7).
    let order = hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let (mut more, mut carry) = (good.clone(), 0_u16);
    for (byte, add) in more[32..].iter_mut().zip(order.expect("hexadecimal digits")) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    let stranger = Ed25519Signer::from_seed(&seed("a stranger")).expect("a seed");
    let signed = forge.good.to_be_signed().to_vec();
    for (what, bytes) in [
        ("empty", vec![]),
        ("cut", good[..63].to_vec()),
        ("longer", [&good[..], &[0]].concat()),
        ("zero", vec![0; 64]),
        ("ones", vec![0xff; 64]),
        ("halves swapped", [&good[32..], &good[..32]].concat()),
        ("with S not reduced", more),
        ("of 513 bytes", vec![1; 513]),
        ("of a stranger", stranger.sign(&signed).expect("a signature")),
        (
            "by the node's receipt key",
            forge.network.node(COMMUNE).receipt.sign(&signed).expect("s"),
        ),
        ("by the directory's key", forge.network.directory_key.sign(&signed).expect("s")),
        ("by another agency", forge.network.agent(DISTRICT).seal.sign(&signed).expect("s")),
    ] {
        forge.changed(&format!("signature {what}"), |p| p.signature = Value::Bytes(bytes));
    }
    forge.changed("signature null", |p| p.signature = Value::Null);
    // What a key of this network signed somewhere else.
    let keys = forge.network.node(COMMUNE);
    let mut log = Log::new(keys);
    let record = log.record(Event::SubmissionAcceptance, &forge.good, None, NOW);
    let receipt = log.commit(&[record], NOW).remove(0);
    let signature = receipt.signed_root().signature.clone();
    let whole = written(&read(receipt.raw()).as_array().expect("an array")[0]);
    forge.changed("signature of a receipt", |p| p.signature = Value::Bytes(signature));
    forge.row("the COSE object of a receipt", whole);
    forge.row("a receipt", receipt.raw().to_vec());
}

fn shells(forge: &mut Forge) {
    for tags in [
        vec![],
        vec![17],
        vec![16],
        vec![96],
        vec![98],
        vec![18, 18],
        vec![18, 61],
        vec![18, 55799],
        vec![55799],
    ] {
        forge.changed(&format!("tags {tags:?}"), |p| p.tags = tags);
    }
    let items = forge.parts.items();
    let parts = forge.parts.clone();
    forge.row("three parts", parts.with_items(items[..3].to_vec()));
    forge.row("five parts", parts.with_items([items.clone(), vec![Value::Null]].concat()));
    forge.row("parts in another order", parts.with_items(items.iter().rev().cloned().collect()));
    let list = vec![items[2].clone(), items[1].clone(), items[0].clone(), items[3].clone()];
    forge.row("header and payload swapped", parts.with_items(list));
    let good = forge.good.raw().to_vec();
    forge.row("a byte behind", [&good[..], &[0]].concat());
    forge.row("twice", [&good[..], &good].concat());
    forge.row("a byte before", [&[0xf6], &good[..]].concat());
    forge.row("cut", good[..good.len() - 1].to_vec());
    forge.row("nothing", Vec::new());
    forge.row("an indefinite list", [&[0xd2, 0x9f], &good[2..], &[0xff]].concat());
    forge.row("a long head", [&[0xd8, 18], &good[1..]].concat());
    forge.row("a long list head", [&[0xd2, 0x98, 4], &good[2..]].concat());
}

#[test]
fn no_forged_seal_is_believed() {
    let mut forge = Forge::new();
    algorithms(&mut forge);
    types(&mut forge);
    chains(&mut forge);
    headers(&mut forge);
    payloads(&mut forge);
    signatures(&mut forge);
    shells(&mut forge);
    let verifier = forge.network.verifier();
    // The means work: the parts put together again are the dispatch.
    assert_eq!(forge.parts.encode(), forge.good.raw()[..]);
    assert!(believed(&verifier, forge.good.raw()));
    let again = forge.parts.clone();
    let signature = forge.sign(&again, "Signature1", forge.network.id().as_bytes());
    assert_eq!(Value::Bytes(signature), again.signature);
    let names: BTreeSet<&str> = forge.rows.iter().map(|(what, _)| what.as_str()).collect();
    assert_eq!(names.len(), forge.rows.len(), "two rows of one name");
    let accepted: Vec<&str> = forge
        .rows
        .iter()
        .filter(|(_, bytes)| bytes[..] != forge.good.raw()[..] && believed(&verifier, bytes))
        .map(|(what, _)| what.as_str())
        .collect();
    println!("seals: variants={} accepted={}", forge.rows.len(), accepted.len());
    assert!(accepted.is_empty(), "{accepted:?}");
    assert!(forge.rows.iter().all(|(_, bytes)| bytes[..] != forge.good.raw()[..]));
    assert!(forge.rows.len() >= VARIANTS_MIN);
}

fn believed(verifier: &Verifier, bytes: &[u8]) -> bool {
    let Ok(sealed) = SealedDispatch::parse(bytes) else { return false };
    matches!(verifier.dispatch(sealed, NOW), Verdict::Verified(_))
}

#[test]
fn no_changed_dispatch_is_believed() {
    let forge = Forge::new();
    let verifier = forge.network.verifier();
    let good = forge.good.raw();
    let mut numbers = crate::Numbers::new(2);
    let (mut tried, mut parsed) = (0, 0);
    let mut check = |bytes: &[u8]| {
        if bytes != &good[..] {
            tried += 1;
            parsed += usize::from(SealedDispatch::parse(bytes).is_ok());
            assert!(!believed(&verifier, bytes), "believed: {}", hex::encode(bytes));
        }
    };
    for place in 0..good.len() {
        let mut bytes = good.to_vec();
        bytes[place] ^= 1 << (place % 8);
        check(&bytes);
    }
    for _ in 0..2_000 {
        if let Some(bytes) = crate::deep::changed(good, &mut numbers) {
            check(&bytes);
        }
    }
    println!("dispatches: tried={tried} parsed={parsed} accepted=0");
    assert!(tried > 3_000 && parsed > 100, "{tried} {parsed}");
}
