//! Mergers on working files, up to the whole country's.
#![allow(clippy::print_stdout, reason = "tells the counts of the rehearsal")]

use std::collections::BTreeMap;
use std::time::Instant;

use tram_dispatch::directory as plain;
use tram_dispatch::{AgencyCode, Code, UnixMillis};
use tram_trust::fixtures::country::{self, COMMUNES, COMMUNES_AFTER, DISTRICTS, PROVINCES_AFTER};
use tram_trust::fixtures::{NOW, Network};
use tram_trust::{Directory, Resolution};
use tram_wire::directory::{DirectoryDifference, DirectoryFile};

use super::super::working::Working;
use super::carry_out::{Step, carry_out};
use super::holes::check;
use super::plan::Plan;

fn plan(text: &str) -> Plan {
    toml::from_str(text).unwrap()
}

/// A province with two districts of two communes each, all at one node.
fn small() -> Working {
    let mut text = format!("network = \"{}\"\n", "00".repeat(32));
    let codes = ["H41", "H41.12", "H41.13", "H41.12.01", "H41.12.02", "H41.13.01", "H41.13.02"];
    for code in codes {
        let tier = code.matches('.').count() + 2;
        text += &format!(
            "[[agency]]\ncode = \"{code}\"\nname = \"{code}\"\ntier = {tier}\nnode = \"n1.H41\"\n"
        );
        if let Some((parent, _)) = code.rsplit_once('.') {
            text += &format!("parent = \"{parent}\"\n");
        }
    }
    text += "[[node]]\nid = \"n1.H41\"\n[[node]]\nid = \"n1.H42\"\nopen = false\n";
    toml::from_str(&text).unwrap()
}

fn merged(text: &str) -> Result<(Working, Vec<Step>), (Code, String)> {
    let mut working = small();
    let failed = |f: crate::cli::failure::Failure| (f.code(), format!("{f:?}"));
    let steps = carry_out(&mut working, &plan(text), UnixMillis(0)).map_err(failed)?;
    check(&working).map_err(failed)?;
    Ok((working, steps))
}

fn agency(working: &Working, code: &str) -> super::super::working::Agency {
    working.agencies.iter().find(|a| a.code == code).unwrap().clone()
}

#[test]
fn one_operation_closes_moves_renames_and_opens() {
    let (working, steps) = merged(
        r#"
        at = "2025-06-30T17:00:00Z"
        [[merge]]
        close = ["H41.12", "H41.13"]
        into = "H41"
        children = true
        [[merge]]
        close = ["H41.12.02"]
        into = "H41.12.01"
        [[move]]
        agencies = ["H41.13.01"]
        parent = "H41.99"
        tier = 4
        [[rename]]
        code = "H41.12.01"
        name = "Xã Mỹ Sơn"
        [[open]]
        code = "H41.99"
        name = "Đặc khu"
        tier = 3
        parent = "H41"
        node = "n1.H41"
        "#,
    )
    .unwrap();
    assert_eq!(steps.len(), 1 + 3 + 3 + 1, "{steps:?}");
    let closed = agency(&working, "H41.12.02");
    assert!(!closed.open && closed.successor.as_deref() == Some("H41.12.01"));
    assert_eq!(closed.until.as_deref(), Some("2025-06-30T17:00:00.000Z"));
    assert_eq!(closed.node.as_deref(), Some("n1.H41"), "who spoke for it stays on record");
    let opened = agency(&working, "H41.99");
    assert_eq!(opened.from, closed.until, "one ends when the other begins");
    // What the plan says comes before what is taken along.
    assert_eq!(agency(&working, "H41.13.01").parent.as_deref(), Some("H41.99"));
    assert_eq!(agency(&working, "H41.13.01").tier, 4);
    assert_eq!(agency(&working, "H41.13.02").parent.as_deref(), Some("H41"));
    assert_eq!(agency(&working, "H41.12.01").name, "Xã Mỹ Sơn");
}

