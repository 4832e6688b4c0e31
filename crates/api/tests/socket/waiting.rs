//! Long polls, event streams, progress lines, and the end of it all.

use std::time::Duration;

use tokio::time::{Instant, timeout};
use tram_api::model::{CheckLine, CheckQuery, InboxQuery};
use tram_api::{Access, Limits, Role};
use tram_dispatch::Code;

use crate::fake::Fake;
use crate::harness::{agency, everything, only, rule, running, start};

#[tokio::test]
async fn a_long_poll_wakes_when_something_comes() {
    let node = running().await;
    let (client, me) = (node.client(), agency("H41.12"));
    let empty = client.inbox(&me, &InboxQuery::default()).await.unwrap();
    let query = InboxQuery { wait_s: Some(30), after: empty.next, ..InboxQuery::default() };
    let begun = Instant::now();
    let (page, _) = tokio::join!(client.inbox(&me, &query), async {
        tokio::time::sleep(Duration::from_millis(80)).await;
        node.submit("H41|1|H41.12").await
    });
    let page = page.unwrap();
    assert_eq!(page.items.len(), 1);
    let took = begun.elapsed();
    assert!((Duration::from_millis(80)..Duration::from_secs(5)).contains(&took), "{took:?}");

    let query = InboxQuery { wait_s: Some(1), after: page.next.clone(), ..InboxQuery::default() };
    let begun = Instant::now();
    let nothing = client.inbox(&me, &query).await.unwrap();
    assert_eq!((nothing.items.len(), &nothing.next), (0, &page.next));
    assert!(begun.elapsed() >= Duration::from_millis(990));
}

#[tokio::test]
async fn stopping_answers_who_waits_and_removes_the_socket() {
    let node = running().await;
    let path = node.path.clone();
    let client = node.client();
    let me = agency("H41.12");
    let after = Some("0".to_owned());
    let query = InboxQuery { wait_s: Some(60), after: after.clone(), ..InboxQuery::default() };
    let begun = Instant::now();
    let (page, _) = tokio::join!(client.inbox(&me, &query), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        node.stop().await
    });
    assert_eq!(page.unwrap().next, after, "the same place again");
    assert!(begun.elapsed() < Duration::from_secs(4));
    assert!(!path.exists());
    assert_eq!(client.status().await.unwrap_err().code(), Code::NodeUnreachable);
}

#[tokio::test]
async fn a_kept_connection_that_died_is_replaced() {
    let limits = Limits { header_ms: 100, ..Limits::default() };
    let node = start(Fake::default(), everything(), limits).await;
    let client = node.client();
    for pause_ms in [0, 90, 100, 110, 200] {
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        client.status().await.unwrap();
    }
}

#[tokio::test]
async fn events_show_only_what_the_listener_may_see() {
    let access = Access::new(vec![rule(only(&["H41.12"]), &[Role::Collect])]);
    let limits = Limits { event_heartbeat_ms: 20, ..Limits::default() };
    let node = start(Fake::default(), access, limits).await;
    let put = |reference: &str, recipient: &str| {
        let sealed = format!("H41|{reference}|{recipient}").into();
        let recipients = vec![agency(recipient)];
        node.fake.accept(agency("H41"), reference.parse().unwrap(), recipients, sealed).unwrap()
    };
    put("1", "H41.13");
    let seen = put("2", "H41.12").dispatch;
    put("3", "H41.13");
    let last = put("4", "H41.12").dispatch;
    let client = node.client();
    let mut events = client.events(None).await.unwrap();
    let first = events.next().await.unwrap().unwrap();
    assert_eq!((first.dispatch, first.id.as_str()), (seen, "2"));
    assert_eq!(events.next().await.unwrap().unwrap().dispatch, last);
    // Heartbeats are not events.
    assert!(timeout(Duration::from_millis(80), events.next()).await.is_err());

    let mut resumed = client.events(Some(first.id)).await.unwrap();
    assert_eq!(resumed.next().await.unwrap().unwrap().dispatch, last);
    let end = tokio::spawn(async move { resumed.next().await });
    node.stop().await;
    assert!(end.await.unwrap().unwrap().is_none(), "the stream ends cleanly at stop");
}

#[tokio::test]
async fn a_check_reports_line_by_line_and_always_ends_in_words() {
    let node = running().await;
    let client = node.client();
    let mut lines = client.check_store(&CheckQuery::default()).await.unwrap();
    for expected in 1..=3 {
        let line = lines.next().await.unwrap().unwrap();
        assert!(matches!(line, CheckLine::Progress { done, .. } if done == expected), "{line:?}");
    }
    let report = lines.next().await.unwrap().unwrap();
    assert!(matches!(report, CheckLine::Report(r) if r.ok && r.batches == 3));
    assert_eq!(lines.next().await.unwrap(), None);

    let mut broken = client.check_store(&CheckQuery { documents: Some(false) }).await.unwrap();
    let mut last = None;
    while let Some(line) = broken.next().await.unwrap() {
        last = Some(line);
    }
    assert!(matches!(last, Some(CheckLine::Problem(p)) if p.code == "INTERNAL"));
}
