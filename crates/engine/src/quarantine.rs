//! Dispatches set aside: counting what broke off, what is damaged here, and what the operator does
//! about it. Everything else goes on meanwhile.

use std::collections::BTreeMap;

use tram_dispatch::{AgencyCode, Code, DispatchId, Event, NodeId, Now, UnixMillis};
use tram_trust::{Directory, VerifiedReceipt};

use crate::engine::{Engine, Fatal};
use crate::hand::fold_watched;
use crate::input::{Action, Token};
use crate::output::{Answer, Reply};
use crate::record::{Attempt, Cause, Foreign, Owed, Quarantine, Record, Stage};
use crate::release::Waiting;
use crate::route::{Route, route};
use crate::state::aside::{ATTEMPTS_MAX, Aside, Broken, unpassed};
use crate::state::held::Known;
use crate::state::leg::{Leg, Stage as Reached};
use crate::state::peers::Peer;
use crate::view::View;

/// Dispatches never taken here of which attempts are kept, so that nobody can fill memory with them.
const STRANGERS_MAX: usize = 1024;
/// Dispatches set aside as damaged in one life of the process. More means that it is not they but
/// the store that fails; then the node stops.
const DAMAGED_MAX: u32 = 64;
/// How often a leg is given back for a damaged copy; after that somebody must look at the disk.
pub(crate) const GIVEN_BACK_MAX: usize = 3;
/// Receipts kept about a dispatch that is not understood, so that nobody can fill the disk; more where its
/// beginning says that there are many legs.
const UNREAD_RECEIPTS_MAX: usize = 1024;
/// The same for each leg.
const UNREAD_RECEIPTS_PER_LEG_MAX: usize = 16;

/// What there is of a dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Here {
    /// It is in memory.
    Known,
    /// This node never took it.
    Unknown,
    /// It is set aside, and its records are not read.
    Aside,
}

impl Engine {
    /// Takes what recovery found of one dispatch; one that cannot be folded is set aside.
    pub(crate) fn recover(&mut self, history: &[Record]) {
        let Some(id) = history.iter().find_map(Record::dispatch) else { return };
        let mut broken = Broken::of(history);
        if !broken.cause.as_ref().is_some_and(|(cause, _)| cause.unread) {
            match fold_watched(history, &*self.hand) {
                Ok(Some(held)) => {
                    self.state.insert(held);
                    self.looks.unpassed.extend(unpassed(history));
                }
                Ok(None) => {}
                Err(detail) => {
                    // Found out again at every start: nothing is recorded of it.
                    let cause = Cause { code: Code::StoreCorrupt, detail, unread: true };
                    broken.cause = Some((cause, UnixMillis(0)));
                }
            }
        }
        if broken.cause.as_ref().is_some_and(|(cause, _)| cause.unread) {
            let aside = Aside::of(history);
            for (peer, owed) in &aside.owed {
                self.state.peers.entry(peer.clone()).or_default().outbox.push(id, *owed);
            }
            broken.aside = Some(aside);
        }
        // Unless reading it is what ends the process.
        let few = broken.attempts.len() < ATTEMPTS_MAX;
        if few && broken.cause.as_ref().is_some_and(|(cause, _)| cause.may_pass()) {
            self.looks.begin(id, None);
        }
        if !broken.is_empty() {
            self.state.broken.insert(id, broken);
        }
    }

    /// Brings a dispatch into memory if the store knows it. One whose records cannot be read is set
    /// aside.
    pub(crate) fn take_up(
        &mut self,
        now: Now,
        id: &DispatchId,
        view: &dyn View,
    ) -> Result<Here, Fatal> {
        if self.state.is_aside(id) {
            return Ok(Here::Aside);
        }
        match self.load(id, view) {
            Ok(true) => Ok(Here::Known),
            Ok(false) => Ok(Here::Unknown),
            Err(e) => {
                self.unreadable(now, id, e)?;
                Ok(Here::Aside)
            }
        }
    }

