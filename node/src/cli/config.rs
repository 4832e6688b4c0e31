//! `tram config`: looks at the configuration as a whole before any port opens.

use clap::{Args, Subcommand};
use serde::Serialize;
use tram_config::Config;
use tram_dispatch::Code;

use super::inspect::{self, Finding, Level};
use super::shell::Shell;
use super::table::{Align, Table};
use super::texts::Word;
use super::{DONE, Done, connect, show};

#[derive(Subcommand)]
pub(crate) enum Command {
    Check(CheckArgs),
}

/// Check the configuration, and the keys, certificates and directory it names.
///
/// Reads only; the running node is not asked and not disturbed.
#[derive(Args)]
#[command(after_help = "Example:\n  tram config check --config /etc/tram/tram.toml")]
pub(crate) struct CheckArgs {}

#[derive(Serialize)]
struct Report {
    file: String,
    ok: bool,
    findings: Vec<Finding>,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, command: &Command) -> Done {
    let Command::Check(CheckArgs {}) = command;
    let file = connect::required_config_file(shell)?;
    let config = Config::load(&file)?;
    let findings = inspect::installation(shell, &config);
    let ok = findings.iter().all(|f| f.level != Level::Problem);
    let report = Report { file: file.display().to_string(), ok, findings };
    shell.answer(&report, || {
        let headings = [Word::What, Word::Result, Word::Detail].map(|w| shell.word(w));
        let mut table = Table::new(&headings.map(|h| (h, Align::Left)));
        for finding in &report.findings {
            let result = match finding.level {
                Level::Good => Word::Good,
                Level::Warning => Word::Warning,
                Level::Problem => Word::Problem,
            };
            let what = show::named(shell, &finding.what);
            table.row([what.as_str(), shell.word(result), &finding.detail]);
        }
        table.lines()
    })?;
    Ok(if ok { DONE } else { Code::ConfigInvalid.row().exit })
}
