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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_whole() {
        let attribute = [0x30, 6, 6, 1, 0x55, 0x0c, 1, b'a'];
        let set = [&[0x31, 8][..], &attribute].concat();
        let name = |content: &[u8]| [&[0x30, content.len() as u8], content].concat();
        assert!(is_name(&name(&[])) && is_name(&name(&set)));
        assert!(is_name(&name(&[&set[..], &set].concat())));
        let bad: [&[u8]; 6] =
            [&[0x31, 0], &[5, 0], &attribute, &[0x31, 2, 0x30, 0], &set[..9], &[0]];
        for content in bad {
            assert!(!is_name(&name(content)), "{content:02x?}");
        }
        assert!(!is_name(&[name(&set), vec![5, 0]].concat()) && !is_name(&[]));
    }

    #[test]
    fn serial_numbers_are_positive_and_short() {
        for good in [&[1][..], &[0x7f], &[0, 0x80], &[1, 0]] {
            assert!(is_positive(good), "{good:02x?}");
        }
        for bad in [&[][..], &[0], &[0, 0], &[0, 1], &[0x80], &[0xff, 1]] {
            assert!(!is_positive(bad), "{bad:02x?}");
        }
    }
}
