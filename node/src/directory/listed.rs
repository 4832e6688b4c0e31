//! An agency as look-ups show it.

use tram_api::model::DirectoryAgency;
use tram_dispatch::directory::Agency;
use tram_trust::Directory;

/// An agency of this directory, with who receives its mail today.
pub(crate) fn listed(directory: &Directory, agency: &Agency) -> DirectoryAgency {
    let reaches = directory.successor(&agency.code).map(|a| a.code.clone().into());
    DirectoryAgency {
        code: agency.code.clone().into(),
        name: agency.name.clone(),
        tier: agency.tier,
        former: agency.former.iter().map(|f| f.clone().into()).collect(),
        parent: agency.parent.clone().map(Into::into),
        node: agency.node.clone().map(Into::into),
        open: agency.open,
        successor: agency.successor.clone().map(Into::into),
        reaches,
        contact: agency.contact.clone(),
        from: agency.from.map(Into::into),
        until: agency.until.map(Into::into),
    }
}
