//! The week.

use std::time::Instant;

use tram_api::model::DispatchQuery;
use tram_dispatch::envelope::Urgency;
use tram_dispatch::{AgencyCode, Status};
use tram_trust::evidence::{Claim, Ground, Proof, State, examine};

use crate::desk::{Deed, Desk, Got, Paper};
use crate::support::evidence::check_store;
use crate::support::{Network, agency};
use crate::world::{HOST, World, closed, hosted, one_of_many};

const CENTRE: usize = 0;
const COMMUNE: usize = 3;

/// The centre writes, the commune answers.
struct Players {
    centre: Desk,
    commune: Desk,
}

/// Asks again and again until an answer is there.
macro_rules! until {
    ($what:expr, $ask:expr) => {{
        let deadline = Instant::now() + 5 * crate::support::SOON;
        loop {
            if let Some(found) = $ask {
                break found;
            }
            assert!(Instant::now() < deadline, "still not: {}", $what);
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }};
}

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
        let what = format!("the centre is told {status} of {number} by {recipient}");
        until!(what, {
            let seen = self.centre.seen(number, recipient).await;
            seen.contains(&status).then_some(())
        });
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
    evidence(&world).await;
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
    // It comes to the node of the successor, whose clerk reads the closed one's mailbox too.
    let mut heir = world.desk(COMMUNE, &closed());
    let got = arrived(&mut heir, 12, None).await;
    heir.take(&got).await;
    heir.say(&got, Status::Accepted, "").await;
    p.told(12, &closed(), Status::Accepted).await;
}

/// A node is away and work piles up; what is urgent goes first when it is back.
async fn thursday(p: &mut Players, world: &mut World, backlog: u32) {
    const FIRST: u32 = 1_000;
    world.nodes[1].stop().await;
    let commune = agency(COMMUNE);
    for number in FIRST..FIRST + backlog {
        p.send(&world.network, Paper::new(number, &[&commune])).await;
    }
    let urgent = FIRST + backlog;
    let letter = Paper { urgency: Urgency::Flash, ..Paper::new(urgent, &[&commune]) };
    p.send(&world.network, letter).await;
    world.nodes[1].start();
    world.nodes[1].ready().await;
    let all = until!("everything has arrived", {
        let all = p.commune.waiting().await;
        (all.len() > backlog as usize).then_some(all)
    });
    let place = all.iter().position(|got| got.number == urgent).expect("it is there");
    // Those that were under way with it may come before.
    assert!(place <= 24, "{place} of {} came before the urgent one", all.len());
    let got = &all[place];
    p.commune.take(got).await;
    p.told(urgent, &commune, Status::Arrived).await;
    let last = all.last().expect("one").clone();
    p.commune.take(&last).await;
    p.say(&last, last.number, Status::Accepted, "").await;
}

/// One letter to many, each of whom answers for itself.
async fn friday(p: &mut Players, world: &World) {
    const NUMBER: u32 = 13;
    let many: Vec<AgencyCode> = (0..world.many).map(one_of_many).collect();
    let letter = Paper::new(NUMBER, &many.iter().collect::<Vec<_>>());
    p.send(&world.network, letter).await;
    for each in &many {
        let mut there = world.desk(HOST, each);
        let got = arrived(&mut there, NUMBER, None).await;
        there.take(&got).await;
        there.say(&got, Status::Accepted, "").await;
    }
    for each in &many {
        p.told(NUMBER, each, Status::Arrived).await;
        p.told(NUMBER, each, Status::Accepted).await;
    }
}

/// Every dispatch of the centre has an evidence file without a fault, and what was said is proved in it.
async fn evidence(world: &World) {
    let client = world.nodes[CENTRE].client();
    let originator = Some(agency(CENTRE).into());
    let mut query = DispatchQuery { originator, limit: Some(500), ..DispatchQuery::default() };
    let mut proved = std::collections::BTreeMap::new();
    let mut looked = 0_u32;
    loop {
        let page = client.dispatches(&query).await.expect("a listing");
        for summary in &page.items {
            // Of a backlog of thousands a part will do: they are all alike.
            let number = crate::desk::number(summary.reference.0.as_str());
            if number.is_some_and(|n| n >= 1_000 && n % 50 != 0) {
                continue;
            }
            looked += 1;
            let id = summary.dispatch.0;
            // Whoever holds a part of it may still be on the way to say so.
            let account = until!(format!("evidence of {} without a fault", summary.reference.0), {
                let bytes = client.evidence(id, false).await.expect("an evidence file");
                let ground = Ground::new(world.network.root.clone());
                let account = examine(&ground, &bytes).expect("an evidence file");
                account.faults.is_empty().then_some(account)
            });
            let is_proved = |claim| {
                let of = account.findings.iter().filter(move |f| f.claim == claim);
                of.filter(|f| matches!(f.state, State::Proved(_)))
            };
            for claim in [Claim::Sealed, Claim::Arrived] {
                assert!(is_proved(claim).count() > 0, "{}: not {claim:?}", summary.reference);
            }
            for finding in &account.findings {
                match &finding.state {
                    State::Proved(Proof::Decided { registered, .. }) => {
                        *proved.entry(if *registered { 3 } else { 2 }).or_insert(0) += 1;
                    }
                    State::Proved(Proof::Handled { status: Some(status), .. }) => {
                        *proved.entry(*status).or_insert(0) += 1;
                    }
                    _ => {}
                }
            }
        }
        match page.next {
            Some(next) if !page.items.is_empty() => query.after = Some(next),
            _ => break,
        }
    }
    assert!(looked > 12, "{looked}");
    // 03: 1, 6, 9, 11, 12, and each of the many; of the backlog one that is not looked at.
    let registered = proved.get(&3).copied().unwrap_or(0);
    assert!(registered >= 5 + world.many, "{proved:?}");
    for (status, least) in [(2, 2), (4, 1), (5, 1), (6, 1), (15, 2), (16, 1)] {
        assert!(proved.get(&status).is_some_and(|n| *n >= least), "{status} in {proved:?}");
    }
}
