//! Groups of recipients: what is written for "all communes of H41", before a directory says who that is.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::AgencyCode;
use crate::limits::{GROUP_NAME_BYTES_MAX, GROUPS_MAX};

/// The tier of communes in the directory.
pub const COMMUNE_TIER: u8 = 4;

/// Several agencies by what the directory says of them, or by a name that the operator gave them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// `communes-of:H41`: the communes below an agency, however far.
    CommunesOf(AgencyCode),
    /// `children-of:H41`: the agencies directly below it.
    ChildrenOf(AgencyCode),
    /// `under:H41`: every agency below it.
    Under(AgencyCode),
    /// `tier:2`: every agency of one tier.
    Tier(u8),
    /// `group:so-nganh`: what the configuration of the node lists under this name.
    Named(GroupName),
}

/// One of what a dispatch may be addressed to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Addressee {
    /// One agency.
    Agency(AgencyCode),
    /// Several.
    Group(Group),
}

/// A group that the operator of a node made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedGroup {
    /// Its members: agencies, and groups of the directory.
    pub members: Vec<Addressee>,
    /// Who may address it; absent: every agency that the node serves.
    pub agencies: Option<BTreeSet<AgencyCode>>,
}

/// Why a text names no group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadGroup {
    /// None of the known words before the colon.
    #[error(
        "\"{0}\" is no group: write communes-of:CODE, children-of:CODE, under:CODE, tier:N or group:NAME"
    )]
    Word(String),
    /// What stands behind the colon is not an agency code.
    #[error("\"{0}\" is no group: {1}")]
    Agency(String, String),
    /// Not a tier.
    #[error("\"{0}\" is no group: a tier is a number from 1 to 9")]
    Tier(String),
    /// Not a name.
    #[error(
        "\"{0}\" is no group: a name has 1 to {GROUP_NAME_BYTES_MAX} small letters, digits and hyphens"
    )]
    Name(String),
    /// Too many in one list, or none.
    #[error("{0} groups; 1 to {GROUPS_MAX} may stand in one list")]
    Count(usize),
}

/// The name of a group, for example `so-nganh`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupName(String);

impl GroupName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for GroupName {
    type Err = BadGroup;

    fn from_str(text: &str) -> Result<Self, BadGroup> {
        let fits = (1..=GROUP_NAME_BYTES_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        fits.then(|| GroupName(text.to_owned())).ok_or_else(|| BadGroup::Name(text.to_owned()))
    }
}

impl FromStr for Group {
    type Err = BadGroup;

    fn from_str(text: &str) -> Result<Self, BadGroup> {
        let unknown = || BadGroup::Word(text.to_owned());
        let (word, rest) = text.split_once(':').ok_or_else(unknown)?;
        let agency = || match AgencyCode::parse(rest) {
            // A list of groups is separated by commas.
            Ok(code) if !rest.contains(',') => Ok(code),
            Ok(_) => Err(BadGroup::Agency(text.to_owned(), "the code has a comma".to_owned())),
            Err(bad) => Err(BadGroup::Agency(text.to_owned(), bad.to_string())),
        };
        match word {
            "communes-of" => agency().map(Group::CommunesOf),
            "children-of" => agency().map(Group::ChildrenOf),
            "under" => agency().map(Group::Under),
            "tier" => match rest.as_bytes() {
                [digit @ b'1'..=b'9'] => Ok(Group::Tier(digit - b'0')),
                _ => Err(BadGroup::Tier(text.to_owned())),
            },
            "group" => {
                let unnamed = |_| BadGroup::Name(text.to_owned());
                rest.parse().map(Group::Named).map_err(unnamed)
            }
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Group::CommunesOf(code) => write!(f, "communes-of:{code}"),
            Group::ChildrenOf(code) => write!(f, "children-of:{code}"),
            Group::Under(code) => write!(f, "under:{code}"),
            Group::Tier(tier) => write!(f, "tier:{tier}"),
            Group::Named(name) => write!(f, "group:{name}"),
        }
    }
}

impl FromStr for Addressee {
    type Err = BadGroup;

    /// A group where one of its words stands before a colon, else an agency: an opaque code that looks
    /// like a group can be named in a request only.
    fn from_str(text: &str) -> Result<Self, BadGroup> {
        const WORDS: [&str; 5] = ["communes-of", "children-of", "under", "tier", "group"];
        if text.split_once(':').is_some_and(|(word, _)| WORDS.contains(&word)) {
            return text.parse().map(Addressee::Group);
        }
        let code = AgencyCode::parse(text);
        code.map(Addressee::Agency)
            .map_err(|bad| BadGroup::Agency(text.to_owned(), bad.to_string()))
    }
}

impl fmt::Display for Addressee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Addressee::Agency(code) => code.fmt(f),
            Addressee::Group(group) => group.fmt(f),
        }
    }
}

/// Reads groups separated by commas, each once, in ascending order: so the same groups have one name.
///
/// # Errors
/// [`BadGroup`] for the first that is none, and for too many.
pub fn read_list(text: &str) -> Result<Vec<Group>, BadGroup> {
    let read: BTreeSet<Group> =
        text.split(',').map(|one| one.trim().parse()).collect::<Result<_, _>>()?;
    match read.len() {
        1..=GROUPS_MAX => Ok(read.into_iter().collect()),
        n => Err(BadGroup::Count(n)),
    }
}

/// Groups as one text: what the envelope says that its recipients were expanded from.
pub fn list(groups: &[Group]) -> String {
    groups.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_reads_back_as_it_is_written() {
        for text in
            ["communes-of:H41", "children-of:H41.12", "under:vxp.saas", "tier:2", "group:so-nganh"]
        {
            assert_eq!(text.parse::<Group>().unwrap().to_string(), text);
            assert!(matches!(text.parse(), Ok(Addressee::Group(_))), "{text}");
        }
        // Codes in the older form mean the same.
        let group: Group = "communes-of:000.00.12.H41".parse().unwrap();
        assert_eq!(group.to_string(), "communes-of:H41.12");
    }

    #[test]
    fn what_is_no_group_is_told_why() {
        for (text, why) in [
            ("H41", "write communes-of:CODE"),
            ("all:H41", "write communes-of:CODE"),
            ("communes-of:h41", "capitals"),
            ("under:", "1 to 64"),
            ("under:a,b", "comma"),
            ("tier:0", "1 to 9"),
            ("tier:12", "1 to 9"),
            ("group:Sở", "small letters"),
            ("group:", "small letters"),
        ] {
            let error = text.parse::<Group>().unwrap_err().to_string();
            assert!(error.contains(why) && error.contains(text), "{text}: {error}");
        }
        assert_eq!("H41".parse(), Ok(Addressee::Agency("H41".parse().unwrap())));
        assert!("tier:x".parse::<Addressee>().is_err());
        assert!("a:b".parse::<Addressee>().is_ok(), "an opaque code");
    }

    #[test]
    fn a_list_has_one_spelling() {
        let groups = read_list("tier:2, communes-of:H41,tier:2").unwrap();
        assert_eq!(list(&groups), "communes-of:H41,tier:2");
        assert_eq!(read_list(&list(&groups)), Ok(groups));
        assert_eq!(read_list(""), Err(BadGroup::Word(String::new())));
        let many: Vec<String> = (0..=GROUPS_MAX).map(|n| format!("group:g{n}")).collect();
        assert_eq!(read_list(&many.join(",")), Err(BadGroup::Count(GROUPS_MAX + 1)));
    }
}
