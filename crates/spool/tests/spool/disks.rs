//! The simulated disk against the real one, and what it does at a power cut.

use crate::support::Rng;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tram_spool::disk::{
    CountingDisk, DelayDisk, Disk, DiskError, DiskOp, Fault, FaultEffect, FaultError, MemDisk,
    OpenMode, RealDisk,
};

fn read(disk: &dyn Disk, path: &str) -> Vec<u8> {
    let file = disk.open(path, OpenMode::Read).unwrap();
    let mut bytes = vec![0; file.len_bytes().unwrap() as usize];
    let n = tram_spool::disk::read_full(&*file, 0, &mut bytes).unwrap();
    assert_eq!(n, bytes.len());
    bytes
}

/// The outcome of an operation in words that both disks share.
fn told<T>(result: Result<T, DiskError>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(DiskError::NotFound { .. }) => "not found",
        Err(DiskError::AlreadyExists { .. }) => "exists",
        Err(DiskError::BadPath { .. }) => "bad path",
        Err(DiskError::NoSpace { .. }) => "no space",
        Err(DiskError::Io { .. }) => "io",
    }
}

#[test]
fn both_disks_answer_alike() {
    let paths = ["a", "b", "d/a", "d/e/c", "x/y"];
    for seed in 0..25 {
        let dir = tempfile::tempdir().unwrap();
        let real = RealDisk::open(dir.path()).unwrap();
        let model = MemDisk::new();
        let disks: [&dyn Disk; 2] = [&real, &model];
        let mut rng = Rng::new(seed);
        for disk in disks {
            disk.create_dir_all("d/e").unwrap();
        }
        for step in 0..150 {
            let (what, which, other) = (rng.below(8), rng.below(5), rng.below(5));
            let (path, to) = (paths[which as usize], paths[other as usize]);
            let (offset, len) = (rng.below(3000), rng.below(2000));
            let mode = [OpenMode::Read, OpenMode::Write, OpenMode::Create, OpenMode::CreateNew]
                [rng.below(4) as usize];
            let answers = disks.map(|disk| match what {
                0 => told(disk.rename(path, to)),
                1 => told(disk.remove(path)),
                2 => told(disk.list(["", "d", "x"][other as usize % 3])),
                _ => match disk.open(path, mode) {
                    Err(e) => told::<()>(Err(e)),
                    Ok(file) => match what {
                        3 => told(file.truncate(offset)),
                        4 => told(file.preallocate(offset)),
                        5 => told(file.sync_data()),
                        _ => told(file.write_at(offset, &vec![step as u8 + 1; len as usize])),
                    },
                },
            });
            if mode != OpenMode::Read {
                assert_eq!(
                    answers[0], answers[1],
                    "seed {seed} step {step} {what} {path} {mode:?}"
                );
            }
            for dir in ["", "d", "d/e"] {
                assert_eq!(real.list(dir).unwrap(), model.list(dir).unwrap());
            }
        }
        for path in paths {
            if real.open(path, OpenMode::Read).is_ok() {
                assert_eq!(read(&real, path), read(&model, path), "seed {seed} {path}");
            }
        }
    }
}

#[test]
fn a_real_disk_keeps_strangers_out_and_paths_inside() {
    let dir = tempfile::tempdir().unwrap();
    let disk = RealDisk::open(&dir.path().join("root")).unwrap();
    disk.create_dir_all("sub").unwrap();
    disk.open("sub/file", OpenMode::Create).unwrap();
    let mode =
        |path: &str| std::fs::metadata(dir.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("root"), mode("root/sub"), mode("root/sub/file")), (0o700, 0o700, 0o600));
    std::os::unix::fs::symlink("/etc/passwd", dir.path().join("root/link")).unwrap();
    assert!(matches!(disk.open("link", OpenMode::Read), Err(DiskError::Io { .. })));
    assert!(matches!(disk.open("../x", OpenMode::Create), Err(DiskError::BadPath { .. })));
    assert!(disk.free_bytes().unwrap() > 0);
}

#[test]
fn synced_bytes_and_names_survive_and_others_may_or_may_not() {
    let (mut kept, mut lost, mut torn, mut named) = (0, 0, 0, 0);
    for seed in 0..300 {
        let disk = MemDisk::new();
        let file = disk.open("f", OpenMode::Create).unwrap();
        file.write_at(0, &[1; 4096]).unwrap();
        file.sync_data().unwrap();
        disk.sync_dir("").unwrap();
        file.write_at(1024, &[2; 3072]).unwrap();
        disk.open("g", OpenMode::Create).unwrap();
        let after = disk.crash(seed);
        assert_eq!(read(&after, "f"), read(&disk.crash(seed), "f"), "the same seed, the same disk");
        named += usize::from(after.open("g", OpenMode::Read).is_ok());
        let bytes = read(&after, "f");
        assert_eq!(bytes.len(), 4096);
        assert!(bytes[..1024].iter().all(|b| *b == 1));
        for sector in bytes.chunks(512) {
            assert!(sector.iter().all(|b| *b == sector[0]), "a sector is one thing");
        }
        match bytes[1024..].iter().filter(|b| **b == 2).count() {
            0 => lost += 1,
            3072 => kept += 1,
            _ => torn += 1,
        }
    }
    assert!(kept > 30 && lost > 30 && torn > 30 && named > 30 && named < 270);
}

#[test]
fn a_rename_never_loses_both_names_and_a_synced_one_has_the_new() {
    for seed in 0..200 {
        let disk = MemDisk::new();
        disk.create_dir_all("in").unwrap();
        disk.create_dir_all("out").unwrap();
        disk.open("in/f", OpenMode::Create).unwrap();
        for dir in ["", "in", "out"] {
            disk.sync_dir(dir).unwrap();
        }
        disk.rename("in/f", "out/f").unwrap();
        let there = |disk: &MemDisk, path| disk.open(path, OpenMode::Read).is_ok();
        let unsynced = disk.crash(seed);
        assert!(there(&unsynced, "in/f") || there(&unsynced, "out/f"));
        disk.sync_dir("out").unwrap();
        assert!(there(&disk.crash(seed), "out/f"));
    }
}

#[test]
fn after_a_failed_sync_a_good_one_proves_nothing() {
    let disk = MemDisk::new();
    let file = disk.open("f", OpenMode::Create).unwrap();
    disk.sync_dir("").unwrap();
    let fault =
        Fault { op: DiskOp::Sync, nth: 1, error: FaultError::Io, effect: FaultEffect::NotApplied };
    disk.set_faults(vec![fault]);
    file.write_at(0, &[7; 512]).unwrap();
    assert!(file.sync_data().is_err());
    file.sync_data().unwrap();
    assert!((0..50).any(|seed| read(&disk.crash(seed), "f") == [0; 512]));
    // Written again, the bytes are part of the next sync.
    file.write_at(0, &[7; 512]).unwrap();
    file.sync_data().unwrap();
    assert!((0..50).all(|seed| read(&disk.crash(seed), "f") == [7; 512]));
}

#[test]
fn wrappers_count_and_delay() {
    let counting = Arc::new(CountingDisk::counting(MemDisk::new()));
    let disk = DelayDisk::delaying(counting.clone(), Duration::from_millis(20));
    let file = disk.open("f", OpenMode::Create).unwrap();
    file.write_at(0, &[0; 100]).unwrap();
    let begun = Instant::now();
    file.sync_data().unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(20));
    disk.sync_dir("").unwrap();
    let counts = counting.counts();
    assert_eq!((counts.writes, counts.bytes_written), (1, 100));
    assert_eq!((counts.syncs, counts.dir_syncs), (1, 1));
}
