//! Vectors of what changes from one directory to the next.

use serde_json::json;
use tram_crypto::{Algorithm, sha256};
use tram_dispatch::directory::{Delegation, Entry, Head};
use tram_dispatch::{Digest, UnixMillis};
use tram_wire::directory::{
    self as dir, DirectoryDifference, DirectoryFile, SubtreeChange, SubtreeFile,
};
use tram_wire::frame::{DirectoryPiece, Frame};

use crate::made::{SEED_RECEIPT, SEED_ROOT, START, Vector, code, key_signature, spki};

/// All of them.
pub(crate) fn all(directory: &DirectoryFile) -> [Vector; 2] {
    [difference_vector(directory), subtree_vector(directory)]
}

/// The only piece of the difference, as a frame.
pub(crate) fn piece(before: &DirectoryFile) -> Frame {
    let later = next_directory(before);
    let bytes = DirectoryDifference::between(before, &later).encode();
    Frame::DirectoryPiece(Box::new(DirectoryPiece {
        version: later.head.version,
        digest: later.digest(),
        base: Some(before.digest()),
        total: bytes.len() as u64,
        offset: 0,
        bytes,
    }))
}

/// The directory after `before`: one agency has another name, one entry is new.
fn next_directory(before: &DirectoryFile) -> DirectoryFile {
    let mut decoded = before.decoded.clone();
    for entry in &mut decoded {
        match entry {
            Entry::Agency(a) if a.code.as_str() == "H41.12.03" => a.name = "Xã Mỹ Sơn".into(),
            _ => {}
        }
    }
    decoded.push(Entry::Delegation(Delegation {
        subtree: code("H41.12.03"),
        key: spki(SEED_RECEIPT),
        from: UnixMillis(START),
        until: None,
    }));
    // The delegation of before is gone.
    decoded.retain(|e| !matches!(e, Entry::Delegation(d) if d.subtree.as_str() == "H41"));
    decoded.sort_by_key(dir::sort_key);
    let entries: Vec<Vec<u8>> = decoded.iter().map(dir::encode_entry).collect();
    let head = Head {
        version: before.head.version + 1,
        previous: Some(before.digest()),
        entries: entries.len() as u64,
        root: Digest(dir::entries_root(&entries)),
        ..before.head.clone()
    };
    let head_bytes = dir::encode_head(&head);
    let signed = dir::to_be_signed(Algorithm::EdDsa, &head_bytes, head.network);
    let signatures = key_signature(SEED_ROOT, &signed);
    DirectoryFile { head_bytes, head, signatures, entries, decoded }
}

fn difference_vector(before: &DirectoryFile) -> Vector {
    let later = next_directory(before);
    let difference = DirectoryDifference::between(before, &later);
    Vector {
        name: "directory-difference",
        rule: "directory-difference",
        bytes: difference.encode(),
        facts: json!({
            "base": difference.base.to_string(),
            "version": later.head.version,
            "digest": later.digest().to_string(),
            "removed": difference.removed.len(),
            "changed": difference.changed.len(),
            "whole_sha256": Digest(sha256(&later.encode())).to_string(),
        }),
    }
}

fn subtree_vector(before: &DirectoryFile) -> Vector {
    let wanted = |e: &&Entry| matches!(e, Entry::Agency(a) if a.code.as_str() == "H41.12.03");
    let change = SubtreeChange {
        network: before.head.network,
        subtree: code("H41"),
        key: Digest(sha256(&spki(SEED_ROOT))),
        base: before.digest(),
        issued_at: UnixMillis(START),
        entries: before.decoded.iter().filter(wanted).cloned().collect(),
    };
    let body = dir::encode_change(&change);
    let signed = dir::change_to_be_signed(Algorithm::EdDsa, &body, change.network);
    let signature = key_signature(SEED_ROOT, &signed).remove(0);
    let file = SubtreeFile {
        body,
        change,
        algorithm: signature.algorithm,
        signature: signature.signature,
    };
    let facts =
        json!({ "to_be_signed": hex::encode(&signed), "entries": file.change.entries.len() });
    Vector { name: "subtree-file", rule: "subtree-file", bytes: file.encode(), facts }
}
