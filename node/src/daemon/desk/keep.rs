//! Documents out of a file into the store, as an upload brings them.

use std::fs::File;
use std::io::{Read as _, Seek as _};

use tram_api::Problem;
use tram_dispatch::{AgencyCode, Code, Digest};
use tram_spool::documents::{Bringer, DocumentError};

use super::super::context::Context;
use super::super::core::ToCore;
use super::super::intake as store;
use super::broken;

/// Bytes copied at a time.
const STEP_BYTES: usize = 256 << 10;

/// Makes a document durable for the dispatch that will name it. Blocks.
///
/// # Errors
/// No room, or over the agency's quota; the disk fails.
pub(in crate::daemon) fn keep(
    context: &Context,
    agency: &AgencyCode,
    mut file: File,
    sha256: Digest,
    size: u64,
) -> Result<(), Problem> {
    let who = Bringer::Agency(agency.clone());
    if context.uploads.size(&who, &sha256) == Some(size) {
        return Ok(());
    }
    if !store::within_quota(context, &who, &sha256, size) {
        return Err(told(Code::Quota));
    }
    let pin = context.pins.pin(sha256);
    let _pin = pin.ok_or_else(|| told(Code::Busy))?;
    let mut writer = context.documents.stage(&who, &sha256, size).map_err(failed)?;
    file.rewind().map_err(broken)?;
    // What an upload left behind is the same document: it goes on from there.
    let mut skip = writer.len_bytes();
    let mut piece = vec![0; STEP_BYTES];
    loop {
        let n = file.read(&mut piece).map_err(broken)?;
        if n == 0 {
            break;
        }
        let known = usize::try_from(skip).unwrap_or(n).min(n);
        skip -= known as u64;
        if known < n {
            store::watched(context, writer.write(&piece[known..n])).map_err(failed)?;
        }
    }
    if store::finish(context, &who, sha256, size, writer).map_err(failed)? {
        return Ok(());
    }
    // A core that is gone removes nothing; the next start does.
    let _ = context.core.send(ToCore::Unneeded(vec![sha256]));
    Err(told(Code::Busy))
}

fn told(code: Code) -> Problem {
    Problem::new(code, "a document cannot be kept now").retry_after(60)
}

fn failed(error: DocumentError) -> Problem {
    match error {
        DocumentError::NoSpace { .. } => told(Code::BusyStorage),
        DocumentError::UploadInUse { .. } => told(Code::Busy),
        other => broken(other.explain()),
    }
}
