//! One entry of a mailbox: what it is, fetch, confirm.

use tram_api::model::{ConfirmRequest, InboxEntry, InboxState, Recorded};
use tram_api::service::{DocumentRead, Fetched, OpenDocument};
use tram_api::{Base64, Problem, Reply};
use tram_dispatch::{AgencyCode, Code, Digest, DispatchId, Event};
use tram_engine::Input;
use tram_engine::record::Stage;
use tram_engine::state::held::HeldDispatch;
use tram_engine::state::leg::{Leg, Stage as Reached};
use tram_wire::Receipt;

use super::super::kept::{Kept, Unfit};
use super::acts::SameNumber;
use super::{NodeService, blocking, convert, settled, storage};

impl NodeService {
    /// The code under which a dispatch lies in a mailbox of this agency: its own, or one that it took over,
    /// so that a system which knows its own code alone can act on whatever its inbox lists.
    ///
    /// # Errors
    /// `BAD_REQUEST`: it lies there under several.
    pub(super) async fn meant(
        &self,
        agency: &AgencyCode,
        id: DispatchId,
    ) -> Result<AgencyCode, Problem> {
        let succession = self.context.succession();
        if succession.taken_over(agency).is_empty() {
            return Ok(agency.clone());
        }
        let find = move |engine: &tram_engine::Engine, view: &dyn tram_engine::View| {
            engine.find(&id, view)
        };
        let found = self.context.core.reading(find).await?.map_err(storage)?;
        let lies = |code: &&AgencyCode| {
            let leg = found.as_ref().and_then(|held| held.legs.get(*code));
            matches!(leg, Some(Leg::Mailbox { .. }))
        };
        let mut others = succession.taken_over(agency).iter().filter(lies);
        match (lies(&agency), others.next(), others.next()) {
            (false, Some(only), None) => Ok(only.clone()),
            (false, Some(one), Some(other)) => {
                let detail = format!(
                    "it came for {one} and for {other}, and {agency} took both over: name the one \
                     that is meant instead of {agency}"
                );
                Err(Problem::bad_request(detail))
            }
            _ => Ok(agency.clone()),
        }
    }

    pub(super) async fn consigned(
        &self,
        agency: &AgencyCode,
        id: DispatchId,
    ) -> Result<HeldDispatch, Problem> {
        let (held, aside) = self
            .context
            .core
            .reading(move |engine, view| (engine.find(&id, view), convert::unread(engine, &id)))
            .await?;
        if let Some((problem, _)) = aside {
            return Err(problem);
        }
        held.map_err(storage)?
            .filter(|h| matches!(h.legs.get(agency), Some(Leg::Mailbox { .. })))
            .ok_or_else(|| {
                Problem::new(
                    Code::NotFound,
                    format!("dispatch {id} is not in the mailbox of {agency}"),
                )
            })
    }

    pub(super) async fn do_inbox_entry(
        &self,
        agency: AgencyCode,
        id: DispatchId,
    ) -> Result<InboxEntry, Problem> {
        let agency = self.meant(&agency, id).await?;
        let held = self.consigned(&agency, id).await?;
        let (of, code) = (held.clone(), agency.clone());
        let look = move |engine: &tram_engine::Engine, view: &dyn tram_engine::View| {
            let acts = super::acts::acts(engine, view, &of, Some(&code));
            (acts, SameNumber::of(engine, view, &of))
        };
        let (acts, number) = self.context.core.reading(look).await?;
        let others = self.others(&agency, vec![number]).await?.pop().unwrap_or_default();
        let mut entry = convert::inbox_entry(&held, &agency, (acts, others))
            .ok_or_else(|| Problem::new(Code::NotFound, "not in the mailbox"))?;
        if held.documents {
            let documents = &held.dispatch.envelope().documents;
            self.remark_types(documents, &mut entry.documents).await;
        }
        Ok(entry)
    }

    pub(super) async fn do_fetch(
        &self,
        agency: AgencyCode,
        id: DispatchId,
    ) -> Result<Fetched, Problem> {
        let agency = self.meant(&agency, id).await?;
        let held = self.to_be_read(&agency, id).await?;
        let token = self.fetch_token(&held, &agency)?;
        let sealed = bytes::Bytes::copy_from_slice(held.dispatch.raw());
        Ok(Fetched { sealed, token })
    }

    /// What only somebody who fetched can know, the same after a restart: a digest over the
    /// dispatch's bytes, its recipient and the consignment.
    fn fetch_token(&self, held: &HeldDispatch, agency: &AgencyCode) -> Result<String, Problem> {
        let consigned = held
            .own(&self.context.me, &[Event::ContentConsignment], Some(agency))
            .ok_or_else(|| storage("the consignment is not there"))?;
        let digest = tram_crypto::sha256_parts(&[
            b"tram fetch",
            held.dispatch.raw(),
            agency.as_str().as_bytes(),
            &consigned.evidence.custody.to_be_bytes(),
        ]);
        Ok(tram_dispatch::id::hex(&digest[..16]))
    }

