//! A peer with a real certificate that speaks frames by hand.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::time::timeout;
use tram_crypto::{Sign as _, sha256_parts};
use tram_dispatch::evidence::{Event, EvidenceRecord};
use tram_dispatch::limits::FRAME_BYTES_MAX;
use tram_dispatch::{AgencyCode, Digest};
use tram_tlog::MemoryTree;
use tram_transport::{
    ConnectError, Control, Denied, Endpoint, FrameReceiver, FrameSender, Identity, Opened,
    PeerCheck, PeerName, Role, Session, TransportLimits,
};
use tram_wire::frame::{self, Answer, Frame, Hello, Transfer};
use tram_wire::{Receipt, SealedDispatch, SignedRoot};

use super::files::NodeFiles;
use super::{Network, SOON, agency, wall_now};

/// Lets anybody in: who plays the peer knows whom it talks to.
struct Anybody;

impl PeerCheck for Anybody {
    fn check(&self, _: &[Vec<u8>], role: Role<'_>) -> Result<PeerName, Denied> {
        Ok(match role {
            Role::Dialled { expected } => expected.clone(),
            Role::Accepted => PeerName::new("dialler"),
        })
    }
}

/// A door that uses the identity of a node.
pub fn endpoint(identity: &Identity, address: Option<SocketAddr>) -> Endpoint {
    let address = address.unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0)));
    let limits =
        TransportLimits { frame_bytes_max: FRAME_BYTES_MAX as u32, ..TransportLimits::default() };
    Endpoint::bind(address, identity, Arc::new(Anybody), limits).expect("an endpoint")
}

/// Dials a node.
pub async fn dial(endpoint: &Endpoint, to: &NodeFiles) -> Result<Opened, ConnectError> {
    let address = to.listen.expect("it listens");
    let expected = PeerName::new(to.id.as_str());
    endpoint.connect(address, &to.id.certificate_name(), &expected).await
}

/// A session in which hellos were exchanged.
pub struct Peer {
    session: Session,
    /// Its end is the session's.
    control: Control,
    _endpoint: Endpoint,
}

impl Peer {
    /// Plays the node of one tier toward that of another, which listens.
    pub async fn dialling(network: &Network, me: usize, to: usize) -> Self {
        let endpoint = endpoint(&network.nodes[me].identity, None);
        let opened = dial(&endpoint, &network.nodes[to]).await.expect("the peer is let in");
        Self::greet(network, me, endpoint, opened).await
    }

    /// Plays the node of one tier, where it listens, toward the one that dials it.
    pub async fn listening(network: &Network, me: usize) -> Self {
        let files = &network.nodes[me];
        let endpoint = endpoint(&files.identity, files.listen);
        let opened = soon(endpoint.accept()).await.expect("somebody dials");
        Self::greet(network, me, endpoint, opened).await
    }

    async fn greet(network: &Network, me: usize, endpoint: Endpoint, opened: Opened) -> Self {
        let Opened { session, mut control } = opened;
        send(&mut control.send, &Frame::Hello(Box::new(hello(network, me)))).await;
        match receive(&mut control.recv).await {
            Frame::Hello(_) => {}
            other => panic!("no hello: {other:?}"),
        }
        Peer { session, control, _endpoint: endpoint }
    }

    /// Says something on the control stream.
    pub async fn say(&mut self, frame: &Frame) {
        send(&mut self.control.send, frame).await;
    }

    /// The next frame on the control stream that is `wanted`.
    pub async fn hear(&mut self, wanted: impl Fn(&Frame) -> bool) -> Frame {
        loop {
            let frame = receive(&mut self.control.recv).await;
            if wanted(&frame) {
                return frame;
            }
        }
    }

    /// Offers a dispatch. Where documents are wanted, `document` is given as the first of them.
    pub async fn offer(&self, transfer: Transfer, document: &[u8]) -> Vec<Answer> {
        let (mut to, mut from) = soon(self.session.open_transfer(0)).await.expect("a stream");
        send(&mut to, &Frame::Transfer(Box::new(transfer))).await;
        loop {
            match receive(&mut from).await {
                Frame::Answer(answers) => return answers,
                Frame::Want(ranges) => {
                    let range = ranges.first().expect("a range");
                    let rest = &document[range.offset as usize..];
                    let (offset, length) = (range.offset, rest.len() as u64);
                    send(&mut to, &Frame::Data { document: range.document, offset, length }).await;
                    to.begin_raw(length).expect("a range can begin");
                    soon(to.send_raw(rest.to_vec().into())).await.expect("bytes are taken");
                }
                other => panic!("neither answer nor want: {other:?}"),
            }
        }
    }
}

