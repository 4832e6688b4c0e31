//! Evidence events with ids that outlive the process: their places in the order of commits.

use std::collections::BTreeSet;

use tram_api::Problem;
use tram_api::model::EventNotice;
use tram_dispatch::{AgencyCode, Status, UnixMillis};
use tram_engine::Notice;
use tram_spool::store::{Place, StoryQuery, Told};

use super::super::context::Context;
use super::store_problem;

/// How far back somebody who comes back is told what happened: longer than any dispatch lives.
const BACK_MS: u64 = 45 * 86_400_000;
/// Records at one moment that concern one agency.
const MOMENT_MAX: usize = 4_096;

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

    /// Where what was just told is. Blocks.
    pub(crate) fn place_of(&self, notice: &Notice) -> Result<Option<Told>, Problem> {
        let query = StoryQuery {
            agencies: Some(BTreeSet::from([notice.originator.clone()])),
            from: notice.time,
            to: Some(notice.time.plus_ms(1)),
            after: None,
            limit: MOMENT_MAX,
        };
        let found = self.store.story(&query).map_err(store_problem)?;
        let is_it = |told: &Told| {
            let e = &told.evidence;
            e.dispatch == notice.dispatch
                && e.event == notice.event
                && e.recipient == notice.recipient
                && e.node == notice.node
                && e.status == notice.status
        };
        Ok(found.into_iter().rfind(is_it))
    }

    /// An event as it is announced.
    pub(crate) fn announced(&self, told: &Told) -> EventNotice {
        named(self.event_id(told.place), &Notice::from(&told.evidence))
    }
}

/// An event under an id.
pub(super) fn named(id: String, n: &Notice) -> EventNotice {
    EventNotice {
        id,
        event: n.event.into(),
        dispatch: n.dispatch.into(),
        originator: n.originator.clone().into(),
        recipient: n.recipient.clone().map(Into::into),
        node: n.node.clone().into(),
        at: n.time.into(),
        status: n.status.and_then(Status::from_number).map(Into::into),
        code: n.reason.map(Into::into),
    }
}
