//! A leg is counted once, for as long as this node answers for it; each story is told to a store that goes on,
//! to one that is opened anew, and to one whose index is built anew.

use crate::answers::{calendar, check};
use crate::country::{BEGIN, DAY_MS};
use crate::options;
use crate::recount::{Counts, counts, legs, recount};
use crate::world::{AGENCIES, Voice, World, agency};
use std::collections::{BTreeMap, BTreeSet};
use tram_dispatch::{AgencyCode, Code, Day, DispatchId, Event};
use tram_spool::store::{ArrivalQuery, BetweenQuery, INDEX_FILE, Party, Store, StoreReader};

const TO: &str = "H41.12";
const ALSO: &str = "H41.12.03";

/// A store that is told a history.
struct Told {
    directory: tempfile::TempDir,
    store: Option<Store>,
    world: World,
}

impl Told {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut told = Told { directory, store: None, world: World::new() };
        told.open();
        told.commit();
        told
    }

    fn open(&mut self) {
        self.store = None;
        self.store = Some(Store::open_dir(self.directory.path(), options()).unwrap().0);
    }

    fn rebuild(&mut self) {
        self.store = None;
        std::fs::remove_file(self.directory.path().join(INDEX_FILE)).unwrap();
        self.open();
    }

    fn commit(&mut self) {
        let batch = self.world.batch();
        if !batch.records.is_empty() {
            self.store.as_mut().unwrap().commit(&batch).unwrap();
        }
    }

    fn flush(&mut self) {
        self.store.as_mut().unwrap().flush().unwrap();
    }

    fn reader(&self) -> StoreReader {
        self.store.as_ref().unwrap().reader()
    }

    fn say(&mut self, id: DispatchId, recipient: &str, event: Event, reason: Option<Code>) {
        self.world.now = self.world.now.plus_ms(60_000);
        self.world.say(Voice::Own, id, recipient, event, reason);
    }

    fn hear(&mut self, id: DispatchId, recipient: &str, event: Event, reason: Option<Code>) {
        self.world.now = self.world.now.plus_ms(60_000);
        self.world.say(Voice::Foreign, id, recipient, event, reason);
    }

    /// A leg of another dispatch to the same recipient that was refused further on: what is taken out too
    /// often is taken out of it.
    fn another_refused(&mut self) {
        let id = self.world.sealed("G22", &[TO]);
        self.world.held(id, &[TO]);
        self.say(id, TO, Event::RelayAcceptance, None);
        self.hear(id, TO, Event::RelayRejection, Some(Code::AgencyClosed));
        self.commit();
    }

    /// Everything that the store says is what its records say, however it came to know them.
    fn holds(&mut self) {
        self.agrees();
        self.open();
        self.agrees();
        self.flush();
        self.open();
        self.agrees();
        self.rebuild();
        self.agrees();
        self.store = None;
        check(self.directory.path(), options());
        self.open();
    }

    fn agrees(&self) {
        let (reader, legs) = (self.reader(), legs(&self.world.told));
        let (first, last) = (Day::of(BEGIN), Day::of(self.world.now));
        let mut spans = vec![first..=last];
        spans.extend((first.0..=last.0).map(|day| Day(day)..=Day(day)));
        for days in spans {
            assert_eq!(counted(&reader, *days.start(), *days.end()), recount(&legs, &days));
        }
        let mut sent: BTreeMap<_, BTreeSet<DispatchId>> = BTreeMap::new();
        for leg in legs.iter().filter(|leg| leg.taken.is_some()) {
            let pair = (leg.originator.clone(), leg.recipient.clone());
            sent.entry(pair).or_default().insert(leg.dispatch);
        }
        for (from, to) in AGENCIES.iter().flat_map(|a| AGENCIES.iter().map(move |b| (a, b))) {
            let (from, to) = (agency(from), agency(to));
            let query = BetweenQuery { limit: 500, ..BetweenQuery::default() };
            let mut found = reader.between(&from, &to, &query).unwrap().items;
            found.sort();
            let wanted = sent.remove(&(from, to)).unwrap_or_default();
            assert_eq!(found, Vec::from_iter(wanted), "each once");
        }
        let mut waits: Vec<_> = legs.iter().filter(|leg| leg.waits()).map(key).collect();
        waits.sort();
        assert_eq!(waiting(&reader), waits);
    }

    /// The counts of one agency as a recipient: sent, arrived, refused, failed, expired.
    fn ways(&self, recipient: &str) -> [u64; 5] {
        let all = counted(&self.reader(), Day::of(BEGIN), Day::of(self.world.now));
        let found = all.get(&(agency(recipient), Party::Recipient));
        found.map_or([0; 5], |c| [c[0], c[1], c[2], c[3], c[4]])
    }
}

type Key = (DispatchId, AgencyCode);

