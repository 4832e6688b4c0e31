//! Requests that two readers could cut differently: one request stays one, or is none.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tram_api::{Access, Limits, Rule, Who};

use crate::fake::Fake;
use crate::harness::{Answer, Running, everything, read_all, running, start};

const SEALED: &str = "Content-Type: application/vnd.tram.dispatch+cbor\r\n";
/// What a reader that is led astray would take for a second request.
const SECOND: &str = "POST /v1/store/check HTTP/1.1\r\nHost: x\r\n\r\n";

/// Statuses of the answers in what came over one connection.
fn statuses(bytes: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(bytes);
    let starts = text.split("HTTP/1.1 ").skip(1);
    starts.map(|answer| answer[..3].parse().expect("a status")).collect()
}

async fn asked(node: &Running, headers: &str, body: &str) -> Vec<u8> {
    let request = format!("POST /v1/dispatches HTTP/1.1\r\nHost: x\r\n{SEALED}{headers}\r\n{body}");
    node.raw(request).await
}

#[tokio::test]
async fn a_head_that_says_its_length_in_two_ways_is_refused() {
    let node = running().await;
    for headers in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "content-length: 4\r\nX: y\r\nTRANSFER-ENCODING: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 4\r\nContent-Length: 4\r\n",
        "Content-Length: 0\r\nTransfer-Encoding:\tchunked\r\n",
    ] {
        let bytes = asked(&node, headers, &format!("0\r\n\r\n{SECOND}")).await;
        assert_eq!(statuses(&bytes), [400], "{headers:?}");
        let answer = Answer::parse(&bytes);
        assert_eq!(answer.code(), "BAD_REQUEST", "{headers:?}");
        assert_eq!(answer.header("connection").as_deref(), Some("close"), "{headers:?}");
    }
    // Behind a sound request on the same connection as well.
    let sound = "GET /v1/log HTTP/1.1\r\nHost: x\r\n\r\n";
    let doubled = "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n";
    let bytes = node
        .raw(format!("{sound}POST /v1/dispatches HTTP/1.1\r\n{SEALED}{doubled}\r\nabcd{SECOND}"))
        .await;
    assert_eq!(statuses(&bytes), [200, 400]);
    assert_eq!(node.fake.lock().items.len(), 0);
}

#[tokio::test]
async fn every_other_doubtful_spelling_is_refused() {
    let node = running().await;
    for headers in [
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: +4\r\n",
        "Content-Length: 0x4\r\n",
        "Content-Length: 4, 5\r\n",
        "Content-Length: 4 5\r\n",
        "Content-Length:\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Content-Length : 4\r\n",
        " Content-Length: 4\r\n",
        "Content-Length: 4\r\n X: folded\r\n",
        "X: a\r\n b: folded\r\n",
        "X: a\r\n\tContent-Length: 4\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding\u{b}: chunked\r\n",
        "X: a\rContent-Length: 4\r\n",
        "X: a\nContent-Length: 4\r\n",
        "X: a\0b\r\n",
        "X\0: a\r\n",
        ": nothing\r\n",
        "no colon\r\n",
    ] {
        let bytes = asked(&node, headers, &format!("abcd{SECOND}")).await;
        assert_eq!(statuses(&bytes), [400], "{headers:?}: {}", String::from_utf8_lossy(&bytes));
    }
    let old = format!("POST /v1/dispatches HTTP/1.0\r\n{SEALED}Transfer-Encoding: chunked\r\n\r\n");
    assert_eq!(statuses(&node.raw(old).await), [400]);
    let bare = "GET /v1/log HTTP/1.1\nHost: x\n\n";
    assert_eq!(statuses(&node.raw(format!("{bare}{bare}")).await), [400]);
    assert_eq!(node.fake.lock().items.len(), 0);
}

#[tokio::test]
async fn broken_chunks_end_the_connection_and_extensions_carry_nothing() {
    let node = running().await;
    let chunked = "Transfer-Encoding: chunked\r\n";
    for body in [
        "x\r\nab\r\n0\r\n\r\n",
        "-2\r\nab\r\n0\r\n\r\n",
        "2\r\nabcd\r\n0\r\n\r\n",
        "2\nab\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\nab\r\n0\r\n\r\n",
        "2\r\nab0\r\n\r\n",
    ] {
        let bytes = asked(&node, chunked, &format!("{body}{SECOND}")).await;
        assert_eq!(statuses(&bytes), [400], "{body:?}: {}", String::from_utf8_lossy(&bytes));
    }
    // Extensions are passed over, and the request behind the body is a request of its own.
    let body = "8;Content-Length=4;x=\"y\"\r\nH41|1|H4\r\n4\r\n1.12\r\n0\r\nTrailer: x\r\n\r\n";
    let next = "GET /v1/log HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let bytes = asked(&node, chunked, &format!("{body}{next}")).await;
    assert_eq!(statuses(&bytes), [201, 200], "{}", String::from_utf8_lossy(&bytes));
    let long = format!("2;x={}\r\nab\r\n0\r\n\r\n", "y".repeat(64 << 10));
    assert_eq!(statuses(&asked(&node, chunked, &long).await), [400]);
}

