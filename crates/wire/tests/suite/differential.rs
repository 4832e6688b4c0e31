//! Two public libraries as referees: ciborium for CBOR, coset for COSE.

use ciborium::Value;
use coset::{
    CborSerializable, CoseSign1, CoseSign1Builder, HeaderBuilder, Label, TaggedCborSerializable,
};
use proptest::collection::vec;
use proptest::prelude::*;
use tram_dispatch::directory::Entry;
use tram_wire::directory;
use tram_wire::{SealedDispatch, cbor, cose, envelope, evidence, frame};

use crate::{made, strategies};

/// Any value that our CBOR allows, as ciborium sees it; maps get unique keys in canonical order.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0u64..300).prop_map(Value::from),
        vec(any::<u8>(), 0..30).prop_map(Value::Bytes),
        "[a-zả]{0,30}".prop_map(Value::Text),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null)
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::Array),
            vec((inner.clone(), inner), 0..6).prop_map(|pairs| {
                let mut pairs: Vec<_> =
                    pairs.into_iter().map(|(k, v)| (written(&k), k, v)).collect();
                pairs.sort_by(|a, b| a.0.cmp(&b.0));
                pairs.dedup_by(|a, b| a.0 == b.0);
                Value::Map(pairs.into_iter().map(|(_, k, v)| (k, v)).collect())
            })
        ]
    })
}

fn written(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    ciborium::into_writer(value, &mut out).unwrap();
    out
}

fn read(bytes: &[u8]) -> Value {
    let mut rest = bytes;
    let value = ciborium::from_reader(&mut rest).unwrap();
    assert!(rest.is_empty(), "ciborium left {} bytes", rest.len());
    value
}

proptest! {
    /// ciborium writes shortest integers and definite lengths; with keys in order that is our form.
    #[test]
    fn what_ciborium_writes_canonically_passes(v in value()) {
        prop_assert_eq!(cbor::check(&written(&v), 1 << 20), Ok(()));
    }

    /// Whatever passes the walk, ciborium reads, and writes back to the same bytes.
    #[test]
    fn what_passes_ciborium_reads(v in value(), changes in vec((any::<u16>(), any::<u8>()), 0..4)) {
        let mut bytes = written(&v);
        for (at, byte) in changes {
            let at = usize::from(at) % bytes.len();
            bytes[at] = byte;
        }
        if cbor::check(&bytes, 1 << 20).is_ok() {
            prop_assert_eq!(written(&read(&bytes)), bytes);
        }
    }

    #[test]
    fn random_bytes_that_pass_ciborium_reads(bytes in vec(any::<u8>(), 0..24)) {
        if cbor::check(&bytes, 64).is_ok() {
            prop_assert_eq!(written(&read(&bytes)), bytes);
        }
    }

    #[test]
    fn ciborium_reads_what_our_encoders_make(
        e in strategies::envelope(),
        r in strategies::record(),
        f in strategies::frame(),
        n in strategies::entry(),
    ) {
        for bytes in [
            envelope::encode(&e),
            evidence::encode(&r),
            frame::encode(&f),
            directory::encode_entry(&n),
        ] {
            prop_assert_eq!(written(&read(&bytes)), bytes);
        }
        // Field by field, for some of each type.
        let field = |bytes: &[u8], key: u64| {
            let map = read(bytes).into_map().unwrap();
            map.into_iter().find(|(k, _)| *k == Value::from(key)).map(|(_, v)| v)
        };
        let bytes = envelope::encode(&e);
        prop_assert_eq!(field(&bytes, 1), Some(Value::Bytes(e.network.0.to_vec())));
        prop_assert_eq!(field(&bytes, 2), Some(Value::Text(e.originator.to_string())));
        prop_assert_eq!(field(&bytes, 12), Some(Value::from(e.issued_at.0)));
        prop_assert_eq!(field(&bytes, 15), e.encryption.map(Value::Bytes));
        let bytes = evidence::encode(&r);
        prop_assert_eq!(field(&bytes, 1), Some(Value::from(r.event.number())));
        prop_assert_eq!(field(&bytes, 6), r.object.map(|d| Value::Bytes(d.0.to_vec())));
        prop_assert_eq!(field(&bytes, 12), r.reason.map(|c| Value::from(c.number())));
        let kind = match n { Entry::Agency(_) => 1, Entry::Node(_) => 2, Entry::Delegation(_) => 3 };
        let array = read(&directory::encode_entry(&n)).into_array().unwrap();
        prop_assert_eq!(&array[0], &Value::from(kind));
    }

    #[test]
    fn coset_reads_our_dispatches(x in strategies::envelope(), certificates in 1usize..4) {
        let chain: Vec<Vec<u8>> = (1..=certificates).map(|n| vec![n as u8; 20]).collect();
        let sealed = made::sealed_with(&x, &chain);
        let theirs = CoseSign1::from_tagged_slice(sealed.raw()).unwrap();
        prop_assert_eq!(&theirs.signature[..], sealed.signature());
        prop_assert_eq!(theirs.tbs_data(x.network.as_bytes()), sealed.to_be_signed());
        prop_assert!(theirs.unprotected.is_empty());
        prop_assert_eq!(theirs.to_tagged_vec().unwrap(), sealed.raw().to_vec());
    }

    #[test]
    fn we_read_what_coset_builds(x in strategies::envelope(), several in any::<bool>()) {
        let certificate = || Value::Bytes(b"certificate".to_vec());
        let chain = if several {
            Value::Array(vec![certificate(), certificate()])
        } else {
            certificate()
        };
        let protected = HeaderBuilder::new()
            .algorithm(coset::iana::Algorithm::EdDSA)
            .value(cose::TYP, Value::Text(cose::TYP_DISPATCH.into()))
            .value(cose::X5CHAIN, chain)
            .build();
        let theirs = CoseSign1Builder::new()
            .protected(protected)
            .payload(envelope::encode(&x))
            .create_signature(x.network.as_bytes(), |bytes| bytes[..32].to_vec())
            .build();
        let ours = SealedDispatch::parse(&theirs.clone().to_tagged_vec().unwrap()).unwrap();
        prop_assert_eq!(ours.envelope(), &x);
        prop_assert_eq!(ours.chain().len(), 1 + usize::from(several));
        prop_assert_eq!(ours.to_be_signed(), theirs.tbs_data(x.network.as_bytes()));
        prop_assert_eq!(ours.signature(), &ours.to_be_signed()[..32]);
    }
}

