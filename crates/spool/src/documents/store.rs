//! The store: opening it, beginning uploads, finding, checking and removing documents.

use super::bringer::Bringer;
use super::error::DocumentError;
use super::list::DocumentList;
use super::reader::DocumentReader;
use super::staging::DocumentWriter;
use super::{
    DOCUMENT_BYTES_MAX, DOCUMENTS_DIR, READ_BUFFER_BYTES, RESERVE_BYTES_DEFAULT, STAGING_DIR,
    UPLOAD_NAME_BYTES_MAX,
};
use crate::disk::{Disk, DiskFile, EntryKind, OpenMode, create_dir_durable};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tram_crypto::Sha256Stream;
use tram_dispatch::Digest;

/// How the store is opened.
#[derive(Clone, Debug)]
pub struct DocumentOptions {
    /// Free space that no document may use.
    pub reserve_bytes: u64,
    /// Uploads that may be resumed; all other leftovers are removed.
    pub keep_uploads: BTreeSet<String>,
}

impl Default for DocumentOptions {
    fn default() -> Self {
        Self { reserve_bytes: RESERVE_BYTES_DEFAULT, keep_uploads: BTreeSet::new() }
    }
}

/// A document that is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// SHA-256 of its bytes.
    pub digest: [u8; 32],
    /// Its length.
    pub len_bytes: u64,
}

/// The document files of one spool. Clones are handles to the same store.
#[derive(Clone, Debug)]
pub struct DocumentStore {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) disk: Arc<dyn Disk>,
    reserve_bytes: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes promised to running uploads and not yet written, by upload.
    promised: BTreeMap<String, u64>,
    /// Directories this process has made durable. Others may exist in the cache only.
    durable_dirs: BTreeSet<String>,
}

impl DocumentStore {
    /// Opens the store in the root of `disk`, creating its directories, and removes uploads that
    /// were cut off. Not to be used by two processes at once; see [`crate::lock`].
    pub fn open(disk: Arc<dyn Disk>, options: &DocumentOptions) -> Result<Self, DocumentError> {
        create_dir_durable(&*disk, DOCUMENTS_DIR)?;
        create_dir_durable(&*disk, STAGING_DIR)?;
        for entry in disk.list(STAGING_DIR)? {
            // What no upload can be called, the store did not make; it is left alone.
            let ours = entry.kind == EntryKind::File && check_upload(&entry.name).is_ok();
            if ours && !options.keep_uploads.contains(&entry.name) {
                disk.remove(&staged_path(&entry.name))?;
            }
        }
        let reserve_bytes = options.reserve_bytes;
        Ok(Self { inner: Arc::new(Inner { disk, reserve_bytes, state: Mutex::default() }) })
    }

    /// Begins an upload of `declared_bytes`. Refused before the first byte if it is too large or
    /// there is no room for it. An abandoned upload of the same name is overwritten.
    pub fn begin(
        &self,
        upload: &str,
        declared_bytes: u64,
    ) -> Result<DocumentWriter, DocumentError> {
        let claim = Claim::new(&self.inner, upload, declared_bytes, 0)?;
        let file = self.inner.disk.open(&staged_path(upload), OpenMode::Create)?;
        file.truncate(0)?;
        Ok(DocumentWriter::new(claim, file, Sha256Stream::new(), 0))
    }

    /// Goes on with an upload that was suspended, from the length it has. Its bytes are hashed
    /// again; [`DocumentWriter::len_bytes`] says where the next byte belongs.
    pub fn resume(
        &self,
        upload: &str,
        declared_bytes: u64,
    ) -> Result<DocumentWriter, DocumentError> {
        check_upload(upload)?;
        let file = match self.inner.disk.open(&staged_path(upload), OpenMode::Write) {
            Err(e) if e.is_not_found() => {
                return Err(DocumentError::NoUpload { upload: upload.to_owned() });
            }
            other => other?,
        };
        let present = file.len_bytes()?;
        if present > declared_bytes {
            return Err(DocumentError::Overrun { declared_bytes });
        }
        let claim = Claim::new(&self.inner, upload, declared_bytes, present)?;
        // The length is asked again: another writer may have had the upload until a moment ago.
        let len = file.len_bytes()?;
        if len != present {
            return Err(DocumentError::UploadInUse { upload: upload.to_owned() });
        }
        let (hash, hashed) = hash_file(&*file)?;
        if hashed != len {
            let (expected_bytes, found_bytes) = (len, hashed);
            return Err(DocumentError::LengthMismatch { expected_bytes, found_bytes });
        }
        Ok(DocumentWriter::new(claim, file, hash, len))
    }

    /// Opens the upload of a document where its bringer left it, or begins it.
    ///
    /// # Errors
    /// As [`DocumentStore::begin`] and [`DocumentStore::resume`].
    pub fn stage(
        &self,
        who: &Bringer,
        document: &Digest,
        declared_bytes: u64,
    ) -> Result<DocumentWriter, DocumentError> {
        let name = who.staging_name(document);
        match self.resume(&name, declared_bytes) {
            // Nothing is there, or what is there was begun as something larger: from the beginning.
            Err(DocumentError::NoUpload { .. } | DocumentError::Overrun { .. }) => {
                self.begin(&name, declared_bytes)
            }
            other => other,
        }
    }

