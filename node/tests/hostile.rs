//! Peers with real certificates that try to use up a node: it stays small, and others are served.
#![allow(clippy::print_stdout, reason = "says what the run was like")]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use support::evidence::{eventually, inbox};
use support::peer::{Peer, dial, endpoint, receipt, transfer};
use support::sealing::small_document;
use support::{Network, Node, Plan, Program, agency};
use tokio::time::timeout;
use tram_api::model::InboxQuery;
use tram_dispatch::Event;
use tram_dispatch::limits::FRAME_BYTES_MAX;
use tram_transport::{
    Denied, Endpoint, FrameReceiver, FrameSender, Opened, PeerCheck, PeerName, Role,
    TransportLimits,
};
use tram_wire::frame::{self, Frame};

/// The tier attacked, the attacker below it, and the honest peer above.
const VICTIM: usize = 1;
const CHILD: usize = 2;
const PARENT: usize = 0;
/// Most memory that the victim may ever have resident.
const MEMORY_BYTES_MAX: u64 = 250 << 20;
const DOCUMENT: &[u8] = b"Noi dung van ban thu nghiem, mot nghin chin tram";

async fn victim() -> (Network, Node) {
    let network = Network::create(&Plan::tiers(4));
    let mut node = Node::new(network.nodes[VICTIM].clone(), Program::tram());
    node.start();
    node.answers().await;
    (network, node)
}

async fn send(to: &mut FrameSender, frame: &Frame) {
    to.send_bytes(frame::encode(frame).into()).await.expect("a frame is taken");
}

/// Exchanges hellos by hand.
async fn greet(network: &Network, to: &mut FrameSender, from: &mut FrameReceiver) {
    let hello = support::peer::hello(network, CHILD);
    send(to, &Frame::Hello(Box::new(hello))).await;
    from.recv(FRAME_BYTES_MAX).await.expect("a frame").expect("a hello");
}

/// An honest peer gets its dispatch through in moments.
async fn honest_peer_is_served(network: &Network, node: &Node, reference: &str) {
    let began = Instant::now();
    let peer = Peer::listening(network, PARENT).await;
    let documents = vec![small_document(DOCUMENT)];
    let sealed = network.seal(&network.envelope(PARENT, &[VICTIM], reference, documents));
    peer.offer(transfer(network, PARENT, &sealed, &[VICTIM], DOCUMENT), &[]).await;
    let client = node.client();
    eventually("the honest dispatch is there", || async {
        inbox(&client, &agency(VICTIM)).await.iter().any(|(id, _)| *id == sealed.id())
    })
    .await;
    println!("the honest peer was served after {:?}", began.elapsed());
    assert!(node.peak_memory_bytes() < MEMORY_BYTES_MAX, "{}", node.peak_memory_bytes());
}

#[tokio::test]
async fn offers_that_never_come_cost_others_nothing() {
    let (network, node) = victim().await;
    let endpoint = endpoint(&network.nodes[CHILD].identity, None);
    let opened = dial(&endpoint, &network.nodes[VICTIM]).await.expect("it is let in");
    let Opened { session, mut control } = opened;
    greet(&network, &mut control.send, &mut control.recv).await;
    // As many streams as there may be, each with the beginning of a large frame.
    let mut streams = Vec::new();
    let half = vec![0x58; FRAME_BYTES_MAX - 1];
    while let Ok(opened) = timeout(Duration::from_millis(500), session.open_transfer(0)).await {
        let (mut to, from) = opened.expect("a stream");
        let some = bytes::Bytes::from(half.clone());
        let sender = tokio::spawn(async move {
            // Stops where the node reads no more.
            let _ = timeout(Duration::from_secs(20), to.send_bytes(some)).await;
        });
        streams.push((sender, from));
        if streams.len() >= 200 {
            break;
        }
    }
    assert!(streams.len() > 100, "only {} streams", streams.len());
    honest_peer_is_served(&network, &node, "1").await;
    drop(session);
}

/// Lets anybody in.
struct Anybody;

impl PeerCheck for Anybody {
    fn check(&self, _: &[Vec<u8>], role: Role<'_>) -> Result<PeerName, Denied> {
        match role {
            Role::Dialled { expected } => Ok(expected.clone()),
            Role::Accepted => Ok(PeerName::new("dialler")),
        }
    }
}

#[tokio::test]
async fn a_peer_that_asks_and_never_listens_is_not_read_any_more() {
    let (network, node) = victim().await;
    let limits = TransportLimits {
        frame_bytes_max: FRAME_BYTES_MAX as u32,
        // Few answers fit into what it does not read.
        stream_window_bytes: 4096,
        ..TransportLimits::default()
    };
    let any = SocketAddr::from(([0, 0, 0, 0], 0));
    let identity = &network.nodes[CHILD].identity;
    let endpoint = Endpoint::bind(any, identity, Arc::new(Anybody), limits).expect("an endpoint");
    let Opened { session, mut control } =
        dial(&endpoint, &network.nodes[VICTIM]).await.expect("it is let in");
    greet(&network, &mut control.send, &mut control.recv).await;
    // A receipt about a dispatch that the victim never saw: nothing to keep, only to answer.
    let documents = vec![small_document(DOCUMENT)];
    let sealed = network.seal(&network.envelope(CHILD, &[VICTIM], "x", documents));
    let raw = receipt(&network, CHILD, &sealed, Event::RelayAcceptance, Some(agency(VICTIM)));
    let receipts = vec![raw.raw().to_vec(); 64];
    let mut sent: u64 = 0;
    loop {
        let (receipts, statements) = (receipts.clone(), Vec::new());
        let ask = frame::encode(&Frame::Receipts { batch: sent, receipts, statements });
        match timeout(Duration::from_secs(5), control.send.send_bytes(ask.into())).await {
            Ok(Ok(())) => sent += 1,
            Ok(Err(e)) => panic!("the session broke: {e}"),
            // It reads no more.
            Err(_) => break,
        }
        assert!(sent < 20_000, "it goes on reading what it cannot answer");
    }
    println!("{sent} batches were read or are on their way");
    honest_peer_is_served(&network, &node, "1").await;
    drop(session);
}

#[tokio::test]
async fn a_node_stops_and_starts_again_at_once() {
    let (network, mut nodes) = Network::running(&Plan::tiers(2)).await;
    for _ in 0..3 {
        // A question that waits does not hold it up.
        let client = nodes[0].client();
        let waiting = tokio::spawn(async move {
            let query = InboxQuery { wait_s: Some(30), ..InboxQuery::default() };
            client.inbox(&agency(0), &query).await.map(|page| page.items.len())
        });
        tokio::time::sleep(Duration::from_millis(200)).await;
        let began = Instant::now();
        assert!(nodes[0].stop().await.success());
        println!("stopped after {:?}", began.elapsed());
        assert!(began.elapsed() < Duration::from_secs(4));
        // Answered or cut: either is an end.
        let _ = waiting.await;
        assert!(!network.nodes[0].socket.exists(), "the socket file stays behind");
        nodes[0].start();
        nodes[0].ready().await;
    }
}
