//! `tram audit dispatch`.

use clap::Args;
use tram_api::model::{NumberedQuery, Tracking};
use tram_dispatch::{AgencyCode, DispatchId};

use super::sheet::{Cell, Form, Sheet, present};
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::texts::Word;
use crate::cli::{DONE, Done, connect, show, table};

/// Show everything this node knows about one dispatch, or about one document number.
///
/// A number is found under the agency that issued the document, as its envelope has it. Whether its
/// notation stands behind a slash or apart makes no difference, nor does letter case.
#[derive(Args)]
#[command(after_help = "Examples:\n  tram audit dispatch ID\n  tram audit dispatch --number 16 \
--notation CT-UBND --agency H41 --year 2026")]
pub(crate) struct DispatchArgs {
    /// The dispatch.
    #[arg(value_name = "ID", required_unless_present = "number")]
    id: Option<DispatchId>,
    /// Number of the document, instead of the id.
    #[arg(long, value_name = "TEXT", requires = "agency", conflicts_with = "id")]
    number: Option<String>,
    /// Its notation.
    #[arg(long, value_name = "TEXT", requires = "number")]
    notation: Option<String>,
    /// The agency that issued it.
    #[arg(long, value_name = "CODE", requires = "number")]
    agency: Option<AgencyCode>,
    /// Year of its date of issue.
    #[arg(long, value_name = "YEAR", requires = "number")]
    year: Option<u64>,
    #[command(flatten)]
    form: Form,
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, args: &DispatchArgs) -> Done {
    let client = connect::client(shell, connect::READERS)?;
    let found = connect::block_on(async {
        match (args.id, &args.number, &args.agency) {
            (None, Some(number), Some(agency)) => {
                let query = NumberedQuery {
                    agency: agency.clone().into(),
                    number: number.clone(),
                    notation: args.notation.clone(),
                    year: args.year,
                };
                Ok(client.audit_documents(&query).await?.items)
            }
            (Some(id), ..) => Ok(vec![client.track(id).await?]),
            // The parser lets nothing else through.
            _ => Err(Failure::usage("give an id, or --number with --agency")),
        }
    })?;
    if args.form.csv || shell.json {
        present(shell, &args.form, &found, &sheet(&found))?;
    } else {
        let blocks: Vec<String> = found.iter().map(|tracking| block(shell, tracking)).collect();
        shell.say(blocks.join("\n"))?;
    }
    Ok(DONE)
}

fn block(shell: &Shell, t: &Tracking) -> String {
    let head = table::pairs(&[
        (shell.word(Word::Dispatch), t.dispatch.to_string()),
        (shell.word(Word::From), t.originator.to_string()),
        (shell.word(Word::Reference), t.reference.to_string()),
        (shell.word(Word::Subject), t.subject.clone().unwrap_or_default()),
    ]);
    [head, show::legs(shell, &t.legs), show::evidence(shell, &t.evidence)].join("\n")
}

/// One row for each piece of evidence.
fn sheet(found: &[Tracking]) -> Sheet {
    let mut sheet = Sheet::new(&[
        ("dispatch", Word::Dispatch),
        ("originator", Word::From),
        ("recipient", Word::To),
        ("event", Word::Event),
        ("at", Word::Time),
        ("node", Word::SaidBy),
        ("leaf", Word::Leaf),
        ("authorised", Word::State),
        ("code", Word::Reason),
        ("remark", Word::Remark),
    ]);
    for t in found {
        for e in &t.evidence {
            sheet.row([
                Cell::of(t.dispatch),
                Cell::of(&t.originator),
                Cell::maybe(e.recipient.as_ref()),
                Cell::of(e.event),
                Cell::Time(e.at.0),
                Cell::of(&e.node),
                Cell::Count(e.index),
                Cell::of(e.authorised),
                Cell::maybe(e.code),
                Cell::maybe(e.remark.as_ref()),
            ]);
        }
    }
    sheet
}
