//! A live QUIC endpoint on a network in memory.

mod air;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Runtime;
use tram_transport::{
    Denied, Endpoint, FrameReceiver, Identity, Opened, PeerCheck, PeerName, Role, Session,
    StreamError, TransportLimits,
};
use tram_trust::fixtures::{CENTRE, Network, PROVINCE};

use air::Port;

/// Who is attacked.
const VICTIM: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)), 1);
/// Who must be served all the same.
const HONEST: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2)), 1);
/// Dials of the honest peer: one for so many inputs.
const INPUTS_PER_DIAL: u64 = 64;
/// Longest frame: what the transport allows, which is less than the format does.
const FRAME_BYTES_MAX: usize = 1 << 20;
/// The longest time anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Knows the other one by its certificate.
struct Only(Vec<u8>, PeerName);

impl PeerCheck for Only {
    fn check(&self, chain_der: &[Vec<u8>], _: Role<'_>) -> Result<PeerName, Denied> {
        if chain_der.first() == Some(&self.0) {
            return Ok(self.1.clone());
        }
        Err(Denied { code: "CERTIFICATE_INVALID", detail: "not the other one".to_owned() })
    }
}

/// The two endpoints, and the session between them.
struct Place {
    runtime: Runtime,
    port: Port,
    victim: Endpoint,
    honest: Endpoint,
    session: Option<(Opened, Opened)>,
    inputs: u64,
}

thread_local! {
    static PLACE: std::cell::RefCell<Option<Place>> = const { std::cell::RefCell::new(None) };
}

/// Calls with this thread's place. After a panic the next call has a new one.
fn with_place<T>(call: impl FnOnce(&mut Place) -> T) -> T {
    PLACE.with(|place| {
        let mut taken =
            place.borrow_mut().take().unwrap_or_else(|| Place::with(TransportLimits::default()));
        let result = call(&mut taken);
        *place.borrow_mut() = Some(taken);
        result
    })
}

impl Place {
    /// Two endpoints with these limits, and less patience for handshakes.
    fn with(limits: TransportLimits) -> Self {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio");
        let network = Network::new("fuzz");
        let identity = |agency: &str| {
            let keys = network.node(agency);
            Identity { chain_der: keys.chain.clone(), key_pkcs8_der: keys.tls_pkcs8.clone() }
        };
        let (ours, theirs) = (identity(CENTRE), identity(PROVINCE));
        let port = Port { own: VICTIM, air: Arc::default() };
        let limits = || TransportLimits { handshake_timeout_ms: 2_000, ..limits.clone() };
        let bind = |own, us: &Identity, them: &Identity, name: &str| {
            let check = Arc::new(Only(them.chain_der[0].clone(), PeerName::new(name)));
            let port = Arc::new(Port { own, ..port.clone() });
            Endpoint::bind_over(port, [7; 32], us, check, limits()).expect("an endpoint")
        };
        let (victim, honest) = {
            let _inside = runtime.enter();
            (bind(VICTIM, &ours, &theirs, "honest"), bind(HONEST, &theirs, &ours, "victim"))
        };
        Place { runtime, port, victim, honest, session: None, inputs: 0 }
    }

    /// Lets the two take everything that is on its way.
    fn settle(&self) {
        self.runtime.block_on(async {
            let on_its_way = || {
                let air = self.port.lock();
                !air.to_victim.is_empty() || !air.to_honest.is_empty()
            };
            while on_its_way() {
                tokio::task::yield_now().await;
            }
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
        });
    }

    /// A session that is open.
    fn session(&mut self) -> &(Opened, Opened) {
        let alive = |(dialled, accepted): &(Opened, Opened)| {
            dialled.session.close_reason().is_none() && accepted.session.close_reason().is_none()
        };
        if !self.session.as_ref().is_some_and(alive) {
            self.session = None;
        }
        let fresh = self.session.take().unwrap_or_else(|| self.dial());
        self.session.insert(fresh)
    }

    fn dial(&self) -> (Opened, Opened) {
        let name = PeerName::new("victim");
        let both = async {
            tokio::join!(
                self.honest.connect(VICTIM, "n1.g22.node.alt", &name),
                self.victim.accept()
            )
        };
        let limited = async { tokio::time::timeout(PATIENCE, both).await };
        let (dialled, accepted) =
            self.runtime.block_on(limited).expect("an honest peer waits for its session");
        (dialled.expect("an honest peer is let in"), accepted.expect("the endpoint is open"))
    }
}

/// Datagrams from strangers, each behind its length in two bytes: the endpoint lives, and an honest
/// peer gets its session.
pub fn datagrams(data: &[u8]) {
    with_place(|place| {
        let mut rest = data;
        let mut port = 2_000;
        while let Some((length, tail)) = rest.split_first_chunk::<2>() {
            let length = usize::from(u16::from_be_bytes(*length)).min(tail.len());
            let (payload, tail) = tail.split_at(length);
            // Two datagrams from each stranger, so that a second one meets what the first began.
            let stranger = SocketAddr::from(([192, 0, 2, (port / 4 % 250) as u8], port / 2));
            place.port.put(stranger, VICTIM, payload);
            port += 1;
            rest = tail;
        }
        place.settle();
        place.port.nobody_is_flooded();
        place.inputs += 1;
        if place.inputs % INPUTS_PER_DIAL == 1 {
            let (dialled, accepted) = place.dial();
            dialled.session.close(0, "done");
            place.runtime.block_on(accepted.session.closed());
        }
    });
}

