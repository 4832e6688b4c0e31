//! The control stream between two real logs.

use std::sync::Arc;

use tram_dispatch::{Code, Event as E, NodeId};
use tram_peer::{Claim, Event, HeldCheckpoint, Local, Refused, Session, TwoHistories};
use tram_tlog::Hash;
use tram_tlog::checkpoint::Checkpoint;
use tram_trust::Verifier;
use tram_trust::fixtures::{CENTRE, COMMUNE, Log, NOW, Network, PROVINCE};
use tram_wire::Frame;
use tram_wire::frame::Hello;

struct Side<'a> {
    net: &'a Network,
    log: Log<'a>,
}

impl<'a> Side<'a> {
    fn new(net: &'a Network, agency: &str) -> Self {
        Side { net, log: Log::new(net.node(agency)) }
    }

    /// Adds leaves, one commit each.
    fn grow(&mut self, leaves: u64) {
        for n in 0..leaves {
            let reference = format!("{n}");
            let sealed = self.net.seal(&self.net.envelope(CENTRE, &[COMMUNE], &reference));
            let at = NOW.plus_ms(n);
            let record = self.log.record(E::RelayAcceptance, &sealed, None, at);
            self.log.commit(&[record], at);
        }
    }

    fn head(&self) -> (u64, [u8; 32]) {
        (self.log.tree().size(), self.log.tree().root().0)
    }

    fn local(&self, agency: &str) -> Local {
        let keys = self.net.node(agency);
        Local {
            network: self.net.id(),
            node: keys.id.clone(),
            directory: (self.net.directory.version(), self.net.directory.digest()),
            epoch: keys.epoch,
            checkpoint: self.log.checkpoint(),
            held: None,
            wall: NOW,
            credit: 7,
        }
    }

    fn proof(&self, old: u64) -> Vec<[u8; 32]> {
        self.log.tree().consistency(old).unwrap().into_iter().map(|h| h.0).collect()
    }
}

fn id(net: &Network, agency: &str) -> NodeId {
    net.node(agency).id.clone()
}

fn sent(session: &mut Session) -> Frame {
    match session.next_event() {
        Some(Event::Send(frame)) => frame,
        other => panic!("{other:?}"),
    }
}

/// The hello of a side, changed.
fn hello(side: &Side<'_>, agency: &str, change: impl FnOnce(&mut Hello)) -> Frame {
    let mut session = Session::new(id(side.net, CENTRE), side.local(agency));
    let Frame::Hello(mut hello) = sent(&mut session) else { panic!() };
    change(&mut hello);
    Frame::Hello(hello)
}

/// A session of the centre toward the province that has said hello.
fn centre(net: &Network, held: Option<(u64, [u8; 32])>) -> (Session, Verifier) {
    let held = held.map(|(size, root)| held_of(net, PROVINCE, size, root));
    let local = Local { held: held.clone(), ..Side::new(net, CENTRE).local(CENTRE) };
    let mut session = Session::new(id(net, PROVINCE), local);
    let Frame::Hello(hello) = sent(&mut session) else { panic!() };
    assert_eq!(hello.held, held.map(|held| held.note.to_vec()));
    (session, net.verifier())
}

/// A checkpoint that the node of an agency signed, over whatever tree.
fn held_of(net: &Network, agency: &str, size: u64, root: [u8; 32]) -> HeldCheckpoint {
    let keys = net.node(agency);
    let origin = tram_trust::checkpoint::origin(net.id(), &keys.id, keys.epoch);
    let checkpoint = Checkpoint::new(&origin, size, Hash(root)).unwrap();
    let note = checkpoint.sign(&origin, &keys.checkpoint).unwrap().into();
    HeldCheckpoint { epoch: keys.epoch, size, root, note }
}

fn code(result: Result<(), Refused>) -> Code {
    result.unwrap_err().code
}

