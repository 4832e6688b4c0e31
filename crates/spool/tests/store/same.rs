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
    assert_numbers(reader, model);
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

/// What the index says of numbers is what the records say, one by one.
pub(crate) fn assert_numbers(reader: &StoreReader, model: &Model) {
    use std::collections::BTreeMap;
    use tram_dispatch::{AgencyCode, Event};
    use tram_spool::store::NumberUse;
    let mut admissions: BTreeMap<AgencyCode, Vec<(u64, u64)>> = BTreeMap::new();
    let mut uses: BTreeMap<(AgencyCode, u64), Vec<(u64, NumberUse)>> = BTreeMap::new();
    for record in &model.numbered {
        let (agency, sequence, what) = match record {
            Record::Numbered(n) => (&n.originator, Some(n.sequence), NumberUse::Assigned),
            Record::Evidence(own) => {
                let e = &own.evidence;
                let all = admissions.entry(e.originator.clone()).or_default();
                all.extend(e.admission.map(|number| (number, own.leaf.index)));
                let what = match e.event {
                    Event::SubmissionAcceptance => NumberUse::Accepted,
                    Event::SubmissionRejection => NumberUse::Refused,
                    _ => NumberUse::Void,
                };
                (&e.originator, e.sequence, what)
            }
            _ => continue,
        };
        if let Some(s) = sequence {
            uses.entry((agency.clone(), s.series)).or_default().push((s.number, what));
        }
    }
    for (agency, mut want) in admissions {
        want.sort_unstable();
        assert_eq!(reader.admissions(&agency, 1, usize::MAX).unwrap(), want);
        let newest = want.last().map_or(0, |(number, _)| *number);
        assert_eq!(reader.newest_admission(&agency).unwrap(), newest);
        if newest > 2 {
            let before = reader.admission_before(&agency, newest).unwrap();
            assert_eq!(before, want.iter().rev().find(|(n, _)| *n < newest).copied());
            let first = want[0].0;
            assert_eq!(reader.admission_before(&agency, first).unwrap(), None);
            let last = reader.admission_before(&agency, u64::MAX).unwrap();
            assert_eq!(last, want.last().copied());
            let page = reader.admissions(&agency, 2, 1).unwrap();
            assert_eq!(page.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2]);
        }
        let series: Vec<u64> =
            uses.keys().filter(|(of, _)| *of == agency).map(|(_, series)| *series).collect();
        assert_eq!(reader.series_of(&agency, 10).unwrap(), series);
    }
    for ((agency, series), mut want) in uses {
        let found = reader.numbers(&agency, series, 1, usize::MAX).unwrap();
        for entry in found.iter().filter(|e| e.what == NumberUse::Assigned) {
            let assigned = reader.assignment(entry).unwrap().unwrap();
            assert_eq!((assigned.sequence.number, assigned.at), (entry.number, entry.at));
        }
        for (entry, leaf) in found.iter().filter_map(|e| Some((e, e.leaf?))) {
            let receipt = reader.receipt(leaf).unwrap().unwrap();
            assert_eq!(receipt.record().sequence.map(|s| s.number), Some(entry.number));
            assert_eq!(receipt.record().time, entry.at);
            if entry.what == NumberUse::Void {
                let raw = reader.void_statement(&receipt.record().dispatch).unwrap();
                assert_eq!(raw.as_deref(), Some(b"statement".as_slice()));
            }
        }
        let mut found: Vec<_> = found.iter().map(|e| (e.number, e.what as u8)).collect();
        let mut wanted: Vec<_> =
            want.drain(..).map(|(number, what)| (number, what as u8)).collect();
        found.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{agency} {series}");
    }
}
