//! Users of the machine who abuse the local socket. They are another user than the honest one where the
//! tests run as root; otherwise the same, who has three quarters of the connections.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::target::{Target, Watch, as_somebody_else};

/// Connections that are tried at a time; more than one user may have.
const CONNECTIONS: usize = 200;
/// Pause between two rounds over all of them.
const ROUND: Duration = Duration::from_millis(100);

/// What a connection is sent first, and then again and again.
struct Words {
    first: Vec<u8>,
    then: Vec<u8>,
}

/// Keeps as many connections busy as it is let; one that ends is opened again.
fn keep(target: &Target, watch: &Watch, most: usize, words: &Words) {
    as_somebody_else();
    let mut open: Vec<(UnixStream, usize)> = Vec::new();
    while watch.goes_on() {
        let mut tried = 0;
        while open.len() < most && tried < 50 && watch.goes_on() {
            tried += 1;
            let Ok(stream) = UnixStream::connect(&target.socket) else { break };
            stream.set_nonblocking(true).expect("a socket");
            watch.did(1);
            open.push((stream, 0));
        }
        open.retain_mut(|(stream, sent)| say(watch, stream, sent, words));
        std::thread::sleep(ROUND);
    }
}

/// Goes on with one connection; false when it is over.
fn say(watch: &Watch, stream: &mut UnixStream, sent: &mut usize, words: &Words) -> bool {
    // Refusals are read, so that it is seen when the node closes; answers to the first request are not.
    let mut piece = [0; 64];
    if words.then.is_empty() && *sent >= words.first.len() {
        return !matches!(stream.read(&mut piece), Ok(0));
    }
    let rest = match words.first.get(*sent..) {
        Some(rest) if !rest.is_empty() => rest,
        _ => &words.then,
    };
    match stream.write(rest) {
        Ok(n) => {
            *sent += n;
            watch.did(1);
            true
        }
        Err(e) => e.kind() == ErrorKind::WouldBlock,
    }
}

/// Connections that ask nothing.
pub(crate) fn idle(target: &Target, watch: &Watch, _: usize) {
    keep(target, watch, CONNECTIONS, &Words { first: Vec::new(), then: Vec::new() });
}

/// Heads of requests, octet by octet.
pub(crate) fn slow_heads(target: &Target, watch: &Watch, _: usize) {
    let first = b"GET /v1/log HTTP/1.1\r\nHost: x\r\nX: ".to_vec();
    keep(target, watch, CONNECTIONS, &Words { first, then: b"x".to_vec() });
}

fn post(length: &str) -> Vec<u8> {
    format!(
        "POST /v1/dispatches HTTP/1.1\r\nHost: x\r\n\
         Content-Type: application/vnd.tram.submission\r\n{length}\r\n\r\n"
    )
    .into_bytes()
}

/// Bodies of the greatest length, each some octets at a time.
pub(crate) fn slow_bodies(target: &Target, watch: &Watch, _: usize) {
    let first = post("Content-Length: 5000000");
    keep(target, watch, CONNECTIONS, &Words { first, then: vec![b'x'; 128] });
}

/// Bodies of the greatest length, as fast as they are taken.
pub(crate) fn large_bodies(target: &Target, watch: &Watch, _: usize) {
    let first = post("Content-Length: 5000000");
    keep(target, watch, CONNECTIONS, &Words { first, then: vec![b'x'; 200 << 10] });
}

/// Bodies without end or of absurd length.
pub(crate) fn huge_bodies(target: &Target, watch: &Watch, nth: usize) {
    let length = ["Content-Length: 9999999999999", "Transfer-Encoding: chunked"][nth % 2];
    let mut then = b"10000\r\n".to_vec();
    then.resize(65_536 + 7, b'x');
    then.extend_from_slice(b"\r\n");
    keep(target, watch, CONNECTIONS / 2, &Words { first: post(length), then });
}

/// Long answers, asked for many times on each connection and never read.
pub(crate) fn unread(target: &Target, watch: &Watch, _: usize) {
    let ask = "GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n\
               GET /v1/receipts?limit=500 HTTP/1.1\r\nHost: x\r\n\r\n";
    let words = Words { first: Vec::new(), then: ask.as_bytes().to_vec() };
    keep(target, watch, CONNECTIONS, &words);
}