#[test]
fn two_strangers_come_up_on_hello_alone() {
    let net = Network::new("peer tests");
    let (mut province, mut session) = (Side::new(&net, PROVINCE), centre(&net, None));
    province.grow(2);
    let held = held_of(&net, CENTRE, 9, [3; 32]).note;
    let frame = hello(&province, PROVINCE, |h| h.held = Some(held.to_vec()));
    session.0.handle(frame, &session.1).unwrap();
    assert!(session.0.is_up());
    let note: Arc<[u8]> = province.log.checkpoint().into();
    let (size, root) = province.head();
    let expected = Event::Up {
        epoch: net.node(PROVINCE).epoch,
        checkpoint: Some((size, root, note)),
        extends: None,
        wall: NOW,
        directory: (net.directory.version(), net.directory.digest()),
        credit: 7,
    };
    let shown = session.1.checkpoint(&id(&net, CENTRE), &held).unwrap();
    assert_eq!(session.0.next_event(), Some(Event::Claim(Claim::Proved(shown))));
    assert_eq!(session.0.next_event(), Some(expected));
    assert_eq!(session.0.next_event(), None);
    // Receipts and their answer go through; a second hello does not.
    let receipts = vec![vec![1, 2], vec![3]];
    let statements = vec![vec![9]];
    let (copy, said) = (receipts.clone(), statements.clone());
    let frame = Frame::Receipts { batch: 4, receipts: copy, statements: said };
    session.0.handle(frame, &session.1).unwrap();
    let come = Event::Receipts { batch: 4, receipts, statements };
    assert_eq!(session.0.next_event(), Some(come));
    session.0.handle(Frame::Stored { batch: 5 }, &session.1).unwrap();
    assert_eq!(session.0.next_event(), Some(Event::Stored(5)));
    session.0.handle(Frame::Unknown { kind: 200, body: vec![0xa0] }, &session.1).unwrap();
    let again = hello(&province, PROVINCE, |_| ());
    assert_eq!(code(session.0.handle(again, &session.1)), Code::Malformed);
}

#[test]
fn a_log_that_grew_must_prove_that_it_extends_what_we_held() {
    let net = Network::new("peer tests");
    let mut province = Side::new(&net, PROVINCE);
    province.grow(3);
    let old = province.head();
    province.grow(4);
    let (mut session, verifier) = centre(&net, Some(old));
    session.handle(hello(&province, PROVINCE, |_| ()), &verifier).unwrap();
    assert_eq!(session.next_event(), Some(Event::Claim(Claim::Nothing)));
    let asked = sent(&mut session);
    let epoch = net.node(PROVINCE).epoch;
    assert_eq!(asked, Frame::ConsistencyRequest { epoch, old_size: old.0, new_size: 8 });
    assert!(!session.is_up() && session.next_event().is_none());

    // The province answers from its own session.
    let mut theirs = Session::new(id(&net, CENTRE), province.local(PROVINCE));
    sent(&mut theirs);
    theirs.handle(asked, &verifier).unwrap();
    assert_eq!(theirs.next_event(), Some(Event::Prove { old: old.0, new: 8 }));
    theirs.prove(old.0, 8, province.proof(old.0));
    let proof = sent(&mut theirs);

    // It is up on its side and sends what it owes before its proof arrives.
    for batch in 1..=4 {
        let receipts = vec![vec![batch as u8]];
        let frame = Frame::Receipts { batch, receipts, statements: vec![] };
        session.handle(frame, &verifier).unwrap();
    }
    assert_eq!(session.next_event(), None, "nothing is taken before the proof");
    session.handle(proof, &verifier).unwrap();
    assert!(matches!(session.next_event(), Some(Event::Up { .. })));
    for batch in 1..=4 {
        let receipts = vec![vec![batch as u8]];
        assert_eq!(
            session.next_event(),
            Some(Event::Receipts { batch, receipts, statements: vec![] })
        );
    }
}

#[test]
fn what_comes_before_the_proof_is_bounded() {
    let net = Network::new("peer tests");
    let mut province = Side::new(&net, PROVINCE);
    let old = province.head();
    province.grow(1);
    let (mut session, verifier) = centre(&net, Some(old));
    session.handle(hello(&province, PROVINCE, |_| ()), &verifier).unwrap();
    let batch = |n| Frame::Receipts { batch: n, receipts: vec![vec![0]], statements: vec![] };
    (0..4).for_each(|n| session.handle(batch(n), &verifier).unwrap());
    assert_eq!(code(session.handle(batch(4), &verifier)), Code::Malformed);
}

