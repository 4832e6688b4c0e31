//! Numbers of an originator: which are missing, and why.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::text::{
    AgencyText, Base64, CodeText, DigestText, DispatchText, EpochText, NodeText, TimeText,
};

/// Query for missing numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GapsQuery {
    /// The originator.
    pub agency: AgencyText,
    /// Only this series; absent: the admissions and every series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<u64>,
    /// Only admissions.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub admissions: bool,
    /// The first number looked at, 1 where absent; the `next` of an answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// Seconds that a number may be missing before it is judged; 86400 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_s: Option<u64>,
    /// Most missing numbers of each numbering, 1 to 500; 100 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// What is missing of an originator's numbers, as far as this node can tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GapsReport {
    /// The originator.
    pub agency: AgencyText,
    /// The node whose log was looked at.
    pub node: NodeText,
    /// The epoch of that log.
    pub epoch: EpochText,
    /// When.
    pub at: TimeText,
    /// Seconds that a number may be missing before it is judged.
    pub grace_s: u64,
    /// The admissions first, then each series.
    pub numberings: Vec<Numbering>,
    /// Whether there are more series than an answer holds: ask for them one by one.
    pub more_series: bool,
}

/// One numbering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Numbering {
    /// The series; absent for the node's own numbers of admission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<u64>,
    /// The newest number among those looked at; 0 where there is none.
    pub newest: u64,
    /// Numbers that stand for a dispatch in custody; of admissions, also those refused.
    pub present: u64,
    /// Numbers that stand for more than one thing, the first hundred.
    pub repeated: Vec<u64>,
    /// The missing ones, ascending.
    pub gaps: Vec<Gap>,
    /// Give it as `from`, with this series, to get what follows. Absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// Why a number stands for no dispatch in custody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GapClass {
    /// The first node refused the dispatch, and its receipt says so.
    Refused,
    /// The agency declared that it stays unused.
    Void,
    /// Missing for less than the grace.
    Pending,
    /// The first node knows nothing of it.
    NeverSeen,
    /// The first node counted an admission whose leaf is not in its log.
    Suppressed,
}

impl GapClass {
    /// The word in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            GapClass::Refused => "refused",
            GapClass::Void => "void",
            GapClass::Pending => "pending",
            GapClass::NeverSeen => "never_seen",
            GapClass::Suppressed => "suppressed",
        }
    }
}

/// One missing number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Gap {
    /// The number.
    pub number: u64,
    /// Why it is missing.
    pub class: GapClass,
    /// Since when that is known.
    pub since: TimeText,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeText>,
    /// The particulars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The dispatch refused; of a void number, what stands for one in the evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispatch: Option<DispatchText>,
    /// The receipt of the refusal or of the statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Base64>,
    /// The statement as the agency sealed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<Base64>,
    /// What proves the suppression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Suppression>,
}

/// Two checkpoints between which an admission is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Suppression {
    /// The last admission below that is in the log; absent where there is none: then the log's genesis
    /// is the earlier checkpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<AdmissionLeaf>,
    /// The first admission above that is in the log.
    pub after: AdmissionLeaf,
    /// Leaves between the two that were opened: none of them is the missing admission.
    pub opened: u64,
    /// Leaves between the two that the node cannot open.
    pub unopened: Vec<u64>,
}

/// An admission that is in the log, under the checkpoint that first covered it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdmissionLeaf {
    /// Its number.
    pub admission: u64,
    /// Its leaf.
    pub leaf: u64,
    /// Tree size of the checkpoint.
    pub size: u64,
    /// Root of the checkpoint.
    pub root: DigestText,
    /// The receipt, which holds the node's signature over that root.
    pub receipt: Base64,
}

/// Why a number stays unused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoidRequest {
    /// In words; everybody who sees the statement reads them.
    pub reason: String,
}

/// A number that is void now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Voided {
    /// The agency.
    pub agency: AgencyText,
    /// The series.
    pub series: u64,
    /// The number.
    pub number: u64,
    /// The statement as sealed.
    pub statement: Base64,
    /// The node's receipt of it.
    pub receipt: Base64,
}
