//! Reading one document.

use super::error::DocumentError;
use crate::disk::{DiskFile, read_full};
use std::sync::Arc;

/// An open document. It may be read from several threads; it stays readable if the document is
/// replaced or, on a real disk, removed meanwhile.
#[derive(Clone, Debug)]
pub struct DocumentReader {
    file: Arc<dyn DiskFile>,
    len_bytes: u64,
}

impl DocumentReader {
    pub(super) fn new(file: Arc<dyn DiskFile>) -> Result<Self, DocumentError> {
        let len_bytes = file.len_bytes()?;
        Ok(Self { file, len_bytes })
    }

    /// Its length.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    /// Fills `buf` from `offset` on, as far as the document goes; returns the bytes read, which
    /// are fewer than `buf.len()` only at the end.
    pub fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize, DocumentError> {
        Ok(read_full(&*self.file, offset, buf)?)
    }

    /// The bytes from `offset` on in chunks of up to `chunk_bytes`.
    pub fn chunks(
        &self,
        offset: u64,
        chunk_bytes: usize,
    ) -> impl Iterator<Item = Result<Vec<u8>, DocumentError>> + use<> {
        let reader = self.clone();
        let mut at = Some(offset);
        std::iter::from_fn(move || {
            let from = at?;
            let left = reader.len_bytes.saturating_sub(from).min(chunk_bytes as u64);
            let mut chunk = vec![0; left as usize];
            let read = reader.read_at(from, &mut chunk);
            at = match read {
                Ok(n) if n > 0 => Some(from + n as u64),
                _ => None,
            };
            match read {
                Ok(0) => None,
                Ok(n) => {
                    chunk.truncate(n);
                    Some(Ok(chunk))
                }
                Err(e) => Some(Err(e)),
            }
        })
    }

    pub(super) fn into_file(self) -> Arc<dyn DiskFile> {
        self.file
    }
}
