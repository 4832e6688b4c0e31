//! The batch being filled: what goes into it, and when it is large enough.

use tram_dispatch::Now;
use tram_trust::VerifiedDispatch;

use crate::engine::Engine;
use crate::record::{Batch, Foreign, Held, Legs, Record};

impl Engine {
    /// Whether the batch being filled is large enough: nothing more is to be handed in until
    /// [`Engine::take_batch`] gave it. What the engine does by itself waits likewise.
    pub fn is_full(&self) -> bool {
        self.filling_bytes >= self.settings.filling_bytes_max
    }

    /// Notes a record and applies it; `urgent` ones do not linger.
    pub(crate) fn record(
        &mut self,
        now: Now,
        record: Record,
        dispatch: Option<VerifiedDispatch>,
        urgent: bool,
    ) {
        self.state.apply(&record, dispatch);
        self.note_number(&record, self.batches + 1);
        if let Some(id) = record.dispatch() {
            let state = &mut self.state;
            let held = state.held.get_mut(&id).or_else(|| state.closing.get_mut(&id));
            if let Some(h) = held {
                h.batch = self.batches + 1;
            } else {
                state.note_unread(&id, self.batches + 1, self.durable, &record);
            }
        }
        self.filling_bytes = self.filling_bytes.saturating_add(bytes_about(&record));
        self.records.push(record);
        self.urgent |= urgent;
        self.first_record_mono_ms.get_or_insert(now.mono_ms);
    }

    /// Takes back a batch that is durable, after [`Engine::persisted`]: for its room, and because
    /// bytes that the store has need not be here twice.
    pub fn recycle(&mut self, batch: Batch) {
        const ROOM_MAX: usize = 16_384;
        self.forget_statements(&batch.records);
        for id in batch.records.iter().filter_map(Record::dispatch) {
            if let Some(h) = self.state.held.get_mut(&id).filter(|h| h.batch <= self.durable) {
                h.rest();
            }
        }
        let mut records = batch.records;
        records.clear();
        if records.capacity() <= ROOM_MAX && self.spare_records.capacity() < records.capacity() {
            self.spare_records = records;
        }
    }
}

/// What a record takes in the journal, bytes, about.
fn bytes_about(record: &Record) -> usize {
    /// Its header, and what every record has.
    const AT_LEAST_BYTES: usize = 128;
    /// An id or a digest in a list, with what frames it.
    const ENTRY_BYTES: usize = 48;
    let lengths = |all: &[std::sync::Arc<[u8]>]| all.iter().map(|raw| raw.len()).sum::<usize>();
    let names = |n: usize| n * ENTRY_BYTES;
    AT_LEAST_BYTES
        + match record {
            Record::Genesis(leaf) => leaf.record.len(),
            Record::Held(Held { raw, recipients, receipts, inline, files, removed, .. }) => {
                let inline: usize = inline.iter().map(|(_, bytes)| ENTRY_BYTES + bytes.len()).sum();
                raw.len()
                    + lengths(receipts)
                    + inline
                    + names(recipients.len() + files.len() + removed.len())
            }
            Record::Legs(Legs { recipients, receipts, .. }) => {
                lengths(receipts) + names(recipients.len())
            }
            // What the index keeps of it is not counted.
            Record::Evidence(own) => own.leaf.record.len() + names(own.owed_to.len()),
            Record::Foreign(Foreign { raw, owed_to, .. }) => raw.len() + names(owed_to.len()),
            Record::Earlier(own) => own.raw.len() + names(own.owed_to.len()),
            Record::PeerCheckpoint(shown) => shown.note.len(),
            Record::Void(void) => void.raw.len(),
            Record::Statement(statement) => statement.raw.len(),
            Record::Attempt(attempt) => attempt.detail.len(),
            Record::Quarantine(q) => q.cause.as_ref().map_or(0, |cause| cause.detail.len()),
            Record::Linked(linked) => names(linked.recipients.len()),
            Record::Offered(offered) => names(offered.recipients.len()),
            Record::Unit(note) => note.by.len() + note.remark.as_ref().map_or(0, String::len),
            Record::OutboxDone(_)
            | Record::Hold(_)
            | Record::PeerEpoch(_)
            | Record::Reoffer(_)
            | Record::Closed(_)
            | Record::Root(_)
            | Record::Cosigned(_)
            | Record::Numbered(_) => 0,
        }
}
