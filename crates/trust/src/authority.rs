//! Who may say what about a leg (design: a receipt of anybody else is an unauthorised claim).

use tram_dispatch::{AgencyCode, Event, EvidenceRecord, NodeId};

use crate::directory::Directory;

/// Whether `node` may say `event` about the leg toward `recipient`.
///
/// Consignment, handover and registration count only from the node that hosts the recipient, or its
/// successor, by this directory. Every other event counts from any node the directory lists; that it
/// also stands in the chain of upstream receipts is for whoever holds that chain to check.
pub fn may_issue(
    directory: &Directory,
    event: Event,
    node: &NodeId,
    recipient: Option<&AgencyCode>,
) -> bool {
    // Who may say what this version does not know, it cannot know either: a claim.
    if directory.node(node).is_none() || matches!(event, Event::Unknown(_)) {
        return false;
    }
    if !event.only_recipient_node() {
        return true;
    }
    recipient.is_some_and(|code| hosts(directory, node, code))
}

/// [`may_issue`] for a whole record; in addition, only the node that hosts the originator may say
/// that it accepted or rejected a submission, or took a void statement: that record's time judges the
/// seal's certificate.
pub fn is_authorised(directory: &Directory, record: &EvidenceRecord) -> bool {
    let submission = matches!(
        record.event,
        Event::SubmissionAcceptance | Event::SubmissionRejection | Event::SequenceVoid
    );
    may_issue(directory, record.event, &record.node, record.recipient.as_ref())
        && (!submission || hosts(directory, &record.node, &record.originator))
}

/// Whether the node holds the mailbox of the agency, or of the one that took over from it. Before
/// an agency was closed its own node spoke for it, so that one counts as well.
pub fn hosts(directory: &Directory, node: &NodeId, code: &AgencyCode) -> bool {
    let own = directory.agency(code).and_then(|agency| agency.node.as_ref());
    own == Some(node) || directory.hosting(code) == Some(node)
}