fn key(leg: &crate::recount::Leg) -> Key {
    (leg.dispatch, leg.recipient.clone())
}

fn waiting(reader: &StoreReader) -> Vec<Key> {
    let query = ArrivalQuery { limit: 500, ..ArrivalQuery::default() };
    let found = reader.arrivals(&query, |_| true).unwrap().items;
    let mut found: Vec<_> = found.into_iter().map(|a| (a.dispatch, a.recipient)).collect();
    found.sort();
    found
}

fn counted(reader: &StoreReader, first: Day, last: Day) -> BTreeMap<(AgencyCode, Party), Counts> {
    let sums = reader.statistics(first, last, None, &calendar()).unwrap();
    let parties = [Party::Originator, Party::Recipient].into_iter().zip(&sums);
    let all = parties.flat_map(|(party, sums)| {
        sums.iter().map(move |(name, sum)| ((agency(name), party), counts(sum)))
    });
    all.filter(|(_, counts)| *counts != Counts::default()).collect()
}

/// The refusal of an offer is about a leg that this node never had.
#[test]
fn what_was_refused_and_then_taken_arrives_like_any_other() {
    let mut told = Told::new();
    told.another_refused();
    for arrives in [true, false] {
        let id = told.world.sealed("G22", &[TO]);
        told.say(id, TO, Event::RelayRejection, Some(Code::RecipientUnknown));
        told.commit();
        told.world.held(id, &[TO]);
        told.commit();
        match arrives {
            true => told.hear(id, TO, Event::ContentConsignment, None),
            false => told.say(id, TO, Event::RelayFailure, Some(Code::DispatchExpired)),
        }
        told.commit();
    }
    assert_eq!(told.ways(TO), [3, 1, 1, 0, 1]);
    told.holds();
    assert_eq!(told.ways(TO), [3, 1, 1, 0, 1]);
}

#[test]
fn a_refused_recipient_of_a_held_dispatch_was_never_sent_to() {
    let mut told = Told::new();
    let id = told.world.sealed("G22", &[TO, ALSO]);
    told.world.held(id, &[TO]);
    told.commit();
    told.say(id, ALSO, Event::RelayRejection, Some(Code::RecipientUnknown));
    told.commit();
    assert_eq!((told.ways(TO), told.ways(ALSO)), ([1, 0, 0, 0, 0], [0; 5]));
    told.holds();
    let all = counted(&told.reader(), Day::of(BEGIN), Day::of(told.world.now));
    let sent = all[&(agency("G22"), Party::Originator)];
    assert_eq!(sent[..5], [1, 0, 0, 0, 0], "one is underway");
}

#[test]
fn a_leg_given_back_is_counted_while_it_is_here_and_listed_once() {
    let mut told = Told::new();
    told.another_refused();
    let id = told.world.sealed("G22", &[TO]);
    told.world.held(id, &[TO]);
    told.commit();
    told.say(id, TO, Event::RelayFailure, Some(Code::CopyDamaged));
    told.commit();
    assert_eq!(told.ways(TO), [1, 0, 1, 0, 0], "only the other one");
    told.holds();
    // Its documents are needed again: custody begins once more, days later and in another process.
    told.world.now = told.world.now.plus_ms(3 * DAY_MS);
    told.world.held(id, &[TO]);
    told.commit();
    assert_eq!(told.ways(TO), [2, 0, 1, 0, 0]);
    told.holds();
    told.say(id, TO, Event::RelayFailure, Some(Code::Returned));
    told.world.more(id, &[TO]);
    told.hear(id, TO, Event::ContentConsignment, None);
    told.commit();
    assert_eq!(told.ways(TO), [2, 1, 1, 0, 0]);
    told.holds();
    // Closed, and lost again by who had consigned it.
    told.world.closed(id);
    told.commit();
    told.world.held(id, &[TO]);
    told.commit();
    assert_eq!(told.ways(TO), [2, 1, 1, 0, 0]);
    told.holds();
}

/// A receipt of the next node that gives a leg back to this one ends nothing here.
#[test]
fn what_the_next_node_gave_back_is_still_underway() {
    let mut told = Told::new();
    let id = told.world.sealed("G22", &[TO]);
    told.world.held(id, &[TO]);
    told.hear(id, TO, Event::RelayAcceptance, None);
    told.hear(id, TO, Event::RelayFailure, Some(Code::Returned));
    told.commit();
    assert_eq!(told.ways(TO), [1, 0, 0, 0, 0]);
    told.holds();
}

