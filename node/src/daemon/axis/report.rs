//! Status messages that an account's system sends: what became of a document with its recipient.

use tram_api::model::{RefuseRequest, RegisterRequest, StatusRequest};
use tram_api::service::Said as Words;
use tram_api::{Problem, Service as _};
use tram_axis::{Account, DocId, Number, Refusal};
use tram_dispatch::envelope::Act;
use tram_dispatch::{AgencyCode, Code, Digest, DispatchId, Reference, Status};
use tram_edxml::StatusNotice;
use tram_edxml::map::about;
use tram_engine::state::held::HeldDispatch;
use tram_engine::state::leg::{Leg, Stage};

use super::node::AxisNode;
use super::refusals;
use super::send::{Said, sender};

impl AxisNode {
    /// Records a status. The same again, with the same words, is not recorded again.
    pub(super) async fn report(
        &self,
        account: &Account,
        said: &Said,
        notice: &StatusNotice,
        sha256: Digest,
    ) -> Result<DocId, Refusal> {
        let id = DocId::status(sha256.as_bytes());
        let (named, originator, reference) = about(notice).map_err(|e| refusals::of_edxml(&e))?;
        let verifier = self.service.context.verifier();
        let agency = sender(account, verifier.directory(), &named, said)?;
        let originator = Self::present(verifier.directory(), &originator);
        let status = notice.status;
        if status == Status::Arrived {
            // This node said so itself, when it held the dispatch durably.
            return Ok(id);
        }
        let held = self.about(&agency, &originator, &reference, status).await?;
        let words = notice.description.clone();
        let newest = held.newest_statuses().get(&agency).copied();
        if newest.is_some_and(|s| s.status == status && s.known.evidence.remark == words) {
            return Ok(id);
        }
        self.taken_before(account, &agency, &held, status).await?;
        self.record(account, &agency, held.id(), (status, words)).await.map_err(|problem| {
            match problem.code {
                Code::WrongState => Refusal::new(Number::Processing, problem.detail),
                _ => refusals::of_problem(problem),
            }
        })?;
        Ok(id)
    }

    /// The dispatch that a status is about: of an answer to a recall or an update, that one, for systems
    /// name the document itself.
    async fn about(
        &self,
        agency: &AgencyCode,
        originator: &AgencyCode,
        reference: &Reference,
        status: Status,
    ) -> Result<HeldDispatch, Refusal> {
        let (recipient, sender, name) = (agency.clone(), originator.clone(), reference.clone());
        let answers = matches!(status, Status::Agreed | Status::Declined);
        let look = move |engine: &tram_engine::Engine, view: &dyn tram_engine::View| {
            let asks = |held: &&HeldDispatch| match &held.dispatch.envelope().act {
                Act::Recall(of) | Act::Update(of) => {
                    of.originator == sender && of.reference == name
                }
                Act::New | Act::Replace(_) => false,
            };
            let mut after = None;
            let mut more = answers;
            while more {
                let some = engine.mailbox(&recipient, after, 256);
                let Some((last, _)) = some.last() else { break };
                more = some.len() == 256;
                after = Some(*last);
                if let Some(found) = some.into_iter().map(|(_, held)| held).find(asks) {
                    return Ok(Some(found.clone()));
                }
            }
            match engine.referenced(&sender, &name, view)? {
                Some(id) => engine.find(&id, view),
                None => Ok(None),
            }
        };
        let found = self.service.context.core.question(look).await;
        let held = found.map_err(refusals::of_stopping)?.map_err(refusals::broken)?;
        held.filter(|h| matches!(h.legs.get(agency), Some(Leg::Mailbox { .. }))).ok_or_else(|| {
            let text = format!("{agency} has no document of {originator} under this DocumentId");
            Refusal::new(Number::Processing, text)
        })
    }

    /// What a status implies that was not said: a system that accepts a document has it, and one that
    /// works on it has accepted it.
    async fn taken_before(
        &self,
        account: &Account,
        agency: &AgencyCode,
        held: &HeldDispatch,
        status: Status,
    ) -> Result<(), Refusal> {
        let Some(Leg::Mailbox { stage, .. }) = held.legs.get(agency) else { return Ok(()) };
        if *stage == Stage::Consigned {
            self.confirmed(account, agency, held.id()).await?;
        }
        if status.is_handling() && matches!(stage, Stage::Consigned | Stage::HandedOver) {
            let said = (Status::Accepted, None);
            self.record(account, agency, held.id(), said).await.map_err(refusals::of_problem)?;
        }
        Ok(())
    }

    async fn record(
        &self,
        account: &Account,
        agency: &AgencyCode,
        id: DispatchId,
        (status, words): (Status, Option<String>),
    ) -> Result<(), Problem> {
        let (caller, agency, service) = (Self::caller(account), agency.clone(), &self.service);
        let recorded = match status {
            Status::Accepted => {
                let request = RegisterRequest { remark: words };
                service.register(caller, agency, id, Words::Words(request)).await
            }
            Status::Refused => {
                let reason = words.unwrap_or_else(|| status.name_vi().to_owned());
                let request = RefuseRequest { reason, cause: None };
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
}
