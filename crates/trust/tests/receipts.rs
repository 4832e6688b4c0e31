//! Receipts and checkpoints: real ones, and forgeries in every field.

use tram_crypto::{Ed25519Signer, Sign};
use tram_dispatch::directory::{Entry, Head};
use tram_dispatch::{AgencyCode, Code, Digest, Event, EvidenceRecord, UnixMillis};
use tram_trust::fixtures::{CENTRE, COMMUNE, DISTRICT, END, Log, NOW, Network, START, seed};
use tram_trust::receipt::verify_offline;
use tram_trust::{Crls, Directory, Options, Verifier, assertion};
use tram_wire::{Receipt, SealedDispatch, SignedRoot};

struct World {
    network: Network,
    sealed: SealedDispatch,
    recipient: AgencyCode,
}

impl World {
    fn new() -> Self {
        let network = Network::new("trust tests");
        let sealed = network.seal(&network.envelope(CENTRE, &[COMMUNE], "r-1"));
        World { network, sealed, recipient: AgencyCode::parse(COMMUNE).unwrap() }
    }

    fn record(&self, log: &Log<'_>, event: Event) -> EvidenceRecord {
        log.record(event, &self.sealed, Some(&self.recipient), NOW)
    }
}

fn code(answer: Result<impl std::fmt::Debug, tram_trust::Refusal>) -> Code {
    answer.unwrap_err().code
}

#[test]
fn one_signature_serves_a_whole_commit() {
    let world = World::new();
    let mut log = Log::new(world.network.node(COMMUNE));
    let records: Vec<_> = (0..20).map(|_| world.record(&log, Event::ContentConsignment)).collect();
    let verifier = world.network.verifier();
    for receipt in log.commit(&records, NOW) {
        let verified = verifier.receipt(receipt.clone()).unwrap();
        assert_eq!(verified.authorised_issuer(), Some(true));
        assert_eq!(verified.digest(), receipt.digest());
        let offline = verify_offline(&world.network.root, &world.network.directory, receipt);
        assert_eq!(offline.unwrap(), verified);
    }
    assert_eq!(verifier.cached(), (0, 1));
    for receipt in log.commit(&records[..1], NOW) {
        assert!(verifier.receipt(receipt).is_ok());
    }
    assert_eq!(verifier.cached(), (0, 2));
}

#[test]
fn the_memory_of_roots_is_bounded_and_never_mistaken() {
    let world = World::new();
    let mut log = Log::new(world.network.node(COMMUNE));
    let options = Options { roots_cached_max: 3, ..Options::default() };
    let network = &world.network;
    let verifier =
        Verifier::new(network.root.clone(), network.directory.clone(), Crls::none(), options);
    for _ in 0..10 {
        let record = world.record(&log, Event::ContentConsignment);
        let receipt = log.commit(&[record], NOW).remove(0);
        assert!(verifier.receipt(receipt.clone()).is_ok());
        // Remembered, but with a spoilt signature it is another one.
        let mut root = receipt.signed_root().clone();
        root.signature[5] ^= 1;
        assert_eq!(code(verifier.receipt(rebuild(&receipt, &root))), Code::ReceiptInvalid);
        assert!(verifier.cached().1 <= 3);
    }
    assert_eq!(verifier.cached().1, 3);
}

fn rebuild(receipt: &Receipt, root: &SignedRoot) -> Receipt {
    Receipt::build(
        receipt.record().network,
        root,
        receipt.leaf_index(),
        receipt.path(),
        receipt.salt(),
        receipt.record_bytes(),
    )
    .unwrap()
}

#[test]
fn a_receipt_forged_in_any_field_is_refused() {
    let world = World::new();
    let verifier = world.network.verifier();
    let mut log = Log::new(world.network.node(COMMUNE));
    let records: Vec<_> = (0..5).map(|_| world.record(&log, Event::ContentConsignment)).collect();
    let receipt = log.commit(&records, NOW).remove(2);
    assert!(verifier.receipt(receipt.clone()).is_ok());
    // Fields of the header, the proof's index and size, each with the real signature.
    let spoilt: Vec<(&str, SignedRoot)> = vec![
        ("key", SignedRoot { key: Digest([1; 32]), ..receipt.signed_root().clone() }),
        ("time", SignedRoot { time: NOW.plus_ms(1), ..receipt.signed_root().clone() }),
    ];
    for (what, root) in spoilt {
        assert_eq!(
            code(verifier.receipt(rebuild(&receipt, &root))),
            Code::ReceiptInvalid,
            "{what}"
        );
    }
    // Every single byte of it: either it no longer parses, or it does not verify.
    let raw = receipt.raw().to_vec();
    for at in 0..raw.len() {
        for bit in [1, 0x80] {
            let mut forged = raw.clone();
            forged[at] ^= bit;
            if let Ok(parsed) = Receipt::parse(&forged) {
                let answer = verifier.receipt(parsed);
                assert!(answer.is_err(), "byte {at} bit {bit}: {answer:?}");
            }
        }
    }
}

