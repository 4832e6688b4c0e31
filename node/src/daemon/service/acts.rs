//! What bears on a dispatch, and which others carry the same number, for answers.

use std::collections::BTreeSet;

use tram_api::Problem;
use tram_api::model::{ActAnswer, ActKind, ActView};
use tram_dispatch::envelope::Metadata;
use tram_dispatch::{AgencyCode, Day, DispatchId, Envelope, Status, UnixMillis};
use tram_engine::acts::earlier;
use tram_engine::record::{Bearing, Linked};
use tram_engine::state::held::HeldDispatch;
use tram_engine::{Engine, View};
use tram_spool::store::{NumberQuery, StoreReader};

use super::{handling, store_problem};

/// The later dispatches that bear on one, oldest first, as a caller may see them who may see that one.
/// `only` is the recipient whose answers are shown; absent: everybody's.
pub(super) fn acts(
    engine: &Engine,
    view: &dyn View,
    held: &HeldDispatch,
    only: Option<&AgencyCode>,
) -> Vec<ActView> {
    held.links.iter().map(|link| act(engine, view, link, only)).collect()
}

fn act(engine: &Engine, view: &dyn View, link: &Linked, only: Option<&AgencyCode>) -> ActView {
    // One that cannot be read is still named.
    let later = engine.find(&link.by, view).ok().flatten();
    let envelope = later.as_ref().map(|h| h.dispatch.envelope());
    let asks = matches!(link.bearing, Bearing::Recall | Bearing::Update);
    let mut answers = Vec::new();
    for (recipient, mut status) in later.iter().filter(|_| asks).flat_map(handling::newest) {
        if only.is_some_and(|only| only != recipient) {
            continue;
        }
        if link.bearing == Bearing::Recall && *status.status == Status::Arrived {
            status.status = Status::TakeBackRequested.into();
            status.word = Status::TakeBackRequested.word().to_owned();
        }
        answers.push(ActAnswer { recipient: recipient.clone().into(), status });
    }
    ActView {
        kind: match link.bearing {
            Bearing::Recall => ActKind::Recall,
            Bearing::Update => ActKind::Update,
            Bearing::Replace => ActKind::Replace,
            Bearing::Answer => ActKind::Answer,
        },
        dispatch: link.by.into(),
        originator: envelope.map(|e| e.originator.clone().into()),
        reference: envelope.map(|e| e.reference.clone().into()),
        at: link.at.into(),
        answers,
    }
}

/// What others with the same number would carry.
pub(super) struct SameNumber {
    originator: AgencyCode,
    query: NumberQuery,
    /// Itself, and those that it bears on or that bear on it: no mistake there.
    but: BTreeSet<DispatchId>,
}

impl SameNumber {
    /// Of a dispatch held here; absent where its document has no number.
    pub(super) fn of(engine: &Engine, view: &dyn View, held: &HeldDispatch) -> Option<Self> {
        let envelope = held.dispatch.envelope();
        let mut but: BTreeSet<DispatchId> = held.links.iter().map(|l| l.by).collect();
        but.insert(held.id());
        for (_, of) in earlier(envelope) {
            but.extend(engine.referenced(&of.originator, &of.reference, view).ok().flatten());
        }
        let query = query(&envelope.metadata, held.at)?;
        Some(SameNumber { originator: envelope.originator.clone(), query, but })
    }

    /// Of a dispatch that came just now; what it bears on is not looked up.
    pub(super) fn of_envelope(id: DispatchId, envelope: &Envelope, at: UnixMillis) -> Option<Self> {
        let query = query(&envelope.metadata, at)?;
        let but = BTreeSet::from([id]);
        Some(SameNumber { originator: envelope.originator.clone(), query, but })
    }

    /// Whether another with this number is a mistake.
    pub(super) fn is_other(&self, id: &DispatchId) -> bool {
        !self.but.contains(id)
    }

    /// The others, as far as the index has them. Blocks.
    pub(super) fn others(&self, store: &StoreReader) -> Result<Vec<DispatchId>, Problem> {
        let mut found = store.numbered(&self.originator, &self.query).map_err(store_problem)?;
        found.retain(|id| self.is_other(id));
        Ok(found)
    }
}

/// Number, notation, and the year in which the number is unique. Without a notation there is nothing to
/// compare.
fn query(m: &Metadata, at: UnixMillis) -> Option<NumberQuery> {
    let number = m.number.clone().filter(|n| n.contains('/') || m.notation.is_some())?;
    let day = m.issued_on.as_ref().and_then(|day| day.parse::<Day>().ok());
    let year = u64::try_from(day.unwrap_or(Day::of(at)).year()).ok();
    Some(NumberQuery { number, notation: m.notation.clone(), year })
}
