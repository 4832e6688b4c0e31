//! Documents whose time is over: what is closed since when, what was removed, and removing it.
//!
//! The decision is the engine's, and its evidence is durable first. What happens here can be repeated at
//! any time: it looks at that evidence and takes away what it names, unless another dispatch keeps it.

use super::listing::{Cursor, PAGE_MAX, Page, Span, by_time};
use super::{StoreError, StoreReader};
use crate::documents::DocumentError;
use crate::index::{IndexError, keys};
use crate::journal::Position;
use crate::records::{kind, without_documents};
use std::collections::{BTreeMap, BTreeSet};
use tram_dispatch::{Digest, DispatchId, Event, UnixMillis};
use tram_engine::record::Record;

/// A moment when nothing was left to do for a dispatch. It may have been taken up again since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosedItem {
    /// Its place. Its time is that of the newest signed root then.
    pub cursor: Cursor,
    /// The dispatch.
    pub dispatch: DispatchId,
    /// It was not closed again later.
    pub newest: bool,
}

/// A removal of documents, as this node put it on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovalItem {
    /// Its place.
    pub cursor: Cursor,
    /// The dispatch.
    pub dispatch: DispatchId,
    /// The documents.
    pub documents: Vec<Digest>,
}

/// What became of the documents of one removal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Files that are gone now.
    pub files: u64,
    /// Files that stay, since another dispatch keeps them.
    pub kept: u64,
    /// Places in the journal where documents still ride: to be written anew.
    pub riding: Vec<Position>,
}

impl Cursor {
    /// The time of the entry, where the listing sorts by time.
    #[must_use]
    pub fn time(&self) -> UnixMillis {
        self.time
    }
}

impl StoreReader {
    /// Dispatches that were closed before a time, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn closed(
        &self,
        before: UnixMillis,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<ClosedItem>, StoreError> {
        let span = Span { from: None, to: Some(before), after };
        let closed = |cursor, record| match record {
            Record::Closed(dispatch) => Some(ClosedItem { cursor, dispatch, newest: false }),
            _ => None,
        };
        let mut page = self.listed(&span, keys::CLOSED_EVENT, limit, closed)?;
        for item in &mut page.items {
            let history = self.lookup.history(&item.dispatch)?;
            let last = history.iter().rev().find(|(_, k)| u16::from(*k) == kind::CLOSED);
            item.newest = last.is_some_and(|(at, _)| *at == item.cursor.position);
        }
        Ok(page)
    }

    /// Removals of documents on record, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn removals(
        &self,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<RemovalItem>, StoreError> {
        let span = Span { after, ..Span::default() };
        let event = keys::listed(Event::DocumentsRemoval);
        self.listed(&span, event, limit, |cursor, record| {
            let removal = match record {
                Record::Evidence(own) => own.evidence,
                Record::Earlier(own) => own.evidence,
                // What another node says of itself.
                other => {
                    let documents = Vec::new();
                    return other.dispatch().map(|d| RemovalItem {
                        cursor,
                        dispatch: d,
                        documents,
                    });
                }
            };
            let documents = removal.removal.map(|r| r.documents).unwrap_or_default();
            Some(RemovalItem { cursor, dispatch: removal.dispatch, documents })
        })
    }

    fn listed<T>(
        &self,
        span: &Span,
        event: u8,
        limit: usize,
        item: impl Fn(Cursor, Record) -> Option<T>,
    ) -> Result<Page<T>, StoreError> {
        let limit = limit.clamp(1, PAGE_MAX);
        let found = by_time(&self.lookup.kv, span, 2, |time| keys::event(event, time), limit)?;
        let mut items = Vec::with_capacity(found.len());
        for (cursor, _) in &found {
            let item = item(*cursor, self.lookup.record(cursor.position)?);
            let elsewhere = || IndexError::damaged("a listed record leads elsewhere");
            items.push(item.ok_or_else(elsewhere)?);
        }
        let next = if found.len() == limit { found.last().map(|(c, _)| *c) } else { None };
        Ok(Page { items, next })
    }

