//! The kept corpora through the doors, and the runner itself: seen to be whole, repeatable, and able
//! to find something.

use std::collections::BTreeSet;
use std::panic::catch_unwind;

use tram_entry::mutate::{Dice, mutated};
use tram_entry::{TARGETS, corpus};

/// Changed inputs of each target that every test run tries.
const RUNS: u64 = 150;

#[test]
fn every_kept_input_and_some_changes_of_it_keep_the_rules() {
    for target in TARGETS {
        let kept = corpus::read(target.name).unwrap_or_else(|e| panic!("{}: {e}", target.name));
        assert!(!kept.is_empty(), "{}: {} inputs", target.name, kept.len());
        let inputs: Vec<Vec<u8>> = kept.values().cloned().collect();
        let changed = (0..RUNS).map(|run| mutated(&inputs, &mut Dice::new(2026, run)));
        for input in inputs.iter().cloned().chain(changed) {
            let name = target.name;
            assert!(
                catch_unwind(|| (target.run)(&input)).is_ok(),
                "{name}: {}",
                hex::encode(input)
            );
        }
    }
}

/// The names in a folder of `tests/fuzz`, without their ending.
fn names(folder: &str) -> BTreeSet<String> {
    let path = corpus::folder().join("..").join(folder);
    let entries = std::fs::read_dir(path).expect("a folder");
    let name = |e: std::io::Result<std::fs::DirEntry>| e.expect("an entry").file_name();
    entries.map(|e| name(e).to_string_lossy().trim_end_matches(".rs").to_owned()).collect()
}

#[test]
fn every_target_has_a_corpus_and_a_fuzz_target() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|t| t.name.to_owned()).collect();
    assert_eq!(targets.len(), TARGETS.len(), "a name stands twice");
    assert_eq!(names("corpus"), targets);
    assert_eq!(names("fuzz_targets"), targets);
    let manifest = corpus::folder().join("../Cargo.toml");
    let manifest = std::fs::read_to_string(manifest).expect("the manifest");
    for target in TARGETS {
        let path = corpus::folder().join(format!("../fuzz_targets/{}.rs", target.name));
        let text = std::fs::read_to_string(path).expect("a fuzz target");
        assert!(text.contains(&format!("tram_entry::{}(data)", target.name)), "{}", target.name);
        assert!(manifest.contains(&format!("name = \"{}\"", target.name)), "{}", target.name);
    }
}

/// What can be made is made: a format that was added to the vectors has its place in the corpora.
#[test]
fn every_sample_is_in_the_corpora() {
    for (target, samples) in corpus::samples() {
        let kept = corpus::read(target).unwrap_or_else(|e| panic!("{target}: {e}"));
        let missing: Vec<&String> =
            samples.keys().filter(|name| !kept.contains_key(*name)).collect();
        assert!(missing.is_empty(), "{target}: {missing:?}; see write_corpora");
    }
}

#[test]
fn the_same_seed_gives_the_same_inputs_and_another_gives_others() {
    let inputs: Vec<Vec<u8>> = corpus::read("dispatch").unwrap().into_values().collect();
    let of = |seed| -> Vec<Vec<u8>> {
        (0..64).map(|run| mutated(&inputs, &mut Dice::new(seed, run))).collect()
    };
    assert_eq!(of(7), of(7));
    assert_ne!(of(7), of(8));
    let different: BTreeSet<Vec<u8>> = of(7).into_iter().collect();
    assert!(different.len() > 60, "{}", different.len());
}

/// The mutator reaches what it is meant for: decoders that are wrong in one place are found out.
#[test]
fn planted_faults_are_found() {
    let parse =
        |data: &[u8]| tram_wire::cose::Sign1::parse(data, 1 << 20).map(|sign1| sign1.encode()).ok();
    // One passes over zeros at the end, one does not look at what type of object it has.
    let passes_over_zeros = |data: &[u8]| {
        let zeros = data.iter().rev().take_while(|byte| **byte == 0).count();
        parse(&data[..data.len() - zeros])
    };
    let type_at = |data: &[u8]| data.windows(17).position(|w| w == b"application/tram-");
    let takes_any_type = |data: &[u8]| {
        let mut data = data.to_vec();
        if let Some(name) = type_at(&data).and_then(|at| data.get_mut(at + 17..at + 25)) {
            name.copy_from_slice(b"dispatch");
        }
        parse(&data)
    };
    let inputs: Vec<Vec<u8>> = corpus::read("cose").unwrap().into_values().collect();
    let found = |planted: &dyn Fn(&[u8]) -> Option<Vec<u8>>| {
        (0..200_000).find(|run| {
            let input = mutated(&inputs, &mut Dice::new(1, *run));
            planted(&input).is_some_and(|again| again != input)
        })
    };
    assert!(found(&passes_over_zeros).is_some());
    assert!(found(&takes_any_type).is_some());
    assert_eq!(found(&parse), None, "and the real one is not");
}

/// Bytes that once broke a rule stay in the corpus; everything else in it is made here.
#[test]
#[ignore = "writes the corpora"]
fn write_corpora() {
    for (target, inputs) in corpus::samples() {
        let folder = corpus::folder().join(target);
        std::fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in inputs {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
    }
}
