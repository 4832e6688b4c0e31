//! Second spellings of CBOR: what deterministic encoding (RFC 8949 section 4.2.1) forbids.

use crate::Numbers;

/// One item of some well-formed CBOR: where its head lies, where it ends.
struct Item {
    start: usize,
    head: usize,
    end: usize,
    major: u8,
    /// Where the pairs of a map begin and end.
    pairs: Vec<(usize, usize)>,
}

/// The object with one item written another way; `None` where that cannot be.
pub(super) fn respelled(bytes: &[u8], numbers: &mut Numbers) -> Option<Vec<u8>> {
    let mut items = Vec::new();
    walk(bytes, 0, &mut items)?;
    let item = &items[numbers.below(items.len())];
    let (before, rest) = bytes.split_at(item.start);
    let (head, content) = rest[..item.end - item.start].split_at(item.head);
    let after = &bytes[item.end..];
    let put = |middle: &[&[u8]]| [before, &middle.concat(), after].concat();
    let major = item.major << 5;
    Some(match numbers.below(6) {
        0 | 1 => put(&[&longer(head)?, content]),
        2 if matches!(item.major, 2 | 3) => put(&[&[major | 31], head, content, &[0xff]]),
        2 if matches!(item.major, 4 | 5) => put(&[&[major | 31], content, &[0xff]]),
        3 if item.pairs.len() > 1 => {
            let at = numbers.below(item.pairs.len() - 1);
            let ((a, b), (_, c)) = (item.pairs[at], item.pairs[at + 1]);
            [&bytes[..a], &bytes[b..c], &bytes[a..b], &bytes[c..]].concat()
        }
        4 if !item.pairs.is_empty() && head[0] & 31 < 23 => {
            let (a, b) = item.pairs[numbers.below(item.pairs.len())];
            let tail = &bytes[a..item.end];
            let from = item.start + 1;
            [before, &[head[0] + 1], &bytes[from..b], tail, after].concat()
        }
        5 => put(&[&[0xd9, 0xd9, 0xf7], head, content]),
        _ => [bytes, &[0xf6]].concat(),
    })
}

/// The head with one more width than it needs.
fn longer(head: &[u8]) -> Option<Vec<u8>> {
    let (major, info) = (head[0] & 0xe0, head[0] & 31);
    Some(match info {
        0..=23 => vec![major | 24, info],
        24 => vec![major | 25, 0, head[1]],
        25 => [&[major | 26, 0, 0], &head[1..]].concat(),
        26 => [&[major | 27, 0, 0, 0, 0], &head[1..]].concat(),
        _ => return None,
    })
}

fn walk(bytes: &[u8], start: usize, items: &mut Vec<Item>) -> Option<usize> {
    let first = *bytes.get(start)?;
    let (major, info) = (first >> 5, first & 31);
    let width = match info {
        0..=23 => 0,
        24..=27 => 1 << (info - 24),
        _ => return None,
    };
    let head = 1 + width;
    let argument = bytes.get(start + 1..start + head)?;
    let value = match width {
        0 => u64::from(info),
        _ => argument.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)),
    };
    let value = usize::try_from(value).ok()?;
    let mut pairs = Vec::new();
    let mut at = start + head;
    match major {
        2 | 3 => at += value,
        4 => {
            for _ in 0..value {
                at = walk(bytes, at, items)?;
            }
        }
        5 => {
            for _ in 0..value {
                let from = at;
                at = walk(bytes, at, items)?;
                at = walk(bytes, at, items)?;
                pairs.push((from, at));
            }
        }
        6 => at = walk(bytes, at, items)?,
        _ => {}
    }
    // A simple value has no second spelling.
    if major != 7 && at <= bytes.len() {
        items.push(Item { start, head, end: at, major, pairs });
    }
    Some(at)
}

#[test]
fn second_spellings_are_others() {
    let sound = crate::written(&ciborium::Value::Map(vec![
        (1.into(), ciborium::Value::Bytes(vec![7; 300])),
        (2.into(), ciborium::Value::Array(vec![1.into(), ciborium::Value::Text("a".into())])),
    ]));
    let mut numbers = Numbers::new(1);
    let mut spellings = std::collections::BTreeSet::new();
    for _ in 0..300 {
        spellings.extend(respelled(&sound, &mut numbers));
    }
    assert!(spellings.len() > 15 && !spellings.contains(&sound), "{}", spellings.len());
}