#[test]
fn a_shorter_log_is_a_rollback_and_another_one_a_fork() {
    let net = Network::new("peer tests");
    let mut province = Side::new(&net, PROVINCE);
    province.grow(3);
    let (size, root) = province.head();
    for (held, expected) in [
        ((size + 1, root), Err(Code::LogRollback)),
        ((size, [9; 32]), Err(Code::LogFork)),
        ((size, root), Ok(())),
    ] {
        let (mut session, verifier) = centre(&net, Some(held));
        let result = session.handle(hello(&province, PROVINCE, |_| ()), &verifier);
        assert_eq!(result.map_err(|r| r.code), expected);
        assert_eq!(session.is_up(), expected.is_ok());
    }
    // What it holds of ours is told even so.
    let held = held_of(&net, CENTRE, 9, [3; 32]).note;
    let (mut session, verifier) = centre(&net, Some((size + 1, root)));
    let frame = hello(&province, PROVINCE, |h| h.held = Some(held.to_vec()));
    assert_eq!(code(session.handle(frame, &verifier)), Code::LogRollback);
    assert!(matches!(session.next_event(), Some(Event::Claim(Claim::Proved(_)))));
    // An empty log where leaves were held.
    let (mut session, verifier) = centre(&net, Some((size, root)));
    let empty = hello(&province, PROVINCE, |h| h.checkpoint.clear());
    assert_eq!(code(session.handle(empty, &verifier)), Code::LogRollback);
}

#[test]
fn a_proof_that_does_not_hold_is_a_fork() {
    let net = Network::new("peer tests");
    let mut province = Side::new(&net, PROVINCE);
    province.grow(3);
    let old = province.head();
    province.grow(4);
    let epoch = net.node(PROVINCE).epoch;
    let path = province.proof(old.0);
    let other = net.node(CENTRE).epoch;
    let mut short = path.clone();
    short.pop();
    let spoilt = [
        (epoch, old.0, 8, short),
        (epoch, old.0 - 1, 8, path.clone()),
        (epoch, old.0, 7, path.clone()),
        (other, old.0, 8, path.clone()),
        (epoch, old.0, 8, path.iter().map(|_| [0; 32]).collect()),
    ];
    for (epoch, old_size, new_size, path) in spoilt {
        let (mut session, verifier) = centre(&net, Some(old));
        session.handle(hello(&province, PROVINCE, |_| ()), &verifier).unwrap();
        let proof = Frame::Consistency { epoch, old_size, new_size, path };
        assert_eq!(code(session.handle(proof, &verifier)), Code::LogFork);
        assert!(!session.is_up());
    }
}

#[test]
fn hellos_that_are_refused() {
    let net = Network::new("peer tests");
    let other = Network::new("another network");
    let province = Side::new(&net, PROVINCE);
    let foreign_note = Side::new(&other, PROVINCE).log.checkpoint();
    let (of_commune, of_centre) = (id(&net, COMMUNE), net.node(CENTRE).epoch);
    type Change = Box<dyn FnOnce(&mut Hello)>;
    let network = other.id();
    let cases: Vec<(Code, Change)> = vec![
        (Code::WrongNetwork, Box::new(move |h| h.network = network)),
        (Code::PeerNotInDirectory, Box::new(move |h| h.node = of_commune)),
        (Code::Malformed, Box::new(|h| h.versions = vec![2, 3])),
        (Code::PeerNotInDirectory, Box::new(move |h| h.epoch = of_centre)),
        (
            Code::PeerNotInDirectory,
            Box::new(move |h| {
                h.epoch = of_centre;
                h.checkpoint.clear();
            }),
        ),
        (Code::ReceiptInvalid, Box::new(move |h| h.checkpoint = foreign_note)),
        (Code::ReceiptInvalid, Box::new(|h| *h.checkpoint.last_mut().unwrap() ^= 1)),
    ];
    for (n, (expected, change)) in cases.into_iter().enumerate() {
        let (mut session, verifier) = centre(&net, None);
        let result = session.handle(hello(&province, PROVINCE, change), &verifier);
        assert_eq!(code(result), expected, "case {n}");
        assert!(!session.is_up());
        let claim = Event::Claim(Claim::Nothing);
        assert!(session.next_event().is_none_or(|event| event == claim));
        assert_eq!(session.next_event(), None);
    }
}

