//! `[[sockets]]` and `[[access]]`: who may do what on which local socket.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::accounts::Accounts;
use crate::parse::{Paths, agency, socket_path};
use crate::reader::{Found, Section};
use crate::suggest;
use crate::values::{Agencies, Role, Rule, Socket, Who};

/// Permission bits where the file is silent: owner and group may connect.
const MODE: u32 = 0o660;

pub(crate) fn read(
    document: &Section<'_>,
    paths: &mut Paths<'_>,
    accounts: &Accounts,
) -> Vec<Socket> {
    let sections = document.tables("sockets");
    if sections.is_empty() && !document.has("sockets") {
        document.table("sockets").missing("path");
    }
    let mut sockets: Vec<(Socket, usize)> = Vec::new();
    let (mut names, mut taken) = (BTreeMap::new(), BTreeMap::<PathBuf, String>::new());
    for section in &sections {
        let reader = section.reader();
        let name = section.required("name");
        let path = socket_path(section, paths);
        let mode = section.text("mode").and_then(|f| mode(section, &f)).unwrap_or(MODE);
        let gid = section.text("group").and_then(|f| group(section, &f, accounts));
        if let Some(name) = &name
            && let Some(first) = names.insert(name.value.to_owned(), section.path().to_owned())
        {
            let what = format!("\"{}\" is already {first}", name.value);
            reader.report(name.at, &name.key, what, "give each socket its own name");
        }
        if let Some(path) = &path
            && let Some(first) = taken.insert(path.clone(), section.path().to_owned())
        {
            let at = section.text("path").map_or(section.at(), |f| f.at);
            let what = format!("already the path of {first}");
            reader.report(at, &section.key("path"), what, "give each socket its own path");
        }
        if let (Some(name), Some(path)) = (name, path) {
            let socket = Socket { name: name.value.to_owned(), path, mode, gid, rules: Vec::new() };
            sockets.push((socket, section.at()));
        }
    }
    for section in document.tables("access") {
        let target = section.text("socket");
        let rule = rule(&section, accounts);
        if let Some(target) = &target
            && !names.contains_key(target.value)
        {
            let remedy = suggest::nearest(target.value, names.keys().map(String::as_str))
                .map_or("name one of [[sockets]]".to_owned(), |n| format!("did you mean \"{n}\"?"));
            let what = format!("no socket is named \"{}\"", target.value);
            section.reader().report(target.at, &target.key, what, remedy);
        }
        for (socket, _) in &mut sockets {
            if target.as_ref().is_none_or(|t| t.value == socket.name) {
                // A rule with a fault is reported there; it still counts as the socket's rule.
                socket.rules.extend(rule.clone());
            }
        }
    }
    let any_rule = document.has("access");
    for (socket, at) in &sockets {
        if socket.rules.is_empty() && !(any_rule && has_faulty_rule(document, &socket.name)) {
            let what = format!("nobody may use socket \"{}\"", socket.name);
            let remedy = "add an [[access]] rule for it, or remove the socket";
            document.reader().report(*at, "sockets", what, remedy);
        }
    }
    sockets.into_iter().map(|(socket, _)| socket).collect()
}

/// Whether some rule in the text speaks of this socket, even if it could not be read.
fn has_faulty_rule(document: &Section<'_>, socket: &str) -> bool {
    document.raw_tables("access").any(|t| {
        t.get("socket").is_none_or(|s| s.get_ref().as_str().is_none_or(|name| name == socket))
    })
}

fn rule(section: &Section<'_>, accounts: &Accounts) -> Option<Rule> {
    let who = who(section, accounts);
    let roles = roles(section);
    let agencies = agencies(section, roles.as_ref());
    Some(Rule { who: who?, agencies: agencies?, roles: roles? })
}

/// How a table names a caller.
const WHO: [&str; 5] = ["uid", "user", "gid", "group", "any"];

/// As [`who`], where the table may also name nobody.
pub(crate) fn maybe_who(section: &Section<'_>, accounts: &Accounts) -> Option<Who> {
    WHO.into_iter().any(|key| section.has(key)).then(|| who(section, accounts)).flatten()
}

