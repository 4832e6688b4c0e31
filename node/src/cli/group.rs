//! `tram group`: whom a group means, before anything is sealed.

use clap::{Args, Subcommand};
use tram_api::model::{GroupView, LeftOutReason, LeftOutView, RecipientsView};
use tram_api::routes::SEE;
use tram_config::Role;
use tram_dispatch::AgencyCode;
use tram_dispatch::group::Group;

use super::shell::Shell;
use super::table::{self, Align, Table};
use super::texts::Word;
use super::{DONE, Done, connect};

/// Roles that may ask for groups: all that the API lets, the nearest first.
const ASKERS: &[Role] = &[Role::Submit, Role::Collect, Role::Read, Role::Audit, Role::Operate];

#[derive(Subcommand)]
pub(crate) enum Command {
    List(ListArgs),
    Show(ShowArgs),
}

/// List the groups that the operator made and that an agency may address.
#[derive(Args)]
#[command(after_help = "Example:\n  tram group list --from H41")]
pub(crate) struct ListArgs {
    #[command(flatten)]
    from: From,
}

/// Show whom groups mean today: the recipients that a dispatch would name, and who is left out.
///
/// A group is written communes-of:CODE (the communes below an agency), children-of:CODE (those directly
/// below it), under:CODE (everybody below it), tier:N (everybody of a tier) or group:NAME (a list that the
/// operator made). An agency may address what lies below the agency above it.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  tram group show communes-of:H41 --from H41\n  tram group show \
group:so-nganh children-of:H41 --json"
)]
pub(crate) struct ShowArgs {
    /// The groups.
    #[arg(value_name = "GROUP", required = true)]
    groups: Vec<Group>,
    #[command(flatten)]
    from: From,
}

/// Who would address them.
#[derive(Args)]
struct From {
    /// The agency that would send; otherwise TRAM_AGENCY, or the agency that runs the node.
    #[arg(long, value_name = "CODE")]
    from: Option<AgencyCode>,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, command: Command) -> Done {
    debug_assert_eq!(ASKERS.len(), SEE.len());
    match command {
        Command::List(args) => {
            let from = connect::agency(shell, args.from.from.as_ref())?;
            let client = connect::client(shell, ASKERS)?;
            let page = connect::block_on(async { Ok(client.groups(&from).await?) })?;
            shell.answer(&page.items, || listed(shell, &page.items))?;
        }
        Command::Show(args) => {
            let from = connect::agency(shell, args.from.from.as_ref())?;
            let client = connect::client(shell, ASKERS)?;
            let asked = async { Ok(client.recipients(&from, &args.groups).await?) };
            let view = connect::block_on(asked)?;
            shell.answer(&view, || shown(shell, &view))?;
        }
    }
    Ok(DONE)
}

fn listed(shell: &Shell, groups: &[GroupView]) -> String {
    if groups.is_empty() {
        return shell.word(Word::Nothing).to_owned();
    }
    let headings = [Word::Group, Word::Members].map(|w| (shell.word(w), Align::Left));
    let mut table = Table::new(&headings);
    for group in groups {
        table.row([&group.group, &group.members.join(", ")]);
    }
    table.lines()
}

fn shown(shell: &Shell, view: &RecipientsView) -> String {
    let headings = [Word::Agency, Word::Name].map(|w| (shell.word(w), Align::Left));
    let mut table = Table::new(&headings);
    for recipient in &view.recipients {
        table.row([recipient.agency.to_string(), recipient.name.clone()]);
    }
    let version = view.directory_version.to_string();
    let count = view.count.to_string();
    let head = shell.sentence(Word::GroupMeans, &[&view.groups, &count, &version]);
    let out = left_out(shell, view.left_out_count, &view.left_out);
    [head, table.lines(), out.unwrap_or_default()].join("\n")
}

/// Who is left out, where anybody is.
pub(crate) fn left_out(shell: &Shell, count: u32, some: &[LeftOutView]) -> Option<String> {
    if count == 0 {
        return None;
    }
    let headings = [Word::Agency, Word::Cause].map(|w| (shell.word(w), Align::Left));
    let mut table = Table::new(&headings);
    for one in some {
        let why = match (one.reason, &one.successor) {
            (LeftOutReason::Originator, _) => shell.word(Word::Itself).to_owned(),
            (LeftOutReason::Closed, None) => shell.word(Word::Closed).to_owned(),
            (LeftOutReason::Closed, Some(to)) => format!("{} → {to}", shell.word(Word::Closed)),
            (LeftOutReason::NoNode, _) => shell.word(Word::NoNode).to_owned(),
            (LeftOutReason::Unknown, _) => shell.word(Word::NotListed).to_owned(),
        };
        table.row([one.agency.to_string(), why]);
    }
    let head = shell.sentence(Word::LeftOut, &[&count.to_string()]);
    Some(format!("{head}\n{}", table.lines()))
}

/// Legs in short, for a dispatch with very many.
pub(crate) fn legs_in_short(shell: &Shell, legs: &[tram_api::model::LegView]) -> String {
    let mut counts = std::collections::BTreeMap::<&'static str, u64>::new();
    for leg in legs {
        *counts.entry(super::show::leg_state(shell, leg.state)).or_default() += 1;
    }
    let counts: Vec<(&str, String)> = counts.iter().map(|(w, n)| (*w, n.to_string())).collect();
    table::pairs(&counts)
}
