//! A newer directory goes from node to node, whoever installed it; nothing else does.

mod support;

use std::path::Path;

use support::evidence::eventually;
use support::peer::Peer;
use support::{Network, Node, Plan, Program};
use tram_api::ClientError;
use tram_dispatch::directory::Entry;
use tram_dispatch::{Code, Digest};
use tram_trust::Directory;
use tram_wire::directory::{DirectoryDifference, DirectoryFile};
use tram_wire::frame::{DirectoryPiece, Frame};

/// So many more agencies that the directory is several pieces.
const AGENCIES: usize = 4_000;

fn renamed(entries: &mut [Entry], name: &str) {
    let agency = entries.iter_mut().find_map(|entry| match entry {
        Entry::Agency(agency) => Some(agency),
        _ => None,
    });
    name.clone_into(&mut agency.expect("an agency").name);
}

fn grown(entries: &mut Vec<Entry>) {
    let Some(Entry::Agency(first)) = entries.first().cloned() else { panic!("an agency first") };
    for n in 0..AGENCIES {
        let mut agency = first.clone();
        agency.code = format!("Z{n}").parse().expect("a code");
        agency.name = format!("Đơn vị thử số {n}");
        entries.push(Entry::Agency(agency));
    }
}

async fn has(node: &Node, version: u64) {
    let client = node.client();
    let what = format!("version {version} is in force");
    eventually(&what, || async {
        client.status().await.is_ok_and(|s| s.directory_version == version)
    })
    .await;
}

async fn install(node: &Node, file: Vec<u8>) -> Result<u64, ClientError> {
    node.client().install_directory(file).await.map(|installed| installed.version)
}

fn kept(node: &Path) -> usize {
    std::fs::read_dir(node.join("data/directories")).map_or(0, Iterator::count)
}

#[tokio::test]
async fn one_installation_reaches_every_node_as_a_difference_or_whole() {
    let (network, mut nodes) = Network::running(&Plan::tiers(3)).await;
    let (two_file, two) = network.after(&network.directory, grown);
    assert!(two_file.len() > 3 * 65_536, "several pieces");
    // At the top: down to the lowest.
    install(&nodes[0], two_file.clone()).await.expect("it is newer");
    for node in &nodes {
        has(node, 2).await;
    }
    // At the lowest, as a difference: up to the top.
    let (three_file, three) = network.after(&two, |e| renamed(e, "Cơ quan đã đổi tên"));
    let decode = |file: &[u8]| DirectoryFile::decode(file).expect("a directory");
    let difference =
        DirectoryDifference::between(&decode(&two_file), &decode(&three_file)).encode();
    assert!(difference.len() < 2_000, "{}", difference.len());
    nodes[1].stop().await;
    install(&nodes[2], difference.clone()).await.expect("it is newer");
    has(&nodes[2], 3).await;
    // Who was away learns of it when it is back, and goes on with what came while it was away.
    let (four_file, four) = network.after(&three, |e| renamed(e, "Cơ quan đổi tên lần nữa"));
    install(&nodes[2], four_file.clone()).await.expect("it is newer");
    nodes[1].start();
    nodes[1].ready().await;
    for node in &nodes {
        has(node, 4).await;
    }
    // What each has is the same, byte for byte, and durable.
    for (node, files) in nodes.iter_mut().zip(&network.nodes) {
        let there = std::fs::read(files.folder.join("network/directory.cbor")).expect("a file");
        assert!(there == four_file, "{}", files.id);
        assert_eq!(kept(&files.folder), 3, "the ways from versions 1, 2 and 3");
        node.kill();
        node.start();
        assert_eq!(node.answers().await.directory_version, 4);
        // Nothing goes back, as a whole or as a difference.
        let old = install(node, two_file.clone()).await.expect_err("older");
        assert_eq!(old.code(), Code::DirectoryOld);
        let old = install(node, difference.clone()).await.expect_err("older");
        assert_eq!(old.code(), Code::DirectoryOld);
    }
    assert_eq!(four.version(), 4);
}

