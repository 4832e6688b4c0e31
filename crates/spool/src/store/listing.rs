//! Listings by time: pages, cursors, bounded work.

use crate::index::kv::{Entries, Kv};
use crate::index::{IndexError, keys};
use crate::journal::Position;
use std::fmt;
use std::str::FromStr;
use tram_dispatch::UnixMillis;
use tram_dispatch::id::{hex, unhex};

/// Most items in a page.
pub const PAGE_MAX: usize = 500;
/// Most index entries looked at for one page. A page that ends so may have few items or none, and
/// still says where to go on.
pub(super) const ENTRIES_PER_PAGE_MAX: usize = 10_000;

/// One page of a listing.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The items, oldest first.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
}

/// A place in a listing. To others it is an opaque text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    pub(super) time: UnixMillis,
    pub(super) position: Position,
}

/// A text that is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of a listing")]
pub struct BadCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.time.0.to_be_bytes()[..], &self.position.to_bytes()].concat();
        f.write_str(&hex(&bytes))
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;
    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let bytes = unhex(text).ok_or(BadCursor)?;
        let (time, position) = bytes.split_first_chunk::<8>().ok_or(BadCursor)?;
        let position = position.try_into().map_err(|_| BadCursor)?;
        Ok(Cursor {
            time: UnixMillis(u64::from_be_bytes(*time)),
            position: Position::from_bytes(position),
        })
    }
}

/// From when to when, and after what.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    pub(super) from: Option<UnixMillis>,
    /// Not included.
    pub(super) to: Option<UnixMillis>,
    pub(super) after: Option<Cursor>,
}

/// Reads up to `max` entries of a table that sorts by time and position behind `prefix(time)`,
/// which has the length `prefix_len` before the time.
pub(super) fn by_time(
    kv: &Kv,
    span: &Span,
    prefix_len: usize,
    prefix: impl Fn(UnixMillis) -> Vec<u8>,
    max: usize,
) -> Result<Vec<(Cursor, Vec<u8>)>, IndexError> {
    let from = span.from.unwrap_or_default();
    let start = match span.after {
        // The key of the cursor itself is left out by one more byte.
        Some(after) if after.time >= from => {
            let mut key = keys::at(prefix(after.time), after.position);
            key.push(0);
            key
        }
        _ => prefix(from),
    };
    let end = match span.to {
        Some(to) => prefix(to),
        None => keys::behind(&start[..prefix_len]),
    };
    let entries: Entries = kv.page(&start, &end, max)?;
    entries
        .into_iter()
        .map(|(key, value)| match keys::moment_of(&key, prefix_len) {
            Some((time, position)) => Ok((Cursor { time, position }, value)),
            None => Err(IndexError::damaged("an entry of a listing cannot be read")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_texts() {
        let position = Position { segment: 3, offset: 700, record: 9 };
        let cursor = Cursor { time: UnixMillis(77), position };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in ["", "00", "zz", &"0".repeat(58)] {
            assert_eq!(bad.parse::<Cursor>(), Err(BadCursor));
        }
    }
}
