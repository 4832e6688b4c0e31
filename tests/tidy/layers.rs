//! Which crate may know which: read from the dependency graph that cargo resolves.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::{assert_none, manifests, tree};

/// The arrows: a crate, and those of ours it may depend on. `docs/architecture.md` draws them.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("tram-dispatch", &[]),
    ("tram-crypto", &[]),
    ("tram-tlog", &["tram-crypto"]),
    ("tram-wire", &["tram-crypto", "tram-dispatch", "tram-tlog"]),
    ("tram-trust", &["tram-crypto", "tram-dispatch", "tram-tlog", "tram-wire"]),
    ("tram-peer", &["tram-dispatch", "tram-tlog", "tram-trust", "tram-wire"]),
    ("tram-edxml", &["tram-crypto", "tram-dispatch"]),
    ("tram-engine", &["tram-crypto", "tram-dispatch", "tram-tlog", "tram-trust", "tram-wire"]),
    ("tram-config", &["tram-dispatch"]),
    ("tram-door", &[]),
    ("tram-api", &["tram-dispatch", "tram-door"]),
    ("tram-axis", &["tram-crypto", "tram-dispatch", "tram-door"]),
    ("tram-transport", &["tram-crypto"]),
    ("tram-pki", &["tram-crypto", "tram-dispatch"]),
    (
        "tram-spool",
        &["tram-crypto", "tram-dispatch", "tram-engine", "tram-tlog", "tram-trust", "tram-wire"],
    ),
];

/// The crates that know everything: the product, and the worlds around it.
const MAY_KNOW_ALL: &[&str] = &["tram", "tram-tests", "tram-benches", "tram-entry", "tram-sim"];

/// The pure core.
pub(crate) const PURE: &[&str] =
    &["crypto", "dispatch", "edxml", "engine", "peer", "tlog", "trust", "wire"];

/// What the pure core must not reach, however far down: runtimes, sockets, files, entropy.
const IMPURE: &[&str] = &[
    "async-io",
    "axum",
    "crossbeam-channel",
    "fastrand",
    "getrandom",
    "hyper",
    "hyper-util",
    "memmap2",
    "mio",
    "quinn",
    "quinn-proto",
    "quinn-udp",
    "rand",
    "redb",
    "rustix",
    "rustls",
    "signal-hook",
    "smol",
    "socket2",
    "tempfile",
    "tokio",
    "tokio-util",
    "tram-api",
    "tram-config",
    "tram-door",
    "tram-pki",
    "tram-spool",
    "tram-transport",
    "tracing-subscriber",
    "uuid",
    "walkdir",
];

/// Steps at which the search stops: ring is our provider and asks the system for entropy itself.
/// That it is not asked behind our back is the affair of `crypto`, the only crate that names it.
const STEPS_ALLOWED: &[(&str, &str)] = &[("ring", "getrandom")];

/// Packages that only some of our crates may name, in their normal dependencies.
const ONE_DOOR: &[(&str, &[&str])] = &[
    ("axum", &["tram-api"]),
    ("clap", &["tram"]),
    ("der", &["tram-trust"]),
    ("ed25519-dalek", &["tram-crypto"]),
    ("flate2", &["tram-edxml"]),
    ("hyper", &["tram", "tram-api", "tram-axis", "tram-door"]),
    ("minicbor", &["tram-wire"]),
    ("quick-xml", &["tram-edxml"]),
    ("quinn", &["tram-transport"]),
    ("quinn-proto", &["tram-transport"]),
    ("rcgen", &["tram-pki"]),
    ("redb", &["tram-spool"]),
    ("ring", &["tram-crypto"]),
    ("rustls", &["tram-transport"]),
    ("rustls-webpki", &["tram-trust"]),
    ("tokio-rustls", &["tram-transport"]),
    ("tracing-subscriber", &["tram"]),
    ("x509-parser", &["tram-trust", "tram-pki"]),
];

/// What cargo resolves for this machine, without asking the network.
pub(crate) fn metadata() -> Value {
    let host = host();
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let out = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", &host])
        .current_dir(tree::root())
        .output()
        .expect("cargo can be started");
    assert!(out.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).expect("cargo metadata prints JSON")
}

