//! What comes in from others: where it comes from, and what must not come in.

use std::collections::BTreeSet;

use toml::{Table, Value};

use crate::{assert_none, layers, tree};

/// The one place that packages come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[test]
fn packages_come_from_one_registry_with_their_digests() {
    let lock: Table = tree::read(&tree::root().join("Cargo.lock")).parse().expect("TOML");
    let packages = lock["package"].as_array().expect("packages");
    assert!(packages.len() > 100, "only {}", packages.len());
    let mut faults = Vec::new();
    for package in packages {
        let text = |key: &str| package.get(key).and_then(Value::as_str);
        let name = text("name").unwrap_or_default();
        let ours = name == "tram" || name.starts_with("tram-");
        let digest = text("checksum").is_some_and(|c| c.len() == 64);
        if !ours && (text("source") != Some(REGISTRY) || !digest) {
            faults.push(format!(
                "{name}: from {:?}, digest {:?}",
                text("source"),
                text("checksum")
            ));
        }
        if ours && text("source").is_some() {
            faults.push(format!("{name} is ours, and comes from {:?}", text("source")));
        }
    }
    assert_none("Cargo.lock:", &faults);
    let ci = tree::read(&tree::root().join(".ci/run"));
    for check in [
        "--locked --log-level error check licenses bans sources",
        "--offline --log-level error check advisories",
    ] {
        assert!(ci.contains(check), ".ci/run does not run cargo deny {check}");
    }
}

/// Readers of formats that have hurt many: documents are carried, not opened.
fn reads_documents(package: &str) -> bool {
    let words =
        ["xml", "xslt", "pdf", "zip", "unrar", "docx", "calamine", "html5ever", "imagemagick"];
    let names = [
        "tar",
        "flate2",
        "miniz_oxide",
        "zlib-rs",
        "libz-sys",
        "zstd",
        "brotli",
        "bzip2",
        "xz2",
        "lzma-rs",
        "lz4",
        "snap",
        "image",
        "png",
        "resvg",
        "usvg",
    ];
    words.iter().any(|word| package.contains(word)) || names.contains(&package)
}

/// What `crates/edxml` reads with, within bounds; packages_come_in_by_one_door sees that nobody else does.
const OF_EDXML: &[&str] = &["tram-edxml", "quick-xml", "flate2", "miniz_oxide"];

#[test]
fn readers_of_xml_and_archives_come_in_by_one_door_and_of_pdf_not_at_all() {
    let metadata = layers::metadata();
    let graph = layers::graph(&metadata);
    let mut reached = BTreeSet::from(["tram"]);
    let mut todo = vec!["tram"];
    while let Some(here) = todo.pop() {
        for &next in graph.get(here).into_iter().flatten() {
            if reached.insert(next) {
                todo.push(next);
            }
        }
    }
    assert!(reached.contains("minicbor") && reached.len() > 80, "the graph is cut short");
    let faults: Vec<String> = reached
        .iter()
        .filter(|p| reads_documents(p) && !OF_EDXML.contains(p))
        .map(|p| (*p).to_owned())
        .collect();
    assert_none("the product would read documents, see docs/threats.md, lines 92 to 97:", &faults);
    assert!(reads_documents("quick-xml") && reads_documents("lopdf") && !reads_documents("axum"));
}
