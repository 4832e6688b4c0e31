//! The same API for systems on other machines: TCP with mutual TLS, known by their certificates.
//!
//! ```text
//! TCP ─▶ share of the address ─▶ handshake in time ─▶ which system? ─▶ its share ─▶ as on a socket
//!              │ closed               │ closed             │ a problem     │ BUSY
//! ```
//!
//! A handshake passes with any certificate, or none, whose key the other end holds: an alert of TLS tells
//! few people what is wrong. So who is not known gets a problem with its cause, and no request of theirs
//! is looked at, not even its path.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::StatusCode;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tram_dispatch::Code;
use tram_door::{Counts, Session, Tls, secure};

use super::{App, away, connection, router};
use crate::access::{Peer, Share};
use crate::{Access, Limits, Problem, Service};

/// Where systems on other machines come in.
pub struct RemoteDoor {
    /// Bound already.
    pub listener: TcpListener,
    /// Asks for certificates, and sees that their keys are held.
    pub tls: Arc<dyn Tls>,
    /// Says whose they are.
    pub systems: Arc<dyn Systems>,
}

/// Who may come in.
pub trait Systems: Send + Sync + 'static {
    /// Which system shows these certificates (DER, its own first; none: it showed none), at this moment.
    /// Asked when it connects, and again while it stays.
    ///
    /// # Errors
    /// Why nobody comes in with them.
    fn know(&self, chain_der: &[Vec<u8>]) -> Result<Peer, Problem>;
}

/// What the connections of a door share.
struct Hall {
    tls: Arc<dyn Tls>,
    systems: Arc<dyn Systems>,
    router: Router,
    limits: Arc<Limits>,
    counts: Arc<Counts<Share>>,
    away: away::Away,
    stopping: watch::Receiver<bool>,
}

/// Serves a door until `shutdown` ends, as [`serve`](crate::serve) does a socket.
pub async fn serve_remote(
    door: RemoteDoor,
    access: Access,
    service: Arc<dyn Service>,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let RemoteDoor { listener, tls, systems } = door;
    let (stop, stopping) = watch::channel(false);
    let app = App::new(access, service, limits, stopping.clone());
    let limits = app.limits.clone();
    let away = away::Away::new(limits.connections_max);
    let (router, counts) = (router(app), Arc::default());
    let drain = Duration::from_millis(limits.drain_ms);
    let hall = Arc::new(Hall { tls, systems, router, limits, counts, away, stopping });
    let addresses: Arc<Counts<_>> = Arc::default();
    let each = |(tcp, address): (TcpStream, SocketAddr)| {
        let Limits { connections_max, connections_per_address_max, .. } = *hall.limits;
        let counted = addresses.enter(address.ip(), connections_max, connections_per_address_max);
        let Some(counted) = counted else {
            // Nothing can be said before a handshake, and that is the work to be spared.
            tracing::warn!(%address, "door: too many connections; one is closed");
            return None;
        };
        let hall = hall.clone();
        Some(async move {
            let _counted = counted;
            hall.receive(tcp, address).await;
        })
    };
    tram_door::accept(listener, "the door", drain, stop, shutdown, each).await;
}

impl Hall {
    async fn receive(&self, tcp: TcpStream, address: SocketAddr) {
        let longest = Duration::from_millis(self.limits.handshake_ms);
        match timeout(longest, speaks_plainly(&tcp)).await {
            Ok(false) => {}
            Ok(true) => {
                tracing::debug!(%address, "door: plain HTTP");
                let problem = Problem::bad_request(
                    "this door speaks HTTPS alone; write https:// and show a certificate",
                );
                away::answer(tcp, &away::words(&problem)).await;
                return;
            }
            Err(_) => {
                tracing::debug!(%address, "door: nothing came");
                return;
            }
        }
        let Session { stream, chain_der } = match secure(tcp, Some(&*self.tls), longest).await {
            Ok(session) => session,
            Err(error) => {
                tracing::debug!(%address, %error, "door: no TLS session");
                return;
            }
        };
        let peer = match self.systems.know(&chain_der) {
            Ok(peer) => peer,
            Err(problem) => {
                tracing::warn!(%address, code = %problem.code, detail = problem.detail, "door: not let in");
                self.away.turn(stream, &shut(problem));
                return;
            }
        };
        let Limits { connections_max, connections_per_caller_max, judge_again_ms, .. } =
            *self.limits;
        let own = self.counts.enter(peer.share(), connections_max, connections_per_caller_max);
        let Some(_own) = own else {
            self.away.turn(stream, &away::busy());
            return;
        };
        tracing::info!(target: "audit", %address, %peer, "door: let in");
        let (router, limits) = (self.router.clone(), self.limits.clone());
        let served = connection::serve(stream, peer.clone(), router, limits, self.stopping.clone());
        let no_more = async {
            loop {
                sleep(Duration::from_millis(judge_again_ms.max(1))).await;
                match self.systems.know(&chain_der) {
                    Ok(still) if still == peer => {}
                    Ok(_) => return "it is another system's now".to_owned(),
                    Err(problem) => return problem.to_string(),
                }
            }
        };
        tokio::select! {
            () = served => {}
            why = no_more => {
                tracing::warn!(%address, %peer, why, "door: its connection is cut");
            }
        }
    }
}

/// The problem of a certificate as the answer to a connection: it is the caller that is refused, not a
/// dispatch.
fn shut(problem: Problem) -> Problem {
    match problem.code {
        Code::RevocationUnknown => problem,
        _ => problem.with_http(StatusCode::FORBIDDEN),
    }
}

/// Whether the first octet is that of a method, not of a TLS record (22, RFC 8446 section 5.1). Waits for
/// it. Somebody who forgot the s of https is told, instead of seeing a connection that breaks.
async fn speaks_plainly(tcp: &TcpStream) -> bool {
    let mut first = [0];
    matches!(tcp.peek(&mut first).await, Ok(1)) && first[0].is_ascii_alphabetic()
}
