//! Names: name constraints (RFC 5280 section 4.2.1.10), and which names make a seal or a node.

use tram_dispatch::Code;

use super::{Accepted, CONSTRAINT, Expected, INVALID, Shapes};
use crate::cert::{
    ALTERNATIVE_NAME, COMMUNE, DISTRICT, LEAF, Line, NAME_CONSTRAINTS, PROVINCE, Purpose,
    constraints, dns_names, general_constraints,
};
use crate::der::{UTF8, common_name, holds, implicit, name, oid, sequence, tlv};

pub(super) fn add(shapes: &mut Shapes, purpose: Purpose) {
    outside(shapes, purpose);
    variants(shapes, purpose);
    kinds(shapes, purpose);
    spellings(shapes, purpose);
    other_places(shapes, purpose);
}

/// The suffix of this purpose's names.
fn suffix(purpose: Purpose) -> &'static str {
    if purpose == Purpose::Seal { "agency.alt" } else { "node.alt" }
}

/// Names that the commune's CA may not issue for.
fn outside(shapes: &mut Shapes, purpose: Purpose) {
    let end = suffix(purpose);
    let why = "the CA may only issue for names in its own subtree";
    for (what, labels) in [
        ("its parent's", "12.h41."),
        ("its grandparent's", "h41."),
        ("a sibling's", "04.12.h41."),
        ("another province's", "03.12.h42."),
        ("a longer label that ends the same", "x03.12.h41."),
        ("its own as a prefix", "03.12.h41.x."),
        ("the bare suffix", ""),
        ("a wildcard of its parent", "*.12.h41."),
        ("a wildcard of another province", "*.h42."),
        ("IDN look-alike", "03.12.xn--h41-0na."),
    ] {
        let mut line = Line::full(purpose);
        line.leaf().set(ALTERNATIVE_NAME, false, dns_names(&[format!("{labels}{end}")]));
        shapes.add(&format!("names/commune's CA for {what}"), line, CONSTRAINT, why);
    }
    let mut line = Line::full(purpose);
    line.leaf().set(ALTERNATIVE_NAME, false, dns_names(&[purpose.dns(), "example.org"]));
    shapes.add("names/commune's CA for a second name outside", line, CONSTRAINT, why);
    let mut line = Line::full(purpose);
    line.leaf().set(ALTERNATIVE_NAME, false, dns_names(&["example.org"]));
    shapes.add("names/commune's CA for a foreign name", line, CONSTRAINT, why);
    let mut line = Line::full(purpose);
    let wild = format!(
        "*.{}",
        if purpose == Purpose::Seal { purpose.dns() } else { "03.12.h41.node.alt" }
    );
    line.leaf().set(ALTERNATIVE_NAME, false, dns_names(&[wild]));
    shapes.add(
        "names/commune's CA for a wildcard inside",
        line,
        INVALID,
        "a wildcard names nobody",
    );
    let mut line = Line::full(purpose);
    line.leaf().set(ALTERNATIVE_NAME, false, dns_names(&[purpose.dns().to_ascii_uppercase()]));
    let why =
        "inside the subtree, for DNS letters fold, but not in the one spelling that names somebody";
    shapes.add("names/commune's CA for capitals inside", line, INVALID, why);
    let mut line = Line::full(purpose);
    let dotted = format!("{}.", purpose.dns());
    line.leaf().set(ALTERNATIVE_NAME, false, dns_names(&[dotted]));
    shapes.add(
        "names/commune's CA for a trailing dot",
        line,
        INVALID,
        "not a name as certificates spell it",
    );
    let mut line = Line::full(purpose);
    line.leaf().remove(ALTERNATIVE_NAME).subject = common_name("03.12.h42.agency.alt");
    shapes.add("names/common name only", line, INVALID, "a common name names nobody");
    let mut line = Line::full(purpose);
    line.leaf().subject = common_name("h41.agency.alt");
    shapes.add(
        "names/common name of another beside its own",
        line,
        Accepted,
        "a common name names nobody",
    );
}

