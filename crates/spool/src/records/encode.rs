//! Engine record → journal record.

use super::{STRIPPED, VERSION, Writer, kind};
use crate::journal;
use tram_dispatch::{AgencyCode, NodeId};
use tram_engine::record::{
    Foreign, Held, Leaf, Legs, Owed, OwnEvidence, PeerCheckpoint, Quarantine, Record,
};

/// The journal record of `record`.
#[must_use]
pub fn encode(record: &Record) -> journal::Record {
    let mut w = Writer::with_capacity(size_hint(record));
    let stripped = matches!(record, Record::Held(held) if !held.removed.is_empty());
    w.u8(if stripped { STRIPPED } else { VERSION });
    let kind = match record {
        Record::Genesis(r) => {
            leaf(&mut w, r);
            kind::GENESIS
        }
        Record::Held(r) => {
            held(&mut w, r);
            kind::HELD
        }
        Record::Legs(r) => {
            legs(&mut w, r);
            kind::LEGS
        }
        Record::Evidence(r) => {
            own(&mut w, r);
            kind::EVIDENCE
        }
        Record::Foreign(r) => {
            foreign(&mut w, r);
            kind::FOREIGN
        }
        Record::Earlier(r) => {
            w.bytes(&r.raw);
            nodes(&mut w, &r.owed_to);
            kind::EARLIER
        }
        Record::OutboxDone(r) => {
            w.fixed(r.dispatch.as_bytes()).text(r.peer.as_str());
            owed(&mut w, r.owed);
            kind::OUTBOX_DONE
        }
        Record::Hold(r) => {
            w.fixed(r.dispatch.as_bytes()).text(r.recipient.as_str()).bool(r.held);
            kind::HOLD
        }
        Record::PeerEpoch(r) => {
            w.text(r.peer.as_str()).fixed(r.epoch.as_bytes());
            kind::PEER_EPOCH
        }
        Record::Reoffer(r) => {
            w.fixed(r.dispatch.as_bytes()).text(r.peer.as_str());
            kind::REOFFER
        }
        Record::PeerCheckpoint(r) => {
            checkpoint(&mut w, r);
            kind::PEER_CHECKPOINT
        }
        Record::Closed(id) => {
            w.fixed(id.as_bytes());
            kind::CLOSED
        }
        Record::Root(root) => {
            w.fixed(&root.encode());
            kind::ROOT
        }
        Record::Attempt(r) => {
            w.fixed(r.dispatch.as_bytes()).u8(r.stage.number()).text(&r.detail).uint(r.at.0);
            kind::ATTEMPT
        }
        Record::Quarantine(r) => {
            quarantine(&mut w, r);
            kind::QUARANTINE
        }
        Record::Cosigned(r) => {
            w.text(r.witness.as_str()).uint(r.size).fixed(&r.root).text(&r.cosignature.to_line());
            kind::COSIGNED
        }
        Record::Numbered(r) => {
            w.text(r.originator.as_str()).uint(r.sequence.series).uint(r.sequence.number);
            w.text(r.reference.as_str()).fixed(r.content.as_bytes()).uint(r.at.0);
            kind::NUMBERED
        }
        Record::Void(r) => {
            w.fixed(r.statement.as_bytes()).bytes(&r.raw);
            kind::VOID
        }
        Record::Statement(r) => {
            w.fixed(r.dispatch.as_bytes()).bytes(&r.raw);
            kind::STATEMENT
        }
        Record::Linked(r) => {
            w.fixed(r.dispatch.as_bytes()).fixed(r.by.as_bytes()).u8(r.bearing.number());
            agencies(&mut w, &r.recipients);
            w.uint(r.at.0);
            kind::LINKED
        }
        Record::Unit(r) => {
            w.fixed(r.dispatch.as_bytes()).text(r.recipient.as_str()).text(r.unit.as_str());
            w.u8(r.mark.number()).text(&r.by).bool(r.remark.is_some());
            if let Some(remark) = &r.remark {
                w.text(remark);
            }
            w.uint(r.at.0);
            kind::UNIT
        }
        Record::Offered(r) => {
            w.fixed(r.dispatch.as_bytes()).text(r.peer.as_str());
            agencies(&mut w, &r.recipients);
            w.uint(r.at.0);
            kind::OFFERED
        }
    };
    journal::Record { kind, body: w.finish() }
}

