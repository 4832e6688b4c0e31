//! Making a failing plan small: steps are left out for as long as it still fails in the same way.

use crate::land::Court;
use crate::model::Wrong;
use crate::plan::Plan;
use crate::world::{Options, Report, run};

/// Most runs that shrinking may take.
const RUNS_MAX: u32 = 400;

/// A plan with some of its steps: which, by their number in the whole plan.
#[must_use]
pub fn with_steps(plan: &Plan, keep: &[usize]) -> Plan {
    let chosen = |(i, _): &(usize, &crate::plan::Step)| keep.contains(i);
    let steps = plan.steps.iter().enumerate().filter(chosen).map(|(_, s)| s.clone()).collect();
    Plan { steps, ..plan.clone() }
}

/// The fewest steps found with which the plan still fails as it does now, and the report of that run.
/// `None` if it does not fail.
#[must_use]
pub fn shrink(plan: &Plan, court: &Court, options: Options) -> Option<(Vec<usize>, Report)> {
    let quiet = Options { trace: false, ..options };
    let wrong = run(plan, court, quiet).violations.first()?.wrong;
    let mut runs = 0;
    let mut fails = |keep: &[usize]| {
        runs += 1;
        runs <= RUNS_MAX && still(&run(&with_steps(plan, keep), court, quiet), wrong)
    };
    let mut keep: Vec<usize> = (0..plan.steps.len()).collect();
    let mut part = keep.len().div_ceil(2).max(1);
    loop {
        let mut from = 0;
        let mut smaller = false;
        while from < keep.len() {
            let mut fewer = keep.clone();
            fewer.drain(from..(from + part).min(keep.len()));
            if fails(&fewer) {
                keep = fewer;
                smaller = true;
            } else {
                from += part;
            }
        }
        if part == 1 && !smaller {
            break;
        }
        part = (part / 2).max(1);
    }
    let report = run(&with_steps(plan, &keep), court, Options { trace: true, ..options });
    Some((keep, report))
}

fn still(report: &Report, wrong: Wrong) -> bool {
    report.violations.first().is_some_and(|v| v.wrong == wrong)
}
