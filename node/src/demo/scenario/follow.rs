//! Following a dispatch from node to node by the evidence of each.

use std::time::{Duration, Instant};

use tokio::time::sleep;
use tram_api::model::{EvidenceView, Tracking};
use tram_dispatch::{Code, DispatchId, Event};

use super::{POLL, Scenario, WAIT};
use crate::cli::table::Align;
use crate::demo::failure::DemoError;
use crate::demo::tiers::{agency, node};

/// What one node recorded on the way.
pub(super) struct Hop {
    code: &'static str,
    evidence: EvidenceView,
}

impl Scenario<'_> {
    /// Asks the nodes of the way one after the other until each has recorded its part.
    pub(super) async fn follow(
        &self,
        id: DispatchId,
        way: &[&'static str],
        recipient: &'static str,
    ) -> Result<Vec<Hop>, DemoError> {
        let mut hops = Vec::new();
        for (i, code) in way.iter().enumerate() {
            let event = match i {
                0 => Event::SubmissionAcceptance,
                i if i + 1 == way.len() => Event::ContentConsignment,
                _ => Event::RelayAcceptance,
            };
            let evidence = self.evidence(code, id, code, recipient, event).await?;
            hops.push(Hop { code, evidence });
        }
        Ok(hops)
    }

    /// Waits until the originator's node holds the receipt of an event at the recipient's.
    pub(super) async fn wait_for(
        &self,
        originator: &'static str,
        id: DispatchId,
        recipient: &'static str,
        event: Event,
    ) -> Result<(), DemoError> {
        self.evidence(originator, id, recipient, recipient, event).await.map(drop)
    }

    /// Asks one node until it knows of an event that another recorded.
    pub(super) async fn evidence(
        &self,
        asked: &'static str,
        id: DispatchId,
        issuer: &'static str,
        recipient: &'static str,
        event: Event,
    ) -> Result<EvidenceView, DemoError> {
        let (issuer, recipient) = (node(issuer), agency(recipient));
        let wanted = |e: &EvidenceView| {
            e.event.0 == event
                && e.node.0 == issuer
                && e.authorised
                && e.recipient.as_ref().is_none_or(|r| r.0 == recipient)
        };
        let what = || format!("{} of {issuer} for {recipient}, seen at {asked}", event.name());
        self.until(asked, id, what, |t| t.evidence.iter().find(|e| wanted(e)).cloned()).await
    }

    /// Asks one node about a dispatch until it shows what is looked for; `what` names that.
    pub(super) async fn until<T>(
        &self,
        asked: &'static str,
        id: DispatchId,
        what: impl Fn() -> String,
        look: impl Fn(&Tracking) -> Option<T>,
    ) -> Result<T, DemoError> {
        let (client, began) = (self.client(asked)?, Instant::now());
        loop {
            match client.track(id).await {
                Ok(tracking) => {
                    if let Some(found) = look(&tracking) {
                        return Ok(found);
                    }
                }
                // It has not come here yet.
                Err(error) if error.code() == Code::NotFound => {}
                Err(error) => return self.told(asked, "track", Err(error)),
            }
            if began.elapsed() > WAIT {
                return Err(DemoError::TooSlow(what(), WAIT.as_secs()));
            }
            sleep(POLL).await;
        }
    }

    /// Shows the way to each recipient: what each node recorded, and when.
    pub(super) fn show_hops(&self, id: DispatchId, ways: &[(&str, Vec<Hop>)]) {
        let page = self.page;
        page.note(format!("dispatch {id}"), format!("gói {id}"));
        let mut rows = Vec::new();
        for (recipient, hops) in ways {
            let first = hops.first().map(|h| h.evidence.at.0).unwrap_or_default();
            let mut before = first;
            for hop in hops {
                let e = &hop.evidence;
                let event = page.pick(e.event.0.name(), e.event.0.name_vi());
                rows.push(vec![
                    (*recipient).to_owned(),
                    self.tier_word(hop.code).to_owned(),
                    e.node.to_string(),
                    event.to_owned(),
                    format!("{} ms", e.at.0.since_ms(before)),
                    format!("{} ms", e.at.0.since_ms(first)),
                    e.index.to_string(),
                    e.receipt.0.short(),
                ]);
                before = e.at.0;
            }
        }
        page.table(
            &[
                ("to", "đến", Align::Left),
                ("tier", "cấp", Align::Left),
                ("node", "nút", Align::Left),
                ("evidence event", "sự kiện bằng chứng", Align::Left),
                ("hop", "chặng", Align::Right),
                ("in all", "tổng", Align::Right),
                ("leaf", "lá", Align::Right),
                ("receipt", "biên nhận", Align::Left),
            ],
            rows,
        );
    }

    /// Shows how long it took until the originator's node had the proof.
    pub(super) fn show_back(&self, originator: &'static str, elapsed: Duration) {
        let (ms, node) = (elapsed.as_millis(), node(originator));
        self.page.note(
            format!("proof of consignment back at {node}: {ms} ms after submission"),
            format!("bằng chứng đã đến nơi nhận về tới {node}: {ms} ms sau khi nộp"),
        );
    }
}
