//! Who is calling, by the kernel's word (`SO_PEERCRED`) or by a certificate, and what that lets them do.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use tram_dispatch::{AgencyCode, Code, Digest, Succession, UnitCode};

use crate::scope::Within;
use crate::{Problem, Scope};

/// What a caller may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Hand in dispatches of an agency.
    Submit,
    /// Take what is addressed to an agency; register or refuse it.
    Collect,
    /// Read the mailbox of an agency, and follow its dispatches; change nothing.
    Read,
    /// Run the node: peers, queue, directory, store.
    Operate,
    /// Read evidence: dispatches, receipts, log.
    Audit,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 5] =
        [Role::Submit, Role::Collect, Role::Read, Role::Operate, Role::Audit];

    /// The word used in the configuration and in problems.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Submit => "submit",
            Role::Collect => "collect",
            Role::Read => "read",
            Role::Operate => "operate",
            Role::Audit => "audit",
        }
    }

    /// Reads the word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.name() == name)
    }

    /// Whether who has it for an agency has it as well for what came to those that the agency took over.
    /// Nobody sends for an agency that is closed.
    const fn is_taken_over(self) -> bool {
        matches!(self, Role::Collect | Role::Read | Role::Audit)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Who is on the other end of a connection, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A process of this machine, by the kernel's word when it connected.
    Process {
        /// Effective user id.
        uid: u32,
        /// Effective group id.
        gid: u32,
        /// Process id, where the kernel tells.
        pid: Option<i32>,
    },
    /// A system on another machine, by the certificate whose key it proved to hold.
    System {
        /// What the configuration calls it.
        name: Arc<str>,
        /// SHA-256 of the certificate.
        certificate: Digest,
    },
}

/// Whose share of connections and answers something takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Share {
    User(u32),
    System(Arc<str>),
}

impl Peer {
    /// Nobody: matches no rule but "any".
    pub(crate) const NOBODY: Peer = Peer::Process { uid: u32::MAX, gid: u32::MAX, pid: None };

    pub(crate) fn share(&self) -> Share {
        match self {
            Peer::Process { uid, .. } => Share::User(*uid),
            Peer::System { name, .. } => Share::System(name.clone()),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Process { uid, gid, .. } => write!(f, "uid {uid} (gid {gid})"),
            Peer::System { name, certificate } => {
                write!(f, "system {name} (certificate {certificate})")
            }
        }
    }
}

/// Which callers a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// The process's effective user id.
    Uid(u32),
    /// The process's effective group id (supplementary groups are not part of peer credentials).
    Gid(u32),
    /// The system of this name, on another machine.
    System(Arc<str>),
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

/// Gives callers the mailbox of one unit of an agency, and nothing else of the agency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitRule {
    /// The callers.
    pub who: Who,
    /// The agency.
    pub agency: AgencyCode,
    /// Its unit.
    pub unit: UnitCode,
}

/// The policy of one socket or door. What no rule grants is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    rules: Vec<Rule>,
    units: Vec<UnitRule>,
}

impl Access {
    /// A policy of these rules; a caller has the sum of all rules that match.
    pub fn new(rules: Vec<Rule>) -> Self {
        Access { rules, units: Vec::new() }
    }

    /// The same policy, with mailboxes of units.
    #[must_use]
    pub fn with_units(mut self, units: Vec<UnitRule>) -> Self {
        self.units = units;
        self
    }

    /// What a process with these credentials may do.
    pub fn caller(&self, uid: u32, gid: u32, pid: Option<i32>) -> Caller {
        self.of(Peer::Process { uid, gid, pid })
    }

    /// What whoever is on the other end may do.
    pub fn of(&self, peer: Peer) -> Caller {
        let is = |who: &Who| match (who, &peer) {
            (Who::Any, _) => true,
            (Who::Uid(u), Peer::Process { uid, .. }) => u == uid,
            (Who::Gid(g), Peer::Process { gid, .. }) => g == gid,
            (Who::System(meant), Peer::System { name, .. }) => meant == name,
            _ => false,
        };
        let grants = self.rules.iter().filter(|rule| is(&rule.who)).cloned().collect();
        let units = self.units.iter().filter(|rule| is(&rule.who));
        let units = units.map(|rule| (rule.agency.clone(), rule.unit.clone())).collect();
        Caller { peer, grants, units, succession: Arc::default() }
    }
}

