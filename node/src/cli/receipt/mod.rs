//! `tram receipt`: looking at receipts, and taking them out for those who verify off line.

mod etsi;
mod evidence;
mod export;
mod list;
mod show;

use clap::{Args, Subcommand};
use tram_api::model::ReceiptQuery;
use tram_dispatch::{AgencyCode, DispatchId, Event, UnixMillis};

use super::Done;
use super::shell::Shell;

pub(crate) use evidence::Evidence;

#[derive(Subcommand)]
pub(crate) enum Command {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Export(export::ExportArgs),
}

/// Which receipts. All conditions must hold.
#[derive(Args)]
struct Filter {
    /// About this dispatch.
    #[arg(long, value_name = "ID")]
    dispatch: Option<DispatchId>,
    /// With this agency as originator or recipient.
    #[arg(long, value_name = "CODE")]
    agency: Option<AgencyCode>,
    /// Of this event, for example ContentConsignment.
    #[arg(long, value_parser = event)]
    event: Option<Event>,
    /// At this time or later.
    #[arg(long, value_name = "TIME")]
    since: Option<UnixMillis>,
    /// Before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<UnixMillis>,
}

fn event(text: &str) -> Result<Event, String> {
    Event::ALL.into_iter().find(|e| e.name() == text).ok_or_else(|| {
        let names: Vec<&str> = Event::ALL.iter().map(|e| e.name()).collect();
        format!("one of {}", names.join(", "))
    })
}

impl Filter {
    fn query(&self) -> ReceiptQuery {
        ReceiptQuery {
            dispatch: self.dispatch.map(Into::into),
            agency: self.agency.clone().map(Into::into),
            event: self.event.map(Into::into),
            from: self.since.map(Into::into),
            to: self.until.map(Into::into),
            after: None,
            limit: None,
        }
    }
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, command: Command) -> Done {
    match command {
        Command::List(args) => list::run(shell, &args),
        Command::Show(args) => show::run(shell, &args),
        Command::Export(args) => export::run(shell, &args),
    }
}
