//! Odd but sound: what must be accepted, because somebody's authority writes it.

use super::{Accepted, Shapes};
use crate::cert::{CENTRE, COMMUNE, DISTRICT, Line, PROVINCE, Purpose};
use crate::der::{NULL, PRINTABLE, UTF8, integer, name, oid, sequence, tlv};
use crate::keys::{Key, p256, p384, rsa};

pub(super) fn add(shapes: &mut Shapes, purpose: Purpose) {
    let mut line = Line::short(purpose);
    line.leaf().subject = name(&[
        ("2.5.4.6", PRINTABLE, b"VN"),
        ("2.5.4.8", UTF8, "Hà Nội".as_bytes()),
        ("2.5.4.10", UTF8, "Ủy ban nhân dân xã".as_bytes()),
        ("2.5.4.11", UTF8, "Văn phòng".as_bytes()),
        ("2.5.4.3", UTF8, "Con dấu điện tử".as_bytes()),
        ("0.9.2342.19200300.100.1.1", UTF8, b"MST:0100000000"),
        ("2.5.4.97", UTF8, b"NTRVN-0100000000"),
    ]);
    shapes.add(
        "odd/a subject as national authorities write it",
        line,
        Accepted,
        "many attributes, some not ASCII",
    );
    let mut line = Line::short(purpose);
    line.leaf().push("1.3.6.1.5.5.7.1.3", false, sequence(&[sequence(&[oid("0.4.0.1862.1.1")])]));
    shapes.add("odd/qualified statements", line, Accepted, "not critical, not needed");
    let mut line = Line::short(purpose);
    let user_notice = sequence(&[oid("1.3.6.1.5.5.7.2.2"), sequence(&[tlv(UTF8, b"text")])]);
    let policy = sequence(&[oid("1.3.6.1.4.1.55555.2"), sequence(&[user_notice])]);
    line.leaf().push("2.5.29.32", false, sequence(&[policy]));
    shapes.add("odd/a policy with a notice", line, Accepted, "not critical, not needed");
    let mut line = Line::short(purpose);
    line.leaf().push("1.3.6.1.4.1.311.21.7", false, NULL.to_vec());
    shapes.add("odd/Microsoft's template", line, Accepted, "not critical, not needed");
    let mut line = Line::short(purpose);
    let twin = integer(&[0x42; 16]);
    line.issuer().serial = twin.clone();
    line.leaf().serial = twin;
    shapes.add(
        "odd/leaf and CA with one serial number",
        line,
        Accepted,
        "they have different issuers",
    );
    let mut line = Line::full(purpose);
    line.rekey(COMMUNE, p256());
    line.rekey(DISTRICT, rsa(3072));
    line.rekey(PROVINCE, p384());
    line.rekey(CENTRE, rsa(2048));
    shapes.add(
        "odd/every kind of key on one path",
        line,
        Accepted,
        "each signature is judged by itself",
    );
    for (what, make) in [("2048", 2048_u32), ("3072", 3072), ("4096", 4096)] {
        let line = Line::keyed(purpose, rsa(make));
        let why = "PSS where the key allows both paddings";
        shapes.add(&format!("odd/RSA-{what} with PSS"), line, Accepted, why).pss = true;
    }
    type Make = fn() -> Key;
    let kinds: [(&str, Make); 5] = [
        ("P-256", p256),
        ("P-384", p384),
        ("RSA-2048", || rsa(2048)),
        ("RSA-3072", || rsa(3072)),
        ("RSA-4096", || rsa(4096)),
    ];
    for (leaf, leaf_key) in kinds {
        for (ca, ca_key) in kinds {
            let mut line = Line::keyed(purpose, leaf_key());
            line.rekey(COMMUNE, ca_key());
            let why = "leaf and CA need not have the same kind of key";
            shapes.add(&format!("odd/{leaf} leaf below {ca} CA"), line, Accepted, why);
        }
    }
    let mut line = Line::full(purpose);
    line.anchor.remove(crate::cert::SUBJECT_KEY);
    line.anchor.remove(crate::cert::AUTHORITY_KEY);
    shapes.add("odd/an anchor without identifiers", line, Accepted, "old roots have none");
    let mut line = Line::full(purpose);
    line.anchor.serial = integer(&[1]);
    line.anchor.issuer = crate::der::common_name("somebody older");
    shapes.add(
        "odd/an anchor that another one issued",
        line,
        Accepted,
        "an anchor need not be self-signed",
    );
}
