//! Peers with a certificate that speak the protocol, and abuse it.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{sleep, timeout};
use tram_api::Client;
use tram_crypto::sha256;
use tram_dispatch::Digest;
use tram_dispatch::limits::FRAME_BYTES_MAX;
use tram_transport::{Endpoint, FrameReceiver, FrameSender, Opened, Session};
use tram_wire::frame::{self, Frame, Range};

use crate::support::peer::{dial, endpoint};
use crate::support::sealing::document;
use crate::support::{Network, agency};
use crate::target::{CHILD, Target, VICTIM, Watch};

/// Large documents that wait at the node for the attacker, and the size of each.
const BAITS: usize = 8;
const BAIT_BYTES: usize = 16 << 20;
/// Streams that a peer opens at most here.
const STREAMS: usize = 1_000;

/// A session in which hellos were exchanged.
struct Inside {
    session: Session,
    to: FrameSender,
    from: FrameReceiver,
    _endpoint: Endpoint,
}

async fn inside(target: &Target, watch: &Watch) -> Option<Inside> {
    while watch.goes_on() {
        let endpoint = endpoint(&target.child, None);
        if let Ok(Opened { session, control }) = dial(&endpoint, &target.files).await {
            let (mut to, mut from) = (control.send, control.recv);
            to.send_bytes(target.hello.clone().into()).await.ok()?;
            timeout(Duration::from_secs(5), from.recv(FRAME_BYTES_MAX)).await.ok()?.ok()??;
            return Some(Inside { session, to, from, _endpoint: endpoint });
        }
        sleep(Duration::from_millis(200)).await;
    }
    None
}

/// Runs something asynchronous on this thread until the end.
fn on_this_thread(watch: &Watch, work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        tokio::select! {
            () = work => watch.ended().await,
            () = watch.ended() => {}
        }
    });
}

/// Dials, greets, hangs up, dials again.
pub(crate) fn churn(target: &Target, watch: &Watch, _: usize) {
    on_this_thread(watch, async {
        while let Some(inside) = inside(target, watch).await {
            inside.session.close(0, "");
            watch.did(1);
            sleep(Duration::from_millis(10)).await;
        }
    });
}

/// Dials and keeps every session, as far as it is let.
pub(crate) fn zombies(target: &Target, watch: &Watch, _: usize) {
    on_this_thread(watch, async {
        let mut kept = Vec::new();
        while let Some(inside) = inside(target, watch).await {
            kept.push(inside);
            watch.did(1);
            sleep(Duration::from_millis(10)).await;
            if kept.len() == 500 {
                break;
            }
        }
        watch.ended().await;
    });
}

/// Opens as many streams as there may be; each gets its first octets and then `each` so often.
async fn streams(target: &Target, watch: &Watch, first: Bytes, each: Option<Duration>) {
    let Some(inside) = inside(target, watch).await else { return };
    let mut kept = Vec::new();
    while kept.len() < STREAMS {
        let opened = timeout(Duration::from_millis(300), inside.session.open_transfer(0)).await;
        let Ok(Ok((mut to, from))) = opened else { break };
        // As a raw range the bytes have no frame around them.
        to.begin_raw(u64::from(u32::MAX)).expect("the first range");
        let sent = timeout(Duration::from_millis(20), to.send_raw(first.clone())).await;
        watch.did(1);
        kept.push((to, from, sent.is_ok()));
    }
    while let Some(pause) = each {
        for (to, _, whole) in &mut kept {
            // One that the node gave up is left.
            *whole = *whole && to.send_raw(Bytes::from_static(b"x")).await.is_ok();
            watch.did(u64::from(*whole));
        }
        sleep(pause).await;
    }
    watch.ended().await;
}

/// Streams with one octet, then nothing.
pub(crate) fn unused_streams(target: &Target, watch: &Watch, _: usize) {
    on_this_thread(watch, streams(target, watch, Bytes::from_static(&[0]), None));
}

/// Offers that arrive octet by octet on all streams at once.
pub(crate) fn drips(target: &Target, watch: &Watch, _: usize) {
    let head = Bytes::from_static(&[0, 0, 255, 0, b'x']);
    on_this_thread(watch, streams(target, watch, head, Some(Duration::from_millis(300))));
}

