//! What a node does not take, and what it says instead.

use tram_dispatch::envelope::{Secrecy, Signer};
use tram_dispatch::{Code, Event as E};
use tram_engine::{Answer, Reply};
use tram_trust::fixtures::NOW;

use crate::support::check::{done, later, offline, refused};
use crate::support::net::*;
use crate::support::world::{Body, World};

#[test]
fn a_reference_used_twice_is_refused_with_both_digests() {
    let mut w = World::connected();
    let first = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "1/CT"));
    w.submitted(CENTRE, &first);
    let mut other = net().envelope(CENTRE, &[PROVINCE], "1/CT");
    other.metadata.subject = "Khác".to_owned();
    let other = net().dispatch(&other);
    let (code, evidence) = refused(&w.submitted(CENTRE, &other));
    let evidence = evidence.unwrap();
    assert_eq!((code, evidence.event), (Code::ReferenceReused, E::SubmissionRejection));
    assert_eq!(evidence.reason, Some(Code::ReferenceReused));
    assert_eq!(evidence.object, Some(other.object()));
    assert_eq!(evidence.other_object, Some(first.object()));
    // Another agency's same reference is its own.
    let theirs = net().dispatch(&net().envelope(PROVINCE, &[CENTRE], "1/CT"));
    assert!(!done(&w.submitted(PROVINCE, &theirs)).1);
    w.run();
    assert_eq!(w.in_mailbox(CENTRE, CENTRE, &theirs.id()), 1);
}

#[test]
fn a_reference_stays_used_while_its_closing_is_on_its_way_to_disk() {
    let mut w = World::of(&[CENTRE, PROVINCE]);
    let d = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "1/CT"));
    let (now, token) = (w.now, w.submit(CENTRE, &d));
    // In the same batch the recipient is closed: submission, failure, closing.
    let closed = net().directory_with(|e| agency_in(e, PROVINCE).open = false);
    w.handle(CENTRE, tram_engine::Input::Directory(closed));
    assert!(w.at(CENTRE).begin_commit(now));
    let again = w.submit(CENTRE, &d);
    w.at(CENTRE).begin_commit(now);
    w.run();
    let first = done(&w.replies[&token]);
    assert_eq!(done(&w.replies[&again]), (first.0, true));
    assert_eq!(w.word(CENTRE, &d.id(), PROVINCE), "failed");
    let held = |r: &&tram_engine::Record| matches!(r, tram_engine::Record::Held(_));
    assert_eq!(w.at(CENTRE).store.records.iter().filter(held).count(), 1);
    w.assert_recoverable();
}

#[test]
fn secret_documents_do_not_travel_and_leave_no_digest() {
    let mut w = World::connected();
    for mark in [Secrecy::Secret, Secrecy::TopSecret, Secrecy::UltraSecret] {
        let mut e = net().envelope(CENTRE, &[PROVINCE], "7/M");
        e.secrecy = mark;
        let d = net().dispatch(&e);
        let (code, evidence) = refused(&w.submitted(CENTRE, &d));
        let evidence = evidence.unwrap();
        assert_eq!(code, Code::SecretRefused);
        assert_eq!((evidence.event, evidence.object), (E::SubmissionRejection, None));
        assert_eq!((evidence.dispatch, evidence.originator), (d.id(), code_of(CENTRE)));
    }
    assert_eq!(w.at(CENTRE).engine().held_count(), 0);
    assert!(w.transfers.is_empty());
}

