//! Paths: who issued whom, self-issued certificates, cross-certificates, crowds.

use super::{Accepted, EXPIRED, INVALID, Shapes, TOO_LARGE, UNTRUSTED};
use crate::cert::{
    AUTHORITY_KEY, BASIC_CONSTRAINTS, COMMUNE, Cert, Line, Purpose, SUBJECT_KEY, basic,
    key_identifier,
};
use crate::der::{PRINTABLE, UTF8, common_name, holds, implicit, integer, name, octets, sequence};
use crate::keys::ed25519;

pub(super) fn add(shapes: &mut Shapes, purpose: Purpose) {
    issuers(shapes, purpose);
    self_issued(shapes, purpose);
    crossed(shapes, purpose);
    crowds(shapes, purpose);
}

/// Names and identifiers that do or do not fit.
fn issuers(shapes: &mut Shapes, purpose: Purpose) {
    let why = "issuer and subject are compared byte for byte";
    let spelt: Vec<(&str, Vec<u8>)> = vec![
        ("another", common_name("another CA")),
        ("in other letters", common_name("CENTRE CA")),
        ("with a space behind", common_name("centre CA ")),
        ("as PrintableString", name(&[("2.5.4.3", PRINTABLE, b"centre CA")])),
        ("as an organisation", name(&[("2.5.4.10", UTF8, b"centre CA")])),
        (
            "with a country more",
            name(&[("2.5.4.6", PRINTABLE, b"VN"), ("2.5.4.3", UTF8, b"centre CA")]),
        ),
        ("empty", sequence::<&[u8]>(&[])),
    ];
    for (what, issuer) in spelt {
        let mut line = Line::short(purpose);
        line.leaf().issuer = issuer;
        shapes.add(&format!("issuer/name {what}"), line, UNTRUSTED, why);
    }
    let hint = "key identifiers are hints for building a path; the signature decides";
    let mut line = Line::short(purpose);
    line.leaf().set(AUTHORITY_KEY, false, sequence(&[implicit(0, &[9; 20])]));
    shapes.add("issuer/authority key identifier of nobody", line, Accepted, hint);
    let mut line = Line::short(purpose);
    let serial = [holds(1, &implicit(2, b"x")), implicit(2, &[9])];
    line.leaf().set(AUTHORITY_KEY, false, sequence(&serial));
    shapes.add("issuer/authority key identifier by serial of nobody", line, Accepted, hint);
    let mut line = Line::short(purpose);
    line.leaf().remove(AUTHORITY_KEY);
    line.issuer().remove(SUBJECT_KEY);
    shapes.add("issuer/no key identifiers", line, Accepted, hint);
    let mut line = Line::short(purpose);
    line.issuer().set(SUBJECT_KEY, false, octets(&[]));
    shapes.add("issuer/empty subject key identifier", line, Accepted, hint);
    let mut line = Line::short(purpose);
    line.issuer().set(SUBJECT_KEY, false, octets(&[7; 2000]));
    shapes.add("issuer/subject key identifier of 2000 bytes", line, Accepted, hint);
    for place in 0..5 {
        let line = Line::full(purpose);
        let stranger = ed25519("a stranger");
        let mut chain = line.chain();
        chain[place] = line.certs[place].sign(&stranger);
        let why = "the key of the issuer named did not sign it";
        shapes.add_chain(
            &format!("issuer/certificate {place} signed by a stranger"),
            line,
            chain,
            UNTRUSTED,
            why,
        );
    }
    let mut line = Line::short(purpose);
    line.anchor_key = ed25519("another root key");
    line.anchor.spki = line.anchor_key.spki();
    let chain = Line::short(purpose).chain();
    let why = "the same names under another root key are another network's";
    shapes.add_chain("issuer/anchor of the same name and another key", line, chain, UNTRUSTED, why);
}

