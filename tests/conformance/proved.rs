//! Vectors of evidence files and of statements, made from the others.

use serde_json::json;
use tram_crypto::{Algorithm, Sign, sha256};
use tram_dispatch::directory::Entry;
use tram_dispatch::envelope::{SealedBy, Sequence};
use tram_dispatch::{Digest, Event, NetworkId, UnixMillis};
use tram_trust::evidence::{Finding, Ground, State, examine};
use tram_trust::fixtures::FourTiers;
use tram_wire::directory::{DirectoryFile, DirectoryPart};
use tram_wire::evidence_file::{EvidenceFile, Link, ProvedCheckpoint};
use tram_wire::root::RootFile;
use tram_wire::statement::{SealedStatement, Statement};
use tram_wire::void::{SealedVoid, Void};
use tram_wire::{Receipt, SealedDispatch};

use crate::log::Log;
use crate::made::{SEED_SEAL, START, Vector, code, signer};

pub(crate) fn all(
    network: NetworkId,
    root: &RootFile,
    sealed: &SealedDispatch,
    log: &Log,
    directory: &DirectoryFile,
) -> Vec<Vector> {
    let mut vectors =
        vec![statement_vector(sealed), evidence_file_vector(network, root, sealed, log, directory)];
    vectors.push(void_vector(network));
    vectors.extend(four_tiers());
    vectors
}

fn statement(sealed: &SealedDispatch) -> SealedStatement {
    let statement = Statement {
        network: sealed.envelope().network,
        agency: code("G22"),
        dispatch: sealed.id(),
        object: sealed.object(),
        event: Event::ConsignmentAcceptance,
        status: None,
        time: UnixMillis(START + 5000),
        remark: Some("Số đến 1234".into()),
        sealed_by: SealedBy::Agency,
    };
    let chain = vec![crate::hex_file("tests/vectors/certificate-seal.hex")];
    let signer = signer(SEED_SEAL);
    SealedStatement::seal(&statement, &chain, Algorithm::EdDsa, |bytes| signer.sign(bytes)).unwrap()
}

fn void_vector(network: NetworkId) -> Vector {
    let void = Void {
        network,
        agency: code("G22"),
        sequence: Sequence { series: 1, number: 15 },
        time: UnixMillis(START + 6000),
        reason: "không gửi".into(),
    };
    let chain = vec![crate::hex_file("tests/vectors/certificate-seal.hex")];
    let signer = signer(SEED_SEAL);
    let sealed = SealedVoid::seal(&void, &chain, Algorithm::EdDsa, |bytes| signer.sign(bytes));
    let sealed = sealed.unwrap();
    let facts = json!({
        "agency": void.agency.as_str(),
        "sequence": [void.sequence.series, void.sequence.number],
        "to_be_signed": hex::encode(sealed.to_be_signed()),
        "id": sealed.id().to_string(),
        "digest": sealed.object().to_string(),
    });
    Vector { name: "void", rule: "sealed-void", bytes: sealed.raw().to_vec(), facts }
}

fn statement_vector(sealed: &SealedDispatch) -> Vector {
    let statement = statement(sealed);
    let facts = json!({
        "agency": statement.statement().agency.as_str(),
        "event": statement.statement().event.name(),
        "to_be_signed": hex::encode(statement.to_be_signed()),
        "digest": statement.object().to_string(),
    });
    Vector { name: "statement", rule: "sealed-statement", bytes: statement.raw().to_vec(), facts }
}

/// Every field there is. The statement is one that no receipt here names, so the file as a whole is false;
/// each part by itself is sound.
fn evidence_file_vector(
    network: NetworkId,
    root: &RootFile,
    sealed: &SealedDispatch,
    log: &Log,
    directory: &DirectoryFile,
) -> Vector {
    let receipts = [log.receipt(1), log.receipt(3)];
    let link = |receipt: &Receipt| {
        let size = receipt.signed_root().size;
        let path = log.tree.consistency(size).unwrap();
        Link { size, path: path.iter().map(|hash| hash.0).collect() }
    };
    let wanted = |entry: &Entry| !matches!(entry, Entry::Delegation(_));
    let mut file = EvidenceFile {
        network,
        root: Digest(sha256(&root.raw_root)),
        dispatch: sealed.id(),
        directory: DirectoryPart::of(directory, wanted),
        receipts: receipts.iter().map(|r| r.raw().to_vec()).collect(),
        sealed: Some(sealed.raw().to_vec()),
        revocation: vec![b"a revocation list".to_vec()],
        checkpoints: vec![ProvedCheckpoint {
            note: log.note(network),
            links: receipts.iter().map(link).collect(),
            stamps: vec![b"a time-stamp token".to_vec()],
        }],
        statements: vec![statement(sealed).raw().to_vec()],
        documents: vec![(0, b"%PDF-".to_vec()), (1, b"%PDF-2".to_vec())],
        policy: Some("quorum none\n".into()),
    };
    file.sort();
    let entries: Vec<u64> = file.directory.entries.iter().map(|e| e.index).collect();
    let facts = json!({
        "root_document": file.root.to_string(),
        "directory_entries": entries,
        "receipts": file.receipts.len(),
        "links": file.checkpoints[0].links.iter().map(|l| l.size).collect::<Vec<_>>(),
    });
    Vector { name: "evidence-file", rule: "evidence-file", bytes: file.encode(), facts }
}

/// A file in which everything holds, with the root document that it is verified by: the network of the
/// tests, from the centre to the commune.
fn four_tiers() -> [Vector; 2] {
    let world = FourTiers::new("vectors");
    let ground = Ground::new(world.network.root.clone()).with_policy(&world.policy).unwrap();
    let bytes = world.file.encode();
    let account = examine(&ground, &bytes).unwrap();
    assert!(account.faults.is_empty(), "{:?}", account.faults);
    let proved = account.findings.iter().filter(|f| matches!(f.state, State::Proved(_)));
    let of = |f: &Finding| {
        let recipient = f.recipient.as_ref().map(|r| format!(" {r}")).unwrap_or_default();
        format!("{}{recipient} {}", f.claim.name(), f.about).trim().to_owned()
    };
    let proved: Vec<String> = proved.map(of).collect();
    [
        Vector {
            name: "root-four-tiers",
            rule: "root-file",
            bytes: world.network.root_file.clone(),
            facts: json!({ "network": world.network.id().to_string(), "threshold": 1 }),
        },
        Vector {
            name: "evidence-file-four-tiers",
            rule: "evidence-file",
            bytes,
            facts: json!({
                "root": "root-four-tiers",
                "dispatch": world.sealed.id().to_string(),
                "policy": world.policy,
                "proved": proved,
            }),
        },
    ]
}
