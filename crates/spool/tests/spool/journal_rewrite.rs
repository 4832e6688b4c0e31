//! Bodies that are removed from segments which no longer grow.

use crate::support::{Rng, contents, open, path};
use std::collections::BTreeMap;
use tram_spool::disk::{Disk as _, MemDisk, OpenMode, read_full};
use tram_spool::journal::{Journal, JournalError, Position, Record};

const SEGMENT: u64 = 8 * 512;
const SECRET: &[u8] = b"what must go";

/// A journal of some segments, in which every third record holds the secret.
fn journal(disk: &MemDisk) -> (Journal, Vec<(Position, Record)>) {
    let (mut journal, _) = open(disk, SEGMENT).unwrap();
    let mut rng = Rng::new(7);
    let mut all = Vec::new();
    for batch in 0..30 {
        let mut records = rng.batch(900);
        if batch % 3 == 0 {
            let body = SECRET.repeat(1 + rng.below(90) as usize);
            let at = rng.below(records.len() as u64 + 1) as usize;
            records.insert(at, Record { kind: 77, body });
        }
        let appended = journal.append(&records).unwrap();
        all.extend(appended.positions.into_iter().zip(records));
    }
    (journal, all)
}

/// For each segment the secrets in it, as zeros of their length.
fn doomed(all: &[(Position, Record)]) -> BTreeMap<u64, BTreeMap<Position, Vec<u8>>> {
    let mut doomed: BTreeMap<u64, BTreeMap<Position, Vec<u8>>> = BTreeMap::new();
    for (at, record) in all.iter().filter(|(_, r)| r.kind == 77) {
        doomed.entry(at.segment).or_default().insert(*at, vec![0; record.body.len()]);
    }
    doomed
}

fn bytes(disk: &MemDisk, path: &str) -> Vec<u8> {
    let file = disk.open(path, OpenMode::Read).unwrap();
    let mut bytes = vec![0; file.len_bytes().unwrap() as usize];
    read_full(&*file, 0, &mut bytes).unwrap();
    bytes
}

fn holds_secret(disk: &MemDisk, segment: u64) -> bool {
    bytes(disk, &path(segment)).windows(SECRET.len()).any(|w| w == SECRET)
}

#[test]
fn what_is_removed_is_gone_and_all_else_is_where_it_was() {
    let disk = MemDisk::new();
    let (journal, all) = journal(&disk);
    let before = contents(&journal.reader()).unwrap();
    let active = journal.segments().last().unwrap().segment;
    let doomed = doomed(&all);
    assert!(doomed.len() > 3);
    let scan = journal.reader().scan_from(None).unwrap();
    for (segment, bodies) in &doomed {
        let done = journal.reader().rewrite(*segment, bodies).unwrap();
        assert_eq!(done, *segment < active);
        assert_eq!(holds_secret(&disk, *segment), !done);
    }
    // Somebody who was reading meanwhile sees the one or the other, and never damage.
    assert!(scan.into_iter().all(|batch| batch.is_ok()));
    let check = |journal: &Journal| {
        journal.reader().verify_all().unwrap();
        let now = contents(&journal.reader()).unwrap();
        for ((seq, was), (same, is)) in before.iter().zip(&now) {
            assert_eq!((seq, was.len()), (same, is.len()));
        }
        for (at, record) in &all {
            let found = journal.read(*at).unwrap();
            let gone = record.kind == 77 && at.segment < active;
            let zeros = vec![0; record.body.len()];
            assert_eq!(found.body, if gone { &zeros[..] } else { &record.body[..] });
            assert_eq!(found.kind, record.kind);
        }
    };
    check(&journal);
    let (chain, last) = (journal.chain_value(), journal.last_batch_seq());
    drop(journal);
    let (mut journal, report) = open(&disk, SEGMENT).unwrap();
    assert_eq!((report.chain_value, report.last_batch_seq), (chain, last));
    check(&journal);
    journal.append(&[Record { kind: 1, body: vec![5; 3_000] }]).unwrap();
    journal.reader().verify_all().unwrap();
}

#[test]
fn nothing_but_what_was_meant_is_written_over() {
    let disk = MemDisk::new();
    let (journal, all) = journal(&disk);
    let (at, record) = all.iter().find(|(_, r)| r.kind == 77).unwrap();
    let other = all.iter().find(|(p, _)| p.segment == at.segment && p != at).unwrap().0;
    let before = bytes(&disk, &path(at.segment));
    let wrong = [
        (*at, vec![0; record.body.len() + 1]),
        (Position { offset: at.offset + 1, ..*at }, vec![0; record.body.len()]),
        (Position { record: at.record + 9, ..*at }, vec![0; record.body.len()]),
        (Position { offset: 1 << 40, ..*at }, Vec::new()),
        (Position { record: other.record, ..*at }, vec![0; record.body.len()]),
    ];
    for (position, body) in wrong {
        let bodies = BTreeMap::from([(position, body)]);
        let refused = journal.reader().rewrite(at.segment, &bodies);
        assert!(matches!(refused, Err(JournalError::NoRecord { .. })), "{position:?}: {refused:?}");
    }
    assert!(matches!(
        journal.reader().rewrite(999, &BTreeMap::new()),
        Err(JournalError::OutOfRange { .. })
    ));
    assert_eq!(bytes(&disk, &path(at.segment)), before);
}

#[test]
fn a_damaged_segment_is_not_made_to_look_whole() {
    let disk = MemDisk::new();
    let (journal, all) = journal(&disk);
    let (segment, bodies) = doomed(&all).pop_first().unwrap();
    assert!(disk.flip_bit(&path(segment), 8 * 700));
    let before = bytes(&disk, &path(segment));
    assert!(matches!(
        journal.reader().rewrite(segment, &bodies),
        Err(JournalError::Corrupt { .. })
    ));
    assert_eq!(bytes(&disk, &path(segment)), before);
}

#[test]
fn a_crash_leaves_the_segment_as_it_was_or_as_it_shall_be() {
    let (mut old, mut new) = (0, 0);
    for cut in 0..40 {
        let disk = MemDisk::new();
        let (journal, all) = journal(&disk);
        let (segment, bodies) = doomed(&all).pop_first().unwrap();
        disk.power_off_after(cut);
        let done = journal.reader().rewrite(segment, &bodies);
        drop(journal);
        let disk = disk.crash(cut);
        let (journal, _) = open(&disk, SEGMENT).unwrap();
        journal.reader().verify_all().unwrap();
        let gone = !holds_secret(&disk, segment);
        assert!(gone || done.is_err(), "it was said to be done");
        if gone {
            new += 1
        } else {
            old += 1
        }
        // And once more, whatever a crash left lying about.
        assert!(journal.reader().rewrite(segment, &bodies).unwrap());
        assert!(!holds_secret(&disk, segment));
        journal.reader().verify_all().unwrap();
    }
    assert!(old > 3 && new > 3, "{old} {new}");
}

#[test]
fn a_batch_of_the_newest_segment_is_never_taken_for_one_written_anew() {
    let disk = MemDisk::new();
    let (journal, all) = journal(&disk);
    let (segment, bodies) = doomed(&all).pop_first().unwrap();
    assert!(journal.reader().rewrite(segment, &bodies).unwrap());
    let newest = journal.segments().last().unwrap().segment;
    drop(journal);
    for gone in segment + 1..=newest {
        disk.remove(&path(gone)).unwrap();
    }
    // What came behind it was lost: its end is not believed.
    assert!(matches!(open(&disk, SEGMENT), Err(JournalError::Corrupt { .. })));
}
