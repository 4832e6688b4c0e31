//! Who is calling, by the kernel's word (`SO_PEERCRED`), and what that lets them do.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use tram_dispatch::{AgencyCode, Code};

use crate::Problem;

/// What a caller may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Hand in dispatches of an agency.
    Submit,
    /// Take what is addressed to an agency; register or refuse it.
    Collect,
    /// Run the node: peers, queue, directory, store.
    Operate,
    /// Read evidence: dispatches, receipts, log.
    Audit,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 4] = [Role::Submit, Role::Collect, Role::Operate, Role::Audit];

    /// The word used in the configuration and in problems.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Submit => "submit",
            Role::Collect => "collect",
            Role::Operate => "operate",
            Role::Audit => "audit",
        }
    }

    /// Reads the word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.name() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Which callers a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The process's effective user id.
    Uid(u32),
    /// The process's effective group id (supplementary groups are not part of peer credentials).
    Gid(u32),
    /// Whoever may open the socket.
    Any,
}

/// Which agencies a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agencies {
    /// Every agency.
    All,
    /// These, each by its own code; the ones below it in the tree are not meant.
    Only(BTreeSet<AgencyCode>),
}

impl Agencies {
    /// Whether the agency is meant.
    fn contains(&self, agency: &AgencyCode) -> bool {
        match self {
            Agencies::All => true,
            Agencies::Only(set) => set.contains(agency),
        }
    }
}

/// One line of the policy: these callers have these roles for these agencies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The callers.
    pub who: Who,
    /// The agencies; without meaning for `Operate`.
    pub agencies: Agencies,
    /// The roles.
    pub roles: BTreeSet<Role>,
}

/// The policy of one socket. What no rule grants is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    rules: Vec<Rule>,
}

impl Access {
    /// A policy of these rules; a caller has the sum of all rules that match.
    pub fn new(rules: Vec<Rule>) -> Self {
        Access { rules }
    }

    /// What a process with these credentials may do.
    pub fn caller(&self, uid: u32, gid: u32, pid: Option<i32>) -> Caller {
        let matches = |rule: &&Rule| match rule.who {
            Who::Uid(u) => u == uid,
            Who::Gid(g) => g == gid,
            Who::Any => true,
        };
        let grants = self.rules.iter().filter(matches).cloned().collect();
        Caller { uid, gid, pid, grants }
    }
}

/// The process on the other end of the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Effective user id when it connected.
    pub uid: u32,
    /// Effective group id when it connected.
    pub gid: u32,
    /// Process id when it connected, where the kernel tells.
    pub pid: Option<i32>,
    grants: Arc<[Rule]>,
}

/// The agencies whose affairs a caller may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    All,
    /// These.
    Only(BTreeSet<AgencyCode>),
}

impl Scope {
    /// Whether the agency is within.
    pub fn contains(&self, agency: &AgencyCode) -> bool {
        match self {
            Scope::All => true,
            Scope::Only(set) => set.contains(agency),
        }
    }
}

impl Caller {
    /// Whether the caller has the role for at least one agency.
    pub fn holds(&self, role: Role) -> bool {
        self.grants.iter().any(|g| g.roles.contains(&role))
    }

    /// Whether the caller has the role for this agency. Who operates, operates the whole node.
    pub fn may(&self, role: Role, agency: &AgencyCode) -> bool {
        let about = |g: &Rule| role == Role::Operate || g.agencies.contains(agency);
        self.grants.iter().any(|g| g.roles.contains(&role) && about(g))
    }

    /// The agencies for which the caller has any of these roles.
    pub fn scope(&self, roles: &[Role]) -> Scope {
        let mut only = BTreeSet::new();
        if roles.contains(&Role::Operate) && self.holds(Role::Operate) {
            return Scope::All;
        }
        for grant in self.grants.iter().filter(|g| roles.iter().any(|r| g.roles.contains(r))) {
            match &grant.agencies {
                Agencies::All => return Scope::All,
                Agencies::Only(set) => only.extend(set.iter().cloned()),
            }
        }
        Scope::Only(only)
    }

    /// Requires any of the roles, for some agency.
    ///
    /// # Errors
    /// `NOT_AUTHORISED`, naming the user and what is missing.
    pub fn require_any(&self, roles: &[Role]) -> Result<(), Problem> {
        if roles.is_empty() || roles.iter().any(|r| self.holds(*r)) {
            return Ok(());
        }
        Err(self.missing(roles, None))
    }

    /// Requires one of the roles for this agency.
    ///
    /// # Errors
    /// `NOT_AUTHORISED`, naming the user and what is missing.
    pub fn require(&self, roles: &[Role], agency: &AgencyCode) -> Result<(), Problem> {
        if roles.iter().any(|r| self.may(*r, agency)) {
            return Ok(());
        }
        Err(self.missing(roles, Some(agency)))
    }

    fn missing(&self, roles: &[Role], agency: Option<&AgencyCode>) -> Problem {
        let names: Vec<&str> = roles.iter().map(|r| r.name()).collect();
        let needed = match agency {
            Some(agency) => format!("{} for agency {agency}", names.join(" or ")),
            None => names.join(" or "),
        };
        let text =
            format!("uid {} (gid {}) lacks the role {needed} on this socket", self.uid, self.gid);
        Problem::new(Code::NotAuthorised, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> AgencyCode {
        text.parse().unwrap()
    }

    fn rule(who: Who, agencies: Agencies, roles: &[Role]) -> Rule {
        Rule { who, agencies, roles: roles.iter().copied().collect() }
    }

    #[test]
    fn rules_add_up_and_nothing_is_granted_by_default() {
        let only = Agencies::Only([code("H41.12")].into());
        let access = Access::new(vec![
            rule(Who::Uid(7), only.clone(), &[Role::Submit]),
            rule(Who::Gid(9), Agencies::All, &[Role::Audit]),
        ]);
        let clerk = access.caller(7, 1, None);
        assert!(clerk.may(Role::Submit, &code("H41.12")));
        assert!(!clerk.may(Role::Submit, &code("H41.12.03")), "subtrees are not implied");
        assert!(!clerk.holds(Role::Audit));
        let both = access.caller(7, 9, None);
        assert!(both.holds(Role::Audit) && both.holds(Role::Submit));
        assert_eq!(both.scope(&[Role::Audit, Role::Submit]), Scope::All);
        assert_eq!(clerk.scope(&Role::ALL), Scope::Only([code("H41.12")].into()));
        assert!(!access.caller(8, 8, None).holds(Role::Submit));
    }

    #[test]
    fn refusals_name_the_user_and_what_is_missing() {
        let caller = Access::default().caller(1001, 100, Some(5));
        let problem = caller.require(&[Role::Collect], &code("H41")).unwrap_err();
        assert_eq!(problem.code, Code::NotAuthorised);
        assert!(problem.detail.contains("uid 1001"), "{problem}");
        assert!(problem.detail.contains("collect for agency H41"), "{problem}");
        assert!(caller.require_any(&[]).is_ok());
    }
}
