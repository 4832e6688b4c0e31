//! Revocation lists (RFC 5280 section 5): in force, old, foreign, malformed, huge.

use tram_dispatch::Code;

use super::{Accepted, Expected, REVOKED, Refused, Shapes};
use crate::cert::{DISTRIBUTION_POINTS, LEAF, Line, Purpose};
use crate::crl::List;
use crate::der::{TRUE, common_name, holds, implicit, integer, octets, sequence, time};
use crate::keys::{Scheme, ed25519, rsa};

const UNREADABLE: Expected = Refused(Code::Unreadable);

pub(super) fn add(shapes: &mut Shapes, purpose: Purpose) {
    revoked(shapes, purpose);
    foreign(shapes, purpose);
    old(shapes, purpose);
    scopes(shapes, purpose);
    malformed(shapes, purpose);
}

/// One list, made for a short line by its CA, changed.
fn one(
    shapes: &mut Shapes,
    purpose: Purpose,
    what: &str,
    expected: Expected,
    why: &str,
    change: impl FnOnce(&mut List),
) {
    let line = Line::short(purpose);
    let mut list = List::of(&line.certs[1]);
    change(&mut list);
    let list = list.sign(&line.keys[1]);
    let shape = shapes.add(&format!("list/{what}"), line, expected, why);
    shape.unreadable_is_told = expected == UNREADABLE;
    shape.crls = vec![list];
}

fn revoked(shapes: &mut Shapes, purpose: Purpose) {
    let serial = Line::short(purpose).certs[LEAF].serial.clone();
    let entry = |at: &str| vec![(serial.clone(), at.to_owned(), Vec::new())];
    let why = "revoked from the moment the list says, and not before";
    for (what, at, expected) in [
        ("revoked this second", "260601000000Z", REVOKED),
        ("revoked a month ago", "260501000000Z", REVOKED),
        ("revoked before it was issued", "200101000000Z", REVOKED),
        ("revoked in the next second", "260601000001Z", Accepted),
    ] {
        one(shapes, purpose, what, expected, why, |l| l.entries = entry(at));
    }
    for (what, reason, expected) in [
        ("for key compromise", 1_u8, REVOKED),
        ("for hold", 6, REVOKED),
        ("for removal from the list", 8, REVOKED),
        ("for privilege withdrawn", 9, REVOKED),
    ] {
        let extension = sequence(&[crate::der::oid("2.5.29.21"), octets(&[10, 1, reason])]);
        let entries = vec![(serial.clone(), "260501000000Z".to_owned(), sequence(&[extension]))];
        let why = "every reason revokes";
        one(shapes, purpose, &format!("revoked {what}"), expected, why, |l| l.entries = entries);
    }
    one(shapes, purpose, "good", Accepted, "the list does not name it", |_| ());
    one(
        shapes,
        purpose,
        "names another serial number",
        Accepted,
        "the list does not name it",
        |l| {
            l.entries = vec![(integer(&[9]), "260501000000Z".to_owned(), Vec::new())];
        },
    );
    one(
        shapes,
        purpose,
        "names it after 20000 others",
        REVOKED,
        "a long list is searched whole",
        |l| {
            l.entries = (0..20_000_u32)
                .map(|i| {
                    (
                        integer(&[&[1], &i.to_be_bytes()[..]].concat()),
                        "260401000000Z".to_owned(),
                        Vec::new(),
                    )
                })
                .chain(entry("260501000000Z"))
                .collect();
        },
    );
    // A CA on the path.
    for place in 1..5 {
        let line = Line::full(purpose);
        let issuer = line.certs.get(place + 1).unwrap_or(&line.anchor);
        let mut list = List::of(issuer);
        list.entries =
            vec![(line.certs[place].serial.clone(), "260501000000Z".to_owned(), Vec::new())];
        let list = list.sign(line.keys.get(place + 1).unwrap_or(&line.anchor_key));
        let why = "a revoked CA takes everything below with it";
        shapes.add(&format!("list/CA number {place} revoked"), line, REVOKED, why).crls =
            vec![list];
    }
}

