//! Small changes in proper form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ciborium::Value;

use crate::{Numbers, read, written};

/// Two places below `count` that differ, where there are two.
pub(super) fn two(count: usize, numbers: &mut Numbers) -> (usize, usize) {
    let count = count.max(1);
    let a = numbers.below(count);
    let b = if count > 1 { (a + 1 + numbers.below(count - 1)) % count } else { a };
    (a, b)
}

/// A stretch of the other in the same place.
pub(super) fn stretch(one: &[u8], other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = one.to_vec();
    let most = bytes.len().min(other.len());
    let at = numbers.below(most);
    let end = (at + 1 + numbers.below(200)).min(most);
    bytes[at..end].copy_from_slice(&other[at..end]);
    bytes
}

/// Changes the value under a key of a map in a byte string.
pub(super) fn inside(value: &mut Value, key: i64, change: impl Fn(&mut Value)) {
    let Value::Bytes(bytes) = value else { panic!("a byte string") };
    let mut map = read(bytes);
    let Value::Map(pairs) = &mut map else { panic!("a map") };
    pairs.iter_mut().filter(|(k, _)| *k == Value::from(key)).for_each(|(_, v)| change(v));
    *bytes = written(&map);
}

/// Changes a field of the payload of a tagged COSE_Sign1.
pub(super) fn payload(sealed: &[u8], key: i64, change: impl Fn(&mut Value)) -> Vec<u8> {
    let mut object = read(sealed);
    let Value::Tag(18, parts) = &mut object else { panic!("a COSE_Sign1") };
    let Value::Array(parts) = &mut **parts else { panic!("a list") };
    inside(&mut parts[2], key, change);
    written(&object)
}

/// Moves a time.
pub(super) fn add(time: &mut Value, by: i64) {
    let old = u64::try_from(time.as_integer().expect("a number")).expect("a time");
    *time = old.saturating_add_signed(by).into();
}

/// Changes a list.
pub(super) fn list(value: &mut Value, numbers: &mut Numbers) {
    let Value::Array(items) = value else { panic!("a list") };
    let at = numbers.below(items.len().max(1));
    match numbers.below(4) {
        0 if !items.is_empty() => _ = items.remove(at),
        1 if items.len() > 1 => items.swap(0, at.max(1)),
        2 if !items.is_empty() => items.push(items[at].clone()),
        _ => items.push(Value::Bytes(vec![numbers.next() as u8; 32])),
    }
}

/// The text of a note with its last newline, and its lines.
pub(super) fn note_lines(note: &[u8]) -> Option<(String, Vec<String>)> {
    let whole = std::str::from_utf8(note).ok()?;
    let (text, lines) = whole.split_once("\n\n")?;
    Some((format!("{text}\n"), lines.lines().map(str::to_owned).collect()))
}

pub(super) fn with_lines(text: &str, lines: &[String]) -> Vec<u8> {
    format!("{text}\n{}\n", lines.join("\n")).into_bytes()
}

/// The line with so many seconds (thousandths rounded up) added to what the witness says.
pub(super) fn cosignature_at_another_time(line: &str, by_ms: i64) -> Option<String> {
    let (name, data) = line.rsplit_once(' ')?;
    let mut data = STANDARD.decode(data).ok()?;
    let time = u64::from_be_bytes(data.get(4..12)?.try_into().ok()?);
    let by = if by_ms < 0 { (by_ms / 1000).min(-1) } else { (by_ms / 1000).max(1) };
    data[4..12].copy_from_slice(&time.saturating_add_signed(by).to_be_bytes());
    Some(format!("{name} {}", STANDARD.encode(data)))
}
