//! Revocation lists that change while a node runs.

mod support;

use std::fs;
use std::path::PathBuf;

use rustix::process::Signal;
use support::evidence::eventually;
use support::peer::{Peer, dial, endpoint};
use support::{Network, Node, Plan, Program};
use tram_api::model::{NodeState, StatusView};
use tram_dispatch::Code;

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
