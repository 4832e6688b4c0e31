//! Bytes of our own disk, which may have rotted.

use std::sync::{Arc, OnceLock};

use tram_spool::anchor::{Anchor, AnchorFile};
use tram_spool::disk::{Disk, MemDisk, OpenMode};
use tram_spool::journal::{Journal, JournalError, JournalOptions, Record};
use tram_spool::records;

const DIR: &str = "journal";
const SEGMENT_BYTES: u64 = 8 * 512;

/// A record of the journal: the first two bytes are its kind, the rest its body.
pub fn record(data: &[u8]) {
    let Some((kind, body)) = data.split_first_chunk::<2>() else { return };
    let stored = Record { kind: u16::from_be_bytes(*kind), body: body.to_vec() };
    let Ok(record) = records::decode(&stored) else { return };
    let again = records::encode(&record);
    // What was removed from a record left zeros behind it, up to the length that it had.
    let removed = matches!(&record, tram_engine::record::Record::Held(h) if !h.removed.is_empty());
    let rest = stored.body.strip_prefix(again.body.as_slice());
    let same = again.kind == stored.kind
        && rest.is_some_and(|r| r.is_empty() || removed && r.iter().all(|b| *b == 0));
    assert!(same, "a second spelling was taken: {record:?}");
}

/// The anchor file: one way to write it, and none but that is read.
pub fn anchor(data: &[u8]) {
    const NAME: &str = "n1.anchor";
    let disk = MemDisk::new();
    let file = disk.open(NAME, OpenMode::Create).expect("an empty disk takes a file");
    file.write_at(0, data).expect("there is room");
    let anchor_file = AnchorFile::on(Arc::new(disk.clone()), NAME);
    let Ok(Some(anchor)) = anchor_file.read() else { return };
    anchor_file.write(&anchor).expect("what was read can be written");
    let file = disk.open(NAME, OpenMode::Read).expect("it is there");
    let mut again = vec![0; data.len() + 1];
    let length = tram_spool::disk::read_full(&*file, 0, &mut again).expect("its bytes");
    assert_eq!(&again[..length], data, "a second spelling was taken");
}

/// An anchor as the store writes it.
pub(crate) fn sound_anchor() -> Vec<u8> {
    let disk = MemDisk::new();
    let anchor = Anchor {
        store_id: *b"store under fuzz",
        tree_size: 37,
        root: [7; 32],
        batch_seq: 12,
        machine_id: "4f0c-machine".to_owned(),
    };
    AnchorFile::on(Arc::new(disk.clone()), "a").write(&anchor).expect("an empty disk");
    let file = disk.open("a", OpenMode::Read).expect("it is there");
    let mut bytes = vec![0; 4096];
    let length = tram_spool::disk::read_full(&*file, 0, &mut bytes).expect("its bytes");
    bytes.truncate(length);
    bytes
}

/// A journal whose segments hold these bytes, one after the other: it is opened with the batches
/// that were written, or a part of them from the first on, or refused. Never with others.
pub fn journal(data: &[u8]) {
    let sound = Sound::get();
    let disk = MemDisk::new();
    disk.create_dir_all(DIR).expect("an empty disk takes a folder");
    let (first, rest) = data.split_at(sound.first_bytes.min(data.len()));
    for (name, bytes) in sound.names.iter().zip([first, rest]) {
        let path = format!("{DIR}/{name}");
        let file = disk.open(&path, OpenMode::Create).expect("an empty disk takes a file");
        file.write_at(0, bytes).expect("there is room");
    }
    let Ok(found) = batches(&disk) else { return };
    let sound_part = sound.batches.get(..found.len());
    assert_eq!(sound_part, Some(&found[..]), "batches that were never written");
    // What was opened can be written to, and opened again.
    let disk: Arc<dyn Disk> = Arc::new(disk);
    let (mut journal, _) = open(disk.clone()).expect("what was opened can be opened again");
    if journal.append(&[Record { kind: 9, body: vec![1; 40] }]).is_ok() {
        drop(journal);
        let (journal, _) = open(disk).expect("what was written can be opened");
        journal.reader().verify_all().expect("what was written can be verified");
    }
}

/// The sound journal that inputs are made from.
pub(crate) struct Sound {
    names: Vec<String>,
    first_bytes: usize,
    batches: Vec<Vec<Record>>,
    pub(crate) bytes: Vec<u8>,
}

impl Sound {
    pub(crate) fn get() -> &'static Sound {
        static SOUND: OnceLock<Sound> = OnceLock::new();
        SOUND.get_or_init(|| {
            let disk = MemDisk::new();
            let (mut journal, _) = open(Arc::new(disk.clone())).expect("an empty disk");
            while journal.segments().len() < 2 {
                journal.append(&some_records()).expect("a sound disk");
            }
            journal.append(&some_records()).expect("a sound disk");
            drop(journal);
            let batches = batches(&disk).expect("a sound journal");
            let mut names: Vec<String> =
                disk.list(DIR).expect("a folder").into_iter().map(|e| e.name).collect();
            names.sort();
            let read = |name: &String| {
                let file = disk.open(&format!("{DIR}/{name}"), OpenMode::Read).expect("a file");
                let mut bytes = vec![0; file.len_bytes().expect("its length") as usize];
                tram_spool::disk::read_full(&*file, 0, &mut bytes).expect("its bytes");
                bytes
            };
            let files: Vec<Vec<u8>> = names.iter().map(read).collect();
            Sound { first_bytes: files[0].len(), bytes: files.concat(), names, batches }
        })
    }
}

fn some_records() -> Vec<Record> {
    (0..3).map(|kind| Record { kind, body: vec![kind as u8; 200] }).collect()
}

fn open(
    disk: Arc<dyn Disk>,
) -> Result<(Journal, tram_spool::journal::RecoveryReport), JournalError> {
    let options = JournalOptions {
        create_with_store_id: Some(*b"store under fuzz"),
        segment_bytes: SEGMENT_BYTES,
    };
    Journal::open(disk, DIR, &options)
}

fn batches(disk: &MemDisk) -> Result<Vec<Vec<Record>>, JournalError> {
    let (journal, _) = open(Arc::new(disk.clone()))?;
    let reader = journal.reader();
    reader
        .scan_from(None)?
        .map(|batch| Ok(batch?.records.into_iter().map(|(_, record)| record).collect()))
        .collect()
}