#[tokio::test]
async fn garbage_behind_a_request_is_no_request() {
    let node = running().await;
    let sound = "GET /v1/log HTTP/1.1\r\nHost: x\r\n\r\n";
    for garbage in ["\u{16}\u{3}\u{1}\r\n\r\n", "abcd\r\n\r\n", "GET\r\n\r\n", "\0\0\0\0\r\n\r\n"] {
        let bytes = node.raw(format!("{sound}{garbage}{sound}")).await;
        assert_eq!(statuses(&bytes), [200, 400], "{garbage:?}");
    }
    // A body that is longer than it says: the rest is garbage where a head should be.
    let bytes = asked(&node, "Content-Length: 12\r\n", "H41|1|H41.12{\"x\":1}\r\n\r\n").await;
    assert_eq!(statuses(&bytes), [201, 400]);
}

#[tokio::test]
async fn five_hundred_idle_clients_of_one_user_leave_the_others_served() {
    let home = tempfile::tempdir().unwrap();
    let uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(home.path()).unwrap());
    let limits =
        Limits { connections_max: 256, connections_per_caller_max: 192, ..Limits::default() };
    let node = start(Fake::default(), everything(), limits).await;
    let mut idle = Vec::new();
    for _ in 0..500 {
        idle.push(node.connect().await);
    }
    // Those that are over the share of their user were told so at once, and nobody waits for them.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let mut turned_away = 0;
    for stream in &mut idle {
        let mut first = [0; 12];
        let read = stream.read_exact(&mut first);
        match tokio::time::timeout(Duration::from_millis(1), read).await {
            Ok(Ok(_)) => {
                assert_eq!(&first, b"HTTP/1.1 503");
                turned_away += 1;
            }
            Ok(Err(error)) => panic!("closed without a word: {error}"),
            Err(_) => {}
        }
    }
    assert_eq!(turned_away, 500 - 192, "of user {uid}");
    // One of the first that asks at last is served.
    idle[0]
        .write_all(b"GET /v1/log HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(statuses(&read_all(&mut idle[0]).await), [200]);
}

/// Asks as another system user, by a program of its own: its status, or nothing if it cannot even
/// connect.
fn as_user(uid: u32, socket: &std::path::Path) -> Option<u16> {
    use std::os::unix::process::CommandExt as _;
    let script = "import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n\
                  s.sendall(b'GET /v1/log HTTP/1.1\\r\\nHost: x\\r\\nX-Uid: 0\\r\\n\
                  Connection: close\\r\\n\\r\\n')\nprint(s.recv(12).decode()[9:])";
    let mut command = std::process::Command::new("python3");
    command.args(["-c", script]).arg(socket).uid(uid).gid(uid);
    let said = command.output().expect("python3 runs");
    String::from_utf8_lossy(&said.stdout).trim().parse().ok()
}

#[tokio::test]
#[ignore = "needs root and python3"]
#[allow(clippy::print_stdout, reason = "says what was left out")]
async fn needs_root_other_users_are_who_the_kernel_says() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    const NOBODY: u32 = 65_534;
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        println!("######## SKIPPED: other users on the local socket: only root can be them");
        return;
    }
    let audit = |who| Rule {
        who,
        agencies: tram_api::Agencies::All,
        roles: [tram_api::Role::Audit].into(),
    };
    let node =
        start(Fake::default(), Access::new(vec![audit(Who::Uid(0))]), Limits::default()).await;
    let (socket, directory) = (node.path.clone(), node.path.parent().unwrap().to_owned());
    let ask = move |uid| {
        let socket = socket.clone();
        tokio::task::spawn_blocking(move || as_user(uid, &socket))
    };
    assert_eq!(ask(0).await.unwrap(), Some(200));
    // The directory keeps others out, whatever the socket's own mode.
    assert_eq!(ask(NOBODY).await.unwrap(), None);
    // Where they may reach it, they are who they are, and no header changes it.
    let home = directory.parent().unwrap().to_owned();
    for (path, mode) in [(&home, 0o755), (&directory, 0o755), (&node.path, 0o666)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    assert_eq!(ask(NOBODY).await.unwrap(), Some(403));
    assert_eq!(ask(0).await.unwrap(), Some(200));
}
