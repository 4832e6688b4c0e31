//! keyUsage, extendedKeyUsage and basicConstraints.

use super::{Accepted, Expected, INVALID, Shapes};
use crate::cert::{
    BASIC_CONSTRAINTS, CLIENT_AUTH, DOCUMENT_SIGNING, EXTENDED_KEY_USAGE, KEY_USAGE, Line, Purpose,
    SERVER_AUTH, basic, uses,
};
use crate::der::{TRUE, bits_unused, integer, named_bits, sequence};

/// The bits of keyUsage (RFC 5280 section 4.2.1.3).
const BITS: [&str; 9] = [
    "digitalSignature",
    "contentCommitment",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
];

const EMAIL: &str = "1.3.6.1.5.5.7.3.4";
const CODE: &str = "1.3.6.1.5.5.7.3.3";
const TIME: &str = "1.3.6.1.5.5.7.3.8";
const OCSP: &str = "1.3.6.1.5.5.7.3.9";
const ANY: &str = "2.5.29.37.0";
const MICROSOFT: &str = "1.3.6.1.4.1.311.10.3.12";
const PRIVATE: &str = "1.3.6.1.4.1.55555.1";

pub(super) fn add(shapes: &mut Shapes, purpose: Purpose) {
    leaf_usages(shapes, purpose);
    authority_usages(shapes, purpose);
    leaf_purposes(shapes, purpose);
    authority_purposes(shapes, purpose);
    basic_constraints(shapes, purpose);
}

fn leaf_usages(shapes: &mut Shapes, purpose: Purpose) {
    let why = "a leaf signs: it needs digitalSignature, and never keyCertSign or cRLSign";
    for (bit, name) in (0_u8..).zip(BITS) {
        let alone = if bit == 0 { Accepted } else { INVALID };
        let mut line = Line::short(purpose);
        line.leaf().set(KEY_USAGE, true, named_bits(&[bit]));
        shapes.add(&format!("usage/leaf with {name} alone"), line, alone, why);
        let beside = if bit == 5 || bit == 6 { INVALID } else { Accepted };
        let mut line = Line::short(purpose);
        line.leaf().set(KEY_USAGE, true, named_bits(&[0, bit]));
        shapes.add(&format!("usage/leaf with digitalSignature and {name}"), line, beside, why);
    }
    let odd: [(&str, bool, Vec<u8>, Expected); 8] = [
        ("not critical", false, named_bits(&[0]), Accepted),
        ("with every bit", true, named_bits(&[0, 1, 2, 3, 4, 5, 6, 7, 8]), INVALID),
        ("with no bit", true, bits_unused(0, &[]), INVALID),
        ("with no bit, spelt in a byte", true, bits_unused(0, &[0]), INVALID),
        ("as an INTEGER", true, integer(&[0x80]), INVALID),
        ("with nine unused bits", true, bits_unused(9, &[0x80]), INVALID),
        ("empty", true, Vec::new(), INVALID),
        ("with a byte behind", true, [named_bits(&[0]), vec![0]].concat(), INVALID),
    ];
    for (what, critical, value, expected) in odd {
        let mut line = Line::short(purpose);
        line.leaf().set(KEY_USAGE, critical, value);
        shapes.add(&format!("usage/leaf with a key usage {what}"), line, expected, why);
    }
    let mut line = Line::short(purpose);
    line.leaf().remove(KEY_USAGE);
    shapes.add("usage/leaf without key usage", line, INVALID, "the profile demands the extension");
}