fn foreign(shapes: &mut Shapes, purpose: Purpose) {
    let serial = Line::short(purpose).certs[LEAF].serial.clone();
    let why = "a list that the issuer's key did not sign neither revokes nor vouches";
    let entry = vec![(serial.clone(), "260501000000Z".to_owned(), Vec::new())];
    let entries = entry.clone();
    one(shapes, purpose, "of another issuer", Accepted, why, |l| {
        l.issuer = common_name("another CA");
        l.entries = entries;
    });
    let line = Line::short(purpose);
    let mut list = List::of(&line.certs[1]);
    list.entries = entry.clone();
    let forged = list.sign(&ed25519("a stranger"));
    shapes.add("list/signed by a stranger", line, Accepted, why).crls = vec![forged];
    let line = Line::short(purpose);
    let mut list = List::of(&line.certs[1]);
    list.entries = entry.clone();
    let mut broken = list.sign(&line.keys[1]);
    *broken.last_mut().expect("bytes") ^= 1;
    shapes.add("list/with a broken signature", line, Accepted, why).crls = vec![broken];
    let line = Line::short(purpose);
    let own = List::of(&line.anchor).sign(&line.anchor_key);
    shapes.add("list/of the root, for its CAs", line, Accepted, "nobody is revoked").crls =
        vec![own];
    let mut line = Line::short(purpose);
    line.issuer().set(crate::cert::KEY_USAGE, true, crate::der::named_bits(&[5]));
    let mut list = List::of(&line.certs[1]);
    list.entries = entry.clone();
    let list = list.sign(&line.keys[1]);
    let why = "a CA without cRLSign makes no lists";
    shapes.add("list/by a CA that may not sign lists", line, Accepted, why).crls = vec![list];
    let mut line = Line::short(purpose);
    line.rekey(1, rsa(2048));
    let mut list = List::of(&line.certs[1]);
    list.entries = entry;
    list.scheme = Some(Scheme::Rsa1);
    let list = list.sign(&line.keys[1]);
    let why = "nobody could check it, so its reader is told";
    let shape = shapes.add("list/signed with SHA-1", line, UNREADABLE, why);
    shape.unreadable_is_told = true;
    shape.crls = vec![list];
}

fn old(shapes: &mut Shapes, purpose: Purpose) {
    let unknown = match purpose {
        Purpose::Seal => Expected::Undetermined,
        Purpose::Node => Refused(Code::RevocationUnknown),
    };
    let why = "a list decides until its nextUpdate, and for 72 hours after it; then nobody knows";
    for (what, from, until, expected) in [
        ("due this second", "260501000000Z", "260601000000Z", Accepted),
        ("due 71 hours ago", "260501000000Z", "260529010000Z", Accepted),
        ("due 72 hours ago", "260501000000Z", "260529000000Z", unknown),
        ("due years ago", "200101000000Z", "200201000000Z", unknown),
        ("made in the future", "270101000000Z", "270201000000Z", Accepted),
        ("due before it was made", "260501000000Z", "260401000000Z", unknown),
    ] {
        one(shapes, purpose, what, expected, why, |l| {
            (l.this_update, l.next_update) = (time(from), time(until));
        });
    }
    let line = Line::short(purpose);
    let serial = line.certs[LEAF].serial.clone();
    let mut before = List::of(&line.certs[1]);
    before.this_update = time("260401000000Z");
    let mut after = List::of(&line.certs[1]);
    after.entries = vec![(serial, "260501000000Z".to_owned(), Vec::new())];
    let lists = vec![before.sign(&line.keys[1]), after.sign(&line.keys[1])];
    for (what, reverse) in [("older first", false), ("newer first", true)] {
        let line = Line::short(purpose);
        let mut both = lists.clone();
        if reverse {
            both.reverse();
        }
        let why = "of two lists of one issuer the newer decides";
        shapes.add(&format!("list/two of them, {what}"), line, REVOKED, why).crls = both;
    }
}

