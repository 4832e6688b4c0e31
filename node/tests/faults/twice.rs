//! Two nodes on one store by any path, an old copy of a store, and a copy beside the original.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use tram_api::ClientError;
use tram_api::model::{NodeState, StatusView};
use tram_dispatch::{Code, DispatchId};

use crate::support::evidence::{check_store, eventually, inbox, receipts};
use crate::support::files::NodeFiles;
use crate::support::sealing::small_document;
use crate::support::{Network, Node, Plan, Program, agency};
use crate::{say, skipped};

/// The same configuration with something replaced, in another file of the node's folder.
fn other_config(files: &NodeFiles, replace: &[(&str, &str)]) -> String {
    let mut text = fs::read_to_string(&files.config).expect("a configuration");
    for (from, to) in replace {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let path = files.folder.join("other.toml");
    fs::write(&path, text).expect("a file");
    path.display().to_string()
}

/// A shell runs something first, and becomes the node on another configuration.
fn after(script: &str, config: &str) -> Program {
    let script = format!("{script}; exec \"$1\" run --config '{config}'");
    Program::tram().through("sh", vec!["-ec".to_owned(), script, "sh".to_owned()])
}

fn locked(node: &Node, how: &str) {
    let (exit, said) = node.second();
    assert_eq!(exit, Some(i32::from(Code::StoreLocked.row().exit)), "{how}: {said}");
    assert!(said.contains(Code::StoreLocked.as_str()), "{how}: {said}");
}

#[tokio::test]
async fn a_second_node_is_refused_through_a_link_to_the_store() {
    let (_network, mut nodes) = Network::running(&Plan::tiers(2)).await;
    let files = nodes[1].files.clone();
    std::os::unix::fs::symlink("data", files.folder.join("link")).expect("a link");
    let config = other_config(&files, &[("data_dir = \"data\"", "data_dir = \"link\"")]);
    nodes[1].set_program(after(":", &config));
    locked(&nodes[1], "symbolic link");
    nodes[1].ready().await;
}

#[tokio::test]
#[ignore = "needs root, and file systems to mount"]
async fn a_second_node_is_refused_through_a_mount_and_in_another_namespace() {
    let what = "second node through a bind mount";
    let works = rustix::process::geteuid().is_root()
        && Command::new("unshare").args(["-m", "true"]).status().is_ok_and(|s| s.success());
    if !works {
        skipped(what, "needs root, to mount in a namespace of its own");
        return;
    }
    let (_network, mut nodes) = Network::running(&Plan::tiers(2)).await;
    let files = nodes[1].files.clone();
    let bound = files.folder.join("bound");
    fs::create_dir(&bound).expect("a folder");
    let config = other_config(&files, &[("data_dir = \"data\"", "data_dir = \"bound\"")]);
    let script = format!("mount --bind '{}' '{}'", files.data().display(), bound.display());
    let program = after(&script, &config);
    nodes[1].set_program(program.through("unshare", vec!["-m".to_owned()]));
    locked(&nodes[1], "bind mount in another mount namespace");
    nodes[1].ready().await;
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cp");
    assert!(done.success(), "cp {} {}", from.display(), to.display());
}

async fn send(
    network: &Network,
    from: usize,
    to: usize,
    reference: &str,
) -> Result<DispatchId, ClientError> {
    let document = reference.as_bytes().to_vec();
    let envelope = network.envelope(from, &[to], reference, vec![small_document(&document)]);
    let sealed = network.seal(&envelope);
    let client = tram_api::Client::new(&network.nodes[from].socket);
    client.submit(sealed.raw(), &[Some(document.into())]).await.map(|_| sealed.id())
}

async fn arrives(node: &Node, tier: usize, id: DispatchId) {
    let client = node.client();
    eventually("it arrives", || async { client.inbox_entry(&agency(tier), id).await.is_ok() })
        .await;
}

fn alarm(status: &StatusView) -> Option<Code> {
    let stops = [Code::LogRollback, Code::LogFork];
    status.alarms.iter().map(|a| a.code.0).find(|code| stops.contains(code))
}

async fn alarm_of(node: &Node) -> Option<Code> {
    node.client().status().await.ok().as_ref().and_then(alarm)
}

#[tokio::test]
async fn an_old_copy_of_a_store_is_noticed_before_anything_new_is_signed() {
    let (network, mut nodes) = Network::running(&Plan::tiers(2)).await;
    let first = send(&network, 1, 0, "1/CŨ").await.expect("accepted");
    arrives(&nodes[0], 0, first).await;
    let files = nodes[1].files.clone();
    assert!(nodes[1].stop().await.success());
    let (data, backup) = (files.data(), files.folder.join("backup"));
    copy(&data, &backup);
    nodes[1].start();
    nodes[1].ready().await;
    for i in 2..5 {
        let id = send(&network, 1, 0, &format!("{i}/CŨ")).await.expect("accepted");
        arrives(&nodes[0], 0, id).await;
    }
    // The peer learns of the newest log when a session begins.
    assert!(nodes[1].stop().await.success());
    nodes[1].start();
    nodes[1].ready().await;
    let newest = nodes[1].client().log_head().await.expect("a head").size;
    assert!(nodes[1].stop().await.success());
    fs::rename(&data, files.folder.join("newest")).expect("the store moves");
    copy(&backup, &data);

    // The anchor was not restored along: it tells at once, with no peer in reach, and what is there can
    // be read.
    nodes[0].kill();
    nodes[1].start();
    let told = nodes[1].answers().await;
    assert_eq!((told.state, alarm(&told)), (NodeState::Halted, Some(Code::LogRollback)));
    let refused = send(&network, 1, 0, "5/CŨ").await.expect_err("nothing is accepted");
    assert_eq!(refused.code(), Code::LogRollback, "{refused}");
    receipts(&network, &nodes[1].client()).await;
    assert!(nodes[1].stop().await.success());
    nodes[0].start();
    nodes[0].answers().await;

    // Without it, the peer tells.
    let anchor = files.folder.join("anchor");
    fs::rename(&anchor, files.folder.join("anchor.newest")).expect("the anchor moves");
    fs::create_dir(&anchor).expect("a folder");
    nodes[1].start();
    nodes[1].answers().await;
    eventually("the alarm", || async { alarm_of(&nodes[1]).await == Some(Code::LogRollback) })
        .await;
    let refused = send(&network, 1, 0, "5/CŨ").await.expect_err("nothing is accepted");
    assert_eq!(refused.code(), Code::LogRollback, "{refused}");
    let status = nodes[1].client().status().await.expect("a status");
    assert_ne!(status.state, NodeState::Ready);
    let size = nodes[1].client().log_head().await.expect("a head").size;
    assert!(size < newest, "no leaf is signed twice: {size} of {newest}");

    // The newest store put back: all is well.
    assert!(nodes[1].stop().await.success());
    for (kept, place) in [("newest", &data), ("anchor.newest", &anchor)] {
        fs::remove_dir_all(place).expect("the old copy goes");
        fs::rename(files.folder.join(kept), place).expect("the newest is put back");
    }
    nodes[1].start();
    nodes[1].ready().await;
    let id = send(&network, 1, 0, "5/CŨ").await.expect("accepted");
    arrives(&nodes[0], 0, id).await;
    assert_eq!(inbox(&nodes[0].client(), &agency(0)).await.len(), 5);
    receipts(&network, &nodes[1].client()).await;
    check_store(&nodes[1].client()).await;
}

#[tokio::test]
async fn a_copy_of_a_node_beside_the_original_is_noticed_by_their_peer() {
    let (network, mut nodes) = Network::running(&Plan::tiers(2)).await;
    let first = send(&network, 1, 0, "1/ĐÔI").await.expect("accepted");
    arrives(&nodes[0], 0, first).await;
    assert!(nodes[1].stop().await.success());
    let files = nodes[1].files.clone();
    // A clone of the whole machine: store, keys, anchor.
    let clone = files.folder.with_extension("clone");
    copy(&files.folder, &clone);
    let socket = files.socket.with_extension("clone");
    let text = fs::read_to_string(&files.config).expect("a configuration");
    let name = |path: &Path| path.display().to_string();
    let config = clone.join("tram.toml");
    fs::write(&config, text.replace(&name(&files.socket), &name(&socket))).expect("a file");
    let key = || tram_crypto::Ed25519Signer::from_seed(&[7; 32]).expect("a key");
    let twin = NodeFiles {
        tier: 1,
        id: files.id.clone(),
        config,
        socket,
        log: clone.join("log"),
        listen: None,
        identity: tram_transport::Identity {
            chain_der: files.identity.chain_der.clone(),
            key_pkcs8_der: files.identity.key_pkcs8_der.clone(),
        },
        // The process reads its own; nobody here signs with these.
        receipt_key: key(),
        checkpoint_key: key(),
        genesis: files.genesis.clone(),
        folder: clone,
    };
    let mut twin = Node::new(Arc::new(twin), Program::tram());
    // Each takes something the other does not know, while the peer sees one of them at a time.
    nodes[0].kill();
    nodes[1].start();
    twin.start();
    nodes[1].answers().await;
    twin.answers().await;
    send(&network, 1, 0, "2/ĐÔI").await.expect("the original takes it");
    let envelope = network.envelope(1, &[0], "3/ĐÔI", vec![small_document(b"3")]);
    let sealed = network.seal(&envelope);
    let taken = twin.client().submit(sealed.raw(), &[Some(b"3".to_vec().into())]).await;
    taken.expect("the copy takes another");
    nodes[0].start();
    nodes[0].answers().await;
    let seen = || async { (alarm_of(&nodes[1]).await, alarm_of(&twin).await) };
    eventually("one of them at least is stopped", || async { seen().await != (None, None) }).await;
    let (original, copy) = seen().await;
    say(&format!("clone: the original has {original:?}, the copy {copy:?}"));
    let stopped = if copy.is_some() { twin.client() } else { nodes[1].client() };
    let envelope = network.envelope(1, &[0], "4/ĐÔI", vec![small_document(b"4")]);
    let sealed = network.seal(&envelope);
    let refused = stopped.submit(sealed.raw(), &[Some(b"4".to_vec().into())]).await;
    let code = refused.expect_err("nothing new is signed").code();
    assert!([Code::LogRollback, Code::LogFork].contains(&code), "{code}");
    // Every receipt that anybody holds verifies; what was promised twice is not hidden.
    receipts(&network, &nodes[0].client()).await;
}
