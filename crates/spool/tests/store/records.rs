//! The codec of records.

use crate::world::World;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::OnceLock;
use tram_engine::record::Record;
use tram_spool::journal;
use tram_spool::records::{RecordError, decode, encode};

const SEEDS: usize = 6;

fn histories(seed: usize) -> &'static [Record] {
    static MADE: OnceLock<Vec<Vec<Record>>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let history = |seed| {
            let mut world = World::new(seed);
            (0..50).flat_map(|_| world.batch().records).collect()
        };
        (0..SEEDS as u64).map(history).collect()
    });
    &made[seed]
}

#[test]
fn every_kind_round_trips_and_has_one_encoding() {
    let mut kinds = BTreeSet::new();
    for seed in 0..SEEDS {
        for record in histories(seed) {
            let stored = encode(record);
            kinds.insert(stored.kind);
            let back = decode(&stored).unwrap();
            assert_eq!(&back, record);
            assert_eq!(encode(&back), stored);
        }
    }
    assert_eq!(kinds, (1..=17).chain([21]).collect());
}

#[test]
fn cuts_tails_versions_and_kinds_are_refused_by_name() {
    for record in histories(3) {
        let stored = encode(record);
        for len in (0..stored.body.len()).step_by(1 + stored.body.len() / 50) {
            let cut = journal::Record { kind: stored.kind, body: stored.body[..len].to_vec() };
            assert!(
                matches!(decode(&cut), Err(RecordError::Field { kind, .. }) if kind == cut.kind)
            );
        }
        let mut long = stored.clone();
        long.body.push(0);
        assert!(decode(&long).is_err());
        let mut newer = stored.clone();
        newer.body[0] = 2;
        assert!(matches!(decode(&newer), Err(RecordError::TooNew { found: 2, .. })));
        let unknown = journal::Record { kind: 99, body: stored.body };
        assert_eq!(decode(&unknown), Err(RecordError::UnknownKind { kind: 99 }));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_refused_or_are_the_one_encoding(
        kind in 0_u16..18,
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let stored = journal::Record { kind, body };
        if let Ok(record) = decode(&stored) {
            prop_assert_eq!(encode(&record), stored);
        }
    }

    #[test]
    fn one_changed_byte_is_refused_or_is_the_one_encoding(
        seed in 0..SEEDS,
        nth in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        by in 1_u8..=255,
    ) {
        let mut stored = encode(nth.get(histories(seed)));
        let at = at.index(stored.body.len());
        stored.body[at] ^= by;
        if let Ok(record) = decode(&stored) {
            prop_assert_eq!(encode(&record), stored);
        }
    }
}
