//! Those who may not come in, and those who only take up room.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;
use tram_api::Limits;

use crate::door::{SOON, ended, made, start};
use crate::harness::Answer;

#[tokio::test]
async fn strangers_get_one_problem_whatever_they_ask_and_the_node_is_not_asked() {
    let door = start(Limits::default()).await;
    let stranger = made("khach");
    for (identity, code) in
        [(None, "CERTIFICATE_UNTRUSTED"), (Some(&stranger), "CERTIFICATE_REVOKED")]
    {
        for target in ["/v1/openapi.json", "/v1/inbox/H41.12", "/khong-co", "/../../etc"] {
            let answer = door.get(identity, target).await;
            assert_eq!((answer.status, answer.code().as_str()), (403, code), "{target}");
            assert_eq!(answer.header("connection").as_deref(), Some("close"));
        }
        // What is no HTTP gets the same words, and no more.
        let garbage = door.raw(identity, &[0xff; 4096]).await;
        assert_eq!(Answer::parse(&garbage).status, 403);
        let post = b"POST /v1/dispatches HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(Answer::parse(&door.raw(identity, post).await).status, 403);
    }
    assert_eq!(door.fake.lock().calls, 0);
    assert_eq!(door.get(Some(&door.system), "/v1/openapi.json").await.status, 200);
}

#[tokio::test]
async fn plain_http_on_the_port_is_told_what_it_is() {
    let door = start(Limits::default()).await;
    let mut tcp = door.tcp().await;
    tcp.write_all(b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let answer = Answer::parse(&ended(&mut tcp).await);
    assert_eq!((answer.status, answer.code().as_str()), (400, "BAD_REQUEST"));
    assert!(answer.detail().contains("https://"), "{}", answer.detail());
    for other in [&b"\x00\x01\x02"[..], b"\x16\x03\x01\x00\x05hello", b"\x16\x03\x01\xff\xff"] {
        let mut tcp = door.tcp().await;
        tcp.write_all(other).await.unwrap();
        tcp.shutdown().await.unwrap();
        let said = ended(&mut tcp).await;
        assert!(!said.starts_with(b"HTTP"), "{said:?}");
    }
}

#[tokio::test]
async fn handshakes_and_heads_that_do_not_come_are_given_up() {
    let limits = Limits { handshake_ms: 150, header_ms: 150, ..Limits::default() };
    let door = start(limits).await;
    let began = Instant::now();
    // Nothing at all; half a record; a hello that comes in drops.
    let mut silent = door.tcp().await;
    let mut half = door.tcp().await;
    half.write_all(&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01]).await.unwrap();
    let mut drops = door.tcp().await;
    let dripping = async {
        drops.write_all(&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc]).await?;
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            drops.write_all(&[0x03]).await?;
        }
        #[allow(unreachable_code, reason = "says what the future gives")]
        std::io::Result::Ok(())
    };
    let (a, b, c) = tokio::join!(ended(&mut silent), ended(&mut half), dripping);
    assert!(a.is_empty() && !b.starts_with(b"HTTP") && c.is_err());
    // Half a head, by one who may come in.
    let mut session = door.session(Some(&door.system)).await;
    session.write_all(b"GET /v1/openapi.json HT").await.unwrap();
    session.flush().await.unwrap();
    let _ = ended(&mut session).await;
    // A stranger who asks nothing has the answer all the same, and no more time than others.
    let mut stranger = door.session(None).await;
    assert_eq!(Answer::parse(&ended(&mut stranger).await).status, 403);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert_eq!(door.get(Some(&door.system), "/v1/openapi.json").await.status, 200);
}

#[tokio::test]
async fn one_address_has_no_more_than_its_share_of_connections() {
    let limits = Limits { connections_per_address_max: 3, ..Limits::default() };
    let door = start(limits).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(door.tcp().await);
    }
    let mut fourth = door.tcp().await;
    let mut one = [0; 1];
    let read = tokio::time::timeout(SOON, fourth.read(&mut one)).await.expect("it is closed");
    assert!(!matches!(read, Ok(1..)), "{read:?}");
    drop(held);
    let deadline = Instant::now() + SOON;
    loop {
        let tcp = door.tcp().await;
        drop(tcp);
        let session = tokio::time::timeout(SOON, door.client(&door.system).openapi()).await;
        if session.expect("in time").is_ok() {
            break;
        }
        assert!(Instant::now() < deadline, "the places do not come free");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn who_stops_reading_is_given_up_over_tls_too() {
    let limits = Limits { write_idle_ms: 150, ..Limits::default() };
    let door = start(limits).await;
    let one = door.get(Some(&door.system), "/v1/openapi.json").await.body.len();
    let mut session = door.session(Some(&door.system)).await;
    // Asks for more than all buffers between the two hold, and reads nothing for a while.
    let asks = (64 << 20) / one;
    for _ in 0..asks {
        session.write_all(b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    }
    session.flush().await.unwrap();
    tokio::time::sleep(Duration::from_millis(600)).await;
    let got = ended(&mut session).await.len();
    assert!(got < asks * one, "all {got} bytes came");
    assert_eq!(door.get(Some(&door.system), "/v1/openapi.json").await.status, 200);
}

#[tokio::test]
async fn the_end_of_the_node_does_not_wait_for_those_who_wait() {
    let door = start(Limits { drain_ms: 200, ..Limits::default() }).await;
    let _silent = door.tcp().await;
    let client = door.client(&door.system);
    let _events = client.events(None).await.unwrap();
    let began = Instant::now();
    door.stop().await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}
