//! The rules beside the shape, each broken alone.

use tram_crypto::Algorithm;
use tram_dispatch::envelope::*;
use tram_dispatch::limits::*;
use tram_dispatch::*;
use tram_wire::evidence_file::{Link, ProvedCheckpoint};
use tram_wire::frame::{
    self, Answer, DIRECTORY_PIECE_BYTES, DirectoryPiece, Frame, Hello, Outcome,
    PROOF_CHECKPOINTS_MAX, PROOF_SIZES_MAX, Range, Transfer,
};
use tram_wire::{SealError, SealedDispatch, WireError, envelope, evidence};

use crate::made::{self, code};

fn broken(change: impl FnOnce(&mut Envelope)) -> WireError {
    let mut e = made::envelope();
    change(&mut e);
    let built = envelope::encode_checked(&e).unwrap_err();
    let read = envelope::decode(&envelope::encode(&e)).unwrap_err();
    assert_eq!(built.code, read.code, "{built} / {read}");
    read
}

#[test]
fn envelope_rules() {
    use Code::{Malformed, NotCanonical, TooLarge};
    let related =
        Related { originator: code("H41"), reference: "1".parse().unwrap(), dispatch: None };
    type Change = Box<dyn FnOnce(&mut Envelope)>;
    let replaced = vec![related.clone(); RELATED_MAX + 1];
    let answered = replaced.clone();
    let table: Vec<(Code, Change)> = vec![
        (Malformed, Box::new(|e| e.recipients.clear())),
        (Malformed, Box::new(|e| e.recipients.reverse())),
        (Malformed, Box::new(|e| e.recipients = vec![code("H41"), code("H41")])),
        (
            TooLarge,
            Box::new(|e| {
                e.recipients = (0..=RECIPIENTS_MAX).map(|i| code(&format!("x{i:05}"))).collect();
            }),
        ),
        (Malformed, Box::new(|e| e.sequence = Some(Sequence { series: 0, number: 0 }))),
        (
            Malformed,
            Box::new(|e| {
                e.sealed_by = SealedBy::Node("n1.G22".parse().unwrap());
                e.sequence = None;
            }),
        ),
        (Malformed, Box::new(|e| e.group = Some(String::new()))),
        (Malformed, Box::new(|e| e.metadata.subject = "a\u{202e}b".into())),
        (TooLarge, Box::new(|e| e.metadata.subject = "x".repeat(TEXT_BYTES_MAX + 1))),
        (Malformed, Box::new(|e| e.metadata.place = Some("a\nb".into()))),
        (Malformed, Box::new(|e| e.metadata.issued_on = Some("2026-02-30".into()))),
        (Malformed, Box::new(|e| e.metadata.due_on = Some("2026-02-03T00:00:00Z".into()))),
        (Malformed, Box::new(|e| e.metadata.signer = Some(Signer::default()))),
        (TooLarge, Box::new(move |e| e.metadata.answers_to = answered)),
        (Malformed, Box::new(|e| e.act = Act::Replace(Vec::new()))),
        (TooLarge, Box::new(move |e| e.act = Act::Replace(replaced))),
        (TooLarge, Box::new(|e| e.documents = vec![e.documents[0].clone(); DOCUMENTS_MAX + 1])),
        (TooLarge, Box::new(|e| e.documents[0].size = DOCUMENT_BYTES_MAX + 1)),
        (Malformed, Box::new(|e| e.documents[0].name = String::new())),
        (TooLarge, Box::new(|e| e.documents[0].name = "x".repeat(DOCUMENT_NAME_BYTES_MAX + 1))),
        (
            Malformed,
            Box::new(|e| {
                let size = e.documents[0].size + 1;
                e.documents.push(Document { size, ..e.documents[0].clone() });
            }),
        ),
        (Malformed, Box::new(|e| e.documents[0].media_type = "pdf".into())),
        (Malformed, Box::new(|e| e.documents[0].media_type = "a/ả".into())),
        (
            TooLarge,
            Box::new(|e| {
                e.documents[0].media_type = format!("a/{}", "b".repeat(MEDIA_TYPE_BYTES_MAX));
            }),
        ),
        (Malformed, Box::new(|e| e.documents[0].second_digest = Some((1, Vec::new())))),
        (TooLarge, Box::new(|e| e.documents[0].second_digest = Some((1, vec![0; 65])))),
        (Malformed, Box::new(|e| e.expires_at = e.issued_at)),
        (Malformed, Box::new(|e| e.max_hops = 0)),
        (Malformed, Box::new(|e| e.max_hops = HOPS_MAX + 1)),
        (NotCanonical, Box::new(|e| _ = e.extensions.insert(128, vec![0x18, 0x00]))),
    ];
    for (i, (code, change)) in table.into_iter().enumerate() {
        let error = broken(change);
        assert_eq!(error.code, code, "row {i}: {error}");
    }
}

