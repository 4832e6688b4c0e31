//! What is refused before the node is asked, in both languages.

use tram_api::problem::Language;
use tram_api::{Client, ClientError};
use tram_dispatch::Code;

use crate::harness::running;

#[tokio::test]
async fn unknown_routes_methods_and_ids() {
    let node = running().await;
    let answer = node.get("/v1/nothing").await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "NOT_FOUND"));
    let answer = node.ask("DELETE", "/v1/dispatches", "", b"").await;
    assert_eq!((answer.status, answer.code().as_str()), (405, "BAD_REQUEST"));
    let allow = answer.header("allow").unwrap();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
    for (target, part) in [
        ("/v1/dispatches/abc", "64 hexadecimal digits"),
        ("/v1/agencies/h41/inbox", "capitals"),
        ("/v1/agencies/H%2041/inbox", "printable ASCII"),
        ("/v1/agencies/%ff/inbox", "path"),
        ("/v1/dispatches?limit=0", "1 to 500"),
        ("/v1/dispatches?limit=501", "1 to 500"),
        ("/v1/dispatches?limit=x", "limit"),
        ("/v1/dispatches?limit=1&limit=2", "duplicate field `limit`"),
        ("/v1/dispatches?lmit=1", "`lmit`"),
        ("/v1/dispatches?after=%0a", "after"),
        ("/v1/dispatches?from=yesterday", "YYYY-MM-DD"),
        ("/v1/receipts?event=Nothing", "evidence event"),
        ("/v1/agencies/H41/inbox?wait_s=61", "0 to 60"),
        ("/v1/agencies/H41/inbox?state=gone", "`gone`"),
        ("/v1/log/proof/inclusion?index=1", "`size`"),
        ("/v1/log/proof/inclusion?index=-1&size=2", "query"),
    ] {
        let answer = node.get(target).await;
        assert_eq!(answer.code(), "BAD_REQUEST", "{target}");
        assert!(answer.detail().contains(part), "{target}: {}", answer.detail());
    }
    let id = "0".repeat(64);
    let answer = node.post_json(&format!("/v1/queue/{id}/H41/explode"), "{}").await;
    assert!(answer.detail().contains("hold, release, retry or drop"));
    let answer = node.ask("POST", "/v1/peers/N1/test", "", b"").await;
    assert!(answer.detail().contains("node id"), "{}", answer.detail());
}

#[tokio::test]
async fn json_bodies_are_read_strictly() {
    let node = running().await;
    let target = format!("/v1/agencies/H41/inbox/{}/refuse", "0".repeat(64));
    for (body, part) in [
        (r#"{"reason":"a","why":"b"}"#, "`why`"),
        (r#"{"reason":"a","reason":"b"}"#, "twice"),
        (r#"{"reason":1}"#, "string"),
        ("{}", "`reason`"),
        ("{", "EOF"),
        ("{\"reason\":\"a\u{7}\"}", "control character"),
        (r#"{"reason":"a\u0007"}"#, "control characters"),
    ] {
        let answer = node.post_json(&target, body).await;
        assert_eq!(answer.code(), "BAD_REQUEST", "{body}");
        assert!(answer.detail().contains(part), "{body}: {}", answer.detail());
    }
    let deep = format!("{{\"reason\":{}{}}}", "[".repeat(40), "]".repeat(40));
    assert!(node.post_json(&target, &deep).await.detail().contains("deeper than 32"));
    let large = format!("{{\"reason\":\"{}\"}}", "x".repeat(2 << 20));
    let answer = node.post_json(&target, &large).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "TOO_LARGE"));
    let answer = node.ask("POST", &target, "Content-Type: text/plain\r\n", b"x").await;
    assert_eq!((answer.status, answer.code().as_str()), (415, "BAD_REQUEST"));
    let answer = node.ask("POST", &target, "", b"x").await;
    assert_eq!(answer.status, 415);
}

#[tokio::test]
async fn a_secrecy_mark_in_the_place_of_urgency_is_named_for_what_it_is() {
    let node = running().await;
    let body = |urgency: &str| {
        format!(
            r#"{{"originator":"H41","recipients":["H41.12"],"documents":[],"metadata":{{"subject":"a","urgency":"{urgency}"}}}}"#
        )
    };
    for (urgency, code) in [
        ("Mật", "SECRET_REFUSED"),
        ("TOI MAT", "SECRET_REFUSED"),
        ("top_secret", "SECRET_REFUSED"),
        // No mark, but no urgency either.
        ("LƯU HÀNH NỘI BỘ", "BAD_REQUEST"),
        ("khẩn", "BAD_REQUEST"),
    ] {
        let answer = node.post_json("/v1/dispatches", &body(urgency)).await;
        assert_eq!(answer.code(), code, "{urgency}");
        let secret = code == "SECRET_REFUSED";
        assert_eq!(answer.detail() == "a secrecy mark stands in: urgency", secret, "{urgency}");
    }
}

#[tokio::test]
async fn problems_speak_the_callers_language() {
    let node = running().await;
    let target = format!("/v1/dispatches/{}", "0".repeat(64));
    let english = node.get(&target).await;
    let vietnamese = node.ask("GET", &target, "Accept-Language: vi-VN, en;q=0.5\r\n", b"").await;
    let row = Code::NotFound.row();
    assert_eq!(english.json()["title"], row.cause);
    assert_eq!(english.json()["remedy"], row.remedy);
    assert_eq!(english.header("content-language").as_deref(), Some("en"));
    assert_eq!(vietnamese.code(), "NOT_FOUND");
    assert_eq!(vietnamese.json()["title"], row.cause_vi);
    assert_eq!(vietnamese.json()["remedy"], row.remedy_vi);
    assert_eq!(vietnamese.header("content-language").as_deref(), Some("vi"));
    let unrouted = node.ask("GET", "/x", "Accept-Language: vi\r\n", b"").await;
    assert_eq!(unrouted.json()["title"], row.cause_vi);

    let client = node.client().language(Language::Vietnamese);
    let error = client.track(tram_dispatch::DispatchId([0; 32])).await.unwrap_err();
    assert_eq!(error.document(Language::Vietnamese).title, row.cause_vi);
}

#[tokio::test]
async fn an_absent_node_is_a_problem_too() {
    let home = tempfile::tempdir().unwrap();
    let error = Client::new(home.path().join("none.sock")).status().await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }));
    assert_eq!(error.code(), Code::NodeUnreachable);
    let document = error.document(Language::Vietnamese);
    assert_eq!(document.title, Code::NodeUnreachable.row().cause_vi);
    assert!(document.detail.contains("none.sock"));
}
