//! Epochs that the directory does not list: announced, provisional, listed.

use std::sync::Arc;

use tram_crypto::{Algorithm, Ed25519Signer, Sign as _};
use tram_dispatch::directory::{Entry, Epoch};
use tram_dispatch::evidence::{Event, Genesis};
use tram_dispatch::{Code, UnixMillis};
use tram_tlog::Hash;
use tram_tlog::checkpoint::Checkpoint;
use tram_tlog::note::Note;
use tram_trust::checkpoint::origin;
use tram_trust::fixtures::{CENTRE, COMMUNE, DISTRICT, Log, NOW, Network, NodeKeys, PROVINCE};
use tram_trust::{Crls, Directory, Options, Refusal, Standing, VerifiedEpoch, Verifier};
use tram_wire::epoch::{Beginning, EpochFile, SealedBeginning};
use tram_wire::genesis::epoch_id;

/// The new epoch of the district's node, which begins an hour from now.
fn begun(network: &Network) -> NodeKeys {
    let old = network.node(DISTRICT);
    let log = Log::new(old);
    begun_after(network, old, NOW.plus_ms(3_600_000), Some(log.checkpoint()))
}

fn begun_after(
    network: &Network,
    old: &NodeKeys,
    started_at: UnixMillis,
    previous: Option<Vec<u8>>,
) -> NodeKeys {
    let label = format!("epoch from {started_at}");
    let seed = |what: &str| tram_trust::fixtures::seed(&format!("{what} {label}"));
    let key = |what: &str| Ed25519Signer::from_seed(&seed(what)).unwrap();
    let (receipt, checkpoint) = (key("receipt"), key("checkpoint"));
    let genesis = Genesis {
        network: network.id(),
        node: old.id.clone(),
        receipt_key: receipt.public_key().spki_der().to_vec(),
        checkpoint_key: checkpoint.public_key().spki_der().to_vec(),
        started_at,
        previous,
    };
    NodeKeys {
        id: old.id.clone(),
        chain: old.chain.clone(),
        tls_pkcs8: old.tls_pkcs8.clone(),
        receipt_pkcs8: Vec::new(),
        checkpoint_pkcs8: Vec::new(),
        receipt,
        checkpoint,
        epoch: epoch_id(&genesis),
        genesis,
    }
}

/// What an epoch file is made of.
struct Made<'a> {
    keys: &'a NodeKeys,
    /// Whose certificate and key state it.
    stated_by: &'a NodeKeys,
    size: u64,
    root: [u8; 32],
    cosigned_by: Option<&'a NodeKeys>,
}

impl<'a> Made<'a> {
    fn of(keys: &'a NodeKeys) -> Self {
        Made { keys, stated_by: keys, size: 1, root: keys.epoch.0, cosigned_by: None }
    }

    fn cosigned(keys: &'a NodeKeys, by: &'a NodeKeys) -> Self {
        Made { cosigned_by: Some(by), ..Made::of(keys) }
    }

    fn file(&self) -> Vec<u8> {
        let Made { keys, stated_by, .. } = self;
        let tls = Ed25519Signer::from_pkcs8_der(&stated_by.tls_pkcs8).unwrap();
        let beginning = Beginning::new(keys.genesis.clone());
        let statement =
            SealedBeginning::seal(&beginning, &stated_by.chain, Algorithm::EdDsa, |m| tls.sign(m));
        let name = origin(keys.genesis.network, &keys.id, keys.epoch);
        let checkpoint = Checkpoint::new(&name, self.size, Hash(self.root)).unwrap();
        let mut note = Note::parse(&checkpoint.sign(&name, &keys.checkpoint).unwrap()).unwrap();
        if let Some(by) = self.cosigned_by {
            let line = tram_trust::cosignature::sign(
                keys.genesis.network,
                (&by.id, by.epoch),
                (&keys.id, keys.epoch),
                (self.size, self.root),
                keys.genesis.started_at.0 / 1_000 + 5,
                &by.checkpoint,
            );
            note.add(line.unwrap().to_signature()).unwrap();
        }
        EpochFile { statement: statement.unwrap(), note: note.to_bytes().unwrap() }.encode()
    }
}

fn epoch(verifier: &Verifier, made: &Made<'_>) -> Result<VerifiedEpoch, Refusal> {
    verifier.epoch(&made.file(), made.keys.genesis.started_at.plus_ms(1_000))
}

fn with(network: &Network, directory: Directory) -> Verifier {
    Verifier::new(network.root.clone(), Arc::new(directory), Crls::none(), Options::default())
}

