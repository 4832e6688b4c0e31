//! What a key touched: the report for the day on which it turns out to be in foreign hands.

use tram_api::model::{KeyItem, KeyQuery, KeyUse, Page};
use tram_api::{Problem, Scope};
use tram_dispatch::{Event, UnixMillis};
use tram_engine::state::held::HeldDispatch;
use tram_engine::{Engine, Fatal};
use tram_pki::Serial;
use tram_spool::store::{Touched, TouchedBy, TouchedQuery, What};
use tram_wire::Receipt;

use super::questions::PAGE_DEFAULT;
use super::{NodeService, convert, storage, store_problem};

/// Dispatches looked up in one question to the engine.
const LOOK_AT_ONCE: usize = 32;

impl NodeService {
    pub(super) async fn do_key(
        &self,
        query: KeyQuery,
        scope: Scope,
    ) -> Result<Page<KeyItem>, Problem> {
        let store = self.context.store.clone();
        let since = query.since.as_ref().map(|t| t.0);
        let asked = TouchedQuery {
            from: query.from.as_ref().map(|t| t.0),
            to: query.to.as_ref().map(|t| t.0),
            after: super::cursor(query.after.as_deref())?,
            limit: query.limit.unwrap_or(PAGE_DEFAULT) as usize,
            by: whose(query)?,
        };
        let found = self.reading(move || store.touched(&asked).map_err(store_problem)).await?;
        let Some(found) = found else { return Ok(Page::default()) };
        let next = found.next.map(|cursor| cursor.to_string());
        let now = self.context.core.now();
        let mut items = Vec::new();
        // A few at a time: each that is closed is read from disk on the engine's thread.
        for some in found.items.chunks(LOOK_AT_ONCE) {
            let (some, scope) = (some.to_vec(), scope.clone());
            let told = self.context.core.question(move |engine, view| {
                let mut told = Vec::new();
                for touched in some {
                    let held = match touched.what {
                        // Receipts say themselves whose dispatch it is; a void statement is about none.
                        What::Receipt(_) | What::Void(_) => None,
                        _ => engine.find(&touched.dispatch, view)?,
                    };
                    told.extend(item(engine, &touched, held.as_ref(), since, now, &scope));
                }
                Ok::<_, Fatal>(told)
            });
            items.extend(told.await?.map_err(storage)?);
        }
        Ok(Page { items, next })
    }
}

/// Whose key is asked about; the socket let one name of it through.
fn whose(query: KeyQuery) -> Result<TouchedBy, Problem> {
    Ok(match query {
        KeyQuery { key: Some(key), .. } => TouchedBy::Key(key.0),
        KeyQuery { certificate: Some(certificate), .. } => TouchedBy::Certificate(certificate.0),
        KeyQuery { node: Some(node), epoch, .. } => TouchedBy::Node(node.0, epoch.map(|e| e.0)),
        KeyQuery { serial: Some(serial), issuer: Some(issuer), .. } => {
            let serial: Serial =
                serial.parse().map_err(|e| Problem::bad_request(format!("serial: {e}")))?;
            TouchedBy::Serial(serial.as_bytes().to_vec(), issuer.trim().to_owned())
        }
        _ => return Err(Problem::bad_request("no key is named")),
    })
}

/// One line, unless the scope does not let it be seen.
fn item(
    engine: &Engine,
    touched: &Touched,
    held: Option<&HeldDispatch>,
    since: Option<UnixMillis>,
    now: tram_dispatch::Now,
    scope: &Scope,
) -> Option<KeyItem> {
    let envelope = held.map(|held| held.dispatch.envelope());
    let (used_for, sealer) = match &touched.what {
        What::Dispatch => (KeyUse::Dispatch, None),
        What::Transfer => (KeyUse::Transfer, None),
        What::Statement(agency) => (KeyUse::Statement, Some(agency)),
        What::Void(agency) => (KeyUse::Void, Some(agency)),
        What::Receipt(_) => (KeyUse::Receipt, None),
    };
    let evidence = if let What::Receipt(e) = &touched.what { Some(e) } else { None };
    let originator = evidence.map(|e| &e.originator).or(envelope.map(|e| &e.originator));
    let originator = originator.or(sealer)?.clone();
    let recipient = evidence.and_then(|e| e.recipient.as_ref()).or(sealer);
    let recipient = recipient.filter(|_| used_for != KeyUse::Void).cloned();
    let whole = matches!(used_for, KeyUse::Dispatch | KeyUse::Transfer);
    let addressed = envelope.filter(|_| whole).map(|e| e.recipients.as_slice()).unwrap_or_default();
    if !scope.contains(&originator)
        && !recipient.iter().chain(addressed).any(|agency| scope.receives(agency))
    {
        return None;
    }
    let first = held.filter(|_| whole).and_then(first_custody);
    let judged = first.unwrap_or(touched.at);
    Some(KeyItem {
        used_for,
        at: touched.at.into(),
        first_custody_at: first.map(Into::into),
        later: since.map(|since| judged >= since),
        certificate: touched.certificate.map(Into::into),
        dispatch: touched.dispatch.into(),
        originator: originator.into(),
        reference: envelope.map(|e| e.reference.clone().into()),
        event: evidence.map(|e| e.event.into()),
        epoch: evidence.map(|e| e.epoch.into()),
        recipient: recipient.map(Into::into),
        legs: held.filter(|_| whole).map(|h| convert::legs(engine, h, now)).unwrap_or_default(),
    })
}

/// When the first node took custody: this one, or by the receipt that came with it.
fn first_custody(held: &HeldDispatch) -> Option<UnixMillis> {
    if held.upstreams.is_empty() {
        return Some(held.at);
    }
    let receipts = held.upstream_receipts.iter().filter_map(|raw| Receipt::parse(raw).ok());
    let first = receipts.filter(|r| r.record().event == Event::SubmissionAcceptance);
    first.map(|r| r.record().time).min()
}
