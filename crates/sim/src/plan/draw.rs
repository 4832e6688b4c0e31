//! Drawing a plan from a seed.

use tram_dispatch::AgencyCode;
use tram_dispatch::envelope::Urgency;
use tram_spool::disk::DiskOp;

use super::{Act, Kind, Knobs, Order, Plan, Step, Ways, What};
use crate::dice::Dice;
use crate::land::{DIRECTORIES, land};
use crate::node::{Lie, Moment};

const DAY_MS: u64 = 86_400_000;
/// Steps happen before this, ms.
const ACTIVE_MS: u64 = 45_000;

/// What a schedule is mostly about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Theme {
    /// Crashes, cuts and open errors.
    Ordinary,
    /// Agencies that move while dispatches are on their way.
    Moves,
    /// Disks that are lost, rot, lie or are put back from a backup.
    Losses,
}

pub(super) fn draw(seed: u64) -> Plan {
    let mut dice = Dice::of(seed, "plan", 0);
    let theme = match dice.below(100) {
        0..70 => Theme::Ordinary,
        70..82 => Theme::Moves,
        _ => Theme::Losses,
    };
    let places = places(&mut dice, theme);
    let knobs = knobs(&mut dice);
    let orders = orders(&mut dice, theme, &places);
    let mut plan =
        Plan { seed, places, knobs, orders, steps: Vec::new(), heal_ms: ACTIVE_MS + 5_000 };
    let mut steps = Vec::new();
    let mut submitted: Vec<u64> = Vec::new();
    for order in &plan.orders {
        let at_ms = match order.kind {
            Kind::Plain => dice.between(500, ACTIVE_MS / 2),
            Kind::Again(i) | Kind::SameReference(i) | Kind::DigestOnly(i) => {
                submitted[i] + dice.between(1, 15_000)
            }
        };
        submitted.push(at_ms);
    }
    steps.extend(submitted.iter().enumerate().map(|(i, at)| step(*at, What::Submit(i))));
    ordinary(&mut dice, &plan, &mut steps);
    match theme {
        Theme::Ordinary => {}
        Theme::Moves => moves(&mut dice, &plan, &submitted, &mut steps),
        Theme::Losses => losses(&mut dice, &plan, &mut steps),
    }
    steps.sort_by_key(|s| s.at_ms);
    plan.steps = steps;
    plan
}

fn step(at_ms: u64, what: What) -> Step {
    Step { at_ms, what }
}

fn places(dice: &mut Dice, theme: Theme) -> Vec<usize> {
    let land = land();
    let root = match (theme, dice.below(10)) {
        (Theme::Moves, _) | (_, 0..7) => 0,
        (_, 7 | 8) => 1,
        _ => 5,
    };
    let wanted = match dice.below(50) {
        0 => 12,
        1..8 => 6,
        8..20 => 5,
        20..38 => 4,
        _ => 3,
    };
    let mut chosen = match theme {
        // The nodes between which an agency moves, with those above them.
        Theme::Moves => vec![0, 1, 2, 4, 8],
        Theme::Ordinary | Theme::Losses => vec![root],
    };
    while chosen.len() < wanted {
        let below: Vec<usize> = (0..land.places.len())
            .filter(|p| !chosen.contains(p))
            .filter(|p| land.places[*p].parent.is_some_and(|up| chosen.contains(&up)))
            .collect();
        if below.is_empty() {
            break;
        }
        // Deep rather than wide: four tiers are the country's.
        let deepest = below.iter().copied().max_by_key(|p| (land.places[*p].tier, *p));
        let next = if dice.percent(40) { deepest.unwrap_or(below[0]) } else { dice.pick(&below) };
        chosen.push(next);
    }
    chosen.sort_unstable();
    chosen
}

fn knobs(dice: &mut Dice) -> Knobs {
    Knobs {
        both_dial: dice.percent(30),
        delay_ms: dice.pick(&[1, 5, 20, 80]),
        loss_percent: dice.pick(&[0, 0, 5, 20]),
        commit_ms: dice.pick(&[1, 3, 10, 100]),
        held_max: if dice.percent(8) { 2 } else { 10_000 },
        segment_bytes: dice.pick(&[8 << 10, 16 << 10, 64 << 10]),
        deaf_percent: dice.pick(&[0, 20, 50]),
    }
}

