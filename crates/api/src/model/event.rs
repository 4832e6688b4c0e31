use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::text::{AgencyText, CodeText, DispatchText, EventText, NodeText, StatusText, TimeText};

/// One evidence event, as it became durable here (the `data` of a server-sent event).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventNotice {
    /// Its place in this node's order of events; opaque, give it as `after`.
    pub id: String,
    /// What happened.
    pub event: EventText,
    /// The dispatch.
    pub dispatch: DispatchText,
    /// The originator.
    pub originator: AgencyText,
    /// The recipient; absent where it is about the whole dispatch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<AgencyText>,
    /// The node that says so.
    pub node: NodeText,
    /// When, by that node's clock.
    pub at: TimeText,
    /// National status, where the event carries one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusText>,
    /// Why, on a negative event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeText>,
}
