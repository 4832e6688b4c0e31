//! What one neighbour, or one moment, may make of this node: receipts, memory, batches and work.

use std::sync::Arc;
use std::time::Duration;

use tram_dispatch::{Code, DispatchId, Event as E, EvidenceRecord, NodeId, Status};
use tram_engine::quota::Quotas;
use tram_engine::record::Record;
use tram_engine::{Answer, Documents, Input};
use tram_trust::fixtures::NOW;
use tram_trust::{Directory, VerifiedReceipt};
use tram_wire::Receipt;

use crate::flood::signed;
use crate::support::check::done;
use crate::support::net::*;
use crate::support::world::{Body, Message, World};

/// What a node says of a leg, over and over: records like `like`, with ever new custody numbers.
fn over_and_over(by: &str, like: &EvidenceRecord, event: E, times: u64) -> Vec<EvidenceRecord> {
    let status = match event {
        E::HandlingStatus => Some(Status::Processing.number()),
        _ => None,
    };
    let one = |n: u64| EvidenceRecord {
        event,
        node: node(by),
        epoch: net().lives[&node(by)][0].epoch,
        custody: 1_000_000 + n,
        status,
        ..like.clone()
    };
    (0..times).map(one).collect()
}

fn verified(w: &World, by: &str, records: &[EvidenceRecord]) -> Vec<VerifiedReceipt> {
    signed(by, records).iter().map(|raw| w.verify(raw)).collect()
}

/// How often a node said something about the commune's leg.
fn said_by(w: &World, at: &str, id: &DispatchId, by: &str, event: E) -> usize {
    let said = (event, node(by), Some(code(COMMUNE)));
    let all = w.evidence(at, id).into_iter().map(|e| (e.event, e.node, e.recipient));
    all.filter(|e| *e == said).count()
}

/// A dispatch of the centre for the commune, which the district took and cannot give on; and what the
/// district said of that.
fn under_way(w: &mut World, reference: &str) -> (DispatchId, EvidenceRecord) {
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    let to = [COMMUNE, OTHER_COMMUNE, OTHER_DISTRICT, SISTER];
    let d = net().dispatch(&net().envelope(CENTRE, &to, reference));
    done(&w.submitted(CENTRE, &d));
    w.pass(1_000);
    let taken = w.evidence(PROVINCE, &d.id()).into_iter().find(|e| {
        (e.event, &e.node, &e.recipient)
            == (E::RelayAcceptance, &node(DISTRICT), &Some(code(COMMUNE)))
    });
    (d.id(), taken.unwrap())
}

#[test]
fn a_next_hop_says_of_one_leg_no_more_than_there_is_to_say() {
    let mut w = World::connected();
    let (id, like) = under_way(&mut w, "1/a");
    let events = [E::RelayAcceptance, E::HandlingStatus, E::ContentHandover];
    let said = events.map(|event| over_and_over(DISTRICT, &like, event, 400)).concat();
    for receipts in verified(&w, DISTRICT, &said).chunks(400) {
        let receipts = receipts.to_vec();
        w.handle(PROVINCE, Input::Receipts { peer: node(DISTRICT), batch: 1, receipts });
        w.pass(1_000);
    }
    for at in [PROVINCE, CENTRE] {
        // It may give a leg back three times.
        assert_eq!(said_by(&w, at, &id, DISTRICT, E::RelayAcceptance), 4, "{at}");
        assert_eq!(said_by(&w, at, &id, DISTRICT, E::HandlingStatus), 32, "{at}");
        assert_eq!(said_by(&w, at, &id, DISTRICT, E::ContentHandover), 1, "{at}");
    }
    w.connect_all();
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &id, COMMUNE), "consigned");
    w.assert_at_rest();
    w.assert_recoverable();
}

#[test]
fn a_receipt_that_changes_nothing_is_not_recorded_again_and_again() {
    let mut w = World::connected();
    let (id, like) = under_way(&mut w, "1/b");
    // The leg is in the district's hands; what the sister is said to have taken moves it nowhere.
    let receipts = verified(&w, SISTER, &over_and_over(SISTER, &like, E::RelayAcceptance, 1));
    let records = |w: &mut World| w.at(DISTRICT).store.records.len();
    let mut sizes = Vec::new();
    for batch in 0..3 {
        let receipts = receipts.clone();
        w.handle(DISTRICT, Input::Receipts { peer: node(COMMUNE), batch, receipts });
        w.pass(1_000);
        sizes.push(records(&mut w));
    }
    assert_eq!(w.word(DISTRICT, &id, COMMUNE), "queued");
    assert_eq!(sizes[0], sizes[2], "the second time and the third left nothing");
}

