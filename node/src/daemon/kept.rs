//! Documents read back for somebody else: nothing is given that is not what was taken.
//!
//! A document that rides in the journal is compared with its digest before its first byte is given; a
//! file while it is read, and its last part is only given when the digest holds. So nobody ever gets a
//! whole document that is not the one of the envelope.

use std::error::Error;
use std::io;
use std::sync::Arc;

use tram_crypto::{Sha256Stream, sha256};
use tram_dispatch::envelope::Document;
use tram_dispatch::{Code, Digest};

use super::context::{Bytes, Context};

/// Bytes hashed at a time where they are not given.
const STEP_BYTES: usize = 256 << 10;
/// EIO.
const EIO: i32 = 5;

/// Why a document cannot be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// The bytes here are not those that were taken, or cannot be read.
    Damaged(String),
    /// Not now.
    Later(String),
}

impl Unfit {
    pub(crate) fn code(&self) -> Code {
        match self {
            Unfit::Damaged(_) => Code::StoreCorrupt,
            Unfit::Later(_) => Code::StorageFailed,
        }
    }

    pub(crate) fn words(&self) -> &str {
        match self {
            Unfit::Damaged(words) | Unfit::Later(words) => words,
        }
    }
}

/// A document being read.
pub(crate) struct Kept {
    source: Arc<Bytes>,
    digest: Digest,
    size: u64,
    hash: Sha256Stream,
    hashed: u64,
    /// The digest held.
    sound: bool,
}

impl Context {
    /// Opens a document of a dispatch held here. Blocks.
    pub(crate) fn kept(&self, document: &Document) -> Result<Kept, Unfit> {
        let digest = document.sha256;
        // What came in just now was compared then.
        let recent = self.recent.get(&digest).map(Bytes::Inline);
        let (sound, found) = match recent {
            Some(bytes) => (true, Some(bytes)),
            None => (false, self.document(&digest)?),
        };
        let kept = Kept {
            source: Arc::new(found.ok_or_else(|| damaged(&digest, "is not there"))?),
            digest,
            size: document.size,
            hash: Sha256Stream::new(),
            hashed: 0,
            sound,
        };
        if kept.source.len() != kept.size {
            let (is, was) = (kept.source.len(), kept.size);
            return Err(damaged(&digest, &format!("has {is} bytes of {was}")));
        }
        match &*kept.source {
            Bytes::Inline(bytes) if !sound && sha256(bytes) != digest.0 => {
                Err(damaged(&digest, "has another digest"))
            }
            Bytes::Inline(_) => Ok(Kept { sound: true, ..kept }),
            Bytes::File(_) => Ok(kept),
        }
    }
}

impl Context {
    /// Reads a whole document and compares it with its digest. Blocks.
    pub(crate) fn read_whole(&self, document: &Document) -> Result<(), Unfit> {
        let mut kept = self.kept(document)?;
        if kept.sound {
            return Ok(());
        }
        kept.pass_over(kept.size)?;
        // An empty one has no part that would have been compared.
        if kept.sound { Ok(()) } else { kept.take(&[]) }
    }
}

impl Kept {
    /// Up to `max` bytes from `offset`, all there is before the end. The part that ends the document
    /// comes only if all of it is sound. Blocks.
    pub(crate) fn read(&mut self, offset: u64, max: usize) -> Result<bytes::Bytes, Unfit> {
        if !self.sound && offset != self.hashed {
            // Taken up in the middle: what is not given this time counts too. Backwards, all of it.
            let to = if offset > self.hashed { offset } else { self.size };
            self.pass_over(to)?;
        }
        let left = self.size.saturating_sub(offset);
        let max = max.min(usize::try_from(left).unwrap_or(max));
        let part = self.source.read(offset, max).map_err(|e| failed(&self.digest, &e))?;
        if part.len() < max {
            return Err(damaged(&self.digest, "is shorter than it was"));
        }
        if !self.sound && offset == self.hashed {
            self.take(&part)?;
        }
        Ok(part)
    }

    fn pass_over(&mut self, to: u64) -> Result<(), Unfit> {
        while self.hashed < to {
            let step = usize::try_from(to - self.hashed).unwrap_or(STEP_BYTES).min(STEP_BYTES);
            let part = self.source.read(self.hashed, step).map_err(|e| failed(&self.digest, &e))?;
            if part.is_empty() {
                return Err(damaged(&self.digest, "is shorter than it was"));
            }
            self.take(&part)?;
        }
        Ok(())
    }

    fn take(&mut self, part: &[u8]) -> Result<(), Unfit> {
        self.hash.update(part);
        self.hashed += part.len() as u64;
        if self.hashed == self.size {
            if self.hash.clone().finish() != self.digest.0 {
                return Err(damaged(&self.digest, "has another digest"));
            }
            self.sound = true;
        }
        Ok(())
    }
}

fn damaged(digest: &Digest, what: &str) -> Unfit {
    Unfit::Damaged(format!("document {digest} {what}"))
}

fn failed(digest: &Digest, e: &(dyn Error + 'static)) -> Unfit {
    let mut detail = format!("document {digest}: {e}");
    let mut cause = e.source();
    while let Some(e) = cause {
        detail = format!("{detail}: {e}");
        cause = e.source();
    }
    if is_unreadable(e) { Unfit::Damaged(detail) } else { Unfit::Later(detail) }
}

/// Whether the disk says that these bytes cannot be read: not that it is out of something.
fn is_unreadable(e: &(dyn Error + 'static)) -> bool {
    use io::ErrorKind::{InvalidData, UnexpectedEof};
    let mut cause = Some(e);
    while let Some(e) = cause {
        if let Some(io) = e.downcast_ref::<io::Error>() {
            return io.raw_os_error() == Some(EIO)
                || matches!(io.kind(), InvalidData | UnexpectedEof);
        }
        cause = e.source();
    }
    false
}

impl From<tram_spool::store::StoreError> for Unfit {
    fn from(e: tram_spool::store::StoreError) -> Self {
        if e.code() == Code::StoreCorrupt || is_unreadable(&e) {
            Unfit::Damaged(e.explain())
        } else {
            Unfit::Later(e.explain())
        }
    }
}
