//! The check finds what is wrong, and only that.

use crate::same::{open, options, put_files};
use crate::world::World;
use std::path::Path;
use std::sync::Arc;
use tram_dispatch::{Code, NetworkId};
use tram_engine::record::Record;
use tram_spool::check::{CheckOptions, CheckReport, Phase, Severity, Signatures, check, check_at};
use tram_spool::disk::{Disk, MemDisk, OpenMode, RealDisk};
use tram_spool::journal::{Journal, JournalOptions};
use tram_spool::records;
use tram_spool::store::{INDEX_FILE, Store, StoreOptions};
use tram_wire::receipt::{Receipt, SignedRoot};

fn run(store: &mut Store, world: &mut World, batches: u64) {
    for _ in 0..batches {
        let batch = world.batch();
        put_files(&store.reader(), &world.model);
        store.commit(&batch).unwrap();
    }
}

fn filled(seed: u64) -> (MemDisk, World) {
    let disk = MemDisk::new();
    let mut world = World::new(seed);
    let (mut store, ..) = open(&disk);
    run(&mut store, &mut world, 60);
    (disk, world)
}

fn checked(disk: &MemDisk) -> CheckReport {
    let options = CheckOptions { store: options(), rebuild_index: false };
    check(Arc::new(disk.clone()), &options, None, &mut |_| ()).unwrap()
}

/// Accepts every signature but that of one root.
struct AllBut {
    refuse_size: u64,
}

impl Signatures for AllBut {
    fn root(&self, network: NetworkId, root: &SignedRoot) -> Result<(), String> {
        assert_eq!(network, crate::world::NETWORK);
        if root.size == self.refuse_size { Err("refused".to_owned()) } else { Ok(()) }
    }
    fn receipt(&self, raw: &[u8]) -> Result<(), String> {
        Receipt::parse(raw).map(|_| ()).map_err(|e| e.to_string())
    }
}

#[test]
fn a_sound_store_has_no_findings_at_rest_and_in_use() {
    let (disk, mut world) = filled(4);
    let mut phases = Vec::new();
    let mut progress = |p: tram_spool::check::Progress| phases.push(p.phase);
    let sound = CheckOptions { store: options(), rebuild_index: false };
    let signatures = AllBut { refuse_size: 0 };
    let report = check(Arc::new(disk.clone()), &sound, Some(&signatures), &mut progress).unwrap();
    assert!(report.is_ok() && report.findings.is_empty(), "{:#?}", report.findings);
    phases.dedup();
    assert_eq!(phases, [Phase::Journal, Phase::Index, Phase::Documents, Phase::Legs]);
    let model = &world.model;
    assert_eq!(report.batches, model.batches);
    assert_eq!(report.leaves, *model.roots.last_key_value().unwrap().0);
    assert_eq!(report.roots, model.roots.len() as u64);
    assert!(report.dispatches > 20 && report.legs >= report.dispatches);
    assert!(report.documents > report.dispatches && report.index_entries > 500);
    assert_eq!(report.signatures, report.roots + report.foreign);

    let (mut store, ..) = open(&disk);
    let reader = store.reader();
    let before = check_at(&reader, None, None, &mut |_| ()).unwrap();
    assert!(before.is_ok() && before.findings.is_empty(), "{:#?}", before.findings);
    run(&mut store, &mut world, 20);
    // A snapshot of the past, although the store has gone on.
    let at = check_at(&reader, before.at, None, &mut |_| ()).unwrap();
    assert!(at.is_ok(), "{:#?}", at.findings);
    assert_eq!((at.batches, at.leaves), (before.batches, before.leaves));
    let refused = check_at(&reader, None, Some(&AllBut { refuse_size: 1 }), &mut |_| ()).unwrap();
    assert_eq!(refused.findings.len(), 1);
    assert_eq!(refused.findings[0].code, Code::ReceiptInvalid);
}

