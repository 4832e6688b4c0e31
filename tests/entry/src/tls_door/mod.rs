//! The door for systems on other machines, live: TLS over loopback, and a node in memory behind it.

mod meddler;
mod place;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use crate::socket::{PATIENCE, TRIES_MAX, status};
use meddler::Change;
use place::Place;

/// Honest requests: one for so many inputs.
const INPUTS_PER_REQUEST: u64 = 16;
/// What an honest client submits, in the words of the node in memory.
const DISPATCH: &[u8] = b"H41.12|1|H41.12";

/// A request that submits it.
fn request() -> Vec<u8> {
    let head = format!(
        "POST /v1/dispatches HTTP/1.1\r\nHost: tram\r\nConnection: close\r\n\
         Content-Type: application/vnd.tram.dispatch+cbor\r\nContent-Length: {}\r\n\r\n",
        DISPATCH.len()
    );
    [head.as_bytes(), DISPATCH].concat()
}

/// The first byte says whose bytes the rest is: 0, anybody's on the bare port; 1, those of somebody on
/// the line of an honest client, who changes what it sends (as `Change` is read); 2, those of a client
/// without a certificate inside of its session; 3, those of a known system inside of its own. Nobody but
/// the last one says anything to the node; what is changed on the line comes as it was said or not at
/// all, and never twice; and honest requests between them are answered.
pub fn tls_door(data: &[u8]) {
    let Some((how, rest)) = data.split_first() else { return };
    let mut place = Place::get();
    match how % 4 {
        0 => bare(&place, rest),
        1 => meddled(&place, rest),
        2 => strange(&place, rest),
        _ => drop(status(&place.says(true, rest))),
    }
    place.left();
    place.inputs += 1;
    if place.inputs % INPUTS_PER_REQUEST == 1 {
        place.empty();
        // One that met the short limits of this door on a busy machine may be made again.
        let mut answer = Vec::new();
        let answered = (0..TRIES_MAX).any(|_| {
            answer = place.says(true, &request());
            status(&answer).is_some_and(|status| (200..300).contains(&status))
        });
        let answer = String::from_utf8_lossy(&answer);
        assert!(answered, "an honest request is not answered: {answer}");
        place.left();
    }
}

fn bare(place: &Place, bytes: &[u8]) {
    let before = place.state();
    let mut tcp = TcpStream::connect(place.address).expect("the door is open");
    tcp.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    tcp.set_write_timeout(Some(PATIENCE)).expect("a timeout");
    // It may close before it has read everything.
    let _ = tcp.write_all(bytes);
    let _ = tcp.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    if let Err(error) = tcp.read_to_end(&mut answer) {
        assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "neither an answer nor an end");
    }
    if answer.starts_with(b"HTTP") {
        assert_eq!(status(&answer), Some(400), "to one without TLS");
        assert!(bytes[0].is_ascii_alphabetic(), "HTTP to what is none");
    }
    place.left();
    assert_eq!(place.state(), before, "without TLS");
}

fn meddled(place: &Place, bytes: &[u8]) {
    place.empty();
    let (calls, _) = place.state();
    let answer = place.says_meddled(&request(), Change::read(bytes));
    status(&answer);
    place.left();
    let (after, items) = place.state();
    assert!(after <= calls + 1, "a request came twice");
    assert!(items.iter().all(|sealed| sealed == DISPATCH), "something else came: {items:?}");
}

fn strange(place: &Place, bytes: &[u8]) {
    let before = place.state();
    // Who has not ended its question is waited for; that it has ended here saves the time.
    let answer = place.says(false, &[bytes, b"\r\n\r\n"].concat());
    // What is left unread at the end of a connection may take the answer with it.
    if !answer.is_empty() || bytes.len() < 4096 {
        assert_eq!(status(&answer), Some(403), "to a stranger");
    }
    place.left();
    assert_eq!(place.state(), before, "without a certificate");
}

/// Inputs of each kind.
pub(crate) fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: tram\r\n\r\n").into_bytes();
    let of = |how: u8, rest: &[u8]| [&[how][..], rest].concat();
    let hello = Place::get().first_flight();
    let upload = format!(
        "PUT /v1/documents/{}?agency=H41&size=4&offset=0 HTTP/1.1\r\nHost: tram\r\n\
         Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
        "ab".repeat(32)
    );
    vec![
        ("bare-hello", of(0, &hello)),
        ("bare-http", of(0, &get("/v1/status"))),
        ("bare-alert", of(0, b"\x15\x03\x03\x00\x02\x02\x28")),
        ("bare-long", of(0, b"\x16\x03\x01\xff\xff\x01\x00\x40\x00")),
        ("line-bit", of(1, b"\x00\x40\x00\x01")),
        ("line-insert", of(1, b"\x02\x00\x01\x15\x03\x03\x00\x02\x01\x00")),
        ("line-lose", of(1, b"\x01\x00\x02abcd")),
        ("line-cut", of(1, b"\x05\x00\x03")),
        ("line-twice", of(1, b"\x00\x03\x04")),
        ("line-swap", of(1, b"\x00\x02\x05")),
        ("line-untouched", of(1, b"\x00\x00\x00\x00")),
        ("stranger", of(2, &request())),
        ("stranger-garbage", of(2, &[0xff; 64])),
        ("known", of(3, &request())),
        ("known-inbox", of(3, &get("/v1/agencies/H41/inbox?limit=5"))),
        ("known-two", of(3, &[get("/v1/status"), get("/khong-co")].concat())),
        ("known-upload", of(3, upload.as_bytes())),
        ("known-smuggle", of(3, b"POST /v1/dispatches HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /v1/log HTTP/1.1\r\nHost: x\r\n\r\n")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the node was told to accept something.
    fn reaches(name: &str) -> bool {
        let input = samples().into_iter().find(|(n, _)| *n == name).expect("a sample").1;
        let before = { Place::get().state().0 };
        // Not through the target: its own honest request would count.
        let place = Place::get();
        let (how, rest) = input.split_first().expect("a first byte");
        match how % 4 {
            0 => bare(&place, rest),
            1 => meddled(&place, rest),
            2 => strange(&place, rest),
            _ => drop(place.says(true, rest)),
        }
        place.left();
        place.state().0 > before
    }

    #[test]
    fn what_is_said_inside_reaches_the_node_and_what_is_changed_on_the_way_does_not() {
        assert!(reaches("known"), "the known system");
        assert!(reaches("line-untouched"), "nobody meddles");
        for name in ["bare-hello", "bare-http", "stranger", "line-bit", "line-lose", "line-cut"] {
            assert!(!reaches(name), "{name}");
        }
    }

    /// One place after the other, in the handshake and behind it: none gets another request in.
    #[test]
    fn no_place_on_the_line_can_be_changed() {
        for at in (0..1_600_u16).step_by(23) {
            let [high, low] = at.to_be_bytes();
            for kind in 0..4 {
                tls_door(&[1, high, low, kind, 0x01, 0x16, 0x03]);
            }
        }
        for piece in 0..8 {
            tls_door(&[1, 0, piece, 4]);
            tls_door(&[1, 0, piece, 5]);
        }
    }
}
