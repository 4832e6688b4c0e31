//! Revocation lists that change while a node runs.

mod support;

use std::fs;
use std::path::PathBuf;

use rustix::process::Signal;
use support::evidence::{eventually, progress, receipts};
use support::peer::{Peer, dial, endpoint};
use support::sealing::small_document;
use support::{Network, Node, Plan, Program, agency};
use tram_api::model::{NodeState, StatusView};
use tram_dispatch::{Code, Event};
use tram_pki::{write_certificates, write_new_file};

const NODE: usize = 0;
const CHILD: usize = 1;

/// A node with a list of the authority of its neighbour below, and where that list lies.
async fn listed() -> (Network, Node, PathBuf) {
    let network = Network::create(&Plan::tiers(2));
    let files = &network.nodes[NODE];
    let list = files.folder.join("network/child.crl");
    fs::write(&list, network.authorities.list(CHILD, 1, &[])).expect("a file");
    let config = fs::read_to_string(&files.config).expect("a configuration");
    let more = "[revocation]\nlists = [\"network/child.crl\"]\n";
    fs::write(&files.config, format!("{config}{more}")).expect("a configuration");
    let mut node = Node::new(files.clone(), Program::tram());
    node.start();
    node.answers().await;
    (network, node, list)
}

async fn status(node: &Node) -> StatusView {
    node.client().status().await.expect("a status")
}

/// Whether something is wrong with the lists.
fn told(status: &StatusView) -> bool {
    let mut alarms = status.alarms.iter();
    alarms.any(|a| a.code.0 == Code::Unreadable && a.detail.contains("in force"))
}

#[tokio::test]
async fn a_new_list_ends_sessions_and_closes_the_door_without_a_restart() {
    let (network, node, list) = listed().await;
    let session = Peer::dialling(&network, CHILD, NODE).await;
    eventually("the session is up", || async { status(&node).await.peers_connected == 1 }).await;
    let first = status(&node).await.revocation;
    assert_eq!((first.len(), first[0].overdue), (1, false));

    let leaf = &network.nodes[CHILD].identity.chain_der[0];
    fs::write(&list, network.authorities.list(CHILD, 2, &[leaf])).expect("a file");
    node.signal(Signal::HUP);
    eventually("the session is ended", || async { status(&node).await.peers_connected == 0 }).await;
    drop(session);
    let endpoint = endpoint(&network.nodes[CHILD].identity, None);
    let refused = dial(&endpoint, &network.nodes[NODE]).await.expect_err("it is revoked");
    assert_eq!(refused.code(), Code::CertificateRevoked.as_str(), "{refused}");
    assert!(!told(&status(&node).await));

    // Neither a damaged file nor an older list opens it again; both are told.
    let whole = network.authorities.list(CHILD, 3, &[]);
    let older = network.authorities.list(CHILD, 0, &[]);
    for bad in [&whole[..whole.len() / 2], &older[..]] {
        fs::write(&list, bad).expect("a file");
        node.signal(Signal::HUP);
        eventually("it is told", || async {
            let status = status(&node).await;
            status.state == NodeState::Degraded && told(&status)
        })
        .await;
        let still = status(&node).await.revocation;
        assert!(still.iter().any(|l| l.this_update.0 > first[0].this_update.0));
        let refused = dial(&endpoint, &network.nodes[NODE]).await.expect_err("it is revoked");
        assert_eq!(refused.code(), Code::CertificateRevoked.as_str(), "{refused}");
    }
    // The authority's next list decides.
    fs::write(&list, &whole).expect("a file");
    node.signal(Signal::HUP);
    eventually("no alarm is left", || async { !told(&status(&node).await) }).await;
    dial(&endpoint, &network.nodes[NODE]).await.expect("it is let in");
}

/// How many dispatches are queued over three hops, and who has which part.
const QUEUED: usize = 500;
/// The one whose certificate is revoked: between the province and the commune.
const MIDDLE: usize = 2;

/// Hands in as many dispatches for the commune as bring them to `until`, at the centre.
async fn hand_in(network: &Network, centre: &Node, from: usize, until: usize) {
    let client = centre.client();
    let document = b"Van ban thu nghiem".to_vec();
    for nth in from..until {
        let reference = format!("{nth}/revoked");
        let envelope = network.envelope(0, &[3], &reference, vec![small_document(&document)]);
        let sealed = network.seal(&envelope);
        let given = [Some(document.clone().into())];
        client.submit(sealed.raw(), &given).await.expect("it is taken");
    }
}

