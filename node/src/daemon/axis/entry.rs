//! What a document system asks to have changed in the directory, put as what those who sign it would do.

use std::fmt::Write as _;

use tram_axis::AgencyRequest;
use tram_dispatch::AgencyCode;
use tram_dispatch::directory::Agency;
use tram_dispatch::text::{comparable, escaped};
use tram_trust::Directory;

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// An agency that the directory does not have.
    New,
    /// Another name, or another agency above.
    Changed,
    /// One that is closed is to be open.
    Reopened,
    /// One that is open is to be closed.
    Closed,
}

/// A change to the directory that a system asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    /// What is wanted.
    pub(super) what: What,
    /// The agency's name as it is to be, safe to show.
    pub(super) name: String,
    /// The agency above as it is to be, as the system wrote it; safe to show.
    pub(super) parent: String,
    /// The command for it, over the directory's working file. In capitals: what the request does not say.
    pub(super) command: String,
}

impl What {
    /// The word of the log.
    pub(super) fn word(self) -> &'static str {
        match self {
            What::New => "new",
            What::Changed => "changed",
            What::Reopened => "reopened",
            What::Closed => "closed",
        }
    }
}

/// What `registerAgency` asks for; `None` where it is so already. The call makes a new agency and changes one
/// that is there. What it leaves out stays as it is; so does the agency above, where the directory has none
/// of that code, since some systems write a number of their own there.
pub(super) fn to_enter(
    directory: &Directory,
    code: &AgencyCode,
    request: &AgencyRequest,
) -> Option<Wish> {
    let named = AgencyCode::parse(&request.parent).ok();
    let above = named.and_then(|parent| directory.agency(&parent));
    let before = directory.agency(code);
    let name = match before {
        Some(agency) if request.name.is_empty() => agency.name.clone(),
        _ => escaped(&request.name),
    };
    let parent = above.map(|a| a.code.clone()).or_else(|| before?.parent.clone());
    let what = match before {
        None => What::New,
        Some(agency) if !agency.open => What::Reopened,
        Some(agency) if comparable(&agency.name) != comparable(&name) => What::Changed,
        Some(agency) if agency.parent != parent => What::Changed,
        Some(_) => return None,
    };
    let tier = match (before, above) {
        (Some(agency), _) => agency.tier.to_string(),
        // Mostly: the directory knows tiers as data, so the operator looks at it.
        (None, Some(above)) => above.tier.saturating_add(1).min(TIER_MAX).to_string(),
        (None, None) => "TIER".to_owned(),
    };
    let mut command = format!(
        "tram directory add-agency --code {} --name {} --tier {tier}",
        word(before.map_or(code, |agency| &agency.code).as_str()),
        word(&name),
    );
    if let Some(parent) = &parent {
        let _ = write!(command, " --parent {}", word(parent.as_str()));
    }
    match before {
        None => command += " --node NODE",
        Some(agency) => command += &kept(agency),
    }
    let parent = parent.map_or_else(|| escaped(&request.parent), |parent| parent.to_string());
    Some(Wish { what, name, parent, command })
}

/// What `deleteAgency` asks for; `None` where nobody has the code, or who has it is closed.
pub(super) fn to_close(directory: &Directory, code: &AgencyCode) -> Option<Wish> {
    let agency = directory.agency(code).filter(|agency| agency.open)?;
    let command = format!(
        "tram directory close-agency --code {} --successor SUCCESSOR",
        word(agency.code.as_str())
    );
    let parent = agency.parent.as_ref().map(ToString::to_string).unwrap_or_default();
    Some(Wish { what: What::Closed, name: agency.name.clone(), parent, command })
}

/// The lowest tier.
const TIER_MAX: u8 = 4;

/// What stays of an agency that is changed: the command sets all that it can say.
fn kept(agency: &Agency) -> String {
    let mut out = String::new();
    if let Some(node) = &agency.node {
        let _ = write!(out, " --node {}", word(node.as_str()));
    }
    for former in &agency.former {
        let _ = write!(out, " --former {}", word(former.as_str()));
    }
    out + " --replace"
}

/// One word of a shell's command, whatever is in it: a system wrote it, and an operator may copy it.
fn word(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(harmless) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
