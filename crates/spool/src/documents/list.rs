//! Walking all documents.

use super::DOCUMENTS_DIR;
use super::error::DocumentError;
use super::store::document_path;
use crate::disk::{Disk, DiskError, EntryKind};
use std::sync::Arc;

/// A file in the directory of documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListedDocument {
    /// A document; its bytes are not checked by listing it.
    Document([u8; 32]),
    /// Something the store did not put there, by its path. Reported, never removed.
    Stray(String),
}

/// An iterator over the documents, in the order of their digests. Documents that are stored or
/// removed meanwhile may or may not be seen.
#[derive(Debug)]
pub struct DocumentList {
    disk: Arc<dyn Disk>,
    /// Directories and entries still to be visited, next one last.
    stack: Vec<(String, EntryKind, usize)>,
}

/// Levels of directories above the documents.
const FAN_OUT_LEVELS: usize = 2;

impl DocumentList {
    pub(super) fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk, stack: vec![(DOCUMENTS_DIR.to_owned(), EntryKind::Dir, 0)] }
    }

    fn enter(&mut self, dir: &str, level: usize) -> Result<(), DiskError> {
        let entries = match self.disk.list(dir) {
            Err(e) if e.is_not_found() => return Ok(()),
            other => other?,
        };
        for entry in entries.into_iter().rev() {
            self.stack.push((format!("{dir}/{}", entry.name), entry.kind, level + 1));
        }
        Ok(())
    }
}

impl Iterator for DocumentList {
    type Item = Result<ListedDocument, DocumentError>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some((path, kind, level)) = self.stack.pop() {
            if kind == EntryKind::Dir && level <= FAN_OUT_LEVELS {
                match self.enter(&path, level) {
                    Ok(()) => continue,
                    Err(DiskError::BadPath { path }) => {
                        return Some(Ok(ListedDocument::Stray(path)));
                    }
                    Err(e) => return Some(Err(e.into())),
                }
            }
            let digest = path.rsplit('/').next().and_then(parse_digest);
            return Some(Ok(match digest {
                Some(digest) if kind == EntryKind::File && document_path(&digest) == path => {
                    ListedDocument::Document(digest)
                }
                _ => ListedDocument::Stray(path),
            }));
        }
        None
    }
}

fn parse_digest(name: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if name.len() != 64 || !name.is_ascii() {
        return None;
    }
    for (byte, at) in digest.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&name[at..at + 2], 16).ok()?;
    }
    Some(digest)
}
