//! The policy of retention, and what is due when.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::text::{DigestText, DispatchText, TimeText};

/// Query of what is due when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct RetentionQuery {
    /// Only what is due now: what the next pass removes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<bool>,
    /// The `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Most items, 1 to 500.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// How long documents are kept, and which are next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetentionView {
    /// The policy; absent: none is configured, and documents go without an entry in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<RetentionPolicyView>,
    /// The moment that counts: never ahead of the node's clock, and behind it where that jumped.
    pub moment: TimeText,
    /// Dispatches whose documents were removed today.
    pub removed_today: u64,
    /// More is due today than the policy lets go in a day.
    pub limited: bool,
    /// Why nothing is removed at present; absent: nothing stands in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Dispatches for which nothing is left to do, by when they were closed, oldest first.
    pub items: Vec<RetentionItem>,
    /// Give it as `after` to get what follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A policy of retention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetentionPolicyView {
    /// What people call it.
    pub name: String,
    /// SHA-256 of its file: it stands in each proof of removal.
    pub sha256: DigestText,
    /// Most dispatches whose documents are removed in a day.
    pub per_day_max: u64,
    /// Its rules.
    pub rules: Vec<RetentionRuleView>,
}

/// One rule of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetentionRuleView {
    /// Its name.
    pub name: String,
    /// What the node was for a dispatch; empty: whatever it was.
    pub at: Vec<String>,
    /// How a leg ended; empty: however it did.
    pub outcome: Vec<String>,
    /// Types of document; empty: all.
    pub types: Vec<String>,
    /// Agencies with those below them; empty: all.
    pub agencies: Vec<String>,
    /// For how many days; absent: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_days: Option<u64>,
}

/// A dispatch whose documents are here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetentionItem {
    /// The dispatch.
    pub dispatch: DispatchText,
    /// When nothing was left to do for it.
    pub closed_at: TimeText,
    /// The rule that decides; absent: none speaks of it, and it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Its period; absent: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_days: Option<u64>,
    /// From when the days count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<TimeText>,
    /// When its documents go; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<TimeText>,
}
