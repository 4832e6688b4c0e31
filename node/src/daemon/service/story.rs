//! Evidence events with ids that outlive the process: their places in the order of commits.

use std::collections::BTreeSet;
use std::sync::Arc;

use tram_api::Problem;
use tram_api::model::{EventNotice, Happening};
use tram_dispatch::{AgencyCode, Status, UnixMillis};
use tram_engine::Notice;
use tram_spool::store::{Place, StoryQuery, Told};

use super::super::context::Context;
use super::store_problem;

/// How far back somebody who comes back is told what happened: longer than any dispatch lives.
const BACK_MS: u64 = 45 * 86_400_000;
/// Records at one moment that concern one agency, and of what is looked up together.
const MOMENT_MAX: usize = 4_096;
/// Events no further apart than this are looked up together, by the clocks of who said them.
const NEAR_MS: u64 = 5;

impl Context {
    /// The id of a place.
    pub(crate) fn event_id(&self, place: Place) -> String {
        let epoch = tram_dispatch::id::hex(&self.epoch.as_bytes()[..8]);
        format!("{epoch}-{place}")
    }

    /// The place behind which an id leads. One of another epoch of this node's log leads to the
    /// beginning: told again is better than never.
    ///
    /// # Errors
    /// `BAD_REQUEST`: it is no id of an event.
    pub(crate) fn event_place(&self, id: &str) -> Result<Option<Place>, Problem> {
        let bad = || Problem::bad_request("after: not the id of an event");
        // A deadline that passed has no place: it was told behind one.
        let id = id.split_once('.').map_or(id, |(behind, _)| behind);
        let (_, place) = id.split_once('-').ok_or_else(bad)?;
        let place: Place = place.parse().map_err(|_| bad())?;
        Ok((self.event_id(place) == id).then_some(place))
    }

    /// What happened behind a place, at most so much; `since` where it is known that nothing older did.
    /// Blocks.
    pub(crate) fn happened(
        &self,
        agencies: Option<BTreeSet<AgencyCode>>,
        after: Option<Place>,
        since: Option<UnixMillis>,
        limit: usize,
    ) -> Result<Vec<Told>, Problem> {
        let back = UnixMillis(self.core.now().wall.0.saturating_sub(BACK_MS));
        let from = since.unwrap_or(back).max(back);
        let query = StoryQuery { agencies, from, to: None, after, limit };
        self.store.story(&query).map_err(store_problem)
    }

    /// Where each of these, which were just told, is. What was said within few moments is looked up
    /// together: under load a look-up for each would hold up whoever listens. Blocks.
    pub(crate) fn places_of(&self, notices: &[Arc<Notice>]) -> Result<Vec<Option<Told>>, Problem> {
        let mut order: Vec<usize> = (0..notices.len()).collect();
        order.sort_by_key(|i| notices[*i].time);
        let mut places = vec![None; notices.len()];
        let are_near = |a: &usize, b: &usize| notices[*a].time.plus_ms(NEAR_MS) >= notices[*b].time;
        for near in order.chunk_by(are_near) {
            let found = self.told_at(near.iter().map(|i| &*notices[*i]))?;
            let whole = found.len() < MOMENT_MAX;
            for i in near {
                let notice = &*notices[*i];
                places[*i] = match whole {
                    true => found.iter().rfind(|told| is_of(told, notice)).cloned(),
                    false => {
                        let alone = self.told_at(std::iter::once(notice))?;
                        alone.into_iter().rfind(|told| is_of(told, notice))
                    }
                };
            }
        }
        Ok(places)
    }

    /// What is told of the originators of these notices between the first and the last of them.
    fn told_at<'n>(&self, notices: impl Iterator<Item = &'n Notice>) -> Result<Vec<Told>, Problem> {
        let mut agencies = BTreeSet::new();
        let (mut from, mut to) = (UnixMillis(u64::MAX), UnixMillis(0));
        for notice in notices {
            agencies.insert(notice.originator.clone());
            (from, to) = (from.min(notice.time), to.max(notice.time.plus_ms(1)));
        }
        let (agencies, to) = (Some(agencies), Some(to));
        let query = StoryQuery { agencies, from, to, after: None, limit: MOMENT_MAX };
        self.store.story(&query).map_err(store_problem)
    }

    /// An event as it is announced.
    pub(crate) fn announced(&self, told: &Told) -> EventNotice {
        named(self.event_id(told.place), &Notice::from(&told.evidence))
    }
}

/// Whether it is what the notice is about.
fn is_of(told: &Told, notice: &Notice) -> bool {
    let e = &told.evidence;
    e.dispatch == notice.dispatch
        && e.time == notice.time
        && e.event == notice.event
        && e.recipient == notice.recipient
        && e.node == notice.node
        && e.status == notice.status
}

/// An event under an id.
pub(super) fn named(id: String, n: &Notice) -> EventNotice {
    EventNotice {
        id,
        event: Happening::Evidence(n.event).into(),
        dispatch: n.dispatch.into(),
        originator: n.originator.clone().into(),
        recipient: n.recipient.clone().map(Into::into),
        node: n.node.clone().into(),
        at: n.time.into(),
        status: n.status.and_then(Status::from_number).map(Into::into),
        code: n.reason.map(Into::into),
    }
}