fn hosted(places: &[usize]) -> Vec<(AgencyCode, usize)> {
    let here = |(_, p): &&(AgencyCode, usize)| places.contains(p);
    land().agencies.iter().filter(here).cloned().collect()
}

fn orders(dice: &mut Dice, theme: Theme, places: &[usize]) -> Vec<Order> {
    let (land, agencies) = (land(), hosted(places));
    let mut orders: Vec<Order> = Vec::new();
    let count = dice.pick(&[1, 2, 2, 3, 3, 4]);
    for _ in 0..count {
        let (mut originator, at) = dice.pick(&agencies);
        if originator == land.mover {
            originator = land.places[at].id.agency();
        }
        let mut recipients: Vec<AgencyCode> = Vec::new();
        for _ in 0..dice.pick(&[1, 1, 1, 2, 3]) {
            let (r, _) = dice.pick(&agencies);
            if r != land.mover || theme == Theme::Moves {
                recipients.push(r);
            }
        }
        if theme == Theme::Moves && dice.percent(80) || recipients.is_empty() {
            recipients.push(if theme == Theme::Moves {
                land.mover.clone()
            } else {
                land.places[dice.pick(places)].id.agency()
            });
        }
        recipients.sort();
        recipients.dedup();
        let documents = match dice.below(20) {
            0..13 => vec![dice.between(1, 400) as usize],
            13..16 => vec![dice.between(1, 3_000) as usize, 1],
            16..18 => vec![(64 << 10) + dice.between(1, 6_000) as usize],
            _ => vec![20, (64 << 10) + dice.between(1, 6_000) as usize],
        };
        let urgency =
            dice.pick(&[Urgency::Normal, Urgency::Normal, Urgency::Urgent, Urgency::Flash]);
        let short = dice.percent(4);
        orders.push(Order {
            originator,
            recipients,
            kind: Kind::Plain,
            documents,
            urgency,
            lifetime_ms: if short { dice.between(20_000, 60_000) } else { 20 * DAY_MS },
            registered: dice.percent(80),
        });
    }
    for i in 0..orders.len() {
        if dice.percent(20) {
            let kind = Kind::Again(i);
            orders.push(Order { kind, ..orders[i].clone() });
        }
        if dice.percent(8) {
            let kind = Kind::SameReference(i);
            orders.push(Order { kind, documents: vec![7], ..orders[i].clone() });
        }
        let file = orders[i].documents.iter().any(|size| *size > 64 << 10);
        if file && dice.percent(60) {
            let at = agencies.iter().find(|(a, _)| *a == orders[i].originator).map(|(_, p)| *p);
            let prober = agencies
                .iter()
                .find(|(a, p)| Some(*p) == at && *a != orders[i].originator && *a != land.mover);
            if let Some((originator, _)) = prober {
                let kind = Kind::DigestOnly(i);
                let (originator, recipients) = (originator.clone(), vec![originator.clone()]);
                orders.push(Order { kind, originator, recipients, ..orders[i].clone() });
            }
        }
    }
    orders
}