#[test]
fn a_peer_that_has_said_too_much_is_heard_where_it_moves_a_leg() {
    let mut w = World::connected();
    let (id, like) = under_way(&mut w, "2/a");
    let memory = w.at(PROVINCE).engine().node_use().used.memory_bytes;
    // A sixteenth of it is for what one peer says twice.
    w.at(PROVINCE).settings.memory_bytes_max = memory.max(16 * 16_384);
    w.restart(PROVINCE);
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    let mut said = over_and_over(DISTRICT, &like, E::HandlingStatus, 30);
    let ended = over_and_over(DISTRICT, &like, E::RelayFailure, 1).remove(0);
    said.push(EvidenceRecord { reason: Some(Code::NoRoute), ..ended });
    let mut receipts = verified(&w, DISTRICT, &said);
    let ended = receipts.split_off(30);
    for (batch, receipt) in (0..).zip(receipts) {
        let receipts = vec![receipt];
        w.handle(PROVINCE, Input::Receipts { peer: node(DISTRICT), batch, receipts });
        w.pass(100);
    }
    let kept = said_by(&w, PROVINCE, &id, DISTRICT, E::HandlingStatus);
    assert!((2..20).contains(&kept), "{kept} of 30");
    // What is new is heard.
    w.handle(PROVINCE, Input::Receipts { peer: node(DISTRICT), batch: 99, receipts: ended });
    w.pass(1_000);
    assert_eq!(w.word(PROVINCE, &id, COMMUNE), "failed");
    w.assert_recoverable();
}

#[test]
fn a_long_receipt_counts_by_its_length() {
    let mut w = World::connected();
    let (_, like) = under_way(&mut w, "3/a");
    let before = w.at(PROVINCE).engine().node_use().used.memory_bytes;
    let mut record = over_and_over(DISTRICT, &like, E::HandlingStatus, 1).remove(0);
    record.remark = Some("x".repeat(4_000));
    let receipts = verified(&w, DISTRICT, &[record]);
    let len = receipts[0].raw().len() as u64;
    w.handle(PROVINCE, Input::Receipts { peer: node(DISTRICT), batch: 1, receipts });
    w.run();
    let after = w.at(PROVINCE).engine().node_use().used.memory_bytes;
    // As bytes and as values.
    assert!(after - before > 2 * len - 2_048, "{} for {len} bytes", after - before);
}

#[test]
fn of_the_receipts_of_an_offer_only_the_way_of_its_legs_is_kept() {
    let mut w = World::connected();
    let d = net().dispatch(&net().envelope(CENTRE, &[DISTRICT], "4/a"));
    w.submit(CENTRE, &d);
    let to_district = |m: &Message| m.to == node(DISTRICT) && matches!(m.body, Body::Transfer(..));
    let mut offer = w.run_until(to_district).remove(0);
    let Body::Transfer(transfer, _) = &mut offer.body else { panic!() };
    assert_eq!(transfer.receipts.len(), 2, "the first node's and the province's");
    let chain = transfer.receipts.clone();
    let like = Receipt::parse(&chain[1]).unwrap().record().clone();
    let beside = over_and_over(OTHER_PROVINCE, &like, E::RelayAcceptance, 30);
    transfer.receipts.extend(signed(OTHER_PROVINCE, &beside));
    w.deliver(offer);
    w.pass(1_000);
    assert_eq!(w.word(CENTRE, &d.id(), DISTRICT), "consigned");
    let kept = w.at(DISTRICT).engine().state().get(&d.id()).unwrap().upstream_receipts.clone();
    assert_eq!(kept, chain);
    w.assert_recoverable();
}

/// The district cannot fold what it holds.
fn spoiled(w: &mut World) -> (DispatchId, EvidenceRecord) {
    let (id, like) = under_way(w, "5/a");
    for record in &mut w.at(DISTRICT).store.records {
        if let Record::Held(held) = record
            && held.dispatch == id
        {
            held.raw = Arc::from(&b"garbage"[..]);
        }
    }
    w.restart(DISTRICT);
    w.disconnect(&node(DISTRICT), &node(COMMUNE));
    w.pass(1_000);
    assert!(w.at(DISTRICT).engine().state().is_aside(&id));
    (id, like)
}