/// Constraints of other forms on the CA that issues.
fn variants(shapes: &mut Shapes, purpose: Purpose) {
    let own = purpose.dns();
    let end = suffix(purpose);
    let dotted = format!(".{end}");
    let capital = own.to_ascii_uppercase();
    let why = "permitted must hold, excluded must not, and what cannot be compared is refused";
    let dns: Vec<(&str, Vec<&str>, Vec<&str>, Expected)> = vec![
        ("its exact name permitted", vec![own], vec![], Accepted),
        ("the suffix permitted", vec![end], vec![], Accepted),
        ("the suffix permitted with a dot before", vec![&dotted], vec![], Accepted),
        ("capitals permitted", vec![&capital], vec![], Accepted),
        ("everything permitted", vec![""], vec![], Accepted),
        ("another name permitted", vec!["example.org"], vec![], CONSTRAINT),
        ("two permitted, one fits", vec!["example.org", end], vec![], Accepted),
        ("its exact name excluded", vec![], vec![own], CONSTRAINT),
        ("the suffix excluded", vec![], vec![end], CONSTRAINT),
        ("capitals excluded", vec![], vec![&capital], CONSTRAINT),
        ("everything excluded", vec![], vec![""], CONSTRAINT),
        ("another name excluded", vec![], vec!["example.org"], Accepted),
        ("permitted and excluded", vec![end], vec![own], CONSTRAINT),
        ("a name below excluded", vec![], vec!["x.03.12.h41.agency.alt"], Accepted),
    ];
    for (what, permitted, excluded, expected) in dns {
        let mut line = Line::short(purpose);
        line.issuer().set(NAME_CONSTRAINTS, true, constraints(&permitted, &excluded));
        shapes.add(&format!("names/constraint: {what}"), line, expected, why);
    }
    let malformed = "a constraint that cannot be read constrains everything";
    let email = implicit(1, b"example.org");
    let uri = implicit(6, b"example.org");
    let address = implicit(7, &[10, 0, 0, 0, 255, 0, 0, 0]);
    let directory = holds(4, &common_name("somebody"));
    let general: Vec<(&str, Vec<u8>, Expected, &str)> = vec![
        (
            "mail permitted",
            general_constraints(&[email.clone()], &[]),
            Accepted,
            "it says nothing of dNSNames",
        ),
        (
            "URIs permitted",
            general_constraints(&[uri.clone()], &[]),
            Accepted,
            "it says nothing of dNSNames",
        ),
        (
            "addresses permitted",
            general_constraints(&[address.clone()], &[]),
            Accepted,
            "it says nothing of dNSNames",
        ),
        (
            "a directory name permitted",
            general_constraints(&[directory.clone()], &[]),
            CONSTRAINT,
            "every subject is a directory name, and this one lies outside",
        ),
        (
            "a directory name excluded",
            general_constraints(&[], &[directory]),
            CONSTRAINT,
            "directory names are not compared: any such constraint counts as broken",
        ),
        (
            "mail excluded",
            general_constraints(&[], &[email]),
            Accepted,
            "it says nothing of dNSNames",
        ),
        ("no subtree at all", sequence::<&[u8]>(&[]), Accepted, "constrains nothing"),
        ("empty list of permitted", sequence(&[holds(0, &[])]), Accepted, "constrains nothing"),
        ("not a sequence", tlv(4, b"x"), INVALID, malformed),
        ("no bytes", Vec::new(), INVALID, malformed),
        ("a wildcard permitted", constraints(&["*.alt"], &[]), INVALID, malformed),
        ("a trailing dot permitted", constraints(&["alt."], &[]), INVALID, malformed),
        ("a space permitted", constraints(&[" "], &[]), INVALID, malformed),
        (
            "another tag permitted",
            general_constraints(&[implicit(9, b"alt")], &[]),
            INVALID,
            malformed,
        ),
        (
            "a minimum of 1",
            sequence(&[holds(0, &sequence(&[implicit(2, end.as_bytes()), implicit(0, &[1])]))]),
            INVALID,
            "minimum and maximum must not be used (RFC 5280)",
        ),
    ];
    for (what, value, expected, why) in general {
        let mut line = Line::short(purpose);
        line.issuer().set(NAME_CONSTRAINTS, true, value);
        shapes.add(&format!("names/constraint: {what}"), line, expected, why);
    }
    let mut line = Line::short(purpose);
    line.issuer().set(NAME_CONSTRAINTS, false, constraints(&["example.org"], &[]));
    shapes.add("names/constraint: not critical", line, CONSTRAINT, "it counts all the same");
}

