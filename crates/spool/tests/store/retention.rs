//! Documents whose time is over: nothing is left of them, and all else stays as it was.

use crate::same::{assert_same, open, options, put_files};
use crate::world::{World, agency};
use std::collections::BTreeSet;
use std::sync::Arc;
use tram_crypto::sha256;
use tram_dispatch::{Digest, DispatchId, UnixMillis};
use tram_engine::Batch;
use tram_engine::record::Record;
use tram_spool::check::{CheckOptions, check};
use tram_spool::disk::{Disk as _, MemDisk, OpenMode, read_full};
use tram_spool::store::{RemovalItem, Store};

const SMALL: &[u8] = b"mot van ban nho di cung nhat ky";

fn close(id: DispatchId) -> Batch {
    Batch { number: 0, records: vec![Record::Closed(id)], tree_nodes: Vec::new() }
}

fn large() -> String {
    "Quyết định ".repeat(9_000)
}

fn digest(bytes: &[u8]) -> Digest {
    Digest(sha256(bytes))
}

/// A store with so many dispatches, each with the same small and the same large document, all closed.
fn stored(disk: &MemDisk, count: usize) -> (Store, World, Vec<DispatchId>) {
    let (mut store, ..) = open(disk);
    let mut world = World::new(5);
    store.commit(&world.batch()).unwrap();
    let mut ids = Vec::new();
    for _ in 0..count {
        let (from, to) = (agency("G22"), vec![agency("H41")]);
        ids.push(world.take(from, to, vec![SMALL.into()], Some(large())));
        put_files(&store.reader(), &world.model);
        store.commit(&world.seal()).unwrap();
    }
    for id in &ids {
        store.commit(&close(*id)).unwrap();
        world.model.batches += 1;
        world.model.learn(&Record::Closed(*id));
    }
    (store, world, ids)
}

/// Fills segments until what was written before lies in one that grows no more.
fn roll(store: &mut Store, world: &mut World) {
    store.reader().journal().want_segment();
    store.maintain().unwrap();
    let (from, to) = (agency("H41"), vec![agency("G22")]);
    world.take(from, to, Vec::new(), None);
    store.commit(&world.seal()).unwrap();
}

fn journal_holds(disk: &MemDisk, needle: &[u8]) -> bool {
    disk.list("journal").unwrap().iter().any(|entry| {
        let file = disk.open(&format!("journal/{}", entry.name), OpenMode::Read).unwrap();
        let mut bytes = vec![0; file.len_bytes().unwrap() as usize];
        read_full(&*file, 0, &mut bytes).unwrap();
        bytes.windows(needle.len()).any(|w| w == needle)
    })
}

fn only(store: &Store) -> Vec<RemovalItem> {
    store.reader().removals(None, 100).unwrap().items
}

fn check_is_clean(disk: &MemDisk) {
    let options = CheckOptions { store: options(), rebuild_index: false };
    let report = check(Arc::new(disk.clone()), &options, None, &mut |_| ()).unwrap();
    assert!(report.is_ok() && report.index_rebuilt.is_none(), "{:#?}", report.findings);
}

