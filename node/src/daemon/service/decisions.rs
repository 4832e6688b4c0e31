//! What the clerk decides: registered or refused, how far it is, what is answered to a recall or an
//! update. Under the agency's seal where somebody has its key.

use tram_api::model::Recorded;
use tram_api::service::Said;
use tram_api::{Base64, Problem};
use tram_crypto::sha256;
use tram_dispatch::envelope::SealedBy;
use tram_dispatch::{AgencyCode, Code, DispatchId, Event, Status};
use tram_engine::Input;
use tram_trust::{Verdict, VerifiedStatement};
use tram_wire::statement::{SealedStatement, Statement};

use super::{NodeService, blocking, mailbox, storage};
use crate::sealing;

/// What is handed in, where it has no other name.
const STATEMENT: &str = "an agency's statement";

/// A decision: its status, words, and the same under the agency's seal.
struct Decided {
    status: Status,
    words: Option<String>,
    statement: Option<VerifiedStatement>,
}

/// The event by which a status is recorded.
fn event_of(status: Status) -> Event {
    match status {
        Status::Refused => Event::ConsignmentRejection,
        Status::Assigned | Status::Processing | Status::Completed => Event::HandlingStatus,
        Status::Agreed => Event::ActAcceptance,
        Status::Declined => Event::ActRejection,
        // The other two no clerk gives: they are not asked for.
        Status::Accepted | Status::Arrived | Status::TakeBackRequested => {
            Event::ConsignmentAcceptance
        }
    }
}

/// The status that a statement gives.
fn status_of(said: &Statement) -> Status {
    match said.event {
        Event::ConsignmentRejection => Status::Refused,
        Event::ActAcceptance => Status::Agreed,
        Event::ActRejection => Status::Declined,
        _ => said.status.unwrap_or(Status::Accepted),
    }
}

/// Whether a decision must say why.
fn needs_words(status: Status) -> bool {
    matches!(status, Status::Refused | Status::Declined)
}

impl NodeService {
    /// Records what the clerk decided: one of the statuses that the caller asked for, with a remark, or
    /// with the reason.
    pub(super) async fn do_decide(
        &self,
        agency: AgencyCode,
        id: DispatchId,
        (asked, cause): (&'static [Status], Option<Code>),
        said: Said<(Status, Option<String>)>,
    ) -> Result<Recorded, Problem> {
        let agency = self.meant(&agency, id).await?;
        let decided = match said {
            Said::Words((status, _)) if !asked.contains(&status) => {
                let one_of: Vec<String> = asked.iter().map(ToString::to_string).collect();
                let detail = format!("status is one of {}", one_of.join(", "));
                return Err(Problem::bad_request(detail));
            }
            Said::Words((status, words)) => {
                let statement = self.seal_for(&agency, id, status, words.clone()).await;
                Decided { status, words, statement }
            }
            Said::Sealed(bytes) => self.taken(&agency, id, asked, bytes).await?,
        };
        let Decided { status, words, statement } = decided;
        if needs_words(status) && words.as_ref().is_none_or(|w| w.trim().is_empty()) {
            return Err(Problem::bad_request("a refusal says why"));
        }
        let (recipient, dispatch) = (agency.clone(), id);
        let ask = move |token| match status {
            Status::Refused | Status::Accepted => {
                let (refusal, remark) = match status {
                    Status::Refused => (Some(words.unwrap_or_default()), None),
                    _ => (None, words),
                };
                Input::Register { token, recipient, dispatch, refusal, cause, remark, statement }
            }
            _ => Input::Report { token, recipient, dispatch, status, remark: words, statement },
        };
        let reply = self.context.core.ask(ask).await?;
        let (recorded, attestation) = mailbox::recorded(reply, agency)?;
        let Some(digest) = attestation else { return Ok(recorded) };
        let find = move |engine: &tram_engine::Engine, view: &dyn tram_engine::View| {
            engine.statement(&id, digest, view)
        };
        let statement = self.context.core.question(find).await?.map_err(storage)?;
        let statement = statement.map(|raw| Base64(raw.to_vec()));
        Ok(Recorded { statement, ..recorded })
    }

    /// A statement that the agency sealed itself.
    async fn taken(
        &self,
        agency: &AgencyCode,
        id: DispatchId,
        asked: &[Status],
        bytes: bytes::Bytes,
    ) -> Result<Decided, Problem> {
        let name = DispatchId(sha256(&bytes));
        let parse = || SealedStatement::parse(&bytes).map_err(|e| Problem::new(e.code, e.detail));
        let sealed = self.context.attempted(name, STATEMENT, parse)?;
        let said = sealed.statement();
        let status = status_of(said);
        if self.context.succession().heir(agency) == Some(&said.agency) {
            let detail = format!(
                "the dispatch came for {agency}, and its receipts name {agency}: say it in words, \
                 not under the seal of {}",
                said.agency
            );
            return Err(Problem::bad_request(detail));
        }
        if said.agency != *agency || said.dispatch != id || !asked.contains(&status) {
            let detail = "the statement is about something else than the path";
            return Err(Problem::bad_request(detail));
        }
        let words = said.remark.clone();
        match self.verified(sealed).await? {
            Verdict::Verified(statement) => {
                Ok(Decided { status, words, statement: Some(statement) })
            }
            Verdict::Refused(r) => Err(Problem::new(r.code, r.detail)),
            Verdict::Undetermined(c) => Err(Problem::new(c.code, c.detail).retry_after(60)),
        }
    }

    /// The same under the agency's seal, where this node holds its key. The clerk's word counts without
    /// it, so a key that cannot be used now is only told of.
    async fn seal_for(
        &self,
        agency: &AgencyCode,
        id: DispatchId,
        status: Status,
        remark: Option<String>,
    ) -> Option<VerifiedStatement> {
        self.context.seal_of(agency).ok()?;
        // What is wrong with the dispatch, the engine says.
        let object = self.consigned(agency, id).await.ok()?.dispatch.object();
        let (context, code) = (self.context.clone(), agency.clone());
        let sealing = blocking(move || {
            let seal = context.seal_of(&code)?;
            let statement = Statement {
                network: context.network,
                agency: code,
                dispatch: id,
                object,
                event: event_of(status),
                status: Some(status).filter(|s| s.is_handling()),
                time: context.core.now().wall,
                remark,
                sealed_by: SealedBy::Node(context.me.clone()),
            };
            sealing::seal(&statement, &seal.chain, &*seal.key)
        });
        let (code, detail) = match sealing.await {
            Ok(sealed) => match self.verified(sealed).await {
                Ok(Verdict::Verified(statement)) => return Some(statement),
                Ok(Verdict::Refused(r)) => (r.code, r.detail),
                Ok(Verdict::Undetermined(c)) => (c.code, c.detail),
                Err(problem) => (problem.code, problem.detail),
            },
            Err(problem) => (problem.code, problem.detail),
        };
        tracing::warn!(%agency, dispatch = %id, %code, detail, "recorded without the agency's seal");
        None
    }

    async fn verified(
        &self,
        sealed: SealedStatement,
    ) -> Result<Verdict<VerifiedStatement>, Problem> {
        let context = self.context.clone();
        blocking(move || {
            let name = DispatchId(sha256(sealed.raw()));
            context.attempted(name, STATEMENT, || {
                Ok(context.verifier().statement(sealed, context.core.now().wall))
            })
        })
        .await
    }
}
