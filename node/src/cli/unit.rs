//! `tram unit`: the mailboxes of units inside an agency.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use tram_api::model::{
    DocumentView, InboxEntry, UnitItem, UnitQuery, UnitState, UnitView, UnitsRecorded,
};
use tram_config::Role;
use tram_dispatch::{AgencyCode, Code, DispatchId, UnitCode};

use super::failure::Failure;
use super::inbox::fetch;
use super::shell::Shell;
use super::table::{Align, Table};
use super::texts::Word;
use super::{DONE, Done, connect, files, show, types};

#[derive(Subcommand)]
pub(crate) enum Command {
    List(ListArgs),
    Inbox(InboxArgs),
    Fetch(FetchArgs),
    Mark(MarkArgs),
}

/// List the units of an agency, with what lies in their mailboxes.
#[derive(Args)]
#[command(after_help = "Example:\n  tram unit list --agency H41.12")]
pub(crate) struct ListArgs {
    #[command(flatten)]
    of: Of,
}

/// List what was forwarded to a unit.
#[derive(Args)]
#[command(after_help = "Example:\n  tram unit inbox VP --agency H41.12 --state forwarded")]
pub(crate) struct InboxArgs {
    /// The unit.
    #[arg(value_name = "UNIT")]
    unit: UnitCode,
    #[command(flatten)]
    of: Of,
    /// Only dispatches with which the unit is so far.
    #[arg(long, value_enum)]
    state: Option<State>,
    /// Most lines.
    #[arg(long, default_value_t = 100)]
    limit: u32,
}

/// Fetch the documents of a dispatch that was forwarded to a unit, into a folder named by its id.
///
/// It changes nothing: that the unit read it is said with `tram unit mark`.
#[derive(Args)]
#[command(after_help = "Example:\n  tram unit fetch VP ID --agency H41.12 --out incoming")]
pub(crate) struct FetchArgs {
    /// The unit.
    #[arg(value_name = "UNIT")]
    unit: UnitCode,
    /// The dispatch id.
    #[arg(value_name = "ID")]
    dispatch: DispatchId,
    #[command(flatten)]
    of: Of,
    /// Folder in which the dispatch's own folder is made.
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    out: PathBuf,
}

/// Say that a unit read a dispatch, or is done with it.
///
/// The clerk sees it. Nobody outside the agency is told: what the originator hears is the agency's own
/// status (`tram inbox status`).
#[derive(Args)]
#[command(
    after_help = "Example:\n  tram unit mark VP ID handled --agency H41.12 --remark \"Đã trình\""
)]
pub(crate) struct MarkArgs {
    /// The unit.
    #[arg(value_name = "UNIT")]
    unit: UnitCode,
    /// The dispatch id.
    #[arg(value_name = "ID")]
    dispatch: DispatchId,
    /// How far it is.
    #[arg(value_enum)]
    state: Mark,
    #[command(flatten)]
    of: Of,
    /// Your own words, for the clerk.
    #[arg(long, value_name = "TEXT")]
    remark: Option<String>,
}

