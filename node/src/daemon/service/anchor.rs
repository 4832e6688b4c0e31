//! `/v1/log/anchor`: whether receipts are signed, and letting a log go on that nothing vouches for.

use tram_api::model::{AnchorRequest, Anchored, LogAnchor};
use tram_api::{Base64, Problem};
use tram_dispatch::Code;
use tram_engine::{Anchor, Engine, Input};
use tram_trust::Standing;

use super::super::alarms::Found;
use super::super::context::Context;
use super::{NodeService, settled};

impl NodeService {
    pub(super) async fn do_log_anchor(&self) -> Result<LogAnchor, Problem> {
        let c = &self.context;
        let look = |engine: &Engine, _: &dyn tram_engine::View| {
            (engine.shut(), said(engine.anchor_said()), engine.anchored_by().cloned())
        };
        let (code, said, anchored_by) = c.core.glance(look).await?;
        let file = c.config.anchor_dir.join(format!("{}.anchor", c.me));
        Ok(LogAnchor {
            node: c.me.clone().into(),
            epoch: c.epoch.into(),
            signing: code.is_none(),
            code: code.map(Into::into),
            said,
            anchored_by: anchored_by.map(Into::into),
            file: file.display().to_string(),
        })
    }

    pub(super) async fn do_override_anchor(
        &self,
        request: AnchorRequest,
    ) -> Result<Anchored, Problem> {
        let words = request.reason;
        let ask = move |token| Input::AnchorAnyway { token, words };
        let (receipts, _) = settled(self.context.core.ask(ask).await?)?;
        let receipt = receipts.first().map(|raw| Base64(raw.to_vec()));
        let receipt = receipt.ok_or_else(|| Problem::new(Code::Internal, "there is no receipt"))?;
        tracing::warn!("the operator lets the log go on; the receipt says why");
        Ok(Anchored { receipt })
    }
}

/// The alarm of a log that is unanchored, or that its anchor contradicts.
pub(super) fn alarm(engine: &Engine) -> Option<Found> {
    if let Some(doubt) = engine.unanchored() {
        let detail = format!(
            "no new receipts are signed: {doubt}; a peer that holds a checkpoint of this log ends \
             this, or `tram log anchor --override --reason ...`"
        );
        return Some(Found::new(Code::LogUnanchored, detail));
    }
    let (code, told) = (engine.halted()?, said(engine.anchor_said())?);
    let size = engine.log_head().0;
    let detail = format!("nothing new is signed: {told}; the store has {size} leaves");
    Some(Found::new(code, detail))
}

/// The alarm of an epoch of this node's log that the directory does not list.
pub(super) fn epoch_alarm(context: &Context) -> Option<Found> {
    let verifier = context.verifier();
    let directory = verifier.directory();
    let epoch = context.epoch.short();
    let detail = match directory.standing(&context.me, &context.epoch)? {
        Standing::Listed => return None,
        Standing::Provisional => format!(
            "epoch {epoch} is provisional, by the parent's cosignature: have it added to the directory"
        ),
        Standing::Announced => format!(
            "no receipts are signed: epoch {epoch} waits for the parent's cosignature, or for the directory"
        ),
    };
    Some(Found::new(Code::EpochUnlisted, detail))
}

fn said(anchor: &Anchor) -> Option<String> {
    match anchor {
        Anchor::Agrees => None,
        Anchor::Unclean(doubt) => Some(doubt.to_string()),
        Anchor::RolledBack { size } => Some(format!("the anchor knows {size} leaves of this log")),
        Anchor::Forked { size } => {
            Some(format!("the anchor knows another root of this log at {size} leaves"))
        }
    }
}
