use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::text::{AgencyText, DigestText};

/// A group that the operator made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupView {
    /// How it is addressed: `group:NAME`.
    pub group: String,
    /// Its members as configured: agency codes, and groups of the directory.
    pub members: Vec<String>,
}

/// Which groups to expand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RecipientsQuery {
    /// Groups, separated by commas: `communes-of:CODE`, `children-of:CODE`, `under:CODE`, `tier:N`,
    /// `group:NAME`.
    pub groups: String,
}

/// Whom groups mean today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecipientsView {
    /// The groups, as the envelope would name them.
    pub groups: String,
    /// Version of the directory that says so.
    pub directory_version: u64,
    /// Digest of its head.
    pub directory: DigestText,
    /// How many recipients.
    pub count: u32,
    /// All of them, by code.
    pub recipients: Vec<RecipientView>,
    /// How many members are not addressed.
    pub left_out_count: u32,
    /// The first hundred of these.
    pub left_out: Vec<LeftOutView>,
}

/// One recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecipientView {
    /// Its code.
    pub agency: AgencyText,
    /// Its name.
    pub name: String,
}

/// A member of a group that is not addressed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeftOutView {
    /// The agency.
    pub agency: AgencyText,
    /// Why.
    pub reason: LeftOutReason,
    /// Who took over, of one that is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<AgencyText>,
}

/// Why a member of a group is not addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeftOutReason {
    /// It is the originator.
    Originator,
    /// It is closed.
    Closed,
    /// No node holds its mailbox.
    NoNode,
    /// The directory does not know it.
    Unknown,
}

/// What became of the groups of a dispatch that the node sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExpandedView {
    /// The groups, as the envelope names them.
    pub groups: String,
    /// How many recipients the dispatch has.
    pub recipients: u32,
    /// How many members are not addressed; of a repeat nothing is said.
    pub left_out_count: u32,
    /// The first hundred of these.
    pub left_out: Vec<LeftOutView>,
}