/// Other kinds of name in the leaf of the commune.
fn kinds(shapes: &mut Shapes, purpose: Purpose) {
    let own = implicit(2, purpose.dns().as_bytes());
    let two = "exactly one name, and of the right kind";
    let kinds: Vec<(&str, Vec<u8>)> = vec![
        ("a URI", implicit(6, b"https://example.org/")),
        ("a URI of the right host", implicit(6, format!("https://{}/", purpose.dns()).as_bytes())),
        ("an address", implicit(7, &[10, 0, 0, 1])),
        ("mail", implicit(1, b"a@example.org")),
        ("a directory name", holds(4, &common_name("somebody"))),
        (
            "an other name",
            holds(0, &[oid("1.3.6.1.4.1.311.20.2.3"), holds(0, &tlv(UTF8, b"a@b"))].concat()),
        ),
        ("a registered identifier", implicit(8, &[0x2a, 3])),
        ("a second dNSName below", implicit(2, format!("x.{}", purpose.dns()).as_bytes())),
        ("itself", own.clone()),
    ];
    for (what, other) in kinds {
        let mut line = Line::short(purpose);
        line.leaf().set(ALTERNATIVE_NAME, false, sequence(&[own.clone(), other.clone()]));
        shapes.add(&format!("names/leaf with its name and {what}"), line, INVALID, two);
        let mut line = Line::short(purpose);
        line.leaf().set(ALTERNATIVE_NAME, false, sequence(&[other]));
        let expected = match (what, purpose) {
            ("itself", _) => Accepted,
            // It names a node: one that the directory does not list.
            ("a second dNSName below", Purpose::Node) => {
                Expected::Refused(Code::PeerNotInDirectory)
            }
            _ => INVALID,
        };
        shapes.add(&format!("names/leaf with only {what}"), line, expected, two);
    }
    let uri = implicit(6, b"https://h42.example.org/");
    for (what, subtree) in [("permits another URI", false), ("excludes that URI", true)] {
        let mut line = Line::short(purpose);
        let host = vec![implicit(6, b"h42.example.org")];
        let (permitted, excluded) = if subtree {
            (vec![], host)
        } else {
            (vec![implicit(6, b"other.example")], host[..0].to_vec())
        };
        line.issuer().set(NAME_CONSTRAINTS, true, general_constraints(&permitted, &excluded));
        line.leaf().set(ALTERNATIVE_NAME, false, sequence(&[own.clone(), uri.clone()]));
        let why = "a URI under a constraint on URIs is refused";
        shapes.add(&format!("names/URI where the CA {what}"), line, CONSTRAINT, why);
    }
}

/// Spellings of names where no CA constrains.
fn spellings(shapes: &mut Shapes, purpose: Purpose) {
    let end = suffix(purpose);
    let long = format!("{}.h41.{end}", "a".repeat(64));
    let endless = format!("{}h41.{end}", "aa.".repeat(100));
    let names: Vec<(&str, Vec<u8>)> = vec![
        ("NUL inside", format!("03.12.h41\0.x.{end}").into_bytes()),
        ("NUL behind", format!("{}\0", purpose.dns()).into_bytes()),
        ("NUL and another name behind", format!("{}\0.example.org", purpose.dns()).into_bytes()),
        ("a space before", format!(" {}", purpose.dns()).into_bytes()),
        ("a space behind", format!("{} ", purpose.dns()).into_bytes()),
        ("two dots", format!("03..12.h41.{end}").into_bytes()),
        ("a dot before", format!(".{}", purpose.dns()).into_bytes()),
        ("a trailing dot", format!("{}.", purpose.dns()).into_bytes()),
        ("an underscore", format!("03_12.h41.{end}").into_bytes()),
        ("a slash", format!("03/12.h41.{end}").into_bytes()),
        ("capitals in the code", format!("03.12.H41.{end}").into_bytes()),
        ("capitals in the suffix", purpose.dns().replace(".alt", ".ALT").into_bytes()),
        ("a wildcard", format!("*.h41.{end}").into_bytes()),
        ("a wildcard in the middle", format!("03.*.h41.{end}").into_bytes()),
        ("a wildcard label", format!("0*.12.h41.{end}").into_bytes()),
        ("a code of four signs", format!("h411.{end}").into_bytes()),
        ("a code without digits", format!("hanoi.{end}").into_bytes()),
        ("a label too long", long.into_bytes()),
        ("a name too long", endless.into_bytes()),
        ("bytes that are no UTF-8", [b"\xff\xfe.", end.as_bytes()].concat()),
        ("Cyrillic letters", format!("03.12.н41.{end}").into_bytes()),
        ("a letter in full width", format!("03.12.ｈ41.{end}").into_bytes()),
        ("right-to-left override", format!("03.12.\u{202e}h41.{end}").into_bytes()),
        ("a combining mark", format!("03.12.h41\u{301}.{end}").into_bytes()),
        (
            "the other suffix",
            purpose
                .dns()
                .replace("agency.alt", "x")
                .replace("node.alt", "agency.alt")
                .replace(".x", ".node.alt")
                .into_bytes(),
        ),
        ("a suffix behind", format!("{}.example.org", purpose.dns()).into_bytes()),
        ("the suffix without alt", purpose.dns().replace(".alt", "").into_bytes()),
        ("the suffix joined", purpose.dns().replace(&format!(".{end}"), end).into_bytes()),
        ("an address as text", b"10.0.0.1".to_vec()),
        ("nothing", Vec::new()),
        ("a line break", format!("{}\n", purpose.dns()).into_bytes()),
        ("an escape sequence", format!("\x1b[31m{}", purpose.dns()).into_bytes()),
    ];
    let why = "one spelling names somebody, and every other one nobody";
    for (what, text) in names {
        let mut line = Line::short(purpose);
        line.leaf().set(ALTERNATIVE_NAME, false, dns_names(&[text]));
        shapes.add(&format!("names/leaf with {what}"), line, INVALID, why);
    }
    for count in [2, 10, 300] {
        let mut line = Line::short(purpose);
        let names: Vec<String> = (0..count).map(|i| format!("{i:03}.h41.{end}")).collect();
        line.leaf().set(ALTERNATIVE_NAME, false, dns_names(&names));
        shapes.add(&format!("names/leaf with {count} names"), line, INVALID, "exactly one name");
    }
    let mut line = Line::short(purpose);
    line.leaf().set(ALTERNATIVE_NAME, true, dns_names(&[purpose.dns()])).subject =
        sequence::<&[u8]>(&[]);
    shapes.add(
        "names/empty subject and a critical name",
        line,
        Accepted,
        "the name in the extension is what counts",
    );
    for (what, value) in [
        ("an empty list", sequence::<&[u8]>(&[])),
        ("no bytes", Vec::new()),
        ("a set", tlv(0x31, &implicit(2, purpose.dns().as_bytes()))),
        ("an unknown kind", sequence(&[implicit(9, b"x")])),
        ("a length beyond the end", vec![0x30, 4, 0x82, 9, b'x', b'y']),
    ] {
        let mut line = Line::short(purpose);
        line.leaf().set(ALTERNATIVE_NAME, false, value);
        shapes.add(&format!("names/alternative name with {what}"), line, INVALID, why);
    }
    let mut line = Line::short(purpose);
    line.leaf().subject = name(&[("2.5.4.3", UTF8, b"h42.agency.alt\0.evil")]);
    shapes.add("names/NUL in the common name", line, Accepted, "a common name names nobody");
}

