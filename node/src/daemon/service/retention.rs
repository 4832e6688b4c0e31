//! `GET /v1/store/retention`: the policy, and what is due when.

use std::fmt::Display;

use tram_api::Problem;
use tram_api::model::{
    RetentionItem, RetentionPolicyView, RetentionQuery, RetentionRuleView, RetentionView,
};
use tram_config::retention::{Ending, Keep, Place, RetentionRule};
use tram_dispatch::UnixMillis;

use super::super::retention::{Fate, Policy};
use super::{NodeService, store_problem};

/// Closed dispatches looked at for one page.
const LOOKED_AT_MAX: usize = 2_000;
/// Page size where the caller names none.
const PAGE_DEFAULT: u32 = 100;

impl NodeService {
    pub(super) async fn do_retention(
        &self,
        query: RetentionQuery,
    ) -> Result<RetentionView, Problem> {
        let context = self.context.clone();
        let limit = query.limit.unwrap_or(PAGE_DEFAULT) as usize;
        let mut after = super::cursor(query.after.as_deref())?;
        self.reading(move || {
            let standing = context.retention.standing();
            let mut view = RetentionView {
                policy: context.retention.policy().map(policy_view),
                moment: standing.moment.into(),
                removed_today: standing.removed_today,
                limited: standing.limited,
                trouble: standing.trouble.map(|(_, why)| why),
                items: Vec::new(),
                next: None,
            };
            let Some(policy) = context.retention.policy() else { return Ok(view) };
            let only_due = query.due == Some(true);
            let before = match only_due {
                true => standing.moment.plus_ms(1),
                false => UnixMillis(u64::MAX),
            };
            let mut looked_at = 0;
            loop {
                let page = context.store.closed(before, after, limit).map_err(store_problem)?;
                for item in &page.items {
                    looked_at += 1;
                    let fate = context.fate(policy, item).map_err(store_problem)?;
                    let due = fate.due();
                    let wanted = match only_due {
                        // A pass looks by when it was closed.
                        true => due.is_some() && is_due(&fate, item.cursor.time(), standing.moment),
                        false => fate != Fate::Nothing,
                    };
                    if wanted {
                        view.items.push(view_of(item.dispatch, item.cursor.time(), fate));
                    }
                    if view.items.len() >= limit || looked_at >= LOOKED_AT_MAX {
                        view.next = Some(item.cursor.to_string());
                        return Ok(view);
                    }
                }
                after = page.next;
                if after.is_none() {
                    return Ok(view);
                }
            }
        })
        .await
    }
}

fn is_due(fate: &Fate, closed_at: UnixMillis, moment: UnixMillis) -> bool {
    const DAY_MS: u64 = 86_400_000;
    match fate {
        Fate::Until { days, .. } => closed_at.plus_ms(days.saturating_mul(DAY_MS)) <= moment,
        Fate::Nothing | Fate::Kept(_) => false,
    }
}

fn view_of(
    dispatch: tram_dispatch::DispatchId,
    closed_at: UnixMillis,
    fate: Fate,
) -> RetentionItem {
    let due = fate.due().map(Into::into);
    let (rule, keep_days, since) = match fate {
        Fate::Until { rule, days, since } => (Some(rule), Some(days), Some(since.into())),
        Fate::Kept(rule) => (rule, None, None),
        Fate::Nothing => (None, None, None),
    };
    let (dispatch, closed_at) = (dispatch.into(), closed_at.into());
    RetentionItem { dispatch, closed_at, rule, keep_days, since, due }
}

fn policy_view(policy: &Policy) -> RetentionPolicyView {
    RetentionPolicyView {
        name: policy.rules.name.clone(),
        sha256: policy.digest.into(),
        per_day_max: policy.rules.per_day_max,
        rules: policy.rules.rules.iter().map(rule_view).collect(),
    }
}

fn rule_view(rule: &RetentionRule) -> RetentionRuleView {
    fn texts<T: Display>(items: &[T]) -> Vec<String> {
        items.iter().map(ToString::to_string).collect()
    }
    RetentionRuleView {
        name: rule.name.clone(),
        at: rule.places.iter().map(|p: &Place| p.word().to_owned()).collect(),
        outcome: rule.outcomes.iter().map(|o: &Ending| o.word().to_owned()).collect(),
        types: rule.types.clone(),
        agencies: texts(&rule.agencies),
        keep_days: match rule.keep {
            Keep::Days(days) => Some(days),
            Keep::ForEver => None,
        },
    }
}