/// What befalls every schedule.
fn ordinary(dice: &mut Dice, plan: &Plan, steps: &mut Vec<Step>) {
    let (places, links) = (&plan.places, plan.links());
    let some = |dice: &mut Dice| dice.between(500, ACTIVE_MS);
    for _ in 0..dice.pick(&[0, 1, 1, 2, 2, 3, 4]) {
        let place = dice.pick(places);
        let moment = match dice.below(6) {
            0 | 1 => Moment::Now,
            2 | 3 => Moment::InCommit(dice.below(4)),
            _ => Moment::AfterCommit,
        };
        let power = dice.percent(75);
        let down_ms = dice.pick(&[0, 200, 2_000, 12_000]);
        let nested = dice.percent(15).then(|| dice.below(8));
        steps.push(step(some(dice), What::Crash { place, moment, power, down_ms, nested }));
    }
    if !links.is_empty() {
        for _ in 0..dice.pick(&[0, 1, 1, 1, 2, 3]) {
            let ways = dice.pick(&[Ways::Both, Ways::Both, Ways::There, Ways::Back]);
            let ms = dice.pick(&[300, 3_000, 9_000, 15_000, 30_000]);
            steps.push(step(some(dice), What::Cut(dice.pick(&links), ways, ms)));
        }
        for _ in 0..dice.pick(&[0, 0, 1, 1, 3]) {
            steps.push(step(some(dice), What::Flap(dice.pick(&links))));
        }
        if dice.percent(15) {
            let (extra, ms) = (dice.between(50, 3_000), dice.between(1_000, 20_000));
            steps.push(step(some(dice), What::Slow(dice.pick(&links), extra, ms)));
        }
        for _ in 0..dice.pick(&[0, 0, 0, 1, 2]) {
            steps.push(step(some(dice), What::Replay(dice.number(), dice.clone().percent(40))));
        }
    }
    if dice.percent(35) {
        let op = dice.pick(&[
            DiskOp::Sync,
            DiskOp::Sync,
            DiskOp::Sync,
            DiskOp::Write,
            DiskOp::Write,
            DiskOp::Read,
            DiskOp::Open,
            DiskOp::Rename,
            DiskOp::SyncDir,
            DiskOp::Preallocate,
            DiskOp::Truncate,
            DiskOp::Remove,
            DiskOp::CreateDir,
            DiskOp::List,
            DiskOp::Len,
        ]);
        let (nth, no_space) = (dice.between(1, 6), dice.percent(30));
        let (place, applied) = (dice.pick(places), dice.percent(40));
        steps.push(step(some(dice), What::Fail { place, op, nth, no_space, applied }));
    }
    if dice.percent(5) {
        steps.push(step(some(dice), What::Full(dice.pick(places), dice.between(500, 15_000))));
    }
    if dice.percent(12) {
        let (place, commit) = (dice.pick(places), dice.between(200, 5_000));
        steps.push(step(some(dice), What::SlowDisk(place, commit, dice.between(1_000, 20_000))));
    }
    if dice.percent(12) {
        let far = dice.pick(&[2_000, 30_000, 400_000, 3_600_000, 2 * DAY_MS]) as i64;
        let jump = if dice.percent(50) { far } else { -far } + dice.below(1_000) as i64;
        steps.push(step(some(dice), What::Clock(dice.pick(places), jump)));
    }
    if dice.percent(10) {
        steps.push(step(some(dice), What::Forge(dice.pick(places))));
    }
    if dice.percent(20) {
        for _ in 0..dice.between(1, 3) {
            let act = match dice.below(8) {
                0..4 => Act::Hold,
                4 | 5 => Act::Release,
                6 => Act::Retry,
                _ => Act::Drop,
            };
            let what = What::Operate(dice.pick(places), dice.number(), act);
            steps.push(step(some(dice), what));
        }
    }
    for _ in 0..dice.between(1, 4) {
        steps.push(step(some(dice), What::Clerks(dice.pick(places))));
    }
}

/// An agency moves while a dispatch for it waits above a cut link, and moves back.
fn moves(dice: &mut Dice, plan: &Plan, submitted: &[u64], steps: &mut Vec<Step>) {
    let from = submitted.first().copied().unwrap_or(1_000);
    steps.push(step(from.saturating_sub(400), What::Cut((2, 4), Ways::Both, 25_000)));
    let mut at = from + dice.between(200, 6_000);
    for version in 1..dice.between(2, DIRECTORIES as u64) as usize {
        if version < 3 || plan.places.contains(&6) {
            steps.push(step(at, What::Move(version)));
        }
        for _ in 0..dice.below(4) {
            steps.push(step(at + dice.between(1_000, 8_000), What::Replay(dice.number(), false)));
        }
        at += dice.between(1_000, 12_000);
    }
}

/// Disks do their worst.
fn losses(dice: &mut Dice, plan: &Plan, steps: &mut Vec<Step>) {
    let place = dice.pick(&plan.places);
    let at = dice.between(5_000, ACTIVE_MS);
    match dice.below(12) {
        0..3 => steps.push(step(at, What::LoseDisk(place))),
        3..6 => {
            let anchor_lost = dice.percent(30);
            steps.push(step(at / 2, What::Backup(place)));
            steps.push(step(at, What::Restore { place, anchor_lost }));
        }
        6 | 7 => steps.push(step(at, What::RotTail(place, dice.number()))),
        8 | 9 => steps.push(step(at, What::Rot(place, dice.number()))),
        _ => {
            let nth = dice.between(1, 4);
            let lie = match dice.below(3) {
                0 => Lie::LoseWrite(nth),
                1 => Lie::Misdirect(nth, dice.between(1, 4)),
                _ => Lie::FlipRead(nth, dice.number()),
            };
            steps.push(step(at, What::Lie(place, lie)));
        }
    }
}