#[test]
fn what_would_leave_a_hole_or_a_circle_is_refused_whole() {
    let cases = [
        ("[[merge]]\nclose = [\"H41.12\"]\ninto = \"H41\"", "H41.12.01"),
        ("[[merge]]\nclose = [\"H41.12.01\"]\ninto = \"H41.12.01\"", "circle"),
        (
            "[[merge]]\nclose = [\"H41.12.01\"]\ninto = \"H41.12.02\"\n[[merge]]\nclose = [\"H41.12.02\"]\ninto = \"H41.12.01\"",
            "circle",
        ),
        ("[[merge]]\nclose = [\"H41.12.01\", \"H41.12.01\"]\ninto = \"H41\"", "twice"),
        ("[[merge]]\nclose = [\"H41.12.01\"]\ninto = \"H41.77\"", "no agency H41.77"),
        ("[[merge]]\nclose = [\"H41.77\"]\ninto = \"H41\"", "no agency H41.77"),
        ("[[move]]\nagencies = [\"H41.12.01\"]\nnode = \"n1.H42\"", "n1.H42, which is closed"),
        ("[[move]]\nagencies = [\"H41.12.01\"]\nnode = \"n1.H43\"", "n1.H43 is not listed"),
        ("[[move]]\nagencies = [\"H41.12.01\"]\nparent = \"H42\"", "parent H42 is not listed"),
        ("[[move]]\nagencies = [\"H41\"]\nparent = \"H41.12\"", "no end of parents"),
        ("[[open]]\ncode = \"H41\"\nname = \"x\"\ntier = 2", "never given twice"),
        ("at = \"gestern\"\n[[move]]\nagencies = [\"H41\"]\nnode = \"n1.H41\"", "at"),
    ];
    for (text, says) in cases {
        let (code, detail) = merged(text).unwrap_err();
        assert!(detail.contains(says), "{text}\n{code}: {detail}");
    }
    // A chain that ends is none.
    let chain = "[[merge]]\nclose = [\"H41.12.01\"]\ninto = \"H41.12.02\"\n[[merge]]\nclose = [\"H41.12.02\"]\ninto = \"H41.13.01\"";
    assert_eq!(merged(chain).unwrap().1.len(), 2);
}

/// Plans and working files that were altered at random, the same in each run: what is not refused leaves a
/// file that reads back as it is.
#[test]
fn whatever_a_plan_says_it_is_carried_out_whole_or_refused() {
    use crate::mutate::{Dice, mutated};

    const PLAN: &str = "at = \"2025-06-30T17:00:00Z\"\n\
        [[merge]]\nclose = [\"H41.12\", \"H41.13\"]\ninto = \"H41\"\nchildren = true\n\
        [[move]]\nagencies = [\"H41.13.01\"]\nparent = \"H41.99\"\ntier = 4\n\
        [[rename]]\ncode = \"H41.12.01\"\nname = \"Xã Mỹ Sơn\"\n\
        [[open]]\ncode = \"H41.99\"\nname = \"Đặc khu\"\ntier = 3\nparent = \"H41\"\nnode = \"n1.H41\"\n";
    const CHAIN: &str = "[[merge]]\nclose = [\"H41.12.01\"]\ninto = \"H41.12.02\"\n\
        [[move]]\nagencies = [\"H41.13.02\"]\nnode = \"n1.H41\"\n";
    let working = small().text().unwrap();
    let plans = [PLAN, CHAIN].map(|text| text.as_bytes().to_vec());
    let (mut done, mut refused, mut unread) = (0, 0, 0);
    for run in 0..4_000 {
        let dice = &mut Dice::new(2026, run);
        // Every fourth run the working file is altered too.
        let mut file = small();
        if run % 4 == 0 {
            let text = mutated(&[working.clone().into_bytes()], dice);
            match String::from_utf8(text).ok().and_then(|text| toml::from_str(&text).ok()) {
                Some(altered) => file = altered,
                None => {
                    unread += 1;
                    continue;
                }
            }
        }
        let text = String::from_utf8_lossy(&mutated(&plans, dice)).into_owned();
        let Ok(plan) = toml::from_str::<Plan>(&text) else {
            unread += 1;
            continue;
        };
        let carried = carry_out(&mut file, &plan, UnixMillis(0)).and_then(|_| check(&file));
        match carried {
            Ok(()) => {
                let again: Working = toml::from_str(&file.text().unwrap()).unwrap();
                assert_eq!(again, file, "{text}");
                // That nothing is left hanging is known already; what can be signed has sound entries.
                if let Ok(entries) = file.entries() {
                    assert_eq!(
                        entries.len(),
                        file.agencies.len() + file.nodes.len() + file.delegations.len()
                    );
                }
                done += 1;
            }
            Err(failure) => {
                assert!(!format!("{failure:?}").is_empty());
                refused += 1;
            }
        }
    }
    assert!(done > 20 && refused > 50 && unread > 200, "{done}, {refused}, {unread}");
}

/// The working file of a made-up country of the real shape.
fn country_file(network: &Network) -> Working {
    Working::of(network.id(), &country::before())
}

