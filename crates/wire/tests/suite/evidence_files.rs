//! Evidence files and statements: one spelling, one order, every limit.

use proptest::collection::vec;
use proptest::prelude::*;
use tram_crypto::{Algorithm, Sign as _};
use tram_dispatch::directory::{Delegation, Entry, Head};
use tram_dispatch::envelope::SealedBy;
use tram_dispatch::limits::{NOTE_BYTES_MAX, RECEIPT_BYTES_MAX, TIME_STAMPS_MAX};
use tram_dispatch::{Code, Digest, DispatchId, Event, Status, UnixMillis};
use tram_wire::directory::{
    DirectoryFile, DirectoryPart, KeySignature, encode_entry, encode_head, entries_root, sort_key,
};
use tram_wire::evidence_file::{EvidenceFile, Link, ProvedCheckpoint};
use tram_wire::statement::{SealedStatement, Statement};

use crate::made;

/// A directory of some entries.
fn directory(count: u8) -> DirectoryFile {
    let entry = |n: u8| {
        Entry::Delegation(Delegation {
            subtree: made::code("H41"),
            key: made::signer(n).public_key().spki_der().to_vec(),
            from: UnixMillis(1),
            until: None,
        })
    };
    let mut decoded: Vec<Entry> = (0..count).map(entry).collect();
    decoded.sort_by_key(sort_key);
    let entries: Vec<Vec<u8>> = decoded.iter().map(encode_entry).collect();
    let head = Head {
        network: made::NETWORK,
        version: 1,
        previous: None,
        issued_at: UnixMillis(1),
        expires_at: UnixMillis(2),
        entries: count.into(),
        root: Digest(entries_root(&entries)),
    };
    let signature =
        KeySignature { key_index: 0, algorithm: Algorithm::EdDsa, signature: vec![7; 64] };
    DirectoryFile {
        head_bytes: encode_head(&head),
        head,
        signatures: vec![signature],
        entries,
        decoded,
    }
}

fn file() -> EvidenceFile {
    let checkpoint = |n: u8| ProvedCheckpoint {
        note: vec![n; 9],
        links: vec![Link { size: 3, path: vec![] }, Link { size: 4, path: vec![[n; 32]] }],
        stamps: vec![vec![1], vec![2]],
    };
    let mut file = EvidenceFile {
        network: made::NETWORK,
        root: Digest([1; 32]),
        dispatch: DispatchId([2; 32]),
        directory: DirectoryPart::of(&directory(5), |_| true),
        receipts: vec![vec![1], vec![2], vec![3]],
        sealed: Some(vec![4]),
        revocation: vec![vec![6], vec![5]],
        checkpoints: vec![checkpoint(1), checkpoint(2)],
        statements: vec![vec![7], vec![8]],
        documents: vec![(0, vec![]), (3, vec![9])],
        policy: Some("quorum none\n".to_owned()),
    };
    file.sort();
    file
}

fn refused(change: impl FnOnce(&mut EvidenceFile)) -> Code {
    let mut file = file();
    change(&mut file);
    EvidenceFile::decode(&file.encode()).unwrap_err().code
}

#[test]
fn a_file_comes_back_and_has_one_spelling() {
    let file = file();
    let bytes = file.encode();
    assert_eq!(tram_wire::cbor::check(&bytes, bytes.len()), Ok(()));
    assert!(EvidenceFile::is_meant(&bytes) && EvidenceFile::is_meant(&bytes[..20]));
    assert_eq!(EvidenceFile::decode(&bytes), Ok(file.clone()));
    for end in 0..bytes.len() {
        assert!(EvidenceFile::decode(&bytes[..end]).is_err(), "{end}");
    }
    assert!(EvidenceFile::decode(&[&bytes[..], &[0]].concat()).is_err());
    let bare = EvidenceFile {
        sealed: None,
        revocation: vec![],
        checkpoints: vec![],
        statements: vec![],
        documents: vec![],
        policy: None,
        ..file
    };
    assert_eq!(EvidenceFile::decode(&bare.encode()), Ok(bare));
}

#[test]
fn another_order_a_repeat_or_nothing_is_malformed() {
    let changes: [fn(&mut EvidenceFile); 14] = [
        |f| f.receipts.swap(0, 1),
        |f| f.receipts[1] = f.receipts[0].clone(),
        |f| f.receipts.clear(),
        |f| f.receipts[0].clear(),
        |f| f.statements.swap(0, 1),
        |f| f.checkpoints.swap(0, 1),
        |f| f.checkpoints[0].links.swap(0, 1),
        |f| f.checkpoints[0].links.clear(),
        |f| f.checkpoints[0].stamps.swap(0, 1),
        |f| f.documents.swap(0, 1),
        |f| f.directory.entries.swap(0, 1),
        |f| f.directory.entries.clear(),
        |f| f.sealed = Some(vec![]),
        |f| f.policy = Some(String::new()),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        assert_eq!(refused(change), Code::Malformed, "{number}");
    }
}

