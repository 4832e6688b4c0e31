//! `GET /v1/log/witnesses`: who cosigned this node's log.

use tram_api::Problem;
use tram_api::model::{LogWitnesses, QuorumView, WitnessView};
use tram_dispatch::{Code, UnixMillis};
use tram_spool::store::CosignedCheckpoint;
use tram_tlog::policy::Policy;

use super::super::context::Context;
use super::{NodeService, store_problem};

impl NodeService {
    pub(super) async fn do_log_witnesses(&self) -> Result<LogWitnesses, Problem> {
        let context = self.context.clone();
        self.reading(move || {
            let internal = |e: &dyn std::fmt::Display| Problem::new(Code::Internal, e.to_string());
            let policy = context.policy().map_err(|e| internal(&e))?;
            let newest = context.store.cosigned_by().map_err(store_problem)?;
            let Some((size, _)) = context.published() else {
                return Err(Problem::new(Code::NotFound, "the log is empty"));
            };
            let at_size = |c: &CosignedCheckpoint| c.size == size;
            let found = context.store.cosigned_from(size, at_size).map_err(store_problem)?;
            let root = context.store.root(size).map_err(store_problem)?;
            let told = found.unwrap_or(CosignedCheckpoint { size, root, by: Vec::new() });
            let judged = context.judge(&policy, &told);
            let judged = judged.ok_or_else(|| internal(&"no checkpoint of this size"))?;
            let quorum = context.newest_quorum(&policy).map_err(store_problem)?;
            let quorum = match (policy.quorum(), quorum) {
                (None, _) => Some(view(&context, &policy, &told)?),
                (Some(_), found) => found.map(|c| view(&context, &policy, &c)).transpose()?,
            };
            let mut nodes = context.around();
            nodes.extend(newest.keys().filter(|n| !nodes.contains(n)).cloned().collect::<Vec<_>>());
            let witness = |node: tram_dispatch::NodeId| {
                let last = newest.get(&node);
                let key = last.map(|c| c.cosignature.name().to_owned());
                WitnessView {
                    size: last.map(|c| c.size),
                    at: last.map(|c| UnixMillis(c.cosignature.time().saturating_mul(1_000)).into()),
                    key,
                    node: node.into(),
                }
            };
            Ok(LogWitnesses {
                node: context.me.clone().into(),
                epoch: context.epoch.into(),
                size,
                checkpoint: note(&context, &policy, &told)?,
                by_position: context.witness_policy.is_none(),
                policy: policy.to_text(),
                reached: judged.reached,
                missing: judged.shortfalls.iter().map(|s| s.name.clone()).collect(),
                quorum,
                witnesses: nodes.into_iter().map(witness).collect(),
            })
        })
        .await
    }
}

fn view(
    context: &Context,
    policy: &Policy,
    checkpoint: &CosignedCheckpoint,
) -> Result<QuorumView, Problem> {
    Ok(QuorumView { size: checkpoint.size, checkpoint: note(context, policy, checkpoint)? })
}

fn note(
    context: &Context,
    policy: &Policy,
    checkpoint: &CosignedCheckpoint,
) -> Result<String, Problem> {
    let internal = |e: &dyn std::fmt::Display| Problem::new(Code::Internal, e.to_string());
    let bytes = context.cosigned_note(Some(policy), checkpoint).map_err(|e| internal(&e))?;
    String::from_utf8(bytes).map_err(|e| internal(&e))
}