fn kept_unread(w: &mut World, id: &DispatchId) -> usize {
    let broken = &w.at(DISTRICT).engine().state().broken[id];
    broken.aside.as_ref().unwrap().raws.len()
}

#[test]
fn a_neighbour_without_a_leg_fills_nothing_of_what_cannot_be_read() {
    let mut w = World::connected();
    let (id, like) = spoiled(&mut w);
    let before = kept_unread(&mut w, &id);
    let said = over_and_over(SISTER, &like, E::ContentHandover, 20);
    let receipts = verified(&w, SISTER, &said);
    w.handle(
        DISTRICT,
        Input::Receipts { peer: node(SISTER), batch: 1, receipts: receipts.clone() },
    );
    w.run();
    assert_eq!(kept_unread(&mut w, &id), before);
    // Those that the way leads to are heard.
    w.handle(DISTRICT, Input::Receipts { peer: node(COMMUNE), batch: 1, receipts });
    w.run();
    assert_eq!(kept_unread(&mut w, &id), before + 20);
}

#[test]
fn what_is_kept_unread_is_bounded_though_its_beginning_is_there() {
    let mut w = World::connected();
    let (id, like) = spoiled(&mut w);
    let said = over_and_over(COMMUNE, &like, E::ContentHandover, 1_200);
    let receipts = verified(&w, COMMUNE, &said);
    w.handle(DISTRICT, Input::Receipts { peer: node(COMMUNE), batch: 1, receipts });
    w.run();
    assert_eq!(kept_unread(&mut w, &id), 1_024);
}

#[test]
fn one_offer_repeated_for_its_news_comes_no_faster_than_others() {
    let mut w = World::connected();
    w.at(PROVINCE).settings.quotas.peer_rate = Quotas::per_minute(1, 4);
    w.restart(PROVINCE);
    let d = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "6/a"));
    w.submit(CENTRE, &d);
    let transfer = |m: &Message| matches!(m.body, Body::Transfer(..));
    let offer = w.run_until(transfer).remove(0);
    w.deliver(offer.clone());
    w.run();
    done(&w.confirm(PROVINCE, PROVINCE, d.id()));
    w.pass(100);
    let legs = |w: &mut World| {
        let records = &w.at(PROVINCE).store.records;
        records.iter().filter(|r| matches!(r, Record::Legs(_))).count()
    };
    let mut answers = Vec::new();
    for _ in 0..8 {
        w.deliver(offer.clone());
        let answered = w.run_until(|m| matches!(m.body, Body::Answer(..)));
        let Body::Answer(_, answer) = &answered[0].body else { panic!() };
        answers.push(matches!(answer[0].1, Answer::Accepted(_)));
        w.run();
    }
    assert_eq!(legs(&mut w), 3, "the first took one of four");
    assert_eq!(answers, [true, true, true, false, false, false, false, false]);
    // What it lost it is told when it comes again in time.
    w.pass(60_000);
    w.deliver(offer);
    w.run();
    assert_eq!(legs(&mut w), 4);
    w.assert_at_rest();
}

/// So many dispatches that nobody comes for, at a node that knows the time by itself.
fn waiting(many: u64) -> World {
    let mut w = World::of(&[CENTRE]);
    w.at(CENTRE).settings.clock_trusted = true;
    w.at(CENTRE).settings.filling_bytes_max = 5_000;
    w.restart(CENTRE);
    for n in 0..many {
        let mut envelope = net().envelope(CENTRE, &[PROVINCE], &format!("7/{n}"));
        envelope.expires_at = NOW.plus_ms(3_600_000);
        done(&w.submitted(CENTRE, &net().dispatch(&envelope)));
    }
    w
}

