//! The kept file under the sealed envelope: what the envelope cannot say comes from the file, what both
//! say the same way keeps the file's spelling, and where they differ the envelope prevails.

use super::Outline;
use crate::model::{Edoc, Party};

/// `kept` says `said`; `made` says `sealed`.
pub(super) fn lay(kept: &Edoc, said: &Outline, made: Edoc, sealed: &Outline) -> Edoc {
    let mut out = kept.clone();
    let (m, s) = (&said.metadata, &sealed.metadata);
    if said.recipients != sealed.recipients {
        out.to = made.to.into_iter().map(|party| spelled(kept, party)).collect();
    }
    if (&m.number, &m.notation) != (&s.number, &s.notation) {
        (out.number, out.notation) = (made.number, made.notation);
    }
    if m.kind != s.kind {
        out.kind = made.kind;
    }
    if m.subject != s.subject {
        out.subject = made.subject;
    }
    if m.issued_on != s.issued_on {
        out.issued_on = made.issued_on;
    }
    if m.place != s.place {
        out.place = made.place;
    }
    if m.signer != s.signer {
        out.signer = made.signer;
    }
    // A set hour is said by no edXML: flash on the one side and flash at an hour on the other agree.
    if m.urgency.class() != s.urgency.class() {
        out.priority = made.priority;
    }
    if m.due_on != s.due_on {
        out.due_on = made.due_on;
    }
    if m.answers_to != s.answers_to {
        out.answers_to = made.answers_to;
    }
    if said.act != sealed.act {
        out.task.operation = made.task.operation;
        out.task.document_id = made.task.document_id;
        out.task.replaced = made.task.replaced;
    }
    out
}

/// The recipient as the file spells it and with all that it says of it, where it names it.
fn spelled(kept: &Edoc, party: Party) -> Party {
    let same = |k: &&Party| {
        k.code.parse::<tram_dispatch::AgencyCode>().is_ok_and(|code| code.as_str() == party.code)
    };
    kept.to.iter().find(same).cloned().unwrap_or(party)
}
