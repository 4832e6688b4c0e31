//! Damage: a flipped bit, a lost sector, a cut or missing file. None of it may pass in silence.

use crate::support::{DIR, contents, open, path};
use std::sync::Arc;
use tram_spool::disk::{Disk, DiskFile, MemDisk, OpenMode};
use tram_spool::journal::{Journal, JournalError, Record};

const SEGMENT: u64 = 8 * 512;

fn records(n: usize, len: usize) -> Vec<Record> {
    (0..n).map(|i| Record { kind: i as u16, body: vec![i as u8; len] }).collect()
}

/// Three segments and a bit, the last with two batches.
fn journal() -> (MemDisk, Journal) {
    let disk = MemDisk::new();
    let (mut journal, _) = open(&disk, SEGMENT).unwrap();
    while journal.segments().len() < 3 {
        journal.append(&records(2, 300)).unwrap();
    }
    journal.append(&records(3, 200)).unwrap();
    (disk, journal)
}

fn file(disk: &MemDisk, segment: u64) -> Arc<dyn DiskFile> {
    disk.open(&path(segment), OpenMode::Write).unwrap()
}

fn damaged(disk: &MemDisk) -> Result<(), JournalError> {
    let (journal, _) = open(disk, SEGMENT)?;
    journal.reader().verify_all()?;
    Ok(())
}

#[test]
fn every_flipped_bit_is_reported_as_corruption() {
    let (disk, journal) = journal();
    let segments: Vec<u64> = journal.segments().iter().map(|s| s.segment).collect();
    drop(journal);
    damaged(&disk).unwrap();
    for segment in segments {
        let bits = file(&disk, segment).len_bytes().unwrap() * 8;
        // Each byte, and each bit position of a byte.
        for byte in 0..bits / 8 {
            let bit = byte * 8 + byte % 8;
            assert!(disk.flip_bit(&path(segment), bit));
            match damaged(&disk) {
                Err(JournalError::Corrupt { segment: found, .. }) => {
                    assert!(found == segment || found == segment + 1, "{segment} {bit}: {found}");
                }
                other => panic!("segment {segment} bit {bit}: {other:?}"),
            }
            assert!(disk.flip_bit(&path(segment), bit));
        }
    }
    damaged(&disk).unwrap();
}

#[test]
fn a_read_notices_damage_to_its_own_record() {
    let (disk, mut journal) = journal();
    let appended = journal.append(&records(2, 700)).unwrap();
    let position = appended.positions[1];
    let body_at = position.offset + 12;
    disk.flip_bit(&path(position.segment), body_at * 8);
    match journal.read(position) {
        Err(JournalError::Corrupt { segment, offset, .. }) => {
            assert_eq!((segment, offset), (position.segment, body_at / 512 * 512));
        }
        other => panic!("{other:?}"),
    }
    disk.flip_bit(&path(position.segment), body_at * 8);
    journal.read(position).unwrap();
}

#[test]
fn every_subset_of_the_last_batch_is_torn_and_a_flipped_bit_in_it_is_corruption() {
    const SECTORS: u64 = 6;
    for subset in 0..1_u64 << SECTORS {
        let (disk, mut journal) = journal_with_room();
        let before = journal.last_batch_seq();
        let last = journal.append(&records(5, 550)).unwrap().batch;
        assert_eq!(journal.segments().last().unwrap().used_bytes, last.offset + SECTORS * 512);
        drop(journal);
        let name = path(last.segment);
        for lost in (0..SECTORS).filter(|i| subset & (1 << i) == 0) {
            assert!(disk.lose_sector(&name, last.offset / 512 + lost));
        }
        for present in (0..SECTORS).filter(|i| subset & (1 << i) != 0) {
            let bit = (last.offset + present * 512 + 100) * 8;
            disk.flip_bit(&name, bit);
            let opened = open(&disk, 32 * 512);
            assert!(matches!(opened, Err(JournalError::Corrupt { .. })), "{subset:b}");
            disk.flip_bit(&name, bit);
        }
        let (mut journal, report) = open(&disk, 32 * 512).unwrap();
        let whole = subset.count_ones() as u64 == SECTORS;
        assert_eq!(report.last_batch_seq, before + u64::from(whole));
        match report.discarded {
            None => assert!(whole || subset == 0, "{subset:b}"),
            Some(tail) => {
                assert_eq!(tail.sectors_present, u64::from(subset.count_ones()));
                assert_eq!(tail.sectors_total, (subset & 1 == 1).then_some(SECTORS));
                assert_eq!((tail.segment, tail.offset), (last.segment, last.offset));
            }
        }
        // The leftover stays dead: the sequence goes on, and nothing finds it again.
        let next = journal.append(&records(1, 10)).unwrap();
        assert_eq!(next.batch_seq, report.last_batch_seq + 1);
        drop(journal);
        let (journal, again) = open(&disk, 32 * 512).unwrap();
        assert_eq!((again.discarded, again.last_batch_seq), (None, next.batch_seq));
        journal.reader().verify_all().unwrap();
    }
}

