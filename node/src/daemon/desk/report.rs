//! Statuses that a system gives: what became of a document with its recipient.

use std::collections::BTreeSet;

use tram_api::model::{
    ConfirmRequest, RefusalCause, RefuseRequest, RegisterRequest, StatusRequest,
};
use tram_api::service::Said as Words;
use tram_api::{Problem, Service as _};
use tram_dispatch::envelope::Act;
use tram_dispatch::{AgencyCode, Code, DispatchId, Reference, Status};
use tram_engine::state::held::HeldDispatch;
use tram_engine::state::leg::{Leg, Stage};

use super::{Desk, Speaker, broken, of_stopping};

/// A status that is to be recorded.
pub(in crate::daemon) struct Given {
    /// The recipient, who gives it.
    pub(in crate::daemon) agency: AgencyCode,
    /// Whose document it is about.
    pub(in crate::daemon) originator: AgencyCode,
    /// Which.
    pub(in crate::daemon) reference: Reference,
    pub(in crate::daemon) status: Status,
    /// In words.
    pub(in crate::daemon) words: Option<String>,
    /// Why it is refused, where that has a code of its own.
    pub(in crate::daemon) cause: Option<RefusalCause>,
}

impl Desk {
    /// Records a status; the dispatch that it is about. The same again, with the same words, is not
    /// recorded again.
    ///
    /// # Errors
    /// `NOT_FOUND` where the agency has no such document; what the service refuses.
    pub(in crate::daemon) async fn report(
        &self,
        who: &Speaker,
        given: Given,
    ) -> Result<Option<DispatchId>, Problem> {
        let Given { agency, originator, reference, status, words, cause } = given;
        if status == Status::Arrived {
            // This node said so itself, when it held the dispatch durably.
            return Ok(None);
        }
        let mailboxes = self.mailboxes([&agency]);
        let held = self.about((&agency, &mailboxes), &originator, &reference, status).await?;
        // A system names the document, not the copy: what came for several closed agencies, or for one of
        // them and for the agency itself, is one document to it.
        let lies = |of: &&AgencyCode| matches!(held.legs.get(*of), Some(Leg::Mailbox { .. }));
        let (mut recorded, mut refused) = (false, None);
        for recipient in own_first(&mailboxes, &agency).filter(lies) {
            let said = (status, words.clone(), cause);
            match self.report_one(who, recipient, &held, said).await {
                Ok(()) => recorded = true,
                // Its own word counts, where there is one; an old copy may have been answered before.
                Err(problem) if *recipient == agency => return Err(problem),
                Err(problem) => refused = Some(problem),
            }
        }
        match refused {
            Some(problem) if !recorded => Err(problem),
            _ => Ok(Some(held.id())),
        }
    }

    async fn report_one(
        &self,
        who: &Speaker,
        recipient: &AgencyCode,
        held: &HeldDispatch,
        said: (Status, Option<String>, Option<RefusalCause>),
    ) -> Result<(), Problem> {
        let newest = held.newest_statuses().get(recipient).copied();
        if newest.is_some_and(|s| s.status == said.0 && s.known.evidence.remark == said.1) {
            return Ok(());
        }
        self.taken_before(who, recipient, held, said.0).await?;
        self.record(who, recipient, held.id(), said).await
    }

    /// The dispatch that a status is about: of an answer to a recall or an update, that one, for systems
    /// name the document itself.
    async fn about(
        &self,
        (agency, mailboxes): (&AgencyCode, &BTreeSet<AgencyCode>),
        originator: &AgencyCode,
        reference: &Reference,
        status: Status,
    ) -> Result<HeldDispatch, Problem> {
        let (recipients, sender, name) = (mailboxes.clone(), originator.clone(), reference.clone());
        let answers = matches!(status, Status::Agreed | Status::Declined);
        let look = move |engine: &tram_engine::Engine, view: &dyn tram_engine::View| {
            let asks = |held: &&HeldDispatch| match &held.dispatch.envelope().act {
                Act::Recall(of) | Act::Update(of) => {
                    of.originator == sender && of.reference == name
                }
                Act::New | Act::Replace(_) => false,
            };
            for recipient in recipients.iter().filter(|_| answers) {
                let (mut after, mut more) = (None, true);
                while more {
                    let some = engine.mailbox(recipient, after, 256);
                    let Some((last, _)) = some.last() else { break };
                    more = some.len() == 256;
                    after = Some(*last);
                    if let Some(found) = some.into_iter().map(|(_, held)| held).find(asks) {
                        return Ok(Some(found.clone()));
                    }
                }
            }
            match engine.referenced(&sender, &name, view)? {
                Some(id) => engine.find(&id, view),
                None => Ok(None),
            }
        };
        let found = self.service.context.core.question(look).await;
        let held = found.map_err(of_stopping)?.map_err(broken)?;
        let lies = |h: &HeldDispatch, of| matches!(h.legs.get(of), Some(Leg::Mailbox { .. }));
        held.filter(|h| mailboxes.iter().any(|of| lies(h, of))).ok_or_else(|| {
            let text = format!("{agency} has no document {reference} of {originator}");
            Problem::new(Code::NotFound, text)
        })
    }

