//! Whether a store answers as the model does.

use crate::model::Model;
use crate::world::NETWORK;
use std::collections::BTreeSet;
use std::sync::Arc;
use tram_dispatch::DispatchId;
use tram_engine::record::Record;
use tram_engine::{Recovered, View};
use tram_spool::disk::MemDisk;
use tram_spool::store::{Document, RecoveryReport, Store, StoreOptions, StoreReader};
use tram_tlog::{Hash, verify_consistency, verify_inclusion};
use tram_wire::receipt::Receipt;

/// Options for a simulated disk: small segments and flushes, so that both happen often.
pub(crate) fn options() -> StoreOptions {
    StoreOptions {
        create_with_store_id: Some([7; 16]),
        segment_bytes: 64 << 10,
        flush_entries: 400,
        ..StoreOptions::default()
    }
}

pub(crate) fn open(disk: &MemDisk) -> (Store, Recovered, RecoveryReport) {
    Store::open(Arc::new(disk.clone()), options()).unwrap()
}

/// Stores what a batch refers to as files.
pub(crate) fn put_files(reader: &StoreReader, model: &Model) {
    for (digest, bytes) in &model.files {
        if !reader.documents().contains(digest.as_bytes()).unwrap() {
            let mut writer = reader.documents().begin("up", bytes.len() as u64).unwrap();
            writer.write(bytes).unwrap();
            writer.finish(digest.as_bytes(), bytes.len() as u64).unwrap();
        }
    }
}

/// Everything a store answers, against the model.
pub(crate) fn assert_same(reader: &StoreReader, model: &Model) {
    for (id, history) in &model.histories {
        assert_eq!(&reader.history(id).unwrap(), history);
        assert_eq!(reader.is_open(id), model.active.contains(id));
        let raw = history.iter().find_map(|r| match r {
            Record::Held(held) => Some(held.raw.clone()),
            _ => None,
        });
        assert_eq!(reader.dispatch_raw(id).unwrap(), raw);
    }
    assert!(reader.history(&DispatchId([1; 32])).unwrap().is_empty());
    for ((originator, reference), id) in &model.references {
        assert_eq!(reader.by_reference(originator, reference).unwrap(), Some(*id));
    }
    let head = reader.log_head();
    assert_eq!(head.batch_seq, model.batches);
    assert_eq!(
        model.roots.last_key_value().map(|(size, r)| (*size, r.root)),
        match head.size {
            0 => None,
            size => Some((size, head.root)),
        }
    );
    for (size, root) in &model.roots {
        assert_eq!(reader.root_at(*size).unwrap(), Some(root.root));
        assert_eq!(reader.signed_root(*size).unwrap().as_ref(), Some(root));
        if size % 5 > 0 {
            continue;
        }
        let proof: Vec<Hash> = hashes(reader.consistency_proof(*size, head.size).unwrap());
        verify_consistency(*size, &Hash(root.root), head.size, &Hash(head.root), &proof).unwrap();
    }
    assert_eq!(reader.root_at(head.size + 1).unwrap(), None);
    assert_eq!(reader.own_receipt(0).unwrap(), None);
    assert_eq!(reader.own_receipt(head.size).unwrap(), None);
    for (leaf, raw) in &model.receipts {
        // Byte for byte what was first given.
        assert_eq!(reader.own_receipt(*leaf).unwrap().as_ref(), Some(raw), "leaf {leaf}");
        assert_eq!(Receipt::parse(raw).unwrap().record().network, NETWORK);
        if leaf % 5 > 0 {
            continue;
        }
        let hash = Hash(reader.leaf_hash(*leaf).unwrap().unwrap());
        let proof = hashes(reader.inclusion_proof(*leaf, head.size).unwrap());
        verify_inclusion(&hash, *leaf, head.size, &proof, &Hash(head.root)).unwrap();
    }
    for (digest, bytes) in &model.inline {
        if reader.inline_document(digest).unwrap().is_some() {
            assert_eq!(reader.inline_document(digest).unwrap().as_ref(), Some(bytes));
        }
    }
    for (digest, bytes) in &model.files {
        if let Some(Document::File(file)) = reader.document(digest).unwrap() {
            let mut found = vec![0; bytes.len()];
            assert_eq!(file.read_at(0, &mut found).unwrap(), bytes.len());
            assert_eq!(found, bytes[..]);
        }
    }
    let counts = reader.counts();
    let held = |h: &&Vec<Record>| h.iter().any(|r| matches!(r, Record::Held(_)));
    assert_eq!(counts.dispatches, model.histories.values().filter(held).count() as u64);
    assert_eq!(counts.leaves, head.size);
    assert_eq!(counts.roots, model.roots.len() as u64);
    assert_eq!(reader.open_dispatches(), model.active.len() as u64);
}

/// What an engine would start from, against the model.
pub(crate) fn assert_recovered(recovered: &Recovered, report: &RecoveryReport, model: &Model) {
    assert_eq!(report.tree_size, recovered.frontier.size());
    assert_eq!(
        model.roots.last_key_value().map(|(_, r)| (r.size, r.root, r.time)),
        match recovered.frontier.size() {
            0 => None,
            size => Some((size, recovered.frontier.root().0, recovered.last_time)),
        }
    );
    assert_eq!(recovered.peers, model.peers);
    assert_eq!(recovered.numbers, model.numbers);
    let open: BTreeSet<DispatchId> = recovered
        .open
        .iter()
        .map(|history| history.iter().find_map(Record::dispatch).unwrap())
        .collect();
    assert_eq!(open, model.active);
    for history in &recovered.open {
        let id = history.iter().find_map(Record::dispatch).unwrap();
        assert_eq!(history, &model.histories[&id]);
    }
}

fn hashes(path: Vec<[u8; 32]>) -> Vec<Hash> {
    path.into_iter().map(Hash).collect()
}
