use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::text::{AgencyText, DigestText, NetworkText, NodeText, TimeText};

/// Query of the directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct DirectoryQuery {
    /// Only agencies whose name, code or former code contains this text, whatever its case; accents count
    /// only where the text has some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub find: Option<String>,
    /// Cursor: the `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Most items in the page, 1 to 500; 100 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// The installed directory: its head, and one page of its agencies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DirectoryView {
    /// The network.
    pub network: NetworkText,
    /// Its version.
    pub version: u64,
    /// Digest of its head.
    pub digest: DigestText,
    /// When it was signed.
    pub issued_at: TimeText,
    /// After this no new key, binding or delegation takes effect.
    pub expires_at: TimeText,
    /// Entries of every kind.
    pub entries: u64,
    /// Agencies, by code.
    pub items: Vec<DirectoryAgency>,
    /// Give it as `after` to get what follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One agency of the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DirectoryAgency {
    /// Its code.
    pub code: AgencyText,
    /// Its name.
    pub name: String,
    /// 1 centre, 2 province, 3 district, 4 commune.
    pub tier: u8,
    /// Codes it had before.
    #[serde(default)]
    pub former: Vec<AgencyText>,
    /// The agency above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<AgencyText>,
    /// The node that holds its mailbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeText>,
    /// False once closed.
    pub open: bool,
    /// Who took over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<AgencyText>,
    /// The open agency that receives what is addressed to this code today, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reaches: Option<AgencyText>,
    /// How people reach it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// Since when its code is valid, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<TimeText>,
    /// Since when its code is not valid any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<TimeText>,
}

/// A directory that was verified and installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DirectoryInstalled {
    /// Its version.
    pub version: u64,
    /// Digest of its head.
    pub digest: DigestText,
    /// When it expires.
    pub expires_at: TimeText,
    /// Entries of every kind.
    pub entries: u64,
    /// False where the very same one was installed already.
    pub changed: bool,
}