/// The first flight of an honest peer, as the corpus of [`datagrams`] has it.
pub(crate) fn first_flight() -> Vec<Vec<u8>> {
    with_place(|place| {
        let (dialled, accepted) = place.dial();
        dialled.session.close(0, "done");
        place.runtime.block_on(accepted.session.closed());
        let air = place.port.lock();
        air.heard.iter().filter(|(to, _)| *to == VICTIM).take(8).map(|(_, d)| d.clone()).collect()
    })
}

/// The frames that a stream of these bytes holds, and whether it ends between two of them.
fn frames(mut rest: &[u8]) -> (Vec<&[u8]>, bool) {
    let mut found = Vec::new();
    while let Some((length, tail)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let Some((frame, tail)) = tail.split_at_checked(length) else { return (found, false) };
        if length > FRAME_BYTES_MAX {
            return (found, false);
        }
        found.push(frame);
        rest = tail;
    }
    (found, rest.is_empty())
}

/// The bytes of a stream from an authenticated peer: cut into the frames that are in it, decoded,
/// and whatever they are, the session stays.
pub fn stream(data: &[u8]) {
    with_place(|place| {
        place.session();
        let Some((dialled, accepted)) = &place.session else { return };
        let bytes = Bytes::copy_from_slice(data);
        let exchange = async {
            tokio::join!(send(&dialled.session, bytes), receive(&accepted.session, data.is_empty()))
        };
        let limited = async { tokio::time::timeout(PATIENCE, exchange).await };
        let ((), (taken, whole)) = place.runtime.block_on(limited).expect("a stream ends");
        let (expected, complete) = frames(data);
        assert_eq!(taken, expected, "frames");
        assert_eq!(whole, complete, "whether the stream ended between two frames");
        taken.iter().for_each(|frame| crate::frame(frame));
        assert_eq!(dialled.session.close_reason(), None, "the session ended");
    });
}

/// Datagrams that pretend to come from one of the two while a session is open: captured ones, changed
/// by the input, and the input itself. The session stays, and works.
pub fn injection(data: &[u8]) {
    let Some(([which, way], change)) = data.split_first_chunk::<2>() else { return };
    with_place(|place| {
        place.session();
        let (to, mut forged) = {
            let air = place.port.lock();
            let at = usize::from(*which) % air.heard.len().max(1);
            air.heard.get(at).cloned().unwrap_or((VICTIM, Vec::new()))
        };
        match way % 4 {
            // Its identifiers, and nothing else of it: as from who only saw the header.
            0 => forged.truncate(9),
            1 => forged.truncate(change.len()),
            _ => {}
        }
        if way % 4 < 2 {
            forged.extend_from_slice(change);
        } else {
            forged.iter_mut().zip(change).for_each(|(byte, change)| *byte ^= change);
        }
        let other = if to == VICTIM { HONEST } else { VICTIM };
        for (from, to) in [(other, to), (to, other)] {
            place.port.put(from, to, &forged);
            place.port.put(from, to, change);
        }
        place.settle();
        place.inputs += 1;
        let probe = place.inputs % INPUTS_PER_DIAL == 1;
        let Some((dialled, accepted)) = &place.session else { return };
        assert_eq!(dialled.session.close_reason(), None, "the dialler's session ended");
        assert_eq!(accepted.session.close_reason(), None, "the listener's session ended");
        if probe {
            let frame = Bytes::from_static(&[0, 0, 0, 2, 7, 7]);
            let exchange = async {
                tokio::join!(send(&dialled.session, frame), receive(&accepted.session, false))
            };
            let limited = async { tokio::time::timeout(PATIENCE, exchange).await };
            let ((), taken) = place.runtime.block_on(limited).expect("the session works");
            assert_eq!(taken, (vec![Bytes::from_static(&[7, 7])], true));
        }
    });
}

/// Writes the bytes as they are: as a raw range they have no frame around them.
async fn send(session: &Session, bytes: Bytes) {
    let (mut sender, _receiver) = session.open_transfer(0).await.expect("a stream");
    if !bytes.is_empty() {
        sender.begin_raw(bytes.len() as u64).expect("the first range");
        // The other side may have stopped the stream already.
        let _ = sender.send_raw(bytes).await;
    }
    let _ = sender.finish();
}

/// Takes one stream to its end or its first fault: its frames, and whether it ended well.
async fn receive(session: &Session, nothing: bool) -> (Vec<Bytes>, bool) {
    if nothing {
        let stream = session.accept_transfer().await;
        return (Vec::new(), stream.is_ok());
    }
    let (_sender, mut receiver) = session.accept_transfer().await.expect("a stream");
    let mut taken = Vec::new();
    loop {
        match next(&mut receiver).await {
            Ok(Some(frame)) => taken.push(frame),
            Ok(None) => return (taken, true),
            Err(_) => return (taken, false),
        }
    }
}

/// One frame, with the length that the node allows.
async fn next(receiver: &mut FrameReceiver) -> Result<Option<Bytes>, StreamError> {
    receiver.recv(FRAME_BYTES_MAX).await
}