    pub(super) async fn do_open_document(
        &self,
        agency: AgencyCode,
        id: DispatchId,
        sha256: Digest,
    ) -> Result<OpenDocument, Problem> {
        let agency = self.meant(&agency, id).await?;
        let held = self.to_be_read(&agency, id).await?;
        let document = held
            .dispatch
            .envelope()
            .documents
            .iter()
            .find(|d| d.sha256 == sha256)
            .cloned()
            .ok_or_else(|| Problem::new(Code::NotFound, format!("document {sha256}")))?;
        if !held.documents {
            let detail = format!("document {sha256} is not kept any more");
            return Err(Problem::new(Code::NotFound, detail));
        }
        let (context, asked) = (self.context.clone(), document.clone());
        let kept = self.fetching(id, move || context.kept(&asked)).await?;
        let reader = Box::new(Reading { node: self.clone(), dispatch: id, kept: Some(kept) });
        Ok(OpenDocument { size: document.size, media_type: document.media_type, reader })
    }

    /// As [`NodeService::consigned`], but for one that is set aside.
    async fn to_be_read(
        &self,
        agency: &AgencyCode,
        id: DispatchId,
    ) -> Result<HeldDispatch, Problem> {
        let held = self.consigned(agency, id).await?;
        if let Some(Leg::Mailbox { stage: Reached::Withdrawn, .. }) = held.legs.get(agency) {
            let detail = format!("dispatch {id} was given back to its originator");
            return Err(Problem::new(Code::WrongState, detail));
        }
        let why = move |engine: &tram_engine::Engine, _: &dyn tram_engine::View| {
            convert::set_aside(engine, &id)
        };
        match self.context.core.reading(why).await? {
            Some(problem) => Err(problem),
            None => Ok(held),
        }
    }

    /// Reads something of a dispatch's documents for the recipient. What turns out to be damaged is set
    /// aside.
    async fn fetching<T: Send + 'static>(
        &self,
        id: DispatchId,
        read: impl FnOnce() -> Result<T, Unfit> + Send + 'static,
    ) -> Result<T, Problem> {
        let context = self.context.clone();
        blocking(move || match context.hands.work(&id, Stage::Fetch, read) {
            Ok(Ok(read)) => Ok(read),
            Ok(Err(Unfit::Later(detail))) => Err(storage(detail)),
            Ok(Err(Unfit::Damaged(detail))) => {
                context.damaged(id, detail.clone());
                Err(Problem::new(Code::Quarantined, detail))
            }
            Err(panic) => {
                context.broke(id, Stage::Fetch, panic.clone());
                Err(Problem::new(Code::WorkUnfinished, panic))
            }
        })
        .await
    }

    pub(super) async fn do_confirm(
        &self,
        agency: AgencyCode,
        id: DispatchId,
        request: ConfirmRequest,
    ) -> Result<Recorded, Problem> {
        let agency = self.meant(&agency, id).await?;
        let held = self.consigned(&agency, id).await?;
        if self.fetch_token(&held, &agency)? != request.fetch {
            let detail = "the token is not the one that the fetch gave";
            return Err(Problem::new(Code::WrongState, detail));
        }
        let recipient = agency.clone();
        let reply = self
            .context
            .core
            .ask(move |token| Input::Confirm { token, recipient, dispatch: id })
            .await?;
        Ok(recorded(reply, agency)?.0)
    }
}

/// What was recorded, and the digest of the agency's statement that its receipt names.
pub(super) fn recorded(
    reply: tram_engine::Reply,
    agency: AgencyCode,
) -> Result<(Recorded, Option<Digest>), Problem> {
    let (receipts, repeat) = settled(reply)?;
    let raw = receipts.first().ok_or_else(|| storage("the receipt is not there"))?;
    let receipt = Receipt::parse(raw).map_err(|e| storage(e.detail))?;
    let record = receipt.record();
    let recorded = Recorded {
        dispatch: record.dispatch.into(),
        recipient: agency.into(),
        event: record.event.into(),
        at: record.time.into(),
        receipt: Base64(raw.to_vec()),
        repeat,
        statement: None,
    };
    Ok((recorded, record.attestation))
}

/// A document being read.
struct Reading {
    node: NodeService,
    dispatch: DispatchId,
    /// Absent while a part is read, and after that failed.
    kept: Option<Kept>,
}

impl DocumentRead for Reading {
    fn read(&mut self, offset: u64, bytes_max: usize) -> Reply<'_, bytes::Bytes> {
        Box::pin(async move {
            let mut kept = self.kept.take().ok_or_else(|| storage("reading it failed before"))?;
            let read = move || {
                let bytes = kept.read(offset, bytes_max)?;
                Ok((kept, bytes))
            };
            let (kept, bytes) = self.node.fetching(self.dispatch, read).await?;
            self.kept = Some(kept);
            if bytes.is_empty() {
                Err(storage("the document is shorter than it was"))
            } else {
                Ok(bytes)
            }
        })
    }
}

/// The state of a mailbox entry.
pub(super) fn inbox_state(leg: &Leg) -> Option<InboxState> {
    use tram_engine::state::leg::Stage;
    match leg {
        Leg::Mailbox { stage: Stage::Consigned, .. } => Some(InboxState::Waiting),
        Leg::Mailbox { stage: Stage::HandedOver, .. } => Some(InboxState::HandedOver),
        Leg::Mailbox { stage: Stage::Registered, .. } => Some(InboxState::Registered),
        Leg::Mailbox { stage: Stage::Refused, .. } => Some(InboxState::Refused),
        Leg::Mailbox { stage: Stage::Withdrawn, .. } => Some(InboxState::Withdrawn),
        _ => None,
    }
}
