//! Extensions: unknown, repeated, misplaced, malformed (RFC 5280 section 4.2).

use super::{Accepted, INVALID, Shapes};
use crate::cert::{
    ALTERNATIVE_NAME, AUTHORITY_KEY, BASIC_CONSTRAINTS, DISTRIBUTION_POINTS, EXTENDED_KEY_USAGE,
    Extension, KEY_USAGE, Line, NAME_CONSTRAINTS, Purpose, SUBJECT_KEY, constraints,
};
use crate::der::{NULL, TRUE, holds, implicit, integer, octets, oid, sequence};

const UNKNOWN: &str = "1.3.6.1.4.1.55555.9";

pub(super) fn add(shapes: &mut Shapes, purpose: Purpose) {
    for place in 0..5 {
        for critical in [true, false] {
            let mut line = Line::full(purpose);
            line.certs[place].push(UNKNOWN, critical, NULL.to_vec());
            let (word, expected) =
                if critical { ("critical", INVALID) } else { ("ordinary", Accepted) };
            let why = "what is critical and unknown stops; what is not critical is passed over";
            shapes.add(
                &format!("extension/unknown {word} one in certificate {place}"),
                line,
                expected,
                why,
            );
        }
    }
    let mut line = Line::full(purpose);
    line.anchor.push(UNKNOWN, true, NULL.to_vec());
    let why = "the root document vouches for the anchor; only its name, key and constraints count";
    shapes.add("extension/unknown critical one in the anchor", line, Accepted, why);
    repeated(shapes, purpose);
    known(shapes, purpose);
    marks(shapes, purpose);
}

fn repeated(shapes: &mut Shapes, purpose: Purpose) {
    let why = "no extension may occur twice: which one counts would be anybody's guess";
    for place in [0, 1] {
        let line = Line::short(purpose);
        for extension in line.certs[place].extensions.clone() {
            let mut line = Line::short(purpose);
            line.certs[place].extensions.push(extension.clone());
            let what = format!("extension/{} twice in certificate {place}", extension.oid);
            shapes.add(&what, line, INVALID, why);
        }
    }
    let mut line = Line::short(purpose);
    line.leaf().push(UNKNOWN, false, NULL.to_vec()).push(UNKNOWN, false, TRUE.to_vec());
    shapes.add("extension/unknown one twice", line, INVALID, why);
    let mut line = Line::short(purpose);
    for i in 0..100 {
        line.leaf().push(&format!("{UNKNOWN}.{i}"), false, NULL.to_vec());
    }
    shapes.add("extension/a hundred unknown ones", line, Accepted, "none of them is critical");
    let mut line = Line::short(purpose);
    line.leaf().push(UNKNOWN, false, vec![0; 15_000]);
    shapes.add("extension/15 kB of unknown", line, Accepted, "within the size of a certificate");
    let mut line = Line::short(purpose);
    line.leaf().push(UNKNOWN, false, vec![0; 17_000]);
    shapes.add(
        "extension/17 kB of unknown",
        line,
        super::TOO_LARGE,
        "over the size of a certificate",
    );
}

/// Extensions that are known but not acted upon.
fn known(shapes: &mut Shapes, purpose: Purpose) {
    let policies = sequence(&[sequence(&[oid("1.3.6.1.4.1.55555.2")])]);
    let kinds: [(&str, &str, Vec<u8>); 6] = [
        ("certificatePolicies", "2.5.29.32", policies),
        ("policyConstraints", "2.5.29.36", sequence(&[implicit(0, &[0])])),
        ("inhibitAnyPolicy", "2.5.29.54", integer(&[0])),
        ("policyMappings", "2.5.29.33", sequence(&[sequence(&[oid("1.2.3.4"), oid("1.2.3.5")])])),
        ("issuerAltName", "2.5.29.18", sequence(&[implicit(2, b"example.org")])),
        ("certificate transparency poison", "1.3.6.1.4.1.11129.2.4.3", NULL.to_vec()),
    ];
    for (what, kind, value) in kinds {
        for critical in [true, false] {
            for place in [0, 1] {
                let mut line = Line::short(purpose);
                line.certs[place].push(kind, critical, value.clone());
                let word = if critical { "critical" } else { "ordinary" };
                let expected = if critical { INVALID } else { Accepted };
                let why = "policies are not processed here, so a critical one stops";
                let name = format!("extension/{what}, {word}, in certificate {place}");
                shapes.add(&name, line, expected, why);
            }
        }
    }
    let point = |uri: &[u8]| sequence(&[sequence(&[holds(0, &holds(0, &implicit(6, uri)))])]);
    for (what, value, expected) in [
        ("with a URI", point(b"http://crl.example.org/a.crl"), Accepted),
        ("with an empty URI", point(b""), Accepted),
        ("empty", sequence::<&[u8]>(&[]), Accepted),
        ("malformed", integer(&[1]), INVALID),
    ] {
        let mut line = Line::short(purpose);
        line.leaf().set(DISTRIBUTION_POINTS, false, value);
        let why = "nothing is fetched; the points only say which list is meant";
        shapes.add(&format!("extension/distribution points {what}"), line, expected, why);
    }
    let mut line = Line::short(purpose);
    line.leaf().push("1.3.6.1.5.5.7.1.1", false, b"rubbish".to_vec());
    shapes.add(
        "extension/malformed authority information",
        line,
        INVALID,
        "what is known must be well-formed",
    );
    for kind in [
        KEY_USAGE,
        EXTENDED_KEY_USAGE,
        ALTERNATIVE_NAME,
        SUBJECT_KEY,
        AUTHORITY_KEY,
        BASIC_CONSTRAINTS,
        NAME_CONSTRAINTS,
    ] {
        let mut line = Line::short(purpose);
        line.leaf().set(kind, false, b"rubbish".to_vec());
        shapes.add(
            &format!("extension/rubbish as {kind}"),
            line,
            INVALID,
            "what is known must be well-formed",
        );
    }
}