#[test]
fn what_the_operator_dropped_from_a_mailbox_waits_for_nobody() {
    let mut told = Told::new();
    let ends = [
        (Event::ContentHandoverFailure, Voice::Own),
        (Event::ContentHandoverFailure, Voice::Foreign),
        // Set aside unread: it goes as any leg does that is given up.
        (Event::RelayFailure, Voice::Own),
    ];
    for (event, voice) in ends {
        let id = told.world.sealed("G22", &[TO]);
        told.world.held(id, &[TO]);
        let arrives = if event == Event::RelayFailure { Voice::Own } else { voice };
        told.world.say(arrives, id, TO, Event::ContentConsignment, None);
        told.commit();
        assert_eq!(waiting(&told.reader()), [(id, agency(TO))]);
        told.world.say(voice, id, TO, event, Some(Code::Dropped));
        told.commit();
        assert_eq!(waiting(&told.reader()), []);
    }
    told.holds();
    let all = counted(&told.reader(), Day::of(BEGIN), Day::of(told.world.now));
    let came = all[&(agency(TO), Party::Recipient)];
    assert_eq!(came, [3, 3, 0, 0, 0, 3, 3, 0, 0, 0, 3, 0]);
    // A failure elsewhere does not end what waits here.
    let id = told.world.sealed("G22", &[TO]);
    told.world.held(id, &[TO]);
    told.world.say(Voice::Own, id, TO, Event::ContentConsignment, None);
    told.world.say(Voice::Foreign, id, TO, Event::RelayFailure, Some(Code::DispatchExpired));
    told.commit();
    assert_eq!(waiting(&told.reader()), [(id, agency(TO))]);
    told.holds();
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

const SAID: [(Event, Option<Code>); 16] = [
    (Event::RelayRejection, Some(Code::RecipientUnknown)),
    (Event::HandlingStatus, None),
    (Event::RelayFailure, Some(Code::Returned)),
    (Event::RelayFailure, Some(Code::CopyDamaged)),
    (Event::RelayFailure, Some(Code::NoRoute)),
    (Event::RelayFailure, Some(Code::DispatchExpired)),
    (Event::RelayFailure, Some(Code::Dropped)),
    (Event::ContentConsignment, None),
    (Event::ContentConsignment, None),
    (Event::ContentConsignmentFailure, Some(Code::StorageFailed)),
    (Event::ContentHandoverFailure, Some(Code::Dropped)),
    (Event::ConsignmentAcceptance, None),
    (Event::ConsignmentRejection, Some(Code::RecipientRefused)),
    (Event::AcceptanceRejectionExpiry, None),
    (Event::ActRejection, None),
    (Event::Withdrawal, None),
];

/// One step of a history in which anything may follow anything.
fn step(dice: &mut Dice, told: &mut Told, dispatches: &mut Vec<(DispatchId, bool)>) {
    const RECIPIENTS: [&str; 3] = ["H41", TO, ALSO];
    if dispatches.is_empty() || dice.below(6) == 0 {
        let from = dice.of(&["G22", "H42", "H41"]);
        dispatches.push((told.world.sealed(from, &RECIPIENTS), false));
    }
    let at = dice.below(dispatches.len().min(4));
    let at = dispatches.len() - 1 - at;
    let (id, held) = dispatches[at];
    let some = dice.below(7) + 1;
    let some: Vec<_> = (0..3).filter(|n| some & 1 << n > 0).map(|n| RECIPIENTS[n]).collect();
    let recipient = dice.of(&RECIPIENTS);
    match dice.below(8) {
        0 | 1 if !held => {
            told.world.held(id, &some);
            dispatches[at].1 = true;
        }
        0 if held => told.world.held(id, &some),
        1 if held => told.world.more(id, &some),
        2 if held => told.world.closed(id),
        _ => {
            let (event, reason) = dice.of(&SAID);
            let voices = [Voice::Own, Voice::Foreign, Voice::Own, Voice::Earlier];
            let voice = match dice.below(5) {
                0 => Voice::Unauthorised,
                n => voices[n - 1],
            };
            // Without custody a node says of itself only that it refuses.
            let own = matches!(voice, Voice::Own | Voice::Earlier);
            if held || !own || event == Event::RelayRejection {
                told.world.say(voice, id, recipient, event, reason);
            }
        }
    }
    told.world.now = told.world.now.plus_ms(dice.below(5 * 3_600_000) as u64);
}

fn history(seed: u64) {
    let mut told = Told::new();
    let (mut dice, mut dispatches) = (Dice(seed), Vec::new());
    for _ in 0..12 {
        for _ in 0..1 + dice.below(12) {
            step(&mut dice, &mut told, &mut dispatches);
        }
        told.commit();
        match dice.below(6) {
            0 => told.open(),
            1 => told.flush(),
            2 => {
                told.flush();
                told.open();
            }
            3 => told.rebuild(),
            _ => continue,
        }
        told.agrees();
    }
    told.holds();
}

#[test]
fn counts_are_what_a_recount_of_all_records_gives() {
    for seed in 0..2 {
        history(seed);
    }
}
