//! What kills its node in the middle of work that touches no disk: a decision about an offer, and the check
//! of a peer's receipt. Each is set aside after three attempts, and nothing else is.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use tram_api::model::{QueueAction, QueueItem};
use tram_crypto::sha256;
use tram_dispatch::{Code, DispatchId};

use crate::support::damage::quarantined;
use crate::support::evidence::{check_store, eventually, inbox, receipts};
use crate::support::{Network, Node, Plan, Program, SOON, agency};

/// First argument of a node; then the work in words, what it is about, the configuration.
pub(crate) const ARGUMENT: &str = "__dying";
const DECIDING: &str = "deciding about it";
const VERIFYING: &str = "verifying it";
const OTHERS: usize = 3;

/// The product, which dies of this work on this.
pub(crate) fn node(mut arguments: impl Iterator<Item = String>) -> ExitCode {
    let mut next = || arguments.next().expect("an argument");
    let (words, about, config) = (next(), next(), next());
    let at_work = move |id: &DispatchId, work: &'static str| {
        if work == words && id.to_string() == about {
            std::process::abort();
        }
    };
    let ended = tram::run_node_dying(Path::new(&config), Box::new(at_work));
    ExitCode::from(u8::from(ended.is_err()))
}

fn dying(words: &str, about: &DispatchId) -> Program {
    let path = std::env::current_exe().expect("this program");
    let arguments = vec![ARGUMENT.into(), words.into(), about.to_string()];
    Program { path, arguments, reads_input: false }
}

fn network() -> (Network, Vec<Node>) {
    let network = Network::create(&Plan {
        limits: vec![("free_space_reserve_bytes", 64 << 20), ("retry_initial_ms", 100)],
        ..Plan::tiers(2)
    });
    let nodes = network.nodes.iter().map(|files| Node::new(files.clone(), Program::tram()));
    let nodes = nodes.collect();
    (network, nodes)
}

/// Starts a node three times, each of which it dies of what it has to do, and once more.
async fn dies_three_times(node: &mut Node) {
    node.start();
    for nth in 1..=3 {
        let deadline = Instant::now() + SOON;
        let how = loop {
            if let Some(how) = node.ended() {
                break how;
            }
            assert!(Instant::now() < deadline, "{nth}: it lives on\n{}", node.tail());
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert!(!how.success(), "{nth}: {how}");
        node.start();
    }
    node.ready().await;
}

fn is_set_aside(items: &[QueueItem], about: DispatchId, work: &str) {
    let [item] = items else { panic!("{items:?}") };
    assert_eq!(item.dispatch.0, about);
    let code = item.code.as_ref().map(|c| c.0);
    assert_eq!((code, item.attempts), (Some(Code::WorkUnfinished), 3));
    let why = item.detail.as_ref().expect("words");
    assert!(why.contains(&format!("the process ended in the middle of {work}")), "{why}");
}

/// How many receipts a node has.
async fn known(network: &Network, node: &Node) -> usize {
    receipts(network, &node.client()).await.values().map(Vec::len).sum()
}

/// Whoever decides about one offer dies.
pub(crate) async fn what_kills_whoever_decides_is_set_aside() {
    let (network, mut nodes) = network();
    nodes[0].start();
    nodes[0].answers().await;
    let bad = network.submit_large(&nodes, 1, "doc/2").await;
    let good = network.submit_small(&nodes, 1, OTHERS).await;
    nodes[1].set_program(dying(DECIDING, &bad.id()));
    dies_three_times(&mut nodes[1]).await;
    eventually("the others arrive", || async {
        inbox(&nodes[1].client(), &agency(1)).await.len() == OTHERS
    })
    .await;
    let there = inbox(&nodes[1].client(), &agency(1)).await;
    assert!(good.iter().all(|id| there.iter().any(|(t, _)| t == id)));
    is_set_aside(&quarantined(&nodes[1]).await, bad.id(), DECIDING);
    // It lasts; what did the harm is mended, and the operator says so.
    assert!(nodes[1].stop().await.success(), "{}", nodes[1].tail());
    nodes[1].set_program(Program::tram());
    nodes[1].start();
    nodes[1].ready().await;
    assert_eq!(quarantined(&nodes[1]).await.len(), 1);
    let client = nodes[1].client();
    client.change_queue(bad.id(), &agency(1), QueueAction::Release, None).await.expect("released");
    // Who has it in custody was told to come again after a while.
    let retry = nodes[0].client();
    retry.change_queue(bad.id(), &agency(1), QueueAction::Retry, None).await.expect("tried now");
    eventually("it is there too", || async {
        inbox(&nodes[1].client(), &agency(1)).await.len() == OTHERS + 1
    })
    .await;
    for node in &nodes {
        check_store(&node.client()).await;
    }
}

/// Whoever verifies one receipt dies.
pub(crate) async fn what_kills_whoever_verifies_a_receipt_is_set_aside() {
    let (network, mut nodes) = network();
    nodes.iter_mut().for_each(Node::start);
    nodes[0].answers().await;
    let sent = network.submit_small(&nodes, 1, OTHERS).await;
    eventually("they arrive, and that is known", || async {
        known(&network, &nodes[0]).await == 2 * OTHERS
    })
    .await;
    assert!(nodes[0].stop().await.success());
    let client = nodes[1].client();
    let mut proofs = Vec::new();
    for id in &sent {
        let fetched = client.fetch(&agency(1), *id).await.expect("it is given");
        let taken = client.confirm(&agency(1), *id, &fetched.token).await.expect("recorded");
        proofs.push(DispatchId(sha256(&taken.receipt.0)));
    }
    nodes[0].set_program(dying(VERIFYING, &proofs[1]));
    dies_three_times(&mut nodes[0]).await;
    eventually("the others are taken", || async {
        known(&network, &nodes[0]).await == 3 * OTHERS - 1
    })
    .await;
    is_set_aside(&quarantined(&nodes[0]).await, proofs[1], VERIFYING);
    // The dispatch that it is about is not: what else is said of it is taken.
    for id in &sent {
        client.register(&agency(1), *id, None).await.expect("recorded");
    }
    eventually("what is said later is taken", || async {
        known(&network, &nodes[0]).await == 4 * OTHERS - 1
    })
    .await;
    assert!(nodes[0].stop().await.success(), "{}", nodes[0].tail());
    check_store(&client).await;
}
