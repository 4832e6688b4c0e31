//! What must be true at the end: inboxes, receipts, stores.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use tokio::time::sleep;
use tram_api::Client;
use tram_api::model::{CheckLine, CheckQuery, DispatchQuery, InboxQuery, ReceiptQuery};
use tram_dispatch::{AgencyCode, DispatchId, Event, NodeId, UnixMillis};
use tram_wire::Receipt;

use super::{Network, SOON};

/// Every dispatch in an inbox, in its order, with the originator's reference.
pub async fn inbox(client: &Client, agency: &AgencyCode) -> Vec<(DispatchId, String)> {
    let mut found = Vec::new();
    let mut query = InboxQuery { limit: Some(500), ..InboxQuery::default() };
    loop {
        let page = client.inbox(agency, &query).await.expect("an inbox");
        if page.items.is_empty() {
            return found;
        }
        found.extend(page.items.iter().map(|i| (i.dispatch.0, i.reference.0.to_string())));
        query.after = page.next;
    }
}

/// How the dispatches of an originator stand: (all, of which every leg is consigned).
pub async fn progress(
    client: &Client,
    originator: &AgencyCode,
) -> Result<(u64, u64), tram_api::ClientError> {
    let (mut all, mut consigned) = (0, 0);
    let originator = Some(originator.clone().into());
    let mut query = DispatchQuery { originator, limit: Some(500), ..DispatchQuery::default() };
    loop {
        let page = client.dispatches(&query).await?;
        for d in &page.items {
            assert_eq!(d.undelivered, 0, "{} was given up", d.reference);
            all += 1;
            consigned += u64::from(d.open == 0 && d.consigned > 0);
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok((all, consigned)),
        }
    }
}

/// Every receipt at a node, each verified offline and by an issuer who may say it: which events
/// which nodes signed, by dispatch. In each log time never goes back.
pub async fn receipts(
    network: &Network,
    client: &Client,
) -> BTreeMap<DispatchId, Vec<(Event, NodeId)>> {
    let mut found: BTreeMap<DispatchId, Vec<(Event, NodeId)>> = BTreeMap::new();
    let mut query = ReceiptQuery { limit: Some(500), ..ReceiptQuery::default() };
    let mut digests = BTreeSet::new();
    let mut logs: BTreeMap<_, BTreeMap<u64, UnixMillis>> = BTreeMap::new();
    loop {
        let page = client.receipts(&query).await.expect("receipts");
        for item in &page.items {
            let receipt = Receipt::parse(&item.raw.0).expect("a receipt");
            let (root, directory) = (&network.root, &network.directory);
            let verified = tram_trust::receipt::verify_offline(root, directory, receipt);
            let verified = verified.unwrap_or_else(|r| panic!("{}: {}", item.dispatch, r.detail));
            assert_eq!(verified.authorised_issuer(), Some(true), "{}", item.dispatch);
            assert!(digests.insert(verified.digest()), "a receipt is listed twice");
            let record = verified.record();
            logs.entry(record.epoch).or_default().insert(item.index, record.time);
            found.entry(record.dispatch).or_default().push((record.event, record.node.clone()));
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    for (epoch, times) in logs {
        assert!(times.values().is_sorted(), "the log of {epoch}: {times:?}");
    }
    found
}

/// Has the running node check its whole store, and wants nothing damaged.
pub async fn check_store(client: &Client) {
    let mut lines = client.check_store(&CheckQuery::default()).await.expect("a store check");
    let mut last = None;
    while let Some(line) = lines.next().await.expect("a store check") {
        last = Some(line);
    }
    match last {
        Some(CheckLine::Report(report)) => assert!(report.ok, "{:?}", report.damages),
        other => panic!("no report: {other:?}"),
    }
}

/// Waits until something holds; panics with `what` when it takes too long. A session whose other end
/// was killed is noticed after its idle timeout of a minute, so some things take that long.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = Instant::now() + 5 * SOON;
    while !holds().await {
        assert!(Instant::now() < deadline, "still not: {what}");
        sleep(Duration::from_millis(100)).await;
    }
}
