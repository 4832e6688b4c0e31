//! Sessions dialled and accepted.

use std::sync::Arc;
use std::time::Duration;

use tram_dispatch::NodeId;
use tram_transport::{Opened, PeerName, Session};

use super::{Process, lock, session};

/// First pause before dialling again; doubles up to the maximum, with jitter.
const DIAL_MS_MIN: u64 = 250;
const DIAL_MS_MAX: u64 = 30_000;

enum Dialled {
    /// The peer has a session with us already.
    Already(Session),
    New(Box<Opened>),
}

/// Keeps a session with one configured peer: dials whenever there is none, whoever dialled it.
pub(super) async fn for_ever(process: Arc<Process>, peer: NodeId) {
    let mut pause_ms = DIAL_MS_MIN;
    loop {
        match dial(&process, &peer).await {
            Ok(Dialled::Already(session)) => {
                session.closed().await;
            }
            Ok(Dialled::New(opened)) => {
                // One that the hello ended will most likely end so again.
                if run_session(&process, *opened).await {
                    pause_ms = DIAL_MS_MIN;
                }
            }
            Err(e) => process.note(|| format!("cannot reach {peer}: {e}")),
        }
        let jitter = pause_ms / 2;
        let wait_ms = pause_ms - jitter + lock(&process.dice).below(2 * jitter + 1);
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        pause_ms = (pause_ms * 2).min(DIAL_MS_MAX);
    }
}

/// Runs the sessions that others dial.
pub(super) async fn listen(process: Arc<Process>) {
    while let Some(opened) = process.endpoint.accept().await {
        let one = process.clone();
        process.spawn(async move {
            run_session(&one, opened).await;
        });
    }
}

async fn dial(process: &Process, peer: &NodeId) -> Result<Dialled, String> {
    if let Some(session) = process.session(peer) {
        return Ok(Dialled::Already(session));
    }
    lock(&process.busy.dialled_ms).push(process.core.clock().now().mono_ms);
    let address = process.country.member(peer).addr;
    let expected = PeerName::new(peer.as_str());
    let opened = process.endpoint.connect(address, &peer.certificate_name(), &expected).await;
    opened.map(|o| Dialled::New(Box::new(o))).map_err(|e| format!("{}: {e}", e.code()))
}

/// Runs a session to its end; true if it was ever up.
async fn run_session(process: &Arc<Process>, opened: Opened) -> bool {
    let Ok(peer) = opened.session.peer().as_str().parse::<NodeId>() else { return false };
    let (reason, up) = session::run(process.clone(), peer.clone(), opened).await;
    process.note(|| format!("session with {peer} ended: {reason}"));
    up
}