/// Whoever is on the other end of a connection, with what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who it is.
    pub peer: Peer,
    grants: Arc<[Rule]>,
    units: Arc<[(AgencyCode, UnitCode)]>,
    succession: Arc<Succession>,
}

impl Caller {
    /// The same caller, by what closed agencies' successors are.
    #[must_use]
    pub fn with_succession(self, succession: Arc<Succession>) -> Self {
        Caller { succession, ..self }
    }

    /// What closed agencies' successors are, as the caller was judged by.
    pub(crate) fn succession(&self) -> &Arc<Succession> {
        &self.succession
    }

    /// Whether the caller has the role for at least one agency.
    pub fn holds(&self, role: Role) -> bool {
        self.grants.iter().any(|g| g.roles.contains(&role))
    }

    /// Whether the caller has the role for this agency. Who operates, operates the whole node.
    pub fn may(&self, role: Role, agency: &AgencyCode) -> bool {
        let about = |g: &Rule| role == Role::Operate || g.agencies.contains(agency);
        self.grants.iter().any(|g| g.roles.contains(&role) && about(g))
    }

    /// Whether a unit's mailbox is this caller's own.
    pub fn is_unit(&self, agency: &AgencyCode, unit: &UnitCode) -> bool {
        self.units.iter().any(|(a, u)| a == agency && u == unit)
    }

    /// The agencies for which the caller has any of these roles.
    pub fn scope(&self, roles: &[Role]) -> Scope {
        let mut only = Within { succession: self.succession.clone(), ..Within::default() };
        if roles.contains(&Role::Operate) && self.holds(Role::Operate) {
            return Scope::All;
        }
        for grant in self.grants.iter().filter(|g| roles.iter().any(|r| g.roles.contains(r))) {
            match &grant.agencies {
                Agencies::All => return Scope::All,
                Agencies::Only(set) => {
                    only.own.extend(set.iter().cloned());
                    let goes_over = |r: &&Role| r.is_taken_over() && grant.roles.contains(r);
                    if roles.iter().any(|r| goes_over(&r)) {
                        only.receiving.extend(set.iter().cloned());
                    }
                }
            }
        }
        Scope::Only(only)
    }

    /// Requires any of the roles, for some agency.
    ///
    /// # Errors
    /// `NOT_AUTHORISED`, naming the caller and what is missing.
    pub fn require_any(&self, roles: &[Role]) -> Result<(), Problem> {
        if roles.is_empty() || roles.iter().any(|r| self.holds(*r)) {
            return Ok(());
        }
        Err(self.missing(roles, None))
    }

    /// Requires one of the roles for this agency.
    ///
    /// # Errors
    /// `NOT_AUTHORISED`, naming the caller and what is missing.
    pub fn require(&self, roles: &[Role], agency: &AgencyCode) -> Result<(), Problem> {
        if roles.iter().any(|r| self.may(*r, agency)) {
            return Ok(());
        }
        Err(self.missing(roles, Some(agency)))
    }

    /// Requires one of the roles for what is addressed to this agency: for it, or, where it is closed, for
    /// its successor.
    ///
    /// # Errors
    /// `NOT_AUTHORISED`, naming the caller and what is missing.
    pub fn require_received(&self, roles: &[Role], agency: &AgencyCode) -> Result<(), Problem> {
        let heir = self.succession.heir(agency);
        let by_heir =
            |role: &&Role| role.is_taken_over() && heir.is_some_and(|heir| self.may(**role, heir));
        if roles.iter().any(|r| by_heir(&r)) {
            return Ok(());
        }
        self.require(roles, agency)
    }

