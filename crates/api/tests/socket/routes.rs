//! Every route with the client that the CLI uses.

use std::collections::BTreeSet;

use bytes::Bytes;
use tram_api::model::*;
use tram_dispatch::envelope::Sequence;
use tram_dispatch::{Code, Digest, DispatchId, Event, NodeId, Reference};

use crate::fake::{Fake, pattern};
use crate::harness::{agency, everything, running, start};

const SHA: Digest = Digest([0xaa; 32]);

#[tokio::test]
async fn submit_sealed_framed_and_again() {
    let node = running().await;
    let client = node.client();
    let sealed = b"H41|16/CT|H41.12,H41.12.03".as_slice();
    let first = client.submit(sealed, &[]).await.unwrap();
    assert!(!first.repeat);
    assert_eq!((first.legs.len(), first.receipt.0.as_slice()), (2, b"receipt".as_slice()));
    let documents = [Some(Bytes::from_static(b"%PDF")), None];
    let again = client.submit(sealed, &documents).await.unwrap();
    assert_eq!(again, Accepted { repeat: true, ..first.clone() });
    assert_eq!(node.fake.lock().inline, [Some(4), None]);

    let raw = node
        .ask(
            "POST",
            "/v1/dispatches",
            "Content-Type: application/vnd.tram.dispatch+cbor\r\n",
            sealed,
        )
        .await;
    assert_eq!(raw.status, 200, "a repeat is 200, the first is 201");
    let other = client.submit(b"H41|16/CT|H41.13", &[]).await.unwrap_err();
    assert_eq!(other.code(), Code::ReferenceReused);

    let tracked = client.track(first.dispatch.0).await.unwrap();
    assert_eq!(tracked.subject.as_deref(), Some("Về việc thử"));
    let unknown = client.track(DispatchId([1; 32])).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}

fn seal_request() -> SealRequest {
    SealRequest {
        originator: agency("H41").into(),
        reference: None,
        recipients: vec![agency("H41.12").into()],
        groups: Vec::new(),
        group: None,
        secrecy: SecrecyMark::None,
        metadata: SealMetadata {
            subject: "Về việc \"thử\"".into(),
            urgency: UrgencyLevel::FlashAt,
            urgent_by: Some(crate::fake::NOW.into()),
            signer: Some(SealSigner { name: "Nguyễn Văn A".into(), office: None }),
            ..SealMetadata::default()
        },
        act: Some(SealAct {
            kind: SealActKind::Replace,
            of: vec![SealRelated {
                originator: agency("H41").into(),
                reference: "1".parse::<Reference>().unwrap().into(),
                dispatch: None,
            }],
        }),
        documents: vec![SealDocument {
            name: "Chỉ thị.pdf".into(),
            media_type: "application/pdf".into(),
            sha256: SHA.into(),
        }],
        expires_at: None,
        max_hops: Some(6),
    }
}

#[tokio::test]
async fn the_node_seals_under_the_idempotency_key() {
    let node = running().await;
    let client = node.client();
    let reference: Reference = "16/QĐ-UBND".parse().unwrap();
    let first = client.seal(&reference, &seal_request()).await.unwrap();
    assert_eq!(first.reference.0, reference, "a reference beyond ASCII survives the header");
    assert!(client.seal(&reference, &seal_request()).await.unwrap().repeat);

    let body = serde_json::to_string(&seal_request()).unwrap();
    let without = node.post_json("/v1/dispatches", &body).await;
    assert_eq!(without.code(), "BAD_REQUEST");
    assert!(without.detail().contains("Idempotency-Key"));
    let differs = SealRequest {
        reference: Some("other".parse::<Reference>().unwrap().into()),
        ..seal_request()
    };
    let error = client.seal(&reference, &differs).await.unwrap_err();
    assert!(error.to_string().contains("differ"), "{error}");
}