/// Waits until so many legs are in the custody of a node.
async fn holds(node: &Node, legs: usize) {
    let what = format!("{legs} legs are at {}", node.files.id);
    eventually(&what, || async {
        let queue = status(node).await.queue;
        (queue.active + queue.deferred) as usize == legs
    })
    .await;
}

#[tokio::test]
async fn a_node_revoked_with_500_queued_over_three_hops_stops_them_and_none_is_lost() {
    let network = Network::create(&Plan::tiers(4));
    let list = |number, revoked: &[&[u8]]| network.authorities.list(MIDDLE, number, revoked);
    let place = |tier: usize| network.nodes[tier].folder.join("network/district.crl");
    for files in &network.nodes {
        fs::write(place(files.tier), list(1, &[])).expect("a file");
        let config = fs::read_to_string(&files.config).expect("a configuration");
        let more = "[revocation]\nlists = [\"network/district.crl\"]\n";
        fs::write(&files.config, format!("{config}{more}")).expect("a configuration");
    }
    let mut nodes: Vec<Node> =
        network.nodes.iter().map(|f| Node::new(f.clone(), Program::tram())).collect();
    for node in &mut nodes[..3] {
        node.start();
        node.answers().await;
    }
    // A third waits at the district, one at the province, one at the centre.
    hand_in(&network, &nodes[0], 0, QUEUED / 3).await;
    holds(&nodes[2], QUEUED / 3).await;
    nodes[2].stop().await;
    hand_in(&network, &nodes[0], QUEUED / 3, 2 * QUEUED / 3).await;
    let third = 2 * QUEUED / 3 - QUEUED / 3;
    holds(&nodes[1], third).await;
    nodes[1].stop().await;
    hand_in(&network, &nodes[0], 2 * QUEUED / 3, QUEUED).await;
    holds(&nodes[0], QUEUED - 2 * QUEUED / 3).await;

    let leaf = &network.nodes[MIDDLE].identity.chain_der[0];
    for tier in [0, 1, 3] {
        fs::write(place(tier), list(2, &[leaf])).expect("a file");
    }
    nodes[0].signal(Signal::HUP);
    for tier in [2, 3, 1] {
        nodes[tier].start();
        nodes[tier].answers().await;
    }
    // What waits above comes as far as the province; from the revoked one nothing is taken, and it gets nothing.
    let above = QUEUED - QUEUED / 3;
    holds(&nodes[1], above).await;
    eventually("the revoked one is told so", || async {
        let peers = nodes[2].client().peers().await.expect("peers").items;
        peers.iter().any(|p| p.code.as_ref().is_some_and(|c| c.0 == Code::CertificateRevoked))
    })
    .await;
    assert_eq!(status(&nodes[3]).await.peers_connected, 0);
    holds(&nodes[2], QUEUED / 3).await;
    let (all, consigned) = progress(&nodes[0].client(), &agency(0)).await.expect("a listing");
    assert_eq!((all, consigned), (QUEUED as u64, 0));

    // With another certificate of the same authority it goes on, and each arrives once.
    nodes[2].stop().await;
    let files = &network.nodes[MIDDLE];
    let (chain, key) = network.authorities.node(MIDDLE, &files.id);
    for name in ["keys/tls.key", "keys/tls.crt"] {
        fs::remove_file(files.folder.join(name)).expect("a file");
    }
    key.write_new(&files.folder.join("keys/tls.key")).expect("a key file");
    let pem = write_certificates(&chain);
    write_new_file(&files.folder.join("keys/tls.crt"), pem.as_bytes()).expect("a file");
    nodes[2].start();
    nodes[2].answers().await;
    eventually("all have arrived", || async {
        let stands = progress(&nodes[0].client(), &agency(0)).await;
        stands.expect("a listing") == (QUEUED as u64, QUEUED as u64)
    })
    .await;
    let ends = [Event::ContentConsignment, Event::RelayFailure, Event::RelayRejection];
    let said = receipts(&network, &nodes[0].client()).await;
    assert_eq!(said.len(), QUEUED);
    for (id, events) in said {
        let ends: Vec<_> = events.iter().filter(|(event, _)| ends.contains(event)).collect();
        let arrived = (Event::ContentConsignment, network.nodes[3].id.clone());
        assert_eq!(ends, [&arrived], "{id}");
    }
    for node in &mut nodes {
        assert!(node.stop().await.success());
    }
}
