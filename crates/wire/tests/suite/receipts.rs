//! Receipts as a node makes them and as anybody verifies them.

use tram_crypto::{Algorithm, PublicKey, Sign, sha256};
use tram_dispatch::{Code, Digest, EpochId, NetworkId};
use tram_wire::receipt::{Receipt, SignedRoot};
use tram_wire::{evidence, genesis};

use crate::made::{Log, NETWORK};

#[test]
fn every_receipt_of_every_tree_size_verifies() {
    for leaves in 1..=9 {
        let log = Log::new(leaves);
        let key: &PublicKey = log.signer.public_key();
        for which in 0..leaves {
            let made = log.receipt(which);
            let read = Receipt::parse(made.raw()).unwrap();
            assert_eq!(read, made);
            assert_eq!(read.signed_root(), &log.signed_root);
            assert_eq!(read.leaf_index(), which + 1);
            assert_eq!(read.record_bytes(), log.records[which as usize]);
            assert_eq!(read.digest(), Digest(sha256(made.raw())));
            let signature = &read.signed_root().signature;
            assert_eq!(key.verify(Algorithm::EdDsa, &read.to_be_signed(), signature), Ok(()));
        }
    }
}

#[test]
fn signed_roots_are_stored_as_they_are() {
    let root = Log::new(3).signed_root;
    assert_eq!(SignedRoot::decode(&root.encode()), Ok(root));
}

#[test]
fn a_receipt_that_would_not_verify_is_not_built() {
    let log = Log::new(4);
    let good = log.receipt(2);
    let build = |network, root: &SignedRoot, index, path: &[[u8; 32]], salt, record: &[u8]| {
        Receipt::build(network, root, index, path, salt, record).unwrap_err().code
    };
    let (root, path, salt) = (&log.signed_root, good.path(), good.salt());
    let record = good.record_bytes();
    assert_eq!(build(NetworkId([1; 32]), root, 3, path, salt, record), Code::WrongNetwork);
    assert_eq!(build(NETWORK, root, 2, path, salt, record), Code::Malformed);
    assert_eq!(build(NETWORK, root, 5, path, salt, record), Code::Malformed);
    assert_eq!(build(NETWORK, root, 3, &path[1..], salt, record), Code::Malformed);
    assert_eq!(build(NETWORK, root, 3, path, &[9; 16], record), Code::Malformed);
    assert_eq!(build(NETWORK, root, 3, path, salt, b""), Code::Malformed);
    let mut other = good.record().clone();
    other.epoch = EpochId([0; 32]);
    let other = evidence::encode(&other);
    assert_eq!(build(NETWORK, root, 3, path, salt, &other), Code::Malformed);
}

#[test]
fn the_epoch_id_is_the_leaf_hash_of_the_genesis() {
    let log = Log::new(1);
    let epoch = log.signed_root.epoch;
    // The first leaf of the log proves it: its hash is on the path of the second.
    assert_eq!(log.receipt(0).path(), [epoch.0]);
    let mut changed = sample_genesis(&log);
    assert_eq!(genesis::epoch_id(&changed), epoch);
    changed.started_at.0 += 1;
    assert_ne!(genesis::epoch_id(&changed), epoch);
}

fn sample_genesis(log: &Log) -> tram_dispatch::evidence::Genesis {
    let spki = log.signer.public_key().spki_der().to_vec();
    tram_dispatch::evidence::Genesis {
        network: NETWORK,
        node: "n1.H41".parse().unwrap(),
        receipt_key: spki.clone(),
        checkpoint_key: spki,
        started_at: tram_dispatch::UnixMillis(1_795_219_200_000),
        previous: None,
    }
}