    fn missing(&self, roles: &[Role], agency: Option<&AgencyCode>) -> Problem {
        let names: Vec<&str> = roles.iter().map(|r| r.name()).collect();
        let needed = match agency {
            Some(agency) => format!("{} for agency {agency}", names.join(" or ")),
            None => names.join(" or "),
        };
        let place = match self.peer {
            Peer::Process { .. } => "on this socket",
            Peer::System { .. } => "at this door",
        };
        let text = format!("{} lacks the role {needed} {place}", self.peer);
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
        let scope = clerk.scope(&Role::ALL);
        assert_eq!(scope.codes(), Some([code("H41.12")].into()));
        assert!(scope.contains(&code("H41.12")) && !scope.contains(&code("H41")));
        assert!(!access.caller(8, 8, None).holds(Role::Submit));
    }

    #[test]
    fn what_came_to_a_closed_agency_is_its_successors_who_never_speaks_for_it() {
        let [old, heir, other] = ["H41.12.07", "H41.12.03", "H41.12.09"].map(code);
        let succession = Arc::new(Succession::new([(old.clone(), heir.clone())]));
        let only = Agencies::Only([heir.clone()].into());
        let access = Access::new(vec![
            rule(Who::Uid(7), only.clone(), &[Role::Collect, Role::Submit]),
            rule(Who::Uid(8), only.clone(), &[Role::Submit]),
            rule(Who::Uid(9), Agencies::Only([old.clone()].into()), &[Role::Collect]),
        ]);
        let caller = |uid| access.caller(uid, uid, None).with_succession(succession.clone());
        let clerk = caller(7);
        let collect = [Role::Collect, Role::Read];
        assert!(clerk.require_received(&collect, &old).is_ok());
        assert!(clerk.require_received(&collect, &heir).is_ok());
        assert!(clerk.require_received(&collect, &other).is_err());
        assert!(clerk.require_received(&[Role::Submit], &old).is_err(), "never sends for it");
        assert!(clerk.require(&collect, &old).is_err() && !clerk.may(Role::Collect, &old));
        let scope = clerk.scope(&Role::ALL);
        assert!(scope.receives(&old) && scope.receives(&heir) && !scope.receives(&other));
        assert!(!scope.contains(&old), "what it sent is another matter");
        assert!(scope.sees(&other, Some(&old)) && !scope.sees(&old, Some(&other)));
        assert_eq!(scope.codes(), Some([old.clone(), heir.clone()].into()));
        // Who only sends for the successor takes over nothing, and who had the closed one keeps it.
        assert!(caller(8).require_received(&collect, &old).is_err());
        assert!(!caller(8).scope(&Role::ALL).receives(&old));
        assert!(caller(9).require_received(&collect, &old).is_ok());
        assert!(caller(9).require_received(&collect, &heir).is_err(), "not the other way round");
        // Without a directory that says so there is nothing to take over.
        assert!(access.caller(7, 7, None).require_received(&collect, &old).is_err());
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

    #[test]
    fn a_system_has_what_the_rules_of_its_name_grant_and_no_user_id() {
        let name: Arc<str> = Arc::from("van-phong");
        let access = Access::new(vec![
            rule(Who::System(name.clone()), Agencies::All, &[Role::Submit]),
            rule(Who::Uid(0), Agencies::All, &[Role::Operate]),
        ]);
        let peer =
            |name: &Arc<str>| Peer::System { name: name.clone(), certificate: Digest([7; 32]) };
        let system = access.of(peer(&name));
        assert!(system.holds(Role::Submit) && !system.holds(Role::Operate));
        assert!(!access.of(peer(&Arc::from("khac"))).holds(Role::Submit));
        assert!(!access.caller(0, 0, None).holds(Role::Submit));
        let problem = system.require(&[Role::Audit], &code("H41")).unwrap_err();
        let told =
            format!("system van-phong (certificate {}) lacks the role audit", Digest([7; 32]));
        assert!(problem.detail.starts_with(&told), "{problem}");
    }
}
