//! The endpoint of the national axis, live: a running door with a node in memory behind it.

use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use serde_json::Value;
use tram_axis::{DocId, Limits, unpadded};
use tram_crypto::{hmac_sha256, sha256};
use tram_dispatch::DispatchId;
use tram_dispatch::id::hex;
use tram_dispatch::text::is_plain;

use crate::socket::{PATIENCE, PAUSE, said_to, status};

#[path = "../../../crates/axis/tests/door/client.rs"]
#[allow(
    dead_code,
    reason = "the node in memory comes from the suite of the endpoint, with its client"
)]
mod client;
#[path = "../../../crates/axis/tests/door/memory.rs"]
#[allow(
    dead_code,
    reason = "a node for tests, shared with the suite of the endpoint, which uses more of it"
)]
mod memory;

use memory::{Memory, SECRET, SYSTEM};

/// Documents that lie in the node.
const DOCUMENTS: u8 = 3;
/// Most files that the node in memory holds before it is emptied.
const FILES_MAX: usize = 64;
/// What a refusal says when a handler panicked.
const BROKE: &[u8] = b"the node failed on this request";

/// Times so short that an unfinished request costs little, and small files.
fn limits() -> Limits {
    Limits {
        head_ms: 20,
        body_idle_ms: 20,
        body_grace_ms: 20,
        drain_ms: 20,
        file_bytes_max: 1 << 20,
        ..Limits::default()
    }
}

/// The door: it lives as long as the process.
struct Place {
    address: SocketAddr,
    node: Arc<Memory>,
}

