//! Groups, hosted agencies and units of the fake: agency H41 has the units VP and TC.

use tram_api::model::*;
use tram_api::service::{OpenDocument, Reply};
use tram_api::{Caller, Hosting, Problem, Scope};
use tram_dispatch::{AgencyCode, Code, Digest, DispatchId, UnitCode};

use super::mailbox::inbox_item;
use super::{Fake, NOW};

impl Fake {
    fn noted(
        &self,
        caller: &Caller,
        agency: AgencyCode,
        id: DispatchId,
        (units, state, remark): (Vec<UnitCode>, UnitState, Option<String>),
    ) -> Result<UnitsRecorded, Problem> {
        self.mine(&agency, id)?;
        let note = |unit: UnitCode| UnitNoteView {
            unit: unit.into(),
            state,
            at: NOW.into(),
            by: caller.peer.to_string(),
            remark: remark.clone(),
        };
        let units: Vec<UnitNoteView> = units.into_iter().map(note).collect();
        let mut fake = self.lock();
        let notes = fake.units.entry((agency, id)).or_default();
        let repeat = units.iter().all(|new| notes.contains(new));
        notes.extend(units.iter().filter(|_| !repeat).cloned());
        Ok(UnitsRecorded { dispatch: id.into(), units, repeat })
    }

    fn notes_of(&self, agency: &AgencyCode, unit: &UnitCode, id: DispatchId) -> Vec<UnitNoteView> {
        let fake = self.lock();
        let notes = fake.units.get(&(agency.clone(), id)).into_iter().flatten();
        notes.filter(|n| n.unit.0 == *unit).cloned().collect()
    }
}

/// Answers more than the caller may see, so that the socket has something to drop.
impl Hosting for Fake {
    fn groups(&self, _: Caller, _: AgencyCode) -> Reply<'_, Page<GroupView>> {
        Box::pin(async {
            let members = vec!["H41.05".to_owned()];
            let items = vec![GroupView { group: "group:so-nganh".to_owned(), members }];
            Ok(Page { items, next: None })
        })
    }

    fn recipients(
        &self,
        _: Caller,
        _: AgencyCode,
        query: RecipientsQuery,
    ) -> Reply<'_, RecipientsView> {
        Box::pin(async move {
            let agency = AgencyCode::parse("H41.12").unwrap().into();
            let recipients = vec![RecipientView { agency, name: "UBND".to_owned() }];
            Ok(RecipientsView {
                groups: query.groups,
                directory_version: 1,
                directory: Digest([5; 32]).into(),
                count: 1,
                recipients,
                left_out_count: 0,
                left_out: Vec::new(),
            })
        })
    }

    fn hosted(&self, _: Caller, _: HostedQuery, _: Scope) -> Reply<'_, Page<HostedAgency>> {
        let hosted = |code: &str| HostedAgency {
            agency: AgencyCode::parse(code).unwrap().into(),
            name: "UBND".to_owned(),
            tier: 4,
            seals: false,
            seal_ends_at: None,
            mailbox: MailboxCounts::default(),
            kept: Gauge::default(),
            open: Gauge::default(),
            accounts: Vec::new(),
            units: Vec::new(),
        };
        let items = ["H41", "H41.12", "H99"].map(hosted).to_vec();
        Box::pin(async { Ok(Page { items, next: None }) })
    }

    fn units(&self, _: Caller, _: AgencyCode) -> Reply<'_, Page<UnitView>> {
        let view = |code: &str| UnitView {
            unit: code.parse::<UnitCode>().unwrap().into(),
            name: Some("Văn phòng".to_owned()),
            account: true,
            forwarded: 0,
            read: 0,
            handled: 0,
        };
        let items = ["TC", "VP"].map(view).to_vec();
        Box::pin(async { Ok(Page { items, next: None }) })
    }

    fn forward(
        &self,
        caller: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        request: ForwardRequest,
    ) -> Reply<'_, UnitsRecorded> {
        Box::pin(async move {
            let units = request.units.into_iter().map(|u| u.0).collect();
            self.noted(&caller, agency, dispatch, (units, UnitState::Forwarded, request.remark))
        })
    }

    fn unit_inbox(
        &self,
        _: Caller,
        agency: AgencyCode,
        unit: UnitCode,
        _: UnitQuery,
    ) -> Reply<'_, Page<UnitItem>> {
        Box::pin(async move {
            let all = self.lock().items.clone();
            let of = all.iter().filter_map(|item| {
                let notes = self.notes_of(&agency, &unit, item.id);
                let (forwarded, newest) = (notes.first()?.clone(), notes.last()?.clone());
                Some(UnitItem { item: inbox_item(item), forwarded, newest })
            });
            Ok(Page { items: of.collect(), next: None })
        })
    }

    fn unit_entry(
        &self,
        caller: Caller,
        agency: AgencyCode,
        unit: UnitCode,
        dispatch: DispatchId,
    ) -> Reply<'_, InboxEntry> {
        Box::pin(async move {
            if self.notes_of(&agency, &unit, dispatch).is_empty() {
                return Err(Problem::new(Code::NotFound, "not of this unit"));
            }
            self.inbox_entry(caller, agency, dispatch).await
        })
    }

    fn unit_document(
        &self,
        caller: Caller,
        agency: AgencyCode,
        unit: UnitCode,
        dispatch: DispatchId,
        sha256: Digest,
    ) -> Reply<'_, OpenDocument> {
        Box::pin(async move {
            if self.notes_of(&agency, &unit, dispatch).is_empty() {
                return Err(Problem::new(Code::NotFound, "not of this unit"));
            }
            self.open_document(caller, agency, dispatch, sha256).await
        })
    }

    fn mark(
        &self,
        caller: Caller,
        agency: AgencyCode,
        unit: UnitCode,
        dispatch: DispatchId,
        request: MarkRequest,
    ) -> Reply<'_, UnitsRecorded> {
        Box::pin(async move {
            if self.notes_of(&agency, &unit, dispatch).is_empty() {
                return Err(Problem::new(Code::NotFound, "not of this unit"));
            }
            let said = (vec![unit], request.state, request.remark);
            self.noted(&caller, agency, dispatch, said)
        })
    }
}
