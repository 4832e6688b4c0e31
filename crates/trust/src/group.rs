//! Who a group of recipients is, by the directory in force.

use std::collections::{BTreeMap, BTreeSet};

use tram_dispatch::directory::Agency;
use tram_dispatch::group::{Addressee, COMMUNE_TIER, Group, GroupName, NamedGroup};
use tram_dispatch::limits::RECIPIENTS_MAX;
use tram_dispatch::{AgencyCode, Code};

use crate::directory::{Directory, Resolution, STEPS_MAX};
use crate::verdict::Refusal;

/// The groups that a node's configuration names.
pub type NamedGroups = BTreeMap<GroupName, NamedGroup>;

/// The agencies of some groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expansion {
    /// The recipients, ascending, each once.
    pub recipients: Vec<AgencyCode>,
    /// Who is among the groups and is not addressed, ascending, with the reason.
    pub left_out: Vec<(AgencyCode, LeftOut)>,
}

/// Why a member of a group is not addressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// It is the originator itself.
    Originator,
    /// It is closed; who took over, where the directory says so.
    Closed(Option<AgencyCode>),
    /// No node holds its mailbox.
    NoNode,
    /// A member of a named group that the directory does not know.
    Unknown,
}

/// Expands groups for an originator, together with agencies named beside them.
///
/// # Errors
/// `GROUP_UNKNOWN` for a group that does not exist here; `NOT_AUTHORISED` for one that the originator may
/// not address (see [`may_address`]); `GROUP_EMPTY` where a group has nobody to be addressed; `TOO_LARGE`
/// for more than [`RECIPIENTS_MAX`] recipients.
pub fn expand(
    directory: &Directory,
    named: &NamedGroups,
    originator: &AgencyCode,
    groups: &[Group],
    beside: &[AgencyCode],
) -> Result<Expansion, Refusal> {
    let tree = Tree::of(directory);
    let mut recipients: BTreeSet<AgencyCode> = beside.iter().cloned().collect();
    let mut left_out = BTreeMap::new();
    for group in groups {
        may_address(directory, named, originator, group)?;
        let mut members = Members { directory, originator, found: BTreeSet::new(), left_out };
        tree.add(group, named, &mut members)?;
        if members.found.is_empty() {
            return Err(Refusal::new(Code::GroupEmpty, format!("group {group}")));
        }
        recipients.append(&mut members.found);
        left_out = members.left_out;
    }
    if recipients.len() > RECIPIENTS_MAX {
        let detail = format!("{} recipients, at most {RECIPIENTS_MAX}", recipients.len());
        return Err(Refusal::new(Code::TooLarge, detail));
    }
    let left_out = left_out.into_iter().filter(|(code, _)| !recipients.contains(code)).collect();
    Ok(Expansion { recipients: recipients.into_iter().collect(), left_out })
}

/// Whether an originator may address a group. A named one: whom its configuration lists. One of the
/// directory: it must lie below the originator's own parent, so that an agency reaches itself, its sisters
/// and what is below them by one word, and nobody writes to the whole country by a slip. Who has no
/// parent, or a parent that has none, may address everybody.
///
/// # Errors
/// `NOT_AUTHORISED`; `GROUP_UNKNOWN` where there is no such group.
pub fn may_address(
    directory: &Directory,
    named: &NamedGroups,
    originator: &AgencyCode,
    group: &Group,
) -> Result<(), Refusal> {
    let refuse = |why: String| Err(Refusal::new(Code::NotAuthorised, why));
    let top = match group {
        Group::Named(name) => {
            let listed = named.get(name).ok_or_else(|| unknown(group, "no such name here"))?;
            let allowed = listed.agencies.as_ref().is_none_or(|a| a.contains(originator));
            return match allowed {
                true => Ok(()),
                false => refuse(format!("group {group} is not for {originator}")),
            };
        }
        Group::CommunesOf(code) | Group::ChildrenOf(code) | Group::Under(code) => {
            Some(&head(directory, group, code)?.code)
        }
        Group::Tier(_) => None,
    };
    let parent_of = |code: &AgencyCode| directory.agency(code).and_then(|a| a.parent.as_ref());
    let Some(reach) = parent_of(originator).filter(|parent| parent_of(parent).is_some()) else {
        return Ok(());
    };
    let mut at = top;
    for _ in 0..=STEPS_MAX {
        match at {
            Some(code) if code == reach => return Ok(()),
            Some(code) => at = parent_of(code),
            None => break,
        }
    }
    refuse(format!("group {group} reaches beyond {reach}, the agency above {originator}"))
}