fn host() -> String {
    let out = Command::new("rustc").arg("-vV").output().expect("rustc can be started");
    let text = String::from_utf8(out.stdout).expect("rustc prints text");
    let line = text.lines().find_map(|l| l.strip_prefix("host: "));
    line.expect("rustc names its host").to_owned()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// Our packages, each with the dependencies it declares for its product code. Optional ones are
/// left out: only test fixtures have them, and `fixtures_stay_out_of_the_product` watches those.
fn declared(metadata: &Value) -> BTreeMap<&str, Vec<&Value>> {
    list(metadata, "packages")
        .iter()
        .filter(|p| p["source"].is_null())
        .map(|p| {
            let normal = list(p, "dependencies")
                .iter()
                .filter(|d| d["kind"].is_null() && d["optional"] == false);
            (text(p, "name"), normal.collect())
        })
        .collect()
}

/// The resolved graph of normal dependencies: package name to names. Versions are merged.
pub(crate) fn graph(metadata: &Value) -> BTreeMap<&str, BTreeSet<&str>> {
    let name_of: BTreeMap<&str, &str> =
        list(metadata, "packages").iter().map(|p| (text(p, "id"), text(p, "name"))).collect();
    let mut graph: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for node in list(&metadata["resolve"], "nodes") {
        let from = graph.entry(name_of[text(node, "id")]).or_default();
        for dep in list(node, "deps") {
            if list(dep, "dep_kinds").iter().any(|k| k["kind"].is_null()) {
                from.insert(name_of[text(dep, "pkg")]);
            }
        }
    }
    graph
}

/// Every way from `start` to a package in [`IMPURE`], as "a -> b -> c".
fn impure_ways(start: &str, graph: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<String> {
    let mut ways = Vec::new();
    let mut seen = BTreeSet::new();
    let mut todo = vec![vec![start]];
    while let Some(way) = todo.pop() {
        let here = *way.last().expect("a way has a start");
        for &next in graph.get(here).into_iter().flatten() {
            if STEPS_ALLOWED.contains(&(here, next)) {
                continue;
            }
            if IMPURE.contains(&next) {
                ways.push(format!("{} -> {next}", way.join(" -> ")));
            } else if seen.insert(next) {
                let mut longer = way.clone();
                longer.push(next);
                todo.push(longer);
            }
        }
    }
    ways
}

#[test]
fn our_crates_know_only_what_they_may() {
    let metadata = metadata();
    let mut faults = Vec::new();
    for (name, dependencies) in declared(&metadata) {
        if MAY_KNOW_ALL.contains(&name) {
            continue;
        }
        let Some((_, allowed)) = MAY_KNOW.iter().find(|(n, _)| *n == name) else {
            faults.push(format!("{name}: not in the table of tests/tidy/layers.rs"));
            continue;
        };
        for dependency in dependencies {
            let to = text(dependency, "name");
            if (to == "tram" || to.starts_with("tram-")) && !allowed.contains(&to) {
                faults.push(format!("{name} -> {to}"));
            }
        }
    }
    assert_none("an arrow that docs/architecture.md does not draw:", &faults);
}

#[test]
fn the_pure_core_reaches_nothing_impure() {
    let metadata = metadata();
    let graph = graph(&metadata);
    let faults: Vec<String> =
        PURE.iter().flat_map(|c| impure_ways(&format!("tram-{c}"), &graph)).collect();
    assert_none("a pure crate depends on something that touches the world:", &faults);
    // The search itself works: the same question about an adapter finds what is really there.
    let known = impure_ways("tram-transport", &graph);
    assert!(known.iter().any(|w| w == "tram-transport -> quinn"), "{known:?}");
    assert!(!impure_ways("tram-api", &graph).is_empty());
}

#[test]
fn packages_come_in_by_one_door() {
    let metadata = metadata();
    let mut faults = Vec::new();
    for (name, dependencies) in declared(&metadata) {
        if name != "tram" && MAY_KNOW_ALL.contains(&name) {
            continue;
        }
        for dependency in dependencies {
            let to = text(dependency, "name");
            let door = ONE_DOOR.iter().find(|(package, _)| *package == to);
            if let Some((_, allowed)) = door
                && !allowed.contains(&name)
            {
                faults.push(format!("{name} names {to}; only {allowed:?} may"));
            }
        }
    }
    assert_none("a package came in by another door:", &faults);
}

#[test]
fn fixtures_stay_out_of_the_product() {
    let metadata = metadata();
    let mut faults = Vec::new();
    for (name, dependencies) in declared(&metadata) {
        if name != "tram" && MAY_KNOW_ALL.contains(&name) {
            continue;
        }
        for dependency in dependencies {
            if list(dependency, "features").iter().any(|f| f == "fixtures") {
                faults.push(format!("{name} -> {}", text(dependency, "name")));
            }
        }
    }
    assert_none("the feature `fixtures` is for dev-dependencies only:", &faults);
}

#[test]
fn the_table_of_arrows_names_crates_that_exist() {
    let names = manifests::packages();
    let stale: Vec<String> = MAY_KNOW
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .filter(|name| !names.contains(name))
        .collect();
    assert_none("in the table, but no such crate:", &stale);
}
