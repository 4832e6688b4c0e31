//! `[drop]` and `[[drop_folders]]`: folders through which systems exchange files with the node.

use std::path::PathBuf;

use tram_dispatch::AgencyCode;

use crate::axis::roles;
use crate::files::Kind;
use crate::parse::{Paths, agency};
use crate::reader::Section;
use crate::values::Seal;

/// A folder that one agency's system shares with the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropFolder {
    /// Where it is.
    pub folder: PathBuf,
    /// The agency it serves.
    pub agency: AgencyCode,
    /// What the node writes.
    pub form: Form,
    /// Whether what lies in it is sent.
    pub submit: bool,
    /// Whether what is addressed to the agency is put into it.
    pub collect: bool,
    /// How the system says that something is whole.
    pub complete: Complete,
    /// Whether codes are written in the form of QCVN 102:2016.
    pub old_codes: bool,
}

/// What the node writes into a drop folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One edXML file for each dispatch and status.
    Edxml,
    /// A folder of documents with a JSON file for each dispatch, a JSON file for each status.
    Json,
}

impl Form {
    const NAMES: &'static [(&'static str, Form)] = &[("edxml", Form::Edxml), ("json", Form::Json)];
}

/// How a system says that what it wrote is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Complete {
    /// By the name: it writes under another one and renames.
    Renamed,
    /// By an empty file `NAME.ready` beside it.
    Ready,
    /// Not at all: it does not change any more.
    Quiet,
}

impl Complete {
    const NAMES: &'static [(&'static str, Complete)] =
        &[("renamed", Complete::Renamed), ("ready", Complete::Ready), ("quiet", Complete::Quiet)];
}

/// The folders; what is wrong in one is reported, and it is left out.
pub(crate) fn read(
    document: &Section<'_>,
    paths: &mut Paths<'_>,
    seals: &[Seal],
) -> Vec<DropFolder> {
    let mut all: Vec<DropFolder> = Vec::new();
    for section in document.tables("drop_folders") {
        let folder = section.required("folder");
        let folder = folder.and_then(|f| paths.claim(&section, &f, Kind::Shared));
        let code = section.required("agency").and_then(|f| agency(&section, &f));
        for wanted in ["mode", "roles"] {
            if !section.has(wanted) {
                section.missing(wanted);
            }
        }
        let form = section.choice("mode", Form::NAMES);
        let complete = section.choice("complete", Complete::NAMES).unwrap_or(Complete::Renamed);
        let (submit, collect) = roles(&section);
        let (Some(folder), Some(agency), Some(form)) = (folder, code, form) else { continue };
        let report = |what: String, remedy: &str| {
            section.reader().report(section.at(), section.path(), what, remedy);
        };
        if submit && !seals.iter().any(|s| s.agency == agency) {
            let what =
                format!("this node holds no seal key of {agency}, so nothing can be sent for it");
            report(what, "add it to [[seals]], or leave out the role submit");
        }
        if let Some(first) = all.iter().position(|f| f.agency == agency) {
            let what = format!("{agency} already has drop_folders[{}]", first + 1);
            report(what, "keep one of them: each dispatch is handed over once");
        }
        let old_codes = section.boolean("old_codes").is_some_and(|found| found.value);
        all.push(DropFolder { folder, agency, form, submit, collect, complete, old_codes });
    }
    all
}
