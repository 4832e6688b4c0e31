//! A log whose keys were stolen before its epoch ended: a forgery dated before the end is what the keys sign, and
//! only what others hold of that log tells it from the log itself.

use tram_dispatch::directory::Entry;
use tram_dispatch::{AgencyCode, Code, Event, UnixMillis};
use tram_tlog::note::Note;
use tram_trust::Directory;
use tram_trust::evidence::{Account, Claim, Lack, Part, State, examine};
use tram_trust::fixtures::{COMMUNE, Log, NOW};
use tram_trust::receipt::verify_offline;
use tram_wire::EvidenceFile;
use tram_wire::directory::{DirectoryFile, DirectoryPart};
use tram_wire::evidence_file::{Link, ProvedCheckpoint};

use super::{exit, ground, proved, world};

/// The epoch ended here, and the keys were stolen some time before.
const END: UnixMillis = UnixMillis(NOW.0 + 3_600_000);

/// A directory in which the log of the commune's node has ended: its file, and itself.
fn ended() -> (Vec<u8>, Directory) {
    let network = &world().network;
    let mut entries = network.entries.clone();
    for entry in &mut entries {
        if let Entry::Node(node) = entry
            && node.id.agency().as_str() == COMMUNE
        {
            node.epochs[0].until = Some(END);
        }
    }
    let head = network.head(2, Some(network.directory.digest()), &entries);
    (network.directory_file(head, &entries), network.next_directory(&entries))
}

/// The thief's own log under the stolen keys, as long as wanted, in which the dispatch arrived.
fn forged(leaves: u64) -> Log<'static> {
    let w = world();
    let (node, recipient) =
        (w.network.node(COMMUNE), AgencyCode::parse_canonical(COMMUNE).unwrap());
    let mut log = Log::new(node);
    let mut time = NOW;
    while log.tree().size() + 1 < leaves {
        time = time.plus_ms(1);
        let record = log.record(Event::ContentHandover, &w.sealed, Some(&recipient), time);
        log.commit(&[record], time);
    }
    log
}