/// issuingDistributionPoint, deltas, indirect lists.
fn scopes(shapes: &mut Shapes, purpose: Purpose) {
    let serial = Line::short(purpose).certs[LEAF].serial.clone();
    let entries = vec![(serial, "260501000000Z".to_owned(), Vec::new())];
    let flag = |number: u8| sequence(&[implicit(number, &TRUE[2..])]);
    let reasons = |bytes: &[u8]| sequence(&[implicit(3, bytes)]);
    let uri = |uri: &[u8]| holds(0, &holds(0, &implicit(6, uri)));
    // rustls-webpki reads a narrowed list only if it names its distribution point.
    let narrowed = |number: u8| sequence(&[uri(b"http://x/a.crl"), implicit(number, &TRUE[2..])]);
    let partial =
        "a list of some reasons, of attributes or of other issuers is not one that can be used";
    let scopes: Vec<(&str, Vec<u8>, Expected, &str)> = vec![
        ("for user certificates", narrowed(1), REVOKED, "the leaf is one"),
        (
            "for user certificates, without its point",
            flag(1),
            UNREADABLE,
            "a narrowed list must name its point",
        ),
        (
            "for CA certificates",
            narrowed(2),
            Accepted,
            "the leaf is none: this list does not speak of it",
        ),
        ("for attribute certificates", flag(5), UNREADABLE, partial),
        ("indirect", flag(4), UNREADABLE, partial),
        ("with empty onlySomeReasons", reasons(&[0]), UNREADABLE, partial),
        ("with onlySomeReasons of no bytes", reasons(&[]), UNREADABLE, partial),
        ("for key compromise only", reasons(&[6, 0x40]), UNREADABLE, partial),
        (
            "for users and for CAs",
            sequence(&[implicit(1, &[0xff]), implicit(2, &[0xff])]),
            UNREADABLE,
            partial,
        ),
        (
            "empty",
            sequence::<&[u8]>(&[]),
            UNREADABLE,
            "an empty scope is forbidden (RFC 5280 section 5.2.5)",
        ),
        (
            "of a distribution point",
            sequence(&[uri(b"http://x/a.crl")]),
            REVOKED,
            "the certificate names no point, so every list of its issuer speaks of it",
        ),
        ("malformed", integer(&[1]), UNREADABLE, partial),
    ];
    for (what, scope, expected, why) in scopes {
        let entries = entries.clone();
        one(shapes, purpose, &format!("scope {what}"), expected, why, |l| {
            l.entries = entries;
            l.extensions.push(("2.5.29.28", true, scope));
        });
    }
    for (what, listed, expected) in
        [("the same", "http://x/a.crl", REVOKED), ("another", "http://x/b.crl", Accepted)]
    {
        let mut line = Line::short(purpose);
        let point = sequence(&[sequence(&[uri(listed.as_bytes())])]);
        line.leaf().set(DISTRIBUTION_POINTS, false, point);
        let mut list = List::of(&line.certs[1]);
        list.entries = entries.clone();
        list.extensions.push(("2.5.29.28", true, sequence(&[uri(b"http://x/a.crl")])));
        let list = list.sign(&line.keys[1]);
        let why = "a list of one point speaks of the certificates that name it";
        shapes
            .add(&format!("list/point: the certificate names {what}"), line, expected, why)
            .crls = vec![list];
    }
    let delta = entries.clone();
    one(shapes, purpose, "delta without its base", UNREADABLE, "deltas are not read", |l| {
        l.entries = delta;
        l.extensions.push(("2.5.29.27", true, integer(&[1])));
    });
    one(
        shapes,
        purpose,
        "with an unknown critical extension",
        UNREADABLE,
        "it cannot be understood",
        |l| {
            l.extensions.push(("1.3.6.1.4.1.55555.4", true, vec![5, 0]));
        },
    );
    let other = entries;
    one(shapes, purpose, "with an unknown ordinary extension", REVOKED, "it is passed over", |l| {
        l.entries = other;
        l.extensions.push(("1.3.6.1.4.1.55555.4", false, vec![5, 0]));
    });
}

fn malformed(shapes: &mut Shapes, purpose: Purpose) {
    let why = "a file that is no list does not come into force, and its reader is told";
    one(shapes, purpose, "of version 1", UNREADABLE, why, |l| l.version = Vec::new());
    one(shapes, purpose, "of version 3", UNREADABLE, why, |l| l.version = integer(&[2]));
    one(shapes, purpose, "without nextUpdate", UNREADABLE, why, |l| l.next_update = Vec::new());
    one(shapes, purpose, "without an issuer", UNREADABLE, why, |l| l.issuer = Vec::new());
    one(shapes, purpose, "with a time that is none", UNREADABLE, why, |l| {
        l.this_update = time("2605010000");
    });
    one(shapes, purpose, "with an entry without a time", UNREADABLE, why, |l| {
        l.entries = vec![(integer(&[9]), String::new(), Vec::new())];
    });
    one(shapes, purpose, "with number twice", UNREADABLE, why, |l| {
        let again = l.extensions[0].clone();
        l.extensions.push(again);
    });
    let line = Line::short(purpose);
    let list = List::of(&line.certs[1]).sign(&line.keys[1]);
    for (what, bytes, expected) in [
        ("cut", list[..list.len() - 1].to_vec(), UNREADABLE),
        ("with a byte behind", [&list[..], &[0]].concat(), UNREADABLE),
        ("that is a certificate", line.chain()[0].clone(), UNREADABLE),
        ("that is nothing", Vec::new(), UNREADABLE),
        ("of 17 MiB of zeros", [&[0x30][..], &vec![0; 17 << 20]].concat(), Refused(Code::TooLarge)),
        (
            "of 15 MiB of rubbish",
            [&[0x30, 0x83, 0xf0, 0, 0][..], &vec![0; 15 << 20]].concat(),
            UNREADABLE,
        ),
    ] {
        let line = Line::short(purpose);
        let shape = shapes.add(&format!("list/file {what}"), line, expected, why);
        shape.unreadable_is_told = true;
        shape.crls = vec![bytes];
    }
}
