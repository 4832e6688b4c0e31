//! The structural walk against a table of violations of RFC 8949 section 4.2.1 and of our own limits.

use tram_dispatch::Code;
use tram_dispatch::limits::{CBOR_DEPTH_MAX, CBOR_ITEMS_MAX};
use tram_wire::cbor::{Rules, Tag18, check, check_with};

fn hex(text: &str) -> Vec<u8> {
    let text: String = text.split_whitespace().collect();
    tram_dispatch::id::unhex(&text).unwrap()
}

#[test]
fn canonical_items_pass() {
    for text in [
        "00",
        "17",
        "18 18",
        "18 ff",
        "19 0100",
        "1a 00010000",
        "1b 0000000100000000",
        "1b ffffffffffffffff",
        "20",
        "38 18",
        "3b ffffffffffffffff",
        "40",
        "43 010203",
        "60",
        "66 e1baa1 c491 61",
        "80",
        "82 01 02",
        "a0",
        "a2 00 f4 01 f5",
        "a2 17 00 18 18 00",
        "a2 20 00 60 00",
        "f4",
        "f5",
        "f6",
        "a1 82 01 02 a0",
        "a3 01 00 41 00 00 61 61 00",
    ] {
        let bytes = hex(text);
        assert_eq!(check(&bytes, 64), Ok(()), "{text}");
    }
}

#[test]
fn violations_are_refused_with_their_code() {
    use Code::{Malformed, NotCanonical, TooLarge};
    for (text, code, why) in [
        ("", Malformed, "nothing"),
        ("18 17", NotCanonical, "one byte where none is needed"),
        ("19 00ff", NotCanonical, "two bytes where one is enough"),
        ("1a 0000ffff", NotCanonical, "four bytes where two are enough"),
        ("1b 00000000ffffffff", NotCanonical, "eight bytes where four are enough"),
        ("38 00", NotCanonical, "long negative"),
        ("58 01 00", NotCanonical, "long byte string length"),
        ("78 01 61", NotCanonical, "long text length"),
        ("98 01 00", NotCanonical, "long array length"),
        ("b8 01 00 00", NotCanonical, "long map length"),
        ("5f 41 00 ff", NotCanonical, "indefinite byte string"),
        ("7f 61 61 ff", NotCanonical, "indefinite text"),
        ("9f 00 ff", NotCanonical, "indefinite array"),
        ("bf 00 00 ff", NotCanonical, "indefinite map"),
        ("ff", Malformed, "break alone"),
        ("1c", Malformed, "reserved additional information"),
        ("5c", Malformed, "reserved additional information"),
        ("1f", Malformed, "indefinite integer"),
        ("df", Malformed, "indefinite tag"),
        ("a2 00 00 00 00", NotCanonical, "duplicate key"),
        ("a2 01 00 00 00", NotCanonical, "unsorted keys"),
        ("a2 60 00 20 00", NotCanonical, "unsorted keys of two types"),
        ("a2 62 6161 00 61 62 00", NotCanonical, "longer text key first"),
        ("a1 00 a2 01 00 00 00", NotCanonical, "unsorted keys of an inner map"),
        ("a2 82 01 02 00 82 01 01 00", NotCanonical, "unsorted array keys"),
        ("a2 a1 01 02 00 a1 01 02 00", NotCanonical, "duplicate map keys"),
        ("00 00", Malformed, "trailing byte"),
        ("80 f6", Malformed, "trailing item"),
        ("f9 3c00", Malformed, "half float"),
        ("fa 3f800000", Malformed, "float"),
        ("fb 3ff0000000000000", Malformed, "double"),
        ("f7", Malformed, "undefined"),
        ("e0", Malformed, "unassigned simple value"),
        ("f8 20", Malformed, "simple value in two bytes"),
        ("f8 14", Malformed, "false in two bytes"),
        ("c0 60", Malformed, "tag 0"),
        ("d2 80", Malformed, "tag 18 where none is allowed"),
        ("d8 12 80", NotCanonical, "tag 18 in two bytes"),
        ("61 ff", Malformed, "not UTF-8"),
        ("62 c0 80", Malformed, "overlong UTF-8"),
        ("63 ed a0 80", Malformed, "surrogate in UTF-8"),
        ("41", Malformed, "byte string without its byte"),
        ("82 00", Malformed, "array without its second item"),
        ("a1 00", Malformed, "map without its value"),
        ("18", Malformed, "head without its argument"),
        ("5b 8000000000000000", Malformed, "byte string of 2^63"),
        ("7b ffffffffffffffff", Malformed, "text of 2^64-1"),
        ("9b 8000000000000000", TooLarge, "array of 2^63"),
        ("bb 8000000000000000", TooLarge, "map of 2^63"),
        ("bb ffffffffffffffff", TooLarge, "map of 2^64-1"),
        ("9a 000186a1", TooLarge, "array over the limit"),
        ("9a 000186a0", Malformed, "array at the limit without its items"),
    ] {
        let bytes = hex(text);
        let error = check(&bytes, 64).unwrap_err();
        assert_eq!(error.code, code, "{why}: {text}: {error}");
    }
}

#[test]
fn limits_are_exact() {
    let nested = |depth: usize| [vec![0x81; depth], vec![0x00]].concat();
    assert_eq!(check(&nested(CBOR_DEPTH_MAX), 64), Ok(()));
    assert_eq!(check(&nested(CBOR_DEPTH_MAX + 1), 64).unwrap_err().code, Code::TooLarge);
    let empty_inside = [vec![0x81; CBOR_DEPTH_MAX], vec![0x80]].concat();
    assert_eq!(check(&empty_inside, 64).unwrap_err().code, Code::TooLarge);
    let bomb = vec![0x81; 10_000_000];
    assert_eq!(check(&bomb, bomb.len()).unwrap_err().code, Code::TooLarge);
    assert_eq!(check(&[0x43, 1, 2, 3], 3).unwrap_err().code, Code::TooLarge);
    let mut array = vec![0x9a];
    array.extend_from_slice(&(CBOR_ITEMS_MAX as u32).to_be_bytes());
    array.extend(std::iter::repeat_n(0, CBOR_ITEMS_MAX));
    assert_eq!(check(&array, array.len()), Ok(()));
}

#[test]
fn tag_18_stands_only_where_the_rules_say() {
    let passes =
        |text: &str, tag18| check_with(&hex(text), &Rules { tag18, ..Rules::plain(64) }).is_ok();
    assert!(passes("d2 80", Tag18::Top));
    assert!(passes("80", Tag18::Top));
    assert!(passes("82 d2 80 00", Tag18::FirstElement));
    for (text, tag18) in [
        ("d2 80", Tag18::FirstElement),
        ("81 d2 80", Tag18::Top),
        ("d2 d2 80", Tag18::Top),
        ("d3 80", Tag18::Top),
        ("d2", Tag18::Top),
        ("82 00 d2 80", Tag18::FirstElement),
        ("82 d2 d2 80 00", Tag18::FirstElement),
        ("81 81 d2 80", Tag18::FirstElement),
        ("a1 d2 80 00", Tag18::FirstElement),
        ("81 d2", Tag18::FirstElement),
    ] {
        assert!(!passes(text, tag18), "{text}");
    }
}
