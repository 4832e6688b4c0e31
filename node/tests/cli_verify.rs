//! Exported receipts, verified by the command line without any node: what holds, and at which
//! claim what was tampered with falls.

mod cli_place;

use std::fs;

use cli_place::Place;
use serde_json::Value;
use tram_crypto::Ed25519Signer;
use tram_dispatch::{Event, EvidenceRecord, UnixMillis};
use tram_trust::fixtures::{COMMUNE, Log, NOW, Network, NodeKeys, PROVINCE};
use tram_wire::{Receipt, SealedDispatch};

/// A network with one dispatch from the province to the commune.
struct World {
    place: Place,
    network: Network,
    sealed: SealedDispatch,
}

impl World {
    fn new(label: &str) -> Self {
        let (place, network) = (Place::new(), Network::new(label));
        let sealed = network.seal(&network.envelope(PROVINCE, &[COMMUNE], "16/CT"));
        fs::write(place.path("root.cbor"), &network.root_file).unwrap();
        fs::write(place.path("directory.cbor"), &network.directory_file).unwrap();
        World { place, network, sealed }
    }

    fn receipt(
        &self,
        keys: &NodeKeys,
        change: impl Fn(&mut EvidenceRecord),
        at: UnixMillis,
    ) -> Receipt {
        let mut log = Log::new(keys);
        let mut record = log.record(Event::SubmissionAcceptance, &self.sealed, None, NOW);
        change(&mut record);
        log.commit(&[record], at).remove(0)
    }

    /// The receipt of submission and the one of consignment that rests on it.
    fn good(&self) -> [Receipt; 2] {
        let first = self.receipt(self.network.node(PROVINCE), |_| {}, NOW);
        let commune = self.network.agent(COMMUNE).code.clone();
        let last = self.receipt(
            self.network.node(COMMUNE),
            |r| {
                r.event = Event::ContentConsignment;
                r.recipient = Some(commune.clone());
                r.upstream = Some(first.digest());
            },
            NOW,
        );
        [first, last]
    }

    fn verify(&self, files: &[(&str, &[u8])], more: &[&str]) -> (i32, Value) {
        let mut words = vec!["verify", "--json", "--root", "root.cbor"];
        for (name, bytes) in files {
            fs::write(self.place.path(name), bytes).unwrap();
            words.push(name);
        }
        let (code, out, err) = self.place.tram(&[&words[..], more].concat()).both();
        (code, serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}")))
    }
}

const DIRECTORY: [&str; 2] = ["--directory", "directory.cbor"];

fn state(item: &Value, claim: &str) -> String {
    let found = item["claims"].as_array().unwrap().iter().find(|c| c["claim"] == claim);
    found.and_then(|c| c["state"].as_str()).unwrap_or("absent").to_owned()
}

/// The head of a CBOR item (RFC 8949 section 3), in its shortest form.
fn head(major: u8, value: usize) -> Vec<u8> {
    match u16::try_from(value).expect("small things only") {
        small @ 0..24 => vec![major << 5 | small as u8],
        byte @ 24..256 => vec![major << 5 | 24, byte as u8],
        more => [&[major << 5 | 25][..], &more.to_be_bytes()].concat(),
    }
}

/// A bundle, written by hand as docs/protocol.md describes it.
fn bundle_of(receipts: &[&[u8]], directory: Option<&[u8]>) -> Vec<u8> {
    let bytes = |item: &[u8]| [&head(2, item.len()), item].concat();
    let mut out = head(4, 3 + usize::from(directory.is_some()));
    out.extend([&head(3, 13)[..], b"tram-receipts", &head(0, 1)].concat());
    out.extend(head(4, receipts.len()));
    receipts.iter().for_each(|receipt| out.extend(bytes(receipt)));
    out.extend(directory.map(bytes).unwrap_or_default());
    out
}

fn bundle(receipts: &[Receipt], directory: Option<&[u8]>) -> Vec<u8> {
    let raw: Vec<&[u8]> = receipts.iter().map(|r| &r.raw()[..]).collect();
    bundle_of(&raw, directory)
}

