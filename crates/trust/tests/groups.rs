//! Who a group of recipients is, and who may address it.

use std::collections::BTreeMap;

use tram_dispatch::directory::{Agency, Entry};
use tram_dispatch::group::{Group, NamedGroup, read_list};
use tram_dispatch::limits::RECIPIENTS_MAX;
use tram_dispatch::{AgencyCode, Code};
use tram_trust::Directory;
use tram_trust::fixtures::{CENTRE, COMMUNE, DISTRICT, NOW, Network, PROVINCE};
use tram_trust::group::{LeftOut, NamedGroups, expand};

fn code(text: &str) -> AgencyCode {
    AgencyCode::parse_canonical(text).unwrap()
}

/// An agency like a commune of the fixtures, to be changed.
fn entry(like: &Agency, text: &str, parent: &str, tier: u8) -> Agency {
    let (code, parent) = (code(text), Some(code(parent)));
    Agency { code, parent, tier, former: Vec::new(), bindings: Vec::new(), ..like.clone() }
}

/// The network of the fixtures with some communes more:
/// one closed with a successor, one closed without, one that no node hosts.
fn directory() -> Directory {
    let network = Network::new("groups");
    let mut entries = network.entries.clone();
    let like = entries
        .iter()
        .find_map(|e| match e {
            Entry::Agency(a) if a.code.as_str() == COMMUNE => Some(a.clone()),
            _ => None,
        })
        .unwrap();
    let mut more: Vec<Agency> =
        (10..15).map(|n| entry(&like, &format!("{DISTRICT}.{n}"), DISTRICT, 4)).collect();
    (more[1].open, more[1].successor) = (false, Some(code(COMMUNE)));
    more[2].open = false;
    more[3].node = None;
    // A department of the province beside the districts.
    more.push(entry(&like, &format!("{PROVINCE}.90"), PROVINCE, 2));
    entries.extend(more.into_iter().map(Entry::Agency));
    let head = network.head(2, Some(network.directory.digest()), &entries);
    let file = network.directory_file(head, &entries);
    Directory::verify(&network.root, &file, Some(&network.directory), NOW).unwrap()
}

fn groups(text: &str) -> Vec<Group> {
    read_list(text).unwrap()
}

fn members(originator: &str, text: &str, named: &NamedGroups) -> Result<Vec<String>, Code> {
    let expanded = expand(&directory(), named, &code(originator), &groups(text), &[]);
    let recipients = expanded.map_err(|r| r.code)?.recipients;
    Ok(recipients.iter().map(ToString::to_string).collect())
}

#[test]
fn the_directory_says_who_is_meant_and_who_is_left_out() {
    let (directory, none) = (directory(), NamedGroups::new());
    let all = expand(
        &directory,
        &none,
        &code(PROVINCE),
        &groups(&format!("communes-of:{PROVINCE}")),
        &[],
    )
    .unwrap();
    let open = [format!("{DISTRICT}.10"), format!("{DISTRICT}.14")];
    for one in open.iter().map(String::as_str).chain([COMMUNE]) {
        assert!(all.recipients.contains(&code(one)), "{one}: {all:?}");
    }
    assert!(all.recipients.is_sorted_by(|a, b| a < b));
    let left = BTreeMap::from_iter(all.left_out);
    assert_eq!(left[&code(&format!("{DISTRICT}.11"))], LeftOut::Closed(Some(code(COMMUNE))));
    assert_eq!(left[&code(&format!("{DISTRICT}.12"))], LeftOut::Closed(None));
    assert_eq!(left[&code(&format!("{DISTRICT}.13"))], LeftOut::NoNode);
    assert_eq!(left.len(), 3);

    // The originator itself is not among them, and is said to be left out.
    let own = expand(&directory, &none, &code(COMMUNE), &groups(&format!("under:{DISTRICT}")), &[]);
    let own = own.unwrap();
    assert!(!own.recipients.contains(&code(COMMUNE)));
    assert!(own.left_out.contains(&(code(COMMUNE), LeftOut::Originator)));
    // Who is named beside a group is addressed once.
    let beside = [code(CENTRE), code(&open[0])];
    let both = expand(
        &directory,
        &none,
        &code(PROVINCE),
        &groups(&format!("communes-of:{DISTRICT}")),
        &beside,
    )
    .unwrap();
    assert!(both.recipients.contains(&code(CENTRE)));
    assert_eq!(both.recipients.iter().filter(|r| **r == code(&open[0])).count(), 1);
}

