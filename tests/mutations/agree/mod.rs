//! Two verifiers over the same altered material: ours, and the independent one in Python
//! (`tests/independent`). Nothing altered is accepted, and they agree on every case: the same verdict,
//! the same claims with the same particulars, the same false parts.
//!
//! What may be left of altered material is said here, and nowhere waved through:
//!
//! * an evidence file with anything *altered* is not whole any more and proves nothing that the sound one
//!   did not, or a weaker bound, or fewer witnesses of those there were (`model::says_no_more`). The one thing in
//!   it that no signature, digest or proof covers, its maker's policy, is called unproved in the sound file
//!   already;
//! * where parts were only *taken away*, the rest may be whole in itself, but proves nothing more;
//! * a bundle is not signed: receipts may be left out, put in order or repeated. Each is judged by itself,
//!   and none that was not there verifies;
//! * a checkpoint's lines by keys that nobody knows may come and go; its text and each witness's word may
//!   not change.

mod altered;
mod edit;
mod model;
mod others;
mod ours;
mod python;
mod respelled;
mod strangers;
mod worlds;

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value as Json, json};
use tram_tlog::{Hash, MemoryTree};
use tram_trust::Verifier;
use tram_trust::evidence::examine;

use crate::Numbers;
use altered::{Change, Rule};
use model::{grew, presumed};
use python::{Python, bytes, text};
use worlds::{Worlds, proved};

const SEED: u64 = 20_261_122;
const ORDINARY: u64 = 10_000;
/// Of a hundred cases so many are evidence files.
const EVIDENCE: u64 = 70;
/// Tries of a kind before another takes its turn.
const TRIES: u64 = 50;
/// Disagreements that are shown.
const SHOWN: usize = 5;

/// One question to both, and our answer.
pub(crate) struct Case {
    kind: &'static str,
    question: Vec<ciborium::Value>,
    ours: Json,
    /// What was accepted that must not be.
    accepted: Option<String>,
}

/// Sound material beside evidence files.
pub(crate) struct Sound {
    verifier: Verifier,
    receipts: Vec<Vec<u8>>,
    tree: MemoryTree,
    leaves: Vec<Hash>,
}

/// What came of the cases.
#[derive(Default)]
struct Tally {
    kinds: BTreeMap<&'static str, u64>,
    verdicts: BTreeMap<String, u64>,
    accepted: Vec<String>,
    disagreements: Vec<String>,
}

fn evidence(
    worlds: &Worlds,
    (kind, rule, change): (&'static str, Rule, Change),
    numbers: &mut Numbers,
) -> Option<Case> {
    let world = &worlds.worlds[numbers.below(worlds.worlds.len())];
    let raw = change(worlds, world, numbers)?;
    if raw == world.bytes {
        return None;
    }
    let (ours, accepted) = match examine(&world.ground, &raw) {
        Err(_) => (json!({ "verdict": "unreadable" }), None),
        Ok(account) => {
            let now = proved(&account);
            let whole = ours::verdict(&account) == "proved" && rule == Rule::Altered;
            let accepted = match rule {
                Rule::Altered | Rule::Less => grew(&now, &world.proved),
                Rule::Strangers => presumed(&now),
            };
            let accepted = accepted.or(whole.then(|| "taken for whole".to_owned()));
            (ours::answer(&account), accepted)
        }
    };
    let question = vec![text("evidence"), text(world.name), bytes(&raw)];
    Some(Case { kind, question, ours, accepted })
}

/// One of a table, by its weight.
fn pick<'a, T>(table: &'a [T], weight: impl Fn(&T) -> u64, numbers: &mut Numbers) -> &'a T {
    let total: u64 = table.iter().map(&weight).sum();
    let mut ticket = numbers.next() % total;
    for row in table {
        match ticket.checked_sub(weight(row)) {
            None => return row,
            Some(left) => ticket = left,
        }
    }
    unreachable!("a ticket below the total")
}

fn next(worlds: &Worlds, sound: &Sound, numbers: &mut Numbers) -> Case {
    loop {
        let of_evidence = numbers.next() % 100 < EVIDENCE;
        let (row, other) = (
            *pick(altered::KINDS, |kind| kind.1, numbers),
            *pick(others::KINDS, |kind| kind.1, numbers),
        );
        for _ in 0..TRIES {
            let case = match of_evidence {
                true => evidence(worlds, (row.0, row.2, row.3), numbers),
                false => (other.2)(worlds, sound, numbers),
            };
            if let Some(case) = case {
                return case;
            }
        }
    }
}

