//! Opening again: the same answers from the index, from a rebuilt one, in memory and on a real disk.

use crate::same::{assert_recovered, assert_same, open, options, put_files};
use crate::world::World;
use std::path::Path;
use std::sync::Arc;
use tram_dispatch::{Code, DispatchId};
use tram_engine::record::{Quarantine, Record};
use tram_engine::{Anchor, Doubt, Recovered};
use tram_spool::anchor::AnchorFile;
use tram_spool::disk::{Disk, MemDisk, OpenMode};
use tram_spool::store::{
    AnchorState, CommitError, INDEX_FILE, JOURNAL_DIR, RecoveryReport, Store, StoreError,
    StoreOptions,
};

fn real(dir: &Path) -> Result<(Store, Recovered, RecoveryReport), StoreError> {
    Store::open_dir(dir, StoreOptions { flush_interval_ms: 20, ..options() })
}

fn run(store: &mut Store, world: &mut World, batches: u64) {
    for _ in 0..batches {
        let batch = world.batch();
        put_files(&store.reader(), &world.model);
        store.commit(&batch).unwrap();
    }
}

#[test]
fn a_store_on_a_simulated_disk_answers_the_same_after_every_opening() {
    let disk = MemDisk::new();
    let mut world = World::new(1);
    for _ in 0..6 {
        let (mut store, recovered, report) = open(&disk);
        assert_recovered(&recovered, &report, &world.model);
        assert_same(&store.reader(), &world.model);
        run(&mut store, &mut world, 40);
        assert_same(&store.reader(), &world.model);
    }
}

/// Flips one byte of the sector in which a dispatch's id first lies, in a segment that opening does
/// not read whole.
fn spoil(dir: &Path, id: &DispatchId) -> bool {
    let mut segments: Vec<_> = std::fs::read_dir(dir.join(JOURNAL_DIR))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "segment"))
        .collect();
    segments.sort();
    segments.pop();
    segments.iter().any(|path| {
        let mut bytes = std::fs::read(path).unwrap();
        let at = bytes.windows(32).position(|w| w == id.as_bytes());
        if let Some(at) = at {
            bytes[at] ^= 1;
            std::fs::write(path, &bytes).unwrap();
        }
        at.is_some()
    })
}

#[test]
fn one_dispatch_whose_records_are_damaged_keeps_no_other_from_starting() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::new(8);
    let (mut store, ..) = real(dir.path()).unwrap();
    run(&mut store, &mut world, 200);
    // What the index does not have yet is read at the start, whole; so are the places of what is about no
    // dispatch, which this seed does not have in the sector that is spoilt.
    store.flush().unwrap();
    drop(store);
    let oldest = |id: &&DispatchId| {
        let held = |r: &Record| matches!(r, Record::Held(_));
        world.model.histories[*id].iter().any(held)
    };
    let bad = *world.model.active.iter().filter(oldest).find(|id| spoil(dir.path(), id)).unwrap();
    let (_, recovered, report) = real(dir.path()).unwrap();
    assert_eq!(report.index.rebuilt, None);
    let mut set_aside = Vec::new();
    for history in &recovered.open {
        let id = history.iter().find_map(Record::dispatch).unwrap();
        match history.last() {
            Some(Record::Quarantine(Quarantine { cause: Some(cause), at, .. }))
                if cause.unread && at.0 == 0 =>
            {
                assert_eq!(cause.code, Code::StoreCorrupt);
                assert!(cause.detail.contains("checksum"), "{}", cause.detail);
                set_aside.push(id);
            }
            _ => assert_eq!(history, &world.model.histories[&id]),
        }
    }
    assert!(set_aside.contains(&bad));
    assert!(set_aside.len() < recovered.open.len() / 2, "the others are whole");
    assert_eq!(recovered.open.len(), world.model.active.len());
}

