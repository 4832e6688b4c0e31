//! One dispatch to thousands: one submission, one crossing of each link, one receipt of consignment each.
#![allow(
    clippy::disallowed_types,
    clippy::print_stdout,
    reason = "the long one says how long it took"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use tram_dispatch::group::Group;
use tram_dispatch::limits::FRAME_BYTES_MAX;
use tram_dispatch::{AgencyCode, Event};
use tram_engine::state::leg::{Leg, Outcome};
use tram_engine::transfer::give;
use tram_engine::{Input, Reply};
use tram_wire::frame;

use crate::support::net::*;
use crate::support::world::World;

/// Hosts of the communes, with the paths of those of the other province as long as a four-tier tree has.
const HOSTS: [&str; 6] = [COMMUNE, SISTER, DISTRICT, PROVINCE, OTHER_DISTRICT, OTHER_COMMUNE];

/// So many communes of one tier, hosted all over the tree, and a group that means all of them.
fn country(count: usize) -> (World, Vec<AgencyCode>) {
    let codes: Vec<String> =
        (0..count).map(|n| format!("H41.{:03}.{:03}", 100 + n / 900, 100 + n % 900)).collect();
    let directory = net().directory_with(|entries| {
        for (n, code) in codes.iter().enumerate() {
            let mut entry = agency_entry(code, Some(PROVINCE), HOSTS[n % HOSTS.len()]);
            if let tram_dispatch::directory::Entry::Agency(agency) = &mut entry {
                agency.tier = 4;
            }
            entries.push(entry);
        }
    });
    let mut world = World::new();
    world.verifier = net().verifier_for(&directory);
    for (agency, _) in NODES {
        world.at(agency).directory = directory.clone();
        world.restart(agency);
    }
    world.connect_all();
    let group: Group = "communes-of:H41".parse().unwrap();
    let expansion =
        tram_trust::group::expand(&directory, &BTreeMap::new(), &code(PROVINCE), &[group], &[]);
    let expansion = expansion.unwrap();
    let wanted: BTreeSet<AgencyCode> = codes.iter().map(|c| code(c)).collect();
    let recipients: Vec<AgencyCode> =
        expansion.recipients.into_iter().filter(|r| *r != code(HAMLET)).collect();
    assert!(recipients.iter().eq(&wanted), "the directory says who the communes are");
    (world, recipients)
}

/// What crossed each link: transfers, and bytes of their frames.
fn crossings(world: &World) -> BTreeMap<(String, String), (usize, usize)> {
    let mut links = BTreeMap::new();
    for ((from, to), transfers) in &world.transfers {
        links.insert((from.to_string(), to.to_string()), (*transfers, 0));
    }
    for t in &world.given {
        let riding = BTreeSet::new();
        let offer = give::offer::<std::convert::Infallible>(t, &riding, |_| unreachable!());
        let bytes = frame::encode(&offer.unwrap()).len();
        assert!(bytes <= FRAME_BYTES_MAX, "{bytes} bytes toward {}", t.peer);
        let last = links.iter_mut().find(|((_, to), _)| *to == t.peer.to_string());
        last.unwrap().1.1 += bytes;
    }
    links
}

/// `once`: on how many of the seven links one transfer has room for all; the others take two.
fn to_all_communes(count: usize, once: usize) {
    let (mut world, recipients) = country(count);
    let mut envelope = net().envelope(COMMUNE, &[], "chi-thi/1");
    envelope.recipients = recipients.clone();
    envelope.group = Some("communes-of:H41".to_owned());
    let dispatch = net().dispatch(&envelope);
    let began = Instant::now();
    let reply = world.submitted(COMMUNE, &dispatch);
    assert!(matches!(reply, Reply::Done { repeat: false, .. }), "{reply:?}");
    world.pass(5_000);
    let took = began.elapsed();

    let id = dispatch.id();
    let first = world.at(COMMUNE);
    let held = first.engine.as_ref().unwrap().find(&id, &first.store).unwrap().unwrap();
    assert_eq!(held.legs.len(), count);
    let mut consigned: BTreeMap<&AgencyCode, usize> = BTreeMap::new();
    for known in &held.evidence {
        if known.evidence.event == Event::ContentConsignment {
            let recipient = known.evidence.recipient.as_ref().unwrap();
            *consigned.entry(recipient).or_default() += 1;
        }
    }
    assert!(consigned.len() == count && consigned.values().all(|n| *n == 1), "one receipt each");
    for (recipient, leg) in &held.legs {
        let arrived =
            matches!(leg, Leg::Mailbox { .. } | Leg::Ended { outcome: Outcome::Consigned, .. });
        assert!(arrived, "{recipient}: {leg:?}");
    }
    let links = crossings(&world);
    println!("{count} recipients: {} ms in one thread, {links:?}", took.as_millis());
    let by = |n: usize| links.values().filter(|(transfers, _)| *transfers == n).count();
    assert_eq!((by(1), by(2)), (once, 7 - once), "{links:?}");

    // The same submission again is the same answer, at no cost but the answer.
    let again = world.submitted(COMMUNE, &dispatch);
    assert!(matches!(again, Reply::Done { repeat: true, .. }));
    // Clerks at the far end do what they do: their receipts come back, each to its own leg.
    let clerks: Vec<AgencyCode> = recipients.iter().skip(5).step_by(6).take(50).cloned().collect();
    for recipient in &clerks {
        let to = recipient.clone();
        let done = world.asked(OTHER_COMMUNE, |token| Input::Confirm {
            token,
            recipient: to,
            dispatch: id,
        });
        assert!(matches!(done, Reply::Done { repeat: false, .. }), "{done:?}");
    }
    world.pass(1_000);
    let first = world.at(COMMUNE);
    let held = first.engine.as_ref().unwrap().find(&id, &first.store).unwrap().unwrap();
    let handed = |k: &&tram_engine::state::held::Known| k.evidence.event == Event::ContentHandover;
    assert_eq!(held.evidence.iter().filter(handed).count(), clerks.len());
    world.assert_recoverable();
}

#[test]
fn a_group_of_three_hundred_crosses_each_link_once() {
    to_all_communes(300, 7);
}

#[test]
#[ignore = "long: every commune of the country"]
fn long_a_dispatch_to_every_commune_crosses_each_link_once() {
    // Half of them lie at the end of a way of seven nodes, each with receipts of all the nodes before.
    to_all_communes(3_321, 5);
}
