//! `tram dispatch`: sealing, handing in and following.

mod acts;
mod documents;
mod list;
mod metadata;
mod seal;
mod send;
pub(crate) mod submit;
pub(crate) mod track;
mod void;

use clap::Subcommand;
use tram_api::model::Accepted;

pub(crate) use documents::{Local, progress, upload_all};

use super::shell::Shell;
use super::show;
use super::texts::Word;
use super::{DONE, Done, group, types};

#[derive(Subcommand)]
pub(crate) enum Command {
    Seal(seal::SealArgs),
    Submit(submit::SubmitArgs),
    Send(send::SendArgs),
    Track(track::TrackArgs),
    List(list::ListArgs),
    Void(void::VoidArgs),
}

/// Runs the command.
pub(crate) fn run(shell: &Shell, command: Command) -> Done {
    match command {
        Command::Seal(args) => seal::run(shell, args),
        Command::Submit(args) => submit::run(shell, &args),
        Command::Send(args) => send::run(shell, args),
        Command::Track(args) => track::run(shell, &args),
        Command::List(args) => list::run(shell, &args),
        Command::Void(args) => void::run(shell, args),
    }
}

/// With more legs than this only their counts are shown; `tram track` has every one.
const LEGS_SHOWN_MAX: usize = 50;

/// Shows that the node has custody.
pub(crate) fn accepted(shell: &Shell, accepted: &Accepted) -> Done {
    shell.answer(accepted, || {
        let word = if accepted.repeat { Word::AcceptedBefore } else { Word::Accepted };
        let (id, reference) = (accepted.dispatch.to_string(), accepted.reference.to_string());
        let text = shell.sentence(word, &[&reference, &id, &shell.time(accepted.accepted_at.0)]);
        let legs = match accepted.legs.len() {
            0..=LEGS_SHOWN_MAX => show::legs(shell, &accepted.legs),
            _ => group::legs_in_short(shell, &accepted.legs),
        };
        match &accepted.expanded {
            Some(e) => {
                let means = [e.groups.as_str(), &e.recipients.to_string()];
                format!("{text}\n{}\n{legs}", shell.sentence(Word::Expanded, &means))
            }
            None => format!("{text}\n{legs}"),
        }
    })?;
    let left_out = accepted.expanded.as_ref();
    if let Some(out) = left_out.and_then(|e| group::left_out(shell, e.left_out_count, &e.left_out))
    {
        shell.note(out);
    }
    if !accepted.same_number.is_empty() {
        let (id, others) = (accepted.dispatch.to_string(), show::some_of(&accepted.same_number));
        shell.note(shell.sentence(Word::SameNumber, &[&id, &others]));
    }
    types::note(shell, &accepted.dispatch.to_string(), &accepted.type_remarks);
    Ok(DONE)
}
