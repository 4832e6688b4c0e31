//! What every `Cargo.toml` and lint file must say.

use std::collections::BTreeSet;
use std::path::PathBuf;

use toml::Table;

use crate::{assert_none, layers, tree};

/// The manifests of the workspace's packages.
fn all() -> Vec<(PathBuf, Table)> {
    tree::files("", "Cargo.toml")
        .into_iter()
        .filter(|p| {
            p.parent() != Some(&tree::root()) && !p.starts_with(tree::root().join("tests/fuzz"))
        })
        .map(|p| {
            let table = tree::read(&p).parse().expect("a manifest is TOML");
            (p, table)
        })
        .collect()
}

fn root() -> Table {
    tree::read(&tree::root().join("Cargo.toml")).parse().expect("the root manifest is TOML")
}

/// The names of our packages.
pub(crate) fn packages() -> BTreeSet<String> {
    all()
        .iter()
        .filter_map(|(_, t)| Some(t.get("package")?.get("name")?.as_str()?.to_owned()))
        .collect()
}

#[test]
fn every_package_takes_the_lints_and_the_licence_of_the_workspace() {
    let mut faults = Vec::new();
    let manifests = all();
    assert!(manifests.len() > 10, "found only {} manifests", manifests.len());
    for (path, table) in &manifests {
        let of_workspace = |part: &str, key: &str| {
            let value = table.get(part).and_then(|p| p.get(key));
            let value =
                if part == "lints" { value } else { value.and_then(|v| v.get("workspace")) };
            value.and_then(toml::Value::as_bool) == Some(true)
        };
        if !of_workspace("lints", "workspace") {
            faults.push(format!("{}: [lints] workspace = true", tree::shown(path)));
        }
        for key in ["edition", "rust-version", "license", "publish"] {
            if !of_workspace("package", key) {
                faults.push(format!("{}: {key}.workspace = true", tree::shown(path)));
            }
        }
    }
    assert_none("a manifest lacks:", &faults);
}

#[test]
fn the_workspace_forbids_unsafe_code_and_denies_the_bans() {
    let root = root();
    let lints = &root["workspace"]["lints"];
    assert_eq!(lints["rust"]["unsafe_code"].as_str(), Some("forbid"));
    assert_eq!(lints["clippy"]["disallowed_methods"].as_str(), Some("deny"));
    assert_eq!(lints["clippy"]["disallowed_types"].as_str(), Some("deny"));
    assert_eq!(root["workspace"]["package"]["license"].as_str(), Some("Apache-2.0"));
    let licence = tree::read(&tree::root().join("LICENSE"));
    assert!(licence.contains("Apache License") && licence.contains("Version 2.0, January 2004"));
}

#[test]
fn dependencies_are_optimised_in_tests_too() {
    let root = root();
    for profile in ["dev", "test"] {
        let level = root["profile"][profile]["package"]["*"]["opt-level"].as_integer();
        assert!(level >= Some(1), "[profile.{profile}.package.\"*\"] opt-level: {level:?}");
    }
}

#[test]
fn pure_crates_share_one_list_of_bans() {
    let list = |name: &str| tree::read(&tree::root().join(format!("crates/{name}/.clippy.toml")));
    let first = list("dispatch");
    for ban in [
        "Instant",
        "SystemTime",
        "HashMap",
        "HashSet",
        "std::fs::read",
        "std::net::TcpStream",
        "std::thread::spawn",
    ] {
        assert!(first.contains(ban), "crates/dispatch/.clippy.toml does not ban {ban}");
    }
    let faults: Vec<String> = layers::PURE
        .iter()
        .filter(|name| list(name) != first)
        .map(|name| format!("crates/{name}/.clippy.toml"))
        .collect();
    assert_none("differs from crates/dispatch/.clippy.toml:", &faults);
}

#[test]
fn no_crate_is_a_drawer() {
    let faults: Vec<String> = packages()
        .into_iter()
        .filter(|n| {
            n.split('-').any(|w| {
                matches!(w, "common" | "util" | "utils" | "helpers" | "misc" | "shared" | "core")
            })
        })
        .collect();
    assert_none("a crate is named after what it is for:", &faults);
}
