use super::*;
use tram_crypto::{Ed25519Signer, SeededEntropy, generate_ed25519_pkcs8};
use tram_tlog::published::encode_bundle;
use tram_tlog::{Hash, MemoryTree};

const ORIGIN: &str = "tram/test/log";

fn key() -> Ed25519Signer {
    let pkcs8 = generate_ed25519_pkcs8(&mut SeededEntropy::new([1; 32])).unwrap();
    Ed25519Signer::from_pkcs8_der(&pkcs8).unwrap()
}

fn entry(index: u64) -> [u8; 32] {
    tram_crypto::sha256(&index.to_be_bytes())
}

fn note(origin: &str, size: u64, from: impl Fn(u64) -> [u8; 32]) -> Vec<u8> {
    let root: Hash = (0..size).map(from).collect::<MemoryTree>().root();
    Checkpoint::new(origin, size, root).unwrap().sign(origin, &key()).unwrap()
}

/// Gives what is wanted, at most `steps` times; the number of bundles given.
fn give(export: &mut Export, steps: usize) -> usize {
    for step in 0..steps {
        let Some(wanted) = export.wanted().unwrap() else { return step };
        let first = wanted.index * 256;
        let entries = (first..first + wanted.width as u64).map(entry);
        export.put(wanted, &encode_bundle(entries).unwrap()).unwrap();
    }
    steps
}

fn run(below: &Path, size: u64) -> Result<(Exported, usize), ExportError> {
    let mut export = Export::begin(below, "log", note(ORIGIN, size, entry))?;
    let given = give(&mut export, usize::MAX);
    Ok((export.finish()?, given))
}

fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for item in std::fs::read_dir(next).unwrap() {
            let path = item.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path.strip_prefix(folder).unwrap().display().to_string()),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn what_is_new_is_written_and_partial_tiles_go_when_full_ones_are_there() {
    let below = tempfile::tempdir().unwrap();
    let (done, given) = run(below.path(), 3).unwrap();
    assert_eq!((done.size, done.new, given), (3, 3, 1));
    let small = ["checkpoint", "tile/0/000.p/3", "tile/entries/000.p/3"];
    assert_eq!(files(&done.folder), small);
    assert_eq!(run(below.path(), 3).unwrap().1, 0, "nothing is new");
    let (done, given) = run(below.path(), 300).unwrap();
    assert_eq!((done.new, given), (297, 2));
    assert_eq!(
        files(&done.folder),
        [
            "checkpoint",
            "tile/0/000",
            "tile/0/001.p/44",
            "tile/1/000.p/1",
            "tile/entries/000",
            "tile/entries/001.p/44"
        ]
    );
    // Between two full ones the partial tiles of each published tree stay.
    run(below.path(), 310).unwrap();
    assert!(files(&done.folder).contains(&"tile/0/001.p/44".to_owned()));
    assert!(files(&done.folder).contains(&"tile/0/001.p/54".to_owned()));
}

#[test]
fn a_run_that_was_cut_short_goes_on_and_shows_nothing_before_its_end() {
    let below = tempfile::tempdir().unwrap();
    let mut export = Export::begin(below.path(), "log", note(ORIGIN, 2_000, entry)).unwrap();
    give(&mut export, 5);
    drop(export);
    let folder = below.path().join("log");
    assert!(!folder.join("checkpoint").exists());
    // One file of it was lost, as a power cut may do: that bundle and what follows is given again.
    std::fs::write(folder.join("tile/entries/003"), [0; 8_704]).unwrap();
    let (done, given) = run(below.path(), 2_000).unwrap();
    assert_eq!((done.size, given), (2_000, 4), "bundles 3, 5, 6 and the partial one");
    assert_eq!(std::fs::read(folder.join("tile/entries/003")).unwrap().len(), 8_704);
}

#[test]
fn a_folder_of_another_log_is_left_alone() {
    let below = tempfile::tempdir().unwrap();
    run(below.path(), 300).unwrap();
    let before = files(&below.path().join("log"));
    let other = Export::begin(below.path(), "log", note("tram/test/other", 400, entry));
    assert!(matches!(other, Err(ExportError::Other { .. })));
    let shorter = run(below.path(), 299).unwrap_err();
    assert_eq!(shorter.code(), Code::LogRollback);
    assert_eq!(files(&below.path().join("log")), before);
}

#[test]
fn another_history_is_never_published() {
    let below = tempfile::tempdir().unwrap();
    run(below.path(), 300).unwrap();
    let published = std::fs::read(below.path().join("log/checkpoint")).unwrap();
    // The same log, whose 10th entry is another than the one that was written.
    let forked = |index| if index == 10 { [9; 32] } else { entry(index) };
    let mut export = Export::begin(below.path(), "log", note(ORIGIN, 400, forked)).unwrap();
    give(&mut export, usize::MAX);
    assert_eq!(export.finish().unwrap_err().code(), Code::StoreCorrupt);
    assert_eq!(std::fs::read(below.path().join("log/checkpoint")).unwrap(), published);
    // An entry that was published and is another now.
    let mut export = Export::begin(below.path(), "log", note(ORIGIN, 301, entry)).unwrap();
    let wanted = export.wanted().unwrap().unwrap();
    assert_eq!(wanted, Wanted { index: 1, width: 45 });
    let other = encode_bundle((256..301).map(|i| if i == 299 { [0; 32] } else { entry(i) }));
    assert!(matches!(export.put(wanted, &other.unwrap()), Err(ExportError::Source(_))));
    // Nothing but commitments.
    let long = encode_bundle(std::iter::repeat_n([0; 33], 45)).unwrap();
    assert!(export.put(wanted, &long).is_err());
    // And a folder whose tiles were altered is not built upon.
    drop(export);
    std::fs::write(below.path().join("log/tile/1/000.p/1"), [0; 32]).unwrap();
    assert!(matches!(run(below.path(), 400), Err(ExportError::Other { .. })));
}

#[test]
fn one_process_writes_at_a_time() {
    let below = tempfile::tempdir().unwrap();
    let first = Export::begin(below.path(), "log", note(ORIGIN, 300, entry)).unwrap();
    let second = Export::begin(below.path(), "log", note(ORIGIN, 300, entry));
    assert_eq!(second.err().unwrap().code(), Code::StoreLocked);
    drop(first);
    run(below.path(), 300).unwrap();
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let below = tempfile::tempdir().unwrap();
    std::fs::write(below.path().join("log"), "a file").unwrap();
    let refused = run(below.path(), 300).unwrap_err();
    assert_eq!(refused.code(), Code::StorageFailed);
    assert!(refused.to_string().contains("log"));
}
