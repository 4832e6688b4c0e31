use tram_config::Config;
use tram_crypto::SeededEntropy;
use tram_dispatch::Code;
use tram_trust::{Crls, Options, Verdict, Verifier};

use super::*;
use crate::demo::documents;
use crate::demo::tiers::{CENTRE, DISTRICT, PROVINCE};

const NOW: UnixMillis = UnixMillis(1_780_272_000_000);

fn network(dir: &Path) -> (Network, Verifier) {
    let network =
        Network::create(super::Shape::DEMO, dir, dir, NOW, &mut SeededEntropy::from_u64(5))
            .unwrap();
    let root = Root::install(&std::fs::read(&network.root_file).unwrap()).unwrap();
    let directory = std::fs::read(&network.directory_file).unwrap();
    let directory = Directory::verify(&root, &directory, None, NOW).unwrap();
    let verifier = Verifier::new(root.into(), directory.into(), Crls::none(), Options::default());
    (network, verifier)
}

#[test]
fn every_configuration_is_whole_and_every_node_may_be_a_peer() {
    let dir = tempfile::tempdir().unwrap();
    let (network, verifier) = network(dir.path());
    assert_eq!(network.nodes.len(), 4);
    let mut ports = std::collections::BTreeSet::new();
    for node in &network.nodes {
        let config = Config::load(&node.config).unwrap();
        assert_eq!(config.node, node.id);
        assert_eq!(config.peers.len(), usize::from(node.tier.code != CENTRE));
        ports.extend(config.listen.map(|a| a.port()));
        let chain = std::fs::read(&config.keys.tls_certificate).unwrap();
        let chain = tram_pki::read_certificates(&chain).unwrap();
        assert_eq!(verifier.peer(&chain, Some(&node.id), NOW).unwrap(), node.id);
        let genesis =
            std::fs::read(config.data_dir.join(crate::demo::setup::GENESIS_FILE)).unwrap();
        let epoch = tram_wire::genesis::epoch_id(&tram_wire::genesis::decode(&genesis).unwrap());
        assert!(verifier.directory().epoch(&node.id, &epoch).is_some());
    }
    assert_eq!(ports.len(), 3, "each listens on a port of its own; the commune on none");
    assert_eq!(
        verifier.directory().path_up(&network.nodes[3].id),
        [COMMUNE, DISTRICT, PROVINCE, CENTRE].map(node)
    );
}

#[test]
fn the_seals_are_good_and_bad_as_they_should_be() {
    let dir = tempfile::tempdir().unwrap();
    let (network, verifier) = network(dir.path());
    let pdf = documents::directive_pdf(NOW);
    let envelope = documents::directive(&network, &pdf, &[], NOW, "1/CT").unwrap();
    let verdict = |seal: &Seal| {
        let sealed = crate::sealing::seal(&envelope, &seal.chain, &*seal.key).unwrap();
        match verifier.dispatch(sealed, NOW) {
            Verdict::Verified(_) => None,
            Verdict::Refused(refusal) => Some(refusal.code),
            Verdict::Undetermined(cause) => Some(cause.code),
        }
    };
    assert_eq!(verdict(&network.centre_seal), None);
    assert_eq!(verdict(&network.province_seal), Some(Code::OriginatorMismatch));
    assert_eq!(verdict(&network.expired_seal), Some(Code::CertificateExpired));
    assert_eq!(verdict(&network.outside_seal), Some(Code::CertificateNameConstraint));
}

#[test]
fn long_folders_need_other_ones_for_sockets() {
    assert!(sockets_fit(Path::new("/tmp/tram-abcdef")));
    assert!(!sockets_fit(&Path::new("/tmp").join("x".repeat(90))));
}
