//! What a key touched: exactly what was sealed with it, handed over or said by its node.

use crate::answers::check;
use crate::options;
use crate::world::{Voice, World, node};
use tram_crypto::sha256;
use tram_dispatch::{Digest, DispatchId, Event, UnixMillis};
use tram_spool::store::{INDEX_FILE, Store, StoreReader, Touched, TouchedBy, TouchedQuery, What};

const TO: &str = "H41.12";
const STOLEN: &[u8] = b"a certificate whose key is in foreign hands";

fn query(by: TouchedBy) -> TouchedQuery {
    TouchedQuery { by, from: None, to: None, after: None, limit: 500 }
}

fn all(reader: &StoreReader, by: TouchedBy) -> Vec<Touched> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = reader.touched(&TouchedQuery { after, limit: 1, ..query(by.clone()) }).unwrap();
        let page = page.expect("it is known");
        all.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => return all,
        }
    }
}

fn stolen() -> Digest {
    Digest(sha256(STOLEN))
}

fn sealed(at: UnixMillis, dispatch: DispatchId) -> Touched {
    Touched { at, dispatch, what: What::Dispatch, certificate: Some(stolen()) }
}

/// What a line is, and when.
fn kinds(all: &[Touched]) -> Vec<(UnixMillis, DispatchId, Option<Event>)> {
    let kind = |t: &Touched| match &t.what {
        What::Receipt(e) => Some(e.event),
        What::Transfer => None,
        other => panic!("of a node: {other:?}"),
    };
    all.iter().map(|t| (t.at, t.dispatch, kind(t))).collect()
}

#[test]
fn a_key_is_answered_with_all_it_touched_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open_dir(directory.path(), options()).unwrap().0;
    let mut world = World::new();
    let tick = |world: &mut World, store: &mut Store| {
        store.commit(&world.batch()).unwrap();
        world.now = world.now.plus_ms(60_000);
    };
    let first = world.sealed_under(STOLEN, "G22", &[TO]);
    let other = world.sealed("G22", &[TO]);
    let later = world.sealed_under(STOLEN, "G22", &[TO, "H42"]);
    let begin = world.now;
    world.held_with_receipt(first, &[TO]);
    tick(&mut world, &mut store);
    world.held(other, &[TO]);
    tick(&mut world, &mut store);
    let held_later = world.now;
    world.held(later, &[TO]);
    tick(&mut world, &mut store);
    // More legs of it, and custody of the first again: neither is another dispatch.
    let more = world.now;
    world.more(later, &["H42"]);
    tick(&mut world, &mut store);
    let again = world.now;
    world.held(first, &[TO]);
    tick(&mut world, &mut store);
    let said = world.now;
    world.say(Voice::Foreign, other, TO, Event::ContentConsignment, None);
    tick(&mut world, &mut store);
    // Its own time is whoever has the key's; that of the receipt is the node's.
    let stated = world.now;
    world.registered(STOLEN, other, TO);
    tick(&mut world, &mut store);

    let other_node = node("n1.G22");
    let [own_epoch, other_epoch] = world.epochs();
    let holds = |reader: &StoreReader| {
        let what = What::Statement(TO.parse().unwrap());
        let statement = Touched { at: stated, dispatch: other, what, certificate: Some(stolen()) };
        let want = [sealed(begin, first), sealed(held_later, later), statement];
        for by in [TouchedBy::Certificate(stolen()), TouchedBy::Key(stolen())] {
            assert_eq!(all(reader, by.clone()), want, "{by:?}");
            let after = TouchedQuery { from: Some(held_later), ..query(by.clone()) };
            assert_eq!(reader.touched(&after).unwrap().unwrap().items, want[1..]);
            let before = TouchedQuery { to: Some(held_later), ..query(by) };
            assert_eq!(reader.touched(&before).unwrap().unwrap().items, want[..1]);
        }
        let unknown = Digest([9; 32]);
        assert!(reader.touched(&query(TouchedBy::Certificate(unknown))).unwrap().is_none());
        let serial = TouchedBy::Serial(vec![7], "CN=x".to_owned());
        assert!(reader.touched(&query(serial)).unwrap().is_none());
        assert!(all(reader, TouchedBy::Key(unknown)).is_empty());

        let receipt = Some(Event::SubmissionAcceptance);
        let of_other = all(reader, TouchedBy::Node(other_node.clone(), None));
        assert_eq!(
            kinds(&of_other),
            [
                (begin, first, None),
                (begin, first, receipt),
                (begin.plus_ms(60_000), other, None),
                (held_later, later, None),
                (more, later, None),
                (again, first, None),
                (said, other, Some(Event::ContentConsignment)),
                (stated, other, Some(Event::ConsignmentAcceptance)),
            ]
        );
        let of_log = all(reader, TouchedBy::Node(other_node.clone(), Some(other_epoch)));
        let receipts = [
            (begin, first, receipt),
            (said, other, Some(Event::ContentConsignment)),
            (stated, other, Some(Event::ConsignmentAcceptance)),
        ];
        assert_eq!(kinds(&of_log), receipts);
        assert!(all(reader, TouchedBy::Node(other_node.clone(), Some(own_epoch))).is_empty());
        let own = all(reader, TouchedBy::Node(node("n1.H41"), Some(own_epoch)));
        assert_eq!(own.len(), 5, "each acceptance: {own:?}");
        assert!(all(reader, TouchedBy::Node(node("n1.H42"), None)).is_empty());
    };
    holds(&store.reader());
    // From the index file, from one built anew, and by the check.
    store.flush().unwrap();
    drop(store);
    let open = || Store::open_dir(directory.path(), options()).unwrap().0;
    holds(&open().reader());
    std::fs::remove_file(directory.path().join(INDEX_FILE)).unwrap();
    holds(&open().reader());
    check(directory.path(), options());
}
