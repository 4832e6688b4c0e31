//! Wrong keys, odd heads, too many at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tram_axis::{Account, Limits};

use super::client::Client;
use super::memory::{SECRET, SYSTEM, account, running};

#[tokio::test]
async fn who_has_not_the_key_learns_nothing_not_even_who_exists() {
    let door = running(Limits::default()).await;
    let id = door.holds(1, b"x").to_string();
    let mut seen = Vec::new();
    for (system, secret) in [(SYSTEM, "another-key-0123456789"), ("nobody", SECRET)] {
        let mut client = Client::new(door.address, system, secret);
        client.set("docId", &id);
        client.set("status", "done");
        for call in ["getReceivedEdocList", "getEdoc", "updateStatus", "getAgenciesList"] {
            let refused = client.call(call, Some(b"{}")).await;
            assert_eq!((refused.status, refused.code().as_str()), (200, "15"), "{call}");
        }
        assert_eq!(client.call("downloadEdoc", None).await.body.len(), 0);
        let sent = client.send("edoc", SYSTEM, &vec![b'x'; 3 << 20]).await;
        assert_eq!((sent.code().as_str(), &sent.json()["DocId"]), ("15", &"".into()));
        seen.push(client.call("countReceiveEdoc", Some(b"{}")).await.json()["ErrorCode"].clone());
    }
    assert_eq!(seen[0], seen[1]);
    let files = door.node.files.lock().unwrap();
    assert!(files.len() == 1 && files.values().all(|(_, said)| said.is_none()));
}

#[tokio::test]
async fn headers_beside_the_signed_text_count_for_nothing() {
    let door = running(Limits::default()).await;
    let id = door.holds(1, b"x").to_string();
    let mut client = door.client();
    client.set("docId", "0b0e6c1e-0c0b-8c55-9d0a-51f0a2b7e001");
    client.set("status", "done");
    let head = client.head("POST", "/updateStatus", Some(0));
    let mut changed = String::from_utf8(head).expect("text");
    changed = changed.replacen(
        "XroadVnpt-docId: 0b0e6c1e-0c0b-8c55-9d0a-51f0a2b7e001",
        &format!("XroadVnpt-docId: {id}"),
        1,
    );
    assert_eq!(client.exchange(changed.as_bytes(), b"").await.code(), "20");
    let twice = changed.replacen(
        "XroadVnpt-hash-header",
        "XroadVnpt-hash-header: x\r\nXroadVnpt-hash-header",
        1,
    );
    assert_eq!(client.exchange(twice.as_bytes(), b"").await.code(), "15");
    let none = changed.replacen("XroadVnpt-sign-header: ", "X: ", 1);
    assert_eq!(client.exchange(none.as_bytes(), b"").await.code(), "15");
    assert!(door.node.files.lock().unwrap().values().all(|(_, said)| said.is_none()));
}

#[tokio::test]
async fn letters_that_the_client_damaged_are_answered_with_the_cause() {
    let door = running(Limits::default()).await;
    let mut client = door.client();
    client.set("filePath", "/thư mục/đến");
    let head = client.head("POST", "/countReceiveEdoc", Some(0));
    // UTF-8, as one of the two libraries may write it.
    assert_eq!(client.exchange(&head, b"").await.code(), "0");
    // The low eight bits, as the other does.
    let low: Vec<u8> =
        String::from_utf8(head).expect("text").chars().map(|c| c as u32 as u8).collect();
    assert!(low.contains(&0x11));
    let answer = client.exchange(&low, b"").await;
    assert_eq!(answer.code(), "15");
    assert!(answer.json()["ErrorDesc"].as_str().expect("text").contains("outside ASCII"));
}

#[tokio::test]
async fn an_account_has_its_roles_and_where_it_says_so_an_age() {
    let door = running(Limits::default()).await;
    let set = |account: Account| *door.node.account.lock().unwrap() = Some(Arc::new(account));
    let mut client = door.client();
    set(Account { may_send: false, ..account() });
    assert_eq!(client.call("countReceiveEdoc", Some(b"{}")).await.code(), "0");
    assert_eq!(client.call("getSentEdocList", Some(b"")).await.code(), "19");
    // It may say how far it is with what came: whether a file does that, the node sees. It is short.
    assert_eq!(client.send("status", SYSTEM, b"x").await.code(), "0");
    let long = vec![b'x'; (1 << 20) + 1];
    assert_eq!(client.send("status", SYSTEM, &long).await.code(), "10");
    set(Account { may_send: false, may_collect: false, ..account() });
    assert_eq!(client.send("status", SYSTEM, b"y").await.code(), "19");
    set(Account { may_collect: false, ..account() });
    assert_eq!(client.call("countReceiveEdoc", Some(b"{}")).await.code(), "19");
    assert_eq!(client.call("getReceivedEdocList", Some(b"")).await.code(), "19");
    assert_eq!(client.call("getAgenciesList", Some(b"")).await.code(), "0");
    // The client object was made ten hours before.
    set(Account { age_ms_max: Some(9 * 3_600_000), ..account() });
    assert_eq!(client.call("countReceiveEdoc", Some(b"{}")).await.code(), "15");
    set(Account { age_ms_max: Some(11 * 3_600_000), ..account() });
    assert_eq!(client.call("countReceiveEdoc", Some(b"{}")).await.code(), "0");
    client.set("timestamp", "yesterday");
    assert_eq!(client.call("countReceiveEdoc", Some(b"{}")).await.code(), "15");
    set(account());
    assert_eq!(client.call("countReceiveEdoc", Some(b"{}")).await.code(), "0");
}

