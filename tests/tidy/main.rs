//! The rules of the house that no compiler checks. Each test names the file that breaks a rule and
//! what to do about it. `UPDATE=1` rewrites what is generated.

mod codes;
mod documents;
mod ignored;
mod layers;
mod manifests;
mod packages;
mod product;
mod sources;
mod threats;
mod tree;

/// Fails with one line per fault.
fn assert_none(rule: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{rule}\n  {}\n", faults.join("\n  "));
}

/// Whether generated files are to be rewritten instead of compared.
fn update() -> bool {
    std::env::var_os("UPDATE").is_some_and(|v| v == "1")
}
