//! Whether everything has its place after a merger: nobody below a closed agency or at a closed node, and
//! every closed code leads somewhere.

use std::collections::BTreeMap;

use tram_dispatch::Code;
use tram_trust::Directory;

use super::super::working::{Agency, Working};
use crate::cli::failure::Failure;

/// Most holes that are named; the rest is counted.
const NAMED_MAX: usize = 20;
/// More steps from successor to successor are a circle.
const STEPS_MAX: usize = tram_trust::STEPS_MAX;

/// Checks the whole working file as it would be signed.
///
/// # Errors
/// `DIRECTORY_INVALID` with every hole, or with the rule of the directory that is broken.
pub(in super::super) fn check(working: &Working) -> Result<(), Failure> {
    let found = holes(working);
    if found.is_empty() {
        let entries = working.entries()?;
        return Directory::check_entries(entries)
            .map_err(|broken| Failure::new(Code::DirectoryInvalid, broken));
    }
    let mut lines: Vec<String> = found.iter().take(NAMED_MAX).cloned().collect();
    if found.len() > NAMED_MAX {
        lines.push(format!("and {} more", found.len() - NAMED_MAX));
    }
    Err(Failure::new(Code::DirectoryInvalid, lines.join("\n")))
}

fn holes(working: &Working) -> Vec<String> {
    let agencies: BTreeMap<&str, &Agency> =
        working.agencies.iter().map(|a| (a.code.as_str(), a)).collect();
    let nodes: BTreeMap<&str, bool> =
        working.nodes.iter().map(|n| (n.id.as_str(), n.open)).collect();
    let mut found = Vec::new();
    for agency in &working.agencies {
        let code = &agency.code;
        if !agency.open {
            if let Some(hole) = leads_nowhere(agency, &agencies) {
                found.push(hole);
            }
            continue;
        }
        match agency.parent.as_deref().map(|parent| (parent, agencies.get(parent))) {
            Some((parent, Some(above))) if !above.open => found.push(format!(
                "{code} ({}) stays open under {parent}, which is closed: close it, move it, or take it along",
                agency.name
            )),
            Some((parent, None)) => found.push(format!("{code}: its parent {parent} is not listed")),
            _ => {}
        }
        match agency.node.as_deref().map(|node| (node, nodes.get(node))) {
            Some((node, Some(false))) => {
                found.push(format!("{code} stays open at {node}, which is closed: move it"));
            }
            Some((node, None)) => found.push(format!("{code}: its node {node} is not listed")),
            _ => {}
        }
    }
    found
}

/// Why what is addressed to a closed agency with a successor would arrive nowhere. One that was closed
/// without a successor is meant so.
fn leads_nowhere(agency: &Agency, agencies: &BTreeMap<&str, &Agency>) -> Option<String> {
    let mut at = agency;
    for _ in 0..STEPS_MAX {
        let Some(next) = at.successor.as_deref() else {
            let ends = at.code != agency.code;
            return ends.then(|| {
                format!("{} leads to {}, which is closed without a successor", agency.code, at.code)
            });
        };
        match agencies.get(next) {
            None => return Some(format!("{}: its successor {next} is not listed", at.code)),
            Some(found) if found.open => return None,
            Some(found) => at = found,
        }
    }
    Some(format!("the successors of {} go in a circle", agency.code))
}
