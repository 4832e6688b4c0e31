use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::text::{NodeText, StatusText, TimeText};

/// What became of a document with its recipient, as the recipient says: neither where its bytes are
/// (`state`, `outcome`) nor whether its seal holds (`signature`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HandlingView {
    /// The national code.
    pub status: StatusText,
    /// The code in one word, for example `processing`.
    pub word: String,
    /// When it was given, by the clock of the node that recorded it.
    pub at: TimeText,
    /// The node that recorded it.
    pub node: NodeText,
    /// A person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// Whether the agency sealed a statement that says the same; otherwise its node says so.
    pub sealed_by_agency: bool,
}

/// The recipient's system says how far a registered dispatch is, or answers a recall or an update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusRequest {
    /// 04, 05 or 06, in any order, and as often as it changes; of a recall or an update 15 (agreed) or 16
    /// (declined), once.
    pub status: StatusText,
    /// In words, where there is more to say; needed with 16. Travels back to the originator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// Whether the seal of a dispatch holds, as judged when the first node took custody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignatureView {
    /// The verdict. What is refused is never held, so it cannot stand here.
    pub verdict: SignatureVerdict,
    /// The moment that it was judged for; absent where the first node's receipt is not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged_at: Option<TimeText>,
    /// Whether a revocation list was looked at.
    pub revocation_checked: bool,
}

/// A verdict on a seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignatureVerdict {
    /// Sealed by the originator, with a certificate that leads to a trust anchor.
    Verified,
    /// Neither yes nor no.
    Undetermined,
}
