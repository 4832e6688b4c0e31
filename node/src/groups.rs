//! Expanded groups, as answers show them.

use tram_api::model::{LeftOutReason, LeftOutView, RecipientView, RecipientsView};
use tram_dispatch::AgencyCode;
use tram_dispatch::group::{self, Group};
use tram_trust::Directory;
use tram_trust::group::{Expansion, LeftOut};

/// Most members that are left out in one answer; all are counted.
const LEFT_OUT_MAX: usize = 100;

/// Whom groups mean by a directory.
pub(crate) fn view(directory: &Directory, groups: &[Group], found: &Expansion) -> RecipientsView {
    let name = |code: &AgencyCode| directory.agency(code).map(|a| a.name.clone());
    let recipients = found.recipients.iter().map(|code| RecipientView {
        agency: code.clone().into(),
        name: name(code).unwrap_or_default(),
    });
    RecipientsView {
        groups: group::list(groups),
        directory_version: directory.version(),
        directory: directory.digest().into(),
        count: found.recipients.len() as u32,
        recipients: recipients.collect(),
        left_out_count: found.left_out.len() as u32,
        left_out: left_out(found),
    }
}

/// Who is left out, and why.
pub(crate) fn left_out(found: &Expansion) -> Vec<LeftOutView> {
    let view = |(agency, why): &(AgencyCode, LeftOut)| {
        let (reason, successor) = match why {
            LeftOut::Originator => (LeftOutReason::Originator, None),
            LeftOut::Closed(successor) => (LeftOutReason::Closed, successor.clone()),
            LeftOut::NoNode => (LeftOutReason::NoNode, None),
            LeftOut::Unknown => (LeftOutReason::Unknown, None),
        };
        let successor = successor.map(Into::into);
        LeftOutView { agency: agency.clone().into(), reason, successor }
    };
    found.left_out.iter().take(LEFT_OUT_MAX).map(view).collect()
}
