//! Document files: kept as long as a dispatch needs them, gone when none does, also over a restart.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::evidence::eventually;
use support::sealing::document;
use support::{Network, Node, Plan, Program, agency};
use tram_dispatch::Digest;

/// Too large for the journal.
const LARGE_BYTES: usize = 200 << 10;

fn file_of(node: &Node, digest: &Digest) -> PathBuf {
    let name = tram_dispatch::id::hex(digest.as_bytes());
    let data = node.files.folder.join("data/documents");
    data.join(&name[..2]).join(&name[2..4]).join(name)
}

fn large(byte: u8) -> (Vec<u8>, Digest) {
    let bytes = vec![byte; LARGE_BYTES];
    let digest = Digest(tram_crypto::sha256(&bytes));
    (bytes, digest)
}

fn plant(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, bytes).expect("a file");
}

#[tokio::test]
async fn a_restart_keeps_what_is_held_and_removes_what_nobody_needs() {
    let network = Network::create(&Plan::tiers(2));
    // The recipient's node is away, so the centre holds the dispatch.
    let mut centre = Node::new(network.nodes[0].clone(), Program::tram());
    centre.start();
    centre.answers().await;
    let (bytes, held) = large(1);
    let client = centre.client();
    let file = tokio::fs::File::from_std(temporary(&bytes));
    let state = client.upload_resuming(&agency(0), held, bytes.len() as u64, file, |_| {}).await;
    assert!(state.expect("an upload").complete);
    let named = document("lon.bin", bytes.len() as u64, held);
    let sealed = network.seal(&network.envelope(0, &[1], "1", vec![named]));
    client.submit(sealed.raw(), &[]).await.expect("accepted");
    assert!(file_of(&centre, &held).exists());
    assert!(centre.stop().await.success());

    // As a process leaves it that ended between the last byte and the commit.
    let (orphan_bytes, orphan) = large(2);
    plant(&file_of(&centre, &orphan), &orphan_bytes);
    centre.start();
    centre.answers().await;
    eventually("the file that nobody needs is gone", || async {
        !file_of(&centre, &orphan).exists()
    })
    .await;
    assert!(file_of(&centre, &held).exists(), "the file of a held dispatch is gone");

    let mut recipient = Node::new(network.nodes[1].clone(), Program::tram());
    recipient.start();
    let there = recipient.client();
    eventually("it is consigned, with its document", || async {
        there.inbox_entry(&agency(1), sealed.id()).await.is_ok()
    })
    .await;
    assert_eq!(fs::read(file_of(&recipient, &held)).expect("the document"), bytes);
}

#[tokio::test]
async fn an_upload_is_not_needed_twice() {
    let (_network, nodes) = Network::running(&Plan::tiers(2)).await;
    let (bytes, digest) = large(3);
    let client = nodes[0].client();
    let file = || tokio::fs::File::from_std(temporary(&bytes));
    let size = bytes.len() as u64;
    let first = client.upload_resuming(&agency(0), digest, size, file(), |_| {}).await;
    assert!(first.expect("an upload").created);
    let again = client.upload_resuming(&agency(0), digest, size, file(), |_| {}).await;
    assert!(!again.expect("an upload").created, "the same agency need not send it again");
}

fn temporary(bytes: &[u8]) -> fs::File {
    use std::io::{Seek as _, Write as _};
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("room on the disk");
    file.rewind().expect("a file can be read again");
    file
}