#[tokio::test]
async fn a_panic_is_answered_too() {
    let door = running(Limits::default()).await;
    let id = door.holds(1, b"x").to_string();
    let mut client = door.client();
    client.set("docId", &id);
    client.set("status", "done");
    door.node.panics.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(client.call("updateStatus", Some(b"{}")).await.code(), "20");
}

#[tokio::test]
async fn too_many_at_once_are_told_or_turned_away_and_the_others_go_on() {
    let limits =
        Limits { requests_per_account_max: 2, connections_per_address_max: 3, ..Limits::default() };
    let door = running(limits).await;
    let idle: Vec<TcpStream> = {
        let mut all = Vec::new();
        for _ in 0..3 {
            all.push(TcpStream::connect(door.address).await.expect("it listens"));
        }
        all
    };
    // The fourth connection of one address is closed at once.
    let mut fourth = TcpStream::connect(door.address).await.expect("it listens");
    let mut rest = Vec::new();
    let _ = fourth.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
    drop(idle);
    tokio::time::sleep(Duration::from_millis(50)).await;
    door.node.slow_ms.store(600, std::sync::atomic::Ordering::SeqCst);
    let (mut slow, mut other, mut third) = (door.client(), door.client(), door.client());
    let first = tokio::spawn(async move { slow.send("edoc", SYSTEM, b"slow").await.code() });
    tokio::time::sleep(Duration::from_millis(100)).await;
    door.node.slow_ms.store(600, std::sync::atomic::Ordering::SeqCst);
    let second = tokio::spawn(async move { other.send("edoc", SYSTEM, b"other").await.code() });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let told = third.call("countReceiveEdoc", Some(b"{}")).await;
    assert_eq!(told.code(), "20");
    // In the text, which people are shown, and in the header.
    let text = told.json()["ErrorDesc"].as_str().expect("text").to_owned();
    assert!(text.ends_with("; try again after 5 s"), "{text}");
    assert!(told.head.to_lowercase().contains("retry-after: 5\r\n"), "{}", told.head);
    assert_eq!((first.await.expect("done"), second.await.expect("done")), ("0".into(), "0".into()));
}

#[tokio::test]
async fn a_head_that_does_not_come_and_a_body_that_stalls_are_given_up() {
    let limits = Limits { head_ms: 200, body_idle_ms: 200, ..Limits::default() };
    let door = running(limits).await;
    let begun = Instant::now();
    let mut silent = TcpStream::connect(door.address).await.expect("it listens");
    let mut rest = Vec::new();
    let _ = silent.read_to_end(&mut rest).await;
    let mut client = door.client();
    client.send("edoc", SYSTEM, b"x").await;
    client.set("note", "1");
    let head = client.head("POST", "/sendEdoc", Some(100));
    let mut stalled = TcpStream::connect(door.address).await.expect("it listens");
    stalled.write_all(&head).await.expect("it reads");
    stalled.write_all(b"only this").await.expect("it reads");
    let mut answer = Vec::new();
    let _ = stalled.read_to_end(&mut answer).await;
    assert!(String::from_utf8_lossy(&answer).contains("\"ErrorCode\":\"10\""));
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn who_counts_or_confirms_waits_for_a_place_as_who_lists_does() {
    let door = running(Limits { files_max: 1, ..Limits::default() }).await;
    let id = door.holds(1, b"x").to_string();
    for call in ["countReceiveEdoc", "updateStatus"] {
        door.node.slow_ms.store(500, std::sync::atomic::Ordering::SeqCst);
        let mut slow = door.client();
        let first =
            tokio::spawn(async move { slow.send("edoc", SYSTEM, call.as_bytes()).await.code() });
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut client = door.client();
        client.set("docId", &id);
        client.set("status", "done");
        let begun = Instant::now();
        assert_eq!(client.call(call, Some(b"{}")).await.code(), "0");
        assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
        assert_eq!(first.await.expect("done"), "0");
    }
}
