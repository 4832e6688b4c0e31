//! The vectors as a stranger verifies them: from the files alone, with a public CBOR library, following
//! the steps of `docs/protocol.md`.

use ciborium::Value;
use tram_crypto::{Algorithm, PublicKey, Sign, sha256, sha256_parts};

use crate::made;

fn read(bytes: &[u8]) -> Value {
    ciborium::from_reader(bytes).unwrap()
}

fn written(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    ciborium::into_writer(value, &mut out).unwrap();
    out
}

fn vector(name: &str) -> Vec<u8> {
    crate::hex_file(&format!("tests/vectors/{name}.hex"))
}

fn array(value: Value) -> Vec<Value> {
    value.into_array().unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    value.as_bytes().unwrap().clone()
}

fn field(map: &Value, key: i64) -> Value {
    let pairs = map.as_map().unwrap();
    let found = pairs.iter().find(|(k, _)| *k == Value::from(key));
    found.unwrap_or_else(|| panic!("no field {key}")).1.clone()
}

fn uint(value: &Value) -> u64 {
    value.as_integer().unwrap().try_into().unwrap()
}

fn sig_structure(protected: &[u8], network: &[u8], payload: &[u8]) -> Vec<u8> {
    written(&Value::Array(vec![
        "Signature1".into(),
        Value::Bytes(protected.to_vec()),
        Value::Bytes(network.to_vec()),
        Value::Bytes(payload.to_vec()),
    ]))
}

fn verifies(key: &PublicKey, signed: &[u8], signature: &Value) -> bool {
    key.verify(Algorithm::EdDsa, signed, &bytes(signature)).is_ok()
}

fn network() -> [u8; 32] {
    let root = array(read(&vector("root")));
    sha256(&bytes(&root[0]))
}

#[test]
fn the_root_file_and_the_directory() {
    let root = array(read(&vector("root")));
    let document = read(&bytes(&root[0]));
    let key = PublicKey::from_spki_der(&bytes(&array(field(&document, 5))[0])).unwrap();
    for (name, typ) in
        [("root", "application/tram-root+cose"), ("directory", "application/tram-directory+cose")]
    {
        let file = array(read(&vector(name)));
        let signature = array(array(file[1].clone())[0].clone());
        let pairs = vec![(1.into(), signature[1].clone()), (16.into(), typ.into())];
        let protected = written(&Value::Map(pairs));
        let signed = sig_structure(&protected, &network(), &bytes(&file[0]));
        assert!(verifies(&key, &signed, &signature[2]), "{name}");
    }
    // The entries hash up to the root in the head: six leaves, so (4) + (2).
    let file = array(read(&vector("directory")));
    let hashes: Vec<[u8; 32]> =
        array(file[2].clone()).iter().map(|entry| sha256_parts(&[&[0], &bytes(entry)])).collect();
    let pair = |a: &[u8; 32], b: &[u8; 32]| sha256_parts(&[&[1], a, b]);
    let [a, b, c, d, e, f] = hashes[..] else { panic!("six entries") };
    let root = pair(&pair(&pair(&a, &b), &pair(&c, &d)), &pair(&e, &f));
    assert_eq!(bytes(&field(&read(&bytes(&file[0])), 7)), root);
}

#[test]
fn the_dispatches() {
    let key = made::signer(made::SEED_SEAL);
    for name in ["dispatch", "dispatch-minimal"] {
        let Value::Tag(18, sign1) = read(&vector(name)) else { panic!("no tag") };
        let parts = array(*sign1);
        let payload = bytes(&parts[2]);
        assert_eq!(bytes(&field(&read(&payload), 1)), network());
        let signed = sig_structure(&bytes(&parts[0]), &network(), &payload);
        assert!(verifies(key.public_key(), &signed, &parts[3]), "{name}");
        assert!(!verifies(key.public_key(), &signed[1..], &parts[3]), "{name}");
        // The certificate that came along holds that very key.
        let chain = field(&read(&bytes(&parts[0])), 33);
        let leaf = chain.as_bytes().cloned().unwrap_or_else(|| bytes(&array(chain.clone())[0]));
        let spki = key.public_key().spki_der();
        assert!(leaf.windows(spki.len()).any(|window| window == spki));
    }
}

/// Section 7.3 of the protocol, step by step.
#[test]
fn the_receipts() {
    let directory = array(read(&vector("directory")));
    let node = array(directory[2].clone())
        .iter()
        .map(|entry| array(read(&bytes(entry))))
        .find(|entry| entry[0] == Value::from(2))
        .unwrap();
    for name in ["receipt", "receipt-first"] {
        let parts = array(read(&vector(name)));
        let Value::Tag(18, sign1) = parts[0].clone() else { panic!("no tag") };
        let sign1 = array(*sign1);
        let header = read(&bytes(&sign1[0]));
        let record = read(&bytes(&parts[2]));
        assert_eq!(field(&header, -70001), field(&record, 3));
        assert_eq!(field(&header, -70002), field(&record, 4));
        let epochs = array(field(&node[1], 6));
        let epoch = array(epochs[0].clone());
        assert_eq!(epoch[0], field(&header, -70002));
        let spki = bytes(&epoch[1]);
        assert_eq!(bytes(&field(&header, 4)), sha256(&spki));
        let proof = array(field(&field(&sign1[1], 396), -1));
        let proof = array(read(&bytes(&proof[0])));
        let (size, index) = (uint(&proof[0]), uint(&proof[1]));
        assert_eq!(uint(&field(&header, -70003)), size);
        let commitment = sha256_parts(&[&bytes(&parts[1]), &bytes(&parts[2])]);
        let leaf = sha256_parts(&[&[0], &commitment]);
        let path: Vec<Vec<u8>> = array(proof[2].clone()).iter().map(bytes).collect();
        let root = rfc9162_root(leaf, index, size, &path);
        let signed = sig_structure(&bytes(&sign1[0]), &network(), &root);
        let key = PublicKey::from_spki_der(&spki).unwrap();
        assert!(verifies(&key, &signed, &sign1[3]), "{name}");
    }
}

/// RFC 9162 section 2.1.3.2, as it is written there.
fn rfc9162_root(leaf: [u8; 32], index: u64, size: u64, path: &[Vec<u8>]) -> [u8; 32] {
    assert!(index < size);
    let (mut node, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in path {
        assert!(last != 0);
        if node & 1 == 1 || node == last {
            hash = sha256_parts(&[&[1], sibling, &hash]);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = sha256_parts(&[&[1], &hash, sibling]);
        }
        node >>= 1;
        last >>= 1;
    }
    assert_eq!(last, 0);
    hash
}