#[test]
fn a_secrecy_mark_is_found_wherever_a_wrongly_used_system_writes_it() {
    type Write = fn(&mut tram_dispatch::Envelope);
    let wrong: [(&str, Write); 8] = [
        ("number", |e| e.metadata.number = Some("Mật".into())),
        ("notation", |e| e.metadata.notation = Some("TUYET MAT".into())),
        ("type of document", |e| e.metadata.kind = Some("Công văn (Mật)".into())),
        ("subject", |e| e.metadata.subject = "[TỐI MẬT] Phương án".into()),
        ("subject", |e| e.metadata.subject = "Ma\u{302}\u{323}t: phương án".into()),
        ("place", |e| e.metadata.place = Some("độ mật: tối mật".into())),
        ("office of the signer", |e| {
            e.metadata.signer = Some(Signer { name: "A".into(), office: Some("Mật".into()) });
        }),
        ("name of a document", |e| e.documents[0].name = "kế hoạch (tuyệt mật).pdf".into()),
    ];
    let mut w = World::connected();
    for (n, (field, write)) in wrong.into_iter().enumerate() {
        let mut e = net().envelope(CENTRE, &[PROVINCE], &format!("70/{n}"));
        write(&mut e);
        let reply = w.submitted(CENTRE, &net().dispatch(&e));
        let (code, evidence) = refused(&reply);
        assert_eq!((code, evidence.unwrap().object), (Code::SecretRefused, None), "{field}");
        let Reply::Refused { detail, .. } = &reply else { panic!() };
        assert_eq!(*detail, format!("a secrecy mark stands in: {field}"));
    }
    assert_eq!(w.at(CENTRE).engine().held_count(), 0);
    // Circulation notes, and the words in other senses.
    for (n, subject) in ["LƯU HÀNH NỘI BỘ", "Kế hoạch (XEM XONG TRẢ LẠI)", "Về bí mật nhà nước"]
        .into_iter()
        .enumerate()
    {
        let mut e = net().envelope(CENTRE, &[PROVINCE], &format!("71/{n}"));
        e.metadata.subject = subject.into();
        done(&w.submitted(CENTRE, &net().dispatch(&e)));
    }
    w.pass(1_000);
    assert_eq!(w.at(PROVINCE).engine().held_count(), 3);
}

fn code_of(agency: &str) -> tram_dispatch::AgencyCode {
    code(agency)
}

#[test]
fn times_that_cannot_be_are_refused() {
    let mut w = World::connected();
    let mut e = net().envelope(CENTRE, &[PROVINCE], "8/a");
    e.expires_at = NOW.plus_ms(1);
    let (code, evidence) = refused(&w.submitted(CENTRE, &net().dispatch(&e)));
    assert_eq!((code, evidence.unwrap().reason), (Code::DispatchExpired, Some(code)));
    let mut e = net().envelope(CENTRE, &[PROVINCE], "8/b");
    e.expires_at = e.issued_at.plus_ms(tram_dispatch::limits::LIFETIME_MS_MAX + 1);
    let (code, evidence) = refused(&w.submitted(CENTRE, &net().dispatch(&e)));
    assert_eq!((code, evidence.unwrap().reason), (Code::TimesInvalid, Some(code)));
    let mut e = net().envelope(CENTRE, &[PROVINCE], "8/c");
    e.issued_at = w.now.wall.plus_ms(tram_dispatch::limits::CLOCK_SKEW_MS_MAX + 1);
    e.expires_at = e.issued_at.plus_ms(60_000);
    assert_eq!(refused(&w.submitted(CENTRE, &net().dispatch(&e))).0, Code::TimesInvalid);
}

#[test]
fn a_doubted_clock_refuses_nothing_for_good() {
    let mut w = World::of(&[CENTRE, PROVINCE]);
    let mut e = net().envelope(CENTRE, &[PROVINCE], "8/d");
    e.expires_at = NOW.plus_ms(1);
    let d = net().dispatch(&e);
    assert_eq!(later(&w.submitted(CENTRE, &d)), Code::ClockUncertain);
    w.connect_all();
    assert_eq!(refused(&w.submitted(CENTRE, &d)).0, Code::DispatchExpired);
    // The clock jumps by an hour: what the peer's clock said of it holds no more.
    w.now.wall = w.now.wall.plus_ms(3_600_000);
    let mut e = net().envelope(CENTRE, &[PROVINCE], "8/e");
    e.expires_at = NOW.plus_ms(1);
    assert_eq!(later(&w.submitted(CENTRE, &net().dispatch(&e))), Code::ClockUncertain);
}

