//! What waits for an account, and what its system says of it.

use std::sync::Arc;

use tram_axis::{Account, DocId, Kind, ListQuery, Received, Refusal, Transport, shown};
use tram_dispatch::envelope::{Act, Document};
use tram_dispatch::{AgencyCode, DispatchId, Event, UnixMillis};
use tram_edxml::MEDIA_TYPE;
use tram_engine::state::held::HeldDispatch;
use tram_engine::state::leg::{Leg, Stage};

use super::super::desk::Item;
use super::files::blocking;
use super::ids::{Place, State};
use super::node::AxisNode;
use super::refusals;

/// Entries of a mailbox looked at in one question to the engine.
const LOOK_AT_ONCE: usize = 256;

/// An entry of a mailbox.
struct Entry {
    cursor: u64,
    dispatch: DispatchId,
    originator: AgencyCode,
    at: UnixMillis,
    waits: bool,
    /// The only document of a recall: it may be a status that asks for a document back.
    asks: Option<Document>,
}

/// Largest file that is looked into for what it is.
const STATUS_BYTES_MAX: u64 = 64 << 10;

fn entry(cursor: u64, held: &HeldDispatch, agency: &AgencyCode) -> Option<Entry> {
    let Some(Leg::Mailbox { stage, .. }) = held.legs.get(agency) else { return None };
    let consigned = held.evidence.iter().find(|k| {
        k.evidence.event == Event::ContentConsignment
            && k.evidence.recipient.as_ref() == Some(agency)
    });
    let envelope = held.dispatch.envelope();
    let asks = match (&envelope.act, &envelope.documents[..]) {
        (Act::Recall(_), [only]) => Some(only),
        _ => None,
    };
    let asks = asks.filter(|d| d.media_type == MEDIA_TYPE && d.size <= STATUS_BYTES_MAX).cloned();
    Some(Entry {
        cursor,
        dispatch: held.id(),
        originator: envelope.originator.clone(),
        asks,
        at: consigned.map_or(held.at, |k| k.evidence.time),
        waits: *stage == Stage::Consigned,
    })
}

impl AxisNode {
    /// Some entries of a mailbox after a place, oldest first.
    async fn look(&self, agency: &AgencyCode, after: Option<u64>) -> Result<Vec<Entry>, Refusal> {
        let code = agency.clone();
        let look = move |engine: &tram_engine::Engine, _: &dyn tram_engine::View| {
            let found = engine.mailbox(&code, after, LOOK_AT_ONCE);
            found.into_iter().filter_map(|(n, held)| entry(n, held, &code)).collect()
        };
        self.desk.service.context.core.reading(look).await.map_err(refusals::of_stopping)
    }

    /// How often it changed what is set aside: an entry that comes back has its old place.
    async fn changes(&self) -> Result<u64, Refusal> {
        let core = &self.desk.service.context.core;
        let changes = core.reading(|engine, _| engine.state().set_aside_changes).await;
        changes.map_err(refusals::of_stopping)
    }

    /// Every entry of this kind in the account's mailboxes that waits.
    async fn all_waiting(
        &self,
        account: &Account,
        kind: Kind,
    ) -> Result<Vec<(AgencyCode, Entry)>, Refusal> {
        let mut waiting = Vec::new();
        let changes = self.changes().await?;
        for agency in &self.desk.mailboxes(&account.agencies) {
            let (mut after, mut begun) = (self.ids.begin(agency, changes), false);
            loop {
                let entries = self.look(agency, after).await?;
                let Some(last) = entries.last() else { break };
                after = Some(last.cursor);
                for entry in entries {
                    begun |= entry.waits;
                    if entry.waits {
                        waiting.push((agency.clone(), entry));
                    } else if !begun {
                        self.ids.set_begin(agency, entry.cursor, changes);
                    }
                }
            }
        }
        let mut wanted = Vec::new();
        for (agency, entry) in waiting {
            let is_status = match &entry.asks {
                Some(file) => {
                    let who = Self::speaker(account);
                    self.desk.is_status(&who, &agency, entry.dispatch, file).await
                }
                None => false,
            };
            if is_status == (kind == Kind::Status) {
                wanted.push((agency, entry));
            }
        }
        Ok(wanted)
    }

    /// Items that wait: what failed behind the others, so that it holds nobody up; else oldest first.
    pub(super) async fn waiting(
        &self,
        account: &Account,
        kind: Kind,
        query: ListQuery,
        items_max: usize,
    ) -> Result<Vec<Received>, Refusal> {
        let mut items = Vec::new();
        for (agency, entry) in self.all_waiting(account, kind).await? {
            let in_time = query.from.is_none_or(|from| entry.at >= from)
                && query.to.is_none_or(|to| entry.at <= to);
            if in_time {
                let id = self.ids.of(entry.dispatch, &agency);
                items.push((self.ids.state(&id), entry, agency, id));
            }
        }
        let failed = |state: &Option<State>| state.as_ref().is_some_and(|s| s.word == "fail");
        items.sort_by(|(s, a, to, _), (t, b, other, _)| {
            (failed(s), a.at, a.cursor, to).cmp(&(failed(t), b.at, b.cursor, other))
        });
        let most = query.max.unwrap_or(items_max).min(items_max);
        let page = items.into_iter().skip(query.skip).take(most);
        Ok(page
            .map(|(state, entry, agency, id)| Received {
                doc_id: id.to_string(),
                service_type: "eDoc",
                message_type: kind.as_str(),
                created_time: shown(entry.at),
                updated_time: shown(state.as_ref().map_or(entry.at, |s| s.at)),
                from: account.spelled(&entry.originator),
                to: account.spelled(&agency),
                status: state.as_ref().map_or("initial", |s| s.word),
                status_desc: state.and_then(|s| s.description),
            })
            .collect())
    }