impl Tally {
    fn take(&mut self, case: Case, theirs: &Json) {
        *self.kinds.entry(case.kind).or_default() += 1;
        *self
            .verdicts
            .entry(case.ours["verdict"].as_str().unwrap_or("?").to_owned())
            .or_default() += 1;
        if let Some(what) = case.accepted {
            self.accepted.push(format!("{}: {what}", case.kind));
        }
        if let Some(what) = difference(&case.ours, theirs, String::new()) {
            // The question is kept, to be asked again.
            let question = crate::written(&ciborium::Value::Array(case.question));
            let name = format!("disagreement-{}", self.disagreements.len());
            let path = std::env::temp_dir().join(name);
            let _ = std::fs::write(&path, question);
            self.disagreements.push(format!("{} {}: {what}", case.kind, path.display()));
        }
    }

    fn end(&self, count: u64) {
        let (accepted, disagreements) = (self.accepted.len(), self.disagreements.len());
        println!("kinds: {:?}\nverdicts: {:?}", self.kinds, self.verdicts);
        println!("mutations={count} accepted={accepted} disagreements={disagreements}");
        assert!(self.accepted.is_empty(), "{:#?}", &self.accepted[..accepted.min(SHOWN)]);
        let shown = self.disagreements[..disagreements.min(SHOWN)].join("\n");
        assert!(self.disagreements.is_empty(), "{shown}");
        let evidence: u64 = altered::KINDS.iter().map(|kind| kind.1).sum();
        let others: u64 = others::KINDS.iter().map(|kind| kind.1).sum();
        let shares = altered::KINDS.iter().map(|kind| (kind.0, kind.1 * EVIDENCE, evidence));
        let shares =
            shares.chain(others::KINDS.iter().map(|k| (k.0, k.1 * (100 - EVIDENCE), others)));
        for (kind, weight, total) in shares {
            // At least half of what its table asks for.
            let (ran, least) =
                (self.kinds.get(kind).copied().unwrap_or(0), count * weight / total / 200);
            assert!(ran >= least, "{kind}: {ran}, at least {least}");
        }
        // A run in which nothing was read, or nothing left whole, would prove little.
        for (verdict, share) in
            [("unreadable", 20), ("false", 5), ("undetermined", 20), ("refused", 20)]
        {
            let ran = self.verdicts.get(verdict).copied().unwrap_or(0);
            assert!(ran >= count / share / 2, "{verdict}: {ran}");
        }
    }
}

/// Where two answers first differ; what only one of them says (words, codes) is not asked of it.
fn difference(ours: &Json, theirs: &Json, at: String) -> Option<String> {
    match (ours, theirs) {
        (Json::Object(a), Json::Object(b)) => a.iter().find_map(|(key, value)| {
            difference(value, b.get(key).unwrap_or(&Json::Null), format!("{at}/{key}"))
        }),
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            let pairs = a.iter().zip(b).enumerate();
            pairs.map(|(n, (x, y))| difference(x, y, format!("{at}/{n}"))).find_map(|found| found)
        }
        _ => (ours != theirs).then(|| format!("{at}: ours {ours}, theirs {theirs}")),
    }
}

fn sound(worlds: &Worlds) -> Sound {
    let (tree, leaves) = others::tree();
    let receipts = worlds.tiers.receipts.iter().chain(&worlds.another);
    Sound {
        verifier: worlds.tiers.network.verifier(),
        receipts: receipts.map(|receipt| receipt.raw().to_vec()).collect(),
        tree,
        leaves,
    }
}

fn run(count: u64, seed: u64) {
    let began = Instant::now();
    let worlds = Worlds::new();
    let sound = sound(&worlds);
    let mut python = Python::start();
    let mut tally = Tally::default();
    let mut take = |case: Option<Case>, theirs: Json| match case {
        Some(case) => tally.take(case, &theirs),
        None => assert_eq!(theirs["verdict"], "verified"),
    };
    for world in &worlds.worlds {
        python.ask(world.introduction.clone(), None, &mut take);
    }
    // The sound ones first: what nobody touched, both find as it is.
    for world in &worlds.worlds {
        let ours = ours::answer(&examine(&world.ground, &world.bytes).expect("a sound file"));
        let question = vec![text("evidence"), text(world.name), bytes(&world.bytes)];
        let case = Case { kind: "sound", question: question.clone(), ours, accepted: None };
        python.ask(question, Some(case), &mut take);
    }
    let mut numbers = Numbers::new(seed);
    for _ in 0..count {
        let case = next(&worlds, &sound, &mut numbers);
        python.ask(case.question.clone(), Some(case), &mut take);
    }
    python.end(&mut take);
    println!("seed {seed}, {} ms", began.elapsed().as_millis());
    tally.end(count);
}

#[test]
#[ignore = "needs python3 with cbor2 and cryptography"]
fn needs_python_both_verifiers_refuse_and_agree() {
    run(ORDINARY, SEED);
}

/// As many as `TRAM_AGREE` says, from the seed `TRAM_AGREE_SEED`.
#[test]
#[ignore = "long: a hundred thousand altered files, some minutes"]
fn long_both_verifiers_refuse_and_agree() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse().ok());
    run(number("TRAM_AGREE").unwrap_or(100_000), number("TRAM_AGREE_SEED").unwrap_or(SEED + 1));
}
