//! Acts on earlier dispatches: who may, what is linked, what a recall stops and what it only asks for.

use tram_dispatch::envelope::{Act, Envelope, Related};
use tram_dispatch::{Code, DispatchId, Event as E, Status};
use tram_engine::record::Bearing;
use tram_engine::{Input, Reply};

use crate::support::check::{done, line, offline, refused};
use crate::support::net::*;
use crate::support::world::{Body, World};

fn related(from: &str, reference: &str) -> Related {
    let reference = reference.parse().unwrap();
    Related { originator: code(from), reference, dispatch: None }
}

fn recall(from: &str, to: &[&str], of: &str) -> Envelope {
    let mut e = net().envelope(from, to, &format!("TH/{of}"));
    e.act = Act::Recall(related(from, of));
    e
}

fn sent(w: &mut World, e: &Envelope) -> DispatchId {
    let d = net().dispatch(e);
    let at = match e.originator.as_str() {
        HAMLET => COMMUNE,
        agency => agency,
    };
    done(&w.submitted(at, &d));
    d.id()
}

fn answer(w: &mut World, at: &str, id: DispatchId, status: Status, words: Option<&str>) -> Reply {
    let (recipient, remark) = (code(at), words.map(str::to_owned));
    let statement = None;
    w.asked(at, |token| Input::Report { token, recipient, dispatch: id, status, remark, statement })
}

/// What bears on a dispatch here: how, and by which.
fn links(w: &World, at: &str, id: &DispatchId) -> Vec<(Bearing, DispatchId)> {
    let n = &w.nodes[&node(at)];
    let held = n.engine.as_ref().unwrap().find(id, &n.store).unwrap().unwrap();
    held.links.iter().map(|l| (l.bearing, l.by)).collect()
}

fn newest(w: &World, at: &str, id: &DispatchId, recipient: &str) -> Option<Status> {
    let n = &w.nodes[&node(at)];
    let held = n.engine.as_ref().unwrap().find(id, &n.store).unwrap().unwrap();
    held.newest_statuses().get(&code(recipient)).map(|s| s.status)
}

