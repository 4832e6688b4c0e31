//! The golden vectors: what is made today is what was written down.

use std::fmt::Write as _;

use serde_json::{Value, json};
use tram_wire::directory::{DirectoryDifference, DirectoryFile, SubtreeFile};
use tram_wire::root::RootFile;
use tram_wire::{Bundle, EvidenceFile, Receipt, SealedDispatch, SealedStatement, SealedVoid};
use tram_wire::{evidence, frame, genesis};

use crate::made::{self, Vector};

const INDEX: &str = "tests/vectors/vectors.json";

fn file(name: &str) -> String {
    format!("tests/vectors/{name}.hex")
}

/// Lines of 32 bytes.
fn hex_lines(bytes: &[u8]) -> String {
    bytes.chunks(32).fold(String::new(), |mut out, line| {
        let _ = writeln!(out, "{}", hex::encode(line));
        out
    })
}

fn index(vectors: &[Vector]) -> Value {
    let rows: Vec<Value> = vectors
        .iter()
        .map(|v| {
            let file = format!("{}.hex", v.name);
            json!({ "file": file, "format": v.rule, "bytes": v.bytes.len(), "facts": v.facts })
        })
        .collect();
    let seed = |byte: u8| hex::encode([byte; 32]);
    json!({
        "about": "Golden vectors of docs/protocol.md; keys are Ed25519 seeds.",
        "seeds": {
            "anchor": seed(made::SEED_ANCHOR),
            "seal": seed(made::SEED_SEAL),
            "root": seed(made::SEED_ROOT),
            "receipt": seed(made::SEED_RECEIPT),
            "checkpoint": seed(made::SEED_CHECKPOINT),
        },
        "vectors": rows,
    })
}

#[test]
fn what_is_made_is_what_was_written_down() {
    let vectors = made::all();
    if crate::update() {
        write(&vectors);
    }
    for v in &vectors {
        let written = crate::hex_file(&file(v.name));
        assert_eq!(hex::encode(written), hex::encode(&v.bytes), "{}", v.name);
    }
    let written: Value = serde_json::from_str(&crate::text(INDEX)).unwrap();
    assert_eq!(written, index(&vectors));
}

fn write(vectors: &[Vector]) {
    for v in vectors {
        std::fs::write(crate::repository(&file(v.name)), hex_lines(&v.bytes)).unwrap();
    }
    let mut text = serde_json::to_string_pretty(&index(vectors)).unwrap();
    text.push('\n');
    std::fs::write(crate::repository(INDEX), text).unwrap();
}

/// Every vector is read by its own parser, and what was read is written again to the same bytes.
#[test]
fn every_vector_is_read_and_written_back() {
    for v in made::all() {
        let b = &v.bytes[..];
        let again = match v.rule {
            "dispatch" => SealedDispatch::parse(b).unwrap().raw().to_vec(),
            "receipt" => Receipt::parse(b).unwrap().raw().to_vec(),
            "evidence" => evidence::encode(&evidence::decode(b).unwrap()),
            "genesis" => genesis::encode(&genesis::decode(b).unwrap()),
            "root-file" => RootFile::decode(b).unwrap().encode(),
            "directory-file" => DirectoryFile::decode(b).unwrap().encode(),
            "directory-difference" => DirectoryDifference::decode(b).unwrap().encode(),
            "subtree-file" => SubtreeFile::decode(b).unwrap().encode(),
            "sealed-statement" => SealedStatement::parse(b).unwrap().raw().to_vec(),
            "sealed-void" => SealedVoid::parse(b).unwrap().raw().to_vec(),
            "evidence-file" => EvidenceFile::decode(b).unwrap().encode(),
            "bundle" => Bundle::decode(b).unwrap().encode(),
            "frame" => frame::encode(&frame::decode(b).unwrap()),
            "" => continue, // the checkpoint is text
            other => panic!("no parser for {other}"),
        };
        assert_eq!(again, b, "{}", v.name);
    }
}