/// The agency that the unit is of.
#[derive(Args)]
struct Of {
    /// The agency; otherwise TRAM_AGENCY, or the agency that runs the node.
    #[arg(long, value_name = "CODE")]
    agency: Option<AgencyCode>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mark {
    Read,
    Handled,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    Forwarded,
    Read,
    Handled,
}

#[derive(Serialize)]
struct Fetched {
    folder: String,
    documents: Vec<String>,
}

fn open(shell: &Shell, of: &Of) -> Result<(tram_api::Client, AgencyCode), Failure> {
    let agency = connect::agency(shell, of.agency.as_ref())?;
    Ok((connect::client(shell, &[Role::Collect, Role::Read])?, agency))
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, command: Command) -> Done {
    match command {
        Command::List(args) => {
            let (client, agency) = open(shell, &args.of)?;
            let page = connect::block_on(async { Ok(client.units(&agency).await?) })?;
            shell.answer(&page.items, || units(shell, &page.items))?;
        }
        Command::Inbox(args) => {
            let (client, agency) = open(shell, &args.of)?;
            let state = args.state.map(|state| match state {
                State::Forwarded => UnitState::Forwarded,
                State::Read => UnitState::Read,
                State::Handled => UnitState::Handled,
            });
            let items = connect::block_on(show::pages(args.limit, |after, limit| {
                let query = UnitQuery { state, after, limit: Some(limit) };
                let (client, agency, unit) = (&client, &agency, &args.unit);
                async move { Ok(client.unit_inbox(agency, unit, &query).await?) }
            }))?;
            shell.answer(&items, || lines(shell, &items))?;
        }
        Command::Fetch(args) => {
            let (client, agency) = open(shell, &args.of)?;
            let fetched = connect::block_on(fetched(shell, &client, &agency, &args))?;
            shell.answer(&fetched, || {
                let count = fetched.documents.len().to_string();
                shell.sentence(Word::UnitFetched, &[&fetched.folder, &count])
            })?;
        }
        Command::Mark(args) => {
            let (client, agency) = open(shell, &args.of)?;
            let state = match args.state {
                Mark::Read => UnitState::Read,
                Mark::Handled => UnitState::Handled,
            };
            let (id, remark) = (args.dispatch, args.remark);
            let call = async { Ok(client.mark(&agency, &args.unit, id, state, remark).await?) };
            recorded(shell, &connect::block_on(call)?)?;
        }
    }
    Ok(DONE)
}

async fn fetched(
    shell: &Shell,
    client: &tram_api::Client,
    agency: &AgencyCode,
    args: &FetchArgs,
) -> Result<Fetched, Failure> {
    let entry: InboxEntry = client.unit_entry(agency, &args.unit, args.dispatch).await?;
    files::folder(&args.out, true)?;
    let folder = args.out.join(args.dispatch.to_string());
    files::folder(&folder, true)?;
    let text = serde_json::to_string_pretty(&entry).map_err(|e| Failure::new(Code::Internal, e))?;
    files::replace(&folder.join("entry.json"), text.as_bytes(), 0o600)?;
    let mut documents = Vec::new();
    let from = fetch::From { client, agency, unit: Some(&args.unit), dispatch: args.dispatch };
    for document in &entry.documents {
        let DocumentView { name, sha256, .. } = document;
        let path = folder.join(fetch::file_name(name, sha256.0));
        fetch::get(shell, from, document, &path).await?;
        documents.push(path.display().to_string());
    }
    files::sync_folder_of(&folder)?;
    types::note_listed(shell, &args.dispatch.to_string(), &entry.documents);
    Ok(Fetched { folder: folder.display().to_string(), documents })
}

/// Shows what is on record of units.
pub(super) fn recorded(shell: &Shell, recorded: &UnitsRecorded) -> Result<(), Failure> {
    shell.answer(recorded, || {
        let id = recorded.dispatch.to_string();
        let word = if recorded.repeat { Word::UnitsRecordedBefore } else { Word::UnitsRecorded };
        let mut table = Table::new(&columns(shell));
        for note in &recorded.units {
            table.row([
                note.unit.to_string(),
                state(shell, note.state).to_owned(),
                shell.time(note.at.0),
                note.by.clone(),
                note.remark.clone().unwrap_or_default(),
            ]);
        }
        format!("{}\n{}", shell.sentence(word, &[&id]), table.lines())
    })
}

fn columns(shell: &Shell) -> [(&'static str, Align); 5] {
    let words = [Word::Unit, Word::State, Word::Since, Word::By, Word::Remark];
    words.map(|word| (shell.word(word), Align::Left))
}

fn state(shell: &Shell, state: UnitState) -> &'static str {
    shell.word(match state {
        UnitState::Forwarded => Word::Forwarded,
        UnitState::Read => Word::ReadByUnit,
        UnitState::Handled => Word::Handled,
    })
}

fn units(shell: &Shell, units: &[UnitView]) -> String {
    if units.is_empty() {
        return shell.word(Word::Nothing).to_owned();
    }
    let (left, right) = (Align::Left, Align::Right);
    let mut table = Table::new(&[
        (shell.word(Word::Unit), left),
        (shell.word(Word::Name), left),
        (shell.word(Word::Forwarded), right),
        (shell.word(Word::ReadByUnit), right),
        (shell.word(Word::Handled), right),
    ]);
    for unit in units {
        let name = unit.name.clone().unwrap_or_else(|| shell.word(Word::NotListed).to_owned());
        let counts = [unit.forwarded, unit.read, unit.handled].map(|n| n.to_string());
        let [forwarded, read, handled] = counts;
        table.row([unit.unit.to_string(), name, forwarded, read, handled]);
    }
    table.lines()
}

fn lines(shell: &Shell, items: &[UnitItem]) -> String {
    if items.is_empty() {
        return shell.word(Word::Nothing).to_owned();
    }
    let words = [
        Word::Forwarded,
        Word::From,
        Word::Number,
        Word::Subject,
        Word::Urgency,
        Word::Due,
        Word::State,
        Word::Remark,
        Word::Dispatch,
    ];
    let mut table = Table::new(&words.map(|word| (shell.word(word), Align::Left)));
    for UnitItem { item, forwarded, newest } in items {
        table.row([
            shell.time(forwarded.at.0),
            item.originator.to_string(),
            item.number.clone().unwrap_or_else(|| item.reference.to_string()),
            item.subject.clone(),
            show::urgency(shell, item.urgency).to_owned(),
            item.due_on.clone().unwrap_or_default(),
            state(shell, newest.state).to_owned(),
            forwarded.remark.clone().unwrap_or_default(),
            item.dispatch.to_string(),
        ]);
    }
    table.lines()
}