#[test]
fn what_was_removed_is_nowhere_and_everything_still_answers() {
    let disk = MemDisk::new();
    let (mut store, mut world, ids) = stored(&disk, 1);
    let documents = vec![digest(SMALL), digest(large().as_bytes())];
    assert!(!store.reader().documents_removed(&ids[0]).unwrap());
    world.remove(ids[0], documents.clone());
    store.commit(&world.seal()).unwrap();
    let reader = store.reader();
    assert!(!reader.is_open(&ids[0]), "it gives nothing to do");
    assert!(reader.documents_removed(&ids[0]).unwrap());
    let removal = only(&store).pop().unwrap();
    assert_eq!((removal.dispatch, &removal.documents), (ids[0], &documents));

    let mut left = Vec::new();
    let erased = reader.erase(&removal, |_| true, |digest| left.push(*digest)).unwrap();
    assert_eq!((erased.files, erased.kept, erased.riding.len()), (1, 0, 1));
    assert_eq!(left, [digest(large().as_bytes())]);
    let riding: BTreeSet<_> = erased.riding.iter().copied().collect();
    assert_eq!(reader.strip(&riding).unwrap(), erased.riding, "the segment still grows");
    assert!(journal_holds(&disk, SMALL));
    roll(&mut store, &mut world);
    assert!(reader.strip(&riding).unwrap().is_empty());
    assert!(!journal_holds(&disk, SMALL));
    assert_eq!(reader.inline_document(&digest(SMALL)).unwrap(), None);
    assert!(reader.document(&digest(large().as_bytes())).unwrap().is_none());
    // Once more is nothing more.
    let again = reader.erase(&removal, |_| true, |_| ()).unwrap();
    assert_eq!((again.files, again.riding), (0, Vec::new()));

    // Receipts, proofs, histories: all but the bytes of the document.
    for (leaf, receipt) in &world.model.receipts {
        let given = reader.receipt(*leaf).unwrap().unwrap();
        assert_eq!(given.raw()[..], receipt[..]);
    }
    let held = reader.records_of(&ids[0]).unwrap().into_iter().find_map(|r| match r {
        Record::Held(held) => Some(held),
        _ => None,
    });
    let held = held.unwrap();
    assert_eq!((held.inline.len(), held.removed), (0, vec![digest(SMALL)]));
    assert_eq!(sha256(&held.raw), held.object.0, "the sealed dispatch stays");
    drop((reader, store));
    check_is_clean(&disk);
    // And an index that is built from the journal is the same one.
    let (store, ..) = open(&disk);
    assert!(store.reader().documents_removed(&ids[0]).unwrap());
    assert_eq!(store.reader().document_uses(&digest(SMALL), 9).unwrap().len(), 1);
}

#[test]
fn a_document_that_another_dispatch_keeps_stays() {
    let disk = MemDisk::new();
    let (mut store, mut world, ids) = stored(&disk, 2);
    let documents = vec![digest(SMALL), digest(large().as_bytes())];
    world.remove(ids[0], documents.clone());
    store.commit(&world.seal()).unwrap();
    roll(&mut store, &mut world);
    let reader = store.reader();
    let first = only(&store).pop().unwrap();
    let erased = reader.erase(&first, |_| true, |_| panic!("no file goes")).unwrap();
    assert_eq!((erased.files, erased.kept), (0, 1));
    assert!(reader.strip(&erased.riding.iter().copied().collect()).unwrap().is_empty());
    assert!(reader.document(&digest(large().as_bytes())).unwrap().is_some());
    assert_eq!(reader.inline_document(&digest(SMALL)).unwrap().as_deref(), Some(SMALL));
    // Its own removal takes them.
    world.remove(ids[1], documents);
    store.commit(&world.seal()).unwrap();
    let second = only(&store).pop().unwrap();
    // Not while somebody is about to need the file.
    let wanted = reader.erase(&second, |_| false, |_| ()).unwrap();
    assert_eq!((wanted.files, wanted.kept), (0, 1));
    let erased = reader.erase(&second, |_| true, |_| ()).unwrap();
    assert_eq!(erased.files, 1);
    reader.strip(&erased.riding.into_iter().collect()).unwrap();
    assert!(!journal_holds(&disk, SMALL));
}

