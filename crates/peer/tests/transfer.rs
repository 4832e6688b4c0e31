//! The two sides of one transfer.

use proptest::prelude::*;
use tram_dispatch::envelope::Document;
use tram_dispatch::limits::INLINE_DOCUMENT_BYTES_MAX;
use tram_dispatch::{Code, Digest};
use tram_peer::giver::{Giver, Next, riding};
use tram_peer::taker::Awaited;
use tram_wire::Frame;
use tram_wire::frame::Range;

fn document(size: u64) -> Document {
    Document {
        name: "a".to_owned(),
        media_type: "text/plain".to_owned(),
        size,
        sha256: Digest([size as u8; 32]),
        second_digest: None,
    }
}

fn range(document: u16, offset: u64) -> Range {
    Range { document, offset }
}

#[test]
fn small_documents_ride_along_until_the_frame_is_full() {
    let small = INLINE_DOCUMENT_BYTES_MAX as u64;
    let mut list = vec![document(small + 1), document(5)];
    list.extend((0..5).map(|_| document(small)));
    list.push(document(7));
    assert_eq!(riding(&list), [1, 2, 3, 4, 7].into());
}

#[test]
fn the_giver_gives_what_exists_once() {
    let mut giver = Giver::new(&[document(10), document(0), document(5)]);
    for bad in [
        vec![range(3, 0)],
        vec![range(0, 11)],
        vec![range(0, 0), range(0, 5)],
        vec![range(2, 0), range(1, 0)],
    ] {
        let refused = giver.handle(Frame::Want(bad)).unwrap_err();
        assert_eq!(refused.code, Code::Malformed);
    }
    let wanted = vec![range(0, 4), range(1, 0), range(2, 5)];
    assert_eq!(giver.handle(Frame::Want(wanted.clone())), Ok(Next::Give(wanted.clone())));
    let lengths: Vec<u64> = wanted.iter().map(|r| giver.remaining(r)).collect();
    assert_eq!(lengths, [6, 0, 0]);
    assert!(giver.handle(Frame::Want(wanted)).is_err(), "asked for twice");
    assert_eq!(giver.handle(Frame::Answer(Vec::new())), Ok(Next::Answered(Vec::new())));
    assert!(giver.handle(Frame::Stored { batch: 1 }).is_err());
}

#[test]
fn the_taker_takes_what_it_asked_for_and_nothing_else() {
    let documents = [document(10), document(20)];
    let data = |document, offset, length| Frame::Data { document, offset, length };
    for wrong in [data(1, 0, 20), data(0, 3, 7), data(0, 4, 7), data(0, 4, 5), Frame::Want(vec![])]
    {
        let mut awaited = Awaited::new(&documents, &[range(0, 4), range(1, 0)]);
        assert_eq!(awaited.announce(wrong).unwrap_err().code, Code::Malformed);
    }
    let mut awaited = Awaited::new(&documents, &[range(0, 4), range(1, 0)]);
    assert_eq!(awaited.announce(data(0, 4, 6)), Ok((range(0, 4), 6)));
    assert_eq!(awaited.next(), Some(&(range(1, 0), 20)));
    assert_eq!(awaited.announce(data(1, 0, 20)), Ok((range(1, 0), 20)));
    assert_eq!(awaited.next(), None);
    assert!(awaited.announce(data(1, 0, 20)).is_err(), "nothing more was asked for");
}

proptest! {
    /// Whatever a taker asks for, a giver of the same documents gives, and exactly that.
    #[test]
    fn both_sides_agree(
        sizes in proptest::collection::vec(0..1_000u64, 1..8),
        picks in proptest::collection::vec(any::<Option<u16>>(), 8),
    ) {
        let documents: Vec<Document> = sizes.iter().map(|s| document(*s)).collect();
        let ranges: Vec<Range> = sizes
            .iter()
            .zip(picks)
            .enumerate()
            .filter_map(|(i, (size, pick))| Some(range(i as u16, u64::from(pick?) % (size + 1))))
            .collect();
        let mut giver = Giver::new(&documents);
        let mut awaited = Awaited::new(&documents, &ranges);
        let Ok(Next::Give(given)) = giver.handle(Frame::Want(ranges)) else { panic!() };
        for r in given {
            let length = giver.remaining(&r);
            let frame = Frame::Data { document: r.document, offset: r.offset, length };
            prop_assert_eq!(awaited.announce(frame), Ok((r, length)));
        }
        prop_assert_eq!(awaited.next(), None);
    }
}