#[test]
fn a_recall_that_is_agreed_to_withdraws_what_arrived() {
    let mut w = World::connected();
    let id = sent(&mut w, &net().envelope(CENTRE, &[COMMUNE, PROVINCE], "1/CT"));
    w.pass(1_000);
    done(&w.confirm(COMMUNE, COMMUNE, id));
    done(&w.register(COMMUNE, COMMUNE, id, None));
    let by = sent(&mut w, &recall(CENTRE, &[COMMUNE, PROVINCE], "1/CT"));
    w.pass(1_000);
    assert_eq!(w.word(COMMUNE, &id, COMMUNE), "registered", "a request, until it is answered");
    for at in [CENTRE, COMMUNE, PROVINCE] {
        assert_eq!(links(&w, at, &id), [(Bearing::Recall, by)], "{at}");
    }
    let first = done(&answer(&mut w, COMMUNE, by, Status::Agreed, None));
    let said = offline(&first.0[0]);
    assert_eq!((said.event, said.dispatch, said.status), (E::ActAcceptance, by, Some(15)));
    assert_eq!(w.word(COMMUNE, &id, COMMUNE), "withdrawn");
    w.pass(1_000);
    // The originator's node has both: what was agreed to, and that it was done.
    for at in [CENTRE, PROVINCE, DISTRICT, COMMUNE] {
        assert_eq!(w.word(at, &id, COMMUNE), "withdrawn", "{at}");
        assert_eq!(newest(&w, at, &by, COMMUNE), Some(Status::Agreed), "{at}");
    }
    let withdrawal = w.evidence(CENTRE, &id).pop().unwrap();
    assert_eq!((withdrawal.event, withdrawal.related), (E::Withdrawal, Some(by)));
    assert_eq!((withdrawal.node, withdrawal.status), (node(COMMUNE), Some(15)));
    assert_eq!(w.word(CENTRE, &id, PROVINCE), "consigned", "the province was asked, too");
    // Again the first receipt; the other answer is too late; nothing more is done with it.
    assert_eq!(done(&answer(&mut w, COMMUNE, by, Status::Agreed, None)), (first.0, true));
    let late = answer(&mut w, COMMUNE, by, Status::Declined, Some("đã thi hành"));
    assert_eq!(refused(&late), (Code::WrongState, None));
    assert_eq!(refused(&w.register(COMMUNE, COMMUNE, id, None)), (Code::WrongState, None));
    let handled = answer(&mut w, COMMUNE, id, Status::Processing, None);
    assert_eq!(refused(&handled), (Code::WrongState, None));
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn a_recall_that_is_refused_changes_nothing() {
    let mut w = World::connected();
    let id = sent(&mut w, &net().envelope(CENTRE, &[PROVINCE], "2/CT"));
    w.pass(1_000);
    done(&w.confirm(PROVINCE, PROVINCE, id));
    done(&w.register(PROVINCE, PROVINCE, id, None));
    let by = sent(&mut w, &recall(CENTRE, &[PROVINCE], "2/CT"));
    w.pass(1_000);
    let silent = answer(&mut w, PROVINCE, by, Status::Declined, None);
    assert_eq!(refused(&silent), (Code::BadRequest, None));
    let (receipts, _) = done(&answer(&mut w, PROVINCE, by, Status::Declined, Some("đã thi hành")));
    let said = offline(&receipts[0]);
    assert_eq!((said.event, said.status), (E::ActRejection, Some(16)));
    assert_eq!(said.remark.as_deref(), Some("đã thi hành"));
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &id, PROVINCE), "registered");
    assert_eq!(newest(&w, CENTRE, &by, PROVINCE), Some(Status::Declined));
    // What was answered can still be fetched, and confirmed once.
    let first = done(&w.confirm(PROVINCE, PROVINCE, by));
    assert_eq!(done(&w.confirm(PROVINCE, PROVINCE, by)), (first.0, true));
    assert_eq!(w.word(PROVINCE, &by, PROVINCE), "registered");
    // Only what asks for something is answered.
    let nothing = answer(&mut w, PROVINCE, id, Status::Agreed, None);
    assert_eq!(refused(&nothing), (Code::WrongState, None));
    w.assert_at_rest();
}

#[test]
fn legs_that_are_not_gone_are_stopped_by_whoever_has_custody() {
    let mut w = World::connected();
    // One leg waits at the centre, one at the district.
    w.disconnect(&node(CENTRE), &node(OTHER_PROVINCE));
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    let id = sent(&mut w, &net().envelope(CENTRE, &[COMMUNE, OTHER_PROVINCE, DISTRICT], "3/CT"));
    w.pass(1_000);
    assert_eq!(w.word(DISTRICT, &id, COMMUNE), "queued");
    let to = [COMMUNE, OTHER_PROVINCE, DISTRICT];
    let by = sent(&mut w, &recall(CENTRE, &to, "3/CT"));
    w.pass(1_000);
    for (at, recipient) in [(CENTRE, OTHER_PROVINCE), (DISTRICT, COMMUNE)] {
        assert_eq!(w.word(at, &id, recipient), "failed", "{at}");
        let end = line(E::RelayFailure, at, recipient, Some(Code::Recalled));
        assert!(w.lines(CENTRE, &id).contains(&end), "{at}");
    }
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "failed");
    assert_eq!(w.word(CENTRE, &id, DISTRICT), "consigned", "that one had arrived");
    w.connect_all();
    w.pass(1_000);
    assert_eq!(w.in_mailbox(COMMUNE, COMMUNE, &id), 0);
    assert_eq!(w.in_mailbox(OTHER_PROVINCE, OTHER_PROVINCE, &id), 0);
    assert_eq!(w.in_mailbox(COMMUNE, COMMUNE, &by), 1, "the recall itself is kept, and told");
    // There is nothing there to withdraw; the answer is on record all the same.
    done(&answer(&mut w, COMMUNE, by, Status::Agreed, None));
    w.pass(1_000);
    assert_eq!(newest(&w, CENTRE, &by, COMMUNE), Some(Status::Agreed));
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn a_recall_can_overtake_what_it_recalls() {
    let mut w = World::of(&[CENTRE, PROVINCE]);
    w.connect_all();
    let id = sent_quietly(&mut w, "4/CT");
    // Under way when the recall comes: its custody is open, so it is not given up.
    let flying = w.run_until(|m| matches!(m.body, Body::Transfer(..)));
    let by = net().dispatch(&recall(CENTRE, &[PROVINCE], "4/CT"));
    let token = w.submit(CENTRE, &by);
    w.commit(&node(CENTRE));
    done(&w.replies[&token]);
    assert_eq!(w.word(CENTRE, &id, PROVINCE), "queued");
    w.run();
    let agreed = answer(&mut w, PROVINCE, by.id(), Status::Agreed, None);
    done(&agreed);
    assert_eq!(w.in_mailbox(PROVINCE, PROVINCE, &id), 0);
    // Then it arrives after all, and is withdrawn at once.
    flying.into_iter().for_each(|m| w.deliver(m));
    w.pass(1_000);
    assert_eq!(w.word(PROVINCE, &id, PROVINCE), "withdrawn");
    assert_eq!(w.word(CENTRE, &id, PROVINCE), "withdrawn");
    assert_eq!(links(&w, PROVINCE, &id), [(Bearing::Recall, by.id())]);
    w.assert_at_rest();
    w.assert_recoverable();
}

