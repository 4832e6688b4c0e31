//! What an account's agencies sent, and how it fared.

use std::sync::Arc;

use tram_axis::{Account, DocId, Kind, Refusal, SentRow, shown};
use tram_dispatch::{AgencyCode, Event};
use tram_engine::state::held::HeldDispatch;
use tram_engine::state::leg::{Leg, Outcome};

use super::node::AxisNode;
use super::refusals;

/// Most dispatches in one answer.
const DISPATCHES_MAX: usize = 500;
/// Dispatches looked up in one question to the engine.
const LOOK_AT_ONCE: usize = 32;

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
            let sent = self.desk.sent_by(agency).await;
            ids.extend(sent.map_err(refusals::of_problem)?);
        }
        ids.sort_by_key(|(at, id)| (std::cmp::Reverse(*at), *id));
        let known = one.filter(|one| ids.iter().any(|(_, id)| DocId::sent(*id) == *one));
        ids.retain(|(_, id)| known.is_none_or(|one| DocId::sent(*id) == one));
        ids.truncate(DISPATCHES_MAX);
        let mut rows = Vec::new();
        for some in ids.chunks(LOOK_AT_ONCE) {
            let some = some.iter().map(|(_, id)| *id).collect();
            for held in self.desk.looked_up(some).await.map_err(refusals::of_problem)? {
                rows.extend(of(&account, &held));
                if rows.len() >= rows_max {
                    rows.truncate(rows_max);
                    return Ok(rows);
                }
            }
        }
        Ok(rows)
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
