//! The frames of `tests/vectors`.

use serde_json::json;
use tram_dispatch::*;
use tram_tlog::Hash;
use tram_wire::directory::DirectoryFile;
use tram_wire::evidence_file::{Link, ProvedCheckpoint};
use tram_wire::frame::{self, Answer, Frame, Hello, Outcome, Range, Transfer};
use tram_wire::{Receipt, SealedDispatch};

use crate::log::{Log, note};
use crate::made::{SEED_CHECKPOINT, START, Vector, code, node, signer};

/// One frame of each kind.
pub(crate) fn frames(
    network: NetworkId,
    log: &Log,
    dispatch: &SealedDispatch,
    directory: &DirectoryFile,
    receipts: [&Receipt; 2],
) -> Vec<Vector> {
    let [first, receipt] = receipts.map(|r| r.raw().to_vec());
    let hello = Hello {
        network,
        versions: vec![1],
        features: vec![],
        node: node("n1.H41"),
        directory_version: directory.head.version,
        directory: directory.digest(),
        epoch: log.epoch,
        checkpoint: log.note(network),
        held: Some(note(network, &node("n1.G22"), EpochId([12; 32]), 7, Hash([13; 32]))),
        wall: UnixMillis(START + 2_000),
        credit: 256,
    };
    let transfer = Transfer {
        dispatch: dispatch.raw().to_vec(),
        recipients: vec![code("H41"), code("H41.12.03")],
        receipts: vec![first],
        inline: vec![(0, b"%PDF-".to_vec())],
    };
    let answer = |recipient: &str, outcome| Answer { recipient: code(recipient), outcome };
    let answers = vec![
        answer("H41", Outcome::Accepted(receipt.clone())),
        answer("H41.12", Outcome::Refused(receipt.clone())),
        answer(
            "H41.12.03",
            Outcome::RefusedUnsigned { code: Code::Misrouted, detail: "not on my side".into() },
        ),
        answer("vxp.saas.03", Outcome::Later { code: Code::Busy, retry_ms: 5_000 }),
    ];
    let path: Vec<[u8; 32]> =
        log.tree.consistency(3).unwrap().into_iter().map(|hash| hash.0).collect();
    let (epoch, old_size, new_size) = (log.epoch, 3, log.tree.size());
    let (version, digest) = (directory.head.version, directory.digest());
    let held = log.note(network);
    let request = Frame::CosignatureRequest {
        log: node("n1.H41"),
        note: held.clone(),
        old_size,
        path: path.clone(),
    };
    let (witness, life) = (node("n1.G22"), EpochId([12; 32]));
    let line = tram_trust::cosignature::sign(
        network,
        (&witness, life),
        (&node("n1.H41"), epoch),
        (new_size, log.tree.root().0),
        (START + 2_000) / 1_000,
        &signer(SEED_CHECKPOINT),
    );
    let line = line.expect("a cosignature").to_line();
    let cosignature = Frame::Cosignature { log: node("n1.H41"), epoch, size: new_size, line };
    let asker = node("n1.H41.12");
    let proof_request = Frame::ProofRequest {
        asker: asker.clone(),
        log: node("n1.H41"),
        epoch,
        sizes: vec![old_size, new_size],
    };
    let links = vec![
        Link { size: old_size, path: path.clone() },
        Link { size: new_size, path: Vec::new() },
    ];
    let checkpoint = ProvedCheckpoint { note: held.clone(), links, stamps: Vec::new() };
    let proof = Frame::Proof { asker, log: node("n1.H41"), epoch, checkpoints: vec![checkpoint] };
    let frames = [
        ("frame-hello", Frame::Hello(Box::new(hello))),
        (
            "frame-hello-refused",
            Frame::HelloRefused { code: Code::WrongNetwork, detail: "another network".into() },
        ),
        (
            "frame-receipts",
            Frame::Receipts { batch: 1, receipts: vec![receipt], statements: vec![] },
        ),
        ("frame-stored", Frame::Stored { batch: 1 }),
        ("frame-checkpoint", Frame::Checkpoint { note: log.note(network) }),
        ("frame-consistency-request", Frame::ConsistencyRequest { epoch, old_size, new_size }),
        ("frame-consistency", Frame::Consistency { epoch, old_size, new_size, path }),
        ("frame-cosignature", cosignature),
        ("frame-cosignature-request", request),
        ("frame-cosignature-held", Frame::CosignatureHeld { log: node("n1.H41"), note: held }),
        ("frame-proof-request", proof_request),
        ("frame-proof", proof),
        ("frame-epoch", Frame::Epoch { file: b"the bytes of an epoch file".to_vec() }),
        ("frame-transfer", Frame::Transfer(Box::new(transfer))),
        ("frame-want", Frame::Want(vec![Range { document: 1, offset: 2 }])),
        ("frame-data", Frame::Data { document: 1, offset: 2, length: 4 }),
        ("frame-answer", Frame::Answer(answers)),
        ("frame-directory", Frame::Directory { version, digest }),
        ("frame-directory-request", Frame::DirectoryRequest { have: digest, offset: 65_536 }),
        ("frame-directory-piece", crate::changes::piece(directory)),
        ("frame-unknown", Frame::Unknown { kind: 128, body: vec![0xa0] }),
    ];
    frames
        .into_iter()
        .map(|(name, f)| Vector { name, rule: "frame", bytes: frame::encode(&f), facts: json!({}) })
        .collect()
}