fn sent_quietly(w: &mut World, reference: &str) -> DispatchId {
    let d = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], reference));
    w.submit(CENTRE, &d);
    d.id()
}

#[test]
fn a_transfer_that_failed_after_the_recall_is_not_tried_again() {
    let mut w = World::of(&[CENTRE, PROVINCE]);
    w.connect_all();
    let id = sent_quietly(&mut w, "5/CT");
    let flying = w.run_until(|m| matches!(m.body, Body::Transfer(..)));
    assert_eq!(flying.len(), 1);
    let by = net().dispatch(&recall(CENTRE, &[PROVINCE], "5/CT"));
    w.submit(CENTRE, &by);
    w.commit(&node(CENTRE));
    let peer = node(PROVINCE);
    let cause = Code::PeerUnreachable;
    w.handle(CENTRE, Input::TransferFailed { peer, dispatch: id, cause });
    w.pass(10_000);
    assert_eq!(w.word(CENTRE, &id, PROVINCE), "failed");
    assert_eq!(w.in_mailbox(PROVINCE, PROVINCE, &id), 0);
    w.assert_at_rest();
}

#[test]
fn who_may_act_on_what() {
    let mut w = World::connected();
    let id = sent(&mut w, &net().envelope(CENTRE, &[COMMUNE], "6/CT"));
    w.pass(1_000);
    let try_act = |w: &mut World, from: &str, n: usize, act: Act| {
        let mut e = net().envelope(from, &[DISTRICT], &format!("6/{n}"));
        e.act = act;
        w.submitted(from, &net().dispatch(&e))
    };
    let of = || related(CENTRE, "6/CT");
    let other = Related { dispatch: Some(DispatchId([7; 32])), ..of() };
    for (n, (from, act)) in [
        (PROVINCE, Act::Recall(of())),
        (PROVINCE, Act::Update(of())),
        (COMMUNE, Act::Replace(vec![of()])),
        (CENTRE, Act::Recall(other)),
        (CENTRE, Act::Recall(related(CENTRE, "6/4"))),
    ]
    .into_iter()
    .enumerate()
    {
        let reply = try_act(&mut w, from, n, act);
        let (code, evidence) = refused(&reply);
        assert_eq!(code, Code::ActNotAllowed, "{n} {reply:?}");
        assert_eq!(evidence.unwrap().event, E::SubmissionRejection);
    }
    // One that this node never saw is judged where it is known.
    done(&try_act(&mut w, CENTRE, 10, Act::Recall(related(CENTRE, "before/there/was/a/node"))));
    let replace = Act::Replace(vec![of(), related(CENTRE, "elsewhere")]);
    done(&try_act(&mut w, CENTRE, 11, replace));
    let recalled = Act::Recall(related(CENTRE, "6/10"));
    assert_eq!(refused(&try_act(&mut w, CENTRE, 12, recalled)).0, Code::ActNotAllowed);
    assert_eq!(links(&w, CENTRE, &id).iter().map(|l| l.0).collect::<Vec<_>>(), [Bearing::Replace]);
    w.pass(1_000);
    w.assert_at_rest();
}

