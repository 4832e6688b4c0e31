//! Times of validity (RFC 5280 section 4.1.2.5).

use tram_dispatch::UnixMillis;
use tram_trust::fixtures::{END, START};

use super::{Accepted, EXPIRED, Expected, INVALID, NOT_YET, Shapes};
use crate::cert::{CENTRE, COMMUNE, DISTRICT, LEAF, Line, PROVINCE, Purpose};
use crate::der::{GENERALIZED_TIME, UTC_TIME, time, tlv};

/// A second before and after the moment that judges, 2026-06-01.
const BEFORE: &str = "260531235959Z";
const AFTER: &str = "260601000001Z";

pub(super) fn add(shapes: &mut Shapes, purpose: Purpose) {
    windows(shapes, purpose);
    moments(shapes, purpose);
    spellings(shapes, purpose);
}

/// Every place of the path with every wrong window.
fn windows(shapes: &mut Shapes, purpose: Purpose) {
    let places = [
        ("leaf", LEAF),
        ("commune CA", COMMUNE),
        ("district CA", DISTRICT),
        ("province CA", PROVINCE),
        ("centre CA", CENTRE),
    ];
    let windows: [(&str, &str, &str, Expected); 6] = [
        ("expired a second ago", "260101000000Z", BEFORE, EXPIRED),
        ("expired years ago", "190101000000Z", "200101000000Z", EXPIRED),
        ("valid from the next second", AFTER, "280101000000Z", NOT_YET),
        ("valid in years", "360101000000Z", "370101000000Z", NOT_YET),
        ("inverted", "270101000000Z", "260101000000Z", INVALID),
        ("a single second, this one", "260601000000Z", "260601000000Z", Accepted),
    ];
    for (whose, place) in places {
        for (what, from, until, expected) in windows {
            let mut line = Line::full(purpose);
            line.certs[place].valid(from, until);
            let why = "every certificate of the path must be valid at the moment that judges";
            shapes.add(&format!("validity/{whose} {what}"), line, expected, why);
        }
    }
    let mut line = Line::full(purpose);
    line.anchor.valid("190101000000Z", "200101000000Z");
    let why = "the root document vouches for its anchors, not their own dates";
    shapes.add("validity/anchor expired", line, Accepted, why);
}

/// The edges of the window.
fn moments(shapes: &mut Shapes, purpose: Purpose) {
    let last = UnixMillis(END.0 + 999);
    for (what, at, expected) in [
        ("judged in the first millisecond", START, Accepted),
        ("judged a millisecond early", UnixMillis(START.0 - 1), NOT_YET),
        ("judged in the last millisecond", last, Accepted),
        ("judged a millisecond late", last.plus_ms(1), EXPIRED),
        ("judged at the epoch", UnixMillis(0), NOT_YET),
        ("judged in 2100", UnixMillis(4_102_444_800_000), EXPIRED),
        ("judged in 2038", UnixMillis(2_147_483_648_000), EXPIRED),
    ] {
        let mut line = Line::full(purpose);
        line.at = at;
        let why = "notBefore and notAfter are whole seconds that both belong to the validity";
        shapes.add(&format!("validity/{what}"), line, expected, why);
    }
}

/// How times may be written.
fn spellings(shapes: &mut Shapes, purpose: Purpose) {
    let sound = "a time that RFC 5280 allows";
    for (what, from, until) in [
        ("until 2049 as UTCTime", "260101000000Z", "491231235959Z"),
        ("until 2050 as GeneralizedTime", "260101000000Z", "20500101000000Z"),
        ("without end, 99991231235959Z", "260101000000Z", "99991231235959Z"),
        ("until a leap day", "260101000000Z", "280229235959Z"),
        ("from a leap day", "240229000000Z", "280101000000Z"),
        ("until the leap day of 2400", "260101000000Z", "24000229235959Z"),
        ("from 1970", "700101000000Z", "280101000000Z"),
        ("from 1999 as UTCTime", "990101000000Z", "280101000000Z"),
    ] {
        let mut line = Line::full(purpose);
        line.leaf().valid(from, until);
        shapes.add(&format!("validity/{what}"), line, Accepted, sound);
    }
    let mut line = Line::full(purpose);
    line.leaf().from = time("20260101000000Z");
    let why = "GeneralizedTime before 2050 names one moment only, and certificates in use have it";
    shapes.add("validity/before 2050 as GeneralizedTime", line, Accepted, why);
    let mut line = Line::full(purpose);
    line.leaf().from = time("19500101000000Z");
    let why = "no moment before 1970 is read";
    shapes.add("validity/from 1950", line, INVALID, why);
    let mut line = Line::full(purpose);
    line.leaf().from = tlv(UTC_TIME, b"500101000000Z");
    shapes.add("validity/from 1950 as UTCTime", line, INVALID, why);
    for (what, tag, text) in [
        ("UTCTime without seconds", UTC_TIME, "2801010000Z"),
        ("UTCTime with an offset", UTC_TIME, "280101000000+0700"),
        ("UTCTime without Z", UTC_TIME, "280101000000"),
        ("UTCTime with a small z", UTC_TIME, "280101000000z"),
        ("UTCTime with four digits of year", UTC_TIME, "20280101000000Z"),
        ("UTCTime with a space", UTC_TIME, "280101 00000Z"),
        ("GeneralizedTime with a fraction", GENERALIZED_TIME, "20280101000000.5Z"),
        ("GeneralizedTime with an offset", GENERALIZED_TIME, "20280101000000+0700"),
        ("GeneralizedTime without Z", GENERALIZED_TIME, "20280101000000"),
        ("GeneralizedTime without seconds", GENERALIZED_TIME, "202801010000Z"),
        ("GeneralizedTime with two digits of year", GENERALIZED_TIME, "280101000000Z"),
        ("month 13", UTC_TIME, "281301000000Z"),
        ("month 0", UTC_TIME, "280001000000Z"),
        ("30 February", UTC_TIME, "280230000000Z"),
        ("29 February of 2027", UTC_TIME, "270229000000Z"),
        ("29 February of 2100", GENERALIZED_TIME, "21000229000000Z"),
        ("day 0", UTC_TIME, "280100000000Z"),
        ("hour 24", UTC_TIME, "280101240000Z"),
        ("minute 60", UTC_TIME, "280101006000Z"),
        ("second 60", UTC_TIME, "271231235960Z"),
        ("no digits", UTC_TIME, "abcdefabcdefZ"),
        ("an empty time", UTC_TIME, ""),
        ("a minus sign", UTC_TIME, "-80101000000Z"),
        ("NUL behind", UTC_TIME, "280101000000Z\0"),
        ("a text that is no time", 0x0c, "280101000000Z"),
    ] {
        let mut line = Line::full(purpose);
        line.leaf().until = tlv(tag, text.as_bytes());
        let why = "DER has one way to write a time: whole seconds, four or two digits of year, Z";
        shapes.add(&format!("validity/until {what}"), line, INVALID, why);
    }
}
