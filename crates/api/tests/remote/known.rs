//! Systems that may come in.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tram_api::Limits;
use tram_api::model::InboxQuery;
use tram_dispatch::Code;

use crate::door::{SOON, ended, made, start};
use crate::harness::agency;

#[tokio::test]
async fn a_system_has_its_roles_for_its_agencies_and_refusals_name_it() {
    let door = start(Limits::default()).await;
    let client = door.client(&door.system);
    client.submit(b"H41.12|1|H41.12", &[]).await.unwrap();
    let inbox = client.inbox(&agency("H41.12"), &InboxQuery::default()).await.unwrap();
    assert_eq!(inbox.items.len(), 1);
    let other = client.inbox(&agency("H41"), &InboxQuery::default()).await.unwrap_err();
    assert_eq!(other.code(), Code::NotAuthorised);
    let told = other.to_string();
    assert!(told.contains("system van-thu (certificate 0707"), "{told}");
    assert!(told.contains("for agency H41 at this door"), "{told}");
    assert_eq!(client.peers().await.unwrap_err().code(), Code::NotAuthorised, "no operator");
    // Several requests on one connection, as clients of other languages do.
    let mut stream = door.session(Some(&door.system)).await;
    for _ in 0..3 {
        stream.write_all(b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        stream.flush().await.unwrap();
        let mut start = [0; 15];
        stream.read_exact(&mut start).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 200 OK");
        let mut rest = vec![0; 1 << 20];
        let mut seen = Vec::new();
        while !seen.ends_with(b"}\n") {
            let n = stream.read(&mut rest).await.unwrap();
            seen.extend_from_slice(&rest[..n]);
        }
    }
    door.stop().await;
}

#[tokio::test]
async fn a_certificate_is_judged_again_while_its_connection_is_open() {
    let limits = Limits { judge_again_ms: 50, ..Limits::default() };
    let door = start(limits).await;
    let client = door.client(&door.system);
    // Something that would stay open for ever.
    let mut events = client.events(None).await.unwrap();
    tokio::time::sleep(Duration::from_millis(120)).await;
    client.inbox(&agency("H41.12"), &InboxQuery::default()).await.unwrap();
    let mut idle = door.session(Some(&door.system)).await;
    let mut status = [0; 15];
    idle.write_all(b"GET /khong-co HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    idle.flush().await.unwrap();
    idle.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 404 No", "it is in");
    door.listed.clear();
    let cut = tokio::time::timeout(SOON, events.next()).await.expect("it ends");
    assert!(!matches!(cut, Ok(Some(_))), "{cut:?}");
    assert_eq!(String::from_utf8_lossy(&ended(&mut idle).await).matches("HTTP/1.1").count(), 0);
    // The client's own connection is judged at another moment than the other two.
    let refused = async {
        loop {
            match client.inbox(&agency("H41.12"), &InboxQuery::default()).await {
                Ok(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                Err(error) => return error.code(),
            }
        }
    };
    let code = tokio::time::timeout(SOON, refused).await.expect("it is cut too");
    assert_eq!(code, Code::CertificateRevoked);
}

#[tokio::test]
async fn one_system_does_not_lock_the_others_out() {
    let limits = Limits { connections_per_caller_max: 2, ..Limits::default() };
    let door = start(limits).await;
    let other = made("khac");
    door.listed.add(&other, "khac");
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = door.session(Some(&door.system)).await;
        stream.write_all(b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        stream.flush().await.unwrap();
        let mut one = [0; 1];
        stream.read_exact(&mut one).await.unwrap();
        held.push(stream);
    }
    let third = door.get(Some(&door.system), "/v1/openapi.json").await;
    assert_eq!((third.status, third.code().as_str()), (503, "BUSY"));
    assert_eq!(door.get(Some(&other), "/v1/openapi.json").await.status, 200);
    held.pop();
    let deadline = tokio::time::Instant::now() + SOON;
    while door.get(Some(&door.system), "/v1/openapi.json").await.status != 200 {
        assert!(tokio::time::Instant::now() < deadline, "its place does not come free");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
