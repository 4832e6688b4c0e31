//! What an account's agencies sent, and how it fared.

use std::sync::Arc;

use tram_axis::{Account, DocId, Kind, Refusal, SentRow, shown};
use tram_dispatch::{AgencyCode, DispatchId, Event, UnixMillis};
use tram_engine::state::held::HeldDispatch;
use tram_engine::state::leg::{Leg, Outcome};
use tram_spool::store::DispatchQuery;

use super::files::blocking;
use super::node::AxisNode;
use super::refusals;

/// How far back is looked, milliseconds: 30 days.
pub(super) const BACK_MS: u64 = 30 * 86_400_000;
/// Most dispatches in one answer.
const DISPATCHES_MAX: usize = 500;
/// Dispatches looked up in one question to the engine.
const LOOK_AT_ONCE: usize = 32;
/// Dispatches listed in one question to the store.
const PAGE: usize = 500;

impl AxisNode {
    pub(super) async fn do_sent(
        &self,
        account: Arc<Account>,
        kind: Kind,
        one: Option<DocId>,
        rows_max: usize,
    ) -> Result<Vec<SentRow>, Refusal> {
        if kind == Kind::Status {
            // Statuses are no dispatches of their own here.
            return Ok(Vec::new());
        }
        let mut ids = Vec::new();
        for agency in &account.agencies {
            ids.extend(self.sent_by(agency).await?);
        }
        ids.sort_by_key(|(at, id)| (std::cmp::Reverse(*at), *id));
        let known = one.filter(|one| ids.iter().any(|(_, id)| DocId::sent(*id) == *one));
        ids.retain(|(_, id)| known.is_none_or(|one| DocId::sent(*id) == one));
        ids.truncate(DISPATCHES_MAX);
        let mut rows = Vec::new();
        for some in ids.chunks(LOOK_AT_ONCE) {
            for held in self.looked_up(some.iter().map(|(_, id)| *id).collect()).await? {
                rows.extend(of(&account, &held));
                if rows.len() >= rows_max {
                    rows.truncate(rows_max);
                    return Ok(rows);
                }
            }
        }
        Ok(rows)
    }

    /// What an agency sent lately: when, and which.
    pub(super) async fn sent_by(
        &self,
        agency: &AgencyCode,
    ) -> Result<Vec<(UnixMillis, DispatchId)>, Refusal> {
        let context = self.service.context.clone();
        let now = context.core.now().wall;
        let (store, agency) = (context.store.clone(), agency.clone());
        blocking(move || {
            let mut query = DispatchQuery {
                agency: Some(agency.clone()),
                from: Some(UnixMillis(now.0.saturating_sub(BACK_MS))),
                limit: PAGE,
                ..DispatchQuery::default()
            };
            let mut found = Vec::new();
            loop {
                let page = store.dispatches(&query).map_err(|e| refusals::broken(e.explain()))?;
                let own = page.items.into_iter().filter(|d| d.originator == agency);
                found.extend(own.map(|d| (d.at, d.dispatch)));
                match page.next {
                    Some(next) => query.after = Some(next),
                    None => return Ok(found),
                }
            }
        })
        .await
    }

    /// These dispatches, in their order; one that cannot be read is left out.
    pub(super) async fn looked_up(
        &self,
        ids: Vec<DispatchId>,
    ) -> Result<Vec<HeldDispatch>, Refusal> {
        let look = move |engine: &tram_engine::Engine, view: &dyn tram_engine::View| {
            ids.into_iter().filter_map(|id| engine.find(&id, view).ok().flatten()).collect()
        };
        self.service.context.core.question(look).await.map_err(refusals::of_stopping)
    }
}

/// A row for each recipient of a dispatch.
fn of(account: &Account, held: &HeldDispatch) -> Vec<SentRow> {
    let e = held.dispatch.envelope();
    let mut statuses = held.newest_statuses();
    let notation = match (&e.metadata.number, &e.metadata.notation) {
        (Some(number), Some(notation)) => Some(format!("{number}/{notation}")),
        (Some(one), None) | (None, Some(one)) => Some(one.clone()),
        (None, None) => None,
    };
    let row = |(recipient, leg): (&AgencyCode, &Leg)| {
        let status = statuses.remove(recipient);
        let consigned = held.evidence.iter().find(|k| {
            k.authorised
                && k.evidence.event == Event::ContentConsignment
                && k.evidence.recipient.as_ref() == Some(recipient)
        });
        let send_status = match (leg, consigned) {
            (_, Some(_)) | (Leg::Mailbox { .. }, _) => "done",
            (Leg::Ended { outcome: Outcome::Consigned, .. }, _) => "done",
            (Leg::Ended { .. }, _) => "fail",
            _ => "processing",
        };
        SentRow {
            service_type: "eDoc",
            message_type: Kind::Document.as_str(),
            sender_doc_id: DocId::sent(held.id()).to_string(),
            receiver_doc_id: DocId::received(held.id(), recipient).to_string(),
            from_code: account.spelled(&e.originator),
            to_code: account.spelled(recipient),
            title: e.metadata.subject.clone(),
            notation: notation.clone(),
            sent_time: shown(held.at),
            received_time: consigned.map(|k| shown(k.evidence.time)),
            send_status,
            send_status_desc: None,
            receive_status: status.map(|s| s.status.to_string()),
            receive_status_desc: status.map(|s| {
                s.known.evidence.remark.clone().unwrap_or_else(|| s.status.name_vi().to_owned())
            }),
        }
    };
    held.legs.iter().map(row).collect()
}