fn who(section: &Section<'_>, accounts: &Accounts) -> Option<Who> {
    let present: Vec<&str> = WHO.into_iter().filter(|k| section.has(k)).collect();
    let uid = section.account_number("uid").map(|f| Who::Uid(f.value));
    let user = section.text("user").and_then(|f| user(section, &f, accounts)).map(Who::Uid);
    let gid = section.account_number("gid").map(|f| Who::Gid(f.value));
    let group = section.text("group").and_then(|f| group(section, &f, accounts)).map(Who::Gid);
    let any = section.boolean("any").and_then(|f| {
        if !f.value {
            let remedy = "write `any = true`, or name a uid, user, gid or group";
            section.reader().report(f.at, &f.key, "false names nobody", remedy);
        }
        f.value.then_some(Who::Any)
    });
    if present.len() != 1 {
        let what = if present.is_empty() {
            "names nobody".to_owned()
        } else {
            format!("names callers in {} ways ({})", present.len(), present.join(", "))
        };
        let remedy = "write exactly one of uid, user, gid, group, any";
        section.reader().report(section.at(), section.path(), what, remedy);
        return None;
    }
    uid.or(user).or(gid).or(group).or(any)
}

fn user(section: &Section<'_>, found: &Found<&str>, accounts: &Accounts) -> Option<u32> {
    account(section, found, accounts.users(), "user", "uid")
}

fn group(section: &Section<'_>, found: &Found<&str>, accounts: &Accounts) -> Option<u32> {
    account(section, found, accounts.groups(), "group", "gid")
}

fn account(
    section: &Section<'_>,
    found: &Found<&str>,
    table: &BTreeMap<String, u32>,
    kind: &str,
    number: &str,
) -> Option<u32> {
    let id = table.get(found.value).copied();
    if id.is_none() {
        let what = format!(
            "no {kind} \"{}\" in /etc/{}",
            found.value,
            match kind {
                "user" => "passwd",
                _ => "group",
            }
        );
        let make = if kind == "user" { "useradd" } else { "groupadd" };
        let remedy = if section.path().starts_with("access") {
            format!("make it with `{make}`, or use `{number}`")
        } else {
            format!("make it with `{make}`")
        };
        section.reader().report(found.at, &found.key, what, remedy);
    }
    id
}

pub(crate) fn roles(section: &Section<'_>) -> Option<BTreeSet<Role>> {
    if !section.has("roles") {
        section.missing("roles");
    }
    let texts = section.texts("roles")?;
    let mut roles = BTreeSet::new();
    for found in &texts {
        if let Some(role) = section.reader().pick(found, Role::NAMES)
            && !roles.insert(role)
        {
            twice(section, found);
        }
    }
    if texts.is_empty() {
        let at = section.at();
        let remedy = "name at least one of submit, collect, read, operate, audit";
        section.reader().report(at, &section.key("roles"), "grants nothing", remedy);
    }
    Some(roles)
}

pub(crate) fn agencies(section: &Section<'_>, roles: Option<&BTreeSet<Role>>) -> Option<Agencies> {
    if !section.has("agencies") {
        // Only operating concerns no agency; for the rest, silence must not mean everybody.
        if roles.is_some_and(|r| r.iter().all(|role| *role == Role::Operate)) {
            return Some(Agencies::Only(BTreeSet::new()));
        }
        section.missing("agencies");
        return None;
    }
    listed_agencies(section)
}

/// The key `agencies`: a list, or `"*"`.
pub(crate) fn listed_agencies(section: &Section<'_>) -> Option<Agencies> {
    if section.is_text("agencies") {
        let found = section.text("agencies")?;
        if found.value != "*" {
            let what = format!("expected a list or \"*\", found \"{}\"", found.value);
            let remedy = format!("write it as `agencies = [\"{}\"]`", found.value);
            section.reader().report(found.at, &found.key, what, remedy);
        }
        return Some(Agencies::All);
    }
    let texts = section.texts("agencies")?;
    let mut set = BTreeSet::new();
    for found in &texts {
        if found.value == "*" {
            let remedy = "write `agencies = \"*\"` for every agency this node hosts";
            section.reader().report(found.at, &found.key, "\"*\" stands in a list", remedy);
        } else if let Some(code) = agency(section, found)
            && !set.insert(code)
        {
            twice(section, found);
        }
    }
    if texts.is_empty() {
        let remedy = "name the agencies, or write `agencies = \"*\"`";
        section.reader().report(section.at(), &section.key("agencies"), "names none", remedy);
    }
    Some(Agencies::Only(set))
}

fn twice(section: &Section<'_>, found: &Found<&str>) {
    let what = format!("\"{}\" is here twice", found.value);
    section.reader().report(found.at, &found.key, what, "keep one of them");
}

fn mode(section: &Section<'_>, found: &Found<&str>) -> Option<u32> {
    let digits = found.value.strip_prefix('0').unwrap_or(found.value);
    let octal = digits.len() == 3 && digits.bytes().all(|b| (b'0'..=b'7').contains(&b));
    if !octal {
        let what = format!("\"{}\" is not a file mode", found.value);
        section.reader().report(found.at, &found.key, what, "write it in octal, as \"0660\"");
        return None;
    }
    u32::from_str_radix(digits, 8).ok()
}
