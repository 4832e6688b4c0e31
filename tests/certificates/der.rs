//! A small DER writer (X.690) that can also write what DER forbids.

/// BOOLEAN TRUE as DER wants it.
pub(crate) const TRUE: [u8; 3] = [1, 1, 0xff];
/// NULL.
pub(crate) const NULL: [u8; 2] = [5, 0];

pub(crate) const UTF8: u8 = 0x0c;
pub(crate) const PRINTABLE: u8 = 0x13;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;

/// One item with the shortest definite length.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len();
    match length {
        0..=0x7f => out.push(length as u8),
        0x80..=0xff => out.extend([0x81, length as u8]),
        0x100..=0xffff => out.extend([0x82, (length >> 8) as u8, length as u8]),
        _ => out.extend([0x83, (length >> 16) as u8, (length >> 8) as u8, length as u8]),
    }
    out.extend_from_slice(content);
    out
}

/// One item with a length field of four bytes, longer than DER allows.
pub(crate) fn long(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag, 0x84];
    out.extend((content.len() as u32).to_be_bytes());
    out.extend_from_slice(content);
    out
}

/// One item of indefinite length, which only BER has.
pub(crate) fn indefinite(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, 0x80], content, &[0, 0]].concat()
}

/// The content of the first item of `bytes`, and what follows that item.
pub(crate) fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (length, header) = match bytes[1] {
        short @ 0..=0x7f => (usize::from(short), 2),
        0x81 => (usize::from(bytes[2]), 3),
        0x82 => (usize::from(bytes[2]) << 8 | usize::from(bytes[3]), 4),
        _ => (usize::from(bytes[2]) << 16 | usize::from(bytes[3]) << 8 | usize::from(bytes[4]), 5),
    };
    (&bytes[header..header + length], &bytes[header + length..])
}

pub(crate) fn sequence<T: AsRef<[u8]>>(parts: &[T]) -> Vec<u8> {
    tlv(0x30, &join(parts))
}

pub(crate) fn set<T: AsRef<[u8]>>(parts: &[T]) -> Vec<u8> {
    tlv(0x31, &join(parts))
}

pub(crate) fn join<T: AsRef<[u8]>>(parts: &[T]) -> Vec<u8> {
    let mut out = Vec::new();
    parts.iter().for_each(|part| out.extend_from_slice(part.as_ref()));
    out
}

/// An INTEGER with this content, right or not.
pub(crate) fn integer(content: &[u8]) -> Vec<u8> {
    tlv(2, content)
}

/// A non-negative INTEGER from a big-endian magnitude.
pub(crate) fn unsigned(magnitude: &[u8]) -> Vec<u8> {
    let start = magnitude.iter().position(|b| *b != 0).unwrap_or(magnitude.len());
    let rest = &magnitude[start..];
    match rest.first() {
        Some(high) if *high < 0x80 => integer(rest),
        _ => integer(&[&[0], rest].concat()),
    }
}

pub(crate) fn octets(content: &[u8]) -> Vec<u8> {
    tlv(4, content)
}

/// A BIT STRING of whole bytes.
pub(crate) fn bits(content: &[u8]) -> Vec<u8> {
    bits_unused(0, content)
}

pub(crate) fn bits_unused(unused: u8, content: &[u8]) -> Vec<u8> {
    tlv(3, &[&[unused], content].concat())
}

/// A named bit list (X.690 section 11.2.2): trailing zero bits left out.
pub(crate) fn named_bits(places: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0_u8; places.iter().max().map_or(0, |m| usize::from(m / 8) + 1)];
    for place in places {
        bytes[usize::from(place / 8)] |= 0x80 >> (place % 8);
    }
    let unused = bytes.last().map_or(0, |last| last.trailing_zeros() as u8);
    bits_unused(unused, &bytes)
}

/// An OBJECT IDENTIFIER from its dotted form.
pub(crate) fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u64> = dotted.split('.').map(|arc| arc.parse().expect("a number")).collect();
    let mut content = base128(arcs[0] * 40 + arcs[1]);
    arcs[2..].iter().for_each(|arc| content.extend(base128(*arc)));
    tlv(6, &content)
}

fn base128(mut value: u64) -> Vec<u8> {
    let mut out = vec![(value & 0x7f) as u8];
    while value > 0x7f {
        value >>= 7;
        out.insert(0, (value & 0x7f) as u8 | 0x80);
    }
    out
}

/// A context-specific item that holds others.
pub(crate) fn holds(number: u8, content: &[u8]) -> Vec<u8> {
    tlv(0xa0 | number, content)
}

/// A context-specific item that is implicitly some string.
pub(crate) fn implicit(number: u8, content: &[u8]) -> Vec<u8> {
    tlv(0x80 | number, content)
}

/// A Name with one attribute for each (OID, string tag, value).
pub(crate) fn name(attributes: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let one =
        |(kind, tag, value): &(&str, u8, &[u8])| set(&[sequence(&[oid(kind), tlv(*tag, value)])]);
    sequence(&attributes.iter().map(one).collect::<Vec<_>>())
}

/// A Name with a common name only.
pub(crate) fn common_name(text: &str) -> Vec<u8> {
    name(&[("2.5.4.3", UTF8, text.as_bytes())])
}

/// UTCTime or GeneralizedTime with this text.
pub(crate) fn time(text: &str) -> Vec<u8> {
    // `YYMMDDHHMMSSZ` has 13 characters.
    let tag = if text.len() == 13 { UTC_TIME } else { GENERALIZED_TIME };
    tlv(tag, text.as_bytes())
}
