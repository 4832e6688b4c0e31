//! Certificates that are not DER, and numbers that are none.

use super::{Accepted, Expected, INVALID, Shapes};
use crate::cert::{Line, Purpose};
use crate::der::{
    NULL, PRINTABLE, UTF8, bits, holds, indefinite, integer, join, long, name, oid, sequence, set,
    split, tlv,
};

pub(super) fn add(shapes: &mut Shapes, purpose: Purpose) {
    serials(shapes, purpose);
    lengths(shapes, purpose);
    cuts(shapes, purpose);
    subjects(shapes, purpose);
}

fn serials(shapes: &mut Shapes, purpose: Purpose) {
    let why =
        "a positive number of at most 20 bytes in its shortest form (RFC 5280 section 4.1.2.2)";
    let with = |count: usize| -> Vec<u8> { vec![0x42; count] };
    let numbers: Vec<(&str, Vec<u8>, Expected)> = vec![
        ("1", integer(&[1]), Accepted),
        ("127", integer(&[127]), Accepted),
        ("128", integer(&[0, 128]), Accepted),
        ("of 20 bytes", integer(&with(20)), Accepted),
        ("of 20 bytes, the first zero", integer(&[&[0, 0x80][..], &with(18)].concat()), Accepted),
        ("0", integer(&[0]), INVALID),
        ("0 in two bytes", integer(&[0, 0]), INVALID),
        ("negative", integer(&[0xff]), INVALID),
        ("negative of 16 bytes", integer(&[0x80; 16]), INVALID),
        ("of 21 bytes", integer(&with(21)), INVALID),
        ("of 21 bytes, the first zero", integer(&[&[0, 0x80][..], &with(19)].concat()), INVALID),
        ("of 40 bytes", integer(&with(40)), INVALID),
        ("of 1000 bytes", integer(&with(1000)), INVALID),
        ("of no bytes", integer(&[]), INVALID),
        ("with a needless zero", integer(&[0, 1]), INVALID),
        ("of text", tlv(UTF8, b"1"), INVALID),
        ("left out", Vec::new(), INVALID),
    ];
    for (what, serial, expected) in numbers {
        for place in [0, 1] {
            let mut line = Line::short(purpose);
            line.certs[place].serial = serial.clone();
            let name = format!("encoding/serial number of certificate {place} {what}");
            shapes.add(&name, line, expected, why);
        }
    }
}

/// Lengths that only BER allows, at each level (X.690 section 10.1).
fn lengths(shapes: &mut Shapes, purpose: Purpose) {
    let why = "DER has definite lengths in their shortest form only";
    type Write = fn(u8, &[u8]) -> Vec<u8>;
    let forms: [(&str, Write); 2] = [("long", long), ("indefinite", indefinite)];
    for (form, write) in forms {
        let line = Line::short(purpose);
        let mut chain = line.chain();
        let (content, _) = split(&chain[0]);
        chain[0] = write(0x30, content);
        shapes.add_chain(
            &format!("encoding/{form} length of the certificate"),
            line,
            chain,
            INVALID,
            why,
        );
        // Signed as it stands there, so that only the form is wrong.
        let line = Line::short(purpose);
        let mut chain = line.chain();
        let key = &line.keys[1];
        let signed = line.certs[0].to_be_signed(key.scheme());
        let (content, _) = split(&signed);
        let odd = write(0x30, content);
        let signature = key.sign(key.scheme(), &odd);
        chain[0] = sequence(&[odd, key.scheme().identifier(), bits(&signature)]);
        shapes.add_chain(
            &format!("encoding/{form} length of the signed part"),
            line,
            chain,
            INVALID,
            why,
        );
        type Change = fn(&mut Line, Write);
        let parts: [(&str, Change); 6] = [
            ("serial number", |line, write| line.leaf().serial = write(2, &[7])),
            ("subject", |line, write| {
                let subject = line.leaf().subject.clone();
                line.leaf().subject = write(0x30, split(&subject).0);
            }),
            ("key", |line, write| {
                let spki = line.leaf().spki.clone();
                line.leaf().spki = write(0x30, split(&spki).0);
            }),
            ("version", |line, write| line.leaf().version = write(0xa0, &integer(&[2]))),
            ("validity", |line, write| line.leaf().from = write(0x17, b"260101000000Z")),
            ("alternative name", |line, write| {
                let dns = crate::cert::dns_names(&[line.purpose.dns()]);
                let value = write(0x30, split(&dns).0);
                line.leaf().set(crate::cert::ALTERNATIVE_NAME, false, value);
            }),
        ];
        for (what, change) in parts {
            let mut line = Line::short(purpose);
            change(&mut line, write);
            shapes.add(&format!("encoding/{form} length of the {what}"), line, INVALID, why);
        }
    }
}

