//! A question reads so much and no more, and says where to go on.

use tram_api::model::{GapClass, Numbering};
use tram_crypto::sha256;
use tram_dispatch::envelope::Sequence;
use tram_dispatch::{AgencyCode, Digest, UnixMillis};
use tram_engine::Batch;
use tram_engine::record::{Numbered, Record};
use tram_spool::store::{Store, StoreOptions};

use super::{Look, Room};

const ORIGINATOR: &str = "G22";

/// A store that knows these numbers of series 7 as assigned.
fn store(folder: &std::path::Path, numbers: impl Iterator<Item = u64>) -> Store {
    let options = StoreOptions { create_with_store_id: Some([7; 16]), ..StoreOptions::default() };
    let (mut store, ..) = Store::open_dir(folder, options).unwrap();
    let originator = AgencyCode::parse(ORIGINATOR).unwrap();
    let numbered = |number: u64| {
        Record::Numbered(Numbered {
            originator: originator.clone(),
            sequence: Sequence { series: 7, number },
            reference: number.to_string().parse().unwrap(),
            content: Digest(sha256(&number.to_be_bytes())),
            at: UnixMillis(number),
        })
    };
    let records = numbers.map(numbered).collect();
    store.commit(&Batch { number: 1, records, tree_nodes: Vec::new() }).unwrap();
    store
}

fn look(store: &Store, from: u64) -> Look {
    Look {
        store: store.reader(),
        agency: AgencyCode::parse(ORIGINATOR).unwrap(),
        from,
        limit: 500,
        now: UnixMillis(1_000_000),
        grace_ms: 0,
    }
}

#[test]
fn a_long_series_is_read_in_several_questions() {
    let folder = tempfile::tempdir().unwrap();
    // Every second number up to 200: the others were never seen.
    let store = store(folder.path(), (1..=100).map(|n| 2 * n));
    let (mut found, mut asked): (Vec<u64>, usize) = (Vec::new(), 0);
    let mut from = Some(1);
    while let Some(first) = from {
        let mut room = Room { entries: 8, pages: 3, leaves: 0 };
        let part: Numbering = look(&store, first).series(7, &mut room).unwrap();
        assert!(part.gaps.len() <= 2 * 3 * 8 && part.next.is_none_or(|next| next > first));
        assert!(part.gaps.iter().all(|gap| gap.class == GapClass::NeverSeen));
        found.extend(part.gaps.iter().map(|gap| gap.number));
        (from, asked) = (part.next, asked + 1);
    }
    assert_eq!(found, (1..=200).collect::<Vec<u64>>(), "each once, in order");
    assert!(asked > 3, "{asked}");
    // All at once where there is room.
    let mut room = Room::OF_A_QUESTION;
    let whole = look(&store, 1).series(7, &mut room).unwrap();
    assert_eq!((whole.gaps.len(), whole.next), (200, None));
    // What is read for one numbering is not there for the next.
    let mut room = Room { entries: 8, pages: 1, leaves: 0 };
    look(&store, 1).series(7, &mut room).unwrap();
    let none = look(&store, 1).series(7, &mut room).unwrap();
    assert_eq!((none.gaps.len(), none.next), (0, Some(1)));
}