#[test]
fn what_was_recalled_everywhere_is_replaced_and_not_updated() {
    let mut w = World::connected();
    // One leg waits at the centre, one at the district; one arrives.
    w.disconnect(&node(CENTRE), &node(OTHER_PROVINCE));
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    let to = [COMMUNE, OTHER_PROVINCE, DISTRICT];
    let id = sent(&mut w, &net().envelope(CENTRE, &to, "10/CT"));
    w.pass(1_000);
    let by = sent(&mut w, &recall(CENTRE, &to, "10/CT"));
    w.pass(1_000);
    let act = |w: &mut World, reference: &str, act: Act| {
        let mut e = net().envelope(CENTRE, &[DISTRICT], reference);
        e.act = act;
        w.submitted(CENTRE, &net().dispatch(&e))
    };
    let update = || Act::Update(related(CENTRE, "10/CT"));
    // The district may still keep it: there is something to update.
    done(&act(&mut w, "10/CT-a", update()));
    done(&answer(&mut w, DISTRICT, by, Status::Agreed, None));
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &id, DISTRICT), "withdrawn");
    for restarted in [false, true] {
        if restarted {
            w.restart(CENTRE);
        }
        let reply = act(&mut w, &format!("10/CT-b{restarted}"), update());
        assert_eq!(refused(&reply).0, Code::ActNotAllowed);
        let Reply::Refused { detail, .. } = &reply else { panic!("{reply:?}") };
        assert!(detail.contains("update 10/CT of G22: it was recalled"), "{detail}");
        assert!(detail.contains("replace it by a new one"), "{detail}");
    }
    // What takes its place is a new dispatch; a recall may be said again, for what was not reached yet.
    done(&act(&mut w, "11/CT", Act::Replace(vec![related(CENTRE, "10/CT")])));
    done(&act(&mut w, "TH/10-b", Act::Recall(related(CENTRE, "10/CT"))));
    w.connect_all();
    w.pass(1_000);
    let bearings: Vec<Bearing> = links(&w, CENTRE, &id).iter().map(|l| l.0).collect();
    assert_eq!(bearings, [Bearing::Recall, Bearing::Update, Bearing::Replace, Bearing::Recall]);
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn what_a_recipient_keeps_or_refused_may_be_updated() {
    let mut w = World::connected();
    let id = sent(&mut w, &net().envelope(CENTRE, &[PROVINCE, OTHER_PROVINCE], "12/CT"));
    w.pass(1_000);
    let update = |w: &mut World, reference: &str| {
        let mut e = net().envelope(CENTRE, &[PROVINCE], reference);
        e.act = Act::Update(related(CENTRE, "12/CT"));
        done(&w.submitted(CENTRE, &net().dispatch(&e)));
    };
    let by = sent(&mut w, &recall(CENTRE, &[PROVINCE, OTHER_PROVINCE], "12/CT"));
    w.pass(1_000);
    done(&answer(&mut w, PROVINCE, by, Status::Declined, Some("đã thi hành")));
    done(&answer(&mut w, OTHER_PROVINCE, by, Status::Agreed, None));
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &id, OTHER_PROVINCE), "withdrawn");
    update(&mut w, "12/CT-b");
    done(&w.confirm(PROVINCE, PROVINCE, id));
    done(&w.register(PROVINCE, PROVINCE, id, Some("sai thẩm quyền")));
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &id, PROVINCE), "refused_by_recipient");
    update(&mut w, "12/CT-c");
    w.pass(1_000);
    w.assert_at_rest();
}

