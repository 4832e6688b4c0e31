//! Why a command did not do what it was asked, with a row of the one table of codes.

use std::fmt;
use std::path::Path;

use tram_api::problem::ProblemDocument;
use tram_api::{ClientError, Language, Problem};
use tram_config::ConfigErrors;
use tram_dispatch::Code;
use tram_dispatch::text::escaped;
use tram_pki::PkiError;
use tram_trust::{Cause, Refusal};
use tram_wire::WireError;

use super::table;
use super::texts::Word;

/// A failure: found here, or told by the node.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Found by the command itself.
    Own(Code, String),
    /// The call to the node gave it.
    Told(ClientError),
}

impl Failure {
    /// A failure with its particulars; several lines are kept apart.
    pub(crate) fn new(code: Code, detail: impl fmt::Display) -> Self {
        Failure::Own(code, detail.to_string())
    }

    /// Wrong use of a command.
    pub(crate) fn usage(detail: impl fmt::Display) -> Self {
        Self::new(Code::BadRequest, detail)
    }

    /// A file that is not what it should be.
    pub(crate) fn unreadable(path: &Path, detail: impl fmt::Display) -> Self {
        Self::new(Code::Unreadable, format!("{}: {detail}", path.display()))
    }

    /// The same failure, saying of what.
    pub(crate) fn about(self, what: impl fmt::Display) -> Self {
        match self {
            Failure::Own(code, detail) => Failure::Own(code, format!("{what}: {detail}")),
            told @ Failure::Told(_) => told,
        }
    }

    /// Its row.
    pub(crate) fn code(&self) -> Code {
        match self {
            Failure::Own(code, _) => *code,
            Failure::Told(error) => error.code(),
        }
    }

    /// It in words: cause and remedy in the language, the detail in English.
    pub(crate) fn document(&self, language: Language) -> ProblemDocument {
        match self {
            Failure::Told(error) => error.document(language),
            Failure::Own(code, detail) => {
                let mut document = Problem::new(*code, "").document(language);
                let lines: Vec<String> = detail.split('\n').map(escaped).collect();
                document.detail = lines.join("\n");
                document
            }
        }
    }

    /// The lines for people.
    pub(crate) fn lines(&self, language: Language) -> String {
        let d = self.document(language);
        let word = |w: Word| w.text(language);
        let mut items = vec![
            (word(Word::Cause), d.title),
            (word(Word::Detail), d.detail),
            (word(Word::Remedy), d.remedy),
        ];
        if let Some(seconds) = d.retry_after_s {
            items.push((word(Word::RetryAfter), format!("{seconds} s")));
        }
        items.retain(|(_, value)| !value.is_empty());
        let body = table::pairs(&items);
        let indented: String = body.lines().map(|line| format!("  {line}\n")).collect();
        format!("tram: {}\n{indented}", escaped(&d.code))
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Failure::Told(error)
    }
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        Failure::new(error.code, error.detail)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Failure::new(refusal.code, refusal.detail)
    }
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        Failure::new(cause.code, cause.detail)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Failure::new(problem.code, problem.detail)
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Failure::new(Code::ConfigInvalid, errors)
    }
}

impl From<PkiError> for Failure {
    fn from(error: PkiError) -> Self {
        use PkiError as E;
        let code = match &error {
            E::OutsideConstraints { .. } => Code::CertificateNameConstraint,
            E::KeyNotAccepted(_) | E::PrivateKey => Code::AlgorithmRefused,
            E::File { .. } | E::Format { .. } | E::TooLarge { .. } => Code::Unreadable,
            E::RequestSignature
            | E::KeyMismatch
            | E::NotInProfile(_)
            | E::NotAuthority(..)
            | E::ChainOrder(_)
            | E::ChainLength(_)
            | E::NameCount(_)
            | E::NameForm(_)
            | E::Wildcard(_) => Code::CertificateInvalid,
            E::Entropy(_) | E::Encode(_) => Code::Internal,
            _ => Code::BadRequest,
        };
        Failure::new(code, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_code_cause_detail_and_remedy_in_the_language_asked_for() {
        let failure = Failure::new(Code::ReferenceReused, "H41 used \"1/CT\"\u{1b}[31m before");
        let english = failure.lines(Language::English);
        assert!(english.starts_with("tram: REFERENCE_REUSED\n  cause   "), "{english}");
        assert!(english.contains("  detail  H41 used \"1/CT\"\\u{1b}[31m before\n"), "{english}");
        assert!(english.contains("  remedy  "), "{english}");
        let vietnamese = failure.lines(Language::Vietnamese);
        assert!(vietnamese.contains("nguyên nhân  ") && vietnamese.contains("cách xử lý   "));
        assert!(vietnamese.contains(Code::ReferenceReused.row().cause_vi));
    }

    #[test]
    fn several_lines_stay_apart_and_codes_give_exit_statuses() {
        let failure = Failure::new(Code::ConfigInvalid, "a: one\nb: two");
        assert!(failure.lines(Language::English).contains("  detail  a: one\n          b: two\n"));
        let exits = [
            (Failure::usage("x"), 2),
            (Failure::new(Code::NodeUnreachable, "x"), 5),
            (Failure::new(Code::StoreCorrupt, "x"), 4),
            (Failure::new(Code::Busy, "x"), 3),
            (Failure::new(Code::SignatureInvalid, "x"), 1),
        ];
        for (failure, exit) in exits {
            assert_eq!(failure.code().row().exit, exit);
        }
    }
}
