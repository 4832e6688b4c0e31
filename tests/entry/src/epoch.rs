//! Epoch files: what a node and its parent signed, and nothing else.

use std::sync::OnceLock;

use tram_crypto::{Algorithm, Ed25519Signer, Sign as _};
use tram_dispatch::UnixMillis;
use tram_dispatch::evidence::Genesis;
use tram_tlog::Hash;
use tram_tlog::checkpoint::Checkpoint;
use tram_tlog::note::Note;
use tram_trust::Verifier;
use tram_trust::checkpoint::origin;
use tram_trust::fixtures::{DISTRICT, Log, NOW, Network, PROVINCE};
use tram_wire::epoch::{Beginning, EpochFile, SealedBeginning};
use tram_wire::genesis::epoch_id;

/// When the one epoch begins.
const BEGINS: UnixMillis = UnixMillis(NOW.0 + 3_600_000);

/// A network, and the one epoch that was ever stated and cosigned beside its directory.
pub(crate) struct Begun {
    verifier: Verifier,
    pub(crate) announced: Vec<u8>,
    pub(crate) provisional: Vec<u8>,
}

impl Begun {
    /// The same in every process.
    pub(crate) fn get() -> &'static Begun {
        static BEGUN: OnceLock<Begun> = OnceLock::new();
        BEGUN.get_or_init(Begun::new)
    }

    fn new() -> Self {
        let network = Network::new("fuzz");
        let (old, parent) = (network.node(DISTRICT), network.node(PROVINCE));
        let key = |seed: u8| Ed25519Signer::from_seed(&[seed; 32]).expect("a key");
        let genesis = Genesis {
            network: network.id(),
            node: old.id.clone(),
            receipt_key: key(31).public_key().spki_der().to_vec(),
            checkpoint_key: key(32).public_key().spki_der().to_vec(),
            started_at: BEGINS,
            previous: Some(Log::new(old).checkpoint()),
        };
        let id = epoch_id(&genesis);
        let tls = Ed25519Signer::from_pkcs8_der(&old.tls_pkcs8).expect("a key");
        let beginning = Beginning::new(genesis);
        let sealed =
            SealedBeginning::seal(&beginning, &old.chain, Algorithm::EdDsa, |m| tls.sign(m));
        let name = origin(network.id(), &old.id, id);
        let signed = Checkpoint::new(&name, 1, Hash(id.0)).and_then(|c| c.sign(&name, &key(32)));
        let signed = signed.expect("a sound checkpoint");
        let cosigned = tram_trust::cosignature::sign(
            network.id(),
            (&parent.id, parent.epoch),
            (&old.id, id),
            (1, id.0),
            BEGINS.0 / 1_000 + 5,
            &parent.checkpoint,
        );
        let mut note = Note::parse(&signed).expect("a sound note");
        note.add(cosigned.expect("a cosignature").to_signature()).expect("one more line");
        let file = |note| EpochFile { statement: sealed.clone().expect("sealed"), note }.encode();
        Begun {
            verifier: network.verifier(),
            announced: file(signed),
            provisional: file(note.to_bytes().expect("it can be written")),
        }
    }
}

/// No epoch is taken but the one that was stated; none is provisional but by the parent's cosignature.
pub fn verified_epoch(data: &[u8]) {
    let Ok(file) = EpochFile::decode(data) else { return };
    assert_eq!(file.encode(), data, "there is one encoding");
    let begun = Begun::get();
    match begun.verifier.epoch(data, BEGINS.plus_ms(1_000)) {
        Ok(epoch) => {
            let genuine = EpochFile::decode(&begun.provisional).expect("a sound file");
            assert_eq!(file.statement.raw(), genuine.statement.raw(), "a forged epoch was taken");
            let note = String::from_utf8_lossy(&genuine.note).into_owned();
            let line = note.lines().last().unwrap_or_default();
            let there = String::from_utf8_lossy(&file.note).contains(line);
            assert!(there || !epoch.is_cosigned(), "a cosignature was forged");
        }
        Err(refusal) => {
            let genuine = data == begun.announced || data == begun.provisional;
            assert!(!genuine, "a genuine epoch was refused: {refusal}");
            assert!(tram_dispatch::text::is_plain(&refusal.detail), "{:?}", refusal.detail);
        }
    }
}
