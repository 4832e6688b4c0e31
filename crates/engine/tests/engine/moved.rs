//! An agency moves to another node: what it had sent from the old one is let through for as long as it may be
//! under way, and from nobody else.

use std::sync::Arc;

use tram_dispatch::{Code, DispatchId, Event as E};
use tram_engine::{Answer, Input};
use tram_trust::Directory;

use tram_trust::fixtures::{Log, NOW, NodeKeys};

use crate::mergers::deliver;
use crate::support::check::{done, offline};
use crate::support::mail::receipt;
use crate::support::net::*;
use crate::support::world::World;

const DAY_MS: u64 = 86_400_000;

/// From the second version on the hamlet's mailbox is at the district, later versions change a name.
fn versions(count: usize) -> Vec<Arc<Directory>> {
    let mut all = vec![net().directory.clone()];
    for n in 1..=count {
        let next = net().directory_after(&all[n - 1], |entries| {
            agency_in(entries, HAMLET).node = Some(node(DISTRICT));
            agency_in(entries, COMMUNE).name = format!("Xã {n}");
        });
        all.push(next);
    }
    all.split_off(1)
}

/// A dispatch of the hamlet, taken by its old node while that is cut off; everybody else learns of so many
/// versions meanwhile.
fn cut_off(count: usize) -> (World, DispatchId, Vec<Arc<Directory>>) {
    let mut w = World::connected();
    w.disconnect(&node(COMMUNE), &node(DISTRICT));
    let d = net().dispatch(&net().envelope(HAMLET, &[CENTRE, SISTER, OTHER_COMMUNE], "30/moved"));
    w.submitted(COMMUNE, &d);
    let versions = versions(count);
    for version in &versions {
        for (at, _) in NODES.into_iter().filter(|(at, _)| *at != COMMUNE) {
            w.handle(at, Input::Directory(version.clone()));
        }
        w.run();
    }
    w.verifier = net().verifier_for(versions.last().unwrap());
    (w, d.id(), versions)
}

#[test]
fn what_a_moved_agency_had_sent_arrives_two_and_three_versions_later() {
    for (count, learns_first, restarted) in
        [(1, false, true), (2, false, false), (2, true, true), (3, false, true), (3, true, false)]
    {
        let (mut w, id, versions) = cut_off(count);
        if restarted {
            for at in [CENTRE, PROVINCE, DISTRICT, SISTER, OTHER_COMMUNE] {
                w.restart(at);
            }
            w.disconnect(&node(COMMUNE), &node(DISTRICT));
        }
        if learns_first {
            w.handle(COMMUNE, Input::Directory(versions.last().unwrap().clone()));
        }
        w.connect_all();
        w.pass(400_000);
        for to in [CENTRE, SISTER, OTHER_COMMUNE] {
            let what = format!("{count} {learns_first} {restarted} {to}");
            assert_eq!(
                w.word(COMMUNE, &id, to),
                "consigned",
                "{what}: {:?}",
                w.lines(COMMUNE, &id)
            );
        }
        // The originator's new node sends meanwhile.
        let d = net().dispatch(&net().envelope(HAMLET, &[CENTRE], "31/moved"));
        w.submitted(DISTRICT, &d);
        w.pass(1_000);
        assert_eq!(w.word(DISTRICT, &d.id(), CENTRE), "consigned");
        w.assert_at_rest();
        w.assert_recoverable();
    }
}

/// What the district answers to the offer of a dispatch of the hamlet by a neighbour below.
fn answered(w: &mut World, from: &str, id: &DispatchId) -> Answer {
    w.connect_all();
    w.pass(1_000);
    let answer = w.answers.values().flatten().find_map(|(_, answer)| match answer {
        Answer::Refused(raw) if offline(raw).dispatch == *id => Some(answer.clone()),
        _ => None,
    });
    answer.unwrap_or_else(|| panic!("{from} was not refused: {:?}", w.lines(from, id)))
}

fn is_misrouted(answer: Answer, by: &str) {
    let Answer::Refused(raw) = answer else { panic!("{answer:?}") };
    let e = offline(&raw);
    assert_eq!((e.event, e.reason, e.node), (E::RelayRejection, Some(Code::Misrouted), node(by)));
}

#[test]
fn a_node_that_never_had_the_agency_is_refused_whatever_it_has_signed() {
    let (mut w, _, _) = cut_off(2);
    // The sister takes it by a directory of its own, as a node would that does as it likes.
    let own = net().directory_with(|e| agency_in(e, HAMLET).node = Some(node(SISTER)));
    w.disconnect(&node(SISTER), &node(DISTRICT));
    w.handle(SISTER, Input::Directory(own));
    let d = net().dispatch(&net().envelope(HAMLET, &[CENTRE], "32/not there"));
    w.submitted(SISTER, &d);
    assert_eq!(w.word(SISTER, &d.id(), CENTRE), "queued");
    is_misrouted(answered(&mut w, SISTER, &d.id()), DISTRICT);
    assert_eq!(w.in_mailbox(CENTRE, CENTRE, &d.id()), 0);
}