    /// Work on a dispatch broke off, and the process goes on.
    pub(crate) fn broke(
        &mut self,
        now: Now,
        id: DispatchId,
        stage: Stage,
        peer: Option<NodeId>,
        detail: String,
    ) {
        let known = self.state.get(&id).is_some() || self.state.broken.contains_key(&id);
        if self.state.is_quarantined(&id) || (!known && self.state.broken.len() >= STRANGERS_MAX) {
            return;
        }
        let at = now.wall;
        let attempt = Attempt { dispatch: id, stage, detail, at };
        self.record(now, Record::Attempt(attempt), None, true);
        if let Some(cause) = self.state.broken.get(&id).and_then(Broken::verdict) {
            self.set_aside(now, id, cause);
            return;
        }
        let under_way = |p: &Peer| p.queue.standing(&id).is_some_and(|s| s.in_flight);
        let peers: Vec<NodeId> = match peer {
            Some(peer) => vec![peer],
            // Whoever noticed does not know which.
            None if stage == Stage::Give => {
                let all = self.state.peers.iter().filter(|(_, p)| under_way(p));
                all.map(|(name, _)| name.clone()).collect()
            }
            None => Vec::new(),
        };
        for peer in peers {
            self.defer(now, &peer, id, Code::WorkUnfinished, 0);
        }
    }

    /// What is stored of a dispatch's documents is not what was taken. Where the peer it came from
    /// still has its own copy, the legs go back to it with evidence, and it gives them again;
    /// otherwise the operator must look.
    pub(crate) fn damaged(
        &mut self,
        now: Now,
        id: DispatchId,
        detail: String,
        view: &dyn View,
    ) -> Result<(), Fatal> {
        if self.state.is_quarantined(&id) || self.take_up(now, &id, view)? != Here::Known {
            self.looks.still_damaged(&id);
            return Ok(());
        }
        self.count_damage(&detail)?;
        let Some(legs) = self.may_give_back(&id) else {
            self.set_aside(now, id, Cause { code: Code::StoreCorrupt, detail, unread: false });
            self.looks.count(&id);
            return Ok(());
        };
        let Some(h) = self.state.held.get(&id) else { return Ok(()) };
        let (dispatch, upstreams) = (h.dispatch.clone(), h.upstreams.clone());
        for (recipient, upstream) in legs {
            let mut e = self.evidence(now, Event::RelayFailure, &dispatch, Some(recipient));
            e.reason = Some(Code::CopyDamaged);
            e.previous = Some(upstream);
            self.witness(now, e, upstreams.iter().cloned().collect())?;
        }
        self.state.unqueue(&id);
        Ok(())
    }

    /// The legs that can go back to where they came from, if all that need the bytes can.
    fn may_give_back(&self, id: &DispatchId) -> Option<BTreeMap<AgencyCode, NodeId>> {
        let h = self.state.held.get(id).filter(|_| self.shut().is_none())?;
        let mut legs = BTreeMap::new();
        for (r, leg) in &h.legs {
            match leg {
                Leg::Held { .. } => {
                    let given_back = h.about(Some(r), self.me(), Some(Event::RelayFailure));
                    let damaged = |k: &Known| k.evidence.reason == Some(Code::CopyDamaged);
                    let before = given_back.filter(|(_, k)| damaged(k));
                    if before.count() >= GIVEN_BACK_MAX {
                        return None;
                    }
                    legs.insert(r.clone(), h.upstream_of(r)?);
                }
                Leg::OnHold | Leg::Mailbox { stage: Reached::Consigned, .. } => return None,
                _ => {}
            }
        }
        Some(legs).filter(|legs| !legs.is_empty())
    }

    /// Records or receipts of a dispatch cannot be read: it is set aside.
    ///
    /// # Errors
    /// The error itself, when it is not about one dispatch, or when there are too many of them.
    pub(crate) fn unreadable(
        &mut self,
        now: Now,
        id: &DispatchId,
        error: Fatal,
    ) -> Result<(), Fatal> {
        let (Fatal::View(_) | Fatal::Stored(_)) = &error else { return Err(error) };
        if self.state.is_quarantined(id) {
            return Ok(());
        }
        let detail = error.to_string();
        self.count_damage(&detail)?;
        let folded = self.state.get(id).is_some();
        self.set_aside(now, *id, Cause { code: Code::StoreCorrupt, detail, unread: !folded });
        self.looks.count(id);
        if !folded && let Some(broken) = self.state.broken.get_mut(id) {
            broken.aside = Some(Aside::default());
        }
        Ok(())
    }

    fn count_damage(&mut self, detail: &str) -> Result<(), Fatal> {
        self.damaged += 1;
        if self.damaged <= DAMAGED_MAX {
            return Ok(());
        }
        Err(Fatal::Stored(format!("{} dispatches are damaged; the last: {detail}", self.damaged)))
    }

