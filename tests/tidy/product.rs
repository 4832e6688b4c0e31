//! Tells product code from test code in the sources.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::tree;

/// A source file cut in two.
pub(crate) struct Source {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The part that ships: empty for a file of tests.
    pub(crate) product: String,
    /// The part that is compiled for tests only.
    pub(crate) test: String,
}

/// Every `.rs` file of the repository but this suite's own.
pub(crate) fn sources() -> Vec<Source> {
    let own = tree::root().join("tests/tidy");
    let paths: Vec<PathBuf> =
        tree::files("", ".rs").into_iter().filter(|p| !p.starts_with(&own)).collect();
    let mut modules = BTreeSet::new();
    for path in &paths {
        modules.extend(test_modules(path, &tree::read(path)));
    }
    paths
        .into_iter()
        .map(|path| {
            let text = tree::read(&path);
            if is_test_file(&path, &modules) {
                return Source { path, product: String::new(), test: text };
            }
            let at = test_part(&text).unwrap_or(text.len());
            let (product, test) = text.split_at(at);
            Source { path, product: product.to_owned(), test: test.to_owned() }
        })
        .collect()
}

/// Where the test module at the end of a file begins.
fn test_part(text: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(found) = text[from..].find("#[cfg(test)]") {
        let at = from + found;
        from = at + "#[cfg(test)]".len();
        let next = text[from..].trim_start();
        if next.starts_with("mod ") && next.lines().next().is_some_and(|l| l.contains('{')) {
            return Some(at);
        }
    }
    None
}

/// The files and folders that `#[cfg(test)] mod name;` in this file brings in.
fn test_modules(path: &Path, text: &str) -> Vec<PathBuf> {
    let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
    let parent = path.parent().expect("a file has a folder");
    let base = match stem {
        "lib" | "main" | "mod" => parent.to_owned(),
        _ => parent.join(stem),
    };
    text.split("#[cfg(test)]")
        .skip(1)
        .filter_map(|rest| {
            let line = rest.trim_start().lines().next()?;
            let name = line.strip_prefix("pub(crate) ").unwrap_or(line);
            Some(base.join(name.strip_prefix("mod ")?.strip_suffix(';')?))
        })
        .collect()
}

fn is_test_file(path: &Path, modules: &BTreeSet<PathBuf>) -> bool {
    let below_root = path.strip_prefix(tree::root()).unwrap_or(path);
    let in_tests = below_root.iter().any(|part| part == "tests" || part == "benches");
    in_tests || modules.iter().any(|m| path.with_extension("") == *m || path.starts_with(m))
}

/// A line without its comment. Not exact for `//` inside a text, which suffices here.
pub(crate) fn code_of(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

#[test]
fn product_and_test_code_are_told_apart() {
    let text = "fn a() {}\n#[cfg(test)]\nuse x;\n#[cfg(test)]\nmod tests {\n}\n";
    let at = test_part(text).expect("the module is found");
    assert_eq!(&text[at..], "#[cfg(test)]\nmod tests {\n}\n");
    assert_eq!(test_part("#[cfg(test)]\nmod tests;\n"), None);
    assert_eq!(
        test_modules(Path::new("/r/src/a.rs"), "#[cfg(test)]\nmod tests;\n"),
        [PathBuf::from("/r/src/a/tests")]
    );
    assert_eq!(
        test_modules(Path::new("/r/src/lib.rs"), "#[cfg(test)]\nmod fake;\n"),
        [PathBuf::from("/r/src/fake")]
    );
    assert_eq!(code_of("let a = 1; // HashMap"), "let a = 1; ");
}