    /// True if the store has the document.
    pub fn contains(&self, digest: &[u8; 32]) -> Result<bool, DocumentError> {
        match self.open_read(digest) {
            Ok(_) => Ok(true),
            Err(DocumentError::NotStored { .. }) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Opens a document for reading. What is read is not checked against the digest; whoever
    /// passes it on hashes it, or calls [`DocumentStore::verify`] first.
    pub fn open_read(&self, digest: &[u8; 32]) -> Result<DocumentReader, DocumentError> {
        match self.inner.disk.open(&document_path(digest), OpenMode::Read) {
            Err(e) if e.is_not_found() => Err(DocumentError::NotStored { digest: hex(digest) }),
            Err(e) => Err(e.into()),
            Ok(file) => DocumentReader::new(file),
        }
    }

    /// Reads a whole document and compares it with its digest; returns its length.
    pub fn verify(&self, digest: &[u8; 32]) -> Result<u64, DocumentError> {
        let (hash, len) = hash_file(&*self.open_read(digest)?.into_file())?;
        let found = hash.finish();
        if found != *digest {
            let (expected, found) = (hex(digest), hex(&found));
            return Err(DocumentError::DigestMismatch { expected, found });
        }
        Ok(len)
    }

    /// Removes a document. The removal is not synced: after a power cut the file may be back, and
    /// is then found by [`DocumentStore::list`] as one that nothing refers to.
    pub fn remove(&self, digest: &[u8; 32]) -> Result<(), DocumentError> {
        match self.inner.disk.remove(&document_path(digest)) {
            Err(e) if e.is_not_found() => Err(DocumentError::NotStored { digest: hex(digest) }),
            other => Ok(other?),
        }
    }

    /// Makes the removal of a document durable: no power cut brings it back.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn sync_removal(&self, digest: &[u8; 32]) -> Result<(), DocumentError> {
        match self.inner.disk.sync_dir(&document_dir(digest)) {
            // No document ever lay beside it.
            Err(e) if e.is_not_found() => Ok(()),
            other => Ok(other?),
        }
    }

    /// Walks all documents in the order of their digests; memory is bounded by one directory.
    #[must_use]
    pub fn list(&self) -> DocumentList {
        DocumentList::new(Arc::clone(&self.inner.disk))
    }

    /// Bytes that a new document may have now.
    pub fn available_bytes(&self) -> Result<u64, DocumentError> {
        self.inner.available(&self.inner.lock())
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change under this lock is one insertion or removal; a poisoned lock is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn available(&self, state: &State) -> Result<u64, DocumentError> {
        let promised: u64 = state.promised.values().sum();
        let kept = self.reserve_bytes.saturating_add(promised);
        Ok(self.disk.free_bytes()?.saturating_sub(kept))
    }

    /// Creates a directory below [`DOCUMENTS_DIR`], durably, once per process.
    pub(super) fn ensure_dir(&self, dir: &str) -> Result<(), DocumentError> {
        let Some((parent, _)) = dir.rsplit_once('/') else { return Ok(()) };
        if self.lock().durable_dirs.contains(dir) {
            return Ok(());
        }
        self.ensure_dir(parent)?;
        self.disk.create_dir_all(dir)?;
        self.disk.sync_dir(parent)?;
        self.lock().durable_dirs.insert(dir.to_owned());
        Ok(())
    }
}

/// The right to write one upload, and the space promised to it; both end with it.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) inner: Arc<Inner>,
    pub(super) upload: String,
    pub(super) declared_bytes: u64,
}

impl Claim {
    fn new(
        inner: &Arc<Inner>,
        upload: &str,
        declared_bytes: u64,
        present_bytes: u64,
    ) -> Result<Self, DocumentError> {
        check_upload(upload)?;
        if declared_bytes > DOCUMENT_BYTES_MAX {
            return Err(DocumentError::TooLarge { len_bytes: declared_bytes });
        }
        let mut state = inner.lock();
        if state.promised.contains_key(upload) {
            return Err(DocumentError::UploadInUse { upload: upload.to_owned() });
        }
        let available_bytes = inner.available(&state)?;
        let needed_bytes = declared_bytes - present_bytes;
        if needed_bytes > available_bytes {
            return Err(DocumentError::NoSpace { needed_bytes, available_bytes });
        }
        state.promised.insert(upload.to_owned(), needed_bytes);
        drop(state);
        Ok(Self { inner: Arc::clone(inner), upload: upload.to_owned(), declared_bytes })
    }

    /// Bytes were written: they are no longer promised but used.
    pub(super) fn used(&self, bytes: u64) {
        if let Some(promised) = self.inner.lock().promised.get_mut(&self.upload) {
            *promised = promised.saturating_sub(bytes);
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.inner.lock().promised.remove(&self.upload);
    }
}

/// Hashes a file from its beginning; returns how many bytes that were.
fn hash_file(file: &dyn DiskFile) -> Result<(Sha256Stream, u64), DocumentError> {
    let mut hash = Sha256Stream::new();
    let mut buf = vec![0; READ_BUFFER_BYTES];
    let mut at = 0;
    loop {
        match file.read_at(at, &mut buf)? {
            0 => return Ok((hash, at)),
            n => {
                hash.update(&buf[..n]);
                at += n as u64;
            }
        }
    }
}

fn check_upload(upload: &str) -> Result<(), DocumentError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    let len = upload.len();
    if len == 0 || len > UPLOAD_NAME_BYTES_MAX || !upload.bytes().all(plain) {
        return Err(DocumentError::BadUploadName { upload: upload.to_owned() });
    }
    Ok(())
}

pub(super) fn staged_path(upload: &str) -> String {
    format!("{STAGING_DIR}/{upload}")
}

pub(super) fn document_dir(digest: &[u8; 32]) -> String {
    format!("{DOCUMENTS_DIR}/{:02x}/{:02x}", digest[0], digest[1])
}

pub(super) fn document_path(digest: &[u8; 32]) -> String {
    format!("{}/{}", document_dir(digest), hex(digest))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut out, b| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{b:02x}");
        out
    })
}
