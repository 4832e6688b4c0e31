//! From one system to another, and what a crash may not change.

use std::collections::BTreeMap;

use serde_json::json;
use tram_api::model::{SealDocument, SealMetadata, SealRequest, SecrecyMark};
use tram_dispatch::Digest;
use tram_edxml::{Content, Ignore, Limits, MEDIA_TYPE, read};

use crate::country::{BRACES, Country, EMPTY, SYSTEMS, fetched, id, says};
use crate::edxml::document;
use crate::support::agency;
use crate::support::evidence::eventually;

const PDF: &[u8] = b"%PDF-1.7 v\xc4\x83n b\xe1\xba\xa3n";

#[tokio::test]
async fn what_one_system_sends_others_list_fetch_and_confirm_byte_for_byte() {
    let country = Country::running(3).await;
    let file = document(7, SYSTEMS[1], &[SYSTEMS[0], SYSTEMS[2]], PDF);
    let mut sender = country.client(1);
    let sent = sender.send("edoc", SYSTEMS[1], &file).await;
    assert_eq!(sent.code(), "0", "{}", sent.json());
    let sent_id = sent.json()["DocId"].as_str().expect("DocId").to_owned();

    for tier in [0, 2] {
        let items = country.waiting(tier, "edoc", 1).await;
        assert_eq!(items.len(), 1);
        assert_eq!(
            (&items[0]["from"], &items[0]["to"]),
            (&json!("H41"), &json!(agency(tier).as_str()))
        );
        assert_eq!(
            (&items[0]["status"], &items[0]["messageType"]),
            (&json!("initial"), &json!("edoc"))
        );
        let mut client = country.client(tier);
        assert_eq!(client.call("countReceiveEdoc", BRACES).await.json()["count"], 1);
        let it = id(&items[0]);
        for _ in 0..2 {
            assert_eq!(fetched(&mut client, &it).await, file);
        }
        assert_eq!(client.call("downloadEdoc", None).await.body, file);
        // Fetching changes nothing; what failed is offered again.
        assert_eq!(says(&mut client, &it, "processing").await, "0");
        assert_eq!(says(&mut client, &it, "fail").await, "0");
        assert_eq!(country.waiting(tier, "edoc", 1).await[0]["status"], "fail");
        assert_eq!(says(&mut client, &it, "done").await, "0");
        assert_eq!(says(&mut client, &it, "done").await, "0");
        assert_eq!(client.call("countReceiveEdoc", BRACES).await.json()["count"], 0);
        // It is not on the list any more, and can still be fetched.
        assert_eq!(fetched(&mut client, &it).await, file);
    }

    // What the others see: sealed by the node, with the document and the file itself.
    let there = country.nodes[2].client();
    let inbox = there.inbox(&agency(2), &Default::default()).await.expect("an inbox");
    let entry = there.inbox_entry(&agency(2), inbox.items[0].dispatch.0).await.expect("an entry");
    assert_eq!(entry.sealed_by.as_ref().map(|n| n.0.as_str()), Some("n1.H41"));
    assert_eq!(entry.metadata.number.as_deref(), Some("7"));
    let kinds: Vec<(&str, u64)> =
        entry.documents.iter().map(|d| (d.media_type.as_str(), d.size)).collect();
    assert_eq!(kinds, [("application/pdf", PDF.len() as u64), (MEDIA_TYPE, file.len() as u64)]);
    assert_eq!(entry.documents[0].name, "van-ban.pdf");

    // And the sender: how it fared.
    let rows = sender.call("getSentEdocList", EMPTY).await.json()["data"].clone();
    assert_eq!(rows.as_array().map(Vec::len), Some(2));
    assert!(rows.as_array().expect("rows").iter().all(|r| r["senderDocId"] == sent_id.as_str()));
    assert_eq!(rows[0]["notation"], "7/UBND-VP");
}

#[tokio::test]
async fn the_same_file_again_is_one_dispatch_also_after_a_restart() {
    let mut country = Country::running(2).await;
    let file = document(8, SYSTEMS[1], &[SYSTEMS[0]], PDF);
    let mut sender = country.client(1);
    let first = sender.send("edoc", SYSTEMS[1], &file).await;
    assert_eq!(first.code(), "0", "{}", first.json());
    assert_eq!(sender.send("edoc", SYSTEMS[1], &file).await.body, first.body);
    // A fresh client object: another timestamp, another HMAC.
    let mut fresh = country.client(1);
    fresh.set("timestamp", "22112026T060000+0001");
    assert_eq!(fresh.send("edoc", SYSTEMS[1], &file).await.body, first.body);
    // Killed, so nothing of the answers is in memory any more.
    country.nodes[1].kill();
    country.nodes[1].start();
    country.nodes[1].ready().await;
    assert_eq!(sender.send("edoc", SYSTEMS[1], &file).await.body, first.body);
    assert_eq!(country.waiting(0, "edoc", 1).await.len(), 1);
    // The same DocumentId with other contents is another matter.
    let other = document(8, SYSTEMS[1], &[SYSTEMS[0]], b"%PDF-1.7 other");
    let refused = sender.send("edoc", SYSTEMS[1], &other).await;
    assert_eq!((refused.code().as_str(), &refused.json()["DocId"]), ("22", &json!("")));
}