    /// Whether the documents of a dispatch were removed, by a removal on record after it was last taken.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn documents_removed(&self, dispatch: &DispatchId) -> Result<bool, StoreError> {
        let Some(removed) = self.last_removal(dispatch)? else { return Ok(false) };
        let held = self.held_places(dispatch)?;
        Ok(held.last().is_none_or(|held| *held < removed))
    }

    fn last_removal(&self, dispatch: &DispatchId) -> Result<Option<Position>, StoreError> {
        let prefix = keys::removals(dispatch);
        let all = self.lookup.kv.all(&prefix)?;
        let last = all.last().map(|(key, _)| keys::position_of(key, prefix.len()));
        let bad = || IndexError::damaged("an entry of a removal cannot be read");
        Ok(last.map(|at| at.ok_or_else(bad)).transpose()?)
    }

    /// Where custody of a dispatch began, each time.
    fn held_places(&self, dispatch: &DispatchId) -> Result<Vec<Position>, StoreError> {
        let history = self.lookup.history(dispatch)?;
        let held = history.into_iter().filter(|(_, k)| u16::from(*k) == kind::HELD);
        Ok(held.map(|(at, _)| at).collect())
    }

    /// Whether the file of a document is to stay: a dispatch that brought it is open, or closed and not yet
    /// removed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn document_kept(&self, digest: &Digest) -> Result<bool, StoreError> {
        let mut uses = BTreeSet::new();
        self.walk_uses(digest, |_, form, dispatch| {
            if form == keys::FORM_FILE {
                uses.insert(dispatch);
            }
            true
        })?;
        for dispatch in uses {
            if self.is_open(&dispatch) || !self.documents_removed(&dispatch)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes away what a removal on record names: files at once and durably; says what rides in the journal.
    /// Documents of a dispatch that was taken anew after the removal stay. `claim` is asked for each file
    /// just before it goes, and `false` lets it stay (somebody is about to need it).
    ///
    /// # Errors
    /// [`StoreError`]; what was done stays done, and doing it again does the rest.
    pub fn erase(
        &self,
        removal: &RemovalItem,
        mut claim: impl FnMut(&Digest) -> bool,
        mut gone: impl FnMut(&Digest),
    ) -> Result<Erased, StoreError> {
        let mut erased = Erased::default();
        for digest in &removal.documents {
            if !self.documents().contains(digest.as_bytes())? {
                // Perhaps gone already, and not durably.
                self.documents().sync_removal(digest.as_bytes())?;
                continue;
            }
            if self.document_kept(digest)? || !claim(digest) {
                erased.kept += 1;
                continue;
            }
            let removed = match self.documents().remove(digest.as_bytes()) {
                Ok(()) => {
                    erased.files += 1;
                    Ok(())
                }
                Err(DocumentError::NotStored { .. }) => Ok(()),
                Err(e) => Err(e),
            };
            gone(digest);
            removed?;
            self.documents().sync_removal(digest.as_bytes())?;
        }
        for at in self.held_places(&removal.dispatch)? {
            if at < removal.cursor.position
                && let Record::Held(held) = self.lookup.record(at)?
                && !held.inline.is_empty()
            {
                erased.riding.push(at);
            }
        }
        Ok(erased)
    }

    /// Writes the segments of the journal anew in which these documents ride, without them, as far as those
    /// segments no longer grow. Gives the places that are left. One caller at a time.
    ///
    /// # Errors
    /// [`StoreError`]; segments before the failing one are done.
    pub fn strip(&self, riding: &BTreeSet<Position>) -> Result<Vec<Position>, StoreError> {
        let mut segments: BTreeMap<u64, BTreeMap<Position, Vec<u8>>> = BTreeMap::new();
        for at in riding {
            if let Some(body) =
                without_documents(&self.journal().read(*at)?).map_err(IndexError::from)?
            {
                segments.entry(at.segment).or_default().insert(*at, body);
            }
        }
        let mut left = Vec::new();
        for (segment, bodies) in segments {
            if !self.journal().rewrite(segment, &bodies)? {
                left.extend(bodies.into_keys());
            }
        }
        Ok(left)
    }
}
