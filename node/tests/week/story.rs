//! The week.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tram_dispatch::envelope::Urgency;
use tram_dispatch::{AgencyCode, Status};

use crate::desk::{Deed, Desk, Got, Paper};
use crate::proofs::{self, Heard};
use crate::support::evidence::check_store;
use crate::support::{Network, agency};
use crate::world::{HOST, World, closed, hosted, one_of_many};

const CENTRE: usize = 0;
const COMMUNE: usize = 3;

/// Every commune of the district that is open: the one with a node, the hosted one, the many.
const GROUP: &str = "communes-of:H41.12";
/// The letter to the group.
const TO_GROUP: u32 = 13;
/// The first letter of the backlog.
const FIRST: u32 = 1_000;

/// The centre writes, the commune answers.
struct Players {
    centre: Desk,
    commune: Desk,
    /// What the centre was told.
    heard: Heard,
}

/// Asks again and again until an answer is there; `$many` dispatches are worked on meanwhile.
macro_rules! until {
    ($what:expr, $ask:expr) => {
        until!($what, 0, $ask)
    };
    ($what:expr, $many:expr, $ask:expr) => {{
        let deadline =
            Instant::now() + 5 * crate::support::SOON + $many * Duration::from_millis(100);
        // Who looks through thousands all the time is in the nodes' way.
        let pause = Duration::from_millis(20) + $many * Duration::from_micros(100);
        loop {
            if let Some(found) = $ask {
                break found;
            }
            assert!(Instant::now() < deadline, "still not: {}", $what);
            tokio::time::sleep(pause).await;
        }
    }};
}
pub(crate) use until;

impl Players {
    async fn send(&mut self, network: &Network, letter: Paper) {
        let sent = self.centre.issue(network, &letter).await;
        sent.unwrap_or_else(|why| panic!("letter {}: {why}", letter.number));
    }

    /// A letter to the commune, until its system has it.
    async fn delivered(&mut self, network: &Network, letter: Paper) -> Got {
        let number = letter.number;
        let recall = match letter.deed {
            Deed::Recall(of) => Some(of),
            _ => None,
        };
        if let Some(of) = recall {
            self.heard.asks(number, of);
        }
        self.send(network, letter).await;
        let got = arrived(&mut self.commune, number, recall).await;
        self.commune.take(&got).await;
        got
    }

    /// The commune says something, and the centre hears it.
    async fn say(&mut self, got: &Got, about: u32, status: Status, words: &str) {
        self.commune.say(got, status, words).await;
        self.told(about, &agency(COMMUNE), status).await;
    }

    async fn told(&mut self, number: u32, recipient: &AgencyCode, status: Status) {
        self.told_by(number, &[recipient], status).await;
    }

    /// The centre hears something of one letter from each of many.
    async fn told_by(&mut self, number: u32, recipients: &[&AgencyCode], status: Status) {
        let mut missing: BTreeSet<AgencyCode> = recipients.iter().map(|r| (*r).clone()).collect();
        let first = missing.first().cloned();
        until!(format!("the centre is told {status} of {number} by {first:?} and whoever else"), {
            let seen = self.centre.seen(number).await;
            seen.iter().filter(|(_, s)| *s == status).for_each(|(by, _)| {
                missing.remove(by);
            });
            missing.is_empty().then_some(())
        });
        recipients.iter().for_each(|by| self.heard.note(number, by, status));
    }
}

/// Waits until a letter is in a mailbox; a recall may come under the number of what it is about.
async fn arrived(desk: &mut Desk, number: u32, recall: Option<u32>) -> Got {
    let is = |got: &Got| match recall {
        Some(of) => got.is_recall && (got.number == number || got.number == of),
        None => !got.is_recall && got.number == number,
    };
    until!(format!("letter {number} arrives"), {
        desk.waiting().await.into_iter().find(|got| is(got))
    })
}

pub(crate) async fn week(mut world: World, backlog: u32) {
    let commune = agency(COMMUNE);
    let mut p = Players {
        centre: world.desk(CENTRE, &agency(CENTRE)),
        commune: world.desk(COMMUNE, &commune),
        heard: Heard::default(),
    };
    let to = |number: u32| Paper::new(number, &[&commune]);
    let began = Instant::now();
    let ends = |day: &str| println!("{day} ends after {} ms", began.elapsed().as_millis());
    monday(&mut p, &world.network, to).await;
    ends("monday");
    tuesday(&mut p, &world.network, to).await;
    ends("tuesday");
    wednesday(&mut p, &world, to).await;
    ends("wednesday");
    thursday(&mut p, &mut world, backlog).await;
    ends("thursday");
    friday(&mut p, &world).await;
    ends("friday");
    // Monday to Thursday, and of the group every recipient twice.
    assert_eq!(p.heard.len(), 17 + 2 * (world.many as usize + 2), "{:?}", p.heard);
    proofs::every_step(&world, &p.heard).await;
    ends("the look at the evidence");
    check_store(&world.nodes[CENTRE].client()).await;
    check_store(&world.nodes[COMMUNE].client()).await;
}

