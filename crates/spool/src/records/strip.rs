//! The beginning of custody without the documents that rode in it.

use super::{RecordError, decode, encode};
use crate::journal;
use tram_engine::record::Record;

/// The body of a Held record without its documents, as long as it was. `None` where none ride in it, and
/// for other records.
///
/// # Errors
/// [`RecordError`].
pub(crate) fn without_documents(record: &journal::Record) -> Result<Option<Vec<u8>>, RecordError> {
    let Record::Held(mut held) = decode(record)? else { return Ok(None) };
    if held.inline.is_empty() {
        return Ok(None);
    }
    held.removed.extend(held.inline.drain(..).map(|(digest, _)| digest));
    let mut body = encode(&Record::Held(held)).body;
    // Each digest stays, and of each document at least its length goes; so this is never longer.
    if body.len() > record.body.len() {
        return Ok(None);
    }
    body.resize(record.body.len(), 0);
    Ok(Some(body))
}
