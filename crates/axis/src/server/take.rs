//! Files that come in: hashed while they are written to a file without a name, never in memory whole.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;

use bytes::BytesMut;

use super::body::Body;
use crate::file_hash::{FileEnd, FileHash};
use crate::limits::WRITE_BYTES;
use crate::refusal::{Number, Refusal};

/// What the client appends to a file.
const APPENDED_BYTES: u64 = 2;

/// Takes the file of a `sendEdoc`, cut where it ends by its signed hash, at its beginning.
///
/// # Errors
/// It is too large, is another one, or cannot be written.
pub(super) async fn file(
    body: &mut Body,
    hash_file: &str,
    folder: &Path,
    bytes_max: u64,
) -> Result<(File, FileEnd), Refusal> {
    let too_large = || Refusal::new(Number::File, format!("a file has at most {bytes_max} bytes"));
    let whole_max = bytes_max.saturating_add(APPENDED_BYTES);
    if body.expected_bytes().is_some_and(|n| n > whole_max) {
        return Err(too_large());
    }
    let folder = folder.to_owned();
    let mut file = blocking(move || tempfile::tempfile_in(folder)).await?;
    let mut hash = FileHash::new();
    let mut gathered = BytesMut::new();
    while let Some(piece) = body.next().await? {
        hash.update(&piece);
        if hash.bytes() > whole_max {
            return Err(too_large());
        }
        gathered.extend_from_slice(&piece);
        if gathered.len() >= WRITE_BYTES {
            file = written(file, gathered.split().freeze()).await?;
        }
    }
    file = written(file, gathered.freeze()).await?;
    let end = hash.end(hash_file)?;
    if end.size == 0 || end.size > bytes_max {
        return Err(if end.size == 0 {
            Refusal::new(Number::File, "no file came")
        } else {
            too_large()
        });
    }
    let file = blocking(move || {
        file.set_len(end.size)?;
        file.rewind()?;
        Ok(file)
    })
    .await?;
    Ok((file, end))
}

async fn written(mut file: File, bytes: bytes::Bytes) -> Result<File, Refusal> {
    blocking(move || {
        file.write_all(&bytes)?;
        Ok(file)
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    let failed = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, "axis: a file cannot be staged");
        Refusal::system("the node cannot keep the file now")
    };
    done.map_err(|e| failed(&e))?.map_err(|e| failed(&e))
}
