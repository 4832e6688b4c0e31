//! A hub: a clerk forwards what arrived to units of the agency, and each has a mailbox of its own.

use std::collections::BTreeSet;
use std::sync::Arc;

use tram_api::model::{
    ForwardRequest, InboxEntry, MarkRequest, Page, UnitItem, UnitNoteView, UnitQuery, UnitState,
    UnitView, UnitsRecorded,
};
use tram_api::service::OpenDocument;
use tram_api::{Caller, Problem};
use tram_dispatch::{AgencyCode, Code, Digest, DispatchId, UnitCode, UnitMark};
use tram_engine::record::UnitNote;
use tram_engine::state::held::HeldDispatch;
use tram_engine::units::ForUnits;
use tram_engine::{Engine, Input};

use super::inbox::LOOK_AT_ONCE;
use super::places;
use super::questions::calendar;
use super::{NodeService, convert, settled, storage};

/// Page size where the caller names none, and the largest.
const PAGE_DEFAULT: u32 = 100;
const PAGE_MAX: u32 = 1000;

impl NodeService {
    pub(super) async fn do_units(&self, agency: AgencyCode) -> Result<Page<UnitView>, Problem> {
        let counted = self.counted(vec![agency]).await?.pop();
        Ok(Page { items: counted.map(|c| c.units).unwrap_or_default(), next: None })
    }

    pub(super) async fn do_forward(
        &self,
        caller: &Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        request: ForwardRequest,
    ) -> Result<UnitsRecorded, Problem> {
        let units: Vec<UnitCode> = request.units.into_iter().map(|u| u.0).collect();
        let recipient = self.meant(&agency, dispatch).await?;
        let known =
            |unit: &UnitCode| self.has_unit(&agency, unit) || self.has_unit(&recipient, unit);
        if let Some(unknown) = units.iter().find(|u| !known(u)) {
            let detail = format!("{agency} has no unit {unknown} here; [[units]] names them");
            return Err(Problem::new(Code::NotFound, detail));
        }
        let said = ForUnits {
            recipient,
            dispatch,
            units,
            mark: UnitMark::Forwarded,
            by: caller.peer.to_string(),
            remark: request.remark,
        };
        self.for_units(said).await
    }

    pub(super) async fn do_mark(
        &self,
        caller: &Caller,
        agency: AgencyCode,
        unit: UnitCode,
        dispatch: DispatchId,
        request: MarkRequest,
    ) -> Result<UnitsRecorded, Problem> {
        let mark = match request.state {
            UnitState::Read => UnitMark::Read,
            UnitState::Handled => UnitMark::Handled,
            UnitState::Forwarded => return Err(Problem::bad_request("state: read or handled")),
        };
        let recipient = self.for_unit(&agency, &unit, dispatch).await?;
        let said = ForUnits {
            recipient,
            dispatch,
            units: vec![unit],
            mark,
            by: caller.peer.to_string(),
            remark: request.remark,
        };
        self.for_units(said).await
    }

    /// Whether the configuration names this unit of an agency.
    fn has_unit(&self, agency: &AgencyCode, unit: &UnitCode) -> bool {
        self.context.config.units.iter().any(|u| u.agency == *agency && u.code == *unit)
    }

    /// The code under which a dispatch came that a unit of the agency means. A unit of the same name that a
    /// closed agency still has here keeps what is its own.
    async fn for_unit(
        &self,
        agency: &AgencyCode,
        unit: &UnitCode,
        id: DispatchId,
    ) -> Result<AgencyCode, Problem> {
        let recipient = self.meant(agency, id).await?;
        let others = recipient != *agency && self.has_unit(&recipient, unit);
        Ok(if others { agency.clone() } else { recipient })
    }

    /// Records it durably, and says how the units stand then.
    async fn for_units(&self, said: ForUnits) -> Result<UnitsRecorded, Problem> {
        let (agency, id, named) = (said.recipient.clone(), said.dispatch, said.units.clone());
        let reply = self.context.core.ask(move |token| Input::Units { token, said }).await?;
        let (_, repeat) = settled(reply)?;
        let look = move |engine: &Engine, view: &dyn tram_engine::View| {
            let held = engine.find(&id, view)?;
            let newest = |h: &HeldDispatch| {
                let all = h.newest_of_units(&agency);
                named.iter().filter_map(|u| all.get(u).copied().map(note)).collect()
            };
            Ok::<Vec<UnitNoteView>, tram_engine::Fatal>(
                held.as_ref().map(newest).unwrap_or_default(),
            )
        };
        let units = self.context.core.question(look).await?.map_err(storage)?;
        Ok(UnitsRecorded { dispatch: id.into(), units, repeat })
    }

