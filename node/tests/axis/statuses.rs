//! Statuses, both ways.

use serde_json::Value;
use tram_dispatch::Status;
use tram_edxml::{Content, Ignore, Limits, StatusNotice, read};

use crate::country::{BRACES, Country, EMPTY, SYSTEMS, fetched, id, says};
use crate::edxml::{document, document_id, status};
use crate::support::agency;

async fn notice(client: &mut crate::client::Client, item: &Value) -> StatusNotice {
    let file = fetched(client, &id(item)).await;
    match read(&file[..], &mut Ignore, &Limits::DEFAULT).expect("edXML").content {
        Content::Status(notice) => *notice,
        Content::Document(_) => panic!("a status"),
    }
}

#[tokio::test]
async fn what_the_recipient_says_comes_back_as_status_files_until_it_is_confirmed() {
    let mut country = Country::running(2).await;
    let (from, to) = (SYSTEMS[1], SYSTEMS[0]);
    let mut sender = country.client(1);
    let sent = sender.send("edoc", from, &document(7, from, &[to], b"%PDF-1.7 x")).await;
    assert_eq!(sent.code(), "0");

    // 01, by the recipient's node, as soon as it holds the document.
    let first = country.waiting(1, "status", 1).await;
    let arrived = notice(&mut sender, &first[0]).await;
    assert_eq!(arrived.status, Status::Arrived);
    let of = |code: &Option<String>| code.clone().expect("a code");
    assert_eq!((of(&arrived.about.code).as_str(), arrived.from.code.as_str()), ("H41", "G22"));
    assert_eq!(of(&arrived.about.document_id), document_id(7, from));
    assert_eq!(says(&mut sender, &id(&first[0]), "done").await, "0");
    assert_eq!(says(&mut sender, &id(&first[0]), "done").await, "0");
    assert_eq!(sender.call("countReceiveStatus", BRACES).await.json()["count"], 0);

    // The recipient's system accepts it, without having confirmed it by updateStatus, and works on it.
    country.waiting(0, "edoc", 1).await;
    let mut recipient = country.client(0);
    let words = "Đã vào sổ số 15";
    let about = document_id(7, from);
    for (code, words) in
        [("01", ""), ("03", words), ("03", words), ("05", "Chuyên viên xử lý"), ("06", "")]
    {
        let said = recipient.send("status", to, &status(to, from, &about, code, words)).await;
        assert_eq!(said.code(), "0", "{code}: {}", said.json());
    }
    assert_eq!(recipient.call("countReceiveEdoc", BRACES).await.json()["count"], 0);
    let items = country.waiting(1, "status", 3).await;
    let mut given = Vec::new();
    for item in &items {
        let notice = notice(&mut sender, item).await;
        given.push((notice.status, notice.description));
    }
    assert_eq!(given[0], (Status::Accepted, Some(words.to_owned())));
    assert_eq!(given[1], (Status::Processing, Some("Chuyên viên xử lý".to_owned())));
    assert_eq!(given[2].0, Status::Completed);
    assert_eq!(given.len(), 3, "what is said twice is one");

    // Confirmed ones stay away over a restart, the others are there again.
    assert_eq!(says(&mut sender, &id(&items[0]), "done").await, "0");
    country.nodes[1].kill();
    country.nodes[1].start();
    country.nodes[1].ready().await;
    let again = country.waiting(1, "status", 2).await;
    assert_eq!(
        again.iter().map(id).collect::<Vec<_>>(),
        items[1..].iter().map(id).collect::<Vec<_>>()
    );

    let rows = sender.call("getSentEdocList", EMPTY).await.json()["data"].clone();
    assert_eq!(rows.as_array().map(Vec::len), Some(1));
    assert_eq!((&rows[0]["sendStatus"], &rows[0]["receiveStatus"]), (&"done".into(), &"06".into()));

    // And it stands in the evidence as what it is: said by the agency, under its seal.
    let entry = country.nodes[0].client();
    let inbox = entry.inbox(&agency(0), &Default::default()).await.expect("an inbox");
    let entry = entry.inbox_entry(&agency(0), inbox.items[0].dispatch.0).await.expect("an entry");
    let all: Vec<Status> = entry.statuses.iter().map(|s| s.status.0).collect();
    assert_eq!(all, [Status::Arrived, Status::Accepted, Status::Processing, Status::Completed]);
    assert!(entry.statuses[1..].iter().all(|s| s.sealed_by_agency));
}

#[tokio::test]
async fn a_refusal_a_recall_and_its_answer() {
    let country = Country::running(2).await;
    let (from, to) = (SYSTEMS[1], SYSTEMS[0]);
    let (mut sender, mut recipient) = (country.client(1), country.client(0));
    for n in [50, 51] {
        let sent = sender.send("edoc", from, &document(n, from, &[to], b"%PDF-1.7 x")).await;
        assert_eq!(sent.code(), "0");
    }
    country.waiting(0, "edoc", 2).await;
    let refused = status(to, from, &document_id(50, from), "02", "Không đúng thẩm quyền");
    assert_eq!(recipient.send("status", to, &refused).await.code(), "0");
    // Refused is refused: it cannot be accepted later.
    let accepted = status(to, from, &document_id(50, from), "03", "");
    assert_eq!(recipient.send("status", to, &accepted).await.code(), "21");
    let unknown = status(to, from, &document_id(99, from), "03", "");
    assert_eq!(recipient.send("status", to, &unknown).await.code(), "21");
    let foreign = status(from, to, &document_id(51, from), "03", "");
    assert_eq!(recipient.send("status", to, &foreign).await.code(), "19");

    // 13 asks for the document back: a recall, which the recipient's system answers by 15.
    let recall = status(from, to, &document_id(51, from), "13", "Văn bản có sai sót");
    let asked = sender.send("status", from, &recall).await;
    assert_eq!(asked.code(), "0", "{}", asked.json());
    let items = country.waiting(0, "status", 1).await;
    assert_eq!((items.len(), &items[0]["messageType"]), (1, &"status".into()));
    assert_eq!(fetched(&mut recipient, &id(&items[0])).await, recall);
    assert_eq!(recipient.call("countReceiveStatus", BRACES).await.json()["count"], 1);
    let agreed = status(to, from, &document_id(51, from), "15", "Đồng ý");
    let said = recipient.send("status", to, &agreed).await;
    assert_eq!(said.code(), "0", "{}", said.json());
    let mut seen = Vec::new();
    for item in country.waiting(1, "status", 5).await {
        let notice = notice(&mut sender, &item).await;
        // Its system knows the document, and nothing of a dispatch that asked for it back.
        let about = notice.about.document_id.expect("a document");
        assert!([50, 51].map(|n| document_id(n, from)).contains(&about), "{about}");
        seen.push(notice.status);
    }
    for expected in [Status::Arrived, Status::Refused, Status::Agreed] {
        assert!(seen.contains(&expected), "{expected} in {seen:?}");
    }
}
