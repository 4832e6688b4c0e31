//! A dispatch that kills its node, or panics its handler, or that the disk cannot read: after three
//! attempts it is set aside, and everything behind it arrives.
//!
//! The nodes are this program itself, started again with the product inside and a disk on which reading
//! one document ends badly; so it has a `main` of its own.
#![allow(clippy::print_stdout, reason = "says what the runs were like")]

mod disk;
#[path = "../support/mod.rs"]
mod support;
mod work;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use disk::{Harm, HarmfulDisk};
use support::damage::quarantined;
use support::evidence::{check_store, eventually, inbox};
use support::{Network, Node, Plan, Program, SOON, agency};
use tram_api::model::QueueAction;
use tram_dispatch::Code;

/// First argument of a node; then the harm, the document's digest, the configuration.
const ARGUMENT: &str = "__node";
/// Small dispatches that must arrive meanwhile.
const OTHERS: usize = 5;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next();
    if first.as_deref() == Some(ARGUMENT) {
        return node(arguments);
    }
    if first.as_deref() == Some(work::ARGUMENT) {
        return work::node(arguments);
    }
    let filter = first.filter(|f| !f.starts_with('-')).unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    for (harm, name) in Harm::ALL {
        if name.contains(&filter) {
            runtime.block_on(set_aside(harm));
            println!("test {name}: set aside, and the others flow ... ok");
        }
    }
    if "decision".contains(&filter) {
        runtime.block_on(work::what_kills_whoever_decides_is_set_aside());
        println!("test decision: set aside, and the others flow ... ok");
    }
    if "receipt".contains(&filter) {
        runtime.block_on(work::what_kills_whoever_verifies_a_receipt_is_set_aside());
        println!("test receipt: set aside, and the others are taken ... ok");
    }
    ExitCode::SUCCESS
}

/// The product on a disk that does harm.
fn node(mut arguments: impl Iterator<Item = String>) -> ExitCode {
    let mut next = || arguments.next().expect("an argument");
    let (harm, document, config) = (Harm::named(&next()), next(), next());
    let ended = tram::run_node_on(Path::new(&config), move |disk| {
        Arc::new(HarmfulDisk { disk, document, harm })
    });
    if let Err(e) = &ended {
        println!("{e}");
    }
    ExitCode::from(u8::from(ended.is_err()))
}

async fn set_aside(harm: Harm) {
    let network = Network::create(&Plan {
        limits: vec![("free_space_reserve_bytes", 64 << 20), ("retry_initial_ms", 100)],
        ..Plan::tiers(2)
    });
    let mut nodes: Vec<Node> =
        network.nodes.iter().map(|files| Node::new(files.clone(), Program::tram())).collect();
    nodes[0].start();
    nodes[0].answers().await;
    let bad = network.submit_large(&nodes, 1, "doc/1").await;
    let good = network.submit_small(&nodes, 1, OTHERS).await;
    assert!(nodes[0].stop().await.success());

    let path = std::env::current_exe().expect("this program");
    let arguments = vec![ARGUMENT.into(), harm.name().into(), bad.digest.to_string()];
    let harmful = Program { path, arguments, reads_input: false };
    nodes[0] = Node::new(network.nodes[0].clone(), harmful);
    nodes[1].start();
    nodes[0].start();
    let deaths = if harm == Harm::Kill { 3 } else { 0 };
    for nth in 1..=deaths {
        let deadline = Instant::now() + SOON;
        let how = loop {
            if let Some(how) = nodes[0].ended() {
                break how;
            }
            assert!(Instant::now() < deadline, "{nth}: it lives on\n{}", nodes[0].tail());
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert!(!how.success(), "{nth}: {how}");
        nodes[0].start();
    }
    eventually("it is set aside and the others are there", || async {
        // The node may be on its way up.
        if nodes[0].client().status().await.is_err() || nodes[1].client().status().await.is_err() {
            return false;
        }
        let there = inbox(&nodes[1].client(), &agency(1)).await;
        quarantined(&nodes[0]).await.len() == 1 && there.len() == OTHERS
    })
    .await;
    let there = inbox(&nodes[1].client(), &agency(1)).await;
    assert!(good.iter().all(|id| there.iter().any(|(t, _)| t == id)));
    let item = quarantined(&nodes[0]).await.remove(0);
    assert_eq!(item.dispatch.0, bad.id());
    let (code, attempts) = match harm {
        Harm::Kill | Harm::Panic => (Code::WorkUnfinished, 3),
        Harm::Fail => (Code::StoreCorrupt, 0),
    };
    assert_eq!((item.code.map(|c| c.0), item.attempts), (Some(code), attempts));
    let why = item.detail.expect("words");
    let expected = match harm {
        Harm::Kill => "the process ended in the middle of reading its documents for a peer",
        Harm::Panic => "a panic in the middle of reading its documents for a peer",
        Harm::Fail => "Input/output error",
    };
    assert!(why.contains(expected), "{why}");

    // It lasts, and it does no more harm.
    assert!(nodes[0].stop().await.success(), "{}", nodes[0].tail());
    nodes[0].start();
    nodes[0].ready().await;
    assert_eq!(quarantined(&nodes[0]).await.len(), 1);
    assert!(nodes[0].stop().await.success());

    // What did the harm is mended; the operator says so.
    nodes[0] = Node::new(network.nodes[0].clone(), Program::tram());
    nodes[0].start();
    nodes[0].ready().await;
    assert_eq!(quarantined(&nodes[0]).await.len(), 1);
    let client = nodes[0].client();
    client.change_queue(bad.id(), &agency(1), QueueAction::Release, None).await.expect("released");
    eventually("it is there too", || async {
        inbox(&nodes[1].client(), &agency(1)).await.len() == OTHERS + 1
    })
    .await;
    assert!(bad.is_sound(&nodes[1]));
    assert_eq!(client.status().await.expect("a status").queue.quarantined, 0);
    for node in &nodes {
        check_store(&node.client()).await;
    }
}
