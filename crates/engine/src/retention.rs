//! Documents whose time is over: on record before they go.
//!
//! The node's policy says which and when; whoever reads it asks here. This decides that nothing is left to do
//! for the dispatch, and states in the receipt log what is removed, by which rule, counted from when. Only
//! when that is durable may anything be taken away.

use tram_dispatch::envelope::Act;
use tram_dispatch::evidence::Removal;
use tram_dispatch::limits::REMOVED_MAX;
use tram_dispatch::{Code, Digest, DispatchId, Event, EvidenceRecord, Now, UnixMillis};
use tram_wire::SealedDispatch;

use crate::engine::{Engine, Fatal};
use crate::input::Token;
use crate::output::Reply;
use crate::record::{Held, Owed, Record};
use crate::release::Waiting;
use crate::view::View;

/// What a policy says of one dispatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overdue {
    /// The dispatch.
    pub dispatch: DispatchId,
    /// SHA-256 of the file of the policy.
    pub policy: Digest,
    /// The name of the rule.
    pub rule: String,
    /// For how many days it keeps documents.
    pub days: u64,
    /// From when they count: the newest evidence about it, but not after it was closed.
    pub since: UnixMillis,
}

/// What a history says of the documents of a dispatch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The documents that are here or were removed, each once.
    pub documents: Vec<Digest>,
    /// It is a recall: what was taken back is asked for long after, so all of it stays.
    pub recall: bool,
    /// Nothing is left to do for the dispatch.
    pub closed: bool,
    /// The newest evidence about it, own or counting: days count from here.
    pub since: UnixMillis,
    /// The newest of its own, which no other node's clock has a part in.
    pub own_since: UnixMillis,
    /// The receipts that say that its documents were removed, since it was last taken.
    pub removals: Vec<Owed>,
}

impl Overdue {
    /// When its time is over.
    #[must_use]
    pub fn due(&self) -> UnixMillis {
        self.since.plus_ms(self.days.saturating_mul(DAY_MS))
    }
}

impl Kept {
    /// Reads a history.
    #[must_use]
    pub fn of(history: &[Record]) -> Self {
        let mut kept = Kept::default();
        for record in history {
            match record {
                Record::Held(held) => {
                    kept.removals.clear();
                    kept.recall = is_recall(held);
                    let inline = held.inline.iter().map(|(digest, _)| digest);
                    let files = held.files.iter().map(|(digest, _)| digest);
                    for digest in inline.chain(files).chain(&held.removed) {
                        if !kept.documents.contains(digest) {
                            kept.documents.push(*digest);
                        }
                    }
                    kept.since = kept.since.max(held.at);
                    kept.closed = false;
                }
                Record::Closed(_) => kept.closed = true,
                record => match own(record) {
                    Some((owed, e)) if e.event == Event::DocumentsRemoval => {
                        kept.removals.push(owed);
                    }
                    Some((_, e)) => {
                        kept.closed = false;
                        kept.since = kept.since.max(e.time);
                        kept.own_since = kept.own_since.max(e.time);
                    }
                    None => {
                        kept.closed = false;
                        kept.since = kept.since.max(foreign_time(record));
                    }
                },
            }
        }
        kept
    }
}

const DAY_MS: u64 = 86_400_000;

/// Whether what is held is a recall. What cannot be read is not called one; it has no documents to remove
/// either, for nobody can say which rule they fall under.
fn is_recall(held: &Held) -> bool {
    let sealed = SealedDispatch::parse(&held.raw);
    sealed.is_ok_and(|sealed| matches!(sealed.envelope().act, Act::Recall(_)))
}

/// Evidence of this node, of this epoch of its log or an earlier one, with the name of its receipt.
fn own(record: &Record) -> Option<(Owed, &EvidenceRecord)> {
    match record {
        Record::Evidence(own) => Some((Owed::Own(own.leaf.index), &own.evidence)),
        Record::Earlier(own) => Some((Owed::Foreign(own.digest), &own.evidence)),
        _ => None,
    }
}

/// The time of another node's evidence, where it may speak.
fn foreign_time(record: &Record) -> UnixMillis {
    match record {
        Record::Foreign(foreign) if foreign.authorised => foreign.evidence.time,
        _ => UnixMillis::default(),
    }
}

impl Engine {
    /// Puts on record that the documents of a dispatch are removed, if nothing is left to do for it, its
    /// time is over, and the clock can be believed. Asked again, the first receipts.
    pub(crate) fn remove(
        &mut self,
        now: Now,
        token: Token,
        overdue: Overdue,
        view: &dyn View,
    ) -> Result<(), Fatal> {
        if self.halted_reply(token) {
            return Ok(());
        }
        if !self.clock_certain() {
            let retry_ms = self.settings.absent_retry_ms;
            self.reply(token, Reply::Later { code: Code::ClockUncertain, retry_ms });
            return Ok(());
        }
        let due = overdue.due();
        let Overdue { dispatch: id, policy, rule, days, since } = overdue;
        let state = &self.state;
        let in_memory = state.held.contains_key(&id)
            || state.closing.contains_key(&id)
            || state.broken.contains_key(&id);
        let history = if in_memory { Vec::new() } else { view.history(&id)? };
        let kept = Kept::of(&history);
        let refusal = if in_memory || !kept.closed {
            Some("something is left to do for it, or it is not known".to_owned())
        } else if kept.documents.is_empty() {
            Some("it has no documents".to_owned())
        } else if kept.recall {
            Some("it is a recall, and a recall stays whole".to_owned())
        } else if kept.removals.is_empty() && due > now.wall {
            Some(format!("it is kept until {due}"))
        } else if since < kept.own_since {
            Some(format!("there is evidence about it of {}", kept.own_since))
        } else {
            None
        };
        if let Some(detail) = refusal {
            let (code, detail) = (Code::WrongState, format!("dispatch {id}: {detail}"));
            self.reply(token, Reply::Refused { code, detail, receipt: None });
            return Ok(());
        }
        let repeat = !kept.removals.is_empty();
        let mut owed = kept.removals.clone();
        let about = history.iter().find_map(|record| match record {
            Record::Held(held) => Some((id, held.object, held.originator.clone())),
            _ => None,
        });
        if let Some(about) = about.filter(|_| !repeat) {
            for documents in kept.documents.chunks(REMOVED_MAX) {
                let event = Event::DocumentsRemoval;
                let mut e = self.evidence_about(now, event, about.clone(), None, None);
                let documents = documents.to_vec();
                let rule = rule.clone();
                e.removal = Some(Box::new(Removal { policy, rule, since, days, documents }));
                owed.push(Owed::Own(self.witness(now, e, Vec::new())?));
            }
        }
        self.wait(Waiting::Done { token, dispatch: id, owed, repeat });
        Ok(())
    }
}
