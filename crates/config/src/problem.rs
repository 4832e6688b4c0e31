//! What is wrong with a configuration, in words for the operator.

use std::fmt;
use std::path::{Path, PathBuf};

use tram_dispatch::text::escaped;

/// One fault: where, which key, what is wrong, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The configuration file.
    pub file: PathBuf,
    /// Line from 1; 0 where the file itself could not be read.
    pub line: usize,
    /// Column from 1, in characters.
    pub column: usize,
    /// Dotted key, tables of an array numbered from 1: `peers[2].address`. May be empty.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub remedy: String,
}

/// `file:line:column key: what is wrong; how to mend it`, without control characters.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", escaped(&self.file.display().to_string()))?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if !self.key.is_empty() {
            write!(f, " {}", escaped(&self.key))?;
        }
        write!(f, ": {}; {}", escaped(&self.what), escaped(&self.remedy))
    }
}

/// Everything that is wrong with a configuration, in the order of the file; one line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors {
    problems: Vec<Problem>,
}

impl ConfigErrors {
    /// The faults; at least one.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    pub(crate) fn sorted(mut problems: Vec<Problem>) -> Self {
        problems.sort_by(|a, b| (a.line, a.column, &a.key).cmp(&(b.line, b.column, &b.key)));
        problems.dedup();
        ConfigErrors { problems }
    }

    pub(crate) fn unreadable(file: &Path, error: &std::io::Error) -> Self {
        let remedy = if error.kind() == std::io::ErrorKind::NotFound {
            "make one with `tram init`, or copy an example from config/"
        } else {
            "it must be a UTF-8 text file that this user may read"
        };
        ConfigErrors {
            problems: vec![Problem {
                file: file.to_owned(),
                line: 0,
                column: 0,
                key: String::new(),
                what: format!("cannot be read ({error})"),
                remedy: remedy.into(),
            }],
        }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}
