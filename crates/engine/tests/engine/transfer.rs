//! Offers before the engine sees them, and answers to ours: what is refused, in which order.

use std::sync::Arc;

use tram_crypto::sha256;
use tram_dispatch::envelope::Document;
use tram_dispatch::limits::{FRAME_BYTES_MAX, RECEIPT_BYTES_MAX, UPSTREAM_RECEIPTS_MAX};
use tram_dispatch::{AgencyCode, Code, Digest, NodeId};
use tram_engine::quota::DoorsOf;
use tram_engine::transfer::give::{self, Answers, Unproved};
use tram_engine::transfer::take::{
    ANSWERS_PER_FRAME_MAX, LATER_MS, NotTaken, ParsedOffer, SoundOffer, answer_frames,
};
use tram_engine::{Answer, Input, PeerAnswer, Token, Transfer};
use tram_trust::fixtures::START;
use tram_trust::{Crls, Options, Verifier};
use tram_wire::frame::{self, Frame, Outcome};

use crate::support::net::*;
use crate::support::world::World;

const NOW_MS: u64 = 10_000;

/// What the district's node gives to the province's: four documents, of which the second and the
/// fourth are the same.
fn given() -> Transfer {
    let mut w = World::connected();
    let mut e = net().envelope(DISTRICT, &[CENTRE, PROVINCE], "1/VT");
    e.documents = [b"one" as &[u8], b"two", b"three", b"two"].map(document).to_vec();
    w.submitted(DISTRICT, &net().dispatch(&e));
    w.given.into_iter().find(|t| t.peer == node(PROVINCE)).unwrap()
}

fn document(text: &[u8]) -> Document {
    Document {
        name: "a.txt".to_owned(),
        media_type: "text/plain".to_owned(),
        size: text.len() as u64,
        sha256: Digest(sha256(text)),
        second_digest: None,
    }
}

fn text_of(document: &Document) -> Vec<u8> {
    let texts = [b"one" as &[u8], b"two", b"three"];
    texts.into_iter().find(|t| sha256(t) == document.sha256.0).unwrap().to_vec()
}

/// The offer as its taker reads it, with the documents of these indices.
fn frame_of(transfer: &Transfer, riding: &[usize]) -> frame::Transfer {
    let riding = riding.iter().copied().collect();
    let read = |d: &Document| Ok::<_, std::convert::Infallible>(text_of(d));
    let Ok(frame) = give::offer(transfer, &riding, read);
    let Frame::Transfer(offer) = frame::decode(&frame::encode(&frame)).unwrap() else { panic!() };
    *offer
}

fn taken(
    offer: frame::Transfer,
    doors: &DoorsOf<NodeId>,
    verifier: &Verifier,
    me: &str,
) -> Result<SoundOffer, NotTaken> {
    ParsedOffer::parse(&node(DISTRICT), offer)?.afford(doors, NOW_MS)?.verify(verifier, &node(me))
}

fn sound(riding: &[usize]) -> SoundOffer {
    let offer = frame_of(&given(), riding);
    taken(offer, &DoorsOf::default(), &net().verifier, PROVINCE).unwrap()
}

fn code_of(not_taken: &NotTaken) -> Code {
    let (NotTaken::Refused(code, _) | NotTaken::Later(code, _)) = not_taken;
    *code
}

#[test]
fn an_offer_that_holds_is_what_the_engine_decides_on() {
    let transfer = given();
    let offer = sound(&[0, 1]);
    assert_eq!(offer.dispatch(), &transfer.dispatch);
    assert_eq!(offer.recipients(), transfer.recipients);
    let Input::Offer { token, peer, dispatch, recipients, receipts, documents } =
        offer.into_input(Token(7))
    else {
        panic!()
    };
    assert_eq!((token, peer), (Token(7), node(DISTRICT)));
    assert_eq!((dispatch.id(), recipients), (transfer.dispatch.id(), transfer.recipients));
    let raw: Vec<Arc<[u8]>> = receipts.iter().map(|r| r.raw().clone()).collect();
    assert_eq!(raw, transfer.receipts);
    assert_eq!((documents.inline.len(), documents.missing.len()), (2, 1));
}

