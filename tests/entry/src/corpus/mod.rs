//! The kept corpora, `tests/fuzz/corpus/<target>/`: read by the runners, made anew by a test.

mod made;
mod records;
mod texts;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::store::Sound;
use crate::trust::World;
use crate::{endpoint, mutate, time_stamp};

/// The folder of the corpora.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus")
}

/// The inputs kept for a target, by file name.
///
/// # Errors
/// What the system says.
pub fn read(target: &str) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut inputs = BTreeMap::new();
    for entry in std::fs::read_dir(folder().join(target))? {
        let entry = entry?;
        inputs
            .insert(entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path())?);
    }
    Ok(inputs)
}

/// Inputs by target and name.
pub type Samples = BTreeMap<&'static str, BTreeMap<String, Vec<u8>>>;

/// Samples of every format, from the golden vectors and from networks of tests.
///
/// # Panics
/// Where a golden vector cannot be read.
pub fn samples() -> Samples {
    let mut out = Samples::new();
    let mut put = |target, name: &str, bytes: Vec<u8>| {
        let inputs = out.entry(target).or_default();
        let taken = (1..).map(|n| format!("{name}-{n}"));
        let free = std::iter::once(name.to_owned()).chain(taken).find(|n| !inputs.contains_key(n));
        inputs.insert(free.expect("numbers do not end"), bytes);
    };
    for (name, bytes) in vectors() {
        for target in of_vector(&name) {
            put(*target, &name, bytes.clone());
        }
        for (part, bytes) in parts(&name, &bytes) {
            put(part, &name, bytes);
        }
    }
    for (number, bytes) in refused().into_iter().enumerate() {
        for target in ["cbor", "dispatch", "evidence", "receipt", "frame"] {
            put(target, &format!("refused-{number:02}"), bytes.clone());
        }
    }
    of_world(&mut put);
    texts::of_texts(&mut put);
    out
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn vectors() -> BTreeMap<String, Vec<u8>> {
    let folder = repository("tests/vectors");
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("the golden vectors") {
        let path = entry.expect("a file").path();
        if path.extension().is_some_and(|e| e == "hex") {
            let text = std::fs::read_to_string(&path).expect("a vector");
            let digits: String = text.split_whitespace().collect();
            let name = path.file_stem().map(|s| s.to_string_lossy().into_owned());
            found.insert(name.unwrap_or_default(), hex::decode(digits).expect("hexadecimal"));
        }
    }
    found
}

/// What other implementations must refuse.
fn refused() -> Vec<Vec<u8>> {
    let text = std::fs::read(repository("tests/vectors/invalid.json")).expect("the vectors");
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&text).expect("an array");
    rows.iter().map(|r| hex::decode(r["hex"].as_str().expect("hex")).expect("hex")).collect()
}

fn of_vector(name: &str) -> &'static [&'static str] {
    match name.split('-').next().unwrap_or_default() {
        "bundle" => &["bundle", "cbor"],
        "certificate" => &["certificate"],
        "checkpoint" => &["note", "checkpoint"],
        "directory" => &["directory", "cbor", "verified_directory"],
        "dispatch" => &["dispatch", "cose", "verified_dispatch"],
        // Evidence files and records share the first word.
        "evidence" if name.starts_with("evidence-file") => &["evidence_file", "verified_evidence"],
        "evidence" => &["evidence", "cbor"],
        "frame" => &["frame", "cbor"],
        "genesis" => &["genesis", "cbor"],
        "receipt" => &["receipt", "verified_receipt"],
        "root" => &["root", "cbor"],
        "statement" | "void" => &["cose"],
        "subtree" => &["directory", "cbor", "verified_directory"],
        _ => &[],
    }
}

/// What lies inside of a vector and has a door of its own, or the same in another wrapping.
fn parts(name: &str, bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let framed = || [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat();
    match name.split('-').next().unwrap_or_default() {
        "dispatch" => {
            let sign1 = tram_wire::cose::Sign1::parse(bytes, bytes.len()).expect("a vector");
            vec![("envelope", sign1.payload.expect("a payload").to_vec())]
        }
        "receipt" => {
            let receipt = tram_wire::Receipt::parse(bytes).expect("a vector");
            vec![("signed_root", receipt.signed_root().encode()), ("bundle", bytes.repeat(2))]
        }
        "directory" => {
            // Differences and changes of a subtree share the first word.
            let Ok(file) = tram_wire::directory::DirectoryFile::decode(bytes) else {
                return Vec::new();
            };
            let entry = file.entries.first().cloned().unwrap_or_default();
            let head = file.head_bytes;
            let both = |target| [(target, head.clone()), (target, entry.clone())];
            [both("cbor"), both("directory")].concat()
        }
        "root" => {
            let file = tram_wire::root::RootFile::decode(bytes).expect("a vector");
            vec![("cbor", file.raw_root)]
        }
        "frame" => vec![("stream", framed())],
        _ => Vec::new(),
    }
}

type Put<'a> = dyn FnMut(&'static str, &str, Vec<u8>) + 'a;