/// Accepted and worked on; refused; returned.
async fn monday(p: &mut Players, network: &Network, to: impl Fn(u32) -> Paper) {
    let got = p.delivered(network, to(1)).await;
    p.told(1, &agency(COMMUNE), Status::Arrived).await;
    p.say(&got, 1, Status::Accepted, "Số đến 128").await;
    p.say(&got, 1, Status::Assigned, "Phòng Nội vụ").await;
    p.say(&got, 1, Status::Processing, "").await;
    p.say(&got, 1, Status::Completed, "").await;
    let got = p.delivered(network, to(2)).await;
    p.say(&got, 2, Status::Refused, "Không đúng thẩm quyền").await;
    let got = p.delivered(network, to(3)).await;
    p.commune.give_back(&got, "Gửi nhầm nơi nhận").await;
    p.told(3, &agency(COMMUNE), Status::Refused).await;
}

/// Recalls, agreed to and declined; an update; a replacement of both.
async fn tuesday(p: &mut Players, network: &Network, to: impl Fn(u32) -> Paper) {
    p.delivered(network, to(4)).await;
    let asked = p.delivered(network, to(5).doing(Deed::Recall(4))).await;
    p.say(&asked, 4, Status::Agreed, "Đồng ý").await;
    let got = p.delivered(network, to(6)).await;
    p.say(&got, 6, Status::Accepted, "").await;
    let asked = p.delivered(network, to(7).doing(Deed::Recall(6))).await;
    p.say(&asked, 6, Status::Declined, "Đã thi hành").await;
    let got = p.delivered(network, to(8).doing(Deed::Update(6))).await;
    p.told(8, &agency(COMMUNE), Status::Arrived).await;
    p.say(&got, 8, Status::Agreed, "Đã cập nhật").await;
    let got = p.delivered(network, to(9).doing(Deed::Replace(vec![6, 8]))).await;
    p.say(&got, 9, Status::Accepted, "").await;
}

/// A secret one; one for a hosted commune; one for an agency that is closed.
async fn wednesday(p: &mut Players, world: &World, to: impl Fn(u32) -> Paper) {
    let secret = Paper { secret: true, ..to(10) };
    let why = p.centre.issue(&world.network, &secret).await.expect_err("it must not travel");
    assert!(why == "SECRET_REFUSED" || why.starts_with("22 "), "{why}");

    let mut there = world.desk(HOST, &hosted());
    p.send(&world.network, Paper::new(11, &[&hosted()])).await;
    let got = arrived(&mut there, 11, None).await;
    there.take(&got).await;
    there.say(&got, Status::Accepted, "").await;
    p.told(11, &hosted(), Status::Accepted).await;
    assert!(world.desk(HOST, &agency(HOST)).waiting().await.is_empty(), "it is not the district's");

    p.send(&world.network, Paper::new(12, &[&closed()])).await;
    // It comes to the node of the successor, whose clerk reads the closed one's mailbox too, by no other
    // account than its own.
    let got = arrived(&mut p.commune, 12, None).await;
    p.commune.take(&got).await;
    p.commune.say(&got, Status::Accepted, "").await;
    p.told(12, &closed(), Status::Accepted).await;
}

/// A node is away and work piles up; what is urgent goes first when it is back.
async fn thursday(p: &mut Players, world: &mut World, backlog: u32) {
    world.nodes[1].stop().await;
    let commune = agency(COMMUNE);
    let letters: Vec<Paper> =
        (FIRST..FIRST + backlog).map(|number| Paper::new(number, &[&commune])).collect();
    p.centre.issue_all(&world.network, &letters).await.expect("the backlog");
    let urgent = FIRST + backlog;
    let letter = Paper { urgency: Urgency::Flash, ..Paper::new(urgent, &[&commune]) };
    p.send(&world.network, letter).await;
    world.nodes[1].start();
    // Who lost it comes back within half a minute; the wait for the backlog has room for that.
    world.nodes[1].answers().await;
    let all = until!("everything has arrived", backlog, {
        let all = p.commune.waiting().await;
        (all.len() > backlog as usize).then_some(all)
    });
    let place = all.iter().position(|got| got.number == urgent).expect("it is there");
    // Those that were under way on one of the three links may come before.
    assert!(place <= 3 * world.in_flight, "{place} of {} came before the urgent one", all.len());
    let got = &all[place];
    p.commune.take(got).await;
    p.told(urgent, &commune, Status::Arrived).await;
    let last = all.last().expect("one").clone();
    p.commune.take(&last).await;
    p.say(&last, last.number, Status::Accepted, "").await;
}

/// One letter to a group, each of which answers for itself.
async fn friday(p: &mut Players, world: &World) {
    let (own, mut hosted) = (agency(COMMUNE), vec![hosted()]);
    hosted.extend((0..world.many).map(one_of_many));
    let all: Vec<&AgencyCode> = hosted.iter().chain([&own]).collect();
    p.send(&world.network, Paper { group: Some(GROUP), ..Paper::new(TO_GROUP, &all) }).await;
    for each in &hosted {
        let mut there = world.desk(HOST, each);
        accepted(&mut there).await;
    }
    accepted(&mut p.commune).await;
    p.told_by(TO_GROUP, &all, Status::Arrived).await;
    p.told_by(TO_GROUP, &all, Status::Accepted).await;
    proofs::crossed_once(world, TO_GROUP).await;
}

async fn accepted(there: &mut Desk) {
    let got = arrived(there, TO_GROUP, None).await;
    there.take(&got).await;
    there.say(&got, Status::Accepted, "").await;
}