/// Bytes too many and too few.
fn cuts(shapes: &mut Shapes, purpose: Purpose) {
    let why = "a certificate is exactly one item with exactly three in it";
    for (what, tail) in [
        ("a zero", vec![0]),
        ("NULL", NULL.to_vec()),
        ("itself", Line::short(purpose).chain()[0].clone()),
    ] {
        let line = Line::short(purpose);
        let mut chain = line.chain();
        chain[0].extend(tail.clone());
        shapes.add_chain(
            &format!("encoding/{what} behind the certificate"),
            line,
            chain,
            INVALID,
            why,
        );
        let line = Line::short(purpose);
        let mut chain = line.chain();
        let (content, _) = split(&chain[0]);
        chain[0] = sequence(&[content, &tail]);
        shapes.add_chain(
            &format!("encoding/{what} behind the signature"),
            line,
            chain,
            INVALID,
            why,
        );
    }
    let whole = Line::short(purpose).chain()[0].len();
    for part in 0..16 {
        let line = Line::short(purpose);
        let mut chain = line.chain();
        chain[0].truncate(whole * part / 16 + usize::from(part == 0));
        shapes.add_chain(&format!("encoding/cut at {part}/16"), line, chain, INVALID, why);
    }
    for tag in [0x31_u8, 0x04, 0x10, 0x70, 0xb0, 0x00, 0xff] {
        let line = Line::short(purpose);
        let mut chain = line.chain();
        chain[0][0] = tag;
        shapes.add_chain(&format!("encoding/outer tag {tag:#04x}"), line, chain, INVALID, why);
    }
    let line = Line::short(purpose);
    let mut chain = line.chain();
    chain[0] = [b"-----BEGIN CERTIFICATE-----\n".as_slice(), b"MAA=\n-----END CERTIFICATE-----\n"]
        .concat();
    shapes.add_chain("encoding/PEM instead of DER", line, chain, INVALID, why);
}

/// Subjects and issuers that are odd or broken.
fn subjects(shapes: &mut Shapes, purpose: Purpose) {
    let cn = |tag: u8, value: &[u8]| name(&[("2.5.4.3", tag, value)]);
    let two = |a: &[u8], b: &[u8]| {
        let one = |text: &[u8]| sequence(&[oid("2.5.4.3"), tlv(UTF8, text)]);
        sequence(&[set(&[one(a), one(b)])])
    };
    let why = "who it is stands in the alternative name; the subject is only shown, escaped";
    let odd: Vec<(&str, Vec<u8>, Expected)> = vec![
        ("with several values in one set", two(b"a", b"b"), Accepted),
        ("with several values in the wrong order", two(b"b", b"a"), Accepted),
        ("in PrintableString with a star", cn(PRINTABLE, b"a*b"), Accepted),
        ("in TeletexString", cn(0x14, b"a\xe9"), Accepted),
        ("in BMPString", cn(0x1e, &[0, b'a', 0, b'b']), Accepted),
        ("in UniversalString", cn(0x1c, &[0, 0, 0, b'a']), Accepted),
        ("in IA5String with eight bits", cn(0x16, b"\xff"), Accepted),
        ("in UTF8String that is none", cn(UTF8, b"\xff\xfe"), Accepted),
        ("with an escape sequence", cn(UTF8, b"\x1b]8;;http://x\x07"), Accepted),
        ("with a line break", cn(UTF8, b"a\nINFO forged"), Accepted),
        ("with right-to-left override", cn(UTF8, "a\u{202e}b".as_bytes()), Accepted),
        ("of an empty set", sequence(&[set::<&[u8]>(&[])]), INVALID),
        ("of 8000 bytes", cn(UTF8, &[b'a'; 8000]), Accepted),
        (
            "of a thousand attributes",
            sequence(&vec![set(&[sequence(&[oid("2.5.4.3"), tlv(UTF8, b"a")])]); 1000]),
            Accepted,
        ),
        ("of an unknown attribute", name(&[("1.3.6.1.4.1.55555.3", UTF8, b"a")]), Accepted),
        ("that is no sequence", set(&[sequence(&[oid("2.5.4.3"), tlv(UTF8, b"a")])]), INVALID),
        ("that is an INTEGER", integer(&[1]), INVALID),
        (
            "with an attribute of no value",
            sequence(&[set(&[sequence(&[oid("2.5.4.3")])])]),
            INVALID,
        ),
        (
            "with an empty identifier",
            sequence(&[set(&[sequence(&[vec![6, 0], tlv(UTF8, b"a")])])]),
            INVALID,
        ),
        ("nested twenty deep", nested(20), INVALID),
    ];
    for (what, subject, expected) in odd {
        let mut line = Line::short(purpose);
        line.leaf().subject = subject;
        shapes.add(&format!("encoding/subject {what}"), line, expected, why);
    }
    let mut line = Line::short(purpose);
    line.leaf().version = holds(0, &join(&[integer(&[2]), integer(&[2])]));
    shapes.add("encoding/version twice", line, INVALID, "one number");
    let mut line = Line::short(purpose);
    line.leaf().version = holds(0, &integer(&[0, 2]));
    shapes.add("encoding/version with a needless zero", line, INVALID, "the shortest form");
}

fn nested(depth: usize) -> Vec<u8> {
    (0..depth).fold(tlv(UTF8, b"a"), |inner, _| sequence(&[inner]))
}