#[test]
fn what_is_over_a_limit_is_too_large() {
    let changes: [fn(&mut EvidenceFile); 6] = [
        |f| f.receipts = vec![vec![0; RECEIPT_BYTES_MAX + 1]],
        |f| f.revocation = vec![vec![1]; 7],
        |f| f.checkpoints[0].note = vec![0; NOTE_BYTES_MAX + 1],
        |f| f.checkpoints[0].stamps = vec![vec![1]; TIME_STAMPS_MAX + 1],
        |f| f.checkpoints[0].links[0].path = vec![[0; 32]; 127],
        |f| f.directory.entries[0].path = vec![[0; 32]; 64],
    ];
    for (number, change) in changes.into_iter().enumerate() {
        assert_eq!(refused(change), Code::TooLarge, "{number}");
    }
}

#[test]
fn an_entry_of_a_part_leads_to_the_root_of_the_whole() {
    for count in 1..20 {
        let whole = directory(count);
        let part = DirectoryPart::of(&whole, |_| true);
        assert_eq!(part.digest(), whole.digest());
        for entry in &part.entries {
            assert_eq!(entry.root(count.into()), Ok(whole.head.root), "{count}");
            let mut other = entry.clone();
            other.bytes.push(0);
            assert_ne!(other.root(count.into()), Ok(whole.head.root));
        }
    }
}

fn statement(event: Event, remark: Option<&str>) -> Statement {
    Statement {
        network: made::NETWORK,
        agency: made::code("H41"),
        dispatch: DispatchId([3; 32]),
        object: Digest([4; 32]),
        event,
        status: None,
        time: UnixMillis(5),
        remark: remark.map(str::to_owned),
        sealed_by: SealedBy::Agency,
    }
}

fn handling(status: Option<Status>) -> Statement {
    Statement { status, ..statement(Event::HandlingStatus, None) }
}

#[test]
fn statements_say_what_a_clerk_decides_and_nothing_else() {
    let chain = [vec![1]];
    let seal = |statement: &Statement| {
        SealedStatement::seal(statement, &chain, Algorithm::EdDsa, |bytes| {
            made::signer(1).sign(bytes)
        })
    };
    let by_node = Statement {
        sealed_by: SealedBy::Node("n1.H41".parse().unwrap()),
        ..statement(Event::ConsignmentAcceptance, Some("Số đến 128"))
    };
    for said in [
        statement(Event::ConsignmentAcceptance, None),
        statement(Event::ConsignmentRejection, Some("sai nơi nhận")),
        by_node,
        statement(Event::ActAcceptance, None),
        statement(Event::ActRejection, Some("đã thi hành")),
        handling(Some(Status::Assigned)),
        handling(Some(Status::Completed)),
    ] {
        let sealed = seal(&said).unwrap();
        assert_eq!(sealed.statement(), &said);
        assert_eq!(SealedStatement::parse(sealed.raw()).unwrap(), sealed);
        let signed = sealed.to_be_signed();
        let key = made::signer(1);
        assert!(key.public_key().verify(Algorithm::EdDsa, &signed, sealed.signature()).is_ok());
    }
    assert!(seal(&statement(Event::ContentConsignment, None)).is_err());
    assert!(seal(&handling(None)).is_err(), "how far?");
    assert!(seal(&handling(Some(Status::Accepted))).is_err());
    let with_status = statement(Event::ConsignmentAcceptance, None);
    assert!(seal(&Statement { status: Some(Status::Completed), ..with_status }).is_err());
    assert!(seal(&statement(Event::ConsignmentRejection, Some(""))).is_err());
    assert!(seal(&statement(Event::ConsignmentRejection, Some("a\u{202e}b"))).is_err());
    // A dispatch is no statement, nor the reverse.
    assert!(SealedStatement::parse(made::sealed().raw()).is_err());
    let sealed = seal(&statement(Event::ConsignmentAcceptance, None)).unwrap();
    assert!(tram_wire::SealedDispatch::parse(sealed.raw()).is_err());
}

proptest! {
    #[test]
    fn what_is_taken_from_any_bytes_is_canonical(
        place in 0..4000_usize,
        with in vec(any::<u8>(), 0..6),
    ) {
        let mut bytes = file().encode();
        let place = place % bytes.len();
        let end = (place + with.len()).min(bytes.len());
        bytes.splice(place..end, with);
        if let Ok(file) = EvidenceFile::decode(&bytes) {
            prop_assert_eq!(file.encode(), bytes);
        }
    }
}
