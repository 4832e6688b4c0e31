//! Who speaks through a door.

use std::collections::BTreeSet;

use tram_api::{Access, Agencies, Caller, Role, Rule, Who};
use tram_dispatch::AgencyCode;

/// A system, with the agencies it speaks for and what it may do for them.
#[derive(Clone, Debug)]
pub(in crate::daemon) struct Speaker {
    /// Each by its own code.
    pub(in crate::daemon) agencies: BTreeSet<AgencyCode>,
    pub(in crate::daemon) may_send: bool,
    pub(in crate::daemon) may_collect: bool,
    /// Whether codes are written in the older form (`000.00.12.H41`) where they fit it.
    pub(in crate::daemon) old_codes: bool,
}

impl Speaker {
    /// As a caller of the service.
    pub(in crate::daemon) fn caller(&self) -> Caller {
        let roles = [(self.may_send, Role::Submit), (self.may_collect, Role::Collect)];
        let rule = Rule {
            who: Who::Any,
            agencies: Agencies::Only(self.agencies.clone()),
            roles: roles.into_iter().filter(|(may, _)| *may).map(|(_, role)| role).collect(),
        };
        Access::new(vec![rule]).caller(u32::MAX, u32::MAX, None)
    }

    /// A code as this system writes codes.
    pub(in crate::daemon) fn spelled(&self, code: &AgencyCode) -> String {
        let old = if self.old_codes { code.to_qcvn102() } else { None };
        old.unwrap_or_else(|| code.to_string())
    }
}