#[test]
fn frames_out_of_place_end_the_session() {
    let net = Network::new("peer tests");
    let stray = [
        Frame::Receipts { batch: 1, receipts: vec![vec![0]], statements: vec![] },
        Frame::Stored { batch: 1 },
        Frame::Want(Vec::new()),
        Frame::Answer(Vec::new()),
        Frame::Consistency {
            epoch: net.node(PROVINCE).epoch,
            old_size: 1,
            new_size: 1,
            path: Vec::new(),
        },
    ];
    for frame in stray {
        let (mut session, verifier) = centre(&net, None);
        assert_eq!(code(session.handle(frame, &verifier)), Code::Malformed);
    }
    let (mut session, verifier) = centre(&net, None);
    let refused = Frame::HelloRefused { code: Code::LogFork, detail: "no".to_owned() };
    let end = session.handle(refused, &verifier).unwrap_err();
    assert_eq!((end.code, end.detail.as_str()), (Code::LogFork, "the peer refused: no"));
    // Proofs that cannot be asked for.
    let (mine, theirs) = (net.node(CENTRE).epoch, net.node(PROVINCE).epoch);
    for (epoch, old_size, new_size) in [(theirs, 1, 1), (mine, 0, 1), (mine, 2, 1)] {
        let (mut session, verifier) = centre(&net, None);
        let asked = Frame::ConsistencyRequest { epoch, old_size, new_size };
        assert_eq!(code(session.handle(asked, &verifier)), Code::Malformed);
    }
}

