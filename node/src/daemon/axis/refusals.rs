//! What the node refuses, in the numbers of the axis.

use tram_api::Problem;
use tram_axis::{Number, Refusal};
use tram_dispatch::Code;

use super::super::core::Stopping;

/// A problem of the service. Of what is wrong with the node itself nothing is told but its code.
pub(super) fn of_problem(problem: Problem) -> Refusal {
    let number = number(problem.code);
    let row = problem.code.row();
    let text = match number {
        Number::System => {
            tracing::debug!(code = %problem.code, detail = problem.detail, "axis: the node refuses");
            format!("{}: {}", problem.code, row.cause)
        }
        _ => format!("{}: {}", problem.code, problem.detail),
    };
    let refusal = Refusal::new(number, text);
    match problem.retry_after_s {
        Some(seconds) => refusal.retry_after(seconds),
        None => refusal,
    }
}

fn number(code: Code) -> Number {
    match code {
        Code::RecipientUnknown | Code::NoRoute => Number::Recipient,
        Code::AgencyClosed => Number::Locked,
        Code::OriginatorNotHere
        | Code::OriginatorMismatch
        | Code::SealingDisabled
        | Code::NotAuthorised => Number::Sender,
        Code::EdxmlMalformed
        | Code::EdxmlUnsupported
        | Code::SecretRefused
        | Code::Malformed
        | Code::TooLarge
        | Code::ReferenceReused
        | Code::BadRequest => Number::Nonconforming,
        Code::DocumentDigestMismatch | Code::DocumentMissing | Code::WrongState => {
            Number::Processing
        }
        _ => Number::System,
    }
}

/// A refusal of this door, or a problem of the service.
pub(super) enum Answer {
    Refusal(Refusal),
    Problem(Problem),
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        Answer::Problem(problem)
    }
}

/// The node is stopping, or its store waits.
pub(super) fn of_stopping(stopping: Stopping) -> Refusal {
    of_problem(stopping.into())
}

/// Something of the node failed.
pub(super) fn broken(error: impl std::fmt::Display) -> Refusal {
    tracing::error!(%error, "axis");
    Refusal::system("the node failed on this request")
}

/// What is not there, or not this account's.
pub(super) fn unknown() -> Refusal {
    Refusal::system("no such document for this system")
}