#[tokio::test]
async fn a_kill_between_fetching_and_confirming_loses_nothing() {
    let mut country = Country::running(2).await;
    let mut sender = country.client(1);
    let mut files = BTreeMap::new();
    for n in 20..26 {
        let file = document(n, SYSTEMS[1], &[SYSTEMS[0]], format!("%PDF-1.7 {n}").as_bytes());
        let sent = sender.send("edoc", SYSTEMS[1], &file).await;
        assert_eq!(sent.code(), "0");
        files.insert(n, file);
        if n == 22 {
            // Answered: so it is durable, whatever comes.
            country.nodes[1].kill();
            country.nodes[1].start();
            country.nodes[1].ready().await;
        }
    }
    let items = country.waiting(0, "edoc", files.len()).await;
    assert_eq!(items.len(), files.len());
    let mut client = country.client(0);
    let mut got = Vec::new();
    for item in &items[..3] {
        got.push(fetched(&mut client, &id(item)).await);
    }
    country.nodes[0].kill();
    country.nodes[0].start();
    country.nodes[0].ready().await;
    // The same items under the same ids, in the same order.
    let again = country.waiting(0, "edoc", files.len()).await;
    let ids = |items: &[serde_json::Value]| items.iter().map(id).collect::<Vec<_>>();
    assert_eq!(ids(&again), ids(&items));
    for item in &items[..2] {
        assert_eq!(says(&mut client, &id(item), "done").await, "0");
    }
    country.nodes[0].kill();
    country.nodes[0].start();
    country.nodes[0].ready().await;
    let rest = country.waiting(0, "edoc", files.len() - 2).await;
    assert_eq!(ids(&rest), ids(&items[2..]));
    for item in &rest {
        got.push(fetched(&mut client, &id(item)).await);
        assert_eq!(says(&mut client, &id(item), "done").await, "0");
    }
    // The one before `done` twice, and the third fetched twice: nothing is missing.
    got.sort();
    got.dedup();
    let mut expected: Vec<Vec<u8>> = files.into_values().collect();
    expected.sort();
    assert_eq!(got, expected);
    assert_eq!(client.call("countReceiveEdoc", BRACES).await.json()["count"], 0);
}

#[tokio::test]
async fn a_dispatch_of_somebody_without_edxml_is_composed() {
    let country = Country::running(2).await;
    let here = country.nodes[1].client();
    let sha256 = Digest(tram_crypto::sha256(PDF));
    let upload = here.upload(&agency(1), sha256, PDF.len() as u64, 0, PDF, |_| {}).await;
    assert!(upload.expect("an upload").complete);
    let request = SealRequest {
        originator: agency(1).into(),
        reference: None,
        recipients: vec![agency(0).into()],
        groups: Vec::new(),
        group: None,
        secrecy: SecrecyMark::None,
        metadata: SealMetadata {
            subject: "Báo cáo".to_owned(),
            number: Some("31".to_owned()),
            notation: Some("BC-UBND".to_owned()),
            ..SealMetadata::default()
        },
        act: None,
        documents: vec![SealDocument {
            name: "bao-cao.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            sha256: sha256.into(),
        }],
        expires_at: None,
        max_hops: None,
    };
    here.seal(&"31/BC-UBND".parse().expect("a reference"), &request).await.expect("accepted");
    let items = country.waiting(0, "edoc", 1).await;
    let mut client = country.client(0);
    let file = fetched(&mut client, &id(&items[0])).await;
    assert_eq!(client.call("downloadEdoc", None).await.body, file, "composed the same twice");
    let reading = read(&file[..], &mut Ignore, &Limits::DEFAULT).expect("edXML");
    let Content::Document(edoc) = reading.content else { panic!("a document") };
    assert_eq!((edoc.subject.as_str(), edoc.number.as_deref()), ("Báo cáo", Some("31")));
    assert_eq!(edoc.from.name.as_deref(), Some("Cơ quan H41"));
    assert_eq!(reading.attachments[0].sha256, sha256);
    eventually("it is confirmed", || async {
        says(&mut country.client(0), &id(&items[0]), "done").await == "0"
    })
    .await;
}
