//! The local socket: a running server with a node in memory behind it.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tram_api::{Access, Agencies, Limits, Role, Rule, Socket, SocketOptions, Who};

use crate::service::Fake;

/// Longest wait for an answer: a server that does not answer or close is a fault.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// An answer that pauses for so long is an open event stream, or all there is.
pub(crate) const PAUSE: Duration = Duration::from_millis(250);
/// How often a whole request is made before it counts as not answered.
pub(crate) const TRIES_MAX: usize = 5;

/// Times so short that an unfinished request costs little.
fn limits() -> Limits {
    Limits { header_ms: 20, body_idle_ms: 20, body_grace_ms: 20, drain_ms: 20, ..Limits::default() }
}

/// The path of the server's socket; the server lives as long as the process.
fn server() -> &'static PathBuf {
    static SERVER: OnceLock<PathBuf> = OnceLock::new();
    SERVER.get_or_init(|| {
        let home = tempfile::tempdir().expect("a folder");
        let path = home.path().join("run/api.sock");
        let (ready, started) = std::sync::mpsc::sync_channel(1);
        let at = path.clone();
        std::thread::spawn(move || {
            let _home = home;
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio");
            runtime.block_on(async {
                let socket = Socket::bind(&SocketOptions::at(&at)).await.expect("a socket");
                ready.send(()).expect("somebody waits for this");
                let roles = Role::ALL.iter().copied().collect();
                let rule = Rule { who: Who::Any, agencies: Agencies::All, roles };
                let access = Access::new(vec![rule]);
                let never = std::future::pending::<()>();
                tram_api::serve(socket, access, Arc::new(Fake::default()), limits(), never).await;
            });
        });
        started.recv().expect("the server starts");
        path
    })
}

/// Sends the bytes on a connection of their own and gives all that came back.
fn exchange(bytes: &[u8]) -> Vec<u8> {
    let stream = UnixStream::connect(server()).expect("the server is there");
    stream.set_read_timeout(Some(PAUSE)).expect("a timeout");
    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
    said_to(stream, bytes)
}

/// All that a server says to these bytes, on a connection that waits no longer than [`PAUSE`] for more.
pub(crate) fn said_to(mut stream: impl Read + Write, bytes: &[u8]) -> Vec<u8> {
    // It may answer and close before it has read everything.
    let _ = stream.write_all(bytes);
    let began = Instant::now();
    // A question that asks the server to wait.
    let waits = bytes.windows(4).any(|word| word == b"wait");
    let mut answer = Vec::new();
    let mut piece = [0; 16 << 10];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return answer,
            Ok(read) => answer.extend_from_slice(&piece[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                if waits || !answer.is_empty() {
                    return answer;
                }
                assert!(began.elapsed() < PATIENCE, "neither an answer nor an end");
            }
            Err(_) => return answer,
        }
        assert!(answer.len() < 64 << 20, "an answer without end");
    }
}

/// The status of the first answer, after checking its head; `None` where there was none.
pub(crate) fn status(answer: &[u8]) -> Option<u16> {
    if answer.is_empty() {
        return None;
    }
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("a whole head");
    let head = std::str::from_utf8(&answer[..end]).expect("a head is text");
    let plain = head.split("\r\n").all(|l| l.bytes().all(|b| (0x20..0x7f).contains(&b)));
    assert!(plain, "a head with something else than plain lines: {head:?}");
    // Who asks in the words of HTTP/1.0 is answered in them.
    let rest = head.strip_prefix("HTTP/1.1 ").or_else(|| head.strip_prefix("HTTP/1.0 "));
    let status = rest.and_then(|rest| rest.get(..3)?.parse().ok());
    let status = status.unwrap_or_else(|| panic!("not a status line: {head:?}"));
    assert!((100..600).contains(&status) && status != 500, "{head:?}");
    Some(status)
}

/// Bytes as they come over the socket: requests, parts of them, or neither.
pub fn http(data: &[u8]) {
    status(&exchange(data));
}

/// The routes that take JSON.
const ROUTES: &[&str] = &[
    "/v1/dispatches",
    "/v1/agencies/H41/inbox/{id}/confirm",
    "/v1/agencies/H41/inbox/{id}/register",
    "/v1/agencies/H41/inbox/{id}/refuse",
    "/v1/queue/{id}/H41/hold",
    "/v1/queue/{id}/H41/release",
    "/v1/queue/{id}/H41/retry",
    "/v1/queue/{id}/H41/drop",
    "/v1/agencies/H41/inbox/{id}/status",
    "/v1/agencies/H41/inbox/{id}/forward",
    "/v1/agencies/H41/units/P1/inbox/{id}/mark",
    "/v1/agencies/H41/series/1/5/void",
    "/v1/log/anchor",
];

/// A body of JSON; the first byte says to which route it goes. What is not JSON is refused; no body
/// at all counts as an empty object.
pub fn json(data: &[u8]) {
    let Some((route, body)) = data.split_first() else { return };
    let route = ROUTES[usize::from(*route) % ROUTES.len()].replace("{id}", &"ab".repeat(32));
    let mut request = format!(
        "POST {route} HTTP/1.1\r\nHost: tram\r\nConnection: close\r\n\
         Content-Type: application/json\r\nIdempotency-Key: 1/BC\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    // On a busy machine even a whole request can come later than the limits above allow.
    let mut answers = (0..TRIES_MAX).map(|_| exchange(&request));
    let answer = answers.find(|answer| !answer.is_empty()).expect("a whole request is answered");
    let status = status(&answer).expect("an answer has a status");
    let is_json = serde_json::from_slice::<serde_json::Value>(body).is_ok();
    assert!(
        is_json || body.trim_ascii().is_empty() || (400..500).contains(&status),
        "{status} to what is not JSON"
    );
}