#[tokio::test]
async fn uploads_resume_where_they_were_cut() {
    let node = running().await;
    let client = node.client();
    let owner = agency("H41");
    assert_eq!(client.upload_state(&owner, SHA).await.unwrap(), None);
    let whole: Vec<u8> = (0..300_000).map(pattern).collect();
    let part = std::io::Cursor::new(whole[..100_000].to_vec());
    // The client announces all and then breaks off, as after a crash.
    let cut = client.upload(&owner, SHA, 300_000, 0, part, |_| {}).await;
    assert!(cut.is_err());
    let (offset, complete) = loop {
        if let Some(state) = client.upload_state(&owner, SHA).await.unwrap() {
            break state;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    assert!(!complete && offset <= 100_000, "{offset}");

    let wrong = client.upload(&owner, SHA, 300_000, offset + 1, tokio::io::empty(), |_| {}).await;
    assert!(wrong.is_err());
    let target = format!("/v1/documents/{SHA}?agency=H41&size=300000&offset={}", offset + 1);
    let answer = node.ask("PUT", &target, "Content-Type: application/octet-stream\r\n", b"x").await;
    assert_eq!(answer.code(), "WRONG_STATE");
    assert_eq!(answer.json()["upload_offset"], offset);
    assert_eq!(answer.header("upload-offset"), Some(offset.to_string()));

    let file = std::io::Cursor::new(whole);
    let (heard, mut hears) = tokio::sync::mpsc::channel(1000);
    let progress = move |n| heard.try_send(n).unwrap();
    let state = client.upload_resuming(&owner, SHA, 300_000, file, progress).await.unwrap();
    assert!(state.complete && state.created);
    let mut last = 0;
    while let Some(done) = hears.recv().await {
        assert!(done > last.max(offset));
        last = done;
    }
    assert_eq!(last, 300_000);
    let again = client.upload_resuming(&owner, SHA, 300_000, std::io::Cursor::new(vec![]), |_| {});
    assert!(!again.await.unwrap().created);

    for (query, part) in [
        ("agency=H41&size=5&offset=6", "beyond"),
        ("agency=H41&size=5", "longer"),
        ("agency=H41&size=99999999999", "at most"),
        ("agency=H41", "size"),
        ("size=5", "agency"),
    ] {
        let target = format!("/v1/documents/{SHA}?{query}");
        let headers = "Content-Type: application/octet-stream\r\n";
        let answer = node.ask("PUT", &target, headers, b"123456").await;
        assert!(answer.detail().contains(part), "{query}: {}", answer.detail());
    }
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let fake = Fake { refuse_uploads: true, ..Fake::default() };
    let node = start(fake, everything(), Default::default()).await;
    for _ in 0..20 {
        let endless = tokio::io::repeat(7);
        let size = 64 << 20;
        let error = node.client().upload(&agency("H41"), SHA, size, 0, endless, |_| {}).await;
        let error = error.unwrap_err();
        assert_eq!(error.code(), Code::Quota, "{error}");
        let tram_api::ClientError::Problem(document) = error else { panic!("not a problem") };
        assert_eq!(document.retry_after_s, Some(3600));
    }
}

#[tokio::test]
async fn the_way_of_the_recipient() {
    let fake = Fake { document_bytes: 200_000, ..Fake::default() };
    let node = start(fake, everything(), Default::default()).await;
    let client = node.client();
    let (me, other) = (agency("H41.12"), agency("H41.13"));
    let id = node.submit("H41|1|H41.12").await.dispatch.0;
    let page = client.inbox(&me, &InboxQuery::default()).await.unwrap();
    assert_eq!((page.items.len(), page.next.as_deref()), (1, Some("1")));
    assert!(client.inbox(&other, &InboxQuery::default()).await.unwrap().items.is_empty());
    assert_eq!(client.inbox_entry(&me, id).await.unwrap().state, InboxState::Waiting);
    let elsewhere = client.inbox_entry(&other, id).await.unwrap_err();
    assert_eq!(elsewhere.code(), Code::NotFound);

    let fetched = client.fetch(&me, id).await.unwrap();
    assert_eq!(&fetched.sealed[..], b"H41|1|H41.12");
    let wrong = client.confirm(&me, id, "fetch-0").await.unwrap_err();
    assert_eq!(wrong.code(), Code::WrongState);
    let confirmed = client.confirm(&me, id, &fetched.token).await.unwrap();
    assert_eq!((confirmed.event.0, confirmed.repeat), (Event::ContentHandover, false));
    assert!(client.confirm(&me, id, &fetched.token).await.unwrap().repeat);
    let registered = client.register(&me, id, Some("Số đến 12".into())).await.unwrap();
    assert_eq!(registered.event.0, Event::ConsignmentAcceptance);
    let refused = client.refuse(&me, id, "Gửi nhầm".into()).await.unwrap();
    assert_eq!(refused.event.0, Event::ConsignmentRejection);
    assert!(registered.statement.is_none() && refused.statement.is_none());
    let sealed = client.register_sealed(&me, id, b"registered").await.unwrap();
    assert_eq!(sealed.statement.unwrap().0, b"registered");
    let sealed = client.refuse_sealed(&me, id, b"refused").await.unwrap();
    assert_eq!(sealed.statement.unwrap().0, b"refused");
    let large = vec![0; tram_dispatch::limits::STATEMENT_BYTES_MAX + 1];
    let large = client.refuse_sealed(&me, id, &large).await.unwrap_err();
    assert_eq!(large.code(), Code::TooLarge);
    let blank = client.refuse(&me, id, "  ".into()).await.unwrap_err();
    assert_eq!(blank.code(), Code::BadRequest);
    let state = InboxQuery { state: Some(InboxState::Refused), ..InboxQuery::default() };
    assert_eq!(client.inbox(&me, &state).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn documents_come_whole_in_ranges_and_are_cut_when_damaged() {
    let fake =
        Fake { document_bytes: 200_000, document_breaks_at: Some(150_000), ..Fake::default() };
    let node = start(fake, everything(), Default::default()).await;
    let client = node.client();
    let me = agency("H41.12");
    let id = node.submit("H41|1|H41.12").await.dispatch.0;
    let target = format!("/v1/agencies/H41.12/inbox/{id}/documents/{SHA}");
    let part = node.ask("GET", &target, "Range: bytes=1000-1999\r\n", b"").await;
    assert_eq!(part.status, 206);
    assert_eq!(part.header("content-range").as_deref(), Some("bytes 1000-1999/200000"));
    assert_eq!(part.header("content-type").as_deref(), Some("application/pdf"));
    assert_eq!(part.body, (1000..2000).map(pattern).collect::<Vec<_>>());
    let outside = node.ask("GET", &target, "Range: bytes=200000-\r\n", b"").await;
    assert_eq!((outside.status, outside.code().as_str()), (416, "BAD_REQUEST"));

    let mut download = client.download(&me, id, SHA, 0).await.unwrap();
    assert_eq!(download.bytes, 200_000);
    let mut got = 0;
    let end = loop {
        match download.next().await {
            Ok(Some(piece)) => got += piece.len(),
            other => break other,
        }
    };
    assert!(end.is_err() && got < 200_000, "a damaged document must not look whole: {got}");

    let mut tail = client.download(&me, id, SHA, 149_000).await.unwrap();
    assert_eq!(tail.bytes, 51_000);
    let first = tail.next().await.unwrap().unwrap();
    assert_eq!(first[0], pattern(149_000));
}

#[tokio::test]
async fn listings_page_and_receipts_come_raw() {
    let node = running().await;
    let client = node.client();
    for i in 0..5 {
        node.submit(&format!("H41|{i}|H41.12")).await;
    }
    let mut query = DispatchQuery { limit: Some(2), ..DispatchQuery::default() };
    let mut references = Vec::new();
    loop {
        let page = client.dispatches(&query).await.unwrap();
        references.extend(page.items.iter().map(|d| d.reference.to_string()));
        let Some(next) = page.next else { break };
        query.after = Some(next);
    }
    assert_eq!(references, ["0", "1", "2", "3", "4"]);
    let exact = DispatchQuery {
        originator: Some(agency("H41").into()),
        reference: Some("3".parse::<Reference>().unwrap().into()),
        ..DispatchQuery::default()
    };
    let found = client.dispatches(&exact).await.unwrap();
    assert_eq!(found.items.len(), 1);

    let receipts = client.receipts(&ReceiptQuery::default()).await.unwrap();
    assert_eq!(receipts.items.len(), 10);
    let query = ReceiptQuery { limit: Some(3), ..ReceiptQuery::default() };
    let (raw, next) = client.receipts_raw(&query).await.unwrap();
    assert_eq!((&raw[..], next.as_deref()), ([0x83, 1, 2, 3].repeat(3).as_slice(), Some("3")));
    let id = found.items[0].dispatch.0;
    let one = client.dispatch_receipts(id, &DispatchReceiptsQuery::default()).await.unwrap();
    assert_eq!(one.items.len(), 2);
    assert_eq!(&client.evidence(id, false).await.unwrap()[..], b"evidence");
    assert_eq!(&client.evidence(id, true).await.unwrap()[..], b"evidence, documents");
    let none = client.evidence(DispatchId([0; 32]), false).await;
    assert_eq!(none.unwrap_err().code(), Code::NotFound);
    let none = client.dispatch_receipts(DispatchId([0; 32]), &Default::default()).await;
    assert_eq!(none.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn log_and_node() {
    let node = running().await;
    let client = node.client();
    assert_eq!(client.log_head().await.unwrap().size, 2);
    assert!(client.log_witnesses().await.unwrap().reached);
    assert!(client.log_timestamps().await.unwrap().stamps.is_empty());
    assert!(client.log_anchor().await.unwrap().signing);
    let anchored = client.override_anchor("mất tệp neo").await.unwrap();
    assert_eq!(anchored.receipt.0, "mất tệp neo".as_bytes());
    let query = RetentionQuery { due: Some(true), after: Some("x".into()), limit: None };
    let retention = client.retention(&query).await.unwrap();
    assert_eq!((retention.removed_today, retention.limited), (100, true));
    assert_eq!(retention.next.as_deref(), Some("x"));
    assert_eq!(client.log_entries(3, 2).await.unwrap().len(), 68);
    for width in [0, 257] {
        let refused = client.log_entries(3, width).await.unwrap_err();
        assert_eq!(refused.code(), Code::BadRequest);
    }
    assert_eq!(client.inclusion(1, 2).await.unwrap().path.len(), 1);
    assert_eq!(client.inclusion(2, 2).await.unwrap_err().code(), Code::BadRequest);
    assert_eq!(client.consistency(1, 2).await.unwrap().new, 2);
    assert_eq!(client.consistency(0, 2).await.unwrap_err().code(), Code::BadRequest);
    assert_eq!(client.consistency(3, 2).await.unwrap_err().code(), Code::BadRequest);
    assert_eq!(client.genesis().await.unwrap().genesis.0, [1]);
    assert_eq!(client.status().await.unwrap().state, NodeState::Ready);
    assert!(client.peers().await.unwrap().items.is_empty());
    let peer: NodeId = "n1.H41.12".parse().unwrap();
    assert!(client.test_peer(&peer).await.unwrap().ok);
    let query = QueueQuery { peer: Some(peer.into()), ..QueueQuery::default() };
    assert!(client.queue(&query).await.unwrap().items.is_empty());
    let id = DispatchId([2; 32]);
    for action in QueueAction::ALL {
        let words = Some("không còn cần".to_owned());
        let change = client.change_queue(id, &agency("H41"), action, words).await.unwrap();
        assert_eq!(change.action, action);
    }
    let silent = client.change_queue(id, &agency("H41"), QueueAction::Drop, None).await;
    assert_eq!(silent.unwrap_err().code(), Code::BadRequest);
    // An opaque code with characters that a path must escape.
    let odd = agency("vxp?a#b%c&d");
    let change = client.change_queue(id, &odd, QueueAction::Hold, None).await.unwrap();
    assert_eq!(change.recipient.0, odd);
    let find = DirectoryQuery { find: Some("Hà Nội & x=y".into()), ..Default::default() };
    assert_eq!(client.directory(&find).await.unwrap().items[0].name, "Hà Nội & x=y");
    let installed = client.install_directory(vec![0; 3 << 20]).await.unwrap();
    assert_eq!(installed.entries, 3 << 20);
    assert!(client.openapi().await.unwrap().starts_with(b"{"));
}

/// Every line of the table has a handler and can be reached: nothing answers 404 for the path,
/// 405, or `INTERNAL`.
#[tokio::test]
async fn every_route_of_the_table_is_served() {
    let node = running().await;
    let id = node.submit("H41|1|H41.12").await.dispatch;
    let mut seen = BTreeSet::new();
    for route in tram_api::routes::ROUTES {
        let target = route
            .path
            .replace("{sha256}", &SHA.to_string())
            .replace("{dispatch}", &id.to_string())
            .replace("{agency}", "H41.12")
            .replace("{recipient}", "H41.12")
            .replace("{node}", "n1.H41")
            .replace("{action}", "hold")
            .replace("{series}", "5")
            .replace("{number}", "7");
        // The stream of events does not end by itself; a bad cursor shows that its handler is
        // there.
        let query = if route.name == "events" { "?after=%20" } else { "?agency=H41.12" };
        let target = format!("{target}{query}");
        let headers = route.body.first().map(|(m, _)| format!("Content-Type: {m}\r\n"));
        let headers = headers.unwrap_or_default();
        let answer = node.ask(route.verb.name(), &target, &headers, b"").await;
        assert!(![405, 500].contains(&answer.status), "{}: {answer:?}", route.name);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(!text.contains("no route"), "{}: {text}", route.name);
        assert!(seen.insert(route.name), "{} stands twice", route.name);
        assert!(seen.len() <= tram_api::routes::ROUTES.len());
    }
}

#[tokio::test]
async fn missing_numbers_are_asked_for_and_declared_void() {
    let node = running().await;
    let client = node.client();
    let query = GapsQuery {
        agency: agency("H41").into(),
        series: Some(5),
        admissions: false,
        from: Some(3),
        grace_s: Some(60),
        limit: None,
    };
    let report = client.gaps(&query).await.unwrap();
    assert_eq!((report.grace_s, report.numberings[0].gaps[0].number), (60, 3));
    for bad in ["from=0", "limit=0", "limit=501", "series=5&admissions=true", "series=-1"] {
        let target = format!("/v1/audit/gaps?agency=H41&{bad}");
        assert_eq!(node.ask("GET", &target, "", b"").await.code(), "BAD_REQUEST", "{bad}");
    }
    let sequence = Sequence { series: u64::MAX, number: 7 };
    let voided = client.void(&agency("H41"), sequence, "không gửi").await.unwrap();
    assert_eq!((voided.series, voided.number), (u64::MAX, 7));
    assert_eq!(voided.statement.0, "không gửi".as_bytes());
    let voided = client.void_sealed(&agency("H41"), sequence, b"sealed").await.unwrap();
    assert_eq!(voided.statement.0, b"sealed");
}
