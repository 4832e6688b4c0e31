use serde::{Deserialize, Serialize};
use tram_dispatch::Event;
use utoipa::ToSchema;

use crate::text::{
    AgencyText, CodeText, DispatchText, HappeningText, NodeText, StatusText, TimeText,
};

/// What a listener is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Happening {
    /// Evidence became durable.
    Evidence(Event),
    /// A deadline of the originator passed; the code says which. There is no evidence of it.
    Overdue,
}

impl PartialEq<Event> for Happening {
    fn eq(&self, event: &Event) -> bool {
        *self == Happening::Evidence(*event)
    }
}

impl From<Event> for Happening {
    fn from(event: Event) -> Self {
        Happening::Evidence(event)
    }
}

/// One evidence event, as it became durable here, or a deadline that passed (the `data` of a server-sent event).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventNotice {
    /// Its place in this node's order of events; opaque, give it as `after`.
    pub id: String,
    /// What happened: the name of an evidence event, or `Overdue`.
    pub event: HappeningText,
    /// The dispatch.
    pub dispatch: DispatchText,
    /// The originator.
    pub originator: AgencyText,
    /// The recipient; absent where it is about the whole dispatch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<AgencyText>,
    /// The node that says so.
    pub node: NodeText,
    /// When, by that node's clock; the deadline, where it passed.
    pub at: TimeText,
    /// National status, where the event carries one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusText>,
    /// Why, on a negative event; which deadline, where it passed: `SENDING_OVERDUE` or
    /// `ACKNOWLEDGEMENT_OVERDUE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeText>,
}
