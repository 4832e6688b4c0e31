use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::text::{AgencyText, DigestText};

/// Query of an upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UploadQuery {
    /// The agency that the document belongs to; only its own submissions may name it.
    pub agency: AgencyText,
    /// Length of the whole document in bytes.
    pub size: u64,
    /// Where this body begins; must be what the node holds already (0 at the start).
    #[serde(default)]
    pub offset: u64,
}

/// Query of an upload's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UploadStateQuery {
    /// The agency that the document belongs to.
    pub agency: AgencyText,
}

/// How far an upload is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadState {
    /// The document's digest.
    pub sha256: DigestText,
    /// Length of the whole document in bytes.
    pub size: u64,
    /// Bytes that the node holds: where to continue.
    pub offset: u64,
    /// Whether all bytes are there, have this digest, and are durable.
    pub complete: bool,
    /// Whether this request completed it; false where it was complete before.
    #[serde(default)]
    pub created: bool,
}

/// Query of the event stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventsQuery {
    /// Id of the last event seen; the header `Last-Event-ID` says the same and goes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}
