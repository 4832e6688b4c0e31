//! Tests that do not run everywhere: each says why, and its name says which script runs it.

use crate::{assert_none, product, tree};

/// Why a test is ignored, how its name begins if that matters, and who runs it. `.ci/run` skips by
/// name, so what it must not run is told by the name as well as by the reason.
const KINDS: &[(&str, &str, &str)] = &[
    ("needs ", "", ".ci/run"),
    ("long: ", "long_", ".ci/long"),
    ("writes ", "write_", "a person who changes a format"),
];

/// What is wrong with an ignored test, if anything.
fn fault(reason: &str, name: &str) -> Option<String> {
    let Some((_, prefix, _)) = KINDS.iter().find(|(why, _, _)| reason.starts_with(why)) else {
        return Some(format!("the reason begins with none of {KINDS:?}"));
    };
    if !name.starts_with(prefix) {
        return Some(format!("its name does not begin with {prefix}"));
    }
    let skipped = KINDS.iter().any(|(_, p, _)| !p.is_empty() && name.contains(p));
    (prefix.is_empty() && skipped).then(|| ".ci/run would skip it, by its name".to_owned())
}

#[test]
fn ignored_tests_are_run_by_a_script() {
    let mut faults = Vec::new();
    for source in product::sources() {
        for (reason, name) in ignored(&source.test) {
            if let Some(fault) = fault(&reason, &name) {
                faults.push(format!("{}: {name}: {reason:?}: {fault}", tree::shown(&source.path)));
            }
        }
    }
    assert_none("an ignored test that no script runs:", &faults);
}

#[test]
fn the_scripts_run_them() {
    let script = |name: &str| tree::read(&tree::root().join(name));
    assert!(
        script(".ci/run")
            .contains("cargo test --workspace -- --ignored --skip long_ --skip write_")
    );
    // Each long test by its own name or by how that begins.
    let long = script(".ci/long");
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let named: Vec<&str> = long
        .split(|c| !is_word(c))
        .filter(|word| {
            word.starts_with("long_") && word.len() > "long_".len() && *word != "long_test"
        })
        .collect();
    let mut missing = Vec::new();
    for source in product::sources() {
        for (reason, name) in ignored(&source.test) {
            if reason.starts_with("long: ") && !named.iter().any(|word| name.starts_with(word)) {
                missing.push(format!("{}: {name}", tree::shown(&source.path)));
            }
        }
    }
    assert_none("a long test that .ci/long does not run:", &missing);
}

/// Reason and name of every ignored test in a text.
fn ignored(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(rest) = line.trim().strip_prefix("#[ignore") else { continue };
        let reason = rest.split('"').nth(1).unwrap_or_default().to_owned();
        let name = lines
            .by_ref()
            .find_map(|l| l.split_once("fn ").map(|(_, f)| f))
            .and_then(|f| f.split('(').next())
            .unwrap_or_default();
        found.push((reason, name.to_owned()));
    }
    found
}

#[test]
fn ignored_tests_are_found() {
    let text =
        "#[test]\n#[ignore = \"needs openssl\"]\nfn needs_openssl() {}\n#[ignore]\nfn x() {}\n";
    let expected = [("needs openssl", "needs_openssl"), ("", "x")];
    let found = ignored(text);
    assert_eq!(fault("needs openssl", "openssl_agrees"), None);
    assert_eq!(fault("long: an hour", "long_kill"), None);
    assert_eq!(fault("writes the vectors", "write_vectors"), None);
    assert!(fault("writes the vectors", "vectors").is_some());
    assert!(fault("needs openssl", "a_long_chain").is_some());
    assert!(fault("long: an hour", "kill").is_some() && fault("", "x").is_some());
    assert_eq!(found.iter().map(|(r, n)| (r.as_str(), n.as_str())).collect::<Vec<_>>(), expected);
}
