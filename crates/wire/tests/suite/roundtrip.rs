//! decode(encode(x)) = x, and what is encoded passes the structural walk.

use proptest::prelude::*;
use tram_wire::directory::{self, DirectoryFile};
use tram_wire::root::{self, RootFile};
use tram_wire::{SealedDispatch, cbor, envelope, evidence, frame, genesis};

use crate::{made, strategies};

proptest! {
    #[test]
    fn envelopes(x in strategies::envelope()) {
        let bytes = envelope::encode_checked(&x).unwrap();
        prop_assert_eq!(cbor::check(&bytes, bytes.len()), Ok(()));
        prop_assert_eq!(envelope::decode(&bytes), Ok(x));
    }

    #[test]
    fn evidence_records(x in strategies::record()) {
        let bytes = evidence::encode(&x);
        prop_assert_eq!(evidence::decode(&bytes), Ok(x));
    }

    #[test]
    fn geneses(x in strategies::genesis()) {
        prop_assert_eq!(genesis::decode(&genesis::encode(&x)), Ok(x));
    }

    #[test]
    fn heads(x in strategies::head()) {
        prop_assert_eq!(directory::decode_head(&directory::encode_head(&x)), Ok(x));
    }

    #[test]
    fn entries(x in strategies::entry()) {
        prop_assert_eq!(directory::decode_entry(&directory::encode_entry(&x)), Ok(x));
    }

    #[test]
    fn root_documents_and_files(
        document in strategies::root_document(),
        signatures in strategies::signatures(),
        before in strategies::signatures(),
    ) {
        let raw_root = root::encode(&document);
        prop_assert_eq!(root::decode(&raw_root), Ok(document.clone()));
        let previous_signatures = if document.version > 1 { before } else { Vec::new() };
        let file = RootFile { raw_root, document, signatures, previous_signatures };
        prop_assert_eq!(RootFile::decode(&file.encode()), Ok(file));
    }

    #[test]
    fn directory_files(
        head in strategies::head(),
        entries in proptest::collection::vec(strategies::entry(), 0..6),
        signatures in strategies::signatures(),
    ) {
        let mut decoded = entries;
        decoded.sort_by_key(directory::sort_key);
        decoded.dedup_by_key(|e| directory::sort_key(e));
        let file = DirectoryFile {
            head_bytes: directory::encode_head(&head),
            head,
            signatures,
            entries: decoded.iter().map(directory::encode_entry).collect(),
            decoded,
        };
        prop_assert_eq!(DirectoryFile::decode(&file.encode()), Ok(file));
    }

    #[test]
    fn frames(x in strategies::frame()) {
        prop_assert_eq!(frame::validate(&x), Ok(()));
        prop_assert_eq!(frame::decode(&frame::encode(&x)), Ok(x));
    }

    #[test]
    fn sealed_dispatches(x in strategies::envelope(), certificates in 1usize..=6) {
        let chain: Vec<Vec<u8>> = (1..=certificates).map(|n| vec![n as u8; n]).collect();
        let sealed = made::sealed_with(&x, &chain);
        prop_assert_eq!(sealed.envelope(), &x);
        prop_assert_eq!(sealed.chain(), &chain[..]);
        prop_assert_eq!(SealedDispatch::parse(sealed.raw()), Ok(sealed));
    }
}