#[test]
fn the_old_node_is_let_through_no_longer_than_a_dispatch_can_live() {
    for (days, passes) in [(89, true), (91, false)] {
        let (mut w, _, _) = cut_off(2);
        w.pass(days * DAY_MS);
        let mut e = net().envelope(HAMLET, &[CENTRE], "33/late");
        (e.issued_at, e.expires_at) = (w.now.wall, w.now.wall.plus_ms(7 * DAY_MS));
        let d = net().dispatch(&e);
        w.submitted(COMMUNE, &d);
        assert_eq!(w.word(COMMUNE, &d.id(), CENTRE), "queued", "it still knows no better");
        if passes {
            w.connect_all();
            w.pass(1_000);
            assert_eq!(w.word(COMMUNE, &d.id(), CENTRE), "consigned");
        } else {
            is_misrouted(answered(&mut w, COMMUNE, &d.id()), DISTRICT);
        }
    }
}

/// The old node as one that signs whatever it is told, in its own log.
fn old_node() -> NodeKeys {
    let (id, life) = (node(COMMUNE), &lives_of(&node(COMMUNE))[0]);
    NodeKeys {
        receipt: signer(&format!("receipt {id} 0")),
        checkpoint: signer(&format!("checkpoint {id} 0")),
        genesis: life.genesis.clone(),
        epoch: life.epoch,
        chain: Vec::new(),
        tls_pkcs8: Vec::new(),
        receipt_pkcs8: Vec::new(),
        checkpoint_pkcs8: Vec::new(),
        id,
    }
}

#[test]
fn an_old_node_that_names_the_directory_in_force_has_said_itself_that_it_may_not() {
    let mut w = World::of(&[DISTRICT]);
    let versions = versions(3);
    for version in &versions {
        w.handle(DISTRICT, Input::Directory(version.clone()));
    }
    w.verifier = net().verifier_for(&versions[2]);
    let d = net().dispatch(&net().envelope(HAMLET, &[CENTRE], "34/after"));
    let sealed = tram_wire::SealedDispatch::parse(d.raw()).unwrap();
    let keys = old_node();
    for (version, passes) in [(&versions[2], false), (&versions[0], true)] {
        let mut log = Log::new(&keys);
        let mut taken = log.record(E::SubmissionAcceptance, &sealed, None, NOW);
        taken.directory = Some(version.digest());
        let raw = log.commit(&[taken], NOW).remove(0);
        let token = w.token();
        let input = Input::Offer {
            token,
            peer: node(COMMUNE),
            dispatch: d.clone(),
            recipients: vec![code(CENTRE)],
            receipts: vec![receipt(&w.verifier, raw.raw())],
            documents: World::documents(&d, true),
        };
        w.handle(DISTRICT, input);
        w.commit(&node(DISTRICT));
        let answer = w.answers.remove(&token).unwrap().remove(0).1;
        match passes {
            true => assert!(matches!(answer, Answer::Accepted(_)), "{answer:?}"),
            false => is_misrouted(answer, DISTRICT),
        }
    }
}

#[test]
fn a_relay_that_was_away_for_all_of_it_refuses_with_evidence_and_holds_up_nothing() {
    // The whole directory at once: it never heard of the versions between, and is new besides.
    let (mut w, id, versions) = cut_off(2);
    w.crash(&node(DISTRICT));
    w.nodes.get_mut(&node(DISTRICT)).unwrap().hosts_before = Default::default();
    w.nodes.get_mut(&node(DISTRICT)).unwrap().start();
    w.connect_all();
    w.handle(COMMUNE, Input::Directory(versions[1].clone()));
    w.pass(1_000);
    for to in [CENTRE, SISTER, OTHER_COMMUNE] {
        assert_eq!(w.word(COMMUNE, &id, to), "refused");
    }
    let said = w.evidence(COMMUNE, &id);
    assert!(said.iter().any(|e| e.reason == Some(Code::Misrouted) && e.node == node(DISTRICT)));
    w.assert_at_rest();
}

#[test]
fn what_a_moved_agencys_old_node_consigned_counts_two_versions_later() {
    for restarted in [false, true] {
        // The answer is lost, and the node of the mailbox is cut off while all others learn of two versions.
        let mut w = World::connected();
        let d = net().dispatch(&net().envelope(CENTRE, &[HAMLET], "35/moved"));
        let id = d.id();
        w.submit(CENTRE, &d);
        while w.in_mailbox(COMMUNE, HAMLET, &id) == 0 {
            deliver(&mut w, 1);
        }
        w.disconnect(&node(COMMUNE), &node(DISTRICT));
        for version in &versions(2) {
            w.verifier = net().verifier_for(version);
            for (at, _) in NODES.into_iter().filter(|(at, _)| *at != COMMUNE) {
                w.handle(at, Input::Directory(version.clone()));
            }
            w.pass(1_000);
        }
        if restarted {
            for at in [CENTRE, PROVINCE, DISTRICT] {
                w.restart(at);
            }
        }
        w.connect_all();
        w.pass(1_000);
        assert_eq!(w.word(CENTRE, &id, HAMLET), "consigned", "{:?}", w.lines(CENTRE, &id));
        assert_eq!(w.in_mailbox(DISTRICT, HAMLET, &id), 0, "it lies at the old node");
        // What the clerk does there counts as well.
        if restarted {
            w.handle(COMMUNE, Input::Directory(versions(2)[1].clone()));
        }
        done(&w.confirm(COMMUNE, HAMLET, id));
        w.pass(1_000);
        assert_eq!(w.word(CENTRE, &id, HAMLET), "handed_over");
        w.assert_at_rest();
        w.assert_recoverable();
    }
}