#[test]
fn unknown_and_closed_recipients_and_foreign_originators() {
    let mut w = World::connected();
    let d = net().dispatch(&net().envelope(CENTRE, &["H99.01"], "9/a"));
    assert_eq!(refused(&w.submitted(CENTRE, &d)).0, Code::RecipientUnknown);
    let closed = net().directory_with(|e| agency_in(e, SISTER).open = false);
    w.handle(CENTRE, tram_engine::Input::Directory(closed));
    let d = net().dispatch(&net().envelope(CENTRE, &[SISTER, PROVINCE], "9/b"));
    let (code, evidence) = refused(&w.submitted(CENTRE, &d));
    assert_eq!((code, evidence.unwrap().reason), (Code::AgencyClosed, Some(code)));
    let d = net().dispatch(&net().envelope(PROVINCE, &[CENTRE], "9/c"));
    assert_eq!(refused(&w.submitted(CENTRE, &d)), (Code::OriginatorNotHere, None));
    assert_eq!(w.at(CENTRE).engine().held_count(), 0);
}

#[test]
fn a_closed_agencys_successor_gets_its_mail() {
    let mut w = World::connected();
    let merged = net().directory_with(|e| {
        let agency = agency_in(e, SISTER);
        (agency.open, agency.successor) = (false, Some(code(COMMUNE)));
    });
    w.verifier = net().verifier_for(&merged);
    for (agency, _) in NODES {
        w.handle(agency, tram_engine::Input::Directory(merged.clone()));
    }
    let d = net().dispatch(&net().envelope(CENTRE, &[SISTER], "10/a"));
    w.submitted(CENTRE, &d);
    w.pass(1_000);
    assert_eq!(w.in_mailbox(COMMUNE, SISTER, &d.id()), 1);
    let last = w.evidence(CENTRE, &d.id()).pop().unwrap();
    assert_eq!((last.event, last.node), (E::ContentConsignment, node(COMMUNE)));
    assert_eq!(last.directory, Some(merged.digest()));
}

#[test]
fn documents_that_are_not_there() {
    let mut w = World::connected();
    let d = net().dispatch(&net().envelope(CENTRE, &[COMMUNE], "11/a"));
    let missing = d.envelope().documents.iter().map(|d| d.sha256).collect();
    let documents = tram_engine::Documents { missing, ..Default::default() };
    let token = w.submit_with(CENTRE, &d, documents);
    w.run();
    assert_eq!(refused(&w.replies[&token]), (Code::DocumentMissing, None));
    // Between nodes they are asked for, and only then is custody taken.
    w.large_documents = true;
    done(&w.submitted(CENTRE, &d));
    w.pass(1_000);
    assert_eq!(w.in_mailbox(COMMUNE, COMMUNE, &d.id()), 1);
    let crossings: usize = w.transfers.values().sum();
    assert_eq!(crossings, 3);
    w.assert_at_rest();
}

#[test]
fn a_full_node_says_busy() {
    let mut w = World::connected();
    w.at(PROVINCE).settings.held_max = 0;
    w.restart(PROVINCE);
    let own = net().dispatch(&net().envelope(PROVINCE, &[CENTRE], "12/a"));
    assert_eq!(later(&w.submitted(PROVINCE, &own)), Code::Busy);
    let d = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "12/b"));
    done(&w.submitted(CENTRE, &d));
    let line = w.at(CENTRE).engine().queue(None, 9).pop().unwrap();
    let standing = line.standing.unwrap();
    assert_eq!((standing.cause, standing.attempts), (Some(Code::Busy), 1));
    assert_eq!(standing.due_mono_ms, Some(w.now.mono_ms + 5_000));
    assert_eq!(w.at(CENTRE).engine().deadline(), w.now.mono_ms + 5_000);
    w.at(PROVINCE).settings.held_max = 10;
    w.restart(PROVINCE);
    w.run();
    assert_eq!(w.word(CENTRE, &d.id(), PROVINCE), "consigned");
}

#[test]
fn more_hops_than_the_envelope_allows() {
    let mut w = World::connected();
    let mut e = net().envelope(CENTRE, &[COMMUNE, DISTRICT], "13/a");
    e.max_hops = 3;
    let d = net().dispatch(&e);
    w.submitted(CENTRE, &d);
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &d.id(), DISTRICT), "consigned");
    assert_eq!(w.word(CENTRE, &d.id(), COMMUNE), "refused");
    let last = w.evidence(CENTRE, &d.id()).into_iter().rfind(|e| e.event == E::RelayRejection);
    let last = last.unwrap();
    assert_eq!((last.node, last.reason), (node(COMMUNE), Some(Code::HopLimit)));
    w.assert_at_rest();
    w.assert_recoverable();
}