#[test]
fn a_real_store_answers_the_same_with_its_index_without_it_and_with_a_damaged_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::new(2);
    let index = dir.path().join(INDEX_FILE);
    for round in 0..6 {
        let (mut store, recovered, report) = real(dir.path()).unwrap();
        assert_recovered(&recovered, &report, &world.model);
        assert_same(&store.reader(), &world.model);
        assert_eq!(report.index.rebuilt.is_some(), [2, 4, 5].contains(&round), "{report:?}");
        if round > 0 && report.index.rebuilt.is_none() {
            assert_eq!(report.index.replayed_batches, 0);
        }
        run(&mut store, &mut world, 60);
        drop(store);
        match round {
            1 => std::fs::remove_file(&index).unwrap(),
            3 => std::fs::write(&index, b"not an index at all").unwrap(),
            4 => std::fs::write(&index, vec![0xff; 1 << 20]).unwrap(),
            _ => {}
        }
    }
}

#[test]
fn an_index_that_is_behind_catches_up_and_one_that_is_ahead_is_rebuilt() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::new(3);
    let index = dir.path().join(INDEX_FILE);
    let (mut store, ..) = real(dir.path()).unwrap();
    run(&mut store, &mut world, 30);
    drop(store);
    let old_index = std::fs::read(&index).unwrap();
    let old_world = world.clone();
    let journal = dir.path().join("journal");
    let keep = tempfile::tempdir().unwrap();
    copy(&journal, keep.path());
    let (mut store, ..) = real(dir.path()).unwrap();
    run(&mut store, &mut world, 30);
    drop(store);

    std::fs::copy(&index, keep.path().join("new-index")).unwrap();
    std::fs::write(&index, &old_index).unwrap();
    let (store, recovered, report) = real(dir.path()).unwrap();
    assert_eq!((&report.index.rebuilt, report.index.replayed_batches), (&None, 30));
    assert_recovered(&recovered, &report, &world.model);
    assert_same(&store.reader(), &world.model);
    drop(store);

    // A restored journal with the newer index: the index knows too much.
    std::fs::copy(keep.path().join("new-index"), &index).unwrap();
    std::fs::remove_dir_all(&journal).unwrap();
    std::fs::create_dir(&journal).unwrap();
    copy(keep.path(), &journal);
    std::fs::remove_file(journal.join("new-index")).unwrap();
    let (store, recovered, report) = real(dir.path()).unwrap();
    assert!(report.index.rebuilt.is_some());
    assert_recovered(&recovered, &report, &old_world.model);
    assert_same(&store.reader(), &old_world.model);
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

#[test]
fn formats_of_the_future_are_refused_by_name_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, ..) = real(dir.path()).unwrap();
    run(&mut store, &mut World::new(4), 3);
    drop(store);
    let path = dir.path().join(INDEX_FILE);
    let meta: redb::TableDefinition<'_, &str, u64> = redb::TableDefinition::new("meta");
    let db = redb::Database::open(&path).unwrap();
    let write = db.begin_write().unwrap();
    write.open_table(meta).unwrap().insert("format", 99).unwrap();
    write.commit().unwrap();
    drop(db);
    let e = real(dir.path()).unwrap_err();
    assert_eq!(e.code(), Code::StoreVersion, "{}", e.explain());
    assert!(e.explain().contains("format 99"), "{}", e.explain());
    let db = redb::Database::open(&path).unwrap();
    let read = redb::ReadableDatabase::begin_read(&db).unwrap();
    assert_eq!(read.open_table(meta).unwrap().get("format").unwrap().unwrap().value(), 99);
    drop((read, db));

    // A record of a kind that this version does not know.
    let disk = MemDisk::new();
    let (mut store, ..) = open(&disk);
    run(&mut store, &mut World::new(4), 2);
    drop(store);
    let options = tram_spool::journal::JournalOptions::default();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let (mut journal, _) =
        tram_spool::journal::Journal::open(Arc::clone(&shared), "journal", &options).unwrap();
    journal.append(&[tram_spool::journal::Record { kind: 999, body: vec![1] }]).unwrap();
    drop(journal);
    let e = Store::open(shared, crate::same::options()).unwrap_err();
    assert_eq!(e.code(), Code::StoreVersion, "{}", e.explain());
}

