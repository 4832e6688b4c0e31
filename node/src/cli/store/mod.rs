//! `tram store`: the durable store.

mod offline;
mod retention;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use tram_api::model::{CheckLine, CheckQuery, CheckReport};
use tram_config::Role;
use tram_dispatch::Code;

use super::failure::Failure;
use super::shell::Shell;
use super::texts::Word;
use super::{DONE, Done, connect, table};

#[derive(Subcommand)]
pub(crate) enum Command {
    Check(CheckArgs),
    Retention(retention::RetentionArgs),
}

/// Check the whole store: documents, receipt log, legs, journal, index.
///
/// The running node does it beside its work. With --offline the node must be stopped; a damaged
/// index is then rebuilt from the journal. Exit code 4 if anything is damaged.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  tram store check\n  tram store check --offline --rebuild-index"
)]
pub(crate) struct CheckArgs {
    /// The node is stopped: open its store here.
    #[arg(long)]
    offline: bool,
    /// Delete the index first and build it from the journal.
    #[arg(long, requires = "offline")]
    rebuild_index: bool,
    /// Do not read the documents again.
    #[arg(long, conflicts_with = "offline")]
    without_documents: bool,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, command: Command) -> Done {
    let args = match command {
        Command::Check(args) => args,
        Command::Retention(args) => return retention::run(shell, &args),
    };
    let report = if args.offline {
        offline::check(shell, args.rebuild_index)?
    } else {
        connect::block_on(online(shell, &args))?
    };
    shell.answer(&report, || lines(shell, &report))?;
    Ok(if report.ok { DONE } else { Code::StoreCorrupt.row().exit })
}

async fn online(shell: &Shell, args: &CheckArgs) -> Result<CheckReport, Failure> {
    let client = connect::client(shell, &[Role::Operate])?;
    let query = CheckQuery { documents: Some(!args.without_documents) };
    let mut lines = client.check_store(&query).await?;
    let bar = bar(shell);
    while let Some(line) = lines.next().await? {
        match line {
            CheckLine::Progress { phase, done, total } => advance(&bar, &phase, done, total),
            CheckLine::Report(report) => {
                bar.finish_and_clear();
                return Ok(report);
            }
            CheckLine::Problem(document) => {
                bar.finish_and_clear();
                return Err(Failure::Told(document.into()));
            }
        }
    }
    Err(Failure::new(Code::NodeUnreachable, "the node broke off before its report"))
}

fn bar(shell: &Shell) -> ProgressBar {
    if !shell.draws_progress() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    match ProgressStyle::with_template("{msg:10} [{bar:30}] {human_pos} / {human_len}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn advance(bar: &ProgressBar, phase: &str, done: u64, total: u64) {
    bar.set_message(tram_dispatch::text::escaped(phase));
    bar.set_length(total);
    bar.set_position(done);
}

fn lines(shell: &Shell, r: &CheckReport) -> String {
    let mut out = table::pairs(&[
        (shell.word(Word::Time), shell.time(r.at.0)),
        (shell.word(Word::Batches), r.batches.to_string()),
        (shell.word(Word::Dispatches), r.dispatches.to_string()),
        (shell.word(Word::Legs), r.legs.to_string()),
        (shell.word(Word::Leaves), r.leaves.to_string()),
        (
            shell.word(Word::Documents),
            format!("{} ({})", r.documents, table::bytes(r.documents_bytes)),
        ),
    ]);
    for damage in &r.damages {
        out.push_str(&table::pairs(&[(shell.word(Word::Problem), damage)]));
    }
    out.push_str(shell.word(if r.ok { Word::StoreWhole } else { Word::StoreDamaged }));
    out
}