fn authority_usages(shapes: &mut Shapes, purpose: Purpose) {
    let why = "a CA with a key usage must have keyCertSign (RFC 5280 section 6.1.4 (n))";
    for (bit, name) in (0_u8..).zip(BITS) {
        let expected = if bit == 5 { Accepted } else { INVALID };
        let mut line = Line::short(purpose);
        line.issuer().set(KEY_USAGE, true, named_bits(&[bit]));
        shapes.add(&format!("usage/CA with {name} alone"), line, expected, why);
        let mut line = Line::short(purpose);
        line.issuer().set(KEY_USAGE, true, named_bits(&[5, bit]));
        shapes.add(&format!("usage/CA with keyCertSign and {name}"), line, Accepted, why);
    }
    let mut line = Line::short(purpose);
    line.issuer().remove(KEY_USAGE);
    let none = "a CA without the extension may sign everything (RFC 5280 section 6.1.4 (n))";
    shapes.add("usage/CA without key usage", line, Accepted, none);
    let mut line = Line::short(purpose);
    line.anchor.set(KEY_USAGE, true, named_bits(&[6]));
    shapes.add("usage/anchor without keyCertSign", line, INVALID, why);
    let mut line = Line::short(purpose);
    line.anchor.remove(KEY_USAGE);
    shapes.add("usage/anchor without key usage", line, Accepted, none);
}

fn leaf_purposes(shapes: &mut Shapes, purpose: Purpose) {
    let own = purpose.uses();
    let other = if purpose == Purpose::Seal { Purpose::Node } else { Purpose::Seal }.uses();
    let only = |set: &[&str]| -> Expected {
        let has = |oid: &str| set.contains(&oid);
        let right = match purpose {
            Purpose::Seal => has(DOCUMENT_SIGNING) && !has(SERVER_AUTH) && !has(CLIENT_AUTH),
            Purpose::Node => has(SERVER_AUTH) && has(CLIENT_AUTH) && !has(DOCUMENT_SIGNING),
        };
        if right && !has(ANY) { Accepted } else { INVALID }
    };
    let sets: Vec<(&str, Vec<&str>)> = vec![
        ("of the other kind", other.to_vec()),
        ("of both kinds", [own, other].concat()),
        ("serverAuth alone", vec![SERVER_AUTH]),
        ("clientAuth alone", vec![CLIENT_AUTH]),
        ("emailProtection", vec![EMAIL]),
        ("codeSigning", vec![CODE]),
        ("timeStamping", vec![TIME]),
        ("OCSPSigning", vec![OCSP]),
        ("anyExtendedKeyUsage", vec![ANY]),
        ("its own and any", [own, &[ANY]].concat()),
        ("any and its own", [&[ANY], own].concat()),
        ("document signing as Microsoft numbers it", vec![MICROSOFT]),
        ("a private one", vec![PRIVATE]),
        ("its own and a private one", [own, &[PRIVATE]].concat()),
        ("its own and emailProtection", [own, &[EMAIL]].concat()),
        ("its own twice", [own, own].concat()),
        ("the arc above its own", vec!["1.3.6.1.5.5.7.3"]),
        ("an arc below its own", vec!["1.3.6.1.5.5.7.3.36.1", "1.3.6.1.5.5.7.3.1.1"]),
    ];
    for (what, set) in sets {
        for critical in [false, true] {
            let mut line = Line::short(purpose);
            line.leaf().set(EXTENDED_KEY_USAGE, critical, uses(&set));
            let marked = if critical { ", critical" } else { "" };
            let why =
                "a leaf serves exactly the purpose of its profile: no key does another's work";
            shapes.add(&format!("purpose/leaf for {what}{marked}"), line, only(&set), why);
        }
    }
    let mut line = Line::short(purpose);
    line.leaf().remove(EXTENDED_KEY_USAGE);
    shapes.add("purpose/leaf for nothing said", line, INVALID, "the profile demands the extension");
    for (what, value) in [
        ("an empty list", uses(&[])),
        ("nothing", Vec::new()),
        ("a list of INTEGERs", sequence(&[integer(&[1])])),
        ("an empty identifier", sequence(&[vec![6, 0]])),
    ] {
        let mut line = Line::short(purpose);
        line.leaf().set(EXTENDED_KEY_USAGE, false, value);
        let why = "the list has at least one identifier (RFC 5280 section 4.2.1.12)";
        shapes.add(&format!("purpose/leaf with {what}"), line, INVALID, why);
    }
}

