//! `tram audit`: the questions auditors ask, each answered from an index.

mod between;
mod days;
mod dispatch;
mod gaps;
mod key;
mod overdue;
mod refusals;
mod sheet;
mod statistics;

use clap::Subcommand;

use super::Done;
use super::shell::Shell;

/// Most items asked for at a time.
const PAGE_MAX: u32 = tram_api::limits::PAGE_ITEMS_MAX;

#[derive(Subcommand)]
pub(crate) enum Command {
    Dispatch(dispatch::DispatchArgs),
    Between(between::BetweenArgs),
    Refusals(refusals::RefusalsArgs),
    Overdue(overdue::OverdueArgs),
    Statistics(statistics::StatisticsArgs),
    Gaps(gaps::GapsArgs),
    Key(key::KeyArgs),
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, command: Command) -> Done {
    match command {
        Command::Dispatch(args) => dispatch::run(shell, &args),
        Command::Between(args) => between::run(shell, &args),
        Command::Refusals(args) => refusals::run(shell, &args),
        Command::Overdue(args) => overdue::run(shell, &args),
        Command::Statistics(args) => statistics::run(shell, &args),
        Command::Gaps(args) => gaps::run(shell, &args),
        Command::Key(args) => key::run(shell, &args),
    }
}