#[test]
fn a_second_store_and_a_missing_one_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let none = StoreOptions { create_with_store_id: None, ..options() };
    let e = Store::open_dir(dir.path(), none).unwrap_err();
    assert_eq!(e.code(), Code::Unreadable, "{}", e.explain());
    let (_store, ..) = real(dir.path()).unwrap();
    assert_eq!(real(dir.path()).unwrap_err().code(), Code::StoreLocked);
}

#[test]
fn a_batch_that_does_not_continue_the_log_is_not_written() {
    type Spoil = fn(&mut tram_engine::Batch);
    let spoils: [Spoil; 6] = [
        |b| b.tree_nodes.iter_mut().for_each(|n| n.2[0] ^= 1),
        |b| b.tree_nodes.retain(|(level, index, _)| *level > 0 || index % 2 == 0),
        |b| drop(b.records.pop()),
        |b| {
            if let Some(Record::Root(root)) = b.records.last_mut() {
                root.root[5] ^= 1;
            }
        },
        |b| {
            b.tree_nodes.clear();
            for r in &mut b.records {
                if let Record::Evidence(own) = r {
                    own.leaf.salt[0] ^= 1;
                }
            }
        },
        |b| {
            for r in &mut b.records {
                if let Record::Evidence(own) = r {
                    own.leaf.index += 1;
                }
            }
        },
    ];
    for (n, spoil) in spoils.into_iter().enumerate() {
        let disk = MemDisk::new();
        let (mut store, ..) = open(&disk);
        let mut world = World::new(5);
        run(&mut store, &mut world, 2);
        let model = world.model.clone();
        let id = world.take(
            crate::world::agency("H41"),
            vec![crate::world::agency("G22")],
            Vec::new(),
            None,
        );
        world.witness(id, tram_dispatch::Event::ContentHandover, None);
        let mut batch = world.seal();
        spoil(&mut batch);
        let e = store.commit(&batch).unwrap_err();
        assert!(matches!(e, CommitError::Log(_)) && e.is_fatal(), "{n}: {}", e.explain());
        assert!(matches!(store.commit(&batch), Err(CommitError::Stopped)));
        drop(store);
        let (store, ..) = open(&disk);
        assert_same(&store.reader(), &model);
    }
}

#[test]
fn the_anchor_follows_and_betrays_an_older_copy() {
    let disk = MemDisk::new();
    let anchors = MemDisk::new();
    let anchor = AnchorFile::on(Arc::new(anchors.clone()), "anchor");
    let with = || StoreOptions {
        anchor: Some(anchor.clone()),
        machine_id: "machine-1".to_owned(),
        ..options()
    };
    let open = |disk: &MemDisk| Store::open(Arc::new(disk.clone()), with()).unwrap();
    let mut world = World::new(6);
    let (mut store, recovered, report) = open(&disk);
    assert_eq!((report.anchor, recovered.anchor), (AnchorState::New, Anchor::Agrees));
    store.replace_anchor().unwrap();
    drop(store);
    // Power went off before the first leaf.
    let (mut store, _, report) = open(&disk);
    assert_eq!(report.anchor, AnchorState::Agrees);
    run(&mut store, &mut world, 10);
    drop(store);
    let backup = disk.crash(0);
    let (mut store, recovered, report) = open(&disk);
    assert_eq!((report.anchor, recovered.anchor), (AnchorState::Agrees, Anchor::Agrees));
    run(&mut store, &mut world, 10);
    drop(store);
    let size = anchor.read().unwrap().unwrap().tree_size;
    assert_eq!(size, *world.model.roots.last_key_value().unwrap().0);

    let (mut store, recovered, report) = open(&backup);
    assert!(matches!(report.anchor, AnchorState::RolledBack { .. }), "{report:?}");
    assert_eq!(report.anchor.code(), Some(Code::LogRollback));
    assert_eq!(recovered.anchor, Anchor::RolledBack { size });
    // Until somebody says so, the anchor keeps what it knows.
    store.flush().unwrap();
    assert_eq!(anchor.read().unwrap().unwrap().tree_size, size);
    store.replace_anchor().unwrap();
    assert!(anchor.read().unwrap().unwrap().tree_size < size);
}