fn self_issued(shapes: &mut Shapes, purpose: Purpose) {
    let nobody = "who vouches only for itself is nobody";
    let mut line = Line::short(purpose);
    line.leaf().issuer = line.certs[0].subject.clone();
    let chain = vec![line.certs[0].sign(&line.keys[0])];
    shapes.add_chain("self/leaf signs itself", line, chain, UNTRUSTED, nobody);
    let mut line = Line::short(purpose);
    let impostor = ed25519("an impostor");
    let own = Cert::anchor("root CA", &impostor);
    line.issuer().issuer = own.subject.clone();
    let chain =
        vec![line.certs[0].sign(&line.keys[1]), line.certs[1].sign(&impostor), own.sign(&impostor)];
    shapes.add_chain("self/own root of the anchor's name", line, chain, UNTRUSTED, nobody);
    let mut line = Line::short(purpose);
    let own = Cert::anchor("own root", &impostor);
    line.issuer().issuer = own.subject.clone();
    let chain =
        vec![line.certs[0].sign(&line.keys[1]), line.certs[1].sign(&impostor), own.sign(&impostor)];
    shapes.add_chain("self/own root", line, chain, UNTRUSTED, nobody);
    // An ordinary key change: the CA certifies its new key with its old one.
    for (what, length, expected, why) in [
        (
            "a CA's new key by its old",
            None,
            Accepted,
            "a self-issued certificate is an ordinary step",
        ),
        (
            "a CA's new key against path length 0",
            Some(0),
            UNTRUSTED,
            "self-issued steps count: a CA of length 0 issues leaves only, to whomever",
        ),
    ] {
        let mut line = Line::short(purpose);
        line.issuer().set(BASIC_CONSTRAINTS, true, basic(length));
        let new = ed25519("the new key");
        let rolled = Cert::authority("centre CA", &line.certs[COMMUNE], &new, &[]);
        let chain = vec![
            line.certs[0].sign(&new),
            rolled.sign(&line.keys[1]),
            line.certs[1].sign(&line.anchor_key),
        ];
        shapes.add_chain(&format!("self/{what}"), line, chain, expected, why);
    }
    let mut line = Line::short(purpose);
    let second = ed25519("second leaf");
    let below = Cert::leaf(purpose, &line.certs[0], &second);
    let chain = [vec![below.sign(&line.keys[0])], line.chain()].concat();
    line.keys[0] = second;
    let why = "a leaf issues nothing";
    shapes.add_chain("self/leaf below a leaf", line, chain, INVALID, why);
    let line = Line::short(purpose);
    let chain = vec![line.chain()[1].clone()];
    shapes.add_chain("self/the CA as leaf", line, chain, INVALID, "a CA is no leaf");
    let line = Line::short(purpose);
    let chain = vec![line.anchor_der()];
    shapes.add_chain("self/the anchor as leaf", line, chain, INVALID, "a CA is no leaf");
    let mut line = Line::short(purpose);
    line.certs.remove(1);
    line.keys.remove(1);
    let root = Line::short(purpose).anchor;
    let name = key_identifier(&root.spki);
    line.leaf().set(AUTHORITY_KEY, false, sequence(&[implicit(0, &name)]));
    line.leaf().issuer = root.subject;
    shapes.add("self/leaf straight below the anchor", line, Accepted, "no CA is needed between");
    // Two CAs that certify each other.
    let mut line = Line::short(purpose);
    let (a, b) = (ed25519("ring a"), ed25519("ring b"));
    let mut first = Cert::anchor("ring a", &a);
    let mut second = Cert::anchor("ring b", &b);
    first.issuer = second.subject.clone();
    second.issuer = first.subject.clone();
    line.leaf().issuer = first.subject.clone();
    let chain = vec![line.certs[0].sign(&a), first.sign(&b), second.sign(&a)];
    shapes.add_chain("self/two CAs that vouch for each other", line, chain, UNTRUSTED, nobody);
}