/// The marks of criticality, and the list itself.
fn marks(shapes: &mut Shapes, purpose: Purpose) {
    let strict =
        "BOOLEAN is 0xff, or left out where it is the default (X.690 sections 11.1 and 11.5)";
    for (what, critical, expected) in [
        ("FALSE spelt out", vec![1, 1, 0], Accepted),
        ("TRUE as 0x01", vec![1, 1, 1], INVALID),
        ("TRUE in two bytes", vec![1, 2, 0xff, 0xff], INVALID),
        ("TRUE of no bytes", vec![1, 0], INVALID),
        ("TRUE twice", [TRUE, TRUE].concat(), INVALID),
        ("an INTEGER", vec![2, 1, 1], INVALID),
    ] {
        let mut line = Line::short(purpose);
        let value = NULL.to_vec();
        line.leaf().extensions.push(Extension { oid: UNKNOWN.to_owned(), critical, value });
        shapes.add(&format!("extension/criticality: {what}"), line, expected, strict);
    }
    let mut line = Line::short(purpose);
    line.leaf().extensions.clear();
    shapes.add("extension/none at all in the leaf", line, INVALID, "the profile demands some");
    let mut line = Line::short(purpose);
    line.issuer().extensions.clear();
    shapes.add("extension/none at all in the CA", line, INVALID, "without constraints it is no CA");
    for (what, number) in [("v1", 0), ("v2", 1), ("v4", 3), ("v256", 255)] {
        let mut line = Line::short(purpose);
        line.leaf().version = holds(0, &integer(&[number]));
        shapes.add(
            &format!("extension/leaf of {what}"),
            line,
            INVALID,
            "extensions need version 3",
        );
    }
    let mut line = Line::short(purpose);
    line.leaf().version = Vec::new();
    shapes.add("extension/leaf without a version", line, INVALID, "extensions need version 3");
    let mut line = Line::short(purpose);
    line.issuer().version = Vec::new();
    line.issuer().extensions.clear();
    shapes.add("extension/CA of version 1", line, INVALID, "a CA says that it is one");
    let mut line = Line::short(purpose);
    let reversed: Vec<_> = line.leaf().extensions.iter().rev().cloned().collect();
    line.leaf().extensions = reversed;
    shapes.add("extension/in reverse order", line, Accepted, "their order means nothing");
    let mut line = Line::short(purpose);
    line.leaf().tail = octets(b"x");
    shapes.add("extension/something behind them", line, INVALID, "nothing may follow");
    let mut line = Line::short(purpose);
    line.leaf().tail = holds(3, &sequence::<&[u8]>(&[]));
    shapes.add("extension/two lists of them", line, INVALID, "nothing may follow");
    let mut line = Line::short(purpose);
    line.leaf().unique = [implicit(1, &[0, 1]), implicit(2, &[0, 2])].concat();
    let why = "unique identifiers are of version 2, and no authority writes them";
    shapes.add("extension/unique identifiers", line, INVALID, why);
    let mut line = Line::short(purpose);
    line.issuer().set(NAME_CONSTRAINTS, true, constraints(&[purpose.dns()], &[]));
    shapes.add("extension/constraints that fit exactly", line, Accepted, "an ordinary CA");
}