#[test]
fn receipts_and_dispatch_verify_together_from_every_form_of_file() {
    let world = World::new("forms");
    let receipts = world.good();
    let sequence = [&receipts[0].raw()[..], receipts[1].raw()].concat();
    let sealed = ("a.dispatch", &world.sealed.raw()[..]);
    let with = bundle(&receipts, Some(&world.network.directory_file));
    let without = bundle(&receipts, None);
    for (bytes, more) in [(&sequence, &DIRECTORY[..]), (&without, &DIRECTORY), (&with, &[])] {
        let (code, report) = world.verify(&[("r", bytes), sealed], more);
        assert_eq!((code, &report["verified"]), (0, &3.into()), "{report:#}");
        let items = report["items"].as_array().unwrap();
        for claim in [
            "format",
            "inclusion",
            "network",
            "node",
            "epoch",
            "key",
            "times",
            "signature",
            "authority",
        ] {
            assert_eq!(state(&items[0], claim), "holds", "{claim}");
        }
        assert_eq!(state(&items[1], "upstream"), "holds");
        // The receipt of submission judges the seal.
        assert_eq!(state(&items[2], "moment"), "holds", "{report:#}");
    }
}

#[test]
fn each_kind_of_tampering_falls_at_its_claim() {
    let world = World::new("tampering");
    let other = World::new("another network");
    let province = world.network.node(PROVINCE);
    let keys = |change: &dyn Fn(&mut NodeKeys)| {
        let mut network = Network::new("tampering");
        let mut keys =
            network.nodes.remove(network.nodes.iter().position(|n| n.id == province.id).unwrap());
        change(&mut keys);
        keys
    };
    let later = keys(&|k| {
        k.genesis.started_at = k.genesis.started_at.plus_ms(1);
        k.epoch = tram_wire::genesis::epoch_id(&k.genesis);
    });
    let stolen = keys(&|k| k.receipt = Ed25519Signer::from_seed(&[7; 32]).unwrap());
    let good = world.receipt(province, |_| {}, NOW);
    let mut salted = good.raw().to_vec();
    let at = salted.windows(16).position(|w| w == good.salt()).unwrap();
    salted[at] ^= 1;
    let commune = world.network.agent(COMMUNE).code.clone();
    let claim = world.receipt(
        province,
        |r| {
            r.event = Event::ContentConsignment;
            r.recipient = Some(commune.clone());
        },
        NOW,
    );
    let early = UnixMillis(NOW.0 - 1);
    for (falls, bytes) in [
        ("signature", salted),
        ("network", other.good()[0].raw().to_vec()),
        ("epoch", world.receipt(&later, |_| {}, NOW).raw().to_vec()),
        ("key", world.receipt(&stolen, |_| {}, NOW).raw().to_vec()),
        ("times", world.receipt(province, |_| {}, early).raw().to_vec()),
        ("authority", claim.raw().to_vec()),
    ] {
        let (code, report) = world.verify(&[("r", &bytes)], &DIRECTORY);
        let item = &report["items"][0];
        assert_eq!((code, state(item, falls).as_str()), (1, "fails"), "{falls}: {item:#}");
        assert_eq!(item["verdict"], "refused");
        let states: Vec<_> = item["claims"].as_array().unwrap().iter().collect();
        let place = states.iter().position(|c| c["claim"] == falls).unwrap();
        assert!(states[..place].iter().all(|c| c["state"] == "holds"), "{falls}: {item:#}");
        assert!(
            states[place + 1..].iter().all(|c| c["state"] == "not_checked"),
            "{falls}: {item:#}"
        );
    }
}

#[test]
fn one_bad_receipt_among_good_ones_decides_the_exit_code() {
    let world = World::new("one bad");
    let receipts = world.good();
    let mut bytes = bundle(&receipts, Some(&world.network.directory_file));
    let at = bytes.windows(16).position(|w| w == receipts[1].salt()).unwrap();
    bytes[at] ^= 1;
    let (code, report) = world.verify(&[("r", &bytes)], &[]);
    assert_eq!((code, &report["verified"], &report["refused"]), (1, &1.into(), &1.into()));
    // A receipt that does not even parse is an item as well, not an end of the list.
    let mut cut = receipts[0].raw().to_vec();
    cut.truncate(cut.len() - 1);
    let mixed = bundle_of(&[&cut, receipts[0].raw()], None);
    let (code, report) = world.verify(&[("r", &mixed)], &DIRECTORY);
    assert_eq!((code, &report["verified"], &report["refused"]), (1, &1.into(), &1.into()));
    assert_eq!(state(&report["items"][0], "format"), "fails");
}

#[test]
fn receipts_are_shown_without_being_called_verified() {
    let world = World::new("show");
    let receipts = world.good();
    fs::write(world.place.path("r"), bundle(&receipts, None)).unwrap();
    let text = world.place.tram(&["receipt", "show", "r", "--lang", "vi"]).ok();
    assert!(text.contains("Đã đến nơi nhận (ContentConsignment)"), "{text}");
    assert!(text.contains(&receipts[1].digest().to_string()));
    assert!(!text.to_lowercase().contains("verified") && !text.contains("KIỂM CHỨNG"));
}
