//! Documents, wherever they lie, and who uses them.

use super::{StoreError, StoreReader};
use crate::documents::DocumentReader;
use crate::index::{IndexError, keys};
use std::sync::Arc;
use tram_dispatch::{Digest, DispatchId};
use tram_engine::record::Record;

/// Entries looked at in one step when a document is used by many dispatches.
const STEP: usize = 256;
/// Copies of a document in the journal that are tried when the first cannot be read.
const COPIES_MAX: usize = 8;
/// Copies of which it is known that there are any.
const COPIES_LISTED_MAX: usize = 65_536;

/// A document's bytes.
#[derive(Clone, Debug)]
pub enum Document {
    /// It rides in the journal.
    Inline(Arc<[u8]>),
    /// It is a file.
    File(DocumentReader),
}

/// One dispatch that brought a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentUse {
    /// The dispatch.
    pub dispatch: DispatchId,
    /// Whether the document is kept as a file for it.
    pub file: bool,
    /// Whether something is left to do for the dispatch.
    pub open: bool,
}

impl StoreReader {
    /// The bytes of a document that rides in the journal; `None` if no dispatch brought it inline.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn inline_document(&self, digest: &Digest) -> Result<Option<Arc<[u8]>>, StoreError> {
        let prefix = keys::document(digest);
        let mut found = Vec::new();
        self.walk_uses(digest, |key, form, _| {
            if form == keys::FORM_INLINE {
                found.extend(keys::position_of(key, prefix.len()));
            }
            found.len() < COPIES_LISTED_MAX
        })?;
        let (mut damaged, mut unreadable) = (None, 0);
        // The newest first: of old ones the documents may have been removed.
        for at in found.into_iter().rev() {
            match self.lookup.record(at) {
                Ok(Record::Held(held)) => {
                    if let Some((_, bytes)) = held.inline.into_iter().find(|(d, _)| d == digest) {
                        return Ok(Some(bytes));
                    }
                }
                Ok(_) => {}
                // Another dispatch may have brought it as well, or the same one again.
                Err(e) => {
                    damaged.get_or_insert(e);
                    unreadable += 1;
                    if unreadable == COPIES_MAX {
                        break;
                    }
                }
            }
        }
        damaged.map_or(Ok(None), |e| Err(e.into()))
    }

    /// A document, wherever it lies; `None` if this store has no bytes of it.
    ///
    /// That the caller may have it is for the caller to know: see [`StoreReader::document_uses`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn document(&self, digest: &Digest) -> Result<Option<Document>, StoreError> {
        if let Some(bytes) = self.inline_document(digest)? {
            return Ok(Some(Document::Inline(bytes)));
        }
        match self.documents().open_read(digest.as_bytes()) {
            Ok(reader) => Ok(Some(Document::File(reader))),
            Err(crate::documents::DocumentError::NotStored { .. }) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Up to `max` dispatches that brought a document, oldest first. A document is only for the
    /// parties of these.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn document_uses(
        &self,
        digest: &Digest,
        max: usize,
    ) -> Result<Vec<DocumentUse>, StoreError> {
        let mut uses = Vec::new();
        self.walk_uses(digest, |_, form, dispatch| {
            if uses.len() < max {
                let (file, open) = (form == keys::FORM_FILE, self.is_open(&dispatch));
                uses.push(DocumentUse { dispatch, file, open });
            }
            uses.len() < max
        })?;
        Ok(uses)
    }

    /// Whether an open dispatch needs the document's file.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn document_in_use(&self, digest: &Digest) -> Result<bool, StoreError> {
        let mut used = false;
        self.walk_uses(digest, |_, form, dispatch| {
            used = form == keys::FORM_FILE && self.is_open(&dispatch);
            !used
        })?;
        Ok(used)
    }

    /// Shows key, form and dispatch of each use until `go_on` says no.
    pub(super) fn walk_uses(
        &self,
        digest: &Digest,
        mut go_on: impl FnMut(&[u8], u8, DispatchId) -> bool,
    ) -> Result<(), StoreError> {
        let mut from = keys::document(digest);
        let end = keys::behind(&from);
        loop {
            let page = self.lookup.kv.page(&from, &end, STEP)?;
            for (key, value) in &page {
                let Some((form, Ok(id))) = value.split_first().map(|(f, id)| (*f, id.try_into()))
                else {
                    return Err(IndexError::damaged("the entry of a document").into());
                };
                if !go_on(key, form, DispatchId(id)) {
                    return Ok(());
                }
            }
            match page.last() {
                Some((key, _)) if page.len() == STEP => from = [key, &[0][..]].concat(),
                _ => return Ok(()),
            }
        }
    }
}
