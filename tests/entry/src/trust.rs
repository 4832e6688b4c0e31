//! Forgery: whatever is verified must be one of the few things that were really signed.

use std::sync::{Arc, OnceLock};

use tram_crypto::Sign as _;
use tram_dispatch::envelope::{SealedBy, Sequence};
use tram_dispatch::{AgencyCode, Event, NodeId, Status};
use tram_trust::fixtures::{CENTRE, COMMUNE, DISTRICT, Log, NOW, Network};
use tram_trust::{Directory, Root, Verdict, Verifier};
use tram_wire::statement::Statement;
use tram_wire::void::Void;
use tram_wire::{Receipt, Sealable, Sealed, SealedDispatch};

/// A network with everything that its keys have ever signed.
pub(crate) struct World {
    pub(crate) verifier: Verifier,
    pub(crate) node: NodeId,
    pub(crate) dispatches: Vec<Vec<u8>>,
    pub(crate) receipts: Vec<Vec<u8>>,
    /// What the commune sealed beside dispatches: how far it is with one, and that a number is void.
    pub(crate) statement: Vec<u8>,
    pub(crate) void: Vec<u8>,
    pub(crate) checkpoints: Vec<Vec<u8>>,
    pub(crate) directory_file: Vec<u8>,
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) revocation_list: Vec<u8>,
    pub(crate) empty_list: Vec<u8>,
    root: Arc<Root>,
}

impl World {
    /// The network: the same in every process.
    pub(crate) fn get() -> &'static World {
        static WORLD: OnceLock<World> = OnceLock::new();
        WORLD.get_or_init(World::new)
    }

    fn new() -> Self {
        let network = Network::new("fuzz");
        let sealed: Vec<SealedDispatch> =
            [(COMMUNE, &[CENTRE][..], "1/BC"), (CENTRE, &[COMMUNE, DISTRICT], "2/CT")]
                .into_iter()
                .map(|(from, to, reference)| network.seal(&network.envelope(from, to, reference)))
                .collect();
        let keys = network.node(DISTRICT);
        let mut log = Log::new(keys);
        let mut receipts = Vec::new();
        let mut checkpoints = vec![log.checkpoint()];
        for dispatch in &sealed {
            let to = AgencyCode::parse_canonical(CENTRE).expect("a canonical code");
            let record = |event| log.record(event, dispatch, Some(&to), NOW);
            let records = [record(Event::RelayAcceptance), record(Event::RelayRejection)];
            receipts.extend(log.commit(&records, NOW));
            checkpoints.push(log.checkpoint());
        }
        let until = NOW.plus_ms(86_400_000);
        World {
            verifier: network.verifier(),
            node: keys.id.clone(),
            dispatches: sealed.iter().map(|s| s.raw().to_vec()).collect(),
            receipts: receipts.iter().map(|r| r.raw().to_vec()).collect(),
            statement: said(&network, &statement(&network, &sealed[1])),
            void: said(&network, &void(&network)),
            checkpoints,
            revocation_list: network.authority("commune CA").crl(&[(&[7], NOW)], NOW, until),
            empty_list: network.authority("root CA").crl(&[], NOW, until),
            chain: network.agent(COMMUNE).chain.clone(),
            root: network.root.clone(),
            directory_file: network.directory_file,
        }
    }
}

/// What the commune says about a dispatch that came for it.
fn statement(network: &Network, about: &SealedDispatch) -> Statement {
    Statement {
        network: network.id(),
        agency: network.agent(COMMUNE).code.clone(),
        dispatch: about.id(),
        object: about.object(),
        event: Event::HandlingStatus,
        status: Some(Status::Processing),
        time: NOW,
        remark: Some("Đang xử lý".to_owned()),
        sealed_by: SealedBy::Agency,
    }
}

/// A number that the commune never used.
fn void(network: &Network) -> Void {
    Void {
        network: network.id(),
        agency: network.agent(COMMUNE).code.clone(),
        sequence: Sequence { series: 1, number: 7 },
        time: NOW,
        reason: "Số bỏ trống".to_owned(),
    }
}

/// The commune's word, sealed.
fn said<C: Sealable>(network: &Network, content: &C) -> Vec<u8> {
    let agent = network.agent(COMMUNE);
    let sealed =
        Sealed::seal(content, &agent.chain, agent.seal.algorithm(), |m| agent.seal.sign(m));
    sealed.expect("sound").raw().to_vec()
}

/// No dispatch is verified but those that were sealed.
pub fn verified_dispatch(data: &[u8]) {
    let Ok(sealed) = SealedDispatch::parse(data) else { return };
    let world = World::get();
    let relayed = world.verifier.dispatch_for_relay(sealed.clone(), NOW);
    let taken = world.verifier.dispatch(sealed, NOW);
    let genuine = world.dispatches.iter().any(|d| d == data);
    for verdict in [taken, relayed] {
        match verdict {
            Verdict::Verified(_) => assert!(genuine, "a forged dispatch was verified"),
            Verdict::Refused(refusal) => {
                assert!(!genuine, "a genuine dispatch was refused: {refusal}");
                assert!(tram_dispatch::text::is_plain(&refusal.detail), "{:?}", refusal.detail);
            }
            Verdict::Undetermined(cause) => panic!("undetermined without lists: {cause:?}"),
        }
    }
}

/// No receipt is verified but those that were issued.
pub fn verified_receipt(data: &[u8]) {
    let Ok(receipt) = Receipt::parse(data) else { return };
    let world = World::get();
    let genuine = world.receipts.iter().any(|r| r == data);
    let verified = world.verifier.receipt(receipt).is_ok();
    assert_eq!(verified, genuine, "a receipt: verified, and genuine");
}

/// No directory is verified but the one that was signed.
pub fn verified_directory(data: &[u8]) {
    let world = World::get();
    // No later version is signed in this world, and nothing is delegated.
    let file = &world.directory_file;
    assert!(Directory::with_difference(&world.root, file, data).is_err(), "a forged difference");
    let in_force = world.verifier.directory();
    assert!(in_force.subtree_change(data, NOW).is_err(), "a forged change of a subtree");
    let Ok(directory) = Directory::verify(&world.root, data, None, NOW) else { return };
    assert_eq!(directory.digest(), world.verifier.directory().digest(), "a forged directory");
    let agencies = |d: &Directory| d.agencies().map(|a| a.code.clone()).collect::<Vec<_>>();
    assert_eq!(agencies(&directory), agencies(world.verifier.directory()));
}