#[test]
fn its_node_announces_an_epoch_and_its_parent_makes_it_provisional() {
    let network = Network::new("epochs");
    let (verifier, keys) = (network.verifier(), begun(&network));
    let announced = epoch(&verifier, &Made::of(&keys)).unwrap();
    assert_eq!((announced.is_cosigned(), announced.id()), (false, keys.epoch));
    assert_eq!(announced.previous().epoch(), network.node(DISTRICT).epoch);
    let parent = network.node(PROVINCE);
    let provisional = epoch(&verifier, &Made::cosigned(&keys, parent)).unwrap();
    assert!(provisional.is_cosigned());
    // Any other witness makes nothing of it.
    for other in [CENTRE, COMMUNE] {
        let found = epoch(&verifier, &Made::cosigned(&keys, network.node(other))).unwrap();
        assert!(!found.is_cosigned(), "{other}");
    }
    assert!(!epoch(&verifier, &Made::cosigned(&keys, &keys)).unwrap().is_cosigned());
}

#[test]
fn what_does_not_hold_is_no_epoch() {
    let network = Network::new("epochs");
    let (verifier, keys) = (network.verifier(), begun(&network));
    let code = |made: &Made<'_>| epoch(&verifier, made).expect_err("it does not hold").code;
    let other = network.node(COMMUNE);
    assert_eq!(code(&Made { stated_by: other, ..Made::of(&keys) }), Code::EpochUnlisted);
    // The right name, another key.
    let forged = NodeKeys { tls_pkcs8: other.tls_pkcs8.clone(), ..begun(&network) };
    assert_eq!(code(&Made { stated_by: &forged, ..Made::of(&keys) }), Code::SignatureInvalid);
    assert_eq!(code(&Made { size: 2, ..Made::of(&keys) }), Code::EpochUnlisted);
    assert_eq!(code(&Made { root: [7; 32], ..Made::of(&keys) }), Code::EpochUnlisted);
    let old = network.node(DISTRICT);
    assert_eq!(code(&Made::of(old)), Code::EpochUnlisted, "the directory lists it");
    let after = |previous| begun_after(&network, old, keys.genesis.started_at, previous);
    assert_eq!(code(&Made::of(&after(None))), Code::EpochUnlisted);
    let of_another = Log::new(other).checkpoint();
    assert_eq!(code(&Made::of(&after(Some(of_another)))), Code::ReceiptInvalid);
    let before = begun_after(&network, old, UnixMillis(1), keys.genesis.previous.clone());
    assert_eq!(code(&Made::of(&before)), Code::EpochUnlisted, "a later one is listed");
    let mut same = begun(&network);
    same.genesis.checkpoint_key = same.genesis.receipt_key.clone();
    same.epoch = epoch_id(&same.genesis);
    assert_eq!(code(&Made::of(&same)), Code::EpochUnlisted);
    let elsewhere = Network::new("another");
    let file = Made::of(&begun(&elsewhere)).file();
    assert_eq!(verifier.epoch(&file, NOW).unwrap_err().code, Code::WrongNetwork);
    let file = Made::of(&keys).file();
    for cut in [0, 1, file.len() / 2, file.len() - 1] {
        assert!(verifier.epoch(&file[..cut], NOW).is_err(), "{cut}");
    }
}

#[test]
fn receipts_count_in_a_provisional_epoch_and_not_in_an_announced_one() {
    let network = Network::new("epochs");
    let (verifier, keys) = (network.verifier(), begun(&network));
    let sealed = network.seal(&network.envelope(CENTRE, &[COMMUNE], "1/ĐỜI"));
    let mut log = Log::new(&keys);
    let at = keys.genesis.started_at.plus_ms(10_000);
    let recipient = COMMUNE.parse().unwrap();
    let record = log.record(Event::RelayAcceptance, &sealed, Some(&recipient), at);
    let receipt = log.commit(&[record], at).remove(0);
    let judge = |verifier: &Verifier| verifier.receipt(receipt.clone()).map(|r| r.is_provisional());
    assert_eq!(judge(&verifier).unwrap_err().code, Code::ReceiptInvalid);

    let announced = epoch(&verifier, &Made::of(&keys)).unwrap();
    let directory = network.directory.adopt(&announced).unwrap();
    let standing = directory.standing(&keys.id, &keys.epoch);
    assert_eq!(standing, Some(Standing::Announced));
    let knowing = with(&network, directory);
    assert_eq!(judge(&knowing).unwrap_err().code, Code::ReceiptInvalid);
    // Its checkpoints can be read, so that the parent can cosign them.
    assert_eq!(knowing.checkpoint(&keys.id, &log.checkpoint()).unwrap().size(), 2);

    let provisional = epoch(&verifier, &Made::cosigned(&keys, network.node(PROVINCE))).unwrap();
    let directory = knowing.directory().adopt(&provisional).unwrap();
    assert_eq!(directory.standing(&keys.id, &keys.epoch), Some(Standing::Provisional));
    assert!(directory.adopt(&announced).is_none() && directory.adopt(&provisional).is_none());
    let knowing = with(&network, directory);
    assert!(judge(&knowing).unwrap());
    // The ended epoch's receipts are what they were.
    let mut log = Log::new(network.node(DISTRICT));
    let record = log.record(Event::RelayAcceptance, &sealed, Some(&recipient), NOW);
    let receipt = log.commit(&[record], NOW).remove(0);
    assert!(!knowing.receipt(receipt).unwrap().is_provisional());
}