impl Place {
    fn get() -> &'static Place {
        static PLACE: OnceLock<Place> = OnceLock::new();
        PLACE.get_or_init(|| {
            let (ready, started) = std::sync::mpsc::sync_channel(1);
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("tokio").block_on(async {
                    let running = memory::running(limits()).await;
                    (1..=DOCUMENTS).for_each(|n| _ = running.holds(n, &[n; 1000]));
                    let place = Place { address: running.address, node: running.node.clone() };
                    ready.send(place).expect("somebody waits for this");
                    std::future::pending::<()>().await;
                });
            });
            started.recv().expect("the door opens")
        })
    }

    /// All that the door says to these bytes.
    fn says(&self, bytes: &[u8]) -> Vec<u8> {
        let stream = TcpStream::connect(self.address).expect("the door is open");
        stream.set_read_timeout(Some(PAUSE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        said_to(stream, bytes)
    }

    /// Files sent, and what was said of each that lies there.
    fn state(&self) -> (usize, String) {
        let files = self.node.files.lock().expect("no test holds it");
        let said: Vec<_> = files.iter().map(|(id, (_, said))| (*id, *said)).collect();
        (self.node.sendings.load(Ordering::SeqCst), format!("{said:?}"))
    }

    fn empty(&self) {
        let mut files = self.node.files.lock().expect("no test holds it");
        if files.len() > FILES_MAX {
            let held =
                |id: &DocId| (1..=DOCUMENTS).any(|n| *id == DocId::sent(DispatchId([n; 32])));
            files.retain(|id, _| held(id));
        }
    }
}

/// The first byte says how the rest comes: 0, as it is; else as a path, a line break, the text that the
/// account signs, a line break, and a body: with the HMAC of the text (1), or with one that is not (2).
/// `HASH` in the text stands for the hash of the body. Every whole request is answered as clients read
/// answers; without the key nothing is changed.
pub fn axis_http(data: &[u8]) {
    let Some((how, rest)) = data.split_first() else { return };
    let place = Place::get();
    place.empty();
    if how % 3 == 0 {
        answered(&place.says(rest));
        return;
    }
    let mut parts = rest.splitn(3, |b| *b == b'\n');
    let mut part = || parts.next().unwrap_or_default();
    let (path, text, body) = (part(), part(), part());
    let text = String::from_utf8_lossy(text).replace("HASH", &unpadded(&sha256(body)));
    let mut tag = hmac_sha256(SECRET.as_bytes(), text.as_bytes());
    let forged = how % 3 == 2;
    if forged {
        tag[body.len() % 32] ^= 1;
    }
    let method = if path.ends_with(b"downloadEdoc") { "GET" } else { "POST" };
    let head = format!(
        " HTTP/1.1\r\nHost: h\r\nXroadVnpt-systemid: {SYSTEM}\r\nXroadVnpt-sign-header: {text}\r\n\
         XroadVnpt-hash-header: {}\r\nContent-Length: {}\r\n\r\n",
        hex(&tag),
        body.len()
    );
    let before = place.state();
    let answer = place.says(&[method.as_bytes(), b" ", path, head.as_bytes(), body].concat());
    answered(&answer);
    if forged {
        assert_eq!(place.state(), before, "without the key");
    }
}

/// Checks an answer, where there is one.
fn answered(answer: &[u8]) {
    let answer = answer.strip_prefix(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(answer);
    assert!(!answer.windows(BROKE.len()).any(|part| part == BROKE), "a handler panicked");
    if status(answer).is_none() {
        return;
    }
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("a whole head");
    let (head, body) =
        (String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase(), &answer[end + 4..]);
    let length = head.lines().find_map(|l| l.strip_prefix("content-length: "));
    let whole = length.and_then(|l| l.parse().ok()) == Some(body.len());
    if !whole || !head.contains("content-type: application/json") {
        return;
    }
    assert!(body.is_ascii(), "one of the client's two ways of reading takes nothing else");
    let value: Value = serde_json::from_slice(body).expect("JSON");
    let said = |name: &str| value[name].as_str().unwrap_or_else(|| panic!("{name}: {value}"));
    assert_eq!(said("status"), if said("ErrorCode") == "0" { "OK" } else { "FAIL" });
    assert!(is_plain(said("ErrorDesc")), "{value}");
}

/// Calls of each kind, signed and not.
pub(crate) fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let id = DocId::sent(DispatchId([1; 32])).to_string();
    let call = |how: u8, path: &str, more: &str, body: &str| {
        let text = format!(
            "{{\"XroadVnpt-systemid\":\"{SYSTEM}\",\"XroadVnpt-timestamp\":\"21112026T212503+0999\"{more}}}"
        );
        [&[how][..], format!("{path}\n{text}\n{body}").as_bytes()].concat()
    };
    let send = format!(
        ",\"XroadVnpt-servicetype\":\"eDoc\",\"XroadVnpt-messagetype\":\"edoc\",\
         \"XroadVnpt-hash-file\":\"HASH\",\"XroadVnpt-from\":\"{SYSTEM}\",\"XroadVnpt-to\":\"[\\\"000.00.31.H99\\\"]\""
    );
    let one = format!(",\"XroadVnpt-docId\":\"{id}\"");
    let update = format!("{one},\"XroadVnpt-docid\":\"{id}\",\"XroadVnpt-status\":\"done\"");
    let list = ",\"XroadVnpt-messagetype\":\"edoc\",\"XroadVnpt-pageSize\":\"5\"";
    let agency = r#"{"id":"","pcode":"H99","code":"H99.12","name":"Sở Mẫu","mail":""}"#;
    let code = ",\"XroadVnpt-AgencyCode\":\"H78\"";
    vec![
        ("send", call(1, "/sendEdoc", &send, "<edXML/>")),
        ("forged", call(2, "/sendEdoc", &send, "<edXML/>")),
        ("list", call(1, "/getReceivedEdocList", list, "")),
        ("get", call(1, "/getEdoc", &one, "{}")),
        ("download", call(1, "/downloadEdoc", &one, "")),
        ("update", call(1, "//updateStatus", &update, "{}")),
        ("update-forged", call(2, "/updateStatus", &update, "{}")),
        ("sent", call(1, "/getSentEdocList", list, "")),
        ("count", call(1, "/countReceiveEdoc", "", "{}")),
        ("units", call(1, "/getSynchronizeUnit", "", "")),
        ("register", call(1, "/registerAgency", "", agency)),
        ("delete", call(1, "/deleteAgency", code, "{}")),
        ("raw", b"\0POST /sendEdoc HTTP/1.1\r\nHost: h\r\nXroadVnpt-systemid: x\r\nXroadVnpt-sign-header: {}\r\nXroadVnpt-hash-header: 00\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n".to_vec()),
        ("expects", b"\0POST /getEdoc HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}".to_vec()),
        ("twice", b"\0GET /x HTTP/1.1\r\nHost: h\r\n\r\nGET /countReceiveEdoc HTTP/1.1\r\nHost: h\r\n\r\n".to_vec()),
    ]
}

#[test]
fn the_samples_reach_the_node_and_those_without_the_key_do_not() {
    let of = |wanted: &str| {
        let all = samples();
        all.into_iter().find(|(name, _)| *name == wanted).expect("a sample").1
    };
    let place = Place::get();
    let changes = |name: &str| {
        let before = place.state();
        axis_http(&of(name));
        place.state() != before
    };
    assert!(!changes("forged") && changes("send"), "a file is sent with the key alone");
    assert!(!changes("update-forged") && changes("update"), "and so is what is said of one");
    assert!(!changes("raw") && !changes("list"));
}
