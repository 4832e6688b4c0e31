//! Units of the recipient: a clerk forwards what arrived, each unit says how far it is. Nobody outside the
//! agency is told, so this is no evidence; it is on record all the same, in order and for good.

use std::collections::BTreeMap;

use tram_dispatch::limits::UNIT_RECORDS_MAX;
use tram_dispatch::{AgencyCode, Code, DispatchId, Now, UnitCode, UnitMark};

use crate::engine::{Engine, Fatal};
use crate::input::Token;
use crate::output::Reply;
use crate::record::{Record, UnitNote};
use crate::release::Waiting;
use crate::state::held::HeldDispatch;
use crate::state::leg::Stage;
use crate::view::View;

/// What is to be recorded of a dispatch and units of its recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForUnits {
    /// The recipient.
    pub recipient: AgencyCode,
    /// The dispatch.
    pub dispatch: DispatchId,
    /// The units, each once.
    pub units: Vec<UnitCode>,
    /// Forwarded to all of them, or read or handled by them.
    pub mark: UnitMark,
    /// Whose account says so.
    pub by: String,
    /// In words, where there is more to say.
    pub remark: Option<String>,
}

impl HeldDispatch {
    /// What is on record of one recipient's units, oldest first.
    pub fn unit_notes(&self, recipient: &AgencyCode) -> impl Iterator<Item = &UnitNote> {
        self.units.iter().filter(move |note| note.recipient == *recipient)
    }

    /// The newest record of each unit of a recipient.
    pub fn newest_of_units(&self, recipient: &AgencyCode) -> BTreeMap<&UnitCode, &UnitNote> {
        self.unit_notes(recipient).map(|note| (&note.unit, note)).collect()
    }
}

impl Engine {
    /// Records what the clerk, or a unit, says. Saying again what is on record already adds nothing: neither
    /// forwarding to a unit that has not handled it yet, nor reading what was read or handled.
    pub(crate) fn for_units(
        &mut self,
        now: Now,
        token: Token,
        said: ForUnits,
        view: &dyn View,
    ) -> Result<(), Fatal> {
        if self.halted_reply(token) {
            return Ok(());
        }
        let ForUnits { recipient, dispatch: id, units, mark, by, remark } = said;
        if let Some((code, detail)) = remark.as_deref().and_then(Self::words_objection) {
            self.reply(token, Reply::Refused { code, detail, receipt: None });
            return Ok(());
        }
        match self.stage(now, &id, &recipient, view)? {
            None => {
                self.not_here(token, &recipient, &id);
                return Ok(());
            }
            // What a unit has, it may finish, whatever became of the document since.
            Some(stage @ (Stage::Refused | Stage::Withdrawn)) if mark == UnitMark::Forwarded => {
                let detail = format!("it is {}", stage.word());
                return self.refuse_units(token, Code::WrongState, detail);
            }
            Some(_) => {}
        }
        let Some(h) = self.state.held.get(&id) else { return Ok(()) };
        let newest = h.newest_of_units(&recipient);
        let mut new = Vec::new();
        for unit in units {
            match (mark, newest.get(&unit).map(|note| note.mark)) {
                (UnitMark::Forwarded, Some(UnitMark::Forwarded | UnitMark::Read)) => {}
                (UnitMark::Forwarded, _) => new.push(unit),
                (_, None) => {
                    let detail = format!("dispatch {id} was not forwarded to {unit}");
                    return self.refuse_units(token, Code::NotFound, detail);
                }
                (mark, Some(before)) if before >= mark => {}
                _ => new.push(unit),
            }
        }
        if h.unit_notes(&recipient).count() + new.len() > UNIT_RECORDS_MAX {
            let detail = format!("more than {UNIT_RECORDS_MAX} records about units of {recipient}");
            return self.refuse_units(token, Code::WrongState, detail);
        }
        let repeat = new.is_empty();
        let at = self.leaf_time(now);
        for unit in new {
            let note = UnitNote {
                dispatch: id,
                recipient: recipient.clone(),
                unit,
                mark,
                by: by.clone(),
                remark: remark.clone(),
                at,
            };
            self.record(now, Record::Unit(note), None, true);
        }
        self.wait(Waiting::Done { token, dispatch: id, owed: Vec::new(), repeat });
        Ok(())
    }

    fn refuse_units(&mut self, token: Token, code: Code, detail: String) -> Result<(), Fatal> {
        self.reply(token, Reply::Refused { code, detail, receipt: None });
        Ok(())
    }
}