    pub(super) async fn do_unit_inbox(
        &self,
        agency: AgencyCode,
        unit: UnitCode,
        query: UnitQuery,
    ) -> Result<Page<UnitItem>, Problem> {
        let mut cursor = self.cursor(&agency, query.after.as_deref())?;
        let limit = query.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX) as usize;
        let context = self.context.clone();
        let days = self.reading(move || calendar(context.config.working_days.as_deref())).await?;
        let days = Arc::new(days);
        let mut items: Vec<UnitItem> = Vec::new();
        loop {
            let (code, unit, days) = (agency.clone(), unit.clone(), days.clone());
            let mut places = cursor.places.clone();
            let (room, now) = (limit - items.len(), self.context.core.now().wall);
            let succession = self.context.succession();
            let of_others: BTreeSet<AgencyCode> = succession
                .taken_over(&agency)
                .iter()
                .filter(|other| self.has_unit(other, &unit))
                .cloned()
                .collect();
            let look = move |engine: &Engine, view: &dyn tram_engine::View| {
                let mut found = Vec::new();
                let mut mailboxes = places::mailboxes(engine, &succession, &code);
                mailboxes.retain(|mailbox| !of_others.contains(mailbox));
                let some = |of: &AgencyCode, after| engine.mailbox(of, after, LOOK_AT_ONCE);
                let behind = places.behind(&mailboxes, LOOK_AT_ONCE, some);
                let all = behind.len() < LOOK_AT_ONCE;
                for (mailbox, place, held) in behind {
                    places.pass(&mailboxes, &mailbox, place);
                    let of_unit = || held.unit_notes(&mailbox).filter(|n| n.unit == unit);
                    let Some(newest) = of_unit().last() else { continue };
                    if query.state.is_some_and(|s| s != newest.mark.into()) {
                        continue;
                    }
                    let forwarded = of_unit().filter(|n| n.mark == UnitMark::Forwarded).last();
                    let item = convert::inbox_item((engine, view), held, &mailbox, (&days, now));
                    if let (Some(item), Some(forwarded)) = (item, forwarded) {
                        let (forwarded, newest) = (note(forwarded), note(newest));
                        let here = held.documents.then(|| held.dispatch.clone());
                        found.push((UnitItem { item, forwarded, newest }, here));
                    }
                    if found.len() == room {
                        break;
                    }
                }
                (found, places, all)
            };
            let (found, to, all) = self.context.core.reading(look).await?;
            let full = found.len() == room;
            let (found, here): (Vec<UnitItem>, Vec<_>) = found.into_iter().unzip();
            let counts = self.type_counts(&here).await;
            items.extend(found.into_iter().zip(counts).map(|(mut found, count)| {
                found.item.type_remarks = count;
                found
            }));
            cursor.places = to;
            if full || all {
                let next = if full { cursor.text() } else { None };
                return Ok(Page { items, next });
            }
        }
    }

    /// Under which code the dispatch came, if it was forwarded to the unit.
    async fn in_unit(
        &self,
        agency: &AgencyCode,
        unit: &UnitCode,
        id: DispatchId,
    ) -> Result<AgencyCode, Problem> {
        let missing = || {
            let detail = format!("dispatch {id} is not in the mailbox of {unit} of {agency}");
            Problem::new(Code::NotFound, detail)
        };
        // Nobody learns here what else the agency has.
        let recipient = self.for_unit(agency, unit, id).await?;
        let held = self.consigned(&recipient, id).await.map_err(|problem| match problem.code {
            Code::NotFound => missing(),
            _ => problem,
        })?;
        match held.newest_of_units(&recipient).contains_key(unit) {
            true => Ok(recipient),
            false => Err(missing()),
        }
    }

    pub(super) async fn do_unit_entry(
        &self,
        agency: AgencyCode,
        unit: UnitCode,
        id: DispatchId,
    ) -> Result<InboxEntry, Problem> {
        let recipient = self.in_unit(&agency, &unit, id).await?;
        self.do_inbox_entry(recipient, id).await
    }

    pub(super) async fn do_unit_document(
        &self,
        agency: AgencyCode,
        unit: UnitCode,
        id: DispatchId,
        sha256: Digest,
    ) -> Result<OpenDocument, Problem> {
        let recipient = self.in_unit(&agency, &unit, id).await?;
        self.do_open_document(recipient, id, sha256).await
    }

    /// The units of an agency: those configured, and those that have something and are configured no more.
    pub(super) fn units_of(
        &self,
        agency: &AgencyCode,
        counts: &super::hosting::UnitCounts,
    ) -> Vec<UnitView> {
        let configured = self.context.config.units.iter().filter(|u| u.agency == *agency);
        let configured: Vec<&tram_config::Unit> = configured.collect();
        let codes: BTreeSet<&UnitCode> =
            configured.iter().map(|u| &u.code).chain(counts.keys()).collect();
        let view = |code: &UnitCode| {
            let unit = configured.iter().find(|u| u.code == *code);
            let [forwarded, read, handled] = counts.get(code).copied().unwrap_or_default();
            UnitView {
                unit: code.clone().into(),
                name: unit.map(|u| u.name.clone()),
                account: unit.is_some_and(|u| u.who.is_some()),
                forwarded,
                read,
                handled,
            }
        };
        codes.into_iter().map(view).collect()
    }
}

/// One record about a unit.
pub(super) fn note(note: &UnitNote) -> UnitNoteView {
    UnitNoteView {
        unit: note.unit.clone().into(),
        state: note.mark.into(),
        at: note.at.into(),
        by: note.by.clone(),
        remark: note.remark.clone(),
    }
}
