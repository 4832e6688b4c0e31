//! Taking in one document.

use super::error::DocumentError;
use super::store::{Claim, Stored, document_dir, document_path, hex, staged_path};
use super::{SYNC_EVERY_BYTES, WRITE_BUFFER_BYTES};
use crate::disk::DiskFile;
use std::sync::Arc;
use tram_crypto::Sha256Stream;

/// An upload in progress. Dropped without [`DocumentWriter::finish`] or
/// [`DocumentWriter::suspend`], it removes what it wrote.
#[derive(Debug)]
pub struct DocumentWriter {
    claim: Claim,
    file: Arc<dyn DiskFile>,
    hash: Sha256Stream,
    buffer: Vec<u8>,
    /// Bytes in the file; those in the buffer come behind them.
    written: u64,
    synced: u64,
    broken: bool,
    keep: bool,
}

impl DocumentWriter {
    pub(super) fn new(
        claim: Claim,
        file: Arc<dyn DiskFile>,
        hash: Sha256Stream,
        written: u64,
    ) -> Self {
        let buffer = Vec::new();
        Self { claim, file, hash, buffer, written, synced: 0, broken: false, keep: false }
    }

    /// Bytes taken so far: where the next one belongs.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Takes the next bytes, of any number. More than was declared is refused.
    pub fn write(&mut self, chunk: &[u8]) -> Result<(), DocumentError> {
        if self.broken {
            return Err(DocumentError::Broken);
        }
        let declared_bytes = self.claim.declared_bytes;
        if chunk.len() as u64 > declared_bytes - self.len_bytes() {
            return Err(DocumentError::Overrun { declared_bytes });
        }
        self.hash.update(chunk);
        self.buffer.extend_from_slice(chunk);
        if self.buffer.len() >= WRITE_BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    /// Makes the document durable under its digest, if it is the one expected. When this returns
    /// `Ok`, it survives a power cut; on an error the upload is gone.
    pub fn finish(
        mut self,
        expected_sha256: &[u8; 32],
        expected_bytes: u64,
    ) -> Result<Stored, DocumentError> {
        if self.broken {
            return Err(DocumentError::Broken);
        }
        let found_bytes = self.len_bytes();
        if found_bytes != expected_bytes {
            return Err(DocumentError::LengthMismatch { expected_bytes, found_bytes });
        }
        let digest = self.hash.clone().finish();
        if digest != *expected_sha256 {
            let (expected, found) = (hex(expected_sha256), hex(&digest));
            return Err(DocumentError::DigestMismatch { expected, found });
        }
        self.flush()?;
        self.file.sync_data()?;
        let inner = Arc::clone(&self.claim.inner);
        let dir = document_dir(&digest);
        inner.ensure_dir(&dir)?;
        // A document of the same digest is replaced by the same bytes: readers of the old file
        // keep it, and damage to it is healed.
        inner.disk.rename(&staged_path(&self.claim.upload), &document_path(&digest))?;
        self.keep = true;
        inner.disk.sync_dir(&dir)?;
        Ok(Stored { digest, len_bytes: found_bytes })
    }

    /// Gives the upload up and removes its bytes.
    pub fn abort(mut self) -> Result<(), DocumentError> {
        self.keep = true;
        self.remove()
    }

    /// Stops here, to be resumed later; returns the bytes that are kept. Nothing is promised
    /// about them: a resumed upload stands or falls by its digest.
    pub fn suspend(mut self) -> Result<u64, DocumentError> {
        if self.broken {
            return Err(DocumentError::Broken);
        }
        self.flush()?;
        self.keep = true;
        Ok(self.written)
    }

    fn flush(&mut self) -> Result<(), DocumentError> {
        let len = self.buffer.len() as u64;
        if len == 0 {
            return Ok(());
        }
        // Until all of it went well the file is not what the hash says.
        self.broken = true;
        self.file.write_at(self.written, &self.buffer)?;
        self.written += len;
        self.buffer.clear();
        self.claim.used(len);
        if self.written - self.synced >= SYNC_EVERY_BYTES {
            self.file.sync_data()?;
            self.synced = self.written;
        }
        self.broken = false;
        Ok(())
    }

    fn remove(&self) -> Result<(), DocumentError> {
        Ok(self.claim.inner.disk.remove(&staged_path(&self.claim.upload))?)
    }
}

impl Drop for DocumentWriter {
    fn drop(&mut self) {
        if !self.keep
            && let Err(error) = self.remove()
        {
            // It is removed at the next start.
            tracing::warn!(%error, "an abandoned upload could not be removed");
        }
    }
}
