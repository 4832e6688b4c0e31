//! Any bytes: accepted and canonical, or refused; never a panic.

use proptest::collection::vec;
use proptest::prelude::*;
use tram_wire::bundle::Bundle;
use tram_wire::directory::{self, DirectoryFile};
use tram_wire::receipt::{Receipt, SignedRoot};
use tram_wire::root::{self, RootFile};
use tram_wire::{SealedDispatch, cbor, cose, envelope, evidence, frame, genesis};

use crate::{made, strategies};

/// Every parser of the crate, as "bytes to the re-encoding of what was understood, if accepted". Formats
/// that pass over fields of later versions give `None` in the inner option when there were such fields,
/// because only the raw bytes keep them.
type Parser = (&'static str, fn(&[u8]) -> Option<Vec<u8>>);

const PARSERS: &[Parser] = &[
    ("dispatch", |b| SealedDispatch::parse(b).ok().map(|x| reseal(&x))),
    ("envelope", |b| envelope::decode(b).ok().map(|x| envelope::encode(&x))),
    ("evidence", |b| evidence::decode(b).ok().map(|x| evidence::encode(&x))),
    ("genesis", |b| genesis::decode(b).ok().map(|x| genesis::encode(&x))),
    ("receipt", |b| Receipt::parse(b).ok().map(|x| rebuild(&x))),
    ("signed root", |b| SignedRoot::decode(b).ok().map(|x| x.encode())),
    ("head", |b| directory::decode_head(b).ok().map(|x| directory::encode_head(&x))),
    ("entry", |b| directory::decode_entry(b).ok().map(|x| directory::encode_entry(&x))),
    ("directory file", |b| DirectoryFile::decode(b).ok().map(|x| x.encode())),
    ("root document", |b| root::decode(b).ok().map(|x| root::encode(&x))),
    ("root file", |b| RootFile::decode(b).ok().map(|x| x.encode())),
    ("bundle", |b| Bundle::decode(b).ok().map(|x| x.encode())),
    ("frame", |b| frame::decode(b).ok().map(|x| frame::encode(&x))),
    ("sign1", |b| cose::Sign1::parse(b, 1 << 20).ok().map(|x| x.encode())),
];

/// Builds the object again from what was understood.
fn reseal(x: &SealedDispatch) -> Vec<u8> {
    let signature = x.signature().to_vec();
    let again = SealedDispatch::seal(x.envelope(), x.chain(), x.algorithm(), |_| {
        Ok::<_, std::convert::Infallible>(signature)
    });
    again.unwrap().raw().to_vec()
}

fn rebuild(x: &Receipt) -> Vec<u8> {
    let root = x.signed_root();
    let network = x.record().network;
    let record = x.record_bytes();
    let again = Receipt::build(network, root, x.leaf_index(), x.path(), x.salt(), record);
    again.unwrap().raw().to_vec()
}

/// Holds every parser to the rule for one input; gives how many accepted it.
fn check_all(bytes: &[u8]) -> usize {
    let mut accepted = 0;
    for (name, parser) in PARSERS {
        if let Some(again) = parser(bytes) {
            accepted += 1;
            assert!(again == bytes || has_later_fields(bytes, &again), "{name}: {bytes:02x?}");
        }
    }
    accepted
}

/// Whether the difference is one that is allowed: the input is canonical and longer, because it holds
/// fields from 128 on that were passed over.
fn has_later_fields(bytes: &[u8], again: &[u8]) -> bool {
    again.len() < bytes.len() && cbor::check(bytes, bytes.len()).is_ok()
}

/// One valid object of each format.
fn specimens() -> Vec<Vec<u8>> {
    let log = made::Log::new(4);
    let receipt = log.receipt(2);
    let sealed = made::sealed();
    let transfer = frame::Transfer {
        dispatch: sealed.raw().to_vec(),
        recipients: sealed.envelope().recipients.clone(),
        receipts: vec![receipt.raw().to_vec()],
        inline: vec![(0, b"%PDF-".to_vec())],
    };
    let directory = Some(vec![7; 30]);
    let bundle = Bundle { receipts: vec![receipt.raw().to_vec()], directory };
    vec![
        bundle.encode(),
        sealed.raw().to_vec(),
        envelope::encode(sealed.envelope()),
        receipt.raw().to_vec(),
        receipt.record_bytes().to_vec(),
        log.signed_root.encode(),
        frame::encode(&frame::Frame::Transfer(Box::new(transfer))),
    ]
}

#[test]
fn every_truncation_is_refused() {
    for specimen in specimens() {
        assert!(check_all(&specimen) > 0);
        for end in 0..specimen.len() {
            assert_eq!(check_all(&specimen[..end]), 0, "{end} of {}", specimen.len());
        }
    }
}

#[test]
fn every_changed_byte_is_refused_or_canonical() {
    for specimen in specimens() {
        let mut bytes = specimen.clone();
        for i in 0..bytes.len() {
            // Each bit alone, and the values at the edges of CBOR's major types.
            let original = bytes[i];
            let flips = (0..8).map(|bit| original ^ 1 << bit);
            for value in flips.chain([0x00, 0x18, 0x1f, 0x5f, 0x9f, 0xbf, 0xd2, 0xf6, 0xff]) {
                bytes[i] = value;
                check_all(&bytes);
            }
            bytes[i] = original;
        }
    }
}

#[test]
fn every_changed_bit_of_a_receipt_changes_what_is_signed() {
    let receipt = made::receipt(4, 2);
    let signed = receipt.to_be_signed();
    let mut bytes = receipt.raw().to_vec();
    for i in 0..bytes.len() {
        for bit in 0..8 {
            bytes[i] ^= 1 << bit;
            if let Ok(other) = Receipt::parse(&bytes) {
                let same_signed = other.to_be_signed() == signed;
                let same_signature =
                    other.signed_root().signature == receipt.signed_root().signature;
                assert!(!(same_signed && same_signature), "byte {i} is bound by nothing");
            }
            bytes[i] ^= 1 << bit;
        }
    }
}

proptest! {
    #[test]
    fn random_bytes(bytes in vec(any::<u8>(), 0..300)) {
        check_all(&bytes);
    }

    #[test]
    fn spliced_objects(x in strategies::frame(), y in strategies::record(), cut in any::<(u16, u16)>()) {
        let (a, b) = (frame::encode(&x), evidence::encode(&y));
        let (i, j) = (usize::from(cut.0) % a.len(), usize::from(cut.1) % b.len());
        check_all(&[&a[..i], &b[j..]].concat());
        check_all(&[&b[..j], &a[i..]].concat());
    }

    #[test]
    fn several_changed_bytes(
        x in strategies::envelope(),
        changes in vec((any::<u16>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = envelope::encode(&x);
        for (at, value) in changes {
            let at = usize::from(at) % bytes.len();
            bytes[at] = value;
        }
        check_all(&bytes);
    }
}