/// Flips a bit of the first place in the journal that holds `needle`.
fn flip_in_journal(disk: &MemDisk, needle: &[u8]) {
    for entry in disk.list("journal").unwrap() {
        let path = format!("journal/{}", entry.name);
        let file = disk.open(&path, OpenMode::Read).unwrap();
        let mut bytes = vec![0; file.len_bytes().unwrap() as usize];
        file.read_at(0, &mut bytes).unwrap();
        if let Some(at) = bytes.windows(needle.len()).position(|w| w == needle) {
            assert!(disk.flip_bit(&path, at as u64 * 8 + 3));
            return;
        }
    }
    panic!("the journal does not hold it");
}

fn damage(report: &CheckReport, code: Code) -> bool {
    report.findings.iter().any(|f| f.severity == Severity::Damage && f.code == code)
}

#[test]
fn a_flipped_bit_of_a_leaf_or_an_inline_document_is_found() {
    for seed in 2..5 {
        let (disk, world) = filled(seed);
        let own = world.model.histories.values().flatten().find_map(|r| match r {
            Record::Evidence(own) => Some(own.leaf.salt),
            _ => None,
        });
        let inline = world.model.inline.values().next().unwrap();
        for needle in [&own.unwrap()[..], &inline[..12]] {
            let damaged = disk.crash(1);
            assert!(checked(&damaged).is_ok());
            flip_in_journal(&damaged, needle);
            let report = checked(&damaged);
            assert!(damage(&report, Code::StoreCorrupt), "{report:#?}");
        }
    }
}

/// A journal whose checksums are all right, with `change` made to its records beforehand.
fn forged(seed: u64, change: impl Fn(&mut Record)) -> MemDisk {
    let disk = MemDisk::new();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let options = JournalOptions { create_with_store_id: Some([7; 16]), segment_bytes: 64 << 10 };
    let (mut journal, _) = Journal::open(shared, "journal", &options).unwrap();
    let mut world = World::new(seed);
    for _ in 0..25 {
        let mut batch = world.batch();
        batch.records.iter_mut().for_each(&change);
        let stored: Vec<_> = batch.records.iter().map(records::encode).collect();
        journal.append(&stored).unwrap();
    }
    disk
}

#[test]
fn what_the_checksums_cannot_see_is_found() {
    let leaf = |r: &mut Record| {
        if let Record::Evidence(own) = r
            && own.leaf.index == 9
        {
            own.leaf.salt[0] ^= 1;
        }
    };
    assert!(damage(&checked(&forged(20, leaf)), Code::StoreCorrupt));
    type Change = fn(&mut Record);
    let changes: [(&str, Change); 4] = [
        ("another digest", |r| {
            if let Record::Held(held) = r {
                held.inline.iter_mut().for_each(|(_, bytes)| *bytes = b"other".as_slice().into());
            }
        }),
        ("submission key", |r| {
            if let Record::Held(held) = r {
                held.originator = crate::world::agency("H77");
            }
        }),
        ("has no acceptance", |r| {
            if let Record::Held(held) = r
                && held.previous.is_some()
            {
                held.recipients.push(crate::world::agency("H77"));
            }
        }),
        ("without custody", |r| {
            if let Record::Held(held) = r {
                *r = Record::Closed(held.dispatch);
            }
        }),
    ];
    for (what, change) in changes {
        let report = checked(&forged(21, change));
        let found = report.findings.iter().any(|f| f.what.contains(what));
        assert!(found && !report.is_ok(), "{what}: {:#?}", report.findings);
    }
}