async fn send(to: &mut FrameSender, frame: &Frame) {
    soon(to.send_bytes(frame::encode(frame).into())).await.expect("a frame is taken");
}

async fn receive(from: &mut FrameReceiver) -> Frame {
    let bytes = soon(from.recv(FRAME_BYTES_MAX)).await.expect("a frame").expect("not the end");
    frame::decode(&bytes).expect("a sound frame")
}

async fn soon<F: Future>(future: F) -> F::Output {
    timeout(SOON, future).await.expect("this takes too long")
}

/// A receipt of custody as the node of a tier would sign it: really its key, really its epoch, a log
/// of two leaves. `event` is about one recipient or about the whole dispatch.
pub fn receipt(
    network: &Network,
    tier: usize,
    sealed: &SealedDispatch,
    event: Event,
    recipient: Option<AgencyCode>,
) -> Receipt {
    let now = wall_now();
    let files = &network.nodes[tier];
    let record = EvidenceRecord {
        event,
        network: network.id(),
        node: files.id.clone(),
        epoch: tram_wire::genesis::epoch_id(&files.genesis),
        dispatch: sealed.id(),
        object: Some(sealed.object()),
        originator: sealed.envelope().originator.clone(),
        recipient,
        custody: 1,
        admission: None,
        time: now,
        reason: None,
        remark: None,
        status: None,
        previous: None,
        upstream: None,
        directory: Some(network.directory.digest()),
        revocation: None,
        attestation: None,
        other_object: None,
        sequence: None,
        related: None,
        removal: None,
    };
    signed(network, tier, &record)
}

/// Signs a record as the second leaf of the log of a tier's node.
pub fn signed(network: &Network, tier: usize, record: &EvidenceRecord) -> Receipt {
    let files = &network.nodes[tier];
    let bytes = tram_wire::evidence::encode(record);
    let mut salt = [0; 16];
    salt.copy_from_slice(&sha256_parts(&[b"salt", &bytes])[..16]);
    let mut tree = MemoryTree::new();
    tree.push(&tram_wire::genesis::leaf(&files.genesis).commitment);
    let index = tree.push(&tram_wire::evidence::commitment(&salt, &bytes));
    let path: Vec<[u8; 32]> =
        tree.inclusion(index).expect("a leaf of this tree").iter().map(|hash| hash.0).collect();
    let mut root = SignedRoot {
        key: Digest(files.receipt_key.public_key().key_id()),
        node: record.node.clone(),
        epoch: record.epoch,
        size: tree.size(),
        time: record.time,
        root: tree.root().0,
        signature: Vec::new(),
    };
    let message = root.to_be_signed(network.id());
    root.signature = files.receipt_key.sign(&message).expect("a signature");
    Receipt::build(network.id(), &root, index, &path, &salt, &bytes).expect("a sound receipt")
}

/// An offer of a dispatch submitted at the node of tier `from`, for recipients of other tiers, with
/// one small document along.
pub fn transfer(
    network: &Network,
    from: usize,
    sealed: &SealedDispatch,
    to: &[usize],
    document: &[u8],
) -> Transfer {
    let first = receipt(network, from, sealed, Event::SubmissionAcceptance, None);
    let mut recipients: Vec<AgencyCode> = to.iter().map(|tier| agency(*tier)).collect();
    recipients.sort();
    Transfer {
        dispatch: sealed.raw().to_vec(),
        recipients,
        receipts: vec![first.raw().to_vec()],
        inline: vec![(0, document.to_vec())],
    }
}

/// What the node of one tier says first, with an empty log.
pub fn hello(network: &Network, me: usize) -> Hello {
    let files = &network.nodes[me];
    Hello {
        network: network.id(),
        versions: vec![1],
        features: Vec::new(),
        node: files.id.clone(),
        directory_version: network.directory.version(),
        directory: network.directory.digest(),
        epoch: tram_wire::genesis::epoch_id(&files.genesis),
        checkpoint: Vec::new(),
        held: None,
        wall: wall_now(),
        credit: 16,
    }
}