#[test]
fn what_was_taken_anew_after_its_removal_stays() {
    let disk = MemDisk::new();
    let (mut store, mut world, ids) = stored(&disk, 1);
    let documents = vec![digest(SMALL), digest(large().as_bytes())];
    world.remove(ids[0], documents);
    store.commit(&world.seal()).unwrap();
    let held = store.reader().records_of(&ids[0]).unwrap().into_iter().find_map(|r| match r {
        Record::Held(held) => Some(held),
        _ => None,
    });
    let again = Record::Held(held.unwrap());
    store.commit(&Batch { number: 0, records: vec![again], tree_nodes: Vec::new() }).unwrap();
    let reader = store.reader();
    assert!(!reader.documents_removed(&ids[0]).unwrap());
    let removal = only(&store).pop().unwrap();
    let erased = reader.erase(&removal, |_| true, |_| panic!("no file goes")).unwrap();
    assert_eq!((erased.files, erased.kept), (0, 1));
    assert_eq!(erased.riding.len(), 1, "of the first custody alone");
    roll(&mut store, &mut world);
    reader.strip(&erased.riding.into_iter().collect()).unwrap();
    assert_eq!(reader.inline_document(&digest(SMALL)).unwrap().as_deref(), Some(SMALL));
}

#[test]
fn closings_are_listed_by_the_time_of_the_log() {
    let disk = MemDisk::new();
    let (mut store, mut world, ids) = stored(&disk, 3);
    let reader = store.reader();
    let all = reader.closed(UnixMillis(u64::MAX), None, 100).unwrap().items;
    assert_eq!(all.iter().map(|i| i.dispatch).collect::<Vec<_>>(), ids);
    assert!(all.iter().all(|i| i.newest && i.cursor.time() <= reader.log_head().time));
    assert!(reader.closed(UnixMillis(1_000), None, 100).unwrap().items.is_empty());
    let page = reader.closed(UnixMillis(u64::MAX), None, 2).unwrap();
    let rest = reader.closed(UnixMillis(u64::MAX), page.next, 2).unwrap();
    assert_eq!((page.items.len(), rest.items.len()), (2, 1));
    // Opened again, and closed again: only the last time counts.
    world.foreign_receipt(ids[0]);
    store.commit(&world.seal()).unwrap();
    store.commit(&close(ids[0])).unwrap();
    let all = reader.closed(UnixMillis(u64::MAX), None, 100).unwrap().items;
    let newest: Vec<bool> = all.iter().map(|i| i.newest).collect();
    assert_eq!(newest, [false, true, true, true]);
    assert_eq!(all[3].dispatch, ids[0]);
}

#[test]
fn a_power_cut_at_any_moment_leaves_what_can_be_done_again() {
    let mut done = 0;
    for cut in 0..36 {
        let disk = MemDisk::new();
        let (mut store, mut world, ids) = stored(&disk, 1);
        world.remove(ids[0], vec![digest(SMALL), digest(large().as_bytes())]);
        store.commit(&world.seal()).unwrap();
        roll(&mut store, &mut world);
        store.flush().unwrap();
        let reader = store.reader();
        let removal = only(&store).pop().unwrap();
        disk.power_off_after(cut);
        let erased = reader.erase(&removal, |_| true, |_| ());
        let stripped = erased.and_then(|e| reader.strip(&e.riding.into_iter().collect())).is_ok();
        done += usize::from(stripped);
        drop((reader, store));
        let disk = disk.crash(cut);
        let (store, ..) = open(&disk);
        let reader = store.reader();
        if stripped {
            assert!(!journal_holds(&disk, SMALL), "cut {cut}: it was said to be done");
            assert!(reader.document(&digest(large().as_bytes())).unwrap().is_none());
        }
        let removal = only(&store).pop().unwrap();
        let erased = reader.erase(&removal, |_| true, |_| ()).unwrap();
        assert!(reader.strip(&erased.riding.into_iter().collect()).unwrap().is_empty());
        assert!(!journal_holds(&disk, SMALL));
        assert!(reader.document(&digest(large().as_bytes())).unwrap().is_none());
        drop((reader, store));
        check_is_clean(&disk);
    }
    assert!((3..33).contains(&done), "{done}");
}

#[test]
fn the_same_answers_whatever_was_removed() {
    let disk = MemDisk::new();
    let (store, world, _) = stored(&disk, 3);
    assert_same(&store.reader(), &world.model);
}