#[test]
fn damaged_missing_and_surplus_files_are_found() {
    let (disk, world) = filled(30);
    let path = |digest: &tram_dispatch::Digest| {
        let hex = digest.to_string();
        format!("documents/{}/{}/{hex}", &hex[..2], &hex[2..4])
    };
    let used = |digest: &&tram_dispatch::Digest| {
        world.model.histories.iter().filter(|(id, _)| world.model.active.contains(id)).any(
            |(_, history)| {
                history.iter().any(
                    |r| matches!(r, Record::Held(h) if h.files.iter().any(|(d, _)| d == *digest)),
                )
            },
        )
    };
    let digests: Vec<_> = world.model.files.keys().filter(used).collect();
    assert!(digests.len() >= 2);
    assert!(disk.flip_bit(&path(digests[0]), 4000));
    disk.remove(&path(digests[1])).unwrap();
    let (store, ..) = open(&disk);
    let documents = store.reader().documents().clone();
    let mut writer = documents.begin("up", 7).unwrap();
    writer.write(b"nobody!").unwrap();
    let surplus = tram_crypto::sha256(b"nobody!");
    writer.finish(&surplus, 7).unwrap();
    drop((store, documents));
    let report = checked(&disk);
    let find = |what: &str, digest: &dyn std::fmt::Display| {
        report
            .findings
            .iter()
            .find(|f| f.what.contains(what) && f.place.contains(&digest.to_string()))
    };
    assert_eq!(find("digest is", digests[0]).unwrap().severity, Severity::Damage);
    assert_eq!(find("missing", digests[1]).unwrap().severity, Severity::Damage);
    let surplus = tram_dispatch::Digest(surplus);
    assert_eq!(find("no open dispatch", &surplus).unwrap().severity, Severity::Note);
    assert_eq!(report.findings.iter().filter(|f| f.severity == Severity::Damage).count(), 2);
}

fn check_real(dir: &Path, rebuild_index: bool) -> CheckReport {
    let disk = Arc::new(RealDisk::open(dir).unwrap());
    let store = StoreOptions { directory: Some(dir.to_owned()), ..options() };
    check(disk, &CheckOptions { store, rebuild_index }, None, &mut |_| ()).unwrap()
}

#[test]
fn a_damaged_index_is_found_and_rebuilt() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::new(40);
    let (mut store, ..) = Store::open_dir(dir.path(), options()).unwrap();
    run(&mut store, &mut world, 80);
    drop(store);
    let index = dir.path().join(INDEX_FILE);
    let sound = check_real(dir.path(), false);
    assert!(sound.findings.is_empty() && sound.index_rebuilt.is_none(), "{sound:#?}");

    // One bit in each of several entries, wherever they lie in the file; an older copy of an entry
    // may lie in a page that is free, so every copy is changed.
    let bytes = std::fs::read(&index).unwrap();
    let ids: Vec<_> = world.model.histories.keys().take(3).collect();
    for id in ids {
        let places = bytes.windows(32).enumerate().filter(|(_, w)| *w == id.as_bytes());
        let places: Vec<usize> = places.map(|(at, _)| at).collect();
        assert!(!places.is_empty());
        let mut flipped = bytes.clone();
        places.into_iter().for_each(|at| flipped[at + 3] ^= 0x10);
        std::fs::write(&index, &flipped).unwrap();
        let report = check_real(dir.path(), false);
        let found = report.findings.iter().all(|f| f.severity == Severity::Index);
        assert!(found && !report.is_ok() && report.index_rebuilt.is_some(), "{report:#?}");
        assert!(check_real(dir.path(), false).findings.is_empty());
    }

    // Entries removed or added behind redb's back keep its checksums right.
    let table: redb::TableDefinition<'_, &[u8], &[u8]> = redb::TableDefinition::new("entries");
    for surplus in [true, false] {
        let db = redb::Database::open(&index).unwrap();
        let write = db.begin_write().unwrap();
        {
            let mut table = write.open_table(table).unwrap();
            if surplus {
                table.insert(&b"hx"[..], &b""[..]).unwrap();
            } else {
                let key = {
                    use redb::ReadableTable;
                    let range = table.range(&b"l"[..]..).unwrap();
                    range.into_iter().next().unwrap().unwrap().0.value().to_vec()
                };
                table.remove(&key[..]).unwrap();
            }
        }
        write.commit().unwrap();
        drop(db);
        let report = check_real(dir.path(), false);
        assert!(!report.is_ok(), "{surplus}");
        let rebuilt = check_real(dir.path(), true);
        assert!(rebuilt.is_ok() && rebuilt.index_rebuilt.is_some(), "{rebuilt:#?}");
        assert!(check_real(dir.path(), false).findings.is_empty());
    }
    let (store, _, report) = Store::open_dir(dir.path(), options()).unwrap();
    assert_eq!(report.index.rebuilt, None);
    crate::same::assert_same(&store.reader(), &world.model);
}
