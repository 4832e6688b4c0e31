//! Fields: once each, with the values they can have.

use std::io::BufRead;

use crate::fault::{EdxmlError, Fault};
use crate::values::{IssueDay, LocalTime};
use crate::xml::Pull;

/// The elements of one parent that may stand there once, as far as they were met.
#[derive(Default)]
pub(super) struct Seen(Vec<String>);

impl Seen {
    /// Notes the element opened last.
    ///
    /// # Errors
    /// [`Fault::Duplicate`].
    pub(super) fn once<R: BufRead>(
        &mut self,
        pull: &Pull<R>,
        word: &str,
    ) -> Result<(), EdxmlError> {
        if self.has(word) {
            return Err(pull.fail(Fault::Duplicate));
        }
        self.0.push(word.to_owned());
        Ok(())
    }

    pub(super) fn has(&self, word: &str) -> bool {
        self.0.iter().any(|w| w == word)
    }
}

/// Nothing, or the word that stands for it.
fn is_nothing(text: &str) -> bool {
    text.is_empty() || text == "null"
}

/// A number of at most `max`; nothing where there is none.
pub(super) fn number<R: BufRead>(
    pull: &mut Pull<R>,
    max: u16,
    expected: &'static str,
) -> Result<Option<u16>, EdxmlError> {
    pull.value(|text| {
        if is_nothing(text) {
            return Ok(None);
        }
        let plain = text.bytes().all(|b| b.is_ascii_digit());
        let number = if plain { text.parse::<u16>().ok() } else { None };
        match number.filter(|n| *n <= max) {
            Some(number) => Ok(Some(number)),
            None => Err(Fault::value(expected, text)),
        }
    })
}

/// `0` or `1`; nothing counts as 0.
pub(super) fn flag<R: BufRead>(pull: &mut Pull<R>) -> Result<bool, EdxmlError> {
    pull.value(|text| match text {
        "0" | "false" => Ok(false),
        "1" | "true" => Ok(true),
        text if is_nothing(text) => Ok(false),
        text => Err(Fault::value("0 or 1 belongs here", text)),
    })
}

/// A day, or nothing.
pub(super) fn day<R: BufRead>(pull: &mut Pull<R>) -> Result<Option<IssueDay>, EdxmlError> {
    pull.value(|text| match IssueDay::parse(text) {
        None if is_nothing(text) => Ok(None),
        None => Err(Fault::value("a day of the calendar as yyyy/MM/dd belongs here", text)),
        day => Ok(day),
    })
}

/// A moment, or nothing.
pub(super) fn moment<R: BufRead>(pull: &mut Pull<R>) -> Result<Option<LocalTime>, EdxmlError> {
    pull.value(|text| match LocalTime::parse(text) {
        None if is_nothing(text) => Ok(None),
        None => Err(Fault::value("a moment as yyyy/MM/dd HH:mm:ss belongs here", text)),
        moment => Ok(moment),
    })
}

/// Adds the value of the element opened last to a list, if it has one.
pub(super) fn item<R: BufRead>(
    pull: &mut Pull<R>,
    list: &mut Vec<String>,
) -> Result<(), EdxmlError> {
    room(pull, list.len())?;
    list.extend(pull.text()?);
    Ok(())
}

/// Whether a list that has so many entries takes one more.
pub(super) fn room<R: BufRead>(pull: &Pull<R>, len: usize) -> Result<(), EdxmlError> {
    let max = pull.limits().items_max;
    if len < max { Ok(()) } else { Err(pull.fail(Fault::large("items_max", max))) }
}

/// A list that holds nothing but elements of one name with a value.
pub(super) fn list<R: BufRead>(
    pull: &mut Pull<R>,
    word: &str,
    list: &mut Vec<String>,
) -> Result<(), EdxmlError> {
    pull.children(|pull, name| if name.word() == word { item(pull, list) } else { pull.skip() })
}