/// The plan file of 1 July 2025, as an office would write it.
fn plan_text() -> String {
    let plan = country::reorganisation();
    let mut into: BTreeMap<AgencyCode, Vec<String>> = BTreeMap::new();
    for (code, successor) in &plan.close {
        into.entry(successor.clone()).or_default().push(format!("{:?}", code.as_str()));
    }
    let mut under: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for (code, parent, node) in &plan.moves {
        under.entry((parent, node)).or_default().push(format!("{:?}", code.as_str()));
    }
    let mut text = "at = \"2025-06-30T17:00:00Z\"\n".to_owned();
    for (into, close) in &into {
        text += &format!("[[merge]]\nclose = [{}]\ninto = \"{into}\"\n", close.join(", "));
    }
    for ((parent, node), agencies) in &under {
        let agencies = agencies.join(", ");
        text += &format!(
            "[[move]]\nagencies = [{agencies}]\nparent = \"{parent}\"\nnode = \"{node}\"\n"
        );
    }
    text
}

#[test]
#[ignore = "long: a plan of 7,439 closed and 3,321 moved agencies, some seconds"]
fn long_the_reorganisation_of_1_july_2025_is_one_plan() {
    let started = Instant::now();
    let network = Network::new("1 July 2025");
    let mut working = country_file(&network);
    let before = working.entries().unwrap();
    let text = plan_text();
    let steps = carry_out(&mut working, &plan(&text), NOW).unwrap();
    check(&working).unwrap();
    let count = |of: fn(&Step) -> bool| steps.iter().filter(|step| of(step)).count();
    let closed = count(|s| matches!(s, Step::Close { .. }));
    let moved = count(|s| matches!(s, Step::Move { .. }));
    let merged = 63 - PROVINCES_AFTER;
    assert_eq!(closed, merged + DISTRICTS + COMMUNES - COMMUNES_AFTER);
    assert_eq!(moved, COMMUNES_AFTER);
    let after = working.entries().unwrap();
    let open = |entries: &[plain::Entry]| {
        [1, 2, 3, 4].map(|tier| {
            let is = |e: &&plain::Entry| matches!(e, plain::Entry::Agency(a) if a.open && a.tier == tier);
            entries.iter().filter(is).count()
        })
    };
    assert_eq!(open(&before), [1, 63, DISTRICTS, COMMUNES]);
    assert_eq!(open(&after), [1, PROVINCES_AFTER, 0, COMMUNES_AFTER]);
    // Signed, as a difference, taken by a node that has the version before.
    let one = network.directory_file(network.head(1, None, &before), &before);
    let first = Directory::verify(&network.root, &one, None, NOW).unwrap();
    let two = network.directory_file(network.head(2, Some(first.digest()), &after), &after);
    let [old, new] = [&one, &two].map(|file| DirectoryFile::decode(file).unwrap());
    let difference = DirectoryDifference::between(&old, &new).encode();
    let made = Directory::with_difference(&network.root, &one, &difference).unwrap();
    let second = Directory::verify(&network.root, &made, Some(&first), NOW).unwrap();
    // Every code that ever was answers, and leads to somebody who is open and hosted.
    let (mut successors, mut same) = (0, 0);
    for agency in first.agencies() {
        let reached = match second.resolve(&agency.code) {
            Resolution::Open(it) => {
                same += 1;
                it
            }
            Resolution::Successor { to, .. } => {
                successors += 1;
                to
            }
            other => panic!("{}: {other:?}", agency.code),
        };
        let host = second.hosting(&agency.code).unwrap();
        assert!(reached.open && second.node(host).unwrap().open);
    }
    for (old, into) in country::reorganisation().close.iter().step_by(200) {
        let found = second.find(old.as_str(), None).find(|found| found.code == *old);
        assert!(found.is_some_and(|found| !found.open && found.successor.as_ref() == Some(into)));
    }
    assert_eq!((same, successors), (1 + PROVINCES_AFTER + COMMUNES_AFTER, closed));
    println!(
        "provinces 63 -> {PROVINCES_AFTER}, districts {DISTRICTS} -> 0, communes {COMMUNES} -> {COMMUNES_AFTER}: \
         plan of {} bytes, {closed} closed, {moved} moved; directory {} bytes, difference {} bytes; \
         {successors} old codes lead to an open successor, {same} are as they were; {} ms",
        text.len(),
        two.len(),
        difference.len(),
        started.elapsed().as_millis()
    );
}
