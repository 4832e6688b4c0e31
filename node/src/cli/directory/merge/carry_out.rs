//! Carrying a plan out on a working file: each step, or the first that cannot be.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tram_dispatch::{Code, UnixMillis};

use super::super::working::{Agency, Working};
use super::plan::Plan;
use crate::cli::failure::Failure;

/// One change of one agency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub(in super::super) enum Step {
    /// It begins to exist.
    Open { code: String, name: String },
    /// It closes, and another takes over.
    Close { code: String, name: String, into: String },
    /// It comes under another agency, or is hosted elsewhere.
    Move { code: String, name: String, parent: Option<String>, node: Option<String> },
    /// It has another name.
    Rename { code: String, name: String, before: String },
}

/// The agencies of a working file, by code.
struct Places<'w> {
    agencies: &'w mut Vec<Agency>,
    at: BTreeMap<String, usize>,
}

impl Places<'_> {
    fn get(&mut self, code: &str) -> Result<&mut Agency, Failure> {
        let missing =
            || Failure::new(Code::NotFound, format!("no agency {code} in the working file"));
        let place = *self.at.get(code).ok_or_else(missing)?;
        self.agencies.get_mut(place).ok_or_else(missing)
    }

    fn open(&mut self, code: &str) -> Result<&mut Agency, Failure> {
        let agency = self.get(code)?;
        if agency.open {
            return Ok(agency);
        }
        Err(Failure::new(Code::WrongState, format!("{code} is closed already")))
    }
}

/// Changes the working file as the plan says; gives what changed, in the order of the plan. `now` stands
/// where the plan names no moment.
///
/// # Errors
/// `NOT_FOUND`, `WRONG_STATE`, `DIRECTORY_INVALID`: the first step that cannot be. Then the working file is
/// half changed, and must be thrown away.
pub(in super::super) fn carry_out(
    working: &mut Working,
    plan: &Plan,
    now: UnixMillis,
) -> Result<Vec<Step>, Failure> {
    let at = plan.at()?.unwrap_or(now).to_string();
    let named = named(plan)?;
    let mut steps = Vec::new();
    let places = working.agencies.iter().enumerate().map(|(n, a)| (a.code.clone(), n));
    let mut agencies = Places { at: places.collect(), agencies: &mut working.agencies };
    for agency in &plan.opened {
        if agencies.at.insert(agency.code.clone(), agencies.agencies.len()).is_some() {
            let detail = format!("{} exists already: a code is never given twice", agency.code);
            return Err(Failure::new(Code::WrongState, detail));
        }
        let mut agency = agency.clone();
        agency.from.get_or_insert_with(|| at.clone());
        steps.push(Step::Open { code: agency.code.clone(), name: agency.name.clone() });
        agencies.agencies.push(agency);
    }
    // Before anything closes: whose parent closes is told by the order that was.
    let mut taken_along: BTreeMap<String, String> = BTreeMap::new();
    for merge in plan.merges.iter().filter(|merge| merge.children) {
        let closing: BTreeSet<&String> = merge.close.iter().collect();
        for agency in agencies.agencies.iter().filter(|a| a.open && !named.contains(&a.code)) {
            if agency.parent.as_ref().is_some_and(|parent| closing.contains(parent)) {
                taken_along.insert(agency.code.clone(), merge.into.clone());
            }
        }
    }
    for rename in &plan.renames {
        let agency = agencies.open(&rename.code)?;
        let before = std::mem::replace(&mut agency.name, rename.name.clone());
        let (code, name) = (rename.code.clone(), rename.name.clone());
        steps.push(Step::Rename { code, name, before });
    }
    for to in &plan.moves {
        for code in &to.agencies {
            let agency = agencies.open(code)?;
            agency.parent = to.parent.clone().or(agency.parent.take());
            agency.node = to.node.clone().or(agency.node.take());
            agency.tier = to.tier.unwrap_or(agency.tier);
            steps.push(moved(agency));
        }
    }
    for (code, parent) in taken_along {
        let agency = agencies.open(&code)?;
        agency.parent = Some(parent);
        steps.push(moved(agency));
    }
    for merge in &plan.merges {
        agencies.get(&merge.into)?;
        for code in &merge.close {
            let agency = agencies.open(code)?;
            (agency.open, agency.successor) = (false, Some(merge.into.clone()));
            agency.until = Some(at.clone());
            let (name, into) = (agency.name.clone(), merge.into.clone());
            steps.push(Step::Close { code: code.clone(), name, into });
        }
    }
    Ok(steps)
}

fn moved(agency: &Agency) -> Step {
    Step::Move {
        code: agency.code.clone(),
        name: agency.name.clone(),
        parent: agency.parent.clone(),
        node: agency.node.clone(),
    }
}

/// The codes that the plan closes or moves, each once.
fn named(plan: &Plan) -> Result<BTreeSet<String>, Failure> {
    let closed = plan.merges.iter().flat_map(|merge| &merge.close);
    let moved = plan.moves.iter().flat_map(|to| &to.agencies);
    let mut named = BTreeSet::new();
    for code in closed.chain(moved) {
        if !named.insert(code.clone()) {
            let detail = format!("the plan closes or moves {code} twice");
            return Err(Failure::new(Code::DirectoryInvalid, detail));
        }
    }
    Ok(named)
}