fn journal_with_room() -> (MemDisk, Journal) {
    let disk = MemDisk::new();
    let (mut journal, _) = open(&disk, 32 * 512).unwrap();
    journal.append(&records(2, 600)).unwrap();
    (disk, journal)
}

#[test]
fn a_lost_sector_in_any_batch_but_the_last_is_corruption() {
    let (disk, journal) = journal();
    let segments = journal.segments();
    let last_batch = journal.reader().scan_from(None).unwrap().last().unwrap().unwrap().position;
    drop(journal);
    for segment in segments {
        for sector in 0..segment.used_bytes / 512 {
            if (segment.segment, sector * 512) >= (last_batch.segment, last_batch.offset) {
                continue;
            }
            let name = path(segment.segment);
            let mut kept = [0; 512];
            let open_file = file(&disk, segment.segment);
            open_file.read_at(sector * 512, &mut kept).unwrap();
            assert!(disk.lose_sector(&name, sector));
            assert!(
                matches!(damaged(&disk), Err(JournalError::Corrupt { .. })),
                "{name} sector {sector}"
            );
            open_file.write_at(sector * 512, &kept).unwrap();
        }
    }
    damaged(&disk).unwrap();
}

#[test]
fn a_file_cut_anywhere_is_corruption() {
    let (disk, journal) = journal();
    let segments: Vec<u64> = journal.segments().iter().map(|s| s.segment).collect();
    drop(journal);
    for segment in segments {
        let len = file(&disk, segment).len_bytes().unwrap();
        for cut in (0..len).step_by(64) {
            let copy = copy_of(&disk);
            file(&copy, segment).truncate(cut).unwrap();
            let result = damaged(&copy);
            assert!(
                matches!(result, Err(JournalError::Corrupt { .. })),
                "{segment} {cut}: {result:?}"
            );
        }
    }
}

#[test]
fn a_missing_segment_is_noticed_unless_it_is_the_oldest() {
    let (disk, journal) = journal();
    let expected = contents(&journal.reader()).unwrap();
    drop(journal);
    for (segment, noticed) in [(1, false), (2, true), (3, true)] {
        let copy = copy_of(&disk);
        copy.remove(&path(segment)).unwrap();
        match damaged(&copy) {
            Err(JournalError::SegmentMissing { segment: 2 }) => assert_eq!(segment, 2),
            Err(JournalError::Corrupt { segment: 2, .. }) => assert_eq!(segment, 3),
            Ok(()) => {
                // As retention leaves it: the rest is whole, and says where it begins.
                assert!(!noticed);
                let (journal, _) = open(&copy, SEGMENT).unwrap();
                let found = contents(&journal.reader()).unwrap();
                assert!(found.len() < expected.len() && expected.ends_with(&found));
            }
            other => panic!("{segment}: {other:?}"),
        }
    }
}

#[test]
fn a_segment_of_another_store_is_refused() {
    let (disk, journal) = journal();
    drop(journal);
    let mut other = [0; 512];
    file(&disk, 2).read_at(0, &mut other).unwrap();
    let copy = copy_of(&disk);
    file(&copy, 3).write_at(0, &other).unwrap();
    assert!(matches!(damaged(&copy), Err(JournalError::Corrupt { segment: 3, .. })));
}

#[test]
fn refusing_a_damaged_journal_changes_no_byte() {
    let (disk, journal) = journal();
    drop(journal);
    disk.flip_bit(&path(3), 600 * 8);
    let before = image(&disk);
    assert!(open(&disk, SEGMENT).is_err());
    assert_eq!(image(&disk), before);
}

fn image(disk: &MemDisk) -> Vec<(String, Vec<u8>)> {
    let names = disk.list(DIR).unwrap();
    names
        .into_iter()
        .map(|entry| {
            let file = disk.open(&format!("{DIR}/{}", entry.name), OpenMode::Read).unwrap();
            let mut bytes = vec![0; file.len_bytes().unwrap() as usize];
            file.read_at(0, &mut bytes).unwrap();
            (entry.name, bytes)
        })
        .collect()
}

/// The same files on another disk.
fn copy_of(disk: &MemDisk) -> MemDisk {
    let copy = MemDisk::new();
    copy.create_dir_all(DIR).unwrap();
    for (name, bytes) in image(disk) {
        copy.open(&format!("{DIR}/{name}"), OpenMode::CreateNew)
            .unwrap()
            .write_at(0, &bytes)
            .unwrap();
    }
    copy
}
