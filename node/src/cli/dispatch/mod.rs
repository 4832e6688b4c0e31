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
use super::{DONE, Done};

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

/// Shows that the node has custody.
pub(crate) fn accepted(shell: &Shell, accepted: &Accepted) -> Done {
    shell.answer(accepted, || {
        let word = if accepted.repeat { Word::AcceptedBefore } else { Word::Accepted };
        let (id, reference) = (accepted.dispatch.to_string(), accepted.reference.to_string());
        let text = shell.sentence(word, &[&reference, &id, &shell.time(accepted.accepted_at.0)]);
        format!("{text}\n{}", show::legs(shell, &accepted.legs))
    })?;
    if !accepted.same_number.is_empty() {
        let (id, others) = (accepted.dispatch.to_string(), show::some_of(&accepted.same_number));
        shell.note(shell.sentence(Word::SameNumber, &[&id, &others]));
    }
    Ok(DONE)
}
