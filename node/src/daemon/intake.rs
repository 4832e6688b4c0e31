//! Taking documents in: staged files, who they belong to, and what a failed sync means.

use std::sync::Arc;
use std::time::Duration;

use tram_dispatch::Digest;
use tram_spool::documents::{Bringer, DocumentError, DocumentWriter, ListedDocument};

use super::context::Context;
use super::core::ToCore;

/// Whether whoever brings a document may have so many bytes here that no dispatch uses yet. One
/// document may always be brought.
pub(crate) fn within_quota(context: &Context, who: &Bringer, document: &Digest, size: u64) -> bool {
    let others = context.uploads.bytes_of(who);
    let others = others.saturating_add(context.partial_uploads.bytes_of(who, document));
    others == 0 || others.saturating_add(size) <= context.config.quotas.upload_bytes_max
}

/// Keeps what came of a document, so that the same bringer resumes; gives the bytes kept. Blocks.
///
/// # Errors
/// See [`DocumentError`]; the staged file is gone then.
pub(crate) fn suspend(
    context: &Context,
    who: &Bringer,
    document: Digest,
    size: u64,
    writer: DocumentWriter,
) -> Result<u64, DocumentError> {
    let (held, now) = (writer.len_bytes(), context.core.now().mono_ms);
    if held == 0 || !context.partial_uploads.set(who, document, size, held, now) {
        context.partial_uploads.remove(who, &document);
        return writer.abort().map(|()| 0);
    }
    let kept = watched(context, writer.suspend());
    if kept.is_err() {
        context.partial_uploads.remove(who, &document);
    }
    kept
}

/// Makes a document durable and remembers who brought it; false when too many wait already: then
/// its file is wanted by nobody but the caller. Blocks.
///
/// # Errors
/// See [`DocumentError`]; the staged file is gone then.
pub(crate) fn finish(
    context: &Context,
    who: &Bringer,
    document: Digest,
    size: u64,
    writer: DocumentWriter,
) -> Result<bool, DocumentError> {
    context.partial_uploads.remove(who, &document);
    watched(context, writer.finish(document.as_bytes(), size))?;
    Ok(context.uploads.add(who, document, size, context.core.now().mono_ms))
}

/// Passes a result on. After a failed sync nothing is known of the disk, and a later one that
/// succeeds proves nothing: the node stops and reads back what is there.
pub(crate) fn watched<T>(
    context: &Context,
    result: Result<T, DocumentError>,
) -> Result<T, DocumentError> {
    if let Err(e) = &result
        && e.is_failed_sync()
    {
        // A core that is gone stopped already.
        let _ = context.core.send(ToCore::Fatal(format!("a document: {e:?}")));
    }
    result
}

/// Removes what was brought and never used. Blocks.
pub(crate) fn clean(context: &Context) {
    let now = context.core.now().mono_ms;
    for (who, document) in context.partial_uploads.expired(now) {
        // One that is being resumed right now is in use and stays.
        if let Ok(writer) = context.documents.begin(&who.staging_name(&document), 0) {
            context.partial_uploads.remove(&who, &document);
            if let Err(error) = writer.abort() {
                tracing::warn!(%error, "a staged document was not removed; the next start does it");
            }
        }
    }
    let gone = context.uploads.expire(now);
    if !gone.is_empty() {
        // A core that is gone removes nothing; the next start does.
        let _ = context.core.send(ToCore::Unneeded(gone));
    }
}

/// Finds document files that no dispatch refers to, left behind when the process ended between
/// bytes and commit, and has them removed. Blocks; meant for a thread of its own at start.
pub(crate) fn sweep(context: &Arc<Context>) {
    const AT_ONCE: usize = 256;
    const PAUSE: Duration = Duration::from_millis(10);
    let mut some = Vec::new();
    for listed in context.documents.list() {
        match listed {
            Ok(ListedDocument::Document(digest)) => some.push(Digest(digest)),
            Ok(ListedDocument::Stray(path)) => {
                tracing::warn!(?path, "not a document of this store; it is left alone");
            }
            Err(error) => {
                tracing::warn!(%error, "document files cannot be listed");
                return;
            }
        }
        if some.len() == AT_ONCE {
            if context.core.send(ToCore::Unneeded(std::mem::take(&mut some))).is_err() {
                return;
            }
            std::thread::sleep(PAUSE);
        }
    }
    // As above.
    let _ = context.core.send(ToCore::Unneeded(some));
}
