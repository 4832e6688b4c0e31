//! The ordinary way of a dispatch: down, up, across, and to a neighbour in the same house.

use tram_dispatch::Event as E;

use crate::support::check::{done, line, offline};
use crate::support::net::*;
use crate::support::world::World;

#[test]
fn down_four_tiers_and_every_receipt_reaches_the_originators_node() {
    let mut w = World::connected();
    let d = net().dispatch(&net().envelope(CENTRE, &[COMMUNE], "1/CT"));
    let id = d.id();
    let (receipts, repeat) = done(&w.submitted(CENTRE, &d));
    assert!(!repeat && receipts.len() == 1);
    let accepted = offline(&receipts[0]);
    assert_eq!((accepted.event, accepted.dispatch), (E::SubmissionAcceptance, id));
    assert_eq!(accepted.object, Some(d.object()));
    w.pass(1_000);
    assert_eq!(w.in_mailbox(COMMUNE, COMMUNE, &id), 1);
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "consigned");

    let first = done(&w.confirm(COMMUNE, COMMUNE, id));
    assert!(!first.1);
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "handed_over");
    let registered = done(&w.register(COMMUNE, COMMUNE, id, None));
    w.pass(1_000);
    let expected = [
        line(E::SubmissionAcceptance, CENTRE, "", None),
        line(E::RelayAcceptance, PROVINCE, COMMUNE, None),
        line(E::RelayAcceptance, DISTRICT, COMMUNE, None),
        line(E::ContentConsignment, COMMUNE, COMMUNE, None),
        line(E::ContentHandover, COMMUNE, COMMUNE, None),
        line(E::ConsignmentAcceptance, COMMUNE, COMMUNE, None),
    ];
    assert_eq!(w.lines(CENTRE, &id), expected);
    let evidence = w.evidence(CENTRE, &id);
    let statuses: Vec<_> = evidence.iter().map(|e| e.status).collect();
    assert_eq!(statuses, [None, None, None, Some(1), None, Some(3)]);
    let previous: Vec<_> = evidence.iter().map(|e| e.previous.clone()).collect();
    let hops = [None, Some(CENTRE), Some(PROVINCE), Some(DISTRICT), None, None];
    assert_eq!(previous, hops.map(|h| h.map(node)));
    assert!(evidence[1].upstream.is_some() && evidence[3].upstream.is_some());
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "registered");

    // Asking again gives the first receipts.
    assert_eq!(done(&w.confirm(COMMUNE, COMMUNE, id)), (first.0, true));
    assert_eq!(done(&w.register(COMMUNE, COMMUNE, id, None)), (registered.0, true));
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn up_and_across_to_two_recipients_crosses_each_link_once() {
    let mut w = World::connected();
    let d = net().dispatch(&net().envelope(COMMUNE, &[OTHER_COMMUNE, OTHER_DISTRICT], "2/BC"));
    let id = d.id();
    w.submitted(COMMUNE, &d);
    w.pass(1_000);
    let crossed: Vec<_> =
        w.transfers.iter().map(|((a, b), n)| (a.clone(), b.clone(), *n)).collect();
    let mut expected: Vec<_> = [
        (COMMUNE, DISTRICT),
        (DISTRICT, PROVINCE),
        (PROVINCE, CENTRE),
        (CENTRE, OTHER_PROVINCE),
        (OTHER_PROVINCE, OTHER_DISTRICT),
        (OTHER_DISTRICT, OTHER_COMMUNE),
    ]
    .map(|(a, b)| (node(a), node(b), 1))
    .to_vec();
    expected.sort();
    assert_eq!(crossed, expected);
    for (at, recipient) in [(OTHER_COMMUNE, OTHER_COMMUNE), (OTHER_DISTRICT, OTHER_DISTRICT)] {
        assert_eq!(w.in_mailbox(at, recipient, &id), 1);
        assert_eq!(w.word(COMMUNE, &id, recipient), "consigned");
    }
    // 1 submission, 2 x 4 relays, 1 relay on to the commune, 2 consignments.
    assert_eq!(w.evidence(COMMUNE, &id).len(), 12);
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn a_local_recipient_is_consigned_with_the_submission() {
    let mut w = World::connected();
    let d = net().dispatch(&net().envelope(COMMUNE, &[COMMUNE, HAMLET, DISTRICT], "3/TB"));
    let (receipts, _) = done(&w.submitted(COMMUNE, &d));
    let events: Vec<_> =
        receipts.iter().map(|r| offline(r)).map(|e| (e.event, e.recipient)).collect();
    let expected = [
        (E::SubmissionAcceptance, None),
        (E::ContentConsignment, Some(code(COMMUNE))),
        (E::ContentConsignment, Some(code(HAMLET))),
    ];
    assert_eq!(events, expected);
    assert_eq!(w.in_mailbox(COMMUNE, HAMLET, &d.id()), 1);
    w.pass(1_000);
    assert_eq!(w.word(COMMUNE, &d.id(), DISTRICT), "consigned");
    w.assert_at_rest();
}

#[test]
fn the_clerk_can_refuse_and_the_originator_learns_why() {
    let mut w = World::connected();
    let d = net().dispatch(&net().envelope(PROVINCE, &[COMMUNE], "4/CV"));
    let id = d.id();
    w.submitted(PROVINCE, &d);
    w.confirm(COMMUNE, COMMUNE, id);
    let first = done(&w.register(COMMUNE, COMMUNE, id, Some("Sai nơi nhận")));
    w.pass(1_000);
    let last = w.evidence(PROVINCE, &id).pop().unwrap();
    assert_eq!(last.event, E::ConsignmentRejection);
    assert_eq!(last.remark.as_deref(), Some("Sai nơi nhận"));
    assert_eq!((last.status, last.reason), (Some(2), Some(tram_dispatch::Code::RecipientRefused)));
    assert_eq!(done(&w.register(COMMUNE, COMMUNE, id, Some("Sai nơi nhận"))), (first.0, true));
    w.assert_at_rest();
}

#[test]
fn repeats_get_the_first_receipts_also_after_restart_and_after_closing() {
    let mut w = World::connected();
    let d = net().dispatch(&net().envelope(CENTRE, &[PROVINCE, CENTRE], "5/CV"));
    // Three times in one batch: one dispatch.
    let tokens = [0; 3].map(|_| w.submit(CENTRE, &d));
    w.run();
    let replies = tokens.map(|t| done(&w.replies[&t]));
    assert_eq!([replies[0].1, replies[1].1, replies[2].1], [false, true, true]);
    assert!(replies.iter().all(|r| r.0 == replies[0].0 && r.0.len() == 2));
    w.restart(CENTRE);
    assert_eq!(done(&w.submitted(CENTRE, &d)).0, replies[0].0);

    let closing = net().dispatch(&net().envelope(CENTRE, &[COMMUNE], "6/CV"));
    let (first, _) = done(&w.submitted(CENTRE, &closing));
    w.pass(1_000);
    assert!(!w.at(CENTRE).store.is_open(&closing.id()), "consigned far away: nothing left here");
    let records = w.at(CENTRE).store.records.len();
    assert_eq!(done(&w.submitted(CENTRE, &closing)), (first.clone(), true));
    w.pass(20_000);
    assert_eq!(w.at(CENTRE).store.records.len(), records, "a repeat writes nothing");
    w.restart(CENTRE);
    assert_eq!(done(&w.submitted(CENTRE, &closing)), (first, true));
    assert_eq!(w.in_mailbox(PROVINCE, PROVINCE, &d.id()), 1);
    w.assert_recoverable();
}