#[test]
fn children_are_one_step_and_a_tier_is_everywhere() {
    let none = NamedGroups::new();
    let children = members(CENTRE, &format!("children-of:{PROVINCE}"), &none).unwrap();
    assert!(children.contains(&DISTRICT.to_owned()) && !children.contains(&COMMUNE.to_owned()));
    assert!(children.contains(&format!("{PROVINCE}.90")));
    let tier = members(CENTRE, "tier:4", &none).unwrap();
    assert!(tier.contains(&COMMUNE.to_owned()) && !tier.contains(&DISTRICT.to_owned()));
    let two = members(CENTRE, &format!("tier:4,children-of:{PROVINCE}"), &none).unwrap();
    assert!(two.len() >= tier.len() + children.len() - 1, "{two:?}");
}

#[test]
fn nobody_reaches_beyond_the_agency_above_its_own() {
    let none = NamedGroups::new();
    // The province's parent is the top: it may write to everybody.
    assert!(members(PROVINCE, "tier:4", &none).is_ok());
    // A commune reaches its sisters, and not the whole province or country.
    assert!(members(COMMUNE, &format!("communes-of:{DISTRICT}"), &none).is_ok());
    for far in ["tier:2".to_owned(), format!("communes-of:{PROVINCE}")] {
        assert_eq!(members(COMMUNE, &far, &none), Err(Code::NotAuthorised), "{far}");
    }
    // A department of the province reaches the whole province.
    let department = format!("{PROVINCE}.90");
    assert!(members(&department, &format!("communes-of:{PROVINCE}"), &none).is_ok());
}

#[test]
fn groups_that_mean_nobody_are_errors() {
    let none = NamedGroups::new();
    assert_eq!(members(CENTRE, "tier:9", &none), Err(Code::GroupEmpty));
    assert_eq!(members(CENTRE, &format!("children-of:{COMMUNE}"), &none), Err(Code::GroupEmpty));
    assert_eq!(members(CENTRE, "under:H99", &none), Err(Code::GroupUnknown));
    assert_eq!(members(CENTRE, "group:so-nganh", &none), Err(Code::GroupUnknown));
    let closed = format!("under:{DISTRICT}.11");
    let refusal = expand(&directory(), &none, &code(CENTRE), &groups(&closed), &[]).unwrap_err();
    assert_eq!(refusal.code, Code::GroupUnknown);
    assert!(refusal.detail.contains(COMMUNE), "the successor is named: {refusal}");
    // One empty group among others is a mistake as well.
    let mixed = format!("tier:4,children-of:{COMMUNE}");
    assert_eq!(members(CENTRE, &mixed, &none), Err(Code::GroupEmpty));
}

#[test]
fn a_named_group_is_for_whom_the_configuration_says() {
    let named = |agencies: Option<&str>, listed: &[&str]| {
        let members = listed.iter().map(|m| m.parse().unwrap()).collect();
        let agencies = agencies.map(|a| [code(a)].into());
        NamedGroups::from([("so-nganh".parse().unwrap(), NamedGroup { members, agencies })])
    };
    let department = format!("{PROVINCE}.90");
    let listed = named(Some(COMMUNE), &[&department, "H99", &format!("communes-of:{PROVINCE}")]);
    // By its name the commune may reach what it may not by itself.
    let found = expand(&directory(), &listed, &code(COMMUNE), &groups("group:so-nganh"), &[]);
    let found = found.unwrap();
    assert!(found.recipients.contains(&code(&department)));
    assert!(found.left_out.contains(&(code("H99"), LeftOut::Unknown)));
    assert_eq!(members(DISTRICT, "group:so-nganh", &listed), Err(Code::NotAuthorised));
    assert!(members(DISTRICT, "group:so-nganh", &named(None, &[&department])).is_ok());
    assert_eq!(
        members(PROVINCE, "group:so-nganh", &named(None, &["group:other"])),
        Err(Code::GroupUnknown),
        "no name within a name"
    );
}

#[test]
fn ten_thousand_is_the_most() {
    let one = groups(&format!("children-of:{DISTRICT}"));
    let with = |n: usize| {
        let beside: Vec<AgencyCode> = (0..n).map(|n| code(&format!("X{n:05}"))).collect();
        expand(&directory(), &NamedGroups::new(), &code(CENTRE), &one, &beside)
    };
    let members = with(0).unwrap().recipients.len();
    assert!(members > 0);
    let full = with(RECIPIENTS_MAX - members).unwrap();
    assert_eq!(full.recipients.len(), RECIPIENTS_MAX);
    assert_eq!(with(RECIPIENTS_MAX - members + 1).unwrap_err().code, Code::TooLarge);
}