#[test]
fn what_one_moment_ends_is_recorded_in_batches_of_bounded_size() {
    const MANY: usize = 60;
    let mut w = waiting(MANY as u64);
    w.now.wall = NOW.plus_ms(3_600_000);
    w.now.mono_ms += 3_540_000;
    let now = w.now;
    let failure =
        |r: &&Record| matches!(r, Record::Evidence(own) if own.evidence.event == E::RelayFailure);
    let mut batches = Vec::new();
    // Nothing comes in between: one commit leads to the next.
    while w.at(CENTRE).begin_commit(now) {
        let batch = w.at(CENTRE).pending.front().unwrap();
        batches.push(batch.records.iter().filter(failure).count());
        w.at(CENTRE).end_commit();
        assert!(batches.len() < 10 * MANY, "it never ends");
    }
    assert_eq!(batches.iter().sum::<usize>(), MANY);
    assert!(batches.iter().all(|n| *n <= 12), "{batches:?}");
    w.assert_recoverable();
}

#[test]
fn a_full_batch_says_so_until_it_is_taken() {
    let mut w = waiting(0);
    let now = w.now;
    let d = net().dispatch(&net().envelope(CENTRE, &[PROVINCE], "8/a"));
    let mut documents: Documents = World::documents(&d, true);
    assert!(!w.at(CENTRE).engine().is_full());
    documents.inline[0].1 = vec![0; 5_000].into();
    w.submit_with(CENTRE, &d, documents);
    assert!(w.at(CENTRE).engine().is_full());
    assert!(w.at(CENTRE).begin_commit(now));
    assert!(!w.at(CENTRE).engine().is_full());
}

/// A directory with so many agencies more at the commune's node.
fn with_many(many: usize) -> (Arc<Directory>, Vec<String>) {
    let codes: Vec<String> =
        (0..many).map(|n| format!("H41.{}.{}", 20 + n / 90, 10 + n % 90)).collect();
    let directory = net().directory_with(|entries| {
        entries.extend(codes.iter().map(|code| agency_entry(code, Some(PROVINCE), COMMUNE)));
    });
    (directory, codes)
}

#[allow(clippy::disallowed_types, reason = "how long it takes is what is tested")]
#[test]
fn a_dispatch_with_many_legs_is_looked_at_in_time() {
    const LEGS: usize = 1_500;
    const LOOKS: usize = 100;
    let (directory, codes) = with_many(LEGS);
    let mut w = World::of(&[CENTRE]);
    w.verifier = net().verifier_for(&directory);
    w.at(CENTRE).directory = directory;
    w.restart(CENTRE);
    // One more, so that it stays open.
    let mut to: Vec<&str> = codes.iter().map(String::as_str).collect();
    to.push(OTHER_PROVINCE);
    let d = net().stored_dispatch(&net().envelope(CENTRE, &to, "9/a"));
    let id = d.id();
    w.submit(CENTRE, &d);
    w.run();
    let like = w.at(CENTRE).engine().state().get(&id).unwrap().evidence[0].evidence.clone();
    // It went by way of the province and the district.
    let hops: [(&str, E); 3] = [
        (DISTRICT, E::RelayAcceptance),
        (COMMUNE, E::ContentConsignment),
        (PROVINCE, E::RelayAcceptance),
    ];
    for (batch, (by, event)) in (0u64..).zip(hops) {
        let about = |to: &String| EvidenceRecord {
            recipient: Some(code(to)),
            admission: None,
            sequence: None,
            status: (event == E::ContentConsignment).then_some(1),
            ..over_and_over(by, &like, event, 1).remove(0)
        };
        let records: Vec<EvidenceRecord> =
            (0..).zip(&codes).map(|(n, to)| EvidenceRecord { custody: n, ..about(to) }).collect();
        let receipts = verified(&w, by, &records);
        w.handle(CENTRE, Input::Receipts { peer: node(PROVINCE), batch, receipts });
        w.run();
    }
    let held = w.at(CENTRE).engine().state().get(&id).unwrap();
    assert_eq!(held.evidence.len(), 1 + 3 * LEGS);
    assert_eq!(w.word(CENTRE, &id, &codes[0]), "consigned");
    let began = std::time::Instant::now();
    let peer: NodeId = node(PROVINCE);
    for _ in 0..LOOKS {
        let (peer, cause) = (peer.clone(), Code::PeerUnreachable);
        w.handle(CENTRE, Input::TransferFailed { peer, dispatch: id, cause });
        w.commit(&node(CENTRE));
    }
    // Where each leg looks through all receipts, this takes minutes.
    let took = began.elapsed();
    assert!(took < Duration::from_secs(30), "{took:?}");
}