#[test]
fn a_record_that_never_was_in_the_log_is_refused() {
    // The forger has a real receipt and puts another event under the same proof.
    let world = World::new();
    let mut log = Log::new(world.network.node(COMMUNE));
    let record = world.record(&log, Event::ConsignmentRejection);
    let receipt = log.commit(std::slice::from_ref(&record), NOW).remove(0);
    let forged = EvidenceRecord { event: Event::ConsignmentAcceptance, ..record };
    let bytes = tram_wire::evidence::encode(&forged);
    let built = Receipt::build(
        world.network.id(),
        receipt.signed_root(),
        receipt.leaf_index(),
        receipt.path(),
        receipt.salt(),
        &bytes,
    );
    assert!(built.is_err());
}

#[test]
fn keys_epochs_and_networks_are_not_interchangeable() {
    let world = World::new();
    let network = &world.network;
    let verifier = network.verifier();
    let mut log = Log::new(network.node(COMMUNE));
    let record = world.record(&log, Event::ContentConsignment);
    let receipt = log.commit(&[record], NOW).remove(0);
    // Signed by another key of the same node, under the right name.
    let mut root = receipt.signed_root().clone();
    let wrong = [
        Ed25519Signer::from_pkcs8_der(&network.node(COMMUNE).checkpoint_pkcs8).unwrap(),
        Ed25519Signer::from_pkcs8_der(&network.node(DISTRICT).receipt_pkcs8).unwrap(),
        Ed25519Signer::from_seed(&seed("anybody")).unwrap(),
    ];
    for key in wrong {
        root.signature = key.sign(&root.to_be_signed(network.id())).unwrap();
        let refusal = verifier.receipt(rebuild(&receipt, &root)).unwrap_err();
        assert_eq!(refusal.code, Code::ReceiptInvalid);
        assert!(refusal.detail.starts_with("signature"), "{refusal}");
    }
    // The right key, under the name of another.
    root.key = Digest(network.node(COMMUNE).checkpoint.public_key().key_id());
    root.signature = network.node(COMMUNE).receipt.sign(&root.to_be_signed(network.id())).unwrap();
    let refusal = verifier.receipt(rebuild(&receipt, &root)).unwrap_err();
    assert!(refusal.detail.starts_with("key"), "{refusal}");
    let other = Network::new("another network");
    let answer = other.verifier().receipt(receipt.clone());
    assert_eq!(code(answer), Code::WrongNetwork);
    let answer = verify_offline(&network.root, &other.directory, receipt.clone());
    assert_eq!(code(answer), Code::WrongNetwork);
    // The directory without that epoch, and with an epoch that had ended or had not begun.
    let with = |change: &dyn Fn(&mut tram_dispatch::directory::Node)| {
        let mut entries = network.entries.clone();
        for entry in &mut entries {
            if let Entry::Node(node) = entry
                && node.id.agency().as_str() == COMMUNE
            {
                change(node);
            }
        }
        verify_offline(&network.root, &network.next_directory(&entries), receipt.clone())
    };
    let refusal = with(&|node| node.epochs.clear()).unwrap_err();
    assert_eq!(refusal.code, Code::ReceiptInvalid);
    assert!(refusal.detail.contains("no epoch"), "{refusal}");
    let ended = |node: &mut tram_dispatch::directory::Node| {
        node.epochs[0].until = Some(UnixMillis(NOW.0 - 1));
    };
    assert_eq!(code(with(&ended)), Code::ReceiptInvalid);
    assert_eq!(code(with(&|node| node.epochs[0].from = NOW.plus_ms(1))), Code::ReceiptInvalid);
    assert!(with(&|node| node.epochs[0].until = Some(NOW)).is_ok());
}

#[test]
fn a_record_cannot_be_later_than_its_commit() {
    let world = World::new();
    let mut log = Log::new(world.network.node(COMMUNE));
    let record = world.record(&log, Event::ContentConsignment);
    let receipt = log.commit(&[record], UnixMillis(NOW.0 - 1)).remove(0);
    let refusal = world.network.verifier().receipt(receipt).unwrap_err();
    assert!(refusal.detail.starts_with("time"), "{refusal}");
}