    /// What a status implies that was not said: a system that accepts a document has it, and one that
    /// works on it has accepted it.
    async fn taken_before(
        &self,
        who: &Speaker,
        agency: &AgencyCode,
        held: &HeldDispatch,
        status: Status,
    ) -> Result<(), Problem> {
        let Some(Leg::Mailbox { stage, .. }) = held.legs.get(agency) else { return Ok(()) };
        if *stage == Stage::Consigned {
            self.confirmed(who, agency, held.id()).await?;
        }
        if status.is_handling() && matches!(stage, Stage::Consigned | Stage::HandedOver) {
            let said = (Status::Accepted, None, None);
            self.record(who, agency, held.id(), said).await?;
        }
        Ok(())
    }

    async fn record(
        &self,
        who: &Speaker,
        agency: &AgencyCode,
        id: DispatchId,
        (status, words, cause): (Status, Option<String>, Option<RefusalCause>),
    ) -> Result<(), Problem> {
        let (caller, agency, service) = (who.caller(), agency.clone(), &self.service);
        let recorded = match status {
            Status::Accepted => {
                let request = RegisterRequest { remark: words };
                service.register(caller, agency, id, Words::Words(request)).await
            }
            Status::Refused => {
                let reason = words.unwrap_or_else(|| status.name_vi().to_owned());
                let request = RefuseRequest { reason, cause };
                service.refuse(caller, agency, id, Words::Words(request)).await
            }
            Status::Declined => {
                let remark = words.or_else(|| Some(status.name_vi().to_owned()));
                let request = StatusRequest { status: status.into(), remark };
                service.report(caller, agency, id, Words::Words(request)).await
            }
            _ => {
                let request = StatusRequest { status: status.into(), remark: words };
                service.report(caller, agency, id, Words::Words(request)).await
            }
        };
        recorded.map(|_| ())
    }

    /// The agency's system has a dispatch: recorded durably; once more says the same.
    ///
    /// # Errors
    /// What the service refuses.
    pub(in crate::daemon) async fn confirmed(
        &self,
        who: &Speaker,
        agency: &AgencyCode,
        dispatch: DispatchId,
    ) -> Result<(), Problem> {
        let caller = who.caller();
        let fetched = self.service.fetch(caller.clone(), agency.clone(), dispatch).await?;
        let request = ConfirmRequest { fetch: fetched.token };
        self.service.confirm(caller, agency.clone(), dispatch, request).await.map(|_| ())
    }
}

/// The agency's own mailbox before those that it took over: where its own word cannot be recorded nothing is.
fn own_first<'a>(
    mailboxes: &'a BTreeSet<AgencyCode>,
    agency: &'a AgencyCode,
) -> impl Iterator<Item = &'a AgencyCode> {
    let own = mailboxes.get(agency).into_iter();
    own.chain(mailboxes.iter().filter(move |code| *code != agency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agencys_own_copy_comes_before_those_of_old_codes() {
        let [a, b, c] = ["H40", "H41", "H42"].map(|code| AgencyCode::parse(code).unwrap());
        let all = BTreeSet::from([a.clone(), b.clone(), c.clone()]);
        assert_eq!(own_first(&all, &b).collect::<Vec<_>>(), [&b, &a, &c]);
        let others = BTreeSet::from([a.clone(), c.clone()]);
        assert_eq!(own_first(&others, &b).collect::<Vec<_>>(), [&a, &c]);
    }
}