fn piece(directory: &Directory, base: Option<Digest>, total: u64, bytes: &[u8]) -> Frame {
    Frame::DirectoryPiece(Box::new(DirectoryPiece {
        version: directory.version(),
        digest: directory.digest(),
        base,
        total,
        offset: 0,
        bytes: bytes.to_vec(),
    }))
}

#[tokio::test]
async fn a_peer_can_pass_on_only_what_the_networks_keys_signed() {
    let network = Network::create(&Plan::tiers(2));
    let mut node = Node::new(network.nodes[0].clone(), Program::tram());
    node.start();
    node.answers().await;
    let (file, two) = network.after(&network.directory, |e| renamed(e, "Tên mới"));
    let other = Network::create(&Plan::tiers(2));
    let (foreign, _) = other.after(&other.directory, |e| renamed(e, "Tên mới"));
    let mut forged = file.clone();
    let name = forged.windows(6).position(|w| w == "Tên m".as_bytes());
    forged[name.expect("the name")] = b'X';
    let bad_head = {
        let mut bytes = file.clone();
        bytes[40] ^= 1;
        bytes
    };
    let say = Frame::Directory { version: two.version(), digest: two.digest() };
    let asks = |frame: &Frame| matches!(frame, Frame::DirectoryRequest { .. });
    let hostile: [(&str, Vec<u8>); 4] = [
        ("an entry altered", forged),
        ("a head altered", bad_head),
        ("of another network", foreign),
        ("no directory at all", vec![7; 300]),
    ];
    for (what, bytes) in hostile {
        let mut peer = Peer::dialling(&network, 1, 0).await;
        // Not asked for: without effect, also when it is the right one.
        peer.say(&piece(&two, None, file.len() as u64, &file)).await;
        peer.say(&say).await;
        let Frame::DirectoryRequest { have, offset } = peer.hear(asks).await else { panic!() };
        assert_eq!((have, offset), (network.directory.digest(), 0), "{what}");
        peer.say(&piece(&two, None, bytes.len() as u64, &bytes)).await;
        // It is busy with it until it is given up, and can be asked other things all the while.
        let coming = network.nodes[0].data().join("directories/coming");
        eventually("it is given up", || async { !coming.exists() }).await;
        assert_eq!(node.answers().await.directory_version, 1, "{what}");
    }
    let mut peer = Peer::dialling(&network, 1, 0).await;
    peer.say(&say).await;
    peer.hear(asks).await;
    peer.say(&piece(&two, None, file.len() as u64, &file)).await;
    has(&node, 2).await;
    // It says so, and gives what leads there to who asks; and nothing where there is nothing to give.
    let told = peer.hear(|frame| matches!(frame, Frame::Directory { .. })).await;
    assert_eq!(told, say);
    let ask = |have| Frame::DirectoryRequest { have, offset: 0 };
    peer.say(&ask(two.digest())).await;
    peer.say(&Frame::DirectoryRequest { have: Digest([9; 32]), offset: u64::MAX }).await;
    peer.say(&ask(network.directory.digest())).await;
    let given = |frame: &Frame| matches!(frame, Frame::DirectoryPiece(_));
    let Frame::DirectoryPiece(first) = peer.hear(given).await else { panic!() };
    assert_eq!((first.base, first.version), (Some(network.directory.digest()), 2));
    let whole = std::fs::read(network.nodes[1].folder.join("network/directory.cbor"));
    let made = Directory::with_difference(&network.root, &whole.expect("a file"), &first.bytes);
    assert!(made.expect("a difference") == file);
    peer.say(&ask(Digest([9; 32]))).await;
    let Frame::DirectoryPiece(second) = peer.hear(given).await else { panic!() };
    assert_eq!((second.base, &second.bytes), (None, &file), "who is too far behind gets the whole");
}