/// Catches the first transfer of a dispatch from one node to another.
fn caught(w: &mut World, from: &str, to: &str, reference: &str) -> tram_engine::Transfer {
    let d = net().dispatch(&net().envelope(from, &[to], reference));
    w.submit(from, &d);
    w.commit(&node(from));
    let message = w.mail.pop().unwrap();
    let Body::Transfer(t, _) = message.body else { panic!() };
    t
}

/// Lets a peer offer what it should not.
fn offered(w: &mut World, at: &str, by: &str, t: &tram_engine::Transfer) -> Answer {
    let token = w.token();
    let receipts = t.receipts.iter().map(|r| w.verify(r)).collect();
    let inline = t.dispatch.envelope().documents.iter().map(|d| (d.sha256, b"x"[..].into()));
    let documents =
        tram_engine::Documents { inline: inline.collect(), ..tram_engine::Documents::default() };
    let input = tram_engine::Input::Offer {
        token,
        peer: node(by),
        dispatch: t.dispatch.clone(),
        recipients: t.recipients.clone(),
        receipts,
        documents,
    };
    w.handle(at, input);
    w.commit(&node(at));
    w.answers.remove(&token).unwrap().pop().unwrap().1
}

#[test]
fn a_peer_off_the_way_is_refused_with_the_same_receipt_each_time() {
    let mut w = World::connected();
    let t = caught(&mut w, CENTRE, COMMUNE, "14/a");
    // A peer without a receipt of its own.
    let answer = offered(&mut w, DISTRICT, COMMUNE, &t);
    assert!(matches!(answer, Answer::RefusedUnsigned(Code::ReceiptInvalid, _)), "{answer:?}");
    // The centre itself, at a node that is not next to it on this way.
    let Answer::Refused(raw) = offered(&mut w, OTHER_PROVINCE, CENTRE, &t) else { panic!() };
    let e = offline(&raw);
    assert_eq!((e.event, e.reason), (E::RelayRejection, Some(Code::Misrouted)));
    let leaves = w.at(OTHER_PROVINCE).store.head();
    let Answer::Refused(again) = offered(&mut w, OTHER_PROVINCE, CENTRE, &t) else { panic!() };
    assert_eq!(raw, again);
    assert_eq!(w.at(OTHER_PROVINCE).store.head(), leaves, "nothing was signed again");
}

#[test]
fn a_sibling_on_no_way_is_misrouted() {
    let mut w = World::connected();
    let d = net().dispatch(&net().envelope(SISTER, &[COMMUNE], "15/a"));
    w.submit(SISTER, &d);
    w.commit(&node(SISTER));
    let Some(Body::Transfer(t, _)) = w.mail.pop().map(|m| m.body) else { panic!() };
    // The way goes by the district; the sister cannot hand it over by herself.
    let Answer::Refused(raw) = offered(&mut w, COMMUNE, SISTER, &t) else { panic!() };
    assert_eq!(offline(&raw).reason, Some(Code::Misrouted));
    // With a lateral way in the directory she can.
    let lateral = net().directory_with(|e| {
        node_in(e, COMMUNE).lateral.push(node(SISTER));
        node_in(e, SISTER).lateral.push(node(COMMUNE));
    });
    w.handle(COMMUNE, tram_engine::Input::Directory(lateral));
    let Answer::Accepted(raw) = offered(&mut w, COMMUNE, SISTER, &t) else { panic!() };
    assert_eq!(offline(&raw).event, E::ContentConsignment);
}

#[test]
fn an_offer_repeated_gets_the_first_receipt() {
    let mut w = World::connected();
    let t = caught(&mut w, CENTRE, PROVINCE, "16/a");
    let Answer::Accepted(first) = offered(&mut w, PROVINCE, CENTRE, &t) else { panic!() };
    let leaves = w.at(PROVINCE).store.head();
    w.restart(PROVINCE);
    let Answer::Accepted(again) = offered(&mut w, PROVINCE, CENTRE, &t) else { panic!() };
    assert_eq!((first, w.at(PROVINCE).store.head()), (again, leaves));
    assert_eq!(w.in_mailbox(PROVINCE, PROVINCE, &t.dispatch.id()), 1);
}