fn authority_purposes(shapes: &mut Shapes, purpose: Purpose) {
    let own = purpose.uses();
    let why = "a purpose that a CA has narrowed away is not there for those below";
    for (what, set, expected) in [
        ("its own", own.to_vec(), Accepted),
        ("its own and more", [own, &[EMAIL, CODE]].concat(), Accepted),
        ("emailProtection", vec![EMAIL], INVALID),
        ("OCSPSigning", vec![OCSP], INVALID),
        ("a private one", vec![PRIVATE], INVALID),
        ("any", vec![ANY], INVALID),
        ("serverAuth alone", vec![SERVER_AUTH], INVALID),
        ("clientAuth alone", vec![CLIENT_AUTH], INVALID),
    ] {
        let mut line = Line::short(purpose);
        line.issuer().set(EXTENDED_KEY_USAGE, false, uses(&set));
        shapes.add(&format!("purpose/CA for {what}"), line, expected, why);
    }
}

fn basic_constraints(shapes: &mut Shapes, purpose: Purpose) {
    let no_ca = "what says nothing, or no, about being a CA issues nothing";
    let truth = |byte: u8| vec![1, 1, byte];
    let odd: Vec<(&str, bool, Vec<u8>, Expected)> = vec![
        ("empty", true, sequence::<&[u8]>(&[]), INVALID),
        ("that says no", true, sequence(&[truth(0)]), INVALID),
        ("that says yes with 0x01", true, sequence(&[truth(1)]), INVALID),
        ("that says yes in two bytes", true, sequence(&[vec![1, 2, 0xff, 0xff]]), INVALID),
        ("not critical", false, basic(None), Accepted),
        ("of no bytes", true, Vec::new(), INVALID),
        ("with a byte behind", true, [basic(None), vec![0]].concat(), INVALID),
        ("with a third field", true, sequence(&[&TRUE[..], &[2, 1, 5], &[2, 1, 5]]), INVALID),
        ("with a negative path length", true, sequence(&[&TRUE[..], &[2, 1, 0xff]]), INVALID),
        ("with a path length without bytes", true, sequence(&[&TRUE[..], &[2, 0]]), INVALID),
        ("with a path length and no", true, sequence(&[&[2, 1, 0][..]]), INVALID),
        ("with a path length of 127", true, basic(Some(127)), Accepted),
    ];
    for (what, critical, value, expected) in odd {
        let mut line = Line::short(purpose);
        line.issuer().set(BASIC_CONSTRAINTS, critical, value);
        shapes.add(&format!("basic/CA with constraints {what}"), line, expected, no_ca);
    }
    let mut line = Line::short(purpose);
    line.issuer().remove(BASIC_CONSTRAINTS);
    shapes.add("basic/CA without constraints", line, INVALID, no_ca);
    let leaf: Vec<(&str, Vec<u8>, Expected)> = vec![
        ("empty", sequence::<&[u8]>(&[]), Accepted),
        ("that say no in so many words", sequence(&[truth(0)]), Accepted),
        ("that say yes", basic(None), INVALID),
        ("that say yes with length 0", basic(Some(0)), INVALID),
        ("malformed", integer(&[1]), INVALID),
    ];
    for (what, value, expected) in leaf {
        let mut line = Line::short(purpose);
        line.leaf().set(BASIC_CONSTRAINTS, true, value);
        let why = "a leaf is no CA; that it says so is allowed";
        shapes.add(&format!("basic/leaf with constraints {what}"), line, expected, why);
    }
    for place in 1..=4 {
        for length in 0..=4_u8 {
            let mut line = Line::full(purpose);
            line.certs[place].set(BASIC_CONSTRAINTS, true, basic(Some(length)));
            // Below the CA at `place` there are `place - 1` others.
            let expected = if usize::from(length) + 1 >= place { Accepted } else { INVALID };
            let why = "no more CAs below one than its path length allows";
            let what = format!("basic/CA number {place} with path length {length}");
            shapes.add(&what, line, expected, why);
        }
    }
}