#[test]
fn the_cheapest_refusal_comes_first() {
    let transfer = given();
    let (open, closed) = (DoorsOf::default(), DoorsOf::default());
    closed.close(&node(DISTRICT), 0, 500, NOW_MS);
    let told = |offer: &frame::Transfer, doors| {
        taken(offer.clone(), doors, &net().verifier, PROVINCE).unwrap_err()
    };
    // Everything is wrong with it; then, one by one, less.
    let mut offer = frame_of(&transfer, &[0]);
    let (dispatch, receipts) = (offer.dispatch.clone(), offer.receipts.clone());
    offer.inline[0].1 = b"eno".to_vec();
    offer.dispatch.truncate(100);
    let many = 1 + UPSTREAM_RECEIPTS_MAX * offer.recipients.len();
    offer.receipts = vec![b"none".to_vec(); many + 1];
    assert_eq!(code_of(&told(&offer, &closed)), Code::TooLarge);
    offer.receipts.pop();
    assert_eq!(code_of(&told(&offer, &closed)), Code::Malformed);
    // A seal that does not verify, in syntax that holds.
    offer.dispatch = dispatch.clone();
    *offer.dispatch.last_mut().unwrap() ^= 1;
    assert_eq!(told(&offer, &closed), NotTaken::Later(Code::Quota, 500));
    assert_eq!(closed.turned_away(&node(DISTRICT)), 1);
    assert_eq!(code_of(&told(&offer, &open)), Code::ReceiptInvalid);
    offer.receipts.clear();
    let missing =
        NotTaken::Refused(Code::ReceiptInvalid, "the first node's receipt is missing".to_owned());
    assert_eq!(told(&offer, &open), missing);
    offer.receipts = receipts.clone();
    let mut root = receipts;
    *root[0].last_mut().unwrap() ^= 1;
    offer.receipts.push(root.remove(0));
    assert_eq!(code_of(&told(&offer, &open)), Code::ReceiptInvalid);
    offer.receipts.pop();
    assert_eq!(code_of(&told(&offer, &open)), Code::SignatureInvalid);
    offer.dispatch = dispatch;
    assert_eq!(code_of(&told(&offer, &open)), Code::DocumentDigestMismatch);
    offer.inline[0] = (4, b"one".to_vec());
    assert_eq!(code_of(&told(&offer, &open)), Code::Malformed);
    offer.inline[0] = (0, b"one".to_vec());
    assert!(taken(offer, &open, &net().verifier, PROVINCE).is_ok());
}

#[test]
fn where_nobody_can_tell_the_last_node_defers_and_a_relay_passes_on() {
    let mut crls = Crls::none();
    let list = net().base.authority("centre CA").crl(&[], START, START.plus_ms(1_000));
    crls.add(&list).unwrap();
    let options = Options { revocation_grace_ms: 0, ..Options::default() };
    let verifier = Verifier::new(net().base.root.clone(), net().directory.clone(), crls, options);
    let offer = frame_of(&given(), &[]);
    let doors = DoorsOf::default();
    let later = taken(offer.clone(), &doors, &verifier, PROVINCE).unwrap_err();
    assert_eq!(later, NotTaken::Later(Code::RevocationUnknown, LATER_MS));
    assert!(taken(offer, &doors, &verifier, OTHER_PROVINCE).is_ok());
}

#[test]
fn what_is_missing_is_wanted_once_and_taken_once() {
    let mut offer = sound(&[0]);
    let documents = offer.dispatch().envelope().documents.clone();
    assert_eq!(offer.wanted(), [1, 2]);
    let wrong = offer.take_inline(&documents[1], b"owt".to_vec()).unwrap_err();
    assert_eq!(code_of(&wrong), Code::DocumentDigestMismatch);
    assert_eq!(offer.wanted(), [1, 2]);
    offer.take_inline(&documents[1], b"two".to_vec()).unwrap();
    assert_eq!(offer.wanted(), [2]);
    offer.take_file(&documents[2]);
    assert!(offer.wanted().is_empty() && offer.documents().missing.is_empty());
    assert_eq!(offer.documents().files, [(documents[2].sha256, 5)]);
}

#[test]
fn files_are_given_up_when_the_engine_decided_and_kept_for_the_next_time() {
    let mut offer = sound(&[0, 1]);
    let document = offer.dispatch().envelope().documents[2].clone();
    offer.take_file(&document);
    let accepted = (code(PROVINCE), Answer::Accepted(Arc::from(&b"r"[..])));
    let later = (code(CENTRE), Answer::Later(Code::Busy, 1));
    assert_eq!(offer.settled(std::slice::from_ref(&accepted)), [document.sha256]);
    assert_eq!(offer.settled(&[accepted, later]), []);
}