fn unknown(group: &Group, why: &str) -> Refusal {
    Refusal::new(Code::GroupUnknown, format!("group {group}: {why}"))
}

/// The agency that a group of the directory is about.
fn head<'d>(
    directory: &'d Directory,
    group: &Group,
    code: &AgencyCode,
) -> Result<&'d Agency, Refusal> {
    match directory.resolve(code) {
        Resolution::Open(agency) => Ok(agency),
        Resolution::Successor { to, .. } => {
            Err(unknown(group, &format!("{code} is closed; its successor is {}", to.code)))
        }
        Resolution::Closed => Err(unknown(group, &format!("{code} is closed"))),
        Resolution::Unknown => Err(unknown(group, &format!("the directory has no {code}"))),
    }
}

/// What was found of one group.
struct Members<'a> {
    directory: &'a Directory,
    originator: &'a AgencyCode,
    found: BTreeSet<AgencyCode>,
    left_out: BTreeMap<AgencyCode, LeftOut>,
}

impl Members<'_> {
    fn add(&mut self, agency: &Agency) {
        let why = if agency.code == *self.originator {
            LeftOut::Originator
        } else if !agency.open {
            let successor = match self.directory.resolve(&agency.code) {
                Resolution::Successor { to, .. } => Some(to.code.clone()),
                _ => None,
            };
            LeftOut::Closed(successor)
        } else if agency.node.is_none() {
            LeftOut::NoNode
        } else {
            self.found.insert(agency.code.clone());
            return;
        };
        self.left_out.insert(agency.code.clone(), why);
    }
}

/// The agencies by the one above them.
struct Tree<'d> {
    directory: &'d Directory,
    below: BTreeMap<&'d AgencyCode, Vec<&'d Agency>>,
}

impl<'d> Tree<'d> {
    fn of(directory: &'d Directory) -> Self {
        let mut below: BTreeMap<&AgencyCode, Vec<&Agency>> = BTreeMap::new();
        for agency in directory.agencies() {
            if let Some(parent) = &agency.parent {
                below.entry(parent).or_default().push(agency);
            }
        }
        Tree { directory, below }
    }

    fn children(&self, code: &AgencyCode) -> &[&'d Agency] {
        self.below.get(code).map(Vec::as_slice).unwrap_or_default()
    }

    /// Adds every agency below one that `wanted` lets in; each agency has one parent, so each comes once.
    fn add_below(&self, code: &AgencyCode, members: &mut Members<'_>, wanted: fn(&Agency) -> bool) {
        let mut waiting: Vec<&Agency> = self.children(code).to_vec();
        while let Some(agency) = waiting.pop() {
            if wanted(agency) {
                members.add(agency);
            }
            waiting.extend(self.children(&agency.code));
        }
    }

    fn add(
        &self,
        group: &Group,
        named: &NamedGroups,
        members: &mut Members<'_>,
    ) -> Result<(), Refusal> {
        let head = |code| head(self.directory, group, code).map(|agency| &agency.code);
        match group {
            Group::CommunesOf(code) => {
                self.add_below(head(code)?, members, |a| a.tier == COMMUNE_TIER);
            }
            Group::ChildrenOf(code) => {
                self.children(head(code)?).iter().for_each(|a| members.add(a));
            }
            Group::Under(code) => self.add_below(head(code)?, members, |_| true),
            Group::Tier(tier) => {
                let of_tier = self.directory.agencies().filter(|a| a.tier == *tier);
                of_tier.for_each(|a| members.add(a));
            }
            Group::Named(name) => {
                let listed = named.get(name).ok_or_else(|| unknown(group, "no such name here"))?;
                for member in &listed.members {
                    match member {
                        Addressee::Agency(code) => match self.directory.agency(code) {
                            Some(agency) => members.add(agency),
                            None => {
                                members.left_out.insert(code.clone(), LeftOut::Unknown);
                            }
                        },
                        // One name in another would make a loop possible: the configuration has none.
                        Addressee::Group(Group::Named(_)) => {
                            return Err(unknown(group, "it names another named group"));
                        }
                        Addressee::Group(inner) => self.add(inner, named, members)?,
                    }
                }
            }
        }
        Ok(())
    }
}
