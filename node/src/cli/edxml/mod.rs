//! `tram edxml`: the files of document systems that speak the national XML (QCVN 102:2016).
//! `tram submit` takes them as well, and `tram inbox fetch --as edxml` makes them.

pub(super) mod fetch;
mod inspect;
mod status;
pub(super) mod submit;

use std::path::Path;

use clap::Subcommand;
use tram_edxml::EdxmlError;

use super::Done;
use super::failure::Failure;
use super::files;
use super::shell::Shell;

#[derive(Subcommand)]
pub(crate) enum Command {
    Inspect(inspect::InspectArgs),
    Status(status::StatusArgs),
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, command: Command) -> Done {
    match command {
        Command::Inspect(args) => inspect::run(shell, &args),
        Command::Status(args) => status::run(shell, &args),
    }
}

impl From<EdxmlError> for Failure {
    fn from(error: EdxmlError) -> Self {
        Failure::new(error.code(), error)
    }
}

/// Whether a file begins as XML does, in any encoding: no sealed dispatch does.
///
/// # Errors
/// `UNREADABLE`.
pub(super) fn is_xml(path: &Path) -> Result<bool, Failure> {
    files::begins(path, |first| {
        let first = first.trim_ascii_start();
        matches!(
            first,
            [b'<', ..]
                | [0xef, 0xbb, 0xbf, ..]
                | [0xfe, 0xff, ..]
                | [0xff, 0xfe, ..]
                | [0, b'<', ..]
        )
    })
}

/// Takes a file apart.
///
/// # Errors
/// Those of the reading, naming the file.
fn unpack(path: &Path) -> Result<crate::edxml::Unpacked, Failure> {
    crate::edxml::unpack(path).map_err(|e| Failure::from(e).about(path.display()))
}
