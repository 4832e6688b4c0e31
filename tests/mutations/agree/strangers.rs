//! Genuine receipts of nodes that say what they may not say, or that stand outside the chain: what
//! somebody who holds a node's keys can add.

use tram_dispatch::evidence::Event;
use tram_dispatch::{AgencyCode, Code, Digest, UnixMillis};
use tram_trust::fixtures::{COMMUNE, Log, NOW};
use tram_wire::Receipt;

use super::worlds::{World, Worlds};
use crate::Numbers;

/// The file with one to three of them, perhaps instead of receipts that were in it.
pub(super) fn added(worlds: &Worlds, world: &World, numbers: &mut Numbers) -> Option<Vec<u8>> {
    let mut file = world.file.clone();
    if numbers.below(3) == 0 {
        // What rests on a checkpoint's links may go too.
        file.checkpoints.clear();
        for _ in 0..numbers.below(3) {
            file.receipts.remove(numbers.below(file.receipts.len()));
        }
    }
    for _ in 0..1 + numbers.below(3) {
        let receipt = one(worlds, &file.receipts, numbers);
        file.receipts.push(receipt);
    }
    file.sort();
    Some(file.encode())
}

fn one(worlds: &Worlds, receipts: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let network = &worlds.tiers.network;
    let keys = &network.nodes[numbers.below(network.nodes.len())];
    let mut log = Log::new(keys);
    // Trees of sizes that no receipt in the file has, now and then of one that it has: a second history.
    for _ in 0..1 + numbers.below(12) {
        let filler = log.record(Event::RelayAcceptance, &worlds.tiers.sealed, None, NOW);
        log.commit(&[filler], NOW);
    }
    let number = 1 + numbers.below(20) as u8;
    let event = Event::read(number).expect("a number that is not 0");
    let recipient = AgencyCode::parse_canonical(COMMUNE).expect("a code");
    let of = (event != Event::SubmissionAcceptance && numbers.below(8) > 0).then_some(&recipient);
    let time = UnixMillis(NOW.0 + 1 + numbers.below(9000) as u64);
    let mut record = log.record(event, &worlds.tiers.sealed, of, time);
    let other = |numbers: &mut Numbers| network.nodes[numbers.below(4)].id.clone();
    record.previous = (numbers.below(3) > 0).then(|| other(numbers));
    let parsed: Vec<Receipt> = receipts.iter().filter_map(|r| Receipt::parse(r).ok()).collect();
    record.upstream = match (numbers.below(4), parsed.is_empty()) {
        (0, _) | (_, true) => None,
        (1, _) => Some(Digest([7; 32])),
        _ => {
            let above = &parsed[numbers.below(parsed.len())];
            if numbers.below(4) > 0 {
                record.previous = Some(above.record().node.clone());
            }
            Some(above.digest())
        }
    };
    record.status = (numbers.below(3) == 0).then(|| 1 + numbers.below(16) as u8);
    record.reason = (numbers.below(3) == 0).then_some(Code::NoRoute);
    if numbers.below(6) == 0 {
        record.object = None;
    }
    if numbers.below(12) == 0 {
        record.attestation = Some(worlds.tiers.statement.object());
    }
    if numbers.below(24) == 0 {
        record.object = Some(Digest([9; 32]));
    }
    // Now and then committed before it happened, or both before the log began.
    let (time, committed) = match numbers.below(16) {
        0 => (time, UnixMillis(time.0 - 1)),
        1 => (UnixMillis(1), UnixMillis(2)),
        _ => (time, time.plus_ms(numbers.below(2000) as u64)),
    };
    record.time = time;
    log.commit(&[record], committed).remove(0).raw().to_vec()
}
