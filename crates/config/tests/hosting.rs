//! `[[groups]]` and `[[units]]`: what is read, and what is refused in which words.

mod fixture;

use fixture::{Fixture, WHOLE, accounts, messages};
use tram_config::{Config, Role, UNITS_MAX, Who};

const GROUP: &str = "[[groups]]\nname = \"so-nganh\"\nmembers = [\"000.00.05.H41\", \
                     \"communes-of:H41.12\"]\nagencies = [\"H41\", \"H41.12\"]\n";
const UNIT: &str = "[[units]]\nagency = \"H41.12\"\ncode = \"VP\"\nname = \"Văn phòng\"\n";

fn read(text: &str) -> Config {
    let fixture = Fixture::new();
    assert_eq!(messages(&fixture, text), "accepted");
    Config::parse(text, &fixture.path("t.toml"), &accounts()).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn groups_have_members_and_say_for_whom_they_are() {
    assert!(read(WHOLE).groups.is_empty() && read(WHOLE).units.is_empty());
    let everybody = GROUP.replace("so-nganh", "tat-ca").replace("[\"H41\", \"H41.12\"]", "\"*\"");
    let config = read(&format!("{WHOLE}{GROUP}{everybody}"));
    let group = &config.groups[&"so-nganh".parse().unwrap()];
    let members: Vec<String> = group.members.iter().map(ToString::to_string).collect();
    assert_eq!(members, ["H41.05", "communes-of:H41.12"]);
    assert_eq!(group.agencies.as_ref().map(|a| a.len()), Some(2));
    assert_eq!(config.groups[&"tat-ca".parse().unwrap()].agencies, None);
}

#[test]
fn units_have_accounts_or_none() {
    let second = UNIT.replace("VP", "TC") + "uid = 1001\n";
    let third = UNIT.replace("H41.12", "H41.12.03") + "gid = 77\n";
    let config = read(&format!("{WHOLE}{UNIT}{second}{third}"));
    let who: Vec<Option<Who>> = config.units.iter().map(|u| u.who).collect();
    assert_eq!(who, [None, Some(Who::Uid(1001)), Some(Who::Gid(77))]);
    assert_eq!((config.units[0].code.as_str(), config.units[0].name.as_str()), ("VP", "Văn phòng"));
    let config = read(&WHOLE.replace("roles = [\"submit\"]", "roles = [\"read\"]"));
    assert!(config.sockets[0].rules[0].roles.contains(&Role::Read));
}

#[test]
fn what_makes_no_sense_is_told() {
    let fixture = Fixture::new();
    let member = |m: &str| GROUP.replace("communes-of:H41.12", m);
    let many: String = (0..=UNITS_MAX).map(|n| UNIT.replace("VP", &format!("U{n}"))).collect();
    for (text, words) in [
        (GROUP.replace("so-nganh", "Sở ngành"), "small letters"),
        (GROUP.replace("name = \"so-nganh\"\n", ""), "groups[1].name: missing"),
        (GROUP.replace("agencies = [\"H41\", \"H41.12\"]\n", ""), "groups[1].agencies: missing"),
        (member("communes-of:h41"), "capitals"),
        (member("group:khac"), "is a named group itself"),
        (member("H41.05"), "is here twice"),
        (member("tier:x"), "1 to 9"),
        (format!("{GROUP}{GROUP}"), "is already groups[1]"),
        ("[[groups]]\nname = \"x\"\nmembers = []\nagencies = \"*\"\n".into(), "names 0 members"),
        (UNIT.replace("VP", "Văn"), "the code of a unit has"),
        (UNIT.replace("Văn phòng", ""), "1 to 255 bytes"),
        (UNIT.replace("code = \"VP\"\n", ""), "units[1].code: missing"),
        (format!("{UNIT}{UNIT}"), "VP of H41.12 is already units[1]"),
        (format!("{UNIT}uid = 1\ngid = 2\n"), "names callers in 2 ways"),
        (format!("{UNIT}user = \"no such\"\n"), "no user \"no such\""),
        (many, "more than 256 units"),
    ] {
        let told = messages(&fixture, &format!("{WHOLE}{text}"));
        assert!(told.contains(words), "expected {words:?} in:\n{told}");
    }
}
