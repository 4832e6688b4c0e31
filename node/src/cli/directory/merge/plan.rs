//! What a merger is to do: from a plan file, or from the options of the command.

use std::path::Path;

use serde::Deserialize;
use tram_dispatch::{Code, UnixMillis};

use super::super::working::Agency;
use crate::cli::failure::Failure;
use crate::cli::files;

/// Largest plan file: that of a whole country takes less than 2 MB.
const PLAN_BYTES_MAX: usize = 64 << 20;

/// A reorganisation, carried out whole or not at all.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Plan {
    /// From when the new order holds: what closes is valid until then, what opens from then on.
    #[serde(default)]
    pub(in super::super) at: Option<String>,
    /// Agencies that begin to exist, as the working file has them.
    #[serde(default, rename = "open")]
    pub(in super::super) opened: Vec<Agency>,
    /// Which close, and into which.
    #[serde(default, rename = "merge")]
    pub(in super::super) merges: Vec<Merge>,
    /// Which get another place.
    #[serde(default, rename = "move")]
    pub(in super::super) moves: Vec<Move>,
    /// Which get another name.
    #[serde(default, rename = "rename")]
    pub(in super::super) renames: Vec<Rename>,
}

/// Some agencies close, and one takes over what is addressed to them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Merge {
    pub(in super::super) close: Vec<String>,
    pub(in super::super) into: String,
    /// Whether the agencies below those that close, if the plan says nothing else of them, come under the
    /// one that takes over.
    #[serde(default)]
    pub(in super::super) children: bool,
}

/// Some agencies come under another one, or are hosted by another node.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Move {
    pub(in super::super) agencies: Vec<String>,
    #[serde(default)]
    pub(in super::super) parent: Option<String>,
    #[serde(default)]
    pub(in super::super) node: Option<String>,
    #[serde(default)]
    pub(in super::super) tier: Option<u8>,
}

/// An agency keeps its code and gets another name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Rename {
    pub(in super::super) code: String,
    pub(in super::super) name: String,
}

impl Plan {
    /// Reads a plan file.
    ///
    /// # Errors
    /// `UNREADABLE`, with the place in the file; `TOO_LARGE`.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = files::read_text(path, PLAN_BYTES_MAX)?;
        toml::from_str(&text).map_err(|e| Failure::unreadable(path, e))
    }

    /// From when the new order holds.
    ///
    /// # Errors
    /// `DIRECTORY_INVALID`.
    pub(in super::super) fn at(&self) -> Result<Option<UnixMillis>, Failure> {
        let read = |text: &String| {
            let bad = |e| Failure::new(Code::DirectoryInvalid, format!("at \"{text}\": {e}"));
            text.parse().map_err(bad)
        };
        self.at.as_ref().map(read).transpose()
    }

    /// Whether it does nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.opened.is_empty()
            && self.merges.is_empty()
            && self.moves.is_empty()
            && self.renames.is_empty()
    }
}
