//! `sendEdoc`, once and again.

use std::sync::atomic::Ordering;

use tram_axis::{Kind, Limits};

use super::memory::{SYSTEM, running};

#[tokio::test]
async fn a_file_arrives_as_it_was_without_what_the_client_appends() {
    let door = running(Limits::default()).await;
    let mut client = door.client();
    for (i, file) in [&b"<edXML/>"[..], b"ends with a line break\r\n", b"\x00\x0a\xff", b"\r\n"]
        .iter()
        .enumerate()
    {
        let answer = client.send("edoc", SYSTEM, file).await;
        assert_eq!((answer.status, answer.code().as_str()), (200, "0"), "{i}");
        assert!(answer.head.to_ascii_lowercase().contains("connection: close"));
        let id = answer.json()["DocId"].as_str().expect("DocId").parse().expect("a UUID");
        assert_eq!(door.node.files.lock().unwrap()[&id].0, *file);
        let last = door.node.last.lock().unwrap().take();
        assert_eq!(last, Some((Kind::Document, Some(SYSTEM.to_owned()), None)));
    }
    assert_eq!(door.node.sendings.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn the_same_request_again_is_answered_the_same_and_sent_once() {
    let door = running(Limits::default()).await;
    let mut client = door.client();
    let first = client.send("edoc", SYSTEM, b"once").await;
    let second = client.send("edoc", SYSTEM, b"once").await;
    assert_eq!(first.body, second.body);
    assert_eq!(door.node.sendings.load(Ordering::SeqCst), 1);
    // Another client object has another timestamp: what is twice then is decided by the node.
    let mut fresh = door.client();
    fresh.set("timestamp", "22112026T070000+0001");
    assert_eq!(fresh.send("edoc", SYSTEM, b"once").await.body, first.body);
    assert_eq!(door.node.sendings.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_client_that_goes_away_and_asks_again_meanwhile_waits_for_the_first() {
    let door = running(Limits::default()).await;
    door.node.slow_ms.store(400, Ordering::SeqCst);
    let mut gone = door.client();
    let given_up = std::time::Duration::from_millis(150);
    let cut = tokio::time::timeout(given_up, gone.send("edoc", SYSTEM, b"slow")).await;
    assert!(cut.is_err(), "it was to be slow");
    let again = gone.send("edoc", SYSTEM, b"slow").await;
    assert_eq!(again.code(), "0");
    assert_eq!(door.node.sendings.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_refusal_has_its_reason_in_ascii_an_empty_id_and_is_not_remembered() {
    let door = running(Limits::default()).await;
    let mut client = door.client();
    client.set("to", "[\"nobody\"]");
    for _ in 0..2 {
        let refused = client.send("status", SYSTEM, b"x").await;
        assert_eq!((refused.status, refused.code().as_str()), (200, "18"));
        assert_eq!(refused.json()["DocId"], "");
        assert_eq!(refused.json()["ErrorDesc"], "không có đơn vị nhận");
    }
    assert_eq!(door.node.sendings.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn another_file_than_the_signed_one_is_refused_also_a_large_one() {
    let door = running(Limits::default()).await;
    let mut client = door.client();
    client.send("edoc", SYSTEM, b"signed").await;
    for size in [0, 8, 8 << 20] {
        client.set("note", &size.to_string());
        let body = vec![b'x'; size];
        let head = client.head("POST", "/sendEdoc", Some(size));
        let answer = client.exchange(&head, &body).await;
        assert_eq!((answer.code().as_str(), &answer.json()["DocId"]), ("10", &"".into()), "{size}");
    }
    assert_eq!(door.node.sendings.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_file_over_the_limit_is_refused_and_the_client_still_hears_why() {
    let limits = Limits { file_bytes_max: 6 << 20, ..Limits::default() };
    let door = running(limits).await;
    let mut client = door.client();
    let fits = client.send("edoc", SYSTEM, &vec![b'y'; 6 << 20]).await;
    assert_eq!(fits.code(), "0");
    let large = client.send("edoc", SYSTEM, &vec![b'z'; (6 << 20) + 1]).await;
    assert_eq!(large.code(), "10");
    assert!(
        large.json()["ErrorDesc"].as_str().expect("text").contains("at most"),
        "{}",
        large.json()
    );
}

#[tokio::test]
async fn many_recipients_make_a_long_head() {
    let door = running(Limits::default()).await;
    let mut client = door.client();
    let codes: Vec<String> =
        (0..4_000).map(|n| format!("000.00.{:02}.H{:02}", n / 100, n % 100)).collect();
    client.set("to", &serde_json::to_string(&codes).expect("JSON"));
    assert_eq!(client.send("edoc", SYSTEM, b"many").await.code(), "0");
    let last = door.node.last.lock().unwrap().take().expect("it came");
    assert_eq!(last.2, Some(codes));
}
