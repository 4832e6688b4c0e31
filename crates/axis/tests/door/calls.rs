//! Every other call, as the client makes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tram_axis::Limits;

use super::memory::running;

const BRACES: Option<&[u8]> = Some(b"{}");
const EMPTY: Option<&[u8]> = Some(b"");

#[tokio::test]
async fn a_day_of_a_hub_on_one_client_object() {
    let door = running(Limits::default()).await;
    let files: Vec<Vec<u8>> = [0, 1, 2, 3, 300_001].map(|n| vec![b'a' + n as u8 % 26; n]).into();
    for (n, file) in files.iter().enumerate() {
        door.holds(n as u8 + 1, file);
    }
    let mut hub = door.client();
    hub.set("servicetype", "eDoc");
    hub.set("messagetype", "edoc");
    assert_eq!(hub.call("countReceiveEdoc", BRACES).await.json()["count"], files.len());
    let list = hub.call("getReceivedEdocList", EMPTY).await.json();
    let items = list["data"].as_array().expect("data").clone();
    assert_eq!(items.len(), files.len());
    let mut seen = Vec::new();
    for item in &items {
        let id = item["docId"].as_str().expect("docId");
        hub.set("docId", id);
        hub.set("filePath", "/var/edoc");
        let got = hub.call("getEdoc", BRACES).await;
        assert_eq!(got.code(), "0");
        let file = STANDARD.decode(got.json()["data"].as_str().expect("data")).expect("base64");
        let raw = hub.call("downloadEdoc", None).await;
        assert_eq!((raw.status, &raw.body), (200, &file));
        seen.push(file);
        hub.set("docid", id);
        hub.set("status", "done");
        // Twice: the second is as good as the first.
        assert_eq!(hub.call("updateStatus", BRACES).await.code(), "0");
        assert_eq!(hub.call("updateStatus", BRACES).await.code(), "0");
    }
    seen.sort();
    let mut expected = files;
    expected.sort();
    assert_eq!(seen, expected);
    // `status: done` and ids of before are still among the signed parameters.
    let after = hub.call("getReceivedEdocList", EMPTY).await.json();
    assert_eq!(after["data"], json!([]));
    door.holds(9, b"new");
    let after = hub.call("getReceivedEdocList", EMPTY).await.json();
    assert_eq!(after["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn what_is_not_there_is_told_each_reader_in_its_way() {
    let door = running(Limits::default()).await;
    let mut client = door.client();
    client.set("docId", "0b0e6c1e-0c0b-8c55-9d0a-51f0a2b7e001");
    client.set("status", "done");
    let got = client.call("getEdoc", BRACES).await;
    assert_eq!((got.code().as_str(), &got.json()["data"]), ("20", &json!("")));
    let raw = client.call("downloadEdoc", None).await;
    assert_eq!(
        (raw.status, raw.body.len()),
        (404, 0),
        "whatever is not empty is stored as the document"
    );
    assert_eq!(client.call("updateStatus", BRACES).await.code(), "20");
    client.set("docId", "../../etc/passwd");
    assert_eq!(client.call("downloadEdoc", None).await.body.len(), 0);
    let nowhere = client.call("getSomething", EMPTY).await;
    assert_eq!((nowhere.status, nowhere.code().as_str()), (404, "20"));
    let head = client.head("GET", "/updateStatus", None);
    assert_eq!(client.exchange(&head, b"").await.code(), "20");
}

#[tokio::test]
async fn one_piece_that_fails_later_cuts_the_answer_and_never_completes_it() {
    let door = running(Limits::default()).await;
    let id = door.holds(1, &vec![b'x'; 1 << 20]);
    let mut client = door.client();
    client.set("docId", &id.to_string());
    *door.node.broken_at.lock().unwrap() = Some(0);
    assert_eq!(client.call("getEdoc", BRACES).await.code(), "20");
    *door.node.broken_at.lock().unwrap() = Some(500_000);
    let cut = client.call("getEdoc", BRACES).await;
    assert!(serde_json::from_slice::<Value>(&cut.body).is_err());
    let raw = client.call("downloadEdoc", None).await;
    assert!(raw.head.contains(&(1 << 20).to_string()) && raw.body.len() < 1 << 20);
}

#[tokio::test]
async fn a_stale_docid_is_noticed_where_it_can_be() {
    let door = running(Limits::default()).await;
    let (old, new) = (door.holds(1, b"old").to_string(), door.holds(2, b"new").to_string());
    let mut client = door.client();
    client.set("status", "done");
    client.set("docid", &old);
    assert_eq!(client.call("updateStatus", BRACES).await.code(), "0");
    client.set("docId", &new);
    assert_eq!(client.call("updateStatus", BRACES).await.code(), "20");
    client.set("docid", &new);
    client.set("docId", &old);
    assert_eq!(client.call("updateStatus", BRACES).await.code(), "0");
}

#[tokio::test]
async fn directories_are_whole_and_in_order() {
    let door = running(Limits::default()).await;
    let mut client = door.client();
    client.set("level", "1");
    for (name, count) in
        [("getAgenciesList", 1_080), ("getAgenciesListQD20", 1_080), ("getSynchronizeUnit", 1_200)]
    {
        let answer = client.call(name, EMPTY).await;
        assert_eq!(answer.code(), "0");
        let all = answer.json()["data"].as_array().expect("data").clone();
        assert_eq!(all.len(), count, "{name}");
        assert_eq!(all[count - 1]["name"], "Đơn vị 1199", "{name}");
        assert!(
            all.iter().all(|a| a.as_object().is_some_and(|o| o.values().all(|v| !v.is_null())))
        );
    }
    let body =
        r#"{"id":"","pcode":"H99","code":"H99.12","name":"Sở Mẫu","mail":"","mobile":"","fax":""}"#;
    assert_eq!(client.call("registerAgency", Some(body.as_bytes())).await.code(), "0");
    assert_eq!(client.call("registerAgency", Some(b"{\"code\":\"H1\"}")).await.code(), "20");
    assert_eq!(client.call("registerAgency", Some(b"[")).await.code(), "20");
    client.set("AgencyCode", "H99.12");
    assert_eq!(client.call("deleteAgency", BRACES).await.code(), "20");
}

#[tokio::test]
async fn what_was_sent_is_listed_and_counts_are_got_by_either_method() {
    let door = running(Limits::default()).await;
    let id = door.holds(1, b"a").to_string();
    door.holds(2, b"b");
    let mut client = door.client();
    assert_eq!(
        client.call("getSentEdocList", EMPTY).await.json()["data"].as_array().map(Vec::len),
        Some(2)
    );
    client.set("docId", &id);
    let one = client.call("getSentEdocList", EMPTY).await.json();
    assert_eq!(one["data"][0]["senderDocId"], id.as_str());
    client.set("docId", "0b0e6c1e-0c0b-8c55-9d0a-51f0a2b7e001");
    assert_eq!(
        client.call("getSentEdocList", EMPTY).await.json()["data"].as_array().map(Vec::len),
        Some(2)
    );
    let head = client.head("GET", "/countReceiveStatus", None);
    assert_eq!(client.exchange(&head, b"").await.json()["count"], 2);
}