fn size_hint(record: &Record) -> usize {
    let variable = match record {
        Record::Held(r) => {
            let receipts: usize = r.receipts.iter().map(|raw| raw.len() + 3).sum();
            let inline: usize = r.inline.iter().map(|(_, bytes)| bytes.len() + 35).sum();
            r.raw.len() + receipts + inline + 24 * r.recipients.len() + 42 * r.files.len() + 160
        }
        Record::Legs(r) => {
            r.receipts.iter().map(|raw| raw.len() + 3).sum::<usize>() + 24 * r.recipients.len()
        }
        Record::Genesis(r) => r.record.len(),
        Record::Evidence(r) => r.leaf.record.len() + 24 * r.owed_to.len(),
        Record::Foreign(r) => r.raw.len() + 24 * r.owed_to.len(),
        Record::Earlier(r) => r.raw.len() + 24 * r.owed_to.len(),
        Record::PeerCheckpoint(r) => r.note.len() + 96,
        Record::Void(r) => r.raw.len(),
        Record::Statement(r) => r.raw.len(),
        Record::Linked(r) => 64 + 24 * r.recipients.len(),
        Record::Unit(r) => 64 + r.by.len() + r.remark.as_ref().map_or(0, String::len),
        Record::Root(_) | Record::Cosigned(_) => 256,
        _ => 0,
    };
    variable + 128
}

fn held(w: &mut Writer, r: &Held) {
    w.fixed(r.dispatch.as_bytes()).bytes(&r.raw).fixed(r.object.as_bytes());
    w.text(r.originator.as_str()).text(r.reference.as_str()).bool(r.previous.is_some());
    if let Some(previous) = &r.previous {
        w.text(previous.as_str());
    }
    agencies(w, &r.recipients);
    w.list(&r.receipts, |w, raw| _ = w.bytes(raw));
    w.list(&r.inline, |w, (digest, bytes)| _ = w.fixed(digest.as_bytes()).bytes(bytes));
    w.list(&r.files, |w, (digest, size)| _ = w.fixed(digest.as_bytes()).uint(*size));
    w.list(&r.removed, |w, digest| _ = w.fixed(digest.as_bytes()));
    w.uint(r.at.0);
}

fn legs(w: &mut Writer, r: &Legs) {
    w.fixed(r.dispatch.as_bytes()).text(r.previous.as_str());
    agencies(w, &r.recipients);
    w.list(&r.receipts, |w, raw| _ = w.bytes(raw));
}

fn leaf(w: &mut Writer, r: &Leaf) {
    w.uint(r.index).fixed(&r.salt).bytes(&r.record);
}

fn own(w: &mut Writer, r: &OwnEvidence) {
    leaf(w, &r.leaf);
    nodes(w, &r.owed_to);
}

fn foreign(w: &mut Writer, r: &Foreign) {
    w.bytes(&r.raw).text(r.from.as_str()).bool(r.authorised);
    nodes(w, &r.owed_to);
}

fn checkpoint(w: &mut Writer, r: &PeerCheckpoint) {
    w.text(r.peer.as_str()).fixed(r.epoch.as_bytes()).uint(r.size).fixed(&r.root).bytes(&r.note);
}

fn quarantine(w: &mut Writer, r: &Quarantine) {
    w.fixed(r.dispatch.as_bytes()).bool(r.cause.is_some());
    if let Some(cause) = &r.cause {
        w.uint(cause.code.number().into()).text(&cause.detail).bool(cause.unread);
    }
    w.uint(r.at.0);
}

fn owed(w: &mut Writer, owed: Owed) {
    match owed {
        Owed::Own(leaf) => w.u8(0).uint(leaf),
        Owed::Foreign(digest) => w.u8(1).fixed(digest.as_bytes()),
    };
}

fn agencies(w: &mut Writer, codes: &[AgencyCode]) {
    w.list(codes, |w, code| _ = w.text(code.as_str()));
}

fn nodes(w: &mut Writer, nodes: &[NodeId]) {
    w.list(nodes, |w, node| _ = w.text(node.as_str()));
}
