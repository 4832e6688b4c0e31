//! What a removal of documents says.

use minicbor::Decoder;
use tram_dispatch::evidence::Removal;
use tram_dispatch::limits::{REMOVED_MAX, RULE_NAME_BYTES_MAX};
use tram_dispatch::{Digest, Event, EvidenceRecord};

use crate::WireError;
use crate::cbor::Writer;
use crate::fields::{exactly, id, plain, string, time};

/// `[policy, rule, since, days, [document, ...]]`
pub(super) fn put(w: &mut Writer, removal: &Removal) {
    w.array(5).bytes(removal.policy.as_bytes()).text(&removal.rule);
    w.uint(removal.since.0).uint(removal.days).array(removal.documents.len());
    for document in &removal.documents {
        w.bytes(document.as_bytes());
    }
}

pub(super) fn take(d: &mut Decoder<'_>) -> Result<Removal, WireError> {
    exactly(d, 5)?;
    let (policy, rule, since, days) = (id(d)?, string(d)?, time(d)?, d.u64()?);
    // Lengths are definite in canonical bytes.
    let count = d.array()?.unwrap_or(0);
    if count > REMOVED_MAX as u64 {
        return Err(WireError::malformed("a removal of too many documents"));
    }
    let documents = (0..count).map(|_| id(d)).collect::<Result<Vec<Digest>, _>>()?;
    Ok(Removal { policy, rule, since, days, documents })
}

/// The two belong together, and neither is empty.
pub(super) fn validate(record: &EvidenceRecord) -> Result<(), WireError> {
    match (&record.removal, record.event == Event::DocumentsRemoval) {
        (None, false) => Ok(()),
        (Some(removal), true) => {
            if !(1..=REMOVED_MAX).contains(&removal.documents.len()) {
                return Err(WireError::malformed("a removal without documents, or of too many"));
            }
            plain(&removal.rule, 1, RULE_NAME_BYTES_MAX).map_err(|e| e.within("rule"))
        }
        _ => Err(WireError::malformed("a removal of documents says which, and nothing else does")),
    }
}