/// What the centre makes of what a hello says of the centre's log.
fn claim(net: &Network, note: &[u8]) -> Claim {
    let (mut session, verifier) = centre(net, None);
    let province = Side::new(net, PROVINCE);
    let frame = hello(&province, PROVINCE, |h| h.held = Some(note.to_vec()));
    session.handle(frame, &verifier).unwrap();
    assert!(session.is_up(), "whatever it says, the session goes on");
    match session.next_event() {
        Some(Event::Claim(claim)) => claim,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_peer_holds_of_our_log_counts_only_with_our_signature() {
    let net = Network::new("peer tests");
    let good = held_of(&net, CENTRE, 9, [3; 32]).note;
    assert!(matches!(claim(&net, &good), Claim::Proved(c) if c.size() == 9));
    // Its own log, a log of another network, a signature over something else, no note at all.
    let own = held_of(&net, PROVINCE, 9, [3; 32]).note;
    let foreign = held_of(&Network::new("another network"), CENTRE, 9, [3; 32]).note;
    let text = String::from_utf8(good.to_vec()).unwrap();
    let larger = text.replacen("\n9\n", "\n10\n", 1);
    let mut spoilt = good.to_vec();
    let last = spoilt.len() - 3;
    spoilt[last] ^= 1;
    for note in [&own[..], &foreign, larger.as_bytes(), &spoilt, b"9 leaves, believe me"] {
        assert!(matches!(claim(&net, note), Claim::Unproved(why) if !why.is_empty()));
    }
}

/// The centre in session with a province that has grown since it was last held.
fn live(net: &Network, province: &mut Side<'_>) -> (Session, Verifier) {
    let (mut session, verifier) = centre(net, Some(province.head()));
    session.handle(hello(province, PROVINCE, |_| ()), &verifier).unwrap();
    assert_eq!(session.next_event(), Some(Event::Claim(Claim::Nothing)));
    assert!(matches!(session.next_event(), Some(Event::Up { .. })));
    province.grow(3);
    (session, verifier)
}

#[test]
fn a_log_that_grows_during_the_session_proves_it_before_it_counts() {
    let net = Network::new("peer tests");
    let mut province = Side::new(&net, PROVINCE);
    let mut before = province.head();
    let (mut session, verifier) = live(&net, &mut province);
    let epoch = net.node(PROVINCE).epoch;
    for _ in 0..2 {
        let extends = Some(before);
        let old_size = province.head().0 - 3;
        let note = province.log.checkpoint();
        let shown = verifier.checkpoint(&id(&net, PROVINCE), &note).unwrap();
        session.handle(Frame::Checkpoint { note: note.clone() }, &verifier).unwrap();
        let new_size = shown.size();
        assert_eq!(sent(&mut session), Frame::ConsistencyRequest { epoch, old_size, new_size });
        // A second one meanwhile is passed over, and nothing counts before the proof.
        session.handle(Frame::Checkpoint { note: b"x".to_vec() }, &verifier).unwrap();
        assert_eq!(session.next_event(), None);
        let path = province.proof(old_size);
        let proof = Frame::Consistency { epoch, old_size, new_size, path };
        session.handle(proof.clone(), &verifier).unwrap();
        before = (shown.size(), *shown.root());
        assert_eq!(session.next_event(), Some(Event::Checkpoint { shown, extends }));
        // Once more is no news.
        session.handle(Frame::Checkpoint { note }, &verifier).unwrap();
        assert_eq!(session.next_event(), None);
        province.grow(3);
    }
}

#[test]
fn a_log_that_turns_back_or_splits_during_the_session_is_found_out() {
    let net = Network::new("peer tests");
    let mut province = Side::new(&net, PROVINCE);
    let (size, root) = province.head();
    let epoch = net.node(PROVINCE).epoch;
    for (shown, expected) in [
        (held_of(&net, PROVINCE, size, [8; 32]), Code::LogFork),
        (held_of(&net, PROVINCE, 0, tram_tlog::empty_root().0), Code::LogRollback),
    ] {
        let (mut session, verifier) = live(&net, &mut Side::new(&net, PROVINCE));
        let frame = Frame::Checkpoint { note: shown.note.to_vec() };
        assert_eq!(code(session.handle(frame, &verifier)), expected);
        // Both signed notes are at hand.
        let held = held_of(&net, PROVINCE, size, root);
        let two = TwoHistories { code: expected, held, shown: shown.note };
        assert_eq!(session.two_histories(), Some(&two));
    }
    let (mut session, verifier) = live(&net, &mut province);
    let note = province.log.checkpoint();
    session.handle(Frame::Checkpoint { note: note.clone() }, &verifier).unwrap();
    let path = vec![[0; 32]; 2];
    let proof = Frame::Consistency { epoch, old_size: size, new_size: size + 3, path };
    assert_eq!(code(session.handle(proof, &verifier)), Code::LogFork);
    assert_eq!(session.two_histories().unwrap().shown[..], note);
    // A note that does not verify, or of another life, ends the session without accusing anybody.
    for note in [b"x".to_vec(), held_of(&net, CENTRE, 9, [3; 32]).note.to_vec()] {
        let (mut session, verifier) = live(&net, &mut Side::new(&net, PROVINCE));
        let end = session.handle(Frame::Checkpoint { note }, &verifier);
        assert_eq!(code(end), Code::ReceiptInvalid);
        assert_eq!(session.two_histories(), None);
    }
}

/// Another session of the peer came between: the next proof begins where that one ended, also when
/// a proof is on its way already.
#[test]
fn a_session_goes_on_from_what_is_held() {
    let net = Network::new("peer tests");
    let mut province = Side::new(&net, PROVINCE);
    let epoch = net.node(PROVINCE).epoch;
    for awaiting in [false, true] {
        let mut province_there = Side::new(&net, PROVINCE);
        let (mut session, verifier) = live(&net, &mut province_there);
        let (size, root) = province_there.head();
        let ask = |session: &mut Session, side: &Side<'_>| {
            let note = side.log.checkpoint();
            session.handle(Frame::Checkpoint { note }, &verifier).unwrap();
            sent(session)
        };
        let held = held_of(&net, PROVINCE, size, root);
        if awaiting {
            let asked = ask(&mut session, &province_there);
            session.go_on_from(held);
            let Frame::ConsistencyRequest { old_size, new_size, .. } = asked else { panic!() };
            let path = province_there.proof(old_size);
            let proof = Frame::Consistency { epoch, old_size, new_size, path };
            session.handle(proof, &verifier).unwrap();
            assert!(matches!(session.next_event(), Some(Event::Checkpoint { .. })));
        } else {
            session.go_on_from(held);
        }
        province_there.grow(2);
        let expected = Frame::ConsistencyRequest { epoch, old_size: size, new_size: size + 2 };
        assert_eq!(ask(&mut session, &province_there), expected, "awaiting: {awaiting}");
        // Of another life it says nothing.
        session.go_on_from(HeldCheckpoint {
            epoch: tram_dispatch::EpochId([9; 32]),
            ..held_of(&net, PROVINCE, 1, [1; 32])
        });
        province.grow(1);
    }
}

/// Frames about cosignatures count once the peer is known, and end no session.
#[test]
fn frames_about_cosignatures_are_passed_to_the_shell() {
    let net = Network::new("peer tests");
    let mut province = Side::new(&net, PROVINCE);
    let (log, note) = (id(&net, PROVINCE), province.log.checkpoint());
    let frame = Frame::CosignatureHeld { log, note };
    let (mut session, verifier) = centre(&net, None);
    session.handle(frame.clone(), &verifier).unwrap();
    assert_eq!(session.next_event(), None);
    let (mut session, verifier) = live(&net, &mut province);
    session.handle(frame.clone(), &verifier).unwrap();
    assert_eq!(session.next_event(), Some(Event::Cosigning(frame)));
}
