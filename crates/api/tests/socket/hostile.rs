//! Clients that are broken, slow, greedy or malicious.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::Instant;
use tram_api::Limits;
use tram_api::model::InboxQuery;
use tram_dispatch::Code;

use crate::fake::Fake;
use crate::harness::{Answer, Running, agency, everything, read_all, running, start};

const SEALED: &str = "Content-Type: application/vnd.tram.dispatch+cbor\r\n";

fn quick() -> Limits {
    Limits {
        header_ms: 150,
        body_idle_ms: 150,
        body_grace_ms: 100,
        body_rate_min_bytes_per_s: 1 << 20,
        write_idle_ms: 150,
        drain_ms: 200,
        ..Limits::default()
    }
}

/// Number of answers in what came over one connection.
fn answers(bytes: &[u8]) -> usize {
    bytes.windows(9).filter(|w| w == b"HTTP/1.1 ").count()
}

#[tokio::test]
async fn garbage_and_giant_heads_are_refused() {
    let node = running().await;
    for garbage in ["\u{16}\u{3}\u{1} tls\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"] {
        assert_eq!(Answer::parse(&node.raw(garbage).await).status, 400, "{garbage:?}");
    }
    let giant = format!("GET /v1/log HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(200 << 10));
    let answer = Answer::parse(&node.raw(giant).await);
    assert_eq!(answer.status, 431);
    let many = (0..100).map(|i| format!("X{i}: y\r\n")).collect::<String>();
    let answer = Answer::parse(&node.raw(format!("GET /v1/log HTTP/1.1\r\n{many}\r\n")).await);
    assert_eq!(answer.status, 431);
    let long = format!("/v1/{}", "x".repeat(100 << 10));
    let bytes = node.raw(format!("GET {long} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
    assert!([414, 431].contains(&Answer::parse(&bytes).status));
}

#[tokio::test]
async fn slow_heads_idle_connections_and_stalled_bodies_are_given_up() {
    let node = start(Fake::default(), everything(), quick()).await;
    let begun = Instant::now();
    assert!(answers(&node.raw("GET /v1/log HT").await) <= 1);
    let idle = node.raw("GET /v1/log HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(Answer::parse(&idle).status, 200, "answered, then closed for being idle");
    let head =
        format!("POST /v1/dispatches HTTP/1.1\r\nHost: x\r\n{SEALED}Content-Length: 100\r\n\r\n");
    let stalled = Answer::parse(&node.raw(format!("{head}abc")).await);
    assert_eq!((stalled.status, stalled.code().as_str()), (408, "BAD_REQUEST"));
    assert!(stalled.detail().contains("stalled"));

    // One byte now and then keeps under the idle limit, but not above the minimum rate.
    let mut stream = node.connect().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut drip = true;
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while drip {
        tokio::select! {
            read = stream.read(&mut piece) => {
                let n = read.unwrap_or(0);
                answer.extend_from_slice(&piece[..n]);
                drip = n == 0 && answer.is_empty();
            }
            () = tokio::time::sleep(Duration::from_millis(20)) => {
                let _ = stream.write_all(b"x").await;
            }
        }
    }
    answer.extend(read_all(&mut stream).await);
    assert!(Answer::parse(&answer).detail().contains("minimum rate"));
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_client_that_stops_reading_is_given_up() {
    let fake = Fake { document_bytes: 64 << 20, ..Fake::default() };
    let node = start(fake, everything(), quick()).await;
    let id = node.submit("H41|1|H41.12").await.dispatch;
    let mut stream = node.connect().await;
    let target = format!("/v1/agencies/H41.12/inbox/{id}/documents/{}", "a".repeat(64));
    stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(600)).await;
    let got = read_all(&mut stream).await;
    assert!(got.len() < 8 << 20, "{} bytes were waiting", got.len());
}

#[tokio::test]
async fn bodies_where_none_belong_and_bodies_over_the_limit() {
    let node = running().await;
    let answer = node.ask("GET", "/v1/log", "", b"surprise").await;
    assert_eq!(answer.code(), "BAD_REQUEST");
    let chunked = "GET /v1/log HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    assert_eq!(Answer::parse(&node.raw(chunked).await).code(), "BAD_REQUEST");

    // Announced too large: refused without being read.
    let head = format!(
        "POST /v1/dispatches HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{SEALED}Content-Length: 99999999\r\n\r\n"
    );
    assert_eq!(Answer::parse(&node.raw(head).await).code(), "TOO_LARGE");
    // Not announced: refused once it is over.
    let mut endless = format!(
        "POST /v1/dispatches HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{SEALED}Transfer-Encoding: chunked\r\n\r\n"
    )
    .into_bytes();
    for _ in 0..20 {
        endless.extend(b"10000\r\n");
        endless.extend(vec![b'x'; 65536]);
        endless.extend(b"\r\n");
    }
    assert_eq!(Answer::parse(&node.raw(endless).await).code(), "TOO_LARGE");
    assert_eq!(node.fake.lock().calls, 0);
}

#[tokio::test]
async fn connections_requests_and_memory_are_bounded() {
    let limits = Limits {
        connections_per_caller_max: 3,
        waits_max: 1,
        body_memory_bytes_max: 16 << 10,
        ..Limits::default()
    };
    let node = start(Fake::default(), everything(), limits).await;
    let large = vec![b'x'; 40 << 10];
    let answer = node.ask("POST", "/v1/dispatches", SEALED, &large).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "BUSY"));

    let client = node.client();
    let query = InboxQuery { wait_s: Some(30), ..InboxQuery::default() };
    let code = agency("H41");
    let waiting = client.inbox(&code, &query);
    let mut waiting = std::pin::pin!(waiting);
    let second = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        node.get("/v1/agencies/H41/inbox?wait_s=30").await
    };
    let answer = tokio::select! {
        _ = waiting.as_mut() => panic!("nothing to wake it"),
        answer = second => answer,
    };
    assert_eq!(answer.code(), "BUSY");
    assert_eq!(answer.header("retry-after").as_deref(), Some("1"));

    let _held = [node.connect().await, node.connect().await];
    tokio::time::sleep(Duration::from_millis(50)).await;
    // Whoever asks is answered, and whoever only connects as well.
    for asked in ["GET /v1/log HTTP/1.1\r\nHost: x\r\n\r\n", "GET /v1/log HT", ""] {
        let turned_away = Answer::parse(&node.raw(asked).await);
        assert_eq!((turned_away.status, turned_away.code().as_str()), (503, "BUSY"), "{asked}");
        assert_eq!(turned_away.header("retry-after").as_deref(), Some("1"));
    }
    // A client reads why, also one that has much to say.
    let client = node.client();
    assert_eq!(client.log_head().await.unwrap_err().code(), Code::Busy);
    let refusal = client.submit(&vec![b'x'; 512 << 10], &[]).await.unwrap_err();
    assert_eq!(refusal.code(), Code::Busy);
    drop(_held);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(node.get("/v1/log").await.status, 200, "places come free again");
}

#[tokio::test]
async fn a_poll_that_is_given_up_gives_its_place_back() {
    let limits = Limits { waits_max: 1, ..Limits::default() };
    let node = start(Fake::default(), everything(), limits).await;
    for _ in 0..3 {
        let mut stream = node.connect().await;
        let ask = "GET /v1/agencies/H41/inbox?wait_s=30 HTTP/1.1\r\nHost: x\r\n\r\n";
        stream.write_all(ask.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(30)).await;
        drop(stream);
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    assert_eq!(node.get("/v1/agencies/H41/inbox?wait_s=0").await.status, 200);
}

/// Reads a little of what it asked for at a time until the rest, unread, takes the room of another answer:
/// what the system and the connection have buffered of an answer is counted no more.
async fn reads_too_slowly(node: &Running, stream: &mut UnixStream) -> Answer {
    for _ in 0..64 {
        stream.read_exact(&mut vec![0; 16 << 10]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        let second = node.get("/v1/openapi.json").await;
        if second.status != 200 {
            return second;
        }
    }
    panic!("an answer that nobody reads takes no room");
}

#[tokio::test]
async fn an_answer_larger_than_all_the_room_goes_alone() {
    let large = tram_api::openapi::text().len();
    let limits = Limits { answer_memory_bytes_max: large / 3, ..Limits::default() };
    let node = start(Fake::default(), everything(), limits).await;
    for _ in 0..4 {
        assert_eq!(node.get("/v1/openapi.json").await.status, 200);
    }
    let ask = b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut deaf = node.connect().await;
    for _ in 0..8 {
        deaf.write_all(ask).await.unwrap();
    }
    let second = reads_too_slowly(&node, &mut deaf).await;
    assert_eq!((second.status, second.code().as_str()), (503, "BUSY"));
}

#[test]
fn what_reads_much_is_made_for_few_at_a_time() {
    let dear: Vec<&str> =
        tram_api::routes::ROUTES.iter().filter(|r| r.dear).map(|r| r.name).collect();
    for name in [
        "list_dispatches",
        "dispatch_receipts",
        "dispatch_evidence",
        "receipts",
        "audit_documents",
        "audit_between",
        "audit_refusals",
        "audit_key",
        "audit_overdue",
        "audit_statistics",
        "gaps",
        "queue",
        "log_witnesses",
        "log_timestamps",
    ] {
        assert!(dear.contains(&name), "{name}");
    }
}

#[tokio::test]
async fn listings_and_answers_that_nobody_reads_are_bounded() {
    let large = tram_api::openapi::text().len();
    let limits = Limits {
        listings_max: 4,
        listings_per_caller_max: 0,
        answer_memory_bytes_max: large + large / 2,
        ..Limits::default()
    };
    let node = start(Fake::default(), everything(), limits).await;
    let listing = node.get("/v1/receipts").await;
    assert_eq!((listing.status, listing.code().as_str()), (503, "BUSY"));
    assert_eq!(node.get("/v1/log").await.status, 200, "what is short is answered");
    // One long answer that is not read takes the room of a second; what is read gives it back.
    for _ in 0..4 {
        assert_eq!(node.get("/v1/openapi.json").await.status, 200);
    }
    let ask = b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut deaf = node.connect().await;
    // The system's own buffer takes some of them.
    for _ in 0..8 {
        deaf.write_all(ask).await.unwrap();
    }
    let second = reads_too_slowly(&node, &mut deaf).await;
    assert_eq!((second.status, second.code().as_str()), (503, "BUSY"));
    drop(deaf);
    let deadline = Instant::now() + Duration::from_secs(5);
    while node.get("/v1/openapi.json").await.status != 200 {
        assert!(Instant::now() < deadline, "its room does not come back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
