//! What an attacker knows of the node it attacks, and how it goes about it.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Uid, nice};
use tram_api::Client;
use tram_transport::Identity;
use tram_transport::fixtures::{Grant, HandClient, frames};
use tram_wire::frame::{self, Frame};

use crate::support::files::NodeFiles;
use crate::support::peer::{hello, receipt, transfer};
use crate::support::sealing::small_document;
use crate::support::{Network, agency};

/// The tier attacked, the honest node above, and below the one whose certificate the attacker has.
pub(crate) const VICTIM: usize = 1;
pub(crate) const PARENT: usize = 0;
pub(crate) const CHILD: usize = 2;
/// Offers made beforehand for whoever wants to make many.
const OFFERS: usize = 3_000;
const DOCUMENT: &[u8] = b"Noi dung van ban thu nghiem, mot nghin chin tram";
/// How long a session is tried for: handshakes of an attack before may still be in the way.
const PATIENCE: Duration = Duration::from_secs(15);

/// The node attacked, as the attacker knows it.
pub(crate) struct Target {
    pub(crate) files: Arc<NodeFiles>,
    pub(crate) address: SocketAddr,
    pub(crate) server_name: String,
    pub(crate) socket: PathBuf,
    /// A node below the one attacked, which lets it in.
    pub(crate) child: Identity,
    /// A certificate of the same network that is no node's.
    pub(crate) stranger: Identity,
    /// The hello of the node below.
    pub(crate) hello: Vec<u8>,
    /// A batch of receipts about something the node never saw: only to be answered.
    pub(crate) receipts: Vec<Vec<u8>>,
    /// Sound offers, each of another dispatch, made when first asked for.
    offers: Mutex<Vec<Vec<u8>>>,
    /// Dispatches of the victim's own agency to the one below, ready to be submitted.
    pub(crate) bombs: Mutex<Vec<Vec<u8>>>,
    pub(crate) document: &'static [u8],
}

impl Target {
    pub(crate) fn of(network: &Network) -> Self {
        let files = network.nodes[VICTIM].clone();
        let sealed =
            network.seal(&network.envelope(CHILD, &[VICTIM], "la", vec![small_document(DOCUMENT)]));
        let about = tram_dispatch::Event::RelayAcceptance;
        let unknown = receipt(network, CHILD, &sealed, about, Some(agency(VICTIM)));
        Target {
            address: files.listen.expect("it listens"),
            server_name: files.id.certificate_name(),
            socket: files.socket.clone(),
            files,
            child: network.nodes[CHILD].identity.clone(),
            stranger: network.authorities.seal_identity(CHILD),
            hello: frame::encode(&Frame::Hello(Box::new(hello(network, CHILD)))),
            receipts: vec![unknown.raw().to_vec(); 64],
            offers: Mutex::default(),
            bombs: Mutex::default(),
            document: DOCUMENT,
        }
    }

    /// Makes what takes time to make before anything is measured.
    pub(crate) fn load(&self, network: &Network) {
        let documents = || vec![small_document(DOCUMENT)];
        let offer = |n: usize| {
            let envelope = network.envelope(CHILD, &[VICTIM], &format!("chao/{n}"), documents());
            let offer = transfer(network, CHILD, &network.seal(&envelope), &[VICTIM], DOCUMENT);
            frame::encode(&Frame::Transfer(Box::new(offer)))
        };
        let bomb = |n: usize| {
            let envelope = network.envelope(VICTIM, &[CHILD], &format!("bom/{n}"), documents());
            network.seal(&envelope).raw().to_vec()
        };
        *self.offers.lock().expect("offers") = (0..OFFERS).map(offer).collect();
        *self.bombs.lock().expect("bombs") = (0..OFFERS).map(bomb).collect();
    }

    pub(crate) fn next_offer(&self) -> Option<Vec<u8>> {
        self.offers.lock().expect("offers").pop()
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.socket)
    }

    /// A connection by hand with the certificate of the node below, nothing sent yet.
    pub(crate) fn by_hand(&self, grant: Grant, number: u64) -> HandClient {
        let identity = Some(&self.child);
        HandClient::new(local(0), self.address, &self.server_name, identity, grant, number)
            .expect("a client")
    }

    /// A session by hand in which hellos were exchanged, as soon as one is to be had.
    pub(crate) fn session(&self, watch: &Watch, grant: Grant, number: u64) -> Option<HandClient> {
        let deadline = Instant::now() + PATIENCE;
        let mut number = number;
        while watch.goes_on() && Instant::now() < deadline {
            number = number.wrapping_add(1 << 40);
            let mut client = self.by_hand(grant, number);
            if client.open(Duration::from_secs(3)).is_ok() && self.greet(&mut client) {
                return Some(client);
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        None
    }

    /// The opening frame, and the hello behind it once it was answered.
    fn greet(&self, client: &mut HandClient) -> bool {
        let mut told = client.send(&frames::stream(0, 0, &[0; 4], false)).is_ok();
        let deadline = Instant::now() + Duration::from_secs(3);
        let wait = |client: &mut HandClient, bytes: usize| {
            while client.stream(0).len() < bytes {
                let lives = client.take(Duration::from_millis(50)).is_ok();
                if !lives || client.closed().is_some() || Instant::now() > deadline {
                    return false;
                }
            }
            true
        };
        told &= wait(client, 4);
        let mut hello = (self.hello.len() as u32).to_be_bytes().to_vec();
        hello.extend_from_slice(&self.hello);
        for (nth, part) in hello.chunks(1000).enumerate() {
            told &= client.send(&frames::stream(0, 4 + nth as u64 * 1000, part, false)).is_ok();
        }
        told && wait(client, 9)
    }
}

/// A UDP socket of one of many hosts on this machine.
pub(crate) fn local(host: u16) -> UdpSocket {
    let [high, low] = host.to_be_bytes();
    let ip = match host {
        0 => Ipv4Addr::LOCALHOST,
        _ => Ipv4Addr::new(127, 200, high, low),
    };
    UdpSocket::bind((ip, 0)).expect("a UDP socket")
}

/// What attacker and measurer share.
#[derive(Default)]
pub(crate) struct Watch {
    stop: AtomicBool,
    operations: AtomicU64,
}

impl Watch {
    pub(crate) fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    pub(crate) fn end(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// So many operations were done.
    pub(crate) fn did(&self, count: u64) {
        self.operations.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn operations(&self) -> u64 {
        self.operations.load(Ordering::Relaxed)
    }

    /// Does an operation so many times a second, evenly, until the end or until it says no.
    pub(crate) fn at_rate(&self, per_second: u64, mut operation: impl FnMut(u64) -> bool) {
        let began = Instant::now();
        let mut done = 0;
        while self.goes_on() {
            let due = (began.elapsed().as_secs_f64() * per_second as f64) as u64;
            // What could not be done in time is not made up for later.
            let due = due.min(done + per_second.div_ceil(20));
            if done >= due {
                std::thread::sleep(Duration::from_micros(500));
                continue;
            }
            while done < due {
                if !self.goes_on() || !operation(done) {
                    return;
                }
                done += 1;
                self.did(1);
            }
        }
    }

    /// Waits for the end.
    pub(crate) async fn ended(&self) {
        while self.goes_on() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The lowest priority for this thread.
pub(crate) fn humbly() {
    let _ = nice(19);
}

/// This thread is another user's from now on, where we may decide that.
pub(crate) fn as_somebody_else() {
    if rustix::process::geteuid().is_root() {
        rustix::thread::set_thread_uid(Uid::from_raw(65_534)).expect("root may");
    }
}
