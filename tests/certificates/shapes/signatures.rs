//! Signatures that are broken, and signed parts that were altered.

use super::{INVALID, Shapes, UNTRUSTED};
use crate::cert::{COMMUNE, Line, Purpose};
use crate::der::{bits, bits_unused, integer, sequence, split, tlv, unsigned};
use crate::keys::p256;

/// A way to spoil the value of a signature.
type Spoil = fn(&[u8]) -> Vec<u8>;

pub(super) fn add(shapes: &mut Shapes, purpose: Purpose) {
    let ways: [(&str, Spoil); 10] = [
        ("first bit flipped", |s| flipped(s, 0)),
        ("middle bit flipped", |s| flipped(s, s.len() / 2)),
        ("last bit flipped", |s| flipped(s, s.len() - 1)),
        ("empty", |_| Vec::new()),
        ("cut by a byte", |s| s[..s.len() - 1].to_vec()),
        ("longer by a zero", |s| [s, &[0]].concat()),
        ("all zero", |s| vec![0; s.len()]),
        ("all ones", |s| vec![0xff; s.len()]),
        ("halves swapped", |s| [&s[s.len() / 2..], &s[..s.len() / 2]].concat()),
        ("doubled", |s| [s, s].concat()),
    ];
    let why = "a path holds only if every signature on it does";
    for place in 0..5 {
        for (what, spoil) in ways {
            let line = Line::full(purpose);
            let mut chain = line.chain();
            chain[place] = with_signature(&chain[place], &bits(&spoil(signature(&chain[place]))));
            let name = format!("signature/of certificate {place}: {what}");
            shapes.add_chain(&name, line, chain, UNTRUSTED, why);
        }
    }
    for (what, value) in [
        ("with unused bits", bits_unused(1, &[0x42; 64])),
        ("as an OCTET STRING", tlv(4, &[0x42; 64])),
        ("in pieces", tlv(0x23, &bits(&[0x42; 64]))),
        ("with no count of unused bits", tlv(3, &[])),
        ("with nine unused bits", bits_unused(9, &[0x42; 64])),
    ] {
        let line = Line::full(purpose);
        let mut chain = line.chain();
        chain[0] = with_signature(&chain[0], &value);
        let why = "a signature is a BIT STRING of whole bytes in one piece";
        shapes.add_chain(&format!("signature/{what}"), line, chain, INVALID, why);
    }
    altered(shapes, purpose);
    elliptic(shapes, purpose);
}

/// One thing changed in what was signed.
fn altered(shapes: &mut Shapes, purpose: Purpose) {
    let why = "what was signed was changed afterwards";
    for place in 0..5 {
        for (what, change) in
            [("serial", 0), ("subject", 1), ("end of validity", 2), ("key", 3), ("extension", 4)]
        {
            let line = Line::full(purpose);
            let mut chain = line.chain();
            let mut other = line.certs[place].clone();
            match change {
                0 => other.serial = integer(&[0x41; 16]),
                1 if place == 0 => other.subject = crate::der::common_name("somebody else"),
                // The subject of a CA must stay what those below name.
                1 => other.valid("250101000000Z", crate::cert::UNTIL).serial = integer(&[1]),
                2 => _ = other.valid(crate::cert::FROM, "290101000000Z"),
                3 => other.spki = crate::keys::ed25519("another key").spki(),
                _ => _ = other.push("1.3.6.1.4.1.55555.7", false, vec![5, 0]),
            }
            let signer = line.keys.get(place + 1).unwrap_or(&line.anchor_key);
            let forged = sequence(&[
                other.to_be_signed(signer.scheme()),
                signer.scheme().identifier(),
                bits(signature(&chain[place])),
            ]);
            chain[place] = forged;
            let name = format!("signature/{what} of certificate {place} altered");
            shapes.add_chain(&name, line, chain, UNTRUSTED, why);
        }
    }
    let line = Line::full(purpose);
    let mut chain = line.chain();
    let other = signature(&chain[1]).to_vec();
    chain[0] = with_signature(&chain[0], &bits(&other));
    shapes.add_chain("signature/of another certificate", line, chain, UNTRUSTED, why);
}

/// ECDSA signatures that are none.
fn elliptic(shapes: &mut Shapes, purpose: Purpose) {
    let order = hex::decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
        .expect("hex");
    let one = unsigned(&[1]);
    let values: Vec<(&str, Vec<u8>)> = vec![
        ("zero and zero", sequence(&[unsigned(&[]), unsigned(&[])])),
        ("one and zero", sequence(&[one.clone(), unsigned(&[])])),
        ("zero and one", sequence(&[unsigned(&[]), one.clone()])),
        ("one and one", sequence(&[one.clone(), one.clone()])),
        ("the order and one", sequence(&[unsigned(&order), one.clone()])),
        ("negative", sequence(&[integer(&[0xff]), integer(&[0xff])])),
        ("three numbers", sequence(&[one.clone(), one.clone(), one.clone()])),
        ("one number", sequence(&[one.clone()])),
        ("not a sequence", vec![0x42; 64]),
        ("nothing", Vec::new()),
    ];
    for (what, value) in values {
        let mut line = Line::short(purpose);
        line.rekey(COMMUNE, p256());
        let mut chain = line.chain();
        chain[0] = with_signature(&chain[0], &bits(&value));
        let name = format!("signature/ECDSA by hand: {what}");
        shapes.add_chain(&name, line, chain, UNTRUSTED, "these numbers are no signature");
    }
}

fn flipped(bytes: &[u8], place: usize) -> Vec<u8> {
    let mut out = bytes.to_vec();
    out[place] ^= 1;
    out
}

/// The value of a certificate's signature.
fn signature(der: &[u8]) -> &[u8] {
    let (content, _) = split(der);
    let (_, rest) = split(content);
    let (_, rest) = split(rest);
    &split(rest).0[1..]
}

/// The certificate with another signature item.
fn with_signature(der: &[u8], item: &[u8]) -> Vec<u8> {
    let (content, _) = split(der);
    let (_, rest) = split(content);
    let (_, signature) = split(rest);
    let head = &content[..content.len() - signature.len()];
    sequence(&[head, item])
}
