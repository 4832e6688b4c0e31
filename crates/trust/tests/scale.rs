//! A directory of the real country's size, and what one version of it changes.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "measures time and memory, and says what it found"
)]

use std::time::Instant;

use tram_dispatch::directory::Entry;
use tram_dispatch::{AgencyCode, Code};
use tram_trust::fixtures::country::{self, COMMUNES, COMMUNES_AFTER, DISTRICTS, PROVINCES_AFTER};
use tram_trust::fixtures::{NOW, Network};
use tram_trust::{Directory, Resolution};
use tram_wire::directory::{DirectoryDifference, DirectoryFile};

/// What a country has, and more.
const AGENCIES: usize = 123_000;

fn code(text: &str) -> AgencyCode {
    AgencyCode::parse_canonical(text).unwrap()
}

/// Most memory that this process had, MiB.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
}

#[test]
fn look_ups_find_with_and_without_accents_and_by_code() {
    let network = Network::new("look-ups");
    let mut entries = network.entries.clone();
    let mut more = country::before();
    more.retain(|e| matches!(e, Entry::Agency(a) if a.tier == 2));
    for entry in &mut more {
        let Entry::Agency(agency) = entry else { continue };
        (agency.node, agency.parent) = (None, Some(code("G22")));
        if agency.name == "Tỉnh Hải Dương" {
            agency.former = vec![AgencyCode::parse("HD.old").unwrap()];
        }
    }
    more.retain(|e| matches!(e, Entry::Agency(a) if a.code.as_str() != "H41"));
    entries.extend(more);
    let directory = network.next_directory(&entries);
    let names = |text: &str| -> Vec<String> {
        directory.find(text, None).map(|a| a.name.clone()).collect()
    };
    assert_eq!(names("hai duong"), ["Tỉnh Hải Dương"]);
    assert_eq!(names("HẢI  dương"), ["Tỉnh Hải Dương"]);
    assert_eq!(names("dak"), ["Tỉnh Đắk Lắk", "Tỉnh Đắk Nông"]);
    assert_eq!(names("hoà bình"), ["Tỉnh Hòa Bình"], "wherever the tone is written");
    assert_eq!(names("hoa bi"), ["Tỉnh Hòa Bình"]);
    assert_eq!(names("hạ nam"), Vec::<String>::new(), "accents that are typed must agree");
    assert_eq!(names("hả"), ["Tỉnh Hải Dương", "Tỉnh Hải Phòng"], "a part of a word");
    assert_eq!(names("hd.OLD"), ["Tỉnh Hải Dương"], "a former code");
    assert_eq!(names("000.00.00.H26"), names("h26"), "both forms of a code");
    assert_eq!(names("h26").len(), 1);
    let all: Vec<_> = directory.find("", None).collect();
    assert_eq!(all.len(), directory.agencies().count());
    let mut paged = Vec::new();
    while let Some(next) = directory.find("tinh", paged.last()).next() {
        paged.push(next.code.clone());
    }
    assert_eq!(paged.len(), directory.find("tinh", None).count(), "page by page");
}

