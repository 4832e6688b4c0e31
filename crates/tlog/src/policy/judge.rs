//! A policy against the cosignatures of one checkpoint.

use std::collections::BTreeSet;

use super::Policy;
use crate::cosignature::Cosignature;
use crate::note::NoteError;

/// A witness of the policy that cosigned the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// Its name in the policy.
    pub witness: String,
    /// The latest time at which it says so, in seconds since 1970-01-01 UTC.
    pub time: u64,
}

/// A group that the quorum needs and that did not witness the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// The group, or the single witness that is the quorum.
    pub name: String,
    /// So many more of `missing` would do.
    pub wanted: usize,
    /// Its members that did not witness the checkpoint, in their order.
    pub missing: Vec<String>,
}

/// What a policy says of one checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Whether the quorum is reached.
    pub reached: bool,
    /// The policy's witnesses that cosigned, in the policy's order.
    pub cosigned: Vec<Cosigned>,
    /// Why it is not reached: the quorum first, then the groups within it that fall short; empty
    /// where it is reached.
    pub shortfalls: Vec<Shortfall>,
    /// Names of witnesses of whom a cosignature was given that does not verify. It counts for
    /// nothing, and takes nothing from one that does.
    pub bad: Vec<String>,
}

impl Policy {
    /// Verifies the cosignatures of the checkpoint with this text and says whether the quorum is
    /// reached. Cosignatures of keys that the policy does not name are passed over. The log's own
    /// signature is not looked at here.
    #[must_use]
    pub fn judge(&self, text: &str, cosignatures: &[Cosignature]) -> Judgement {
        let (mut cosigned, mut bad) = (Vec::new(), Vec::new());
        for witness in &self.witnesses {
            let mut latest = None;
            for cosignature in cosignatures.iter().filter(|c| c.names(&witness.key)) {
                match cosignature.verify(text, &witness.key) {
                    Ok(()) => latest = latest.max(Some(cosignature.time())),
                    Err(_) if bad.last() == Some(&witness.name) => {}
                    Err(_) => bad.push(witness.name.clone()),
                }
            }
            if let Some(time) = latest {
                cosigned.push(Cosigned { witness: witness.name.clone(), time });
            }
        }
        let names = cosigned.iter().map(|c| c.witness.as_str()).collect();
        let (reached, shortfalls) = self.weigh(names);
        Judgement { reached, cosigned, shortfalls, bad }
    }

    /// Whether a checkpoint of this text is one of a log of this policy, by its signature, and
    /// cosigned as the quorum asks.
    ///
    /// # Errors
    /// [`NoteError`] when the note cannot be read, or none of the logs signed it.
    pub fn judge_note(&self, note: &[u8]) -> Result<Judgement, NoteError> {
        let note = crate::note::Note::parse(note)?;
        let origin = crate::checkpoint::Checkpoint::parse_text(note.text())?.origin().to_owned();
        let mut last = Err(NoteError::NotSigned(origin.clone()));
        for log in self.logs.iter().filter(|log| log.key.name() == origin) {
            last = note.verify(&log.key);
            if last.is_ok() {
                break;
            }
        }
        last?;
        let lines = note.signatures().iter();
        let cosignatures: Vec<_> =
            lines.filter_map(|line| Cosignature::from_signature(line).ok()).collect();
        Ok(self.judge(note.text(), &cosignatures))
    }

    /// Whether these witnesses, by their names here, are a quorum; and what falls short.
    fn weigh(&self, cosigned: BTreeSet<&str>) -> (bool, Vec<Shortfall>) {
        let Some(quorum) = self.quorum.as_deref() else { return (true, Vec::new()) };
        // A group names only what is before it, so one pass decides all.
        let mut witnessed = cosigned;
        for group in &self.groups {
            let there = group.members.iter().filter(|m| witnessed.contains(m.as_str())).count();
            if there >= group.threshold {
                witnessed.insert(&group.name);
            }
        }
        if witnessed.contains(quorum) {
            return (true, Vec::new());
        }
        let mut shortfalls = Vec::new();
        let mut needed = BTreeSet::from([quorum]);
        if self.groups.iter().all(|group| group.name != quorum) {
            let missing = vec![quorum.to_owned()];
            shortfalls.push(Shortfall { name: quorum.to_owned(), wanted: 1, missing });
        }
        // From the last to the first: a group stands after its members.
        for group in self.groups.iter().rev() {
            if !needed.contains(group.name.as_str()) || witnessed.contains(group.name.as_str()) {
                continue;
            }
            let missing: Vec<&str> = group
                .members
                .iter()
                .map(String::as_str)
                .filter(|member| !witnessed.contains(member))
                .collect();
            needed.extend(&missing);
            let there = group.members.len() - missing.len();
            shortfalls.push(Shortfall {
                name: group.name.clone(),
                wanted: group.threshold.saturating_sub(there),
                missing: missing.into_iter().map(str::to_owned).collect(),
            });
        }
        (false, shortfalls)
    }
}
