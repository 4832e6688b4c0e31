//! Whether a value is of a CDDL type.

use ciborium::Value;

use super::grammar::{Entry, Rules, Type};

/// Checks `bytes` against rule `name`.
pub(super) fn check(rules: &Rules, name: &str, bytes: &[u8]) -> Result<(), String> {
    let mut rest = bytes;
    let value: Value = ciborium::from_reader(&mut rest).map_err(|e| e.to_string())?;
    if !rest.is_empty() {
        return Err("bytes are left over".into());
    }
    matches(rules, &Type::Name(name.into()), &value)
}

fn matches(rules: &Rules, wanted: &Type, value: &Value) -> Result<(), String> {
    let no = |why: &str| Err(format!("{why}: {}", short(value)));
    match wanted {
        Type::Choice(types) => {
            let tried: Vec<String> =
                types.iter().filter_map(|t| matches(rules, t, value).err()).collect();
            if tried.len() < types.len() { Ok(()) } else { Err(tried.join(" | ")) }
        }
        Type::Name(name) => match rules.get(name) {
            Some(rule) => matches(rules, rule, value).map_err(|e| format!("{name}: {e}")),
            None if prelude(name, value) => Ok(()),
            None => no(&format!("not {name}")),
        },
        Type::Int(n) if integer(value) == Some(*n) => Ok(()),
        Type::Range(a, b) if integer(value).is_some_and(|i| (*a..=*b).contains(&i)) => Ok(()),
        Type::Text(text) if value.as_text() == Some(text) => Ok(()),
        Type::Int(_) | Type::Range(..) | Type::Text(_) => no(&format!("not {wanted:?}")),
        Type::Array(entries) => match value {
            Value::Array(items) if sequence(rules, entries, items) => Ok(()),
            _ => no("array"),
        },
        Type::Map(entries) => match value {
            Value::Map(pairs) => map(rules, entries, pairs),
            _ => no("not a map"),
        },
        Type::Tag(tag, inner) => match value {
            Value::Tag(found, content) if found == tag => matches(rules, inner, content),
            _ => no("not so tagged"),
        },
        Type::Size(inner, least, most) => {
            let size = match value {
                Value::Bytes(bytes) => bytes.len(),
                Value::Text(text) => text.len(),
                _ => return no("nothing that has a size"),
            };
            if !(*least..=*most).contains(&(size as i128)) {
                return Err(format!("{size} bytes, not {least} to {most}"));
            }
            matches(rules, inner, value)
        }
        Type::Cbor(inner) => match value {
            Value::Bytes(bytes) => {
                let mut rest = &bytes[..];
                let value: Value =
                    ciborium::from_reader(&mut rest).map_err(|e| format!(".cbor: {e}"))?;
                if !rest.is_empty() {
                    return Err(".cbor: bytes are left over".into());
                }
                matches(rules, inner, &value)
            }
            _ => no("not bytes"),
        },
    }
}

fn prelude(name: &str, value: &Value) -> bool {
    match name {
        "any" => true,
        "uint" => integer(value).is_some_and(|i| i >= 0),
        "bstr" => value.is_bytes(),
        "tstr" => value.is_text(),
        "bool" => value.is_bool(),
        "null" => value.is_null(),
        other => panic!("the CDDL uses {other} and does not define it"),
    }
}

fn integer(value: &Value) -> Option<i128> {
    value.as_integer().map(i128::from)
}

/// Whether the items are the entries in order, with backtracking over how often each occurs.
fn sequence(rules: &Rules, entries: &[Entry], items: &[Value]) -> bool {
    let Some((entry, rest)) = entries.split_first() else { return items.is_empty() };
    let fitting =
        items.iter().take_while(|item| matches(rules, &entry.value, item).is_ok()).count();
    let most = fitting.min(entry.most);
    (entry.least..=most).rev().any(|taken| sequence(rules, rest, &items[taken..]))
}

/// Every pair belongs to the first entry whose key fits, and each entry gets as many as it asks for.
fn map(rules: &Rules, entries: &[Entry], pairs: &[(Value, Value)]) -> Result<(), String> {
    let mut counts = vec![0; entries.len()];
    for (key, value) in pairs {
        let fits =
            |e: &&Entry| e.key.as_ref().is_some_and(|wanted| matches(rules, wanted, key).is_ok());
        let place = entries.iter().position(|e| fits(&e));
        let Some(place) = place else { return Err(format!("unknown key {}", short(key))) };
        matches(rules, &entries[place].value, value)
            .map_err(|e| format!("key {}: {e}", short(key)))?;
        counts[place] += 1;
    }
    for (entry, count) in entries.iter().zip(counts) {
        if count < entry.least || count > entry.most {
            return Err(format!("key {:?} stands {count} times", entry.key));
        }
    }
    Ok(())
}

fn short(value: &Value) -> String {
    let text = format!("{value:?}");
    text.chars().take(60).collect()
}