#[test]
fn a_reorganisation_of_the_real_shape_is_a_difference() {
    let started = Instant::now();
    let network = Network::new("a reorganisation");
    let before = country::before();
    let plan = country::reorganisation();
    let count = |entries: &[Entry], tier: u8| {
        let of = |e: &&Entry| matches!(e, Entry::Agency(a) if a.tier == tier && a.open);
        entries.iter().filter(of).count()
    };
    let shape = [2, 3, 4].map(|tier| count(&before, tier));
    assert_eq!(shape, [63, DISTRICTS, COMMUNES]);
    let mut after = before.clone();
    let closing: std::collections::BTreeMap<_, _> = plan.close.iter().cloned().collect();
    let moving: std::collections::BTreeMap<_, _> =
        plan.moves.iter().map(|(c, p, n)| (c.clone(), (p.clone(), n.clone()))).collect();
    for entry in &mut after {
        let Entry::Agency(agency) = entry else { continue };
        if let Some(into) = closing.get(&agency.code) {
            (agency.open, agency.successor) = (false, Some(into.clone()));
        }
        if let Some((parent, node)) = moving.get(&agency.code) {
            (agency.parent, agency.node) = (Some(parent.clone()), Some(node.clone()));
        }
    }
    assert_eq!([2, 3, 4].map(|tier| count(&after, tier)), [PROVINCES_AFTER, 0, COMMUNES_AFTER]);
    let one = network.directory_file(network.head(1, None, &before), &before);
    let first = Directory::verify(&network.root, &one, None, NOW).unwrap();
    let two = network.directory_file(network.head(2, Some(first.digest()), &after), &after);
    let files = [&one, &two].map(|file| DirectoryFile::decode(file).unwrap());
    let difference = DirectoryDifference::between(&files[0], &files[1]);
    assert_eq!(difference.changed.len(), plan.close.len() + plan.moves.len());
    assert!(difference.removed.is_empty(), "a code is never taken out");
    let bytes = difference.encode();
    assert!(bytes.len() < two.len());
    let made = Directory::with_difference(&network.root, &one, &bytes).unwrap();
    assert_eq!(made, two, "byte for byte");
    let second = Directory::verify(&network.root, &made, Some(&first), NOW).unwrap();
    for (old, _) in &plan.close {
        let Resolution::Successor { to, .. } = second.resolve(old) else { panic!("{old}") };
        assert!(to.open && second.hosting(old) == to.node.as_ref());
    }
    // Backwards it leads nowhere.
    let again = Directory::with_difference(&network.root, &two, &bytes).unwrap_err();
    assert_eq!(again.code, Code::DirectoryOld);
    println!(
        "{} agencies, {} closed, {} moved; {} bytes whole, {} bytes difference; {} ms",
        first.agencies().count(),
        plan.close.len(),
        plan.moves.len(),
        two.len(),
        bytes.len(),
        started.elapsed().as_millis()
    );
}

#[test]
#[ignore = "long: makes, signs, verifies and searches a directory of 123,000 agencies"]
fn long_a_directory_of_123_000_agencies() {
    let network = Network::new("123,000 agencies");
    let entries = country::with_units(AGENCIES);
    let have = entries.iter().filter(|e| matches!(e, Entry::Agency(_))).count();
    assert_eq!(have, AGENCIES);
    let mut last = Instant::now();
    let mut step = |what: &str| {
        let ms = last.elapsed().as_millis();
        println!("{what}: {ms} ms, at most {} MiB so far", peak_mib());
        last = Instant::now();
    };
    step("to begin with");
    let file = network.directory_file(network.head(1, None, &entries), &entries);
    drop(entries);
    step(&format!("encode and sign {} bytes", file.len()));
    let directory = Directory::verify(&network.root, &file, None, NOW).unwrap();
    step("verify and index");
    assert_eq!(
        directory.find("hai duong", None).count(),
        directory.find("hải dương", None).count()
    );
    step("the first two look-ups by name, which make the text they go through");
    let hits = directory.find("truong tieu hoc my son", None).count();
    assert!(hits > 0);
    step(&format!("one look-up by name, {hits} hits"));
    let codes: Vec<AgencyCode> = directory.agencies().map(|a| a.code.clone()).collect();
    step("all codes");
    assert!(codes.iter().all(|code| directory.hosting(code).is_some()));
    step(&format!("resolve {} codes to the nodes that host them", codes.len()));
    let earlier = DirectoryFile::decode(&file).unwrap();
    let mut changed = earlier.decoded.clone();
    for entry in changed.iter_mut().step_by(1_000) {
        if let Entry::Agency(agency) = entry {
            agency.name.push_str(" (mới)");
        }
    }
    let head = network.head(2, Some(directory.digest()), &changed);
    let later = DirectoryFile::decode(&network.directory_file(head, &changed)).unwrap();
    step("a second version, 1 of 1,000 agencies changed");
    let difference = DirectoryDifference::between(&earlier, &later);
    let bytes = difference.encode();
    step(&format!("its difference: {} entries, {} bytes", difference.changed.len(), bytes.len()));
    drop((earlier, later, difference, changed));
    let made = Directory::with_difference(&network.root, &file, &bytes).unwrap();
    let second = Directory::verify(&network.root, &made, Some(&directory), NOW).unwrap();
    assert_eq!(second.version(), 2);
    step("apply and verify it");
}
