//! What comes along with the leaf: in any order, too little, too much.

use super::{Accepted, INVALID, Shapes, TOO_LARGE, UNTRUSTED};
use crate::cert::{Cert, Line, Purpose};
use crate::keys::ed25519;

pub(super) fn add(shapes: &mut Shapes, purpose: Purpose) {
    orders(shapes, purpose);
    missing(shapes, purpose);
    surplus(shapes, purpose);
}

/// The four authorities in every order.
fn orders(shapes: &mut Shapes, purpose: Purpose) {
    for order in permutations(&[1, 2, 3, 4]) {
        let line = Line::full(purpose);
        let chain = line.chain();
        let bag: Vec<Vec<u8>> =
            [0].iter().chain(&order).map(|place| chain[*place].clone()).collect();
        let why = "only the leaf has a place; the path is found in any order of the rest";
        shapes.add_chain(&format!("bag/in the order {order:?}"), line, bag, Accepted, why);
    }
}

fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut out = Vec::new();
    for (place, first) in items.iter().enumerate() {
        let rest = [&items[..place], &items[place + 1..]].concat();
        out.extend(permutations(&rest).into_iter().map(|tail| [vec![*first], tail].concat()));
    }
    out
}

/// Every set of authorities left out.
fn missing(shapes: &mut Shapes, purpose: Purpose) {
    for kept in 0..15_usize {
        let line = Line::full(purpose);
        let chain = line.chain();
        let mut bag = vec![chain[0].clone()];
        bag.extend((1..5).filter(|place| kept >> (place - 1) & 1 == 1).map(|p| chain[p].clone()));
        let why = "without the whole path the leaf is nobody's; the missing issuer is named";
        shapes.add_chain(&format!("bag/kept of the four: {kept:04b}"), line, bag, UNTRUSTED, why);
    }
    let line = Line::full(purpose);
    let chain = line.chain();
    shapes.add_chain(
        "bag/authorities without a leaf",
        line,
        chain[1..].to_vec(),
        INVALID,
        "a CA is no leaf",
    );
    for place in 1..5 {
        let line = Line::full(purpose);
        let mut chain = line.chain();
        chain.swap(0, place);
        let why = "the first certificate is the one judged, and this one is a CA";
        shapes.add_chain(&format!("bag/leaf at place {place}"), line, chain, INVALID, why);
    }
}

/// Something more in the bag.
fn surplus(shapes: &mut Shapes, purpose: Purpose) {
    let stranger = ed25519("a stranger");
    let other = Cert::anchor("a stranger's root", &stranger).sign(&stranger);
    let why = "what does not belong to the path does not matter";
    for (what, extra, expected) in [
        ("the root", Line::full(purpose).anchor_der(), Accepted),
        ("a stranger's root", other, Accepted),
        ("the leaf again", Line::full(purpose).chain()[0].clone(), Accepted),
        ("a CA again", Line::full(purpose).chain()[2].clone(), Accepted),
    ] {
        for place in [1, 5] {
            let line = Line::full(purpose);
            let mut chain = line.chain();
            chain.insert(place, extra.clone());
            shapes.add_chain(
                &format!("bag/with {what} at place {place}"),
                line,
                chain,
                expected,
                why,
            );
        }
    }
    let unreadable = "everything in the bag must be a certificate";
    for (what, extra, expected) in [
        ("rubbish", b"rubbish".to_vec(), INVALID),
        ("half a certificate", Line::full(purpose).chain()[1][..100].to_vec(), INVALID),
        ("20 kB of rubbish", vec![0x30; 20_000], TOO_LARGE),
    ] {
        let line = Line::full(purpose);
        let mut chain = line.chain();
        chain.push(extra);
        shapes.add_chain(&format!("bag/with {what}"), line, chain, expected, unreadable);
    }
    let line = Line::full(purpose);
    let mut chain = line.chain();
    chain.push(chain[1].clone());
    chain.push(chain[1].clone());
    shapes.add_chain("bag/of seven", line, chain, TOO_LARGE, "at most six certificates are taken");
    // Of another branch of the same tree: sound certificates that help nobody.
    let tiers: [(&str, &[&str]); 2] =
        [("centre CA", &[]), ("other province CA", &["h42.agency.alt"])];
    let branch = Line::with(purpose, &tiers, ed25519("leaf"));
    let line = Line::full(purpose);
    let mut chain = line.chain();
    chain[1] = branch.chain()[1].clone();
    let why = "a CA of another branch does not stand in for the missing one";
    shapes.add_chain("bag/another branch's CA instead", line, chain, UNTRUSTED, why);
}
