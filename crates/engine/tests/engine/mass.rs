//! Very much work at one node: a mail bomb beside ordinary agencies, and a long queue to a dead peer.

use std::sync::Arc;

use tram_dispatch::envelope::Urgency;
use tram_dispatch::{AgencyCode, Code, DispatchId, Now};
use tram_engine::quota::Quotas;
use tram_engine::{Input, Output, Reply, Token};
use tram_trust::{Directory, VerifiedDispatch};

use crate::support::net::*;
use crate::support::node::TestNode;
use crate::support::world::World;

/// One node, driven by hand: what it does comes back.
struct Alone {
    node: TestNode,
    now: Now,
    tokens: u64,
}

impl Alone {
    fn new(world: World, agency: &str) -> Self {
        let mut nodes = world.nodes;
        let node = nodes.remove(&node(agency)).unwrap();
        Alone { node, now: world.now, tokens: 0 }
    }

    fn submit(&mut self, dispatch: &VerifiedDispatch) -> Token {
        self.tokens += 1;
        let token = Token(self.tokens);
        let documents = World::documents(dispatch, true);
        let input = Input::Submit { token, dispatch: dispatch.clone(), documents };
        self.node.handle(self.now, input);
        token
    }

    /// One commit, and what may be done after it.
    fn commit(&mut self) -> Vec<Output> {
        self.node.begin_commit(self.now);
        while self.node.end_commit() {}
        self.node.outputs()
    }

    fn replies(&mut self) -> Vec<(Token, Reply)> {
        let reply = |o| match o {
            Output::Reply { token, reply } => Some((token, reply)),
            _ => None,
        };
        self.commit().into_iter().filter_map(reply).collect()
    }

    fn pass(&mut self, ms: u64) {
        self.now.mono_ms += ms;
        self.now.wall = self.now.wall.plus_ms(ms);
    }
}

fn made(from: &str, to: &str, reference: &str, urgency: Urgency) -> VerifiedDispatch {
    let mut envelope = net().envelope(from, &[to], reference);
    envelope.metadata.urgency = urgency;
    net().stored_dispatch(&envelope)
}

/// Twenty agencies more at the commune's node.
fn with_twenty() -> (Arc<Directory>, Vec<String>) {
    let codes: Vec<String> = (10..30).map(|n| format!("{COMMUNE}.{n}")).collect();
    let directory = net().directory_with(|entries| {
        let entry = |code: &String| agency_entry(code, Some(COMMUNE), COMMUNE);
        entries.extend(codes.iter().map(entry));
    });
    (directory, codes)
}