/// Several paths, of which one is alive (as when AddTrust's root expired in 2020).
fn crossed(shapes: &mut Shapes, purpose: Purpose) {
    for (what, old_first) in [("first", true), ("last", false)] {
        let line = Line::short(purpose);
        let mut old = line.certs[1].clone();
        old.valid("200101000000Z", "260101000000Z").serial = integer(&[5]);
        let (leaf, live) = (line.chain()[0].clone(), line.chain()[1].clone());
        let old = old.sign(&line.anchor_key);
        let chain = if old_first { vec![leaf, old, live] } else { vec![leaf, live, old] };
        let why = "one path is alive, whichever comes first";
        shapes.add_chain(
            &format!("crossed/expired CA certificate {what}"),
            line,
            chain,
            Accepted,
            why,
        );
    }
    // AddTrust: the new root is an anchor, and also certified by an old one that has expired.
    for (what, both, old_first) in [
        ("new root trusted, old cross-certificate first", false, true),
        ("new root trusted, old cross-certificate last", false, false),
        ("both roots trusted, old cross-certificate first", true, true),
    ] {
        let line = Line::short(purpose);
        let old_key = ed25519("AddTrust key");
        let mut old_root = Cert::anchor("AddTrust", &old_key);
        old_root.valid("000530104838Z", "200530104838Z");
        let mut cross = Cert::authority("root CA", &old_root, &line.anchor_key, &[]);
        cross.valid("000530104838Z", "200530104838Z");
        let cross = cross.sign(&old_key);
        let mut chain = line.chain();
        chain.insert(if old_first { 1 } else { 2 }, cross);
        let why =
            "the path to the living root counts, not the one through its expired cross-certificate";
        let old_root = old_root.sign(&old_key);
        let shape = shapes.add_chain(&format!("crossed/{what}"), line, chain, Accepted, why);
        if both {
            shape.anchors.insert(0, old_root);
        }
    }
    let line = Line::short(purpose);
    let old_key = ed25519("AddTrust key");
    let mut old_root = Cert::anchor("AddTrust", &old_key);
    old_root.valid("000530104838Z", "200530104838Z");
    let mut cross = Cert::authority("root CA", &old_root, &line.anchor_key, &[]);
    cross.valid("000530104838Z", "200530104838Z");
    let chain = [line.chain(), vec![cross.sign(&old_key)]].concat();
    let why = "only the old root is trusted, and the certificate below it has expired";
    let old_root = old_root.sign(&old_key);
    shapes.add_chain("crossed/only the expired path", line, chain, EXPIRED, why).anchors =
        vec![old_root];
    // One of two certificates for a CA's key may not sign certificates.
    let line = Line::short(purpose);
    let mut spoilt = line.certs[1].clone();
    spoilt.remove(BASIC_CONSTRAINTS);
    let chain =
        vec![line.chain()[0].clone(), spoilt.sign(&line.anchor_key), line.chain()[1].clone()];
    shapes.add_chain(
        "crossed/a namesake that is no CA",
        line,
        chain,
        Accepted,
        "the other path is sound",
    );
}

fn crowds(shapes: &mut Shapes, purpose: Purpose) {
    let long = "a chain of more than six certificates is not looked at";
    for extra in [1_usize, 2, 3, 10, 50] {
        let tiers: Vec<String> = (0..4 + extra).map(|i| format!("CA {i}")).collect();
        let tiers: Vec<(&str, &[&str])> = tiers.iter().map(|t| (t.as_str(), &[][..])).collect();
        let line = Line::with(purpose, &tiers, ed25519("leaf"));
        let expected = if extra == 1 { Accepted } else { TOO_LARGE };
        shapes.add(&format!("crowd/{} certificates in a row", 5 + extra), line, expected, long);
    }
    // A hundred CAs of one name with different keys, none of which issued the leaf.
    for (size, expected) in [(5, UNTRUSTED), (100, TOO_LARGE)] {
        let line = Line::short(purpose);
        let member = |i: usize| {
            let key = ed25519(&format!("crowd {i}"));
            Cert::authority("centre CA", &line.anchor, &key, &[]).sign(&line.anchor_key)
        };
        let crowd: Vec<Vec<u8>> = (0..size).map(member).collect();
        let chain = [vec![line.chain()[0].clone()], crowd].concat();
        let why = "none of them issued it, and the work of finding out is bounded";
        shapes.add_chain(&format!("crowd/{size} CAs of one name"), line, chain, expected, why);
    }
    // CAs of one name that each certify all others: paths without end.
    for size in [3_usize, 4, 5] {
        let line = Line::short(purpose);
        let keys: Vec<_> = (0..size).map(|i| ed25519(&format!("bomb {i}"))).collect();
        let own = Cert::anchor("bomb", &keys[0]);
        let member = |i: usize| {
            let mut cert = Cert::authority("bomb", &own, &keys[i], &[]);
            cert.serial = integer(&[i as u8 + 1]);
            cert.sign(&keys[(i + 1) % size])
        };
        let mut leaf = line.certs[0].clone();
        leaf.issuer = own.subject.clone();
        let chain = [vec![leaf.sign(&keys[0])], (0..size).map(member).collect()].concat();
        let why = "a web of CAs that leads nowhere ends in a refusal, soon";
        shapes.add_chain(
            &format!("crowd/{size} CAs that certify each other"),
            line,
            chain,
            UNTRUSTED,
            why,
        );
    }
}