/// Constraints at other places of the path.
fn other_places(shapes: &mut Shapes, purpose: Purpose) {
    let why = "the constraints of every CA above hold together";
    for (whose, place) in [("district", DISTRICT), ("province", PROVINCE)] {
        let mut line = Line::full(purpose);
        line.certs[place].set(NAME_CONSTRAINTS, true, constraints(&["h42.agency.alt"], &[]));
        shapes.add(&format!("names/{whose} CA constrained elsewhere"), line, CONSTRAINT, why);
    }
    let mut line = Line::full(purpose);
    line.certs[COMMUNE].remove(NAME_CONSTRAINTS);
    line.leaf().set(
        ALTERNATIVE_NAME,
        false,
        dns_names(&[format!("04.13.h41.{}", suffix(purpose))]),
    );
    let hidden = "a CA cannot widen what the one above was given";
    shapes.add("names/commune's CA without a constraint of its own", line, CONSTRAINT, hidden);
    let mut line = Line::full(purpose);
    line.certs[COMMUNE].set(NAME_CONSTRAINTS, true, constraints(&["agency.alt", "node.alt"], &[]));
    line.leaf().set(ALTERNATIVE_NAME, false, dns_names(&[format!("h41.{}", suffix(purpose))]));
    shapes.add("names/commune's CA widens its constraint", line, CONSTRAINT, hidden);
    let mut line = Line::short(purpose);
    line.anchor.set(NAME_CONSTRAINTS, true, constraints(&["h42.agency.alt"], &[]));
    shapes.add(
        "names/anchor constrained elsewhere",
        line,
        CONSTRAINT,
        "an anchor's constraints count",
    );
    let mut line = Line::short(purpose);
    line.certs[LEAF].set(NAME_CONSTRAINTS, true, constraints(&["h42.agency.alt"], &[]));
    shapes.add(
        "names/constraints in the leaf",
        line,
        Accepted,
        "a leaf issues nothing, so they constrain nothing",
    );
    let mut line = Line::short(purpose);
    line.issuer().set(ALTERNATIVE_NAME, false, dns_names(&["ca.example.org"]));
    shapes.add("names/a CA with a name of its own", line, Accepted, "only the leaf's name counts");
    let mut line = Line::full(purpose);
    line.certs[COMMUNE].set(ALTERNATIVE_NAME, false, dns_names(&["ca.example.org"]));
    shapes.add(
        "names/a constrained CA with a foreign name",
        line,
        CONSTRAINT,
        "constraints hold for CAs below too",
    );
}