    fn set_aside(&mut self, now: Now, dispatch: DispatchId, cause: Cause) {
        if cause.may_pass() {
            self.looks.begin(dispatch, Some(now.mono_ms));
        }
        let record = Quarantine { dispatch, cause: Some(cause), at: now.wall };
        self.record(now, Record::Quarantine(record), None, true);
    }

    /// What callers and peers are told meanwhile; nothing for one that is not set aside.
    pub(crate) fn quarantine_reply(&mut self, token: Token, id: &DispatchId) -> bool {
        let Some((cause, _)) = self.state.broken.get(id).and_then(|b| b.cause.as_ref()) else {
            return false;
        };
        let detail = format!("{}: {}", cause.code, cause.detail);
        self.reply(token, Reply::Refused { code: Code::Quarantined, detail, receipt: None });
        true
    }

    /// As [`Engine::quarantine_reply`], for a peer's offer: it keeps custody and asks again.
    pub(crate) fn quarantine_answer(&self, id: &DispatchId) -> Option<Answer> {
        let retry_ms = self.settings.retry_ms_max;
        self.state.is_quarantined(id).then_some(Answer::Later(Code::Quarantined, retry_ms))
    }

    /// The operator acts on a dispatch that is set aside; false if it is not.
    pub(crate) fn operate_aside(
        &mut self,
        now: Now,
        token: Token,
        id: DispatchId,
        recipient: &AgencyCode,
        action: &Action,
        view: &dyn View,
    ) -> Result<bool, Fatal> {
        if !self.state.is_quarantined(&id) {
            return Ok(false);
        }
        match action {
            Action::Hold | Action::Retry => Ok(self.quarantine_reply(token, &id)),
            Action::Release => {
                self.take_again(now, token, id, view)?;
                Ok(true)
            }
            Action::Drop(words) => match self.state.broken.get(&id).and_then(|b| b.aside.clone()) {
                Some(aside) => {
                    self.drop_unread(now, token, id, recipient, words, &aside)?;
                    Ok(true)
                }
                // It is in memory: its legs are dropped like any others.
                None => Ok(!self.state.held.contains_key(&id) && self.quarantine_reply(token, &id)),
            },
        }
    }

    /// The operator's word that it works now: attempts count anew. What could not be read is read
    /// first, so that a failure leaves everything as it was.
    fn take_again(
        &mut self,
        now: Now,
        token: Token,
        id: DispatchId,
        view: &dyn View,
    ) -> Result<(), Fatal> {
        let (mut read, mut kept) = (None, Vec::new());
        if self.state.is_aside(&id) {
            match self.reread(&id, view) {
                Ok(found) => (read, kept) = found,
                Err(detail) => {
                    let detail = format!("it still cannot be read: {detail}");
                    let code = Code::Quarantined;
                    self.reply(token, Reply::Refused { code, detail, receipt: None });
                    return Ok(());
                }
            }
        }
        self.looks.end(&id);
        self.take_back_up(now, &id, read, kept);
        self.wait(Waiting::Done { token, dispatch: id, owed: Vec::new(), repeat: false });
        Ok(())
    }

    /// Whether a leg waits for its recipient while its dispatch is set aside.
    pub(crate) fn waits_set_aside(&self, id: &DispatchId, leg: &Leg) -> bool {
        self.state.is_quarantined(id)
            && matches!(leg, Leg::Mailbox { stage: Reached::Consigned, .. })
    }

    /// Gives up what was consigned here and cannot be handed over. That it was consigned stands.
    pub(crate) fn drop_waiting(
        &mut self,
        now: Now,
        token: Token,
        id: DispatchId,
        recipient: AgencyCode,
        words: &str,
    ) -> Result<(), Fatal> {
        let Some(h) = self.state.held.get(&id) else { return Ok(()) };
        let (dispatch, upstreams) = (h.dispatch.clone(), h.upstreams.clone());
        let from = h.upstream_of(&recipient);
        let mut e = self.evidence(now, Event::ContentHandoverFailure, &dispatch, Some(recipient));
        e.reason = Some(Code::Dropped);
        e.remark = Some(words.to_owned());
        e.previous = from;
        let owed = vec![Owed::Own(self.witness(now, e, upstreams.into_iter().collect())?)];
        self.wait(Waiting::Done { token, dispatch: id, owed, repeat: false });
        Ok(())
    }

