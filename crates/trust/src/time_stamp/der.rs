//! Items of DER (X.690), read with the `der` crate: definite lengths in their shortest form only.
//! Items keep the bytes they were read from, so that what is hashed is what came.

use der::{AnyRef, Decode as _, Reader as _, SliceReader};

/// Where in a token the reading stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken(pub(super) &'static str);

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTETS: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OID: u8 = 0x06;
pub(crate) const TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
/// `[0]` and `[1]`, constructed.
pub(crate) const CONTEXT_0: u8 = 0xa0;
pub(crate) const CONTEXT_1: u8 = 0xa1;

/// One item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item<'a> {
    /// All of it.
    pub(super) raw: &'a [u8],
    /// Its contents.
    pub(super) value: &'a [u8],
}

/// The items that the bytes consist of.
pub(super) fn items<'a>(bytes: &'a [u8], what: &'static str) -> Result<Vec<Item<'a>>, Broken> {
    let broken = |_| Broken(what);
    let (mut rest, mut out) = (bytes, Vec::new());
    while !rest.is_empty() {
        let mut reader = SliceReader::new(rest).map_err(broken)?;
        let any = AnyRef::decode(&mut reader).map_err(broken)?;
        let left = usize::try_from(reader.remaining_len()).map_err(|_| Broken(what))?;
        let (raw, after) = rest.split_at_checked(rest.len() - left).ok_or(Broken(what))?;
        out.push(Item { raw, value: any.value() });
        rest = after;
    }
    Ok(out)
}

/// The one item that the bytes are.
pub(super) fn one<'a>(bytes: &'a [u8], tag: u8, what: &'static str) -> Result<Item<'a>, Broken> {
    match items(bytes, what)?[..] {
        [item] if item.tag() == tag => Ok(item),
        _ => Err(Broken(what)),
    }
}

impl<'a> Item<'a> {
    pub(super) fn tag(&self) -> u8 {
        self.raw.first().copied().unwrap_or_default()
    }

    /// The items inside, of an item with this tag.
    pub(super) fn inside(&self, tag: u8, what: &'static str) -> Result<Vec<Item<'a>>, Broken> {
        if self.tag() == tag { items(self.value, what) } else { Err(Broken(what)) }
    }

    /// The contents of an item with this tag.
    pub(super) fn contents(&self, tag: u8, what: &'static str) -> Result<&'a [u8], Broken> {
        if self.tag() == tag { Ok(self.value) } else { Err(Broken(what)) }
    }

    /// A small non-negative INTEGER, under this tag where it is an implicit one.
    pub(super) fn number(&self, tag: u8, what: &'static str) -> Result<u64, Broken> {
        let value = self.contents(tag, what)?;
        let shortest = match value {
            [0, second, ..] => *second >= 0x80,
            [first, ..] => *first < 0x80,
            [] => false,
        };
        if !shortest || value.len() > 8 {
            return Err(Broken(what));
        }
        Ok(value.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

/// Takes the first item off if it has this tag.
pub(super) fn next_if<'a>(items: &mut &[Item<'a>], tag: u8) -> Option<Item<'a>> {
    let (first, rest) = items.split_first()?;
    if first.tag() != tag {
        return None;
    }
    *items = rest;
    Some(*first)
}

/// Writes an item around the parts.
pub(crate) fn write(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let bytes = &bytes[bytes.iter().take_while(|b| **b == 0).count()..];
        out.push(0x80 | bytes.len() as u8);
        out.extend_from_slice(bytes);
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_only_in_the_shortest_form() {
        for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 70_000] {
            let inner = vec![7; length];
            let bytes = write(OCTETS, &[&inner]);
            assert_eq!(one(&bytes, OCTETS, "it").unwrap().value, inner);
            assert_eq!(one(&bytes, OCTETS, "it").unwrap().raw, bytes);
        }
        for bad in [
            &[4][..],
            &[4, 0x80, 0, 0],
            &[4, 0x81, 1, 7],
            &[4, 0x82, 0, 1, 7],
            &[4, 2, 7],
            &[4, 1, 7, 0],
            &[],
        ] {
            assert_eq!(one(bad, OCTETS, "it"), Err(Broken("it")), "{bad:02x?}");
        }
    }

    #[test]
    fn numbers_are_not_negative_and_short() {
        let number = |bytes: &[u8]| one(bytes, INTEGER, "it").and_then(|i| i.number(INTEGER, "it"));
        assert_eq!(number(&[2, 1, 0]), Ok(0));
        assert_eq!(number(&[2, 2, 0, 0x80]), Ok(0x80));
        assert_eq!(number(&[2, 3, 1, 0, 0]), Ok(0x1_0000));
        assert_eq!(number(&[2, 8, 1, 0, 0, 0, 0, 0, 0, 2]), Ok(0x0100_0000_0000_0002));
        for bad in [&[2, 0][..], &[2, 1, 0x80], &[2, 2, 0, 5], &[2, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0]] {
            assert!(number(bad).is_err(), "{bad:02x?}");
        }
    }
}
