//! `[[groups]]` and `[[units]]`: whom agencies of this node address by one name, and among whom they
//! distribute what arrives.

use std::collections::{BTreeMap, BTreeSet};

use tram_dispatch::group::{Addressee, Group, GroupName, NamedGroup};
use tram_dispatch::limits::RECIPIENTS_MAX;
use tram_dispatch::{AgencyCode, UnitCode};

use crate::accounts::Accounts;
use crate::parse::agency;
use crate::reader::{Found, Section};
use crate::sockets;
use crate::values::{Agencies, Who};

/// Most units of one agency.
pub const UNITS_MAX: usize = 256;
/// Longest name of a unit, bytes.
const UNIT_NAME_BYTES_MAX: usize = 255;

/// A unit inside an agency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The agency.
    pub agency: AgencyCode,
    /// What the agency calls it; one of its kind in the agency.
    pub code: UnitCode,
    /// Its name for people.
    pub name: String,
    /// Whose mailbox it is, beside the agency's own clerks; absent: theirs only.
    pub who: Option<Who>,
}

/// The groups, by name; what is wrong in one is reported, and it is left out.
pub(crate) fn groups(document: &Section<'_>) -> BTreeMap<GroupName, NamedGroup> {
    let mut all = BTreeMap::new();
    let mut places: BTreeMap<GroupName, String> = BTreeMap::new();
    for section in document.tables("groups") {
        let name = section.required("name").and_then(|found| {
            let name = found.value.parse::<GroupName>();
            name.map_err(|bad| wrong(&section, &found, &bad.to_string())).ok().map(|n| (n, found))
        });
        if !section.has("members") {
            section.missing("members");
        }
        let members = section.texts("members").map(|listed| members(&section, &listed));
        if !section.has("agencies") {
            section.missing("agencies");
        }
        let agencies = sockets::listed_agencies(&section);
        let Some((name, found)) = name else { continue };
        if let Some(first) = places.insert(name.clone(), section.path().to_owned()) {
            let what = format!("\"{name}\" is already {first}");
            section.reader().report(found.at, &found.key, what, "give each group its own name");
        }
        if let (Some(members), Some(agencies)) = (members, agencies) {
            let agencies = match agencies {
                Agencies::All => None,
                Agencies::Only(set) => Some(set),
            };
            all.insert(name, NamedGroup { members, agencies });
        }
    }
    all
}

fn members(section: &Section<'_>, listed: &[Found<&str>]) -> Vec<Addressee> {
    let mut seen = BTreeSet::new();
    let mut members = Vec::new();
    for found in listed {
        match found.value.parse::<Addressee>() {
            Ok(Addressee::Group(Group::Named(_))) => {
                let remedy = "name its members, or communes-of:, children-of:, under:, tier:";
                let what = format!("\"{}\" is a named group itself", found.value);
                section.reader().report(found.at, &found.key, what, remedy);
            }
            Ok(member) if !seen.insert(member.clone()) => {
                let what = format!("\"{}\" is here twice", found.value);
                section.reader().report(found.at, &found.key, what, "keep one of them");
            }
            Ok(member) => members.push(member),
            Err(bad) => wrong(section, found, &bad.to_string()),
        }
    }
    if listed.is_empty() || listed.len() > RECIPIENTS_MAX {
        let what = format!("names {} members", listed.len());
        let remedy = format!("name 1 to {RECIPIENTS_MAX}");
        section.reader().report(section.at(), &section.key("members"), what, remedy);
    }
    members
}

fn wrong(section: &Section<'_>, found: &Found<&str>, remedy: &str) {
    section.reader().report(found.at, &found.key, format!("\"{}\"", found.value), remedy);
}

/// The units; what is wrong in one is reported, and it is left out.
pub(crate) fn units(document: &Section<'_>, accounts: &Accounts) -> Vec<Unit> {
    let mut all: Vec<Unit> = Vec::new();
    let mut of_agency: BTreeMap<AgencyCode, usize> = BTreeMap::new();
    for section in document.tables("units") {
        let owner = section.required("agency").and_then(|f| agency(&section, &f));
        let code = section.required("code");
        let at = code.as_ref().map_or(section.at(), |f| f.at);
        let code = code.and_then(|found| {
            let code = found.value.parse::<UnitCode>();
            code.map_err(|bad| wrong(&section, &found, &bad.to_string())).ok()
        });
        let name = section.required("name").filter(|found| {
            let sound = (1..=UNIT_NAME_BYTES_MAX).contains(&found.value.len())
                && tram_dispatch::text::is_plain(found.value);
            if !sound {
                let remedy = "write 1 to 255 bytes without control characters";
                wrong(&section, found, remedy);
            }
            sound
        });
        let who = sockets::maybe_who(&section, accounts);
        let (Some(agency), Some(code), Some(name)) = (owner, code, name) else { continue };
        if let Some(first) = all.iter().position(|u| u.agency == agency && u.code == code) {
            let what = format!("{code} of {agency} is already units[{}]", first + 1);
            section.reader().report(at, section.path(), what, "keep one of them");
        }
        let count = of_agency.entry(agency.clone()).or_default();
        *count += 1;
        if *count == UNITS_MAX + 1 {
            let what = format!("{agency} has more than {UNITS_MAX} units");
            section.reader().report(at, section.path(), what, "name fewer, larger units");
        }
        all.push(Unit { agency, code, name: name.value.to_owned(), who });
    }
    all
}