#[test]
fn who_may_not_say_it_makes_an_unauthorised_claim() {
    let world = World::new();
    let verifier = world.network.verifier();
    let said = |agency: &str, event| {
        let mut log = Log::new(world.network.node(agency));
        let record = world.record(&log, event);
        let receipt = log.commit(&[record], NOW).remove(0);
        verifier.receipt(receipt).unwrap().authorised_issuer().unwrap()
    };
    assert!(said(COMMUNE, Event::ContentConsignment));
    assert!(!said(DISTRICT, Event::ContentConsignment));
    assert!(!said(DISTRICT, Event::ConsignmentAcceptance));
    assert!(said(DISTRICT, Event::RelayAcceptance));
    assert!(said(CENTRE, Event::SubmissionAcceptance));
    assert!(!said(DISTRICT, Event::SubmissionAcceptance));
    // Genuine, and nobody here knows who may say it.
    assert!(!said(COMMUNE, Event::read(200).unwrap()));
}

#[test]
fn checkpoints_are_of_the_node_and_epoch_they_name() {
    let world = World::new();
    let network = &world.network;
    let verifier = network.verifier();
    let mut log = Log::new(network.node(COMMUNE));
    let record = world.record(&log, Event::ContentConsignment);
    log.commit(&[record], NOW);
    let note = log.checkpoint();
    let id = &network.node(COMMUNE).id;
    let verified = verifier.checkpoint(id, &note).unwrap();
    assert_eq!((verified.node(), verified.epoch()), (id, network.node(COMMUNE).epoch));
    assert_eq!((verified.size(), *verified.root()), (2, log.tree().root().0));
    assert_eq!(verified.note(), note);
    // Remembered, for this node and these octets only.
    assert_eq!(verifier.checkpoint(id, &note).unwrap(), verified);
    let other = &network.node(DISTRICT).id;
    assert_eq!(code(verifier.checkpoint(other, &note)), Code::ReceiptInvalid);
    let elsewhere = Network::new("another network");
    assert_eq!(code(elsewhere.verifier().checkpoint(id, &note)), Code::ReceiptInvalid);
    assert_eq!(code(verifier.checkpoint(id, &vec![b'a'; 1 << 20])), Code::TooLarge);
    for at in 0..note.len() {
        let mut forged = note.clone();
        forged[at] ^= 1;
        assert!(verifier.checkpoint(id, &forged).is_err(), "byte {at}");
    }
}

#[test]
fn what_comes_back_from_the_store_is_what_went_in() {
    let world = World::new();
    let verified = world.network.verifier().dispatch(world.sealed.clone(), NOW).verified().unwrap();
    let again = assertion::dispatch_from_store(world.sealed.clone());
    assert_eq!(again.signer(), verified.signer());
    assert_eq!((again.id(), again.raw()), (verified.id(), verified.raw()));
    assert_eq!(again.revocation(), None);
    let mut log = Log::new(world.network.node(CENTRE));
    let record = log.record(Event::SubmissionAcceptance, &world.sealed, None, START);
    let receipt = log.commit(&[record], NOW).remove(0);
    let again = assertion::receipt_from_store(receipt.clone());
    assert_eq!((again.receipt(), again.authorised_issuer()), (&receipt, None));
}

/// What the world's network says of a receipt of the commune's node, once its epoch and the directory's
/// end are these.
fn within(from: UnixMillis, expires_at: UnixMillis, at: UnixMillis) -> Result<(), Code> {
    let world = World::new();
    let network = &world.network;
    let mut entries = network.entries.clone();
    for entry in &mut entries {
        if let Entry::Node(node) = entry
            && node.id == network.node(COMMUNE).id
        {
            node.epochs[0].from = from;
        }
    }
    let head = network.head(2, Some(network.directory.digest()), &entries);
    let file = network.directory_file(Head { expires_at, ..head }, &entries);
    let directory = Directory::verify(&network.root, &file, Some(&network.directory), NOW).unwrap();
    let mut log = Log::new(network.node(COMMUNE));
    let record = EvidenceRecord { time: at, ..world.record(&log, Event::ContentConsignment) };
    let receipt = log.commit(&[record], at).remove(0);
    verify_offline(&network.root, &directory, receipt).map(drop).map_err(|refusal| refusal.code)
}

#[test]
fn an_epoch_counts_from_its_first_millisecond_unless_the_directory_had_expired_by_then() {
    let (from, ms) = (NOW.plus_ms(10_000), |n| NOW.plus_ms(n));
    assert_eq!(within(from, END, from), Ok(()));
    assert_eq!(within(from, END, ms(9_999)), Err(Code::ReceiptInvalid));
    assert_eq!(within(from, from, ms(20_000)), Ok(()), "listed before it expired");
    assert_eq!(within(from, ms(9_999), ms(20_000)), Err(Code::ReceiptInvalid));
    assert_eq!(within(from, ms(1), ms(20_000)), Err(Code::ReceiptInvalid));
}
