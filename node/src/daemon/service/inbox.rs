//! The listing of a mailbox: an agency's own, and with it those that it took over.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tram_api::Problem;
use tram_api::model::{InboxItem, InboxQuery, Page};
use tram_dispatch::{AgencyCode, DispatchId};
use tram_trust::VerifiedDispatch;

use super::acts::SameNumber;
use super::cursor::Cursor;
use super::places;
use super::questions::calendar;
use super::{NodeService, convert};

/// Page size where the caller names none, and the largest.
const PAGE_DEFAULT: u32 = 100;
const PAGE_MAX: u32 = 1000;
/// Entries looked at in one question to the engine.
pub(super) const LOOK_AT_ONCE: usize = 256;

/// A line of a listing before its warnings.
struct Found {
    item: InboxItem,
    number: Option<SameNumber>,
    /// The dispatch, where its documents are still here.
    here: Option<VerifiedDispatch>,
}

impl NodeService {
    /// Where a listing of an agency's mailboxes goes on.
    pub(super) fn cursor(
        &self,
        agency: &AgencyCode,
        after: Option<&str>,
    ) -> Result<Cursor, Problem> {
        Cursor::of(&self.context.epoch, agency, after)
            .ok_or_else(|| Problem::bad_request("after: not a cursor of this listing"))
    }

    pub(super) async fn do_inbox(
        &self,
        agency: AgencyCode,
        query: InboxQuery,
        wait: Duration,
    ) -> Result<Page<InboxItem>, Problem> {
        let cursor = self.cursor(&agency, query.after.as_deref())?;
        let limit = query.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX) as usize;
        let longest = Duration::from_millis(self.context.config.limits.client_wait_ms_max);
        let deadline = Instant::now() + wait.min(longest);
        // Listens before it looks, so that nothing falls between the two.
        let mut news = self.context.core.listen();
        loop {
            let (items, to) = self.look(&agency, &query, cursor.clone(), limit).await?;
            // Where nothing was seen yet, it begins at the beginning again.
            let next = to.text().or_else(|| query.after.clone());
            if !items.is_empty() || Instant::now() >= deadline {
                return Ok(Page { items, next });
            }
            let its = |r: &AgencyCode| self.context.succession().is_of(r, &agency);
            let arrived = async {
                loop {
                    match news.recv().await {
                        Ok(n) if n.recipient.as_ref().is_some_and(its) => return,
                        Ok(_) => {}
                        // Fell behind or the node stops: look again.
                        Err(_) => return tokio::time::sleep(Duration::from_millis(50)).await,
                    }
                }
            };
            // Late or not, it looks once more.
            let _ = timeout_at(deadline, arrived).await;
        }
    }

    /// Entries of the agency's mailboxes behind this cursor, and the one of the last ones looked at.
    /// Asks the engine for a few at a time, so that a long mailbox does not hold up everybody else.
    async fn look(
        &self,
        agency: &AgencyCode,
        query: &InboxQuery,
        mut cursor: Cursor,
        limit: usize,
    ) -> Result<(Vec<InboxItem>, Cursor), Problem> {
        let (state, overdue) = (query.state, query.overdue);
        let context = self.context.clone();
        let days = self.reading(move || calendar(context.config.working_days.as_deref())).await?;
        let days = Arc::new(days);
        let mut found = Vec::new();
        loop {
            let (code, room) = (agency.clone(), limit.saturating_sub(found.len()));
            let me = self.context.me.clone();
            let (days, now) = (days.clone(), self.context.core.now().wall);
            let succession = self.context.succession();
            let look = move |engine: &tram_engine::Engine, view: &dyn tram_engine::View| {
                let mailboxes = places::mailboxes(engine, &succession, &code);
                let item = |mailbox: &AgencyCode, held| {
                    let item = convert::inbox_item((engine, view), held, mailbox, (&days, now));
                    let wanted = |i: &InboxItem| {
                        state.is_none_or(|s| s == i.state) && overdue.is_none_or(|o| o == i.overdue)
                    };
                    let item = item.filter(wanted)?;
                    let here = held.documents.then(|| held.dispatch.clone());
                    Some(Found { item, number: SameNumber::of(engine, view, held), here })
                };
                let back = cursor.back(engine, &me, &mailboxes, room);
                let mut items: Vec<_> =
                    back.into_iter().filter_map(|(mailbox, held)| item(&mailbox, held)).collect();
                cursor.note_unshown(engine, &mailboxes);
                if items.len() >= room {
                    return (items, cursor, false);
                }
                let places = &mut cursor.places;
                let some = |of: &AgencyCode, after| engine.mailbox(of, after, LOOK_AT_ONCE);
                let behind = places.behind(&mailboxes, LOOK_AT_ONCE, some);
                let all = behind.len() < LOOK_AT_ONCE;
                for (mailbox, place, held) in behind {
                    places.pass(&mailboxes, &mailbox, place);
                    items.extend(item(&mailbox, held));
                    if items.len() == room {
                        return (items, cursor, all);
                    }
                }
                if all {
                    places.level(&mailboxes);
                }
                (items, cursor, all)
            };
            let (items, to, all) = self.context.core.reading(look).await?;
            found.extend(self.with_warnings(agency, items).await?);
            cursor = to;
            if found.len() >= limit || all {
                return Ok((found, cursor));
            }
        }
    }

    /// Adds the warnings: about numbers that came twice, and documents that are not what they say.
    async fn with_warnings(
        &self,
        agency: &AgencyCode,
        found: Vec<Found>,
    ) -> Result<Vec<InboxItem>, Problem> {
        let (mut items, mut numbers, mut here) = (Vec::new(), Vec::new(), Vec::new());
        for one in found {
            items.push(one.item);
            numbers.push(one.number);
            here.push(one.here);
        }
        let others = self.others(agency, numbers).await?;
        for (item, others) in items.iter_mut().zip(others) {
            item.same_number = others.into_iter().map(Into::into).collect();
        }
        for (item, count) in items.iter_mut().zip(self.type_counts(&here).await) {
            item.type_remarks = count;
        }
        Ok(items)
    }

    /// For each number the other dispatches in this agency's mailboxes that carry it.
    pub(super) async fn others(
        &self,
        agency: &AgencyCode,
        numbers: Vec<Option<SameNumber>>,
    ) -> Result<Vec<Vec<DispatchId>>, Problem> {
        let store = self.context.store.clone();
        let found = self
            .reading(move || {
                let of = |n: Option<SameNumber>| n.map_or(Ok(Vec::new()), |n| n.others(&store));
                numbers.into_iter().map(of).collect::<Result<Vec<_>, _>>()
            })
            .await?;
        if found.iter().all(Vec::is_empty) {
            return Ok(found);
        }
        // Of what others got nobody is told.
        let succession = self.context.succession();
        let codes: BTreeSet<AgencyCode> = succession.mailboxes(agency).cloned().collect();
        let mine = move |engine: &tram_engine::Engine, view: &dyn tram_engine::View| {
            let mine = |id: &DispatchId| {
                let held = engine.find(id, view).ok().flatten();
                held.is_some_and(|h| h.legs.keys().any(|code| codes.contains(code)))
            };
            found.into_iter().map(|ids| ids.into_iter().filter(mine).collect()).collect()
        };
        Ok(self.context.core.reading(mine).await?)
    }
}
