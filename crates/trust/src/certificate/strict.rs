//! What the two readers let pass although it is not DER, or not what it is said to be.

use x509_parser::asn1_rs::{Any, FromDer, Tag};

/// Whether the bytes are a Name (RFC 5280 section 4.1.2.4) and nothing else: a sequence of sets, none
/// of them empty, of attributes with an identifier and one value each.
pub(super) fn is_name(der: &[u8]) -> bool {
    let outer = items(der).unwrap_or_default();
    let [name] = &outer[..] else { return false };
    name.tag() == Tag::Sequence && items(name.data).is_some_and(|sets| sets.iter().all(is_set))
}

fn is_set(set: &Any<'_>) -> bool {
    let attributes = items(set.data).unwrap_or_default();
    set.tag() == Tag::Set && !attributes.is_empty() && attributes.iter().all(is_attribute)
}

fn is_attribute(attribute: &Any<'_>) -> bool {
    let parts = items(attribute.data).unwrap_or_default();
    attribute.tag() == Tag::Sequence
        && matches!(&parts[..], [kind, _] if kind.tag() == Tag::Oid && !kind.data.is_empty())
}

/// Whether the bytes are exactly one item.
pub(super) fn is_one_item(der: &[u8]) -> bool {
    items(der).is_some_and(|items| items.len() == 1)
}

/// Whether these are the bytes of a positive INTEGER in its shortest form (X.690 section 8.3.2).
pub(super) fn is_positive(integer: &[u8]) -> bool {
    match integer {
        [0, second, ..] => *second >= 0x80,
        [first, ..] => (1..0x80).contains(first),
        [] => false,
    }
}

/// The items that the bytes consist of; `None` where they do not.
fn items(mut bytes: &[u8]) -> Option<Vec<Any<'_>>> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let (rest, item) = Any::from_der(bytes).ok()?;
        out.push(item);
        bytes = rest;
    }
    Some(out)
}