/// Offers of the greatest length of which the last octet never comes.
pub(crate) fn huge_offers(target: &Target, watch: &Watch, _: usize) {
    let mut bytes = (FRAME_BYTES_MAX as u32).to_be_bytes().to_vec();
    bytes.resize(FRAME_BYTES_MAX + 3, b'x');
    on_this_thread(watch, streams(target, watch, bytes.into(), None));
}

/// Asks on and on, and reads no answer.
pub(crate) fn deaf(target: &Target, watch: &Watch, _: usize) {
    on_this_thread(watch, async {
        let Some(mut inside) = inside(target, watch).await else { return };
        let mut batch = 0;
        loop {
            let receipts = target.receipts.clone();
            let ask = frame::encode(&Frame::Receipts { batch, receipts, statements: vec![] });
            if inside.to.send_bytes(ask.into()).await.is_err() {
                return;
            }
            batch += 1;
            watch.did(1);
        }
    });
}

/// Offers as many dispatches as it can, all in order, and takes every answer.
pub(crate) fn greedy(target: &Target, watch: &Watch, _: usize) {
    on_this_thread(watch, async {
        let Some(inside) = inside(target, watch).await else { return };
        while let Some(offer) = target.next_offer() {
            let Ok((mut to, mut from)) = inside.session.open_transfer(0).await else { return };
            if to.send_bytes(offer.into()).await.is_err() {
                return;
            }
            if matches!(from.recv(FRAME_BYTES_MAX).await, Ok(Some(_))) {
                watch.did(1);
            }
            sleep(Duration::from_millis(3)).await;
        }
    });
}

/// Has large documents given to it, and reads none.
pub(crate) fn unread_ranges(target: &Target, watch: &Watch, _: usize) {
    on_this_thread(watch, async {
        let Some(mut inside) = inside(target, watch).await else { return };
        let mut kept = Vec::new();
        loop {
            tokio::select! {
                // The node's checkpoints and receipts are read, so that it goes on offering.
                read = inside.from.recv(FRAME_BYTES_MAX) => if read.is_err() { return },
                streams = inside.session.accept_transfer() => {
                    let Ok((mut to, mut from)) = streams else { return };
                    if let Ok(Some(_)) = from.recv(FRAME_BYTES_MAX).await {
                        let want = frame::encode(&Frame::Want(vec![Range { document: 0, offset: 0 }]));
                        let _ = to.send_bytes(want.into()).await;
                        watch.did(1);
                    }
                    kept.push((to, from));
                }
            }
        }
    });
}

/// The frame that asks for the first document from its beginning, with its length before it.
pub(crate) fn want_all() -> Vec<u8> {
    let want = frame::encode(&Frame::Want(vec![Range { document: 0, offset: 0 }]));
    let mut all = (want.len() as u32).to_be_bytes().to_vec();
    all.extend(want);
    all
}

/// Submits at the node, for the attacker's agency, dispatches with large documents.
pub(crate) async fn bait(network: &Network, client: &Client) {
    for n in 0..BAITS {
        let bytes = vec![n as u8; BAIT_BYTES];
        let digest = Digest(sha256(&bytes));
        let size = bytes.len() as u64;
        let body = std::io::Cursor::new(bytes);
        let state = client.upload(&agency(VICTIM), digest, size, 0, body, |_| {}).await;
        assert!(state.expect("an upload").complete);
        let named = vec![document("lon.bin", size, digest)];
        let sealed = network.seal(&network.envelope(VICTIM, &[CHILD], &format!("moi/{n}"), named));
        client.submit(sealed.raw(), &[None]).await.expect("accepted");
    }
}

/// Local submissions as fast as they are answered, whatever the answer.
pub(crate) fn mail_bomb(target: &Target, watch: &Watch, _: usize) {
    on_this_thread(watch, async {
        let client = target.client();
        loop {
            let bomb = target.bombs.lock().expect("bombs").pop();
            let Some(bomb) = bomb else { return };
            let _ = client.submit(&bomb, &[Some(target.document.into())]).await;
            watch.did(1);
        }
    });
}
