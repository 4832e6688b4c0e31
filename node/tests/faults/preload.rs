//! Faults in the calls of a node, by a library loaded before the system's (`preload.c`).

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::Program;
use crate::support::files::NodeFiles;

/// Kinds of calls, by the names that `preload.c` uses.
pub(crate) const KINDS: [&str; 5] = ["sync", "write", "rename", "open", "unlink"];
/// What happens at a call: it fails with an error, or the process ends there (SIGKILL).
pub(crate) const ACTIONS: [(&str, i32); 3] = [("EIO", 5), ("ENOSPC", 28), ("SIGKILL", 0)];

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    /// The node that meets it.
    pub(crate) tier: usize,
    pub(crate) kind: &'static str,
    /// Which call of that kind on the store and the anchor since the process started, from 1; 0: none.
    pub(crate) at: u64,
    pub(crate) action: (&'static str, i32),
}

impl Fault {
    /// Nothing fails; calls are only counted.
    pub(crate) fn none(tier: usize) -> Self {
        Fault { tier, kind: KINDS[0], at: 0, action: ACTIONS[0] }
    }

    pub(crate) fn kills(&self) -> bool {
        self.action.1 == 0
    }

    /// Reads what [`fmt::Display`] writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let tier = words.next()?.parse().ok()?;
        let kind = words.next()?;
        let at = words.next()?.parse().ok()?;
        let action = words.next()?;
        Some(Fault {
            tier,
            kind: KINDS.into_iter().find(|k| *k == kind)?,
            at,
            action: ACTIONS.into_iter().find(|a| a.0 == action)?,
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.tier, self.kind, self.at, self.action.0)
    }
}

/// The library, compiled once.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/preload.c");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let made = folder.join(format!("preload-{}.so", std::process::id()));
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-o"];
        let mut compile = Command::new(compiler);
        compile.args(flags).arg(&made).arg(source).arg("-ldl");
        assert!(compile.status().expect("a C compiler").success(), "preload.c does not compile");
        made
    })
}

/// The node with one fault.
pub(crate) fn faulty(files: &NodeFiles, kind: &str, at: u64, errno: i32) -> Program {
    let folder = files.folder.canonicalize().expect("the node's folder");
    let under = ["data", "anchor"].map(|name| folder.join(name).display().to_string()).join(":");
    Program::tram().with(&[
        ("LD_PRELOAD", library().display().to_string()),
        ("FAULT_UNDER", under),
        ("FAULT_OP", kind.to_owned()),
        ("FAULT_AT", at.to_string()),
        ("FAULT_ERROR", errno.to_string()),
        ("FAULT_LOG", log(files).display().to_string()),
    ])
}

fn log(files: &NodeFiles) -> PathBuf {
    files.folder.join("calls")
}

/// How many calls of each kind were counted, in the order of [`KINDS`]. Meant for one process.
pub(crate) fn counted(files: &NodeFiles) -> [u64; KINDS.len()] {
    let text = std::fs::read_to_string(log(files)).unwrap_or_default();
    KINDS.map(|kind| {
        let numbers = text.lines().filter_map(|line| {
            let line = line.strip_prefix("injected ").unwrap_or(line);
            line.strip_prefix(kind)?.split_whitespace().next()?.parse().ok()
        });
        numbers.max().unwrap_or(0)
    })
}

/// What the fault met, if it came to it: the file.
pub(crate) fn met(files: &NodeFiles) -> Option<String> {
    let text = std::fs::read_to_string(log(files)).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("injected "))?;
    line.split_whitespace().nth(2).map(|path| {
        let folder = files.folder.canonicalize().expect("the node's folder");
        path.strip_prefix(folder.to_str().expect("a path in UTF-8")).unwrap_or(path).to_owned()
    })
}

/// How many faults came to pass.
pub(crate) fn injected(files: &NodeFiles) -> usize {
    let text = std::fs::read_to_string(log(files)).unwrap_or_default();
    text.lines().filter(|line| line.starts_with("injected ")).count()
}
