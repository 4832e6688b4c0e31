//! One change somewhere inside a CBOR object, also inside byte strings that hold CBOR, written again in
//! proper form: what a careful forger would do.

use ciborium::Value;

use crate::{Numbers, written};

/// The object with one value changed; `None` where nothing came of it.
pub(crate) fn changed(bytes: &[u8], numbers: &mut Numbers) -> Option<Vec<u8>> {
    let mut value: Value = ciborium::from_reader(bytes).ok()?;
    let places = count(&value);
    let mut place = numbers.below(places);
    change(&mut value, &mut place, numbers);
    Some(written(&value))
}

/// CBOR inside a byte string: a list or a map, whole.
fn inner(bytes: &[u8]) -> Option<Value> {
    if bytes.len() < 3 {
        return None;
    }
    let value: Value = ciborium::from_reader(bytes).ok()?;
    let holds = matches!(&value, Value::Array(_) | Value::Map(_) | Value::Tag(..));
    (holds && written(&value) == bytes).then_some(value)
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Map(pairs) => 1 + pairs.iter().map(|(k, v)| count(k) + count(v)).sum::<usize>(),
        Value::Tag(_, inside) => 1 + count(inside),
        Value::Bytes(bytes) => 1 + inner(bytes).map_or(0, |v| count(&v)),
        _ => 1,
    }
}

fn change(value: &mut Value, place: &mut usize, numbers: &mut Numbers) -> bool {
    if *place == 0 {
        spoil(value, numbers);
        return true;
    }
    *place -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| change(item, place, numbers)),
        Value::Map(pairs) => {
            pairs.iter_mut().any(|(k, v)| change(k, place, numbers) || change(v, place, numbers))
        }
        Value::Tag(_, inside) => change(inside, place, numbers),
        Value::Bytes(bytes) => match inner(bytes) {
            Some(mut inside) => {
                let done = change(&mut inside, place, numbers);
                if done {
                    *bytes = written(&inside);
                }
                done
            }
            None => false,
        },
        _ => false,
    }
}

fn spoil(value: &mut Value, numbers: &mut Numbers) {
    match value {
        Value::Integer(number) => {
            let old = i128::from(*number);
            let step = [1, -1, 1 << (numbers.next() % 63), 1000, -1000][numbers.below(5)];
            let new = u64::try_from(old + step).unwrap_or(0);
            *value = if new as i128 == old { (-1_i64).into() } else { new.into() };
        }
        Value::Bytes(bytes) if !bytes.is_empty() => {
            let at = numbers.below(bytes.len());
            match numbers.below(6) {
                0 => _ = bytes.pop(),
                1 => bytes.push(0),
                _ => bytes[at] ^= 1 << (numbers.next() % 8),
            }
        }
        Value::Text(text) if !text.is_empty() => {
            let at = numbers.below(text.chars().count());
            let to = ['A', '0', '.', 'z', '\u{301}', '9'][numbers.below(6)];
            *text = text.chars().enumerate().map(|(i, c)| if i == at { to } else { c }).collect();
        }
        Value::Bool(yes) => *yes = !*yes,
        Value::Array(items) if !items.is_empty() => {
            let (a, b) = (numbers.below(items.len()), numbers.below(items.len()));
            match numbers.below(3) {
                0 => _ = items.remove(a),
                1 => items.swap(a, b),
                _ => items.insert(a, items[b].clone()),
            }
        }
        Value::Map(pairs) if !pairs.is_empty() => {
            let (a, b) = (numbers.below(pairs.len()), numbers.below(pairs.len()));
            match numbers.below(3) {
                0 => _ = pairs.remove(a),
                1 => {
                    let other = pairs[b].1.clone();
                    pairs[a].1 = other;
                }
                _ => pairs.push((Value::from(numbers.next() % 200), Value::from(1))),
            }
        }
        Value::Tag(tag, _) => *tag ^= 1,
        other => *other = Value::from(numbers.next() % 100),
    }
}