#[test]
fn who_is_over_its_quota_is_turned_away_at_the_door_the_next_time() {
    let (offer, doors) = (sound(&[0, 1, 2]), DoorsOf::default());
    let next = || taken(frame_of(&given(), &[]), &doors, &net().verifier, PROVINCE);
    let answers = |code| vec![(self::code(PROVINCE), Answer::Later(code, 700))];
    offer.close_door(&doors, &answers(Code::Busy), NOW_MS);
    assert!(next().is_ok());
    offer.close_door(&doors, &answers(Code::Quota), NOW_MS - 200);
    assert_eq!(next().unwrap_err(), NotTaken::Later(Code::Quota, 500));
    let all = next().unwrap_err().for_all(offer.recipients());
    let who: Vec<&AgencyCode> = all.iter().map(|(recipient, _)| recipient).collect();
    assert_eq!(who, offer.recipients().iter().collect::<Vec<_>>());
    assert!(all.iter().all(|(_, a)| matches!(a, Answer::Later(Code::Quota, 500))));
}

#[test]
fn answers_go_out_in_order_in_frames_that_fit() {
    let recipient = |n: usize| AgencyCode::parse_canonical(&format!("H41.{n:03}")).unwrap();
    let largest: Arc<[u8]> = vec![7; RECEIPT_BYTES_MAX].into();
    let count = 2 * ANSWERS_PER_FRAME_MAX + 1;
    let answers = (0..count).map(|n| (recipient(n), Answer::Accepted(largest.clone()))).collect();
    let mut come = Vec::new();
    for frame in answer_frames(answers) {
        let bytes = frame::encode(&frame);
        assert!(bytes.len() <= FRAME_BYTES_MAX, "{}", bytes.len());
        let Frame::Answer(part) = frame::decode(&bytes).unwrap() else { panic!() };
        come.extend(part.into_iter().map(|a| a.recipient));
    }
    assert_eq!(come, (0..count).map(recipient).collect::<Vec<_>>());
    assert_eq!(answer_frames(Vec::new()).count(), 0);
}

#[test]
fn every_recipient_has_one_answer_and_only_a_receipt_that_verifies_proves_it() {
    let receipt = given().receipts[0].to_vec();
    let verify = |raw: &[u8]| net().verifier.receipt_bytes(raw);
    let all: Vec<AgencyCode> = [PROVINCE, CENTRE, HAMLET, SISTER].map(code).to_vec();
    let answer = |to: &str, outcome| frame::Answer { recipient: code(to), outcome };
    let mut answers = Answers::awaited(&all);
    let part = vec![
        answer(CENTRE, Outcome::Accepted(receipt.clone())),
        answer(HAMLET, Outcome::Refused(b"no receipt".to_vec())),
        answer(
            PROVINCE,
            Outcome::RefusedUnsigned { code: Code::NoRoute, detail: "none".to_owned() },
        ),
    ];
    let unproved = answers.take(part, verify).unwrap();
    assert!(matches!(&unproved[..], [
        Unproved::Receipt(Code::ReceiptInvalid, _),
        Unproved::Unsigned(Code::NoRoute, words),
    ] if words == "none"));
    assert!(!answers.are_complete());
    let later = || vec![answer(SISTER, Outcome::Later { code: Code::Busy, retry_ms: 9 })];
    assert_eq!(answers.take(later(), verify), Ok(Vec::new()));
    assert!(answers.are_complete());
    assert_eq!(answers.take(later(), verify).unwrap_err().0, Code::PeerUnreachable);
    let come = answers.into_inner();
    let who: Vec<AgencyCode> = come.iter().map(|(recipient, _)| recipient.clone()).collect();
    assert_eq!(who, [CENTRE, HAMLET, PROVINCE, SISTER].map(code));
    assert!(matches!(&come[0].1, PeerAnswer::Accepted(r) if **r.raw() == *receipt));
    let later: Vec<(Code, u64)> = come[1..]
        .iter()
        .map(|(_, a)| match a {
            PeerAnswer::Later { code, retry_ms } => (*code, *retry_ms),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(later, [(Code::ReceiptInvalid, 0), (Code::NoRoute, 0), (Code::Busy, 9)]);
}

#[test]
fn an_answer_for_somebody_else_breaks_the_transfer_off() {
    let mut answers = Answers::awaited([code(PROVINCE)]);
    let part = vec![frame::Answer {
        recipient: code(CENTRE),
        outcome: Outcome::Later { code: Code::Busy, retry_ms: 1 },
    }];
    let (code, _) = answers.take(part, |raw| net().verifier.receipt_bytes(raw)).unwrap_err();
    assert_eq!(code, Code::PeerUnreachable);
    assert!(!answers.are_complete());
}
