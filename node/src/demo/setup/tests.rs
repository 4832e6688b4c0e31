use std::os::unix::fs::PermissionsExt as _;

use tram_config::{Accounts, Config};
use tram_crypto::{Ed25519Signer, SeededEntropy, Sign as _, ed25519_pkcs8_from_seed};
use tram_dispatch::directory::RootDocument;
use tram_wire::root::{KeySignature, RootFile, network_id, to_be_signed};

use super::*;

/// A root file of one key and no anchors.
fn root_file() -> Vec<u8> {
    let key = Ed25519Signer::from_pkcs8_der(&ed25519_pkcs8_from_seed(&[7; 32])).unwrap();
    let document = RootDocument {
        name: "test".into(),
        nonce: [1; 16],
        version: 1,
        network: None,
        keys: vec![key.public_key().spki_der().to_vec()],
        threshold: 1,
        anchors: Vec::new(),
        lifetime_ms_max: 86_400_000,
    };
    let raw_root = tram_wire::root::encode(&document);
    let message = to_be_signed(key.algorithm(), &raw_root, network_id(&raw_root, &document));
    let signature = key.sign(&message).unwrap();
    let signature = KeySignature { key_index: 0, algorithm: key.algorithm(), signature };
    let signatures = vec![signature];
    RootFile { raw_root, document, signatures, previous_signatures: Vec::new() }.encode()
}

fn setup(dir: &Path) -> NodeSetup {
    NodeSetup {
        node: "n1.H41.12".parse().unwrap(),
        root_file: root_file(),
        listen: Some("127.0.0.1:7800".parse().unwrap()),
        above: Above::At("tram.h41.example.vn:7800".into()),
        socket: dir.join("a \"quoted\" name.sock"),
        uid: 1000,
        seals_for: Some(AgencyCode::parse("H41.12").unwrap()),
        data_dir: "data".into(),
        anchor_dir: "anchor".into(),
        limits: vec![("free_space_reserve_bytes", 67_108_864)],
        now: UnixMillis(1_780_272_000_000),
    }
}

#[test]
fn the_configuration_says_what_was_asked() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("node");
    let setup = setup(&dir);
    let request = setup.create(&dir, &mut SeededEntropy::from_u64(1)).unwrap();
    let text = std::fs::read_to_string(dir.join(CONFIG_FILE)).unwrap();
    let config = Config::parse(&text, &dir.join(CONFIG_FILE), &Accounts::default()).unwrap();
    assert_eq!(config.node, setup.node);
    assert_eq!((config.listen, config.peers.len()), (setup.listen, 1));
    assert_eq!(config.sockets[0].path, setup.socket);
    assert_eq!(config.seals[0].agency.as_str(), "H41.12");
    assert_eq!(config.limits.free_space_reserve_bytes, 67_108_864);
    assert_eq!(config.data_dir, dir.join("data"));

    let genesis = std::fs::read(config.data_dir.join(GENESIS_FILE)).unwrap();
    assert_eq!(tram_wire::genesis::decode(&genesis).unwrap(), request.genesis);
    let entry = request.entry(None, Vec::new());
    assert_eq!(entry.epochs[0].id, tram_wire::genesis::epoch_id(&request.genesis));
    assert!(request.seal.is_some());
    for key in ["tls", "receipt", "checkpoint", "seal"] {
        let file = dir.join("keys").join(format!("{key}.key"));
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // What others must fill is all that is missing.
    let missing = config.check().unwrap_err().to_string();
    for path in [place::TLS_CERTIFICATE, place::DIRECTORY, place::SEAL_CERTIFICATE] {
        assert!(missing.contains(path), "{missing}");
    }
    assert_eq!(missing.lines().filter(|l| l.contains("no file")).count(), 3, "{missing}");
}

#[test]
fn only_dialling_and_the_top_are_configurations_too() {
    let mut setup = setup(Path::new("/x"));
    (setup.listen, setup.above, setup.seals_for) = (None, Above::Nobody, None);
    let text = configuration::text(&setup);
    let config = Config::parse(&text, Path::new("/x/tram.toml"), &Accounts::default()).unwrap();
    assert!(config.listen.is_none() && config.peers.is_empty() && config.seals.is_empty());
}

#[test]
fn a_node_is_never_set_up_twice() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(folder.path());
    let mut entropy = SeededEntropy::from_u64(1);
    setup.create(folder.path(), &mut entropy).unwrap();
    let key = std::fs::read(folder.path().join("keys/tls.key")).unwrap();
    let again = setup.create(folder.path(), &mut entropy).unwrap_err();
    assert!(matches!(again, SetupError::Pki(PkiError::File { .. })), "{again}");
    assert_eq!(std::fs::read(folder.path().join("keys/tls.key")).unwrap(), key);
    let bad = NodeSetup { root_file: b"no".to_vec(), ..setup };
    assert!(matches!(bad.create(&folder.path().join("b"), &mut entropy), Err(SetupError::Root(_))));
}