fn of_world(put: &mut Put<'_>) {
    let world = World::get();
    for (number, bytes) in world.dispatches.iter().enumerate() {
        put("verified_dispatch", &format!("sealed-{number}"), bytes.clone());
    }
    put("cose", "statement", world.statement.clone());
    put("cose", "void", world.void.clone());
    for (number, bytes) in world.receipts.iter().enumerate() {
        put("verified_receipt", &format!("issued-{number}"), bytes.clone());
    }
    for (number, bytes) in world.checkpoints.iter().enumerate() {
        put("checkpoint", &format!("signed-{number}"), bytes.clone());
        put("note", &format!("signed-{number}"), bytes.clone());
    }
    let whole = crate::evidence::Whole::get();
    let stamps = [("rsa", time_stamp::RSA), ("ec", time_stamp::EC), ("cms", time_stamp::CMS)];
    for (name, bytes) in stamps.into_iter().chain([("answer", time_stamp::ANSWER)]) {
        put("time_stamp", name, bytes.to_vec());
    }
    let begun = crate::epoch::Begun::get();
    put("verified_epoch", "announced", begun.announced.clone());
    put("verified_epoch", "provisional", begun.provisional.clone());
    put("evidence_file", "whole", whole.bytes.clone());
    put("verified_evidence", "whole", whole.bytes.clone());
    let witness = crate::proof::Witness::get();
    put("cosignature", "made", witness.line.clone().into_bytes());
    for (name, bytes) in crate::axis::samples() {
        put("axis", name, bytes);
    }
    for (name, bytes) in crate::edxml::samples() {
        put("edxml", name, bytes);
    }
    put("hidden_zip", "wrapper", crate::edxml::wrapper(b"%PDF-1.7 inside"));
    put("hidden_zip", "empty", crate::edxml::wrapper(b""));
    put("policy", "one", witness.policy().into_bytes());
    put("certificates", "chain", tram_pki::write_certificates(&world.chain).into_bytes());
    put("certificates", "der", world.chain[0].clone());
    for (number, bytes) in world.chain.iter().enumerate() {
        put("certificate", &format!("chain-{number}"), bytes.clone());
        let certificate = tram_trust::certificate::Certificate::parse(bytes).expect("a sound one");
        put(
            "spki",
            &format!("ed25519-{number}"),
            certificate.key().expect("a key").spki_der().to_vec(),
        );
    }
    for (name, digits) in [("p256", SPKI_P256), ("rsa", SPKI_RSA_SHORT)] {
        put("spki", name, hex::decode(digits).expect("hexadecimal"));
    }
    put("verified_directory", "signed", world.directory_file.clone());
    put("directory", "signed", world.directory_file.clone());
    put("revocation_list", "one", world.revocation_list.clone());
    put("revocation_list", "none", world.empty_list.clone());
    put("journal", "sound", Sound::get().bytes.clone());
    let torn = Sound::get().bytes.len() - 700;
    put("journal", "torn", Sound::get().bytes[..torn].to_vec());
    let flight = endpoint::first_flight();
    let behind = |datagrams: &[Vec<u8>]| -> Vec<u8> {
        let one = |d: &Vec<u8>| [&(d.len() as u16).to_be_bytes()[..], d].concat();
        datagrams.iter().flat_map(one).collect()
    };
    put("datagrams", "first", behind(&flight[..1]));
    put("datagrams", "flight", behind(&flight));
    // Version negotiation is asked for: a version of QUIC that does not exist.
    let mut odd = flight[0].clone();
    odd[1..5].copy_from_slice(&[0x1a, 0x2a, 0x3a, 0x4a]);
    put("datagrams", "version", behind(&[odd]));
    put("injection", "as-it-was", [&[3, 2][..], &[0; 16]].concat());
    put("injection", "header-alone", [&[9, 0][..], &[0x5a; 40]].concat());
    put("injection", "one-bit", [&[17, 3][..], &[0; 20], &[1]].concat());
    let mut dice = mutate::Dice::new(1, 1);
    let proof = |dice: &mut mutate::Dice, len| (0..len).map(|_| dice.below(256) as u8).collect();
    put("proof", "true", Vec::new());
    put("proof", "numbers", proof(&mut dice, 32));
    put("proof", "path", proof(&mut dice, 32 + 3 * 33));
    for (kind, record) in records::all() {
        put("record", &format!("kind-{kind:02}"), record);
    }
    put("anchor", "anchor", crate::store::sound_anchor());
    for (name, bytes) in crate::tiles::samples() {
        put("tiles", name, bytes);
    }
    for (name, bytes) in crate::axis_door::samples() {
        put("axis_http", name, bytes);
    }
    for (name, bytes) in crate::tls_door::samples() {
        put("tls_door", name, bytes);
    }
    made::of_directories(put);
    made::of_requests(put);
}

/// The generator of P-256.
const SPKI_P256: &str = "3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
/// RSA, too short to be taken: the shape is what matters.
const SPKI_RSA_SHORT: &str = "301c300d06092a864886f70d0101010500030b0030080203010001020103";
