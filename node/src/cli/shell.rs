//! What a command has around it: language, output, and the way to the node.

use std::env;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;

use clap::ValueEnum;
use serde::Serialize;
use tram_api::Language;
use tram_dispatch::{Code, UnixMillis};

use super::clock;
use super::failure::Failure;
use super::remote::Remote;
use super::texts::Word;

/// A language of the words for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lang {
    /// English.
    En,
    /// Vietnamese.
    Vi,
}

/// The surroundings of one command.
#[derive(Debug)]
pub(crate) struct Shell {
    /// Whether programs read the answer.
    pub(crate) json: bool,
    /// Language for people.
    pub(crate) language: Language,
    /// `--socket`.
    pub(crate) socket: Option<PathBuf>,
    /// `--config`.
    pub(crate) config: Option<PathBuf>,
    /// `--url`: the node is on another machine.
    pub(crate) remote: Remote,
}

impl Shell {
    /// From the global options and the environment.
    pub(crate) fn new(
        json: bool,
        lang: Option<Lang>,
        socket: Option<PathBuf>,
        config: Option<PathBuf>,
    ) -> Self {
        let variables = ["LC_ALL", "LC_MESSAGES", "LANG"];
        let locale = variables.iter().find_map(|v| env::var(v).ok().filter(|l| !l.is_empty()));
        let language = language(lang, locale.as_deref());
        Shell { json, language, socket, config, remote: Remote::default() }
    }

    /// A word in the language.
    pub(crate) fn word(&self, word: Word) -> &'static str {
        word.text(self.language)
    }

    /// A sentence in the language with its particulars in the places marked `{}`.
    pub(crate) fn sentence(&self, word: Word, values: &[&str]) -> String {
        word.filled(self.language, values)
    }

    /// A particular inside an answer: programs get it in English, whatever the language.
    pub(crate) fn particular(&self, word: Word, values: &[&str]) -> String {
        let language = if self.json { Language::English } else { self.language };
        word.filled(language, values)
    }

    /// A moment with seconds: by the clocks of Vietnam for who reads Vietnamese, else UTC.
    pub(crate) fn time(&self, at: UnixMillis) -> String {
        if self.by_local_time() { clock::shown_in_vietnam(at) } else { clock::shown(at) }
    }

    /// As [`Shell::time`], to the millisecond.
    pub(crate) fn exact_time(&self, at: UnixMillis) -> String {
        if self.by_local_time() { clock::exact_in_vietnam(at) } else { at.to_string() }
    }

    fn by_local_time(&self) -> bool {
        !self.json && self.language == Language::Vietnamese
    }

    /// Prints to standard output. A reader that went away (`| head`) is no failure.
    ///
    /// # Errors
    /// `UNREADABLE` when standard output takes nothing, for example on a full disk.
    pub(crate) fn say(&self, text: impl AsRef<str>) -> Result<(), Failure> {
        let text = text.as_ref();
        let mut out = io::stdout().lock();
        let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
        match out.write_all(text.as_bytes()).and_then(|()| out.write_all(end.as_bytes())) {
            Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::new(Code::Unreadable, format!("standard output: {e}")))
            }
            _ => Ok(()),
        }
    }

    /// Prints the value as JSON for programs, else the text for people.
    ///
    /// # Errors
    /// As [`Shell::say`].
    pub(crate) fn answer<T: Serialize>(
        &self,
        value: &T,
        people: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        if !self.json {
            return self.say(people());
        }
        let text = serde_json::to_string_pretty(value)
            .map_err(|e| Failure::new(Code::Internal, format!("cannot write JSON: {e}")))?;
        self.say(text)
    }

    /// A remark for people on standard error; nothing where a program reads.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        if !self.json {
            let _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
        }
    }

    /// Prints a failure to standard error, in JSON for programs.
    pub(crate) fn complain(&self, failure: &Failure) {
        let text = if self.json {
            let document = failure.document(self.language);
            serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
        } else {
            failure.lines(self.language)
        };
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// Whether a person watches standard error, so that progress may be drawn there.
    pub(crate) fn draws_progress(&self) -> bool {
        !self.json && io::stderr().is_terminal()
    }
}

/// The option decides, then the locale.
fn language(option: Option<Lang>, locale: Option<&str>) -> Language {
    match option {
        Some(Lang::Vi) => Language::Vietnamese,
        Some(Lang::En) => Language::English,
        None if locale.is_some_and(|l| {
            l == "vi" || l.starts_with("vi_") || l.starts_with("vi-") || l.starts_with("vi.")
        }) =>
        {
            Language::Vietnamese
        }
        None => Language::English,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_who_read_vietnamese_see_their_clock_and_programs_see_utc() {
        let at = UnixMillis(1_795_219_200_123);
        let shell = |json, lang| Shell::new(json, Some(lang), None, None);
        assert_eq!(shell(false, Lang::Vi).time(at), "2026-11-21 07:00:00+07");
        assert_eq!(shell(false, Lang::En).time(at), "2026-11-21 00:00:00Z");
        let program = shell(true, Lang::Vi);
        assert_eq!(program.time(at), "2026-11-21 00:00:00Z");
        assert_eq!(program.exact_time(at), "2026-11-21T00:00:00.123Z");
        assert_eq!(program.particular(Word::Agency, &[]), "agency");
    }

    #[test]
    fn the_option_goes_before_the_locale() {
        assert_eq!(language(None, Some("vi_VN.UTF-8")), Language::Vietnamese);
        assert_eq!(language(Some(Lang::En), Some("vi_VN")), Language::English);
        assert_eq!(language(Some(Lang::Vi), Some("C")), Language::Vietnamese);
        for locale in [None, Some("C"), Some("vic_US"), Some("en_US.UTF-8")] {
            assert_eq!(language(None, locale), Language::English, "{locale:?}");
        }
    }
}
