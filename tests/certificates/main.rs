//! Certificates, chains and revocation lists made to deceive, each with the verdict it must get; and the
//! same through `openssl verify`, where every disagreement must be explained.
#![allow(clippy::print_stdout, reason = "says what the run was like")]
#![allow(clippy::cloned_ref_to_slice_refs, reason = "rows of a table that read alike")]

mod cert;
mod crl;
mod der;
mod explained;
mod explained_pkits;
mod judge;
mod keys;
mod openssl;
mod pkits;
mod rsa;
mod shapes;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use judge::Judge;
use shapes::{Expected, Shape};

/// The least number of shapes.
const SHAPES_MIN: usize = 500;
/// Longest that one verdict may take (a debug build; the bound for path building).
const VERDICT_MS_MAX: u128 = 200;

#[test]
fn every_shape_gets_its_verdict() {
    let shapes = shapes::all();
    let mut judge = Judge::new();
    let (mut accepted, mut refused, mut wrong) = (0, 0, Vec::new());
    let mut slowest = (Duration::ZERO, String::new());
    for shape in &shapes {
        let began = Instant::now();
        let answer = judge.answer(shape);
        slowest = slowest.max((began.elapsed(), shape.name.clone()));
        match answer.verdict {
            Expected::Accepted => accepted += 1,
            Expected::Refused(_) | Expected::Undetermined => refused += 1,
        }
        if answer.verdict != shape.expected {
            let (told, why) = (answer.detail, &shape.why);
            let (is, must) = (answer.verdict, shape.expected);
            wrong.push(format!("{}: {is:?}, not {must:?}: {why} [{told}]", shape.name));
        }
    }
    let (count, bad) = (shapes.len(), wrong.len());
    println!("slowest {:?}: {}", slowest.0, slowest.1);
    println!("shapes={count} accepted={accepted} refused={refused} wrong={bad}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= SHAPES_MIN, "only {count} shapes");
}

#[test]
fn shapes_have_names_of_their_own_and_are_made_the_same_every_time() {
    let (once, again) = (shapes::all(), shapes::all());
    let names: BTreeSet<&str> = once.iter().map(|s| s.name.as_str()).collect();
    let twice: Vec<&str> =
        once.iter().map(|s| s.name.as_str()).filter(|n| count(&once, n) > 1).collect();
    assert_eq!(names.len(), once.len(), "{twice:?}");
    assert!(once.iter().all(|shape| !shape.why.is_empty()));
    let mut same = 0;
    for (a, b) in once.iter().zip(&again) {
        assert_eq!((&a.name, a.expected, a.at), (&b.name, b.expected, b.at));
        same += usize::from(a.chain == b.chain && a.crls == b.crls);
    }
    // ECDSA and PSS signatures have a random part; everything else is the same to the byte.
    let random = once.len() - same;
    assert!(random < once.len() / 10, "{random} of {} differ", once.len());
}

fn count(shapes: &[Shape], name: &str) -> usize {
    shapes.iter().filter(|shape| shape.name == name).count()
}

#[test]
fn bombs_cost_little() {
    let mut judge = Judge::new();
    let bombs = shapes::of_paths().into_iter().filter(|shape| shape.name.starts_with("crowd/"));
    let mut seen = 0;
    for shape in bombs {
        let began = Instant::now();
        let answer = judge.answer(&shape);
        let took = began.elapsed();
        assert_eq!(answer.verdict, shape.expected, "{}: {}", shape.name, answer.detail);
        assert!(took.as_millis() < VERDICT_MS_MAX, "{} took {took:?}", shape.name);
        seen += 1;
    }
    assert!(seen >= 10, "only {seen} bombs");
}