#[test]
fn an_agency_at_fifty_times_its_quota_does_not_slow_twenty_others() {
    const RATE: u64 = 60;
    const SECONDS: u64 = 60;
    let (directory, ordinary) = with_twenty();
    let mut world = World::of(&[COMMUNE]);
    let settings = &mut world.at(COMMUNE).settings;
    settings.quotas.agency_rate = Quotas::per_minute(RATE, 10);
    world.at(COMMUNE).directory = directory;
    world.restart(COMMUNE);
    let mut alone = Alone::new(world, COMMUNE);
    let leaves_before = alone.node.store.head().0;
    let (mut taken, mut turned_away, mut others) = (0u64, 0u64, 0u64);
    let mut leaves = 0;
    for second in 0..SECONDS {
        // Fifty times its rate, and before everybody else.
        let bombs: Vec<Token> = (0..50 * RATE / 60)
            .map(|n| {
                let d = made(HAMLET, CENTRE, &format!("{second}/{n}"), Urgency::Normal);
                alone.submit(&d)
            })
            .collect();
        let honest: Vec<Token> = ordinary
            .iter()
            .filter(|_| second % 3 == 0)
            .map(|from| alone.submit(&made(from, CENTRE, &format!("{second}"), Urgency::Normal)))
            .collect();
        // All of it is answered by the very next commit.
        let replies = alone.replies();
        assert_eq!(replies.len(), bombs.len() + honest.len());
        for (token, reply) in replies {
            match reply {
                Reply::Done { .. } if honest.contains(&token) => others += 1,
                Reply::Done { .. } => taken += 1,
                Reply::Later { code: Code::Quota, retry_ms } if bombs.contains(&token) => {
                    assert!((1..=1_000).contains(&retry_ms), "{retry_ms}");
                    turned_away += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        leaves = alone.node.store.head().0 - leaves_before;
        alone.pass(1_000);
    }
    assert_eq!(others, 20 * SECONDS / 3);
    assert_eq!(taken, 10 + (SECONDS - 1) * RATE / 60);
    assert_eq!(turned_away, 50 * SECONDS - taken);
    assert_eq!(leaves, taken + others, "who is turned away leaves nothing in the log");
    let now = alone.now.mono_ms;
    let accounts = alone.node.engine().agency_use(now, 100);
    let bomber = accounts.iter().find(|a| a.agency == code(HAMLET)).unwrap();
    assert_eq!((bomber.turned_away, bomber.open.count), (turned_away, taken));
    assert_eq!(accounts.len(), 21);

    // Toward the next node they share alike: each of the others is under way before the bomber's
    // second has gone.
    let up = World::new().hello(&node(DISTRICT));
    alone.node.handle(alone.now, Input::PeerUp(up));
    let first: Vec<AgencyCode> =
        transfers(&alone.commit()).map(|(from, _)| from).take(42).collect();
    assert_eq!(first.iter().filter(|from| **from == code(HAMLET)).count(), 2, "{first:?}");
}

#[test]
fn refusals_that_are_evidence_come_no_faster_than_the_rate() {
    let mut world = World::of(&[COMMUNE]);
    world.at(COMMUNE).settings.quotas.agency_rate = Quotas::per_minute(60, 5);
    world.restart(COMMUNE);
    let mut alone = Alone::new(world, COMMUNE);
    let before = alone.node.store.head().0;
    for n in 0..200 {
        alone.submit(&made(HAMLET, "H99", &format!("{n}"), Urgency::Normal));
    }
    let replies = alone.replies();
    let refused = |(_, r): &&(Token, Reply)| matches!(r, Reply::Refused { receipt: Some(_), .. });
    assert_eq!(replies.iter().filter(refused).count(), 5);
    assert_eq!((replies.len() as u64, alone.node.store.head().0), (200, before + 5));
}

fn transfers(outputs: &[Output]) -> impl Iterator<Item = (AgencyCode, DispatchId)> {
    outputs.iter().filter_map(|o| match o {
        Output::Transfer(t) => Some((t.dispatch.envelope().originator.clone(), t.dispatch.id())),
        _ => None,
    })
}

/// So many wait for a dead peer: what is urgent passes them, to another peer and to the same one.
fn long_queue(count: u64) {
    let mut world = World::of(&[DISTRICT]);
    let settings = &mut world.at(DISTRICT).settings;
    (settings.held_max, settings.memory_bytes_max) = (1_000_000, u64::MAX);
    let quotas = &mut settings.quotas;
    quotas.agency_rate = Quotas::per_minute(60_000_000, 10_000_000);
    for ceiling in [&mut quotas.agency_open, &mut quotas.direction] {
        // Half of a direction is for one originator, an eighth for what is urgent.
        (ceiling.count, ceiling.memory_bytes) = (2 * (count * 8 / 7 + 1), u64::MAX);
    }
    world.restart(DISTRICT);
    let (sister, commune) = {
        let all = World::new();
        let hello = |peer: &str| all.hello(&node(peer));
        (hello(SISTER), hello(COMMUNE))
    };
    let mut alone = Alone::new(world, DISTRICT);
    alone.node.handle(alone.now, Input::PeerUp(sister));
    for n in 0..count {
        alone.submit(&made(DISTRICT, COMMUNE, &format!("{n}"), Urgency::Normal));
        if n % 1_000 == 999 {
            assert_eq!(transfers(&alone.commit()).count(), 0);
            alone.pass(1_000);
        }
    }
    alone.commit();
    let waiting = alone.node.engine().peer_use(&node(COMMUNE), alone.now.mono_ms).waiting;
    assert_eq!(waiting.count, count);
    // To another peer: the commit that takes it gives it.
    let urgent = made(DISTRICT, SISTER, "urgent/a", Urgency::Urgent);
    alone.submit(&urgent);
    let given: Vec<DispatchId> = transfers(&alone.commit()).map(|(_, id)| id).collect();
    assert_eq!(given, [urgent.id()]);
    // To the same peer: it is taken, and once the peer is back it goes first.
    let flash = made(DISTRICT, COMMUNE, "urgent/b", Urgency::Flash);
    let token = alone.submit(&flash);
    assert!(matches!(&alone.replies()[..], [(t, Reply::Done { .. })] if *t == token));
    // With others in the wrong order: what has an hour is flash.
    let hour = Urgency::FlashAt(alone.now.wall.plus_ms(3_600_000));
    let others: Vec<DispatchId> = [Urgency::Urgent, Urgency::VeryUrgent, hour]
        .into_iter()
        .enumerate()
        .map(|(n, urgency)| {
            let one = made(DISTRICT, COMMUNE, &format!("urgent/d{n}"), urgency);
            alone.submit(&one);
            one.id()
        })
        .collect();
    alone.commit();
    alone.node.handle(alone.now, Input::PeerUp(commune));
    let given: Vec<DispatchId> = transfers(&alone.commit()).map(|(_, id)| id).collect();
    assert_eq!(given[..4], [flash.id(), others[2], others[1], others[0]]);
    // A small active window over a large backlog, and room in it for what is urgent.
    assert_eq!(given.len(), 4 + 256 - 256 / 8);
    let more = made(DISTRICT, COMMUNE, "urgent/c", Urgency::Urgent);
    alone.submit(&more);
    let given: Vec<DispatchId> = transfers(&alone.commit()).map(|(_, id)| id).collect();
    assert_eq!(given, [more.id()]);
}

#[test]
fn a_queue_to_a_dead_peer_holds_up_nothing_urgent() {
    long_queue(10_000);
}

#[test]
#[ignore = "long: a hundred thousand dispatches"]
fn long_a_hundred_thousand_to_a_dead_peer_hold_up_nothing_urgent() {
    long_queue(100_000);
}
