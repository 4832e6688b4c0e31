//! A node's wall clock is ten years off, by a library that tells only that process another time.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::sleep;
use tram_api::ClientError;
use tram_dispatch::{Code, DispatchId};

use crate::support::evidence::{check_store, eventually, inbox, progress, receipts};
use crate::support::files::NodeFiles;
use crate::support::sealing::small_document;
use crate::support::{Network, Node, Plan, Program, agency};

/// Both ways.
const OFF: [&str; 2] = ["+10y", "-10y"];

fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").expect("a folder").flatten();
    let named = |e: fs::DirEntry| e.path().join("faketime/libfaketimeMT.so.1");
    folders.map(named).find(|p| p.exists()).expect("libfaketimeMT.so.1: install faketime")
}

/// A node whose wall clock reads as the file says, and says anew.
fn with_clock(files: &NodeFiles) -> Program {
    Program::tram().with(&[
        ("LD_PRELOAD", library().display().to_string()),
        ("FAKETIME_TIMESTAMP_FILE", clock(files).display().to_string()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("DONT_FAKE_MONOTONIC", "1".to_owned()),
    ])
}

fn clock(files: &NodeFiles) -> PathBuf {
    files.folder.join("clock")
}

/// Sets it, in one step.
fn set_clock(files: &NodeFiles, offset: &str) {
    let new = files.folder.join("clock.new");
    fs::write(&new, offset).expect("a file");
    fs::rename(new, clock(files)).expect("a file");
}

async fn submit(network: &Network, nth: usize) -> (DispatchId, Result<(), ClientError>) {
    let document = format!("văn bản {nth}").into_bytes();
    let envelope =
        network.envelope(0, &[1], &format!("{nth}/GIỜ"), vec![small_document(&document)]);
    let sealed = network.seal(&envelope);
    let client = tram_api::Client::new(&network.nodes[0].socket);
    let answer = client.submit(sealed.raw(), &[Some(document.into())]).await;
    (sealed.id(), answer.map(|_| ()))
}

async fn alarms(node: &Node) -> Vec<Code> {
    let status = node.client().status().await.expect("a status");
    status.alarms.iter().map(|a| a.code.0).collect()
}

/// Why there is no session with its peer.
async fn trouble(node: &Node) -> Option<String> {
    node.client().peers().await.expect("the peers").items.into_iter().find_map(|p| p.detail)
}

/// Whatever is handed in while the clock is wrong is taken or put off, never refused.
fn taken_or_put_off(answer: Result<(), ClientError>) -> bool {
    match answer {
        Ok(()) => true,
        Err(e) => {
            assert_eq!(e.code(), Code::ClockUncertain, "{e}");
            false
        }
    }
}

async fn all_arrive(network: &Network, nodes: &mut [Node], all: u64) {
    let centre = nodes[0].client();
    eventually("all are consigned", || async {
        progress(&centre, &agency(0)).await.is_ok_and(|stand| stand == (all, all))
    })
    .await;
    assert_eq!(inbox(&nodes[1].client(), &agency(1)).await.len() as u64, all, "once each");
    assert_eq!(receipts(network, &centre).await.len() as u64, all);
    for node in nodes {
        check_store(&node.client()).await;
    }
}

#[tokio::test]
#[ignore = "needs faketime"]
async fn a_clock_that_jumps_ten_years_expires_and_refuses_nothing() {
    for off in OFF {
        let network = Network::create(&Plan::tiers(2));
        let files = &network.nodes[0];
        set_clock(files, "+0");
        let mut nodes = [
            Node::new(files.clone(), with_clock(files)),
            Node::new(network.nodes[1].clone(), Program::tram()),
        ];
        nodes.iter_mut().for_each(Node::start);
        nodes[0].ready().await;
        submit(&network, 0).await.1.expect("accepted");
        let centre = nodes[0].client();
        eventually("the first is consigned", || async {
            progress(&centre, &agency(0)).await.is_ok_and(|stand| stand.1 == 1)
        })
        .await;
        // One waits, with a week to live, while the clock goes wrong.
        assert!(nodes[1].stop().await.success());
        submit(&network, 1).await.1.expect("accepted");
        set_clock(files, off);
        let alarmed = || async { alarms(&nodes[0]).await.contains(&Code::ClockUncertain) };
        eventually("the alarm", alarmed).await;
        // Retries and expiry are due more than once in this time.
        sleep(Duration::from_secs(3)).await;
        assert_eq!(progress(&centre, &agency(0)).await.expect("a listing"), (2, 1), "{off}");
        let (_, answer) = submit(&network, 2).await;
        let taken = taken_or_put_off(answer);
        assert!(nodes[0].ended().is_none(), "{off}");

        set_clock(files, "+0");
        nodes[1].start();
        nodes[1].ready().await;
        eventually("the alarm is over", || async {
            !alarms(&nodes[0]).await.contains(&Code::ClockUncertain)
        })
        .await;
        if !taken {
            submit(&network, 2).await.1.expect("accepted now");
        }
        all_arrive(&network, &mut nodes, 3).await;
        crate::say(&format!(
            "clock {off} while it runs: nothing expired, third one taken: {taken}"
        ));
    }
}

#[tokio::test]
#[ignore = "needs faketime"]
async fn a_node_that_starts_ten_years_off_recovers_when_its_clock_is_set() {
    for off in OFF {
        let network = Network::create(&Plan::tiers(2));
        let files = &network.nodes[1];
        set_clock(files, off);
        let mut nodes = [
            Node::new(network.nodes[0].clone(), Program::tram()),
            Node::new(files.clone(), with_clock(files)),
        ];
        nodes.iter_mut().for_each(Node::start);
        nodes[0].answers().await;
        submit(&network, 0).await.1.expect("accepted");
        nodes[1].answers().await;
        // No session comes about, and the operator is told why.
        let told = || async {
            trouble(&nodes[1]).await.is_some_and(|why| !why.starts_with("CONNECTION_REFUSED"))
        };
        eventually("the reason", told).await;
        crate::say(&format!(
            "clock {off} from the start: {}",
            trouble(&nodes[1]).await.expect("it")
        ));
        sleep(Duration::from_secs(2)).await;
        assert_eq!(progress(&nodes[0].client(), &agency(0)).await.expect("a listing"), (1, 0));
        set_clock(files, "+0");
        nodes[1].ready().await;
        all_arrive(&network, &mut nodes, 1).await;
        eventually("the alarm is over", || async {
            !alarms(&nodes[1]).await.contains(&Code::ClockUncertain)
        })
        .await;
    }
}
