//! One record of every kind that the journal holds, as the store writes them.

use tram_dispatch::envelope::Sequence;
use tram_dispatch::{Code, UnitMark};
use tram_engine::record::{
    Attempt, Bearing, Cause, Cosigned, Earlier, Foreign, Held, Hold, Leaf, Legs, Linked, Numbered,
    Offered, OutboxDone, Owed, OwnEvidence, PeerCheckpoint, PeerEpoch, Quarantine, Record, Reoffer,
    Stage, Statement, UnitNote, Void,
};
use tram_tlog::cosignature::Cosignature;
use tram_wire::{Receipt, SealedDispatch};

use crate::trust::World;

/// Each record with its kind, which stands before its body as well.
pub(super) fn all() -> Vec<(u16, Vec<u8>)> {
    let with_kind = |record: &Record| {
        let stored = tram_spool::records::encode(record);
        (stored.kind, [&stored.kind.to_be_bytes()[..], &stored.body].concat())
    };
    records().iter().map(with_kind).collect()
}

fn records() -> Vec<Record> {
    let world = World::get();
    let receipt = Receipt::parse(&world.receipts[0]).expect("a sound one");
    let sealed = SealedDispatch::parse(&world.dispatches[0]).expect("a sound one");
    let evidence = receipt.record().clone();
    let (dispatch, peer, at) = (evidence.dispatch, world.node.clone(), evidence.time);
    let (originator, recipient) = (evidence.originator.clone(), evidence.originator.clone());
    let reference = sealed.envelope().reference.clone();
    let document = sealed.envelope().documents[0].sha256;
    let owed_to = vec![peer.clone()];
    let leaf = |record: &[u8]| Leaf { index: 1, salt: [3; 16], record: record.into() };
    let held = Held {
        dispatch,
        raw: sealed.raw().clone(),
        object: sealed.object(),
        originator: originator.clone(),
        reference: reference.clone(),
        previous: Some(peer.clone()),
        recipients: vec![recipient.clone()],
        receipts: vec![receipt.raw().clone()],
        inline: vec![(document, b"Van ban thu nghiem"[..].into())],
        files: vec![(sealed.object(), 1 << 21)],
        removed: Vec::new(),
        at,
    };
    // After its time: written anew without its documents.
    let inline = held.inline.iter().map(|(digest, _)| *digest).collect();
    let stripped = Held { inline: Vec::new(), removed: inline, ..held.clone() };
    let offered = Record::Offered(Offered {
        dispatch,
        peer: peer.clone(),
        recipients: vec![recipient.clone()],
        at,
    });
    let witness = crate::proof::Witness::get();
    vec![
        Record::Genesis(leaf(b"genesis")),
        Record::Held(held),
        Record::Held(stripped),
        Record::Legs(Legs {
            dispatch,
            previous: peer.clone(),
            recipients: vec![recipient.clone()],
            receipts: vec![receipt.raw().clone()],
        }),
        Record::Evidence(OwnEvidence {
            leaf: leaf(receipt.record_bytes()),
            evidence: evidence.clone(),
            owed_to: owed_to.clone(),
        }),
        Record::Foreign(Foreign {
            digest: receipt.digest(),
            raw: receipt.raw().clone(),
            evidence: evidence.clone(),
            from: peer.clone(),
            authorised: true,
            owed_to: owed_to.clone(),
        }),
        Record::Earlier(Earlier {
            digest: receipt.digest(),
            raw: receipt.raw().clone(),
            evidence: evidence.clone(),
            owed_to,
        }),
        Record::OutboxDone(OutboxDone { dispatch, peer: peer.clone(), owed: Owed::Own(300) }),
        Record::OutboxDone(OutboxDone {
            dispatch,
            peer: peer.clone(),
            owed: Owed::Foreign(receipt.digest()),
        }),
        Record::Hold(Hold { dispatch, recipient: recipient.clone(), held: true }),
        Record::PeerEpoch(PeerEpoch { peer: peer.clone(), epoch: evidence.epoch }),
        Record::Reoffer(Reoffer { dispatch, peer: peer.clone() }),
        Record::PeerCheckpoint(PeerCheckpoint {
            peer: peer.clone(),
            epoch: evidence.epoch,
            size: 3,
            root: [7; 32],
            note: world.checkpoints[0].as_slice().into(),
        }),
        Record::Closed(dispatch),
        Record::Root(receipt.signed_root().clone()),
        Record::Attempt(Attempt {
            dispatch,
            stage: Stage::from_number(1).expect("the first stage"),
            detail: "why".to_owned(),
            at,
        }),
        Record::Quarantine(Quarantine {
            dispatch,
            cause: Some(Cause { code: Code::Malformed, detail: "why".to_owned(), unread: true }),
            at,
        }),
        Record::Quarantine(Quarantine { dispatch, cause: None, at }),
        Record::Cosigned(Cosigned {
            witness: peer,
            size: 7,
            root: [7; 32],
            cosignature: Cosignature::from_line(&witness.line).expect("a sound one"),
        }),
        Record::Numbered(Numbered {
            originator: originator.clone(),
            sequence: Sequence { series: 1, number: 7 },
            reference,
            content: sealed.object(),
            at,
        }),
        Record::Void(Void { statement: dispatch, raw: world.void.as_slice().into() }),
        Record::Statement(Statement {
            dispatch,
            digest: tram_dispatch::Digest(tram_crypto::sha256(&world.statement)),
            raw: world.statement.as_slice().into(),
        }),
        Record::Linked(Linked {
            dispatch,
            by: tram_dispatch::DispatchId([2; 32]),
            bearing: Bearing::Recall,
            recipients: vec![recipient.clone()],
            at,
        }),
        Record::Unit(UnitNote {
            dispatch,
            recipient,
            unit: "P.TC-KH".parse().expect("a unit"),
            mark: UnitMark::Handled,
            by: "uid 1000 (gid 77)".to_owned(),
            remark: Some("xử lý trước thứ sáu".to_owned()),
            at,
        }),
        offered,
    ]
}

#[test]
fn there_is_a_seed_of_every_kind_of_record_and_each_is_read() {
    let all = all();
    for (_, bytes) in &all {
        let kind = u16::from_be_bytes([bytes[0], bytes[1]]);
        let stored = tram_spool::journal::Record { kind, body: bytes[2..].to_vec() };
        let record = tram_spool::records::decode(&stored).expect("a seed is sound");
        // Without a wildcard: who adds a kind adds a seed of it.
        match record {
            Record::Genesis(_) | Record::Held(_) | Record::Legs(_) | Record::Evidence(_) => {}
            Record::Foreign(_) | Record::Earlier(_) | Record::OutboxDone(_) | Record::Hold(_) => {}
            Record::PeerEpoch(_) | Record::Reoffer(_) | Record::PeerCheckpoint(_) => {}
            Record::Closed(_) | Record::Root(_) | Record::Attempt(_) | Record::Quarantine(_) => {}
            Record::Cosigned(_) | Record::Numbered(_) | Record::Void(_) => {}
            Record::Statement(_) | Record::Linked(_) | Record::Unit(_) | Record::Offered(_) => {}
        }
    }
    let kinds: std::collections::BTreeSet<u16> = all.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds.len(), 22, "{kinds:?}");
}