#[test]
fn a_directory_lists_an_epoch_keeps_it_provisional_or_ends_it() {
    let network = Network::new("epochs");
    let (verifier, keys) = (network.verifier(), begun(&network));
    let provisional = epoch(&verifier, &Made::cosigned(&keys, network.node(PROVINCE))).unwrap();
    let adopted = network.directory.adopt(&provisional).unwrap();
    let next = |change: &dyn Fn(&mut Vec<Epoch>)| {
        let mut entries = network.entries.clone();
        for entry in &mut entries {
            match entry {
                Entry::Node(node) if node.id == keys.id => change(&mut node.epochs),
                _ => {}
            }
        }
        let head = network.head(2, Some(adopted.digest()), &entries);
        let file = network.directory_file(head, &entries);
        let next = Directory::verify(&network.root, &file, Some(&adopted), NOW).unwrap();
        next.standing(&keys.id, &keys.epoch)
    };
    let listed = |keys: &NodeKeys| Epoch {
        id: keys.epoch,
        receipt_key: keys.genesis.receipt_key.clone(),
        checkpoint_key: keys.genesis.checkpoint_key.clone(),
        from: keys.genesis.started_at,
        until: None,
    };
    assert_eq!(next(&|_| {}), Some(Standing::Provisional));
    assert_eq!(next(&|epochs| epochs.push(listed(&keys))), Some(Standing::Listed));
    let later = keys.genesis.started_at.plus_ms(1);
    let later = begun_after(&network, network.node(DISTRICT), later, keys.genesis.previous.clone());
    assert_eq!(next(&|epochs| epochs.push(listed(&later))), None, "another one is listed instead");
}

#[test]
fn a_node_has_a_few_epochs_beside_the_directory() {
    let network = Network::new("epochs");
    let old = network.node(DISTRICT);
    let mut directory = (*network.directory).clone();
    let mut adopted = 0;
    for n in 0..10 {
        let at = NOW.plus_ms(n * 1_000);
        let keys = begun_after(&network, old, at, Some(Log::new(old).checkpoint()));
        let made = Made::cosigned(&keys, network.node(PROVINCE));
        let found = epoch(&with(&network, directory.clone()), &made).unwrap();
        if let Some(more) = directory.adopt(&found) {
            (directory, adopted) = (more, adopted + 1);
        }
    }
    assert_eq!(adopted, tram_trust::directory::ADOPTED_MAX);
}

#[test]
fn one_nodes_epochs_leave_room_for_anothers() {
    let network = Network::new("epochs");
    let mut directory = (*network.directory).clone();
    let mut adopt = |of: &str, parent: &str, n: u64| {
        let old = network.node(of);
        let at = NOW.plus_ms(n * 1_000);
        let keys = begun_after(&network, old, at, Some(Log::new(old).checkpoint()));
        let made = Made::cosigned(&keys, network.node(parent));
        let found = epoch(&with(&network, directory.clone()), &made).unwrap();
        assert_eq!(found.file(), made.file());
        let more = directory.adopt(&found);
        more.map(|more| directory = more).is_some()
    };
    for n in 0..tram_trust::directory::ADOPTED_MAX as u64 {
        assert!(adopt(DISTRICT, PROVINCE, n));
    }
    assert!(!adopt(DISTRICT, PROVINCE, 100) && adopt(COMMUNE, DISTRICT, 1));
}

#[test]
fn an_epoch_may_begin_in_the_millisecond_of_a_listed_one() {
    let network = Network::new("epochs");
    let old = network.node(DISTRICT);
    let began = old.genesis.started_at;
    let keys = begun_after(&network, old, began, Some(Log::new(old).checkpoint()));
    let found = epoch(&network.verifier(), &Made::of(&keys)).unwrap();
    assert!(network.directory.adopt(&found).is_some(), "only a later one is in the way");
}