#[test]
fn extensions_do_not_hide_critical_fields() {
    let mut e = made::envelope();
    e.extensions.insert(127, vec![0xf6]);
    assert_eq!(envelope::encode_checked(&e).unwrap_err().code, Code::Malformed);
    let error = envelope::decode(&envelope::encode(&e)).unwrap_err();
    assert_eq!(error.to_string(), "envelope has an unknown critical field 127");
}

#[test]
fn a_later_format_version_is_refused_by_name() {
    let mut bytes = envelope::encode(&made::envelope());
    assert_eq!(bytes[1..3], [0x00, 0x01]);
    bytes[2] = 0x02;
    let error = envelope::decode(&bytes).unwrap_err();
    assert!(error.to_string().contains("format version 2"), "{error}");
}

#[test]
fn spellings_that_name_an_agency_twice_are_refused() {
    let bytes = envelope::encode(&made::envelope());
    // "G22" becomes "g22": an agency code that only people would read the same.
    let at = bytes.windows(4).position(|w| w == b"\x63G22").unwrap();
    let mut lower = bytes.clone();
    lower[at + 1] = b'g';
    assert_eq!(envelope::decode(&lower).unwrap_err().code, Code::Malformed);
}

#[test]
fn chains_over_a_limit_are_told_before_the_key_is_used() {
    let seal = |chain: &[Vec<u8>]| {
        let key_used = |_: &[u8]| -> Result<Vec<u8>, String> { panic!("the key was used") };
        SealedDispatch::seal(&made::envelope(), chain, Algorithm::EdDsa, key_used)
    };
    let too_many = vec![vec![1]; CHAIN_CERTIFICATES_MAX + 1];
    for (chain, code) in [
        (vec![], Code::Malformed),
        (vec![vec![]], Code::Malformed),
        (too_many, Code::TooLarge),
        (vec![vec![0; CERTIFICATE_BYTES_MAX + 1]], Code::TooLarge),
    ] {
        match seal(&chain) {
            Err(SealError::Wire(error)) => assert_eq!(error.code, code, "{error}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_key_provider_that_fails_is_told() {
    let failing = |_: &[u8]| Err::<Vec<u8>, _>("token removed");
    let chain = [b"leaf".to_vec()];
    let error = SealedDispatch::seal(&made::envelope(), &chain, Algorithm::EdDsa, failing);
    assert_eq!(error.unwrap_err(), SealError::Sign("token removed"));
}

#[test]
fn ids_do_not_depend_on_the_signature() {
    let chain = [b"leaf".to_vec()];
    let one = made::sealed_with(&made::envelope(), &chain);
    let other =
        SealedDispatch::seal(&made::envelope(), &chain, Algorithm::EdDsa, made::no_signature)
            .unwrap();
    assert_eq!(one.id(), other.id());
    assert_ne!(one.object(), other.object());
    let mut elsewhere = made::envelope();
    elsewhere.network = NetworkId([8; 32]);
    assert_ne!(made::sealed_with(&elsewhere, &chain).id(), one.id());
}

#[test]
fn evidence_rules() {
    let log = made::Log::new(1);
    let good = evidence::decode(&log.records[0]).unwrap();
    let refused = |change: &dyn Fn(&mut EvidenceRecord)| {
        let mut record = good.clone();
        change(&mut record);
        evidence::decode(&evidence::encode(&record)).unwrap_err().code
    };
    assert_eq!(refused(&|r| r.status = Some(0)), Code::Malformed);
    assert_eq!(refused(&|r| r.status = Some(17)), Code::Malformed);
    assert_eq!(refused(&|r| r.remark = Some(String::new())), Code::Malformed);
    assert_eq!(refused(&|r| r.remark = Some("\u{7}".into())), Code::Malformed);
    assert_eq!(refused(&|r| r.remark = Some("x".repeat(TEXT_BYTES_MAX + 1))), Code::TooLarge);
    assert_eq!(refused(&|r| r.remark = Some("x".repeat(EVIDENCE_BYTES_MAX))), Code::TooLarge);
}

#[test]
fn a_removal_says_what_is_removed_and_nothing_else_does() {
    let log = made::Log::new(1);
    let good = evidence::decode(&log.records[0]).unwrap();
    let removal = tram_dispatch::evidence::Removal {
        policy: Digest([1; 32]),
        rule: "r".to_owned(),
        since: UnixMillis(7),
        days: 0,
        documents: vec![Digest([2; 32]); REMOVED_MAX],
    };
    let record = |event, removal: Option<&tram_dispatch::evidence::Removal>| {
        let removal = removal.cloned().map(Box::new);
        let record = EvidenceRecord { event, removal, ..good.clone() };
        let bytes = tram_wire::evidence::encode(&record);
        let read = tram_wire::evidence::decode(&bytes);
        read.map(|read| assert_eq!(read, record)).map_err(|e| e.code)
    };
    let of = |change: &dyn Fn(&mut tram_dispatch::evidence::Removal)| {
        let mut changed = removal.clone();
        change(&mut changed);
        record(Event::DocumentsRemoval, Some(&changed))
    };
    assert_eq!(of(&|_| ()), Ok(()));
    assert_eq!(of(&|r| r.documents.clear()), Err(Code::Malformed));
    assert_eq!(of(&|r| r.documents.push(Digest([3; 32]))), Err(Code::Malformed));
    assert_eq!(of(&|r| r.rule.clear()), Err(Code::Malformed));
    assert_eq!(of(&|r| r.rule = "\u{7}".into()), Err(Code::Malformed));
    assert_eq!(of(&|r| r.rule = "x".repeat(RULE_NAME_BYTES_MAX + 1)), Err(Code::TooLarge));
    assert_eq!(record(Event::DocumentsRemoval, None), Err(Code::Malformed));
    assert_eq!(record(Event::RelayAcceptance, Some(&removal)), Err(Code::Malformed));
}

#[test]
fn records_of_a_later_version_are_read_and_their_bytes_kept() {
    let log = made::Log::new(1);
    let mut bytes = log.records[0].clone();
    assert_eq!(bytes[0] & 0xe0, 0xa0);
    bytes[0] += 1;
    bytes.extend_from_slice(&[0x18, 0x80, 0x61, b'x']); // field 128: "x"
    assert_eq!(evidence::decode(&bytes), evidence::decode(&log.records[0]));
    let n = bytes.len();
    bytes[n - 3] = 0x7f; // field 127: not in its shortest form any more, and critical
    assert!(evidence::decode(&bytes).is_err());
}

fn frame_code(frame: &Frame) -> Code {
    frame::decode(&frame::encode(frame)).unwrap_err().code
}

#[test]
fn frame_rules() {
    use Code::{Malformed, TooLarge};
    let transfer = |change: &dyn Fn(&mut Transfer)| {
        let mut t = Transfer {
            dispatch: vec![1],
            recipients: vec![code("H41")],
            receipts: vec![],
            inline: vec![],
        };
        change(&mut t);
        Frame::Transfer(Box::new(t))
    };
    let node = || -> NodeId { "n1.H41".parse().unwrap() };
    let request = |sizes: &[u64]| {
        let (asker, log, epoch, sizes) = (node(), node(), EpochId([1; 32]), sizes.to_vec());
        Frame::ProofRequest { asker, log, epoch, sizes }
    };
    let proof = |count: u8, links: u64| {
        let link = |size| Link { size, path: Vec::new() };
        let made = |n| ProvedCheckpoint {
            note: vec![n],
            links: (0..links).map(link).collect(),
            stamps: Vec::new(),
        };
        let (epoch, checkpoints) = (EpochId([1; 32]), (0..count).map(made).collect());
        Frame::Proof { asker: node(), log: node(), epoch, checkpoints }
    };
    let receipts = |count, statements| {
        let receipts = vec![vec![1]; count];
        Frame::Receipts { batch: 0, receipts, statements }
    };
    let hello = |change: &dyn Fn(&mut Hello)| {
        let mut h = Hello {
            network: NetworkId([1; 32]),
            versions: vec![1],
            features: vec![],
            node: "n1.H41".parse().unwrap(),
            directory_version: 1,
            directory: Digest([2; 32]),
            epoch: EpochId([3; 32]),
            checkpoint: vec![],
            held: None,
            wall: UnixMillis(0),
            credit: 1,
        };
        change(&mut h);
        Frame::Hello(Box::new(h))
    };
    let detail = |detail: String| Frame::HelloRefused { code: Malformed, detail };
    let later = Outcome::Later { code: Code::Busy, retry_ms: 1 };
    let answer = |name| Answer { recipient: code(name), outcome: later.clone() };
    let epoch = EpochId([0; 32]);
    for (i, (frame, code)) in [
        (transfer(&|t| t.recipients.clear()), Malformed),
        (transfer(&|t| t.recipients.push(code("H40"))), Malformed),
        (transfer(&|t| t.dispatch = vec![0; DISPATCH_BYTES_MAX + 1]), TooLarge),
        (transfer(&|t| t.receipts = vec![vec![]]), Malformed),
        (transfer(&|t| t.receipts = vec![vec![0; RECEIPT_BYTES_MAX + 1]]), TooLarge),
        (transfer(&|t| t.receipts = vec![vec![1]; UPSTREAM_RECEIPTS_MAX + 2]), TooLarge),
        (transfer(&|t| t.inline = vec![(1, vec![]), (0, vec![])]), Malformed),
        (transfer(&|t| t.inline = vec![(256, vec![])]), TooLarge),
        (transfer(&|t| t.inline = vec![(0, vec![0; INLINE_DOCUMENT_BYTES_MAX + 1])]), TooLarge),
        (
            transfer(&|t| {
                t.inline = (0..5).map(|i| (i, vec![0; INLINE_DOCUMENT_BYTES_MAX])).collect();
            }),
            TooLarge,
        ),
        (detail("a\u{1b}[31m".into()), Malformed),
        (detail("x".repeat(TEXT_BYTES_MAX + 1)), TooLarge),
        (receipts(0, vec![]), Malformed),
        (receipts(RECEIPTS_PER_FRAME_MAX + 1, vec![]), TooLarge),
        (receipts(1, vec![vec![]]), Malformed),
        (receipts(1, vec![vec![1]; RECEIPTS_PER_FRAME_MAX + 1]), TooLarge),
        (receipts(1, vec![vec![1; STATEMENT_BYTES_MAX + 1]]), TooLarge),
        (request(&[]), Malformed),
        (request(&[2, 1]), Malformed),
        (request(&[1, 1]), Malformed),
        (request(&(0..=PROOF_SIZES_MAX as u64).collect::<Vec<_>>()), TooLarge),
        (proof(0, 1), Malformed),
        (proof(PROOF_CHECKPOINTS_MAX as u8 + 1, 1), TooLarge),
        (proof(1, 0), Malformed),
        (proof(1, PROOF_SIZES_MAX as u64 + 1), TooLarge),
        (Frame::Checkpoint { note: vec![0; NOTE_BYTES_MAX + 1] }, TooLarge),
        (hello(&|h| h.held = Some(vec![])), Malformed),
        (hello(&|h| h.held = Some(vec![0; NOTE_BYTES_MAX + 1])), TooLarge),
        (Frame::ConsistencyRequest { epoch, old_size: 2, new_size: 1 }, Malformed),
        (
            Frame::Want(vec![Range { document: 1, offset: 0 }, Range { document: 1, offset: 5 }]),
            Malformed,
        ),
        (Frame::Want(vec![Range { document: 0, offset: DOCUMENT_BYTES_MAX + 1 }]), TooLarge),
        (Frame::Data { document: 0, offset: u64::MAX, length: 1 }, TooLarge),
        (Frame::Answer(vec![]), Malformed),
        (Frame::Answer(vec![answer("H41"), answer("H41")]), Malformed),
        (Frame::Unknown { kind: 127, body: vec![0xa0] }, Malformed),
        (Frame::Unknown { kind: 128, body: vec![0x80] }, Malformed),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(frame_code(&frame), code, "row {i}");
    }
    let huge = Frame::Epoch { file: vec![0; FRAME_BYTES_MAX] };
    assert_eq!(frame_code(&huge), TooLarge);
}

#[test]
fn a_piece_of_a_directory_is_whole_or_the_last() {
    let piece = |total, offset, length| {
        let digest = Digest([0; 32]);
        let bytes = vec![0; length];
        let piece = DirectoryPiece { version: 2, digest, base: None, total, offset, bytes };
        Frame::DirectoryPiece(Box::new(piece))
    };
    const PIECE: usize = DIRECTORY_PIECE_BYTES;
    let sound = |frame: &Frame| frame::decode(&frame::encode(frame)).as_ref() == Ok(frame);
    assert!(sound(&piece(PIECE as u64 * 2, 0, PIECE)) && sound(&piece(70_000, 65_536, 4_464)));
    assert!(sound(&piece(1, 0, 1)));
    for (total, offset, length) in
        [(0, 0, 0), (10, 0, 9), (10, 10, 0), (10, 11, 0), (100_000, 0, 10), (10, u64::MAX, 1)]
    {
        assert_eq!(frame_code(&piece(total, offset, length)), Code::Malformed, "{total} {offset}");
    }
    assert_eq!(frame_code(&piece(PIECE as u64 * 2, 0, PIECE + 1)), Code::TooLarge);
    assert_eq!(frame_code(&piece(u64::MAX, 0, PIECE)), Code::TooLarge);
}

#[test]
fn details_fit_a_frame_whatever_they_were() {
    for text in ["", "plain", "a\u{1b}b", &"ạ".repeat(TEXT_BYTES_MAX), &"\u{7}".repeat(4000)] {
        let frame = Frame::HelloRefused { code: Code::Internal, detail: frame::detail(text) };
        assert_eq!(frame::decode(&frame::encode(&frame)), Ok(frame));
    }
}
