//! Documents: whole or not there, across errors and power cuts.

use crate::support::Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tram_crypto::sha256;
use tram_spool::disk::{Disk, DiskOp, Fault, FaultEffect, FaultError, MemDisk, RealDisk};
use tram_spool::documents::{
    Bringer, DOCUMENT_BYTES_MAX, DocumentError, DocumentOptions, DocumentStore, ListedDocument,
};

fn options() -> DocumentOptions {
    DocumentOptions { reserve_bytes: 1000, keep_uploads: BTreeSet::new() }
}

fn store(disk: &MemDisk) -> DocumentStore {
    DocumentStore::open(Arc::new(disk.clone()), &options()).unwrap()
}

fn body(seed: u64, len: usize) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    (0..len).map(|_| rng.below(256) as u8).collect()
}

fn put(store: &DocumentStore, upload: &str, bytes: &[u8]) -> Result<[u8; 32], DocumentError> {
    let mut writer = store.begin(upload, bytes.len() as u64)?;
    for chunk in bytes.chunks(7000) {
        writer.write(chunk)?;
    }
    Ok(writer.finish(&sha256(bytes), bytes.len() as u64)?.digest)
}

fn get(store: &DocumentStore, digest: &[u8; 32], offset: u64) -> Vec<u8> {
    store.open_read(digest).unwrap().chunks(offset, 1000).flat_map(Result::unwrap).collect()
}

fn listed(store: &DocumentStore) -> Vec<ListedDocument> {
    store.list().map(Result::unwrap).collect()
}

#[test]
fn what_is_stored_is_read_back_from_any_offset_on_both_kinds_of_disk() {
    let dir = tempfile::tempdir().unwrap();
    let disks: [Arc<dyn Disk>; 2] =
        [Arc::new(MemDisk::new()), Arc::new(RealDisk::open(dir.path()).unwrap())];
    for disk in disks {
        let store = DocumentStore::open(disk, &options()).unwrap();
        let mut digests = BTreeSet::new();
        for len in [0, 1, 999, 131_072, 300_001] {
            let bytes = body(len as u64, len);
            let digest = put(&store, "up", &bytes).unwrap();
            assert_eq!(digest, sha256(&bytes));
            digests.insert(digest);
            for offset in [0, 1, len / 2, len, len + 5] {
                let rest = bytes.get(offset..).unwrap_or_default();
                assert_eq!(get(&store, &digest, offset as u64), rest);
            }
            assert_eq!(store.verify(&digest).unwrap(), len as u64);
            assert!(store.contains(&digest).unwrap());
        }
        let expected: Vec<_> = digests.iter().copied().map(ListedDocument::Document).collect();
        assert_eq!(listed(&store), expected);
        for digest in &digests {
            store.remove(digest).unwrap();
            assert!(matches!(store.remove(digest), Err(DocumentError::NotStored { .. })));
            assert!(!store.contains(digest).unwrap());
        }
        assert!(listed(&store).is_empty());
    }
}

#[test]
fn a_wrong_digest_length_or_surplus_is_refused_and_leaves_nothing() {
    let disk = MemDisk::new();
    let store = store(&disk);
    let bytes = body(1, 5000);
    let digest = sha256(&bytes);
    for case in 0..4 {
        let mut writer = store.begin("up", 5000).unwrap();
        writer.write(&bytes[..4000]).unwrap();
        let error = match case {
            0 => writer.finish(&digest, 5000).unwrap_err(),
            1 => {
                writer.write(&[0; 1000]).unwrap();
                writer.finish(&digest, 5000).unwrap_err()
            }
            2 => {
                let error = writer.write(&bytes[..1001]).unwrap_err();
                drop(writer);
                error
            }
            _ => {
                writer.abort().unwrap();
                DocumentError::Broken
            }
        };
        let expected = match case {
            0 => matches!(error, DocumentError::LengthMismatch { .. }),
            1 => matches!(error, DocumentError::DigestMismatch { .. }),
            2 => matches!(error, DocumentError::Overrun { .. }),
            _ => true,
        };
        assert!(expected, "{case}: {error:?}");
        assert!(listed(&store).is_empty());
        assert!(disk.list("staging").unwrap().is_empty());
    }
}

