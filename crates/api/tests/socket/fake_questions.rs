//! What the fake answers auditors.

use tram_api::model::*;
use tram_api::service::Reply;
use tram_api::{Caller, Problem, Questions, Scope};
use tram_dispatch::{AgencyCode, Code, Digest, DispatchId};

use super::{Fake, NOW};

fn agency(code: &str) -> AgencyCode {
    AgencyCode::parse(code).unwrap()
}

fn overdue(originator: &str, recipient: &str) -> OverdueItem {
    OverdueItem {
        dispatch: DispatchId([1; 32]).into(),
        originator: agency(originator).into(),
        recipient: agency(recipient).into(),
        arrived_at: NOW.into(),
        due_at: NOW.into(),
        registered_at: None,
    }
}

fn touched(originator: &str, recipient: &str) -> KeyItem {
    KeyItem {
        used_for: KeyUse::Statement,
        at: NOW.into(),
        first_custody_at: None,
        later: Some(true),
        certificate: Some(Digest([1; 32]).into()),
        dispatch: DispatchId([1; 32]).into(),
        originator: agency(originator).into(),
        reference: None,
        event: None,
        epoch: None,
        recipient: Some(agency(recipient).into()),
        legs: Vec::new(),
    }
}

pub fn row(code: &str) -> StatisticsRow {
    StatisticsRow {
        agency: Some(agency(code).into()),
        name: Some("UBND".to_owned()),
        tier: Some(2),
        party: StatisticsParty::Recipient,
        rejected: 0,
        sent: 3,
        underway: 1,
        arrived: 2,
        refused: 0,
        failed: 0,
        expired: 0,
        arrived_percent: Some(66.67),
        to_arrive: Durations { count: 2, median_ms: Some(7), p90_ms: Some(9) },
        came: 2,
        waiting: 1,
        registered: 1,
        registered_in_time: 1,
        returned: 0,
        lapsed: 0,
        dropped: 0,
        registered_percent: Some(50.0),
        in_time_percent: Some(50.0),
        to_register: Durations::default(),
    }
}

/// Answers more than the caller may see, so that the socket has something to drop.
impl Questions for Fake {
    fn audit_documents(&self, caller: Caller, query: NumberedQuery) -> Reply<'_, Page<Tracking>> {
        Box::pin(async move {
            let first = self.lock().items.first().map(|item| item.id);
            let id = first.filter(|_| query.number == "16");
            let id = id.ok_or_else(|| Problem::new(Code::NotFound, "no such number"))?;
            let items = vec![tram_api::Service::track(self, caller, id).await?];
            Ok(Page { items, next: None })
        })
    }

    fn audit_between(&self, _: Caller, _: BetweenQuery) -> Reply<'_, Page<DispatchSummary>> {
        Box::pin(async { Ok(Page::default()) })
    }

    fn audit_refusals(
        &self,
        caller: Caller,
        query: RefusalsQuery,
        scope: Scope,
    ) -> Reply<'_, Page<ReceiptView>> {
        let query = ReceiptQuery { limit: query.limit, ..ReceiptQuery::default() };
        tram_api::Service::receipts(self, caller, query, scope)
    }

    fn audit_key(&self, _: Caller, query: KeyQuery, _: Scope) -> Reply<'_, Page<KeyItem>> {
        Box::pin(async move {
            let both = [touched("H41", "H41.12"), touched("G22", "H99")];
            let items = both.into_iter().filter(|i| query.certificate == i.certificate).collect();
            Ok(Page { items, next: None })
        })
    }

    fn audit_overdue(&self, _: Caller, q: OverdueQuery, _: Scope) -> Reply<'_, OverdueView> {
        Box::pin(async move {
            let items = vec![overdue("H41", "H41.12"), overdue("G22", "H99")];
            Ok(OverdueView {
                at: q.at.unwrap_or(NOW.into()),
                holidays_known: true,
                items,
                next: None,
            })
        })
    }

    fn audit_statistics(
        &self,
        _: Caller,
        query: StatisticsQuery,
        _: Scope,
    ) -> Reply<'_, StatisticsView> {
        Box::pin(async move {
            Ok(StatisticsView {
                from: query.from,
                to: query.to,
                by: query.by,
                holidays_known: false,
                items: vec![row("H41"), row("H99")],
                next: None,
            })
        })
    }
}