    /// A receipt about a dispatch that is not understood: kept, and passed on upstream as far as
    /// its beginning says where that is. Otherwise it counts, and is passed on, once the dispatch
    /// can be read.
    pub(crate) fn keep_unread(&mut self, now: Now, from: &NodeId, receipt: &VerifiedReceipt) {
        let e = receipt.record().clone();
        let Some(aside) = self.state.broken.get(&e.dispatch).and_then(|b| b.aside.as_ref()) else {
            return;
        };
        let held = aside.held.as_ref();
        let known = aside.raws.contains_key(&Owed::Foreign(receipt.digest()));
        let of_another = held.is_some_and(|h| e.object != Some(h.object));
        let legs = held.map_or(0, |h| h.recipients.len());
        let most = UNREAD_RECEIPTS_MAX.max(UNREAD_RECEIPTS_PER_LEG_MAX * legs);
        let crowded = aside.raws.len() >= most;
        let ours = self.may_have_been_given(aside, from, e.recipient.as_ref());
        if known || of_another || crowded || !ours || e.node == *self.me() {
            return;
        }
        let foreign = Foreign {
            digest: receipt.digest(),
            raw: receipt.raw().clone(),
            from: from.clone(),
            authorised: held.is_some() && receipt.authorised_issuer() == Some(true),
            owed_to: aside.upstreams.iter().cloned().collect(),
            evidence: e,
        };
        if let Some(sealed) = receipt.statement() {
            self.keep_statement(now, sealed);
        }
        self.record(now, Record::Foreign(foreign), None, true);
    }

    /// Whether a peer may have had this leg from here, as far as can be told of what is not understood: the
    /// way leads there, or did, or it is known to have taken it.
    fn may_have_been_given(
        &self,
        aside: &Aside,
        peer: &NodeId,
        recipient: Option<&AgencyCode>,
    ) -> bool {
        let Some(recipient) = recipient else { return false };
        let leads = |d: &Directory| route(d, self.me(), recipient) == Route::Hop(peer.clone());
        let taken = (recipient.clone(), peer.clone());
        aside.held.as_ref().is_none_or(|h| h.recipients.contains(recipient))
            && (leads(&self.directory)
                || self.directory_before.as_ref().is_some_and(|d| leads(d))
                || aside.taken.contains(&taken))
    }

    /// Sets aside what could not be read while a batch was made.
    pub(crate) fn set_aside_unreadable(&mut self, now: Now) -> Result<(), Fatal> {
        for (id, error) in std::mem::take(&mut self.unreadable) {
            self.unreadable(now, &id, error)?;
        }
        Ok(())
    }

    /// Gives up a leg of a dispatch that is not understood, by what its beginning says.
    fn drop_unread(
        &mut self,
        now: Now,
        token: Token,
        id: DispatchId,
        recipient: &AgencyCode,
        words: &str,
        aside: &Aside,
    ) -> Result<(), Fatal> {
        let Some(held) = &aside.held else {
            let detail = "its beginning cannot be read, so nothing can be said of it: put the \
                          store back, then release it";
            let (code, detail) = (Code::Quarantined, detail.to_owned());
            self.reply(token, Reply::Refused { code, detail, receipt: None });
            return Ok(());
        };
        if !aside.recipients().contains(recipient) {
            let detail = format!("no leg of {id} toward {recipient}");
            self.reply(token, Reply::Refused { code: Code::NotFound, detail, receipt: None });
            return Ok(());
        }
        let about = (id, held.object, held.originator.clone());
        let mut e =
            self.evidence_about(now, Event::RelayFailure, about, Some(recipient.clone()), None);
        e.reason = Some(Code::Dropped);
        e.remark = Some(words.to_owned());
        e.previous = held.previous.clone();
        let owed = Owed::Own(self.witness(now, e, held.previous.iter().cloned().collect())?);
        self.close_aside(now, &id);
        self.wait(Waiting::Done { token, dispatch: id, owed: vec![owed], repeat: false });
        Ok(())
    }

    /// Ends what is left of a dispatch that was never understood, once nothing is owed of it.
    pub(crate) fn close_aside(&mut self, now: Now, id: &DispatchId) {
        let aside = self.state.broken.get(id).and_then(|b| b.aside.as_ref());
        if aside.is_some_and(Aside::is_done) {
            // Its documents go at the next start, when nothing refers to them any more.
            self.record(now, Record::Closed(*id), None, false);
        }
    }
}
