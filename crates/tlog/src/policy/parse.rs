//! The text of a policy.

use std::fmt::Write as _;

use super::{Draft, NONE, POLICY_BYTES_MAX, Policy, PolicyError, PolicyFault};
use crate::note::{NoteKey, within};

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// [`PolicyError`] with the line; the size is looked at before anything else.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        let whole = |fault| PolicyError { line: 0, fault };
        within("policy bytes", bytes.len(), POLICY_BYTES_MAX).map_err(|e| whole(e.into()))?;
        let text = std::str::from_utf8(bytes).map_err(|_| whole(PolicyFault::Character))?;
        let body = match text.strip_suffix('\n') {
            Some(body) => body,
            None if text.is_empty() => return Err(whole(PolicyFault::NoQuorum)),
            None => return Err(whole(PolicyFault::Expected("a newline at the end"))),
        };
        let mut draft = Draft::new();
        for (index, line) in body.split('\n').enumerate() {
            read(&mut draft, line).map_err(|fault| PolicyError { line: index + 1, fault })?;
        }
        draft.finish().map_err(whole)
    }

    /// The policy as text: logs, witnesses, groups, quorum. Reading it gives the same policy.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        let url = |url: &Option<String>| url.as_ref().map_or_else(String::new, |u| format!(" {u}"));
        // Writing into a string does not fail.
        for log in &self.logs {
            let _ = writeln!(out, "log {}{}", log.key.to_verifier_key(), url(&log.url));
        }
        for w in &self.witnesses {
            let key = w.key.to_verifier_key();
            let _ = writeln!(out, "witness {} {key}{}", w.name, url(&w.url));
        }
        for g in &self.groups {
            let threshold = match g.threshold {
                n if n == g.members.len() => "all".to_owned(),
                1 => "any".to_owned(),
                n => n.to_string(),
            };
            let _ = writeln!(out, "group {} {threshold} {}", g.name, g.members.join(" "));
        }
        let _ = writeln!(out, "quorum {}", self.quorum.as_deref().unwrap_or(NONE));
        out
    }
}

/// Takes one line.
fn read(draft: &mut Draft, line: &str) -> Result<(), PolicyFault> {
    if line.bytes().any(|byte| byte != b'\t' && (byte < 0x20 || byte == 0x7f)) {
        return Err(PolicyFault::Character);
    }
    let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
    let Some(first) = words.next().filter(|word| !word.starts_with('#')) else { return Ok(()) };
    let words: Vec<&str> = words.collect();
    match (first, words.as_slice()) {
        ("log", [key]) => draft.log(NoteKey::from_verifier_key(key)?, None),
        ("log", [key, url]) => draft.log(NoteKey::from_verifier_key(key)?, Some(url)),
        ("log", _) => Err(PolicyFault::Expected("log, key, perhaps a URL")),
        ("witness", [name, key]) => draft.witness(name, NoteKey::from_verifier_key(key)?, None),
        ("witness", [name, key, url]) => {
            draft.witness(name, NoteKey::from_verifier_key(key)?, Some(url))
        }
        ("witness", _) => Err(PolicyFault::Expected("witness, name, key, perhaps a URL")),
        ("group", [name, threshold, members @ ..]) if !members.is_empty() => {
            let wrong = PolicyFault::Threshold(members.len());
            draft.group(name, number(threshold, members.len()).ok_or(wrong)?, members)
        }
        ("group", _) => Err(PolicyFault::Expected("group, name, threshold, members")),
        ("quorum", [name]) => draft.quorum(name),
        ("quorum", _) => Err(PolicyFault::Expected("quorum and one name")),
        _ => Err(PolicyFault::Expected("log, witness, group or quorum")),
    }
}

/// A threshold: any, all, or decimal digits without leading zeros.
fn number(word: &str, members: usize) -> Option<usize> {
    match word {
        "any" => Some(1),
        "all" => Some(members),
        digits if digits.starts_with('0') || digits.bytes().any(|b| !b.is_ascii_digit()) => None,
        digits => digits.parse().ok(),
    }
}