/// An evidence file in which the commune's node is said to hold it, with these checkpoints of that log.
fn file(
    directory: &[u8],
    log: &mut Log<'_>,
    checkpoint: impl FnOnce(&Log<'_>) -> Option<ProvedCheckpoint>,
) -> (EvidenceFile, tram_wire::Receipt) {
    let w = world();
    let (district, recipient) = (&w.receipts[2], AgencyCode::parse_canonical(COMMUNE).unwrap());
    let time = NOW.plus_ms(4_000);
    let mut record = log.record(Event::ContentConsignment, &w.sealed, Some(&recipient), time);
    record.previous = Some(district.record().node.clone());
    record.upstream = Some(district.digest());
    let receipt = log.commit(&[record], time).remove(0);
    let mut file = w.file.clone();
    let of_commune = format!("/{}/", w.network.node(COMMUNE).id);
    let named = |c: &ProvedCheckpoint| {
        Note::parse(&c.note).unwrap().text().lines().next().unwrap().contains(&of_commune)
    };
    file.checkpoints.retain(|c| !named(c));
    assert_eq!(file.checkpoints.len() + 1, w.file.checkpoints.len());
    file.checkpoints.extend(checkpoint(log));
    file.receipts = w.receipts[..3].iter().map(|r| r.raw().to_vec()).collect();
    file.receipts.push(receipt.raw().to_vec());
    file.statements.clear();
    file.directory = DirectoryPart::of(&DirectoryFile::decode(directory).unwrap(), |_| true);
    file.sort();
    (file, receipt)
}

/// The checkpoint of the commune's real log that its neighbours hold and cosigned before the theft.
fn held_by_peers() -> ProvedCheckpoint {
    let of_commune = format!("/{}/", world().network.node(COMMUNE).id);
    let found =
        world().file.checkpoints.iter().find(|c| {
            String::from_utf8_lossy(&c.note).lines().next().unwrap().contains(&of_commune)
        });
    found.unwrap().clone()
}

fn answer(file: &EvidenceFile) -> Account {
    examine(&ground(), &file.encode()).unwrap()
}

fn witnessed(account: &Account) -> Vec<&State> {
    let node = world().network.node(COMMUNE).id.to_string();
    let of = |f: &&tram_trust::evidence::Finding| f.claim == Claim::Witnessed && f.about == node;
    account.findings.iter().filter(of).map(|f| &f.state).collect()
}

#[test]
fn a_forgery_dated_before_the_end_of_a_stolen_log_is_refused_by_what_peers_hold() {
    let (directory, ended) = ended();
    // What the node itself said before the end stays proved, and witnessed.
    let mut genuine = world().file.clone();
    genuine.directory = DirectoryPart::of(&DirectoryFile::decode(&directory).unwrap(), |_| true);
    let account = answer(&genuine);
    assert!(matches!(witnessed(&account)[..], [State::Proved(_)]), "{:?}", account.faults);
    assert_eq!(exit(&account), 0);
    // By itself it is what the key signed, dated before the end: nothing in it tells when it was made.
    let (alone, receipt) = file(&directory, &mut forged(3), |_| None);
    verify_offline(&world().network.root, &ended, receipt).unwrap();
    let account = answer(&alone);
    assert_eq!(account.faults, []);
    assert!(
        proved(&account).keys().any(|k| k.0 == Claim::Arrived),
        "who asks for no witness believes it"
    );
    // A verifier with a policy asks: nobody saw that log.
    assert!(matches!(witnessed(&account)[..], [State::Lacking(Lack::NoCheckpoint)]));
    assert_eq!(exit(&account), 3);

    // With a checkpoint under the other stolen key: no witness has it.
    let (own, _) = file(&directory, &mut forged(3), |log| {
        let links = vec![Link { size: log.tree().size(), path: Vec::new() }];
        Some(ProvedCheckpoint { note: log.checkpoint(), links, stamps: Vec::new() })
    });
    let account = answer(&own);
    assert_eq!(account.faults, []);
    let [State::Lacking(Lack::NoQuorum { have, .. })] = witnessed(&account)[..] else {
        panic!("{:?}", witnessed(&account))
    };
    assert_eq!((have.len(), exit(&account)), (0, 3));

    // With the lines of the real log's witnesses under it: they signed something else.
    let (borrowed, _) = file(&directory, &mut forged(3), |log| {
        let mut note = Note::parse(&log.checkpoint()).unwrap();
        for line in Note::parse(&held_by_peers().note).unwrap().signatures().iter().skip(1) {
            note.add(line.clone()).unwrap();
        }
        let links = vec![Link { size: log.tree().size(), path: Vec::new() }];
        Some(ProvedCheckpoint { note: note.to_bytes().unwrap(), links, stamps: Vec::new() })
    });
    let account = answer(&borrowed);
    assert!(account.faults.iter().any(|f| matches!(f.part, Part::Checkpoint(_))), "{account:?}");
    assert_eq!(exit(&account), 1);
}

#[test]
fn no_proof_leads_from_a_forged_log_to_the_checkpoint_that_peers_hold() {
    let (directory, _) = ended();
    let held = held_by_peers();
    // The forged receipt at each size up to that of the real log, and every path that the thief has.
    let size = held.links.iter().map(|link| link.size).max().unwrap();
    assert!(size > 3);
    for leaves in 2..=size {
        let mut paths: Vec<Vec<[u8; 32]>> = held.links.iter().map(|l| l.path.clone()).collect();
        let longer = forged(size + 1);
        let own = longer.tree().consistency(leaves).unwrap_or_default();
        paths.push(own.into_iter().map(|hash| hash.0).collect());
        paths.push(Vec::new());
        for path in paths {
            let (forgery, _) = file(&directory, &mut forged(leaves), |log| {
                assert_eq!(log.tree().size(), leaves);
                let links = vec![Link { size: leaves, path }];
                Some(ProvedCheckpoint { links, ..held.clone() })
            });
            let account = answer(&forgery);
            let of = |f: &tram_trust::evidence::Fault| f.refusal.code;
            assert!(!account.faults.is_empty(), "{leaves} leaves");
            assert!(account.faults.iter().all(|f| of(f) != Code::Internal));
            assert_eq!(exit(&account), 1, "{leaves} leaves");
            assert!(!witnessed(&account).iter().any(|s| matches!(s, State::Proved(_))));
        }
    }
}
