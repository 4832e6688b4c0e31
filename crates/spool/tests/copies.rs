//! A copy of the journal's files made while it grows, as a backup that does not stop the node: what
//! opens is a part of what was written, from the first batch on; everything else is refused.

#[path = "spool/support.rs"]
#[allow(dead_code, reason = "shared with another suite, which uses more of it")]
mod support;

use support::{DIR, Rng, contents, open};
use tram_spool::disk::{Disk, MemDisk, OpenMode};
use tram_spool::journal::{Journal, Record};

const SEGMENT: u64 = 12 * 512;
/// Bytes that the copying program reads at a time.
const PIECE: usize = 1024;

/// A journal that grows, and all that was written to it.
struct Growing {
    disk: MemDisk,
    journal: Journal,
    written: Vec<Vec<Record>>,
    rng: Rng,
}

impl Growing {
    fn new(seed: u64) -> Self {
        let disk = MemDisk::new();
        let (journal, _) = open(&disk, SEGMENT).unwrap();
        Growing { disk, journal, written: Vec::new(), rng: Rng::new(seed) }
    }

    fn grow(&mut self, batches: u64) {
        for _ in 0..batches {
            let batch = self.rng.batch(700);
            self.journal.append(&batch).unwrap();
            self.written.push(batch);
        }
    }

    /// Copies file after file, piece after piece; the journal grows in between.
    fn copied(&mut self) -> MemDisk {
        let copy = MemDisk::new();
        copy.create_dir_all(DIR).unwrap();
        let mut names: Vec<String> =
            self.disk.list(DIR).unwrap().into_iter().map(|entry| entry.name).collect();
        // No order of a folder's entries can be relied on.
        if self.rng.below(2) == 0 {
            names.reverse();
        }
        for name in names {
            let path = format!("{DIR}/{name}");
            let from = self.disk.open(&path, OpenMode::Read).unwrap();
            let to = copy.open(&path, OpenMode::Create).unwrap();
            let mut at = 0;
            loop {
                let mut piece = vec![0; PIECE];
                let read = from.read_at(at, &mut piece).unwrap();
                if read == 0 {
                    break;
                }
                to.write_at(at, &piece[..read]).unwrap();
                at += read as u64;
                let batches = self.rng.below(4).saturating_sub(2);
                self.grow(batches);
            }
        }
        copy
    }
}

#[test]
fn a_copy_made_while_the_journal_grows_is_a_part_of_it_or_is_refused() {
    let (mut whole, mut behind, mut refused) = (0, 0, 0);
    for seed in 0..300 {
        let mut growing = Growing::new(seed);
        growing.grow(20);
        let copy = growing.copied();
        let written = growing.written.len();
        match open(&copy, SEGMENT) {
            Err(error) => {
                refused += 1;
                assert!(!error.to_string().is_empty());
            }
            Ok((journal, _)) => {
                let found = contents(&journal.reader()).unwrap();
                for (seq, records) in &found {
                    assert_eq!(records, &growing.written[*seq as usize - 1], "seed {seed}");
                }
                // All that was there when the copying began, and no gap.
                assert!(found.len() >= 20 && found[0].0 == 1, "seed {seed}: {}", found.len());
                if found.len() == written {
                    whole += 1
                } else {
                    behind += 1
                }
                // It is a journal like any other: it goes on, and opens again.
                let mut journal = journal;
                journal.append(&[Record { kind: 1, body: vec![7; 50] }]).unwrap();
                drop(journal);
                let (journal, _) = open(&copy, SEGMENT).unwrap();
                journal.reader().verify_all().unwrap();
            }
        }
    }
    // Each of the three happens, or this test has seen little.
    assert!(whole > 0 && behind > 0, "whole {whole}, behind {behind}, refused {refused}");
}
