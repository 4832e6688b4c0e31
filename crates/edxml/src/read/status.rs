//! `StatusCode`.

use std::io::BufRead;

use tram_dispatch::Status;

use crate::fault::{EdxmlError, Fault};
use crate::xml::Pull;

/// Two digits; one is read as well.
pub(super) fn code<R: BufRead>(pull: &mut Pull<R>) -> Result<Status, EdxmlError> {
    pull.value(|text| {
        let plain = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let number = if plain { text.parse().ok() } else { None };
        number
            .and_then(Status::from_number)
            .ok_or_else(|| Fault::value("a status of 01 to 06, 13, 15 or 16 belongs here", text))
    })
}