#[test]
fn space_is_promised_before_the_first_byte_and_the_reserve_is_kept() {
    let disk = MemDisk::new();
    let store = store(&disk);
    disk.set_capacity_bytes(11_000);
    assert_eq!(store.available_bytes().unwrap(), 10_000);
    let mut first = store.begin("first", 6000).unwrap();
    match store.begin("second", 4001) {
        Err(DocumentError::NoSpace { needed_bytes, available_bytes }) => {
            assert_eq!((needed_bytes, available_bytes), (4001, 4000));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(store.begin("first", 1), Err(DocumentError::UploadInUse { .. })));
    let second = store.begin("second", 4000).unwrap();
    first.write(&body(1, 6000)).unwrap();
    assert_eq!(store.available_bytes().unwrap(), 0);
    second.abort().unwrap();
    first.finish(&sha256(&body(1, 6000)), 6000).unwrap();
    assert_eq!(store.available_bytes().unwrap(), 4000);
    let too_large = store.begin("x", DOCUMENT_BYTES_MAX + 1);
    assert!(matches!(too_large, Err(DocumentError::TooLarge { .. })));
    for name in ["", "a/b", "..", "a b", &"x".repeat(129)] {
        assert!(matches!(store.begin(name, 1), Err(DocumentError::BadUploadName { .. })));
    }
}

#[test]
fn a_suspended_upload_is_resumed_and_leftovers_go_at_the_next_start() {
    let disk = MemDisk::new();
    let opened = store(&disk);
    let bytes = body(4, 400_000);
    let mut writer = opened.begin("up-1", 400_000).unwrap();
    writer.write(&bytes[..250_000]).unwrap();
    assert_eq!(writer.suspend().unwrap(), 250_000);
    assert!(matches!(opened.resume("none", 9), Err(DocumentError::NoUpload { .. })));
    assert!(matches!(opened.resume("up-1", 9), Err(DocumentError::Overrun { .. })));

    let keep = DocumentOptions { keep_uploads: BTreeSet::from(["up-1".to_owned()]), ..options() };
    let kept = DocumentStore::open(Arc::new(disk.clone()), &keep).unwrap();
    let mut writer = kept.resume("up-1", 400_000).unwrap();
    assert_eq!(writer.len_bytes(), 250_000);
    writer.write(&bytes[250_000..]).unwrap();
    writer.finish(&sha256(&bytes), 400_000).unwrap();
    assert_eq!(get(&kept, &sha256(&bytes), 399_990), &bytes[399_990..]);

    kept.begin("up-2", 10).unwrap().suspend().unwrap();
    assert_eq!(disk.list("staging").unwrap().len(), 1);
    store(&disk);
    assert!(disk.list("staging").unwrap().is_empty());
}

#[test]
fn damage_is_found_by_verify_and_healed_by_storing_again() {
    let disk = MemDisk::new();
    let store = store(&disk);
    let bytes = body(9, 2000);
    let digest = put(&store, "up", &bytes).unwrap();
    let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    let path = format!("documents/{}/{}/{hex}", &hex[..2], &hex[2..4]);
    assert!(disk.flip_bit(&path, 777));
    assert!(matches!(store.verify(&digest), Err(DocumentError::DigestMismatch { .. })));
    put(&store, "up", &bytes).unwrap();
    store.verify(&digest).unwrap();
    disk.create_dir_all("documents/zz").unwrap();
    disk.open("documents/zz/stray", tram_spool::disk::OpenMode::Create).unwrap();
    let stray = ListedDocument::Stray("documents/zz/stray".to_owned());
    assert_eq!(listed(&store), vec![ListedDocument::Document(digest), stray]);
}

#[test]
fn finished_documents_survive_power_cuts_and_unfinished_ones_are_never_seen() {
    for seed in 0..1000 {
        let mut rng = Rng::new(seed);
        let mut disk = MemDisk::new();
        let mut known: BTreeMap<[u8; 32], Vec<u8>> = BTreeMap::new();
        for life in 0..3 {
            disk.power_off_after(rng.below(40));
            let mut tried: BTreeMap<[u8; 32], Vec<u8>> = BTreeMap::new();
            if let Ok(store) = DocumentStore::open(Arc::new(disk.clone()), &options()) {
                while !disk.is_off() {
                    let bytes = body(rng.below(1000), 1 + rng.below(3000) as usize);
                    tried.insert(sha256(&bytes), bytes.clone());
                    if put(&store, "up", &bytes).is_ok() {
                        known.insert(sha256(&bytes), bytes);
                    }
                }
            }
            disk = disk.crash(rng.below(u64::MAX));
            let store = store(&disk);
            for (digest, bytes) in &known {
                assert_eq!(&get(&store, digest, 0), bytes, "seed {seed} life {life}");
            }
            for entry in listed(&store) {
                let ListedDocument::Document(digest) = entry else { panic!("{entry:?}") };
                store.verify(&digest).unwrap();
                assert!(known.contains_key(&digest) || tried.contains_key(&digest));
                known.entry(digest).or_insert_with(|| tried[&digest].clone());
            }
            assert!(disk.list("staging").unwrap().is_empty());
        }
    }
}

#[test]
fn an_error_at_any_step_means_not_stored() {
    for op in [DiskOp::Write, DiskOp::Sync, DiskOp::Rename, DiskOp::SyncDir, DiskOp::CreateDir] {
        for nth in 1..4 {
            let disk = MemDisk::new();
            let store = store(&disk);
            let (error, effect) = (FaultError::Io, FaultEffect::NotApplied);
            disk.set_faults(vec![Fault { op, nth, error, effect }]);
            let bytes = body(2, 300_000);
            let Err(error) = put(&store, "up", &bytes) else { continue };
            assert!(matches!(error, DocumentError::Disk(_)), "{op} {nth}: {error:?}");
            assert!(disk.list("staging").unwrap().is_empty());
            let crashed = DocumentStore::open(Arc::new(disk.crash(nth)), &options()).unwrap();
            for entry in listed(&crashed) {
                let ListedDocument::Document(digest) = entry else { panic!("{entry:?}") };
                crashed.verify(&digest).unwrap();
            }
        }
    }
}

#[test]
fn each_bringer_goes_on_with_what_it_brought_itself() {
    let store = store(&MemDisk::new());
    let bytes = body(3, 5_000);
    let digest = tram_dispatch::Digest(sha256(&bytes));
    let peer = |n| Bringer::Peer("n1.H41".parse().unwrap(), tram_dispatch::DispatchId([n; 32]));
    let mut writer = store.stage(&peer(1), &digest, 5_000).unwrap();
    writer.write(&bytes[..2_000]).unwrap();
    writer.suspend().unwrap();
    let others = [peer(2), Bringer::Agency("H41".parse().unwrap())];
    for other in &others {
        assert_eq!(store.stage(other, &digest, 5_000).unwrap().len_bytes(), 0, "{other:?}");
    }
    let mut writer = store.stage(&peer(1), &digest, 5_000).unwrap();
    assert_eq!(writer.len_bytes(), 2_000);
    let again = store.stage(&peer(1), &digest, 5_000).unwrap_err();
    assert!(matches!(again, DocumentError::UploadInUse { .. }), "{again:?}");
    writer.write(&bytes[2_000..]).unwrap();
    writer.suspend().unwrap();
    // Begun as something larger than it is now said to be: from the beginning.
    assert_eq!(store.stage(&peer(1), &digest, 100).unwrap().len_bytes(), 0);
}