#[test]
fn an_anchor_that_is_not_this_stores_vouches_for_nothing_and_is_left_alone() {
    let disk = MemDisk::new();
    let anchors = MemDisk::new();
    let anchor = AnchorFile::on(Arc::new(anchors.clone()), "anchor");
    let with = |machine: &str| StoreOptions {
        anchor: Some(anchor.clone()),
        machine_id: machine.to_owned(),
        ..options()
    };
    let open = |machine: &str| Store::open(Arc::new(disk.clone()), with(machine)).unwrap();
    let (mut store, _, _) = open("machine-1");
    run(&mut store, &mut World::new(6), 10);
    drop(store);
    let own = anchor.read().unwrap().unwrap();
    let doubt = |machine: &str| {
        let (mut store, recovered, report) = open(machine);
        assert_eq!((report.anchor.is_safe(), report.anchor.code()), (false, None), "{report:?}");
        store.flush().unwrap();
        recovered.anchor
    };
    let moved = doubt("machine-2");
    assert_eq!(moved, Anchor::Unclean(Doubt::OtherMachine { wrote: "machine-1".to_owned() }));
    assert_eq!(anchor.read().unwrap(), Some(own.clone()));
    let ahead = tram_spool::anchor::Anchor { batch_seq: own.batch_seq + 1, ..own.clone() };
    anchor.write(&ahead).unwrap();
    assert_eq!(doubt("machine-1"), Anchor::Unclean(Doubt::Ahead));
    assert_eq!(anchor.read().unwrap(), Some(ahead));
    let foreign = tram_spool::anchor::Anchor { store_id: [8; 16], ..own.clone() };
    anchor.write(&foreign).unwrap();
    assert_eq!(doubt("machine-1"), Anchor::Unclean(Doubt::OtherStore));
    assert_eq!(anchor.read().unwrap(), Some(foreign));
    let forked = tram_spool::anchor::Anchor { root: [9; 32], ..own.clone() };
    anchor.write(&forked).unwrap();
    let (_, recovered, report) = open("machine-1");
    assert_eq!(report.anchor.code(), Some(Code::LogFork));
    assert_eq!(recovered.anchor, Anchor::Forked { size: own.tree_size });
    anchor.write(&own).unwrap();
    let file = anchors.open("anchor", OpenMode::Write).unwrap();
    file.write_at(30, b"x").unwrap();
    drop(file);
    assert!(matches!(doubt("machine-1"), Anchor::Unclean(Doubt::Unreadable { .. })));
    anchors.remove("anchor").unwrap();
    assert_eq!(doubt("machine-1"), Anchor::Unclean(Doubt::Missing));
    assert_eq!(anchor.read().unwrap(), None, "a restart finds the same");
}

#[test]
fn another_store_beside_a_known_anchor_is_new_only_where_neither_has_signed() {
    let anchors = MemDisk::new();
    let anchor = AnchorFile::on(Arc::new(anchors.clone()), "anchor");
    let open = |store_id: [u8; 16]| {
        let with = StoreOptions {
            anchor: Some(anchor.clone()),
            create_with_store_id: Some(store_id),
            ..options()
        };
        Store::open(Arc::new(MemDisk::new()), with).unwrap()
    };
    let (mut store, _, _) = open([7; 16]);
    store.replace_anchor().unwrap();
    drop(store);
    let (mut store, _, report) = open([8; 16]);
    assert_eq!(report.anchor, AnchorState::New);
    store.replace_anchor().unwrap();
    run(&mut store, &mut World::new(6), 10);
    drop(store);
    let (_store, recovered, report) = open([9; 16]);
    assert_eq!(report.anchor, AnchorState::OtherStore);
    assert_eq!(recovered.anchor, Anchor::Unclean(Doubt::OtherStore));
}
