//! At the TLS door: who is not an open, adjacent node of the directory speaks no frame.

use tram_dispatch::{Code, NodeId};
use tram_transport::Identity;

use crate::support::peer::{dial, endpoint};
use crate::support::{Network, Node, Plan, Program, agency, node_id};

async fn turned_away(network: &Network, identity: &Identity, code: Code) {
    let endpoint = endpoint(identity, None);
    let error = dial(&endpoint, &network.nodes[1]).await.expect_err("not let in");
    assert_eq!(error.code(), code.as_str(), "{error}");
}

#[tokio::test]
async fn the_door_knows_who_may_come_in() {
    let network = Network::create(&Plan::tiers(4));
    let mut province = Node::new(network.nodes[1].clone(), Program::tram());
    province.start();
    province.answers().await;

    // A real certificate of the district's authority, for a node that the directory does not list.
    let unlisted = NodeId::new("n9", &agency(2)).expect("a node id");
    let (chain_der, key) = network.authorities.node(2, &unlisted);
    let unlisted = Identity { chain_der, key_pkcs8_der: key.pkcs8_der().to_vec() };
    turned_away(&network, &unlisted, Code::PeerNotInDirectory).await;
    // The commune is listed, but its place is below the district.
    turned_away(&network, &network.nodes[3].identity, Code::PeerNotInDirectory).await;
    let expired = network.authorities.expired_node(2, &node_id(2));
    turned_away(&network, &expired, Code::CertificateExpired).await;
    // The certificate of an agency's seal is none of a node.
    let seal = network.authorities.seal_identity(2);
    turned_away(&network, &seal, Code::CertificateInvalid).await;
    // A certificate of the same name from another network's authorities.
    let stranger = Network::create(&Plan::tiers(4));
    turned_away(&network, &stranger.nodes[2].identity, Code::CertificateUntrusted).await;

    let own = endpoint(&network.nodes[2].identity, None);
    dial(&own, &network.nodes[1]).await.expect("the district is let in");
}
