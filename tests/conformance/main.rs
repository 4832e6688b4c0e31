//! The documents against the bytes: golden vectors, the CDDL and the limits of `docs/protocol.md`.
//!
//! `tests/vectors` is what an independent implementation is tested with. When a format changes on purpose,
//! `UPDATE=1 cargo test -p tram-tests --test conformance` writes its files anew (twice: some are made from
//! others), and the tables of the document; without that variable the tests only compare.

mod cddl;
mod changes;
mod frames;
mod invalid;
mod limits;
mod log;
mod made;
mod proved;
mod signatures;
mod vectors;

use std::path::PathBuf;

/// A path below the root of the repository.
fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Whether generated files are to be rewritten before they are compared.
fn update() -> bool {
    std::env::var_os("UPDATE").is_some_and(|value| value == "1")
}

/// The text of a file of the repository.
fn text(path: &str) -> String {
    let path = repository(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The bytes of a file of hexadecimal digits; white space does not count.
fn hex_file(path: &str) -> Vec<u8> {
    let digits: String = text(path).split_whitespace().collect();
    hex::decode(digits).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The content of every fenced block of this language in `docs/protocol.md`, joined.
fn blocks(language: &str) -> String {
    let document = text("docs/protocol.md");
    let mut inside = false;
    let mut out = String::new();
    for line in document.lines() {
        match line.strip_prefix("```") {
            Some(rest) if !inside => inside = rest == language,
            Some(_) => inside = false,
            None if inside => {
                out.push_str(line);
                out.push('\n');
            }
            None => {}
        }
    }
    out
}
