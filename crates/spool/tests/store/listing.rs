//! Listings, page by page, against the model.

use crate::same::{open, put_files};
use crate::world::{World, agency};
use std::collections::BTreeSet;
use tram_dispatch::{AgencyCode, DispatchId, Event, EvidenceRecord, UnixMillis};
use tram_engine::record::Record;
use tram_spool::disk::MemDisk;
use tram_spool::store::{DispatchQuery, ReceiptItem, ReceiptQuery, Source, StoreReader};

fn all(reader: &StoreReader, query: &ReceiptQuery) -> Vec<ReceiptItem> {
    let mut query = query.clone();
    let mut items: Vec<ReceiptItem> = Vec::new();
    loop {
        let page = reader.receipts(&query).unwrap();
        assert!(page.items.len() <= query.limit);
        items.extend(page.items);
        match page.next {
            // A cursor survives its way through a program's hands.
            Some(next) => query.after = Some(next.to_string().parse().unwrap()),
            None => return items,
        }
    }
}

#[test]
fn receipts_are_listed_by_dispatch_agency_event_and_time() {
    let disk = MemDisk::new();
    let (mut store, ..) = open(&disk);
    let mut world = World::new(11);
    for _ in 0..120 {
        let batch = world.batch();
        put_files(&store.reader(), &world.model);
        store.commit(&batch).unwrap();
    }
    let reader = store.reader();
    let listed = &world.model.listed;
    let times: BTreeSet<UnixMillis> = listed.iter().map(|(e, _)| e.time).collect();
    let times: Vec<UnixMillis> = times.into_iter().collect();
    let (early, late) = (times[times.len() / 4], times[times.len() * 3 / 4]);
    let spans = [(None, None), (Some(early), None), (None, Some(late)), (Some(early), Some(late))];
    let agencies = [None, Some("H41"), Some("G22"), Some("vxp.saas.03"), Some("H99")];
    let events = [
        None,
        Some(Event::ContentConsignment),
        Some(Event::SubmissionRejection),
        Some(Event::Unknown(0)),
    ];
    let dispatches: Vec<Option<DispatchId>> =
        [None].into_iter().chain(world.model.histories.keys().take(4).copied().map(Some)).collect();
    for dispatch in dispatches {
        for (from, to) in spans {
            for code in agencies {
                for event in events {
                    let agency = code.map(agency);
                    let query = ReceiptQuery {
                        dispatch,
                        agency: agency.clone(),
                        event,
                        from,
                        to,
                        after: None,
                        limit: 7,
                    };
                    let found = all(&reader, &query);
                    let wanted = |e: &EvidenceRecord| {
                        let party =
                            |a: &AgencyCode| e.originator == *a || e.recipient.as_ref() == Some(a);
                        dispatch.is_none_or(|id| e.dispatch == id)
                            && agency.as_ref().is_none_or(party)
                            && event.is_none_or(|event| e.event.name() == event.name())
                            && from.is_none_or(|from| e.time >= from)
                            && to.is_none_or(|to| e.time < to)
                    };
                    let mut want: Vec<&[u8]> =
                        listed.iter().filter(|(e, _)| wanted(e)).map(|(_, raw)| &raw[..]).collect();
                    let mut got: Vec<&[u8]> = found.iter().map(|item| &item.raw[..]).collect();
                    assert!(found.is_sorted_by_key(|item| item.evidence.time));
                    want.sort_unstable();
                    got.sort_unstable();
                    assert_eq!(got, want, "{query:?}");
                }
            }
        }
    }
    let sources: BTreeSet<bool> = all(&reader, &ReceiptQuery { limit: 100, ..Default::default() })
        .iter()
        .map(|item| matches!(item.source, Source::Own { .. }))
        .collect();
    assert_eq!(sources.len(), 2);
}

#[test]
fn dispatches_are_listed_by_agency_and_time() {
    let disk = MemDisk::new();
    let (mut store, ..) = open(&disk);
    let mut world = World::new(12);
    for _ in 0..80 {
        let batch = world.batch();
        put_files(&store.reader(), &world.model);
        store.commit(&batch).unwrap();
    }
    let reader = store.reader();
    for code in [None, Some("H41"), Some("vxp.saas.03"), Some("H99")] {
        let agency = code.map(agency);
        let mut query = DispatchQuery { agency: agency.clone(), limit: 3, ..Default::default() };
        let mut got = BTreeSet::new();
        loop {
            let page = reader.dispatches(&query).unwrap();
            for item in &page.items {
                assert_eq!(item.open, world.model.active.contains(&item.dispatch));
                assert!(got.insert(item.dispatch));
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        let held = |history: &Vec<Record>| {
            history.iter().any(|r| match r {
                Record::Held(h) => {
                    agency.as_ref().is_none_or(|a| h.originator == *a || h.recipients.contains(a))
                }
                _ => false,
            })
        };
        let want: BTreeSet<DispatchId> = world
            .model
            .histories
            .iter()
            .filter(|(_, history)| held(history))
            .map(|(id, _)| *id)
            .collect();
        assert_eq!(got, want);
    }
}