#[test]
fn an_answer_is_of_one_that_was_addressed_and_is_linked_at_both_ends() {
    let mut w = World::connected();
    let id = sent(&mut w, &net().envelope(CENTRE, &[COMMUNE], "7/CT"));
    w.pass(1_000);
    let mut e = net().envelope(COMMUNE, &[CENTRE], "BC/7");
    e.metadata.answers_to = vec![related(CENTRE, "7/CT")];
    let by = sent(&mut w, &e);
    w.pass(1_000);
    for at in [COMMUNE, CENTRE] {
        assert_eq!(links(&w, at, &id), [(Bearing::Answer, by)], "{at}");
    }
    // Its neighbour on the same node was not asked.
    let mut e = net().envelope(HAMLET, &[CENTRE], "BC/8");
    e.metadata.answers_to = vec![related(CENTRE, "7/CT")];
    let reply = w.submitted(COMMUNE, &net().dispatch(&e));
    assert_eq!(refused(&reply).0, Code::ActNotAllowed);
    // A stranger's node that does not know the dispatch cannot tell; here the answer bears on nothing.
    let mut e = net().envelope(OTHER_COMMUNE, &[CENTRE], "BC/9");
    e.metadata.answers_to = vec![related(CENTRE, "7/CT")];
    sent(&mut w, &e);
    w.pass(1_000);
    assert_eq!(links(&w, CENTRE, &id), [(Bearing::Answer, by)]);
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn a_successor_may_recall_what_the_closed_agency_sent() {
    let mut w = World::connected();
    let id = sent(&mut w, &net().envelope(HAMLET, &[CENTRE], "8/BC"));
    w.pass(1_000);
    let mut e = net().envelope(COMMUNE, &[CENTRE], "TH/8");
    e.act = Act::Recall(related(HAMLET, "8/BC"));
    let before = w.submitted(COMMUNE, &net().dispatch(&e));
    assert_eq!(refused(&before).0, Code::ActNotAllowed, "the hamlet is still there");
    let merged = net().directory_with(|entries| {
        let hamlet = agency_in(entries, HAMLET);
        (hamlet.open, hamlet.successor) = (false, Some(code(COMMUNE)));
    });
    for at in NODES.map(|n| n.0) {
        w.handle(at, Input::Directory(merged.clone()));
    }
    w.verifier = net().verifier_for(&merged);
    let mut e = net().envelope(COMMUNE, &[CENTRE], "TH/8b");
    e.act = Act::Recall(related(HAMLET, "8/BC"));
    let by = sent(&mut w, &e);
    w.pass(1_000);
    assert_eq!(links(&w, CENTRE, &id), [(Bearing::Recall, by)]);
    done(&answer(&mut w, CENTRE, by, Status::Agreed, None));
    w.pass(1_000);
    assert_eq!(w.word(COMMUNE, &id, CENTRE), "withdrawn");
    w.assert_at_rest();
}

#[test]
fn an_update_asks_and_leaves_the_earlier_one_as_it_is() {
    let mut w = World::connected();
    let id = sent(&mut w, &net().envelope(CENTRE, &[PROVINCE], "9/CT"));
    w.pass(1_000);
    // For one more recipient as well.
    let mut e = net().envelope(CENTRE, &[PROVINCE, OTHER_PROVINCE], "9/CT-b");
    e.act = Act::Update(related(CENTRE, "9/CT"));
    let by = sent(&mut w, &e);
    w.pass(1_000);
    done(&answer(&mut w, PROVINCE, by, Status::Agreed, None));
    w.pass(1_000);
    assert_eq!(newest(&w, CENTRE, &by, PROVINCE), Some(Status::Agreed));
    assert_eq!(w.word(CENTRE, &id, PROVINCE), "consigned");
    assert_eq!(links(&w, PROVINCE, &id), [(Bearing::Update, by)]);
    assert_eq!(w.in_mailbox(OTHER_PROVINCE, OTHER_PROVINCE, &by), 1);
    w.restart(PROVINCE);
    assert_eq!(links(&w, PROVINCE, &id), [(Bearing::Update, by)]);
}
