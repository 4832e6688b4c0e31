//! What a caller may see, by whose it is.

use std::collections::BTreeSet;
use std::sync::Arc;

use tram_dispatch::{AgencyCode, Succession};

use crate::{Caller, Role};

/// The agencies whose affairs a caller may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    All,
    /// These.
    Only(Within),
}

/// Some agencies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Within {
    pub(crate) own: BTreeSet<AgencyCode>,
    /// Those of them for which the caller has a role that goes over to it from closed ones.
    pub(crate) receiving: BTreeSet<AgencyCode>,
    pub(crate) succession: Arc<Succession>,
}

impl Scope {
    /// Whether the agency is within.
    pub fn contains(&self, agency: &AgencyCode) -> bool {
        match self {
            Scope::All => true,
            Scope::Only(within) => within.own.contains(agency),
        }
    }

    /// Whether what is addressed to this code is within: the agency is, or it is closed and its successor
    /// is.
    pub fn receives(&self, recipient: &AgencyCode) -> bool {
        let heir = |within: &Within| {
            let heir = within.succession.heir(recipient);
            heir.is_some_and(|heir| within.receiving.contains(heir))
        };
        match self {
            Scope::All => true,
            Scope::Only(within) => within.own.contains(recipient) || heir(within),
        }
    }

    /// Whether something from one to the other is within.
    pub fn sees(&self, originator: &AgencyCode, recipient: Option<&AgencyCode>) -> bool {
        self.contains(originator) || recipient.is_some_and(|r| self.receives(r))
    }

    /// Every code that [`Scope::receives`] is true of; `None`: of all.
    pub fn codes(&self) -> Option<BTreeSet<AgencyCode>> {
        let Scope::Only(within) = self else { return None };
        let more = within.receiving.iter().flat_map(|a| within.succession.taken_over(a));
        Some(within.own.iter().chain(more).cloned().collect())
    }
}

/// What a listener who stays for long may see: who took over from whom may change meanwhile.
#[derive(Clone, Debug)]
pub struct Sight {
    caller: Caller,
    roles: &'static [Role],
    succession: Arc<Succession>,
    scope: Scope,
}

impl Sight {
    /// What this caller sees by any of these roles.
    pub fn of(caller: &Caller, roles: &'static [Role]) -> Self {
        let succession = caller.succession().clone();
        Sight { caller: caller.clone(), roles, succession, scope: caller.scope(roles) }
    }

    /// By what is so now.
    pub fn now(&mut self, succession: Arc<Succession>) -> &Scope {
        if !Arc::ptr_eq(&succession, &self.succession) {
            let caller = self.caller.clone().with_succession(succession.clone());
            (self.scope, self.succession) = (caller.scope(self.roles), succession);
        }
        &self.scope
    }
}