    /// How many wait.
    pub(super) async fn count_waiting(
        &self,
        account: &Account,
        kind: Kind,
    ) -> Result<u64, Refusal> {
        Ok(self.all_waiting(account, kind).await?.len() as u64)
    }

    /// Statuses that wait: requests for a document back, then what recipients gave.
    pub(super) async fn waiting_statuses(
        &self,
        account: &Account,
        query: ListQuery,
        items_max: usize,
    ) -> Result<Vec<Received>, Refusal> {
        let whole = ListQuery { skip: 0, max: None, ..query };
        let mut items = self.waiting(account, Kind::Status, whole, usize::MAX).await?;
        let most = query.max.unwrap_or(items_max).min(items_max);
        let wanted = query.skip.saturating_add(most).saturating_sub(items.len());
        items.extend(self.statuses(account, whole, wanted));
        Ok(items.into_iter().skip(query.skip).take(most).collect())
    }

    /// What recipients said of documents that the account sent.
    fn statuses(&self, account: &Account, query: ListQuery, items_max: usize) -> Vec<Received> {
        let most = query.max.unwrap_or(items_max).min(items_max);
        let mut items = self.notices.waiting(&account.agencies);
        items.retain(|(_, item)| {
            query.from.is_none_or(|from| item.at >= from) && query.to.is_none_or(|to| item.at <= to)
        });
        let row = |(id, item): (DocId, Item)| Received {
            doc_id: id.to_string(),
            service_type: "eDoc",
            message_type: Kind::Status.as_str(),
            created_time: shown(item.at),
            updated_time: shown(item.at),
            from: account.spelled(&item.recipient),
            to: account.spelled(&item.originator),
            status: "initial",
            status_desc: None,
        };
        items.into_iter().skip(query.skip).take(most).map(row).collect()
    }

    /// The dispatch and recipient behind an id, where the recipient is the account's.
    pub(super) async fn find(&self, account: &Account, id: DocId) -> Result<Place, Refusal> {
        let its = |(_, agency): &Place| self.desk.receives(&account.agencies, agency);
        let known = self.ids.place(&id).filter(its);
        if let Some(known) = known {
            return Ok(known);
        }
        let changes = self.changes().await?;
        for agency in &self.desk.mailboxes(&account.agencies) {
            let mut after = self.ids.looked(agency, changes);
            loop {
                let entries = self.look(agency, after).await?;
                let Some(last) = entries.last() else { break };
                let found = entries.iter().map(|entry| entry.dispatch);
                self.ids.learn(agency, (after, last.cursor), found, changes);
                after = Some(last.cursor);
                let its = |e: &&Entry| DocId::received(e.dispatch, agency) == id;
                if let Some(found) = entries.iter().find(its) {
                    self.ids.of(found.dispatch, agency);
                    return Ok((found.dispatch, agency.clone()));
                }
            }
        }
        Err(refusals::unknown())
    }

    pub(super) async fn do_is_done(
        &self,
        account: Arc<Account>,
        id: DocId,
    ) -> Result<Option<bool>, Refusal> {
        if let Some(done) = self.notices.is_done(&account.agencies, id) {
            return Ok(Some(done));
        }
        let Ok((dispatch, agency)) = self.find(&account, id).await else { return Ok(None) };
        let held = self.desk.held(dispatch).await.map_err(refusals::of_problem)?;
        Ok(match held.legs.get(&agency) {
            Some(Leg::Mailbox { stage, .. }) => Some(*stage != Stage::Consigned),
            _ => None,
        })
    }

    pub(super) async fn do_update(
        &self,
        account: Arc<Account>,
        id: DocId,
        said: Transport,
        description: Option<String>,
    ) -> Result<(), Refusal> {
        let at = self.desk.service.context.core.now().wall;
        if self.notices.is_done(&account.agencies, id).is_some() {
            let notices = self.notices.clone();
            return match said {
                Transport::Done => {
                    blocking(move || notices.done(id, at).map_err(refusals::broken)).await
                }
                Transport::Processing | Transport::Fail => Ok(()),
            };
        }
        let (dispatch, agency) = self.find(&account, id).await?;
        match said {
            Transport::Done => {
                let who = Self::speaker(&account);
                let taken = self.desk.confirmed(&who, &agency, dispatch).await;
                taken.map_err(refusals::of_problem)?;
                self.ids.set_state(id, None);
            }
            Transport::Fail => {
                let system = &account.system_id;
                tracing::warn!(target: "audit", system, %dispatch, recipient = %agency, description, "the recipient's system says that it failed on a document; it is kept and offered again");
                self.ids.set_state(id, Some(State { word: "fail", description, at }));
            }
            Transport::Processing => {
                self.ids.set_state(id, Some(State { word: "processing", description, at }));
            }
        }
        Ok(())
    }
}
