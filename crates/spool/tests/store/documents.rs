//! Who uses a document, and when its file may go.

use crate::same::{open, put_files};
use crate::world::{World, agency};
use tram_crypto::sha256;
use tram_dispatch::{Digest, DispatchId};
use tram_engine::Batch;
use tram_engine::record::Record;
use tram_spool::disk::MemDisk;
use tram_spool::store::Document;

fn close(id: DispatchId) -> Batch {
    Batch { number: 0, records: vec![Record::Closed(id)], tree_nodes: Vec::new() }
}

#[test]
fn a_file_is_in_use_until_its_last_open_dispatch_is_closed() {
    let disk = MemDisk::new();
    let (mut store, ..) = open(&disk);
    let mut world = World::new(1);
    store.commit(&world.batch()).unwrap();
    let text = "Chỉ thị ".repeat(9000);
    let digest = Digest(sha256(text.as_bytes()));
    let take = |world: &mut World, to: &str| {
        world.take(agency("G22"), vec![agency(to)], Vec::new(), Some(text.clone()))
    };
    let (first, second) = (take(&mut world, "H41"), take(&mut world, "H41.12"));
    let reader = store.reader();
    put_files(&reader, &world.model);
    store.commit(&world.seal()).unwrap();

    let uses = reader.document_uses(&digest, 10).unwrap();
    let parties: Vec<DispatchId> = uses.iter().map(|u| u.dispatch).collect();
    assert_eq!(parties, [first, second]);
    assert!(uses.iter().all(|u| u.file && u.open));
    assert!(matches!(reader.document(&digest).unwrap(), Some(Document::File(_))));
    assert_eq!(reader.inline_document(&digest).unwrap(), None);

    store.commit(&close(first)).unwrap();
    assert!(reader.document_in_use(&digest).unwrap());
    store.commit(&close(second)).unwrap();
    assert!(!reader.document_in_use(&digest).unwrap());
    reader.documents().remove(digest.as_bytes()).unwrap();
    assert!(reader.document(&digest).unwrap().is_none());
}

#[test]
fn a_record_about_a_closed_dispatch_opens_it_again() {
    let disk = MemDisk::new();
    let (mut store, ..) = open(&disk);
    let mut world = World::new(2);
    store.commit(&world.batch()).unwrap();
    let id = world.take(agency("G22"), vec![agency("H41")], vec![b"a".as_slice().into()], None);
    store.commit(&world.seal()).unwrap();
    store.commit(&close(id)).unwrap();
    let reader = store.reader();
    assert!(!reader.is_open(&id));
    drop(store);
    let (mut store, recovered, _) = open(&disk);
    assert!(recovered.open.is_empty());
    world.foreign_receipt(id);
    store.commit(&world.seal()).unwrap();
    assert!(store.reader().is_open(&id));
    drop(store);
    let (_store, recovered, _) = open(&disk);
    assert_eq!(recovered.open.len(), 1);
    assert_eq!(recovered.open[0].len(), 4);
}
