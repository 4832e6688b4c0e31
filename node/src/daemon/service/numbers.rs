//! Numbers of the key provider: assigning them, and declaring void what was never sent.

use std::sync::Arc;

use tram_api::model::{VoidRequest, Voided};
use tram_api::service::Said;
use tram_api::{Base64, Problem};
use tram_dispatch::envelope::Sequence;
use tram_dispatch::{AgencyCode, Code, DispatchId, Envelope};
use tram_engine::{Input, Reply, Wanted};
use tram_trust::Verdict;
use tram_wire::SealedVoid;
use tram_wire::void::Void;

use super::super::context::Context;
use super::{NodeService, blocking, settled, storage};
use crate::sealing;

impl NodeService {
    /// Gives an envelope its number and its time of sealing, both durable.
    pub(super) async fn number(
        &self,
        envelope: &mut Envelope,
        series: u64,
        known: Option<DispatchId>,
    ) -> Result<(), Problem> {
        let wanted = Wanted {
            originator: envelope.originator.clone(),
            series,
            reference: envelope.reference.clone(),
            content: sealing::content(envelope),
            known,
        };
        match self.context.core.ask(move |token| Input::Assign { token, wanted }).await? {
            Reply::Assigned { number, at } => {
                envelope.sequence = Some(Sequence { series, number });
                sealing::set_issued_at(envelope, at);
                Ok(())
            }
            Reply::Later { code: Code::Busy, retry_ms } => {
                let detail = "the reference is being used at this moment, or too many numbers of the \
                              series wait; `tram audit gaps` shows those";
                let retry_s = retry_ms.div_ceil(1_000).max(1);
                Err(Problem::new(Code::Busy, detail).retry_after(retry_s))
            }
            other => match settled(other) {
                Err(problem) => Err(problem),
                Ok(_) => Err(Problem::new(Code::Internal, "a number was not assigned")),
            },
        }
    }

    pub(super) async fn do_void(
        &self,
        agency: AgencyCode,
        sequence: Sequence,
        said: Said<VoidRequest>,
    ) -> Result<Voided, Problem> {
        match said {
            Said::Words(VoidRequest { reason }) => {
                declare(&self.context, agency, sequence, reason).await
            }
            Said::Sealed(bytes) => {
                let sealed =
                    SealedVoid::parse(&bytes).map_err(|e| Problem::new(e.code, e.detail))?;
                let said = sealed.void();
                if said.agency != agency || said.sequence != sequence {
                    let detail = "the statement is about another number than the path";
                    return Err(Problem::bad_request(detail));
                }
                take(&self.context, sealed).await
            }
        }
    }
}

/// Runs [`close_stale`] in a thread of its own, which waits for nothing but the engine.
pub(crate) fn close_stale_beside(context: &Arc<Context>) -> std::io::Result<()> {
    let context = context.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let closer = std::thread::Builder::new().name("numbers".into());
    closer.spawn(move || runtime.block_on(close_stale(context))).map(|_| ())
}

/// Declares void, with the agency's key in the key provider, every number that an earlier life of the
/// process assigned and that was not used. What cannot be sealed now is left to the next start, or to the
/// operator.
async fn close_stale(context: Arc<Context>) {
    let stale = context.core.question(|engine, _| engine.state().numbers.stale()).await;
    for (agency, sequence, assigned) in stale.unwrap_or_default() {
        let reason = format!(
            "assigned at {} to reference {}; the node ended before it was sent",
            assigned.at, assigned.reference
        );
        let Sequence { series, number } = sequence;
        match declare(&context, agency.clone(), sequence, reason).await {
            Ok(_) => tracing::info!(%agency, series, number, "a number never sent is void"),
            Err(problem) => {
                let (code, detail) = (problem.code, problem.detail);
                tracing::warn!(%agency, series, number, %code, detail, "a number never sent stays open");
            }
        }
    }
}

async fn declare(
    context: &Arc<Context>,
    agency: AgencyCode,
    sequence: Sequence,
    reason: String,
) -> Result<Voided, Problem> {
    let shared = context.clone();
    let sealed = blocking(move || {
        let seal = shared.seal_of(&agency)?;
        let (network, time) = (shared.network, shared.core.now().wall);
        let void = Void { network, agency, sequence, time, reason };
        sealing::seal(&void, &seal.chain, &*seal.key)
    });
    take(context, sealed.await?).await
}

async fn take(context: &Arc<Context>, sealed: SealedVoid) -> Result<Voided, Problem> {
    let shared = context.clone();
    let statement = sealed.clone();
    let verified =
        blocking(move || match shared.verifier().void(statement, shared.core.now().wall) {
            Verdict::Verified(verified) => Ok(verified),
            Verdict::Refused(r) => Err(Problem::new(r.code, r.detail)),
            Verdict::Undetermined(c) => Err(Problem::new(c.code, c.detail).retry_after(60)),
        });
    let void = verified.await?;
    let reply = context.core.ask(move |token| Input::Void { token, void }).await?;
    let (receipts, _) = settled(reply)?;
    let receipt = receipts.first().ok_or_else(|| storage("the receipt is not there"))?;
    let Void { agency, sequence, .. } = sealed.void().clone();
    Ok(Voided {
        agency: agency.into(),
        series: sequence.series,
        number: sequence.number,
        statement: Base64(sealed.raw().to_vec()),
        receipt: Base64(receipt.to_vec()),
    })
}
