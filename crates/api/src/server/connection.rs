//! One connection of whoever it is: HTTP/1.1 with its limits.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::CONNECTION;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tokio::sync::watch;
use tram_door::{Duplex, HttpLimits, Watched};

use super::drain::Drained;
use super::heads::{Heads, Refused};
use crate::access::Peer;
use crate::limits::HEADERS_MAX;
use crate::{Limits, Problem};

/// Serves one connection until it ends, or until the node stops and the request under way is
/// answered.
pub(super) async fn serve(
    stream: impl Duplex,
    peer: Peer,
    router: Router,
    limits: Arc<Limits>,
    stopping: watch::Receiver<bool>,
) {
    let inner = TowerToHyperService::new(router);
    let refused = Refused::new();
    let (odd, caller) = (refused.clone(), peer.clone());
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        let answer = if odd.next() {
            // What is left of its body is nobody's.
            drop(Drained::new(Body::new(request.into_body())));
            Err(odd_head())
        } else {
            request.extensions_mut().insert(caller.clone());
            Ok(inner.call(request))
        };
        async move {
            match answer {
                Ok(answer) => answer.await,
                Err(refusal) => Ok(refusal),
            }
        }
    });
    let http = HttpLimits {
        head_ms: limits.header_ms,
        head_bytes_max: limits.header_bytes_max,
        headers_max: HEADERS_MAX,
        write_idle_ms: limits.write_idle_ms,
        keep_alive: true,
    };
    let stream = Watched::new(stream, Heads::new(refused));
    let ended = tram_door::http(stream, service, &http, stopping).await;
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "connection ended");
    }
}

/// The answer to a head that could be read in two ways.
fn odd_head() -> Response {
    let text = "the head can be read in two ways: one Content-Length or one Transfer-Encoding, never \
                both, and lines end with CR LF";
    let mut answer = Problem::bad_request(text).into_response();
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}