#[test]
fn coset_reads_the_signed_part_of_our_receipts() {
    let receipt = made::receipt(5, 3);
    let Value::Array(parts) = read(receipt.raw()) else { panic!("not an array") };
    let Value::Tag(18, sign1) = parts[0].clone() else { panic!("not tagged") };
    let theirs = CoseSign1::from_slice(&written(&sign1)).unwrap();
    assert_eq!(theirs.payload, None);
    assert_eq!(theirs.signature, receipt.signed_root().signature);
    assert_eq!(theirs.protected.header.key_id, receipt.signed_root().key.0);
    let labels: Vec<Label> = theirs.unprotected.rest.iter().map(|(l, _)| l.clone()).collect();
    assert_eq!(labels, [Label::Int(cose::VDP)]);
    let network = receipt.record().network;
    let root = receipt.signed_root().root;
    assert_eq!(theirs.tbs_detached_data(&root, network.as_bytes()), receipt.to_be_signed());
}

#[test]
fn what_is_not_our_profile_of_cose_is_refused() {
    let x = made::envelope();
    let good = || {
        HeaderBuilder::new()
            .algorithm(coset::iana::Algorithm::EdDSA)
            .value(cose::TYP, Value::Text(cose::TYP_DISPATCH.into()))
            .value(cose::X5CHAIN, Value::Bytes(vec![1]))
    };
    let build = |protected: coset::Header, unprotected: coset::Header, payload: Option<Vec<u8>>| {
        let sign1 = CoseSign1 {
            protected: coset::ProtectedHeader { original_data: None, header: protected },
            unprotected,
            payload,
            signature: vec![1; 64],
        };
        sign1.to_tagged_vec().unwrap()
    };
    let empty = coset::Header::default;
    let payload = Some(envelope::encode(&x));
    assert!(SealedDispatch::parse(&build(good().build(), empty(), payload.clone())).is_ok());
    let one = Value::Array(vec![Value::Bytes(vec![1])]);
    let headers = [
        (good().build(), good().build(), payload.clone()), // unprotected header not empty
        (good().build(), empty(), None),                   // detached payload
        (empty(), empty(), payload.clone()),
        (good().key_id(vec![1]).build(), empty(), payload.clone()),
        (
            HeaderBuilder::new()
                .algorithm(coset::iana::Algorithm::HMAC_256_256)
                .value(cose::TYP, Value::Text(cose::TYP_DISPATCH.into()))
                .value(cose::X5CHAIN, Value::Bytes(vec![1]))
                .build(),
            empty(),
            payload.clone(),
        ),
        (
            HeaderBuilder::new()
                .algorithm(coset::iana::Algorithm::EdDSA)
                .value(cose::TYP, Value::Text(cose::TYP_RECEIPT.into()))
                .value(cose::X5CHAIN, Value::Bytes(vec![1]))
                .build(),
            empty(),
            payload.clone(),
        ),
        (
            HeaderBuilder::new()
                .algorithm(coset::iana::Algorithm::EdDSA)
                .value(cose::TYP, Value::Text(cose::TYP_DISPATCH.into()))
                .value(cose::X5CHAIN, one) // RFC 9360: one certificate is not in an array
                .build(),
            empty(),
            payload,
        ),
    ];
    for (i, (protected, unprotected, payload)) in headers.into_iter().enumerate() {
        assert!(SealedDispatch::parse(&build(protected, unprotected, payload)).is_err(), "{i}");
    }
    // The same without the tag.
    let sealed = made::sealed();
    assert!(SealedDispatch::parse(&sealed.raw()[1..]).is_err());
}
