//! Text to policy.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use toml::{Table, Value};
use tram_dispatch::AgencyCode;
use tram_dispatch::text::is_plain;

use super::{
    Ending, KEEP_DAYS_MAX, Keep, NAME_BYTES_MAX, PER_DAY_DEFAULT, Place, RULES_MAX,
    RetentionPolicy, RetentionRule,
};

/// Largest file.
const FILE_BYTES_MAX: u64 = 256 << 10;

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// Larger than a policy can be.
    #[error("larger than {FILE_BYTES_MAX} bytes")]
    TooLarge,
    /// Not TOML.
    #[error("{0}")]
    Syntax(#[from] toml::de::Error),
    /// Something in it means nothing here.
    #[error("{place}: {what}")]
    Rule {
        /// The rule, or the file.
        place: String,
        /// What is wrong with it.
        what: String,
    },
}

/// Reads a policy, and the bytes that it was read from, whose digest names it in proofs of removal.
///
/// # Errors
/// [`RetentionError`].
pub fn load(path: &Path) -> Result<(RetentionPolicy, Vec<u8>), RetentionError> {
    let mut text = String::new();
    fs::File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(RetentionError::TooLarge);
    }
    Ok((parse(&text)?, text.into_bytes()))
}

/// Reads the text of a policy; the commented example in `config/retention.toml` tells its form.
///
/// # Errors
/// [`RetentionError`].
pub fn parse(text: &str) -> Result<RetentionPolicy, RetentionError> {
    let place = At("the policy");
    let (mut name, mut per_day_max, mut rules) = (String::new(), PER_DAY_DEFAULT, Vec::new());
    for (key, value) in text.parse::<Table>()? {
        match key.as_str() {
            "name" => name = place.text(&key, &value)?.to_owned(),
            "per_day_max" => per_day_max = place.number(&key, &value, 1_000_000_000)?,
            "rule" => {
                let wrong = || place.bad("write each rule as a table [[rule]]");
                let tables = value.as_array().ok_or_else(wrong)?;
                for table in tables {
                    let rule = rule(table.as_table().ok_or_else(wrong)?)?;
                    if rules.iter().any(|r: &RetentionRule| r.name == rule.name) {
                        return Err(At(&rule.name).bad("two rules have this name"));
                    }
                    rules.push(rule);
                }
            }
            _ => return Err(place.unknown(&key, "name, per_day_max, rule")),
        }
    }
    if name.is_empty() {
        return Err(place.bad("it has no name: add `name = \"...\"`"));
    }
    if rules.is_empty() || rules.len() > RULES_MAX {
        return Err(place.bad(format!("it has {} rules, not 1 to {RULES_MAX}", rules.len())));
    }
    Ok(RetentionPolicy { name, per_day_max, rules })
}

fn rule(table: &Table) -> Result<RetentionRule, RetentionError> {
    let named = table.get("name").and_then(Value::as_str).unwrap_or_default();
    if named.is_empty() || named.len() > NAME_BYTES_MAX || !is_plain(named) {
        let what = format!("it has no name of 1 to {NAME_BYTES_MAX} bytes that can be shown");
        return Err(At("a rule").bad(what));
    }
    let place = At(named);
    let (mut days, mut for_ever) = (None, false);
    let mut rule = RetentionRule {
        name: named.to_owned(),
        places: Vec::new(),
        outcomes: Vec::new(),
        types: Vec::new(),
        agencies: Vec::new(),
        keep: Keep::ForEver,
    };
    for (key, value) in table {
        match key.as_str() {
            "name" => {}
            "at" => rule.places = place.words(key, value, Place::NAMES)?,
            "outcome" => rule.outcomes = place.words(key, value, Ending::NAMES)?,
            "types" => rule.types = place.texts(key, value)?,
            "agencies" => {
                let parse = |text: String| {
                    AgencyCode::parse(&text).map_err(|e| place.bad(format!("\"{text}\": {e}")))
                };
                let texts = place.texts(key, value)?;
                rule.agencies = texts.into_iter().map(parse).collect::<Result<_, _>>()?;
            }
            "keep_days" => days = Some(place.number(key, value, KEEP_DAYS_MAX)?),
            "for_ever" => {
                let expected = || place.bad("for_ever: expected true or false");
                for_ever = value.as_bool().ok_or_else(expected)?;
            }
            _ => {
                let known = "name, at, outcome, types, agencies, keep_days, for_ever";
                return Err(place.unknown(key, known));
            }
        }
    }
    rule.keep = match (days, for_ever) {
        (Some(days), false) => Keep::Days(days),
        (None, true) => Keep::ForEver,
        _ => return Err(place.bad("write either `keep_days = 30` or `for_ever = true`")),
    };
    Ok(rule)
}

/// Where something is wrong.
struct At<'a>(&'a str);

impl At<'_> {
    fn bad(&self, what: impl Into<String>) -> RetentionError {
        RetentionError::Rule { place: self.0.to_owned(), what: what.into() }
    }

    fn unknown(&self, key: &str, known: &str) -> RetentionError {
        self.bad(format!("{key}: unknown key; known here: {known}"))
    }

    fn text<'v>(&self, key: &str, value: &'v Value) -> Result<&'v str, RetentionError> {
        value.as_str().ok_or_else(|| self.bad(format!("{key}: expected a text")))
    }

    fn number(&self, key: &str, value: &Value, max: u64) -> Result<u64, RetentionError> {
        let number = value.as_integer().and_then(|n| u64::try_from(n).ok());
        let number = number.filter(|n| *n <= max);
        number.ok_or_else(|| self.bad(format!("{key}: expected a whole number from 0 to {max}")))
    }

    /// Never empty: a list without items would read as "none" and mean "all".
    fn texts(&self, key: &str, value: &Value) -> Result<Vec<String>, RetentionError> {
        let expected = || self.bad(format!("{key}: expected a list of texts, at least one"));
        let items = value.as_array().filter(|items| !items.is_empty()).ok_or_else(expected)?;
        let text = |item: &Value| item.as_str().map(str::to_owned).ok_or_else(expected);
        items.iter().map(text).collect()
    }

    fn words<T: Copy>(
        &self,
        key: &str,
        value: &Value,
        names: &[(&'static str, T)],
    ) -> Result<Vec<T>, RetentionError> {
        let word = |text: String| {
            let found = names.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
            let all = || names.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
            found.ok_or_else(|| {
                self.bad(format!("{key}: \"{text}\" is not known; known: {}", all()))
            })
        };
        self.texts(key, value)?.into_iter().map(word).collect()
    }
}
