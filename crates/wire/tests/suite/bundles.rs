//! Export bundles and sequences of receipts.

use proptest::collection::vec;
use proptest::prelude::*;
use tram_dispatch::Code;
use tram_dispatch::limits::{BUNDLE_RECEIPTS_MAX, RECEIPT_BYTES_MAX};
use tram_wire::bundle::{Bundle, split_sequence};

use crate::made;

proptest! {
    #[test]
    fn bundles_round_trip(
        receipts in vec(vec(any::<u8>(), 1..400), 0..6),
        directory in proptest::option::of(vec(any::<u8>(), 1..400)),
    ) {
        let bundle = Bundle { receipts, directory };
        let bytes = bundle.encode();
        prop_assert_eq!(tram_wire::cbor::check(&bytes, bytes.len()), Ok(()));
        prop_assert!(Bundle::is_meant(&bytes));
        prop_assert_eq!(Bundle::decode(&bytes), Ok(bundle));
    }

    #[test]
    fn any_bytes_are_cut_without_loss_or_refused(bytes in vec(any::<u8>(), 0..300)) {
        if let Ok(receipts) = split_sequence(&bytes) {
            prop_assert_eq!(receipts.concat(), bytes);
        }
    }
}

#[test]
fn what_is_over_a_limit_or_not_a_bundle_is_refused() {
    let of = |receipts: Vec<Vec<u8>>, directory| Bundle { receipts, directory }.encode();
    let refused = |bytes: &[u8]| Bundle::decode(bytes).unwrap_err().code;
    let largest = vec![1; RECEIPT_BYTES_MAX];
    assert!(Bundle::decode(&of(vec![largest.clone()], None)).is_ok());
    assert_eq!(refused(&of(vec![[&largest[..], &[1]].concat()], None)), Code::TooLarge);
    assert_eq!(refused(&of(vec![vec![1]; BUNDLE_RECEIPTS_MAX + 1], None)), Code::TooLarge);
    assert_eq!(refused(&of(vec![vec![]], None)), Code::Malformed);
    assert_eq!(refused(&of(vec![vec![1]], Some(vec![]))), Code::Malformed);
    let good = of(vec![vec![1]], None);
    for end in 0..good.len() {
        assert_eq!(refused(&good[..end]), Code::Malformed, "{end}");
    }
    let changed = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    // Another name, another version, five elements.
    for bytes in [changed(2, b'T'), changed(15, 2), [&[0x85], &good[1..], &[0, 0]].concat()] {
        assert_eq!(refused(&bytes), Code::Malformed);
    }
    assert!(Bundle::is_meant(&changed(15, 2)) && !Bundle::is_meant(&changed(2, b'T')));
}

#[test]
fn a_sequence_is_cut_into_the_receipts_it_was_made_of() {
    let log = made::Log::new(4);
    let receipts: Vec<Vec<u8>> = (1..4).map(|i| log.receipt(i).raw().to_vec()).collect();
    let bytes = receipts.concat();
    assert_eq!(split_sequence(&bytes).unwrap(), receipts);
    assert_eq!(split_sequence(&[]).unwrap(), Vec::<Vec<u8>>::new());
    assert_eq!(split_sequence(&bytes[..bytes.len() - 1]).unwrap_err().code, Code::Malformed);
    assert_eq!(split_sequence(&bytes[1..]).unwrap_err().code, Code::Malformed);
    let long = [&[0x83, 0x59, 0x40, 0x00][..], &[0; 0x4000], &[0, 0]].concat();
    assert_eq!(split_sequence(&long).unwrap_err().code, Code::TooLarge);
}
