//! The agencies whose mailboxes this node holds: what lies in them, what they use, who acts for them.

use std::collections::BTreeMap;

use tram_api::model::ForwardRequest;
use tram_api::model::{
    AccountView, Gauge, GroupView, HostedAgency, HostedQuery, InboxEntry, MailboxCounts,
    MarkRequest, Page, RecipientsQuery, RecipientsView, UnitItem, UnitQuery, UnitView,
    UnitsRecorded,
};
use tram_api::service::OpenDocument;
use tram_api::{Caller, Hosting, Problem, Reply, Scope};
use tram_config::{Agencies, Role, Rule, Who};
use tram_dispatch::{AgencyCode, Digest, DispatchId, UnitCode};
use tram_engine::Engine;
use tram_engine::state::leg::{Leg, Stage};

use super::NodeService;

/// Page size where the caller names none, and the largest.
const PAGE_DEFAULT: u32 = 100;
const PAGE_MAX: u32 = 500;
/// Entries of mailboxes looked at in one question to the engine.
const LOOK_AT_ONCE: usize = 1_024;

/// Of each unit how many are forwarded, read and handled.
pub(super) type UnitCounts = BTreeMap<UnitCode, [u32; 3]>;

/// What lies in the mailbox of one agency.
#[derive(Default)]
pub(super) struct Counted {
    mailbox: MailboxCounts,
    pub(super) units: Vec<UnitView>,
}

impl NodeService {
    async fn do_hosted(
        &self,
        query: HostedQuery,
        scope: Scope,
    ) -> Result<Page<HostedAgency>, Problem> {
        let context = &self.context;
        let verifier = context.verifier();
        let directory = verifier.directory();
        let limit = query.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX) as usize;
        let after = query.after.as_deref();
        let mut here: Vec<_> = directory
            .agencies()
            .filter(|a| a.open && a.node.as_ref() == Some(&context.me))
            .filter(|a| after.is_none_or(|after| a.code.as_str() > after))
            .filter(|a| scope.contains(&a.code))
            .take(limit + 1)
            .collect();
        let more = here.len() > limit;
        here.truncate(limit);
        let codes: Vec<AgencyCode> = here.iter().map(|a| a.code.clone()).collect();
        let counted = self.counted(codes).await?;
        let now = context.core.now().mono_ms;
        let uses = move |engine: &Engine, _: &dyn tram_engine::View| {
            let open = engine.agency_use(now, usize::MAX).into_iter();
            let kept = engine.mailbox_use(usize::MAX).into_iter();
            (
                open.map(|a| (a.agency, a.open.count)).collect::<BTreeMap<_, _>>(),
                kept.map(|m| (m.recipient, m.kept.count)).collect::<BTreeMap<_, _>>(),
                engine.node_use().quotas,
            )
        };
        let (open, kept, quotas) = context.core.glance(uses).await?;
        let gauge = |used: &BTreeMap<AgencyCode, u64>, code: &AgencyCode, max| Gauge {
            used: used.get(code).copied().unwrap_or_default(),
            max,
        };
        let items = here.iter().zip(counted).map(|(agency, counted)| {
            let seal = context.seals.get(&agency.code);
            let certificate = seal.and_then(|s| tram_pki::read_certificate(s.chain.first()?).ok());
            HostedAgency {
                agency: agency.code.clone().into(),
                name: agency.name.clone(),
                tier: agency.tier,
                seals: seal.is_some(),
                seal_ends_at: certificate.map(|c| c.not_after.into()),
                mailbox: counted.mailbox,
                kept: gauge(&kept, &agency.code, quotas.mailbox.count),
                open: gauge(&open, &agency.code, quotas.agency_open.count),
                accounts: self.accounts_of(&agency.code),
                units: counted.units,
            }
        });
        let items: Vec<HostedAgency> = items.collect();
        let next = if more { items.last().map(|i| i.agency.to_string()) } else { None };
        Ok(Page { items, next })
    }

    /// Counts what lies in the mailboxes of these agencies, and in those that they took over, a few entries
    /// at a time.
    pub(super) async fn counted(&self, codes: Vec<AgencyCode>) -> Result<Vec<Counted>, Problem> {
        let mut all = Vec::with_capacity(codes.len());
        for code in codes {
            let (mut mailbox, mut units) = (MailboxCounts::default(), UnitCounts::new());
            let succession = self.context.succession();
            let mut mailboxes = succession.mailboxes(&code).cloned();
            let (mut at, mut last) = (mailboxes.next(), None::<u64>);
            while let Some(of) = at.clone() {
                let from = last;
                let look = move |engine: &Engine, _: &dyn tram_engine::View| {
                    let (mut some, mut of_units) = (MailboxCounts::default(), UnitCounts::new());
                    let found = engine.mailbox(&of, from, LOOK_AT_ONCE);
                    for (_, held) in &found {
                        if let Some(Leg::Mailbox { stage, .. }) = held.legs.get(&of) {
                            count(&mut some, *stage);
                        }
                        for (unit, note) in held.newest_of_units(&of) {
                            let counts = of_units.entry(unit.clone()).or_default();
                            counts[usize::from(note.mark.number()) - 1] += 1;
                        }
                    }
                    (some, of_units, found.last().map(|(cursor, _)| *cursor), found.len())
                };
                let (some, of_units, to, seen) = self.context.core.reading(look).await?;
                mailbox.waiting += some.waiting;
                mailbox.handed_over += some.handed_over;
                mailbox.registered += some.registered;
                mailbox.returned += some.returned;
                for (unit, counts) in of_units {
                    let sums = units.entry(unit).or_default();
                    sums.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
                }
                last = to.or(last);
                if seen < LOOK_AT_ONCE {
                    (at, last) = (mailboxes.next(), None);
                }
            }
            all.push(Counted { mailbox, units: self.units_of(&code, &units) });
        }
        Ok(all)
    }

    /// Who may act for an agency, by the configuration. Who only operates the node acts for nobody.
    fn accounts_of(&self, agency: &AgencyCode) -> Vec<AccountView> {
        let config = &self.context.config;
        let mut accounts = Vec::new();
        for socket in &config.sockets {
            let rules = socket.rules.iter().filter(|r| r.agencies.contains(agency));
            accounts.extend(rules.filter_map(|rule| of_rule(&socket.name, rule)));
        }
        if let Some(axis) = &config.axis {
            let of = axis.accounts.iter().filter(|a| a.agencies.contains(agency));
            accounts.extend(of.map(|a| {
                let roles = [(a.submit, Role::Submit), (a.collect, Role::Collect)];
                AccountView {
                    place: "axis".to_owned(),
                    who: a.system_id.clone(),
                    roles: roles.iter().filter(|r| r.0).map(|r| word(r.1)).collect(),
                    every_agency: false,
                }
            }));
        }
        if let Some(door) = &config.door {
            let of = door.systems.iter().filter(|s| s.agencies.contains(agency));
            accounts.extend(of.map(|system| AccountView {
                place: "door".to_owned(),
                who: system.name.clone(),
                roles: system.roles.iter().copied().map(word).collect(),
                every_agency: system.agencies == Agencies::All,
            }));
        }
        accounts
    }
}

fn count(counts: &mut MailboxCounts, stage: Stage) {
    match stage {
        Stage::Consigned => counts.waiting += 1,
        Stage::HandedOver => counts.handed_over += 1,
        Stage::Registered => counts.registered += 1,
        Stage::Refused | Stage::Withdrawn => counts.returned += 1,
    }
}

fn of_rule(socket: &str, rule: &Rule) -> Option<AccountView> {
    let acts = rule.roles.iter().copied().filter(|role| *role != Role::Operate);
    let roles: Vec<String> = acts.map(word).collect();
    let who = match rule.who {
        Who::Uid(uid) => format!("uid {uid}"),
        Who::Gid(gid) => format!("gid {gid}"),
        Who::Any => "any".to_owned(),
    };
    let every_agency = rule.agencies == Agencies::All;
    let place = socket.to_owned();
    (!roles.is_empty()).then_some(AccountView { place, who, roles, every_agency })
}

fn word(role: Role) -> String {
    super::super::sockets::role(role).name().to_owned()
}

impl Hosting for NodeService {
    fn groups(&self, _caller: Caller, agency: AgencyCode) -> Reply<'_, Page<GroupView>> {
        Box::pin(self.do_groups(agency))
    }

    fn recipients(
        &self,
        _caller: Caller,
        agency: AgencyCode,
        query: RecipientsQuery,
    ) -> Reply<'_, RecipientsView> {
        Box::pin(self.do_recipients(agency, query))
    }

    fn hosted(
        &self,
        _caller: Caller,
        query: HostedQuery,
        scope: Scope,
    ) -> Reply<'_, Page<HostedAgency>> {
        Box::pin(self.do_hosted(query, scope))
    }

    fn units(&self, _caller: Caller, agency: AgencyCode) -> Reply<'_, Page<UnitView>> {
        Box::pin(self.do_units(agency))
    }

    fn forward(
        &self,
        caller: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        request: ForwardRequest,
    ) -> Reply<'_, UnitsRecorded> {
        Box::pin(async move { self.do_forward(&caller, agency, dispatch, request).await })
    }

    fn unit_inbox(
        &self,
        _caller: Caller,
        agency: AgencyCode,
        unit: UnitCode,
        query: UnitQuery,
    ) -> Reply<'_, Page<UnitItem>> {
        Box::pin(self.do_unit_inbox(agency, unit, query))
    }

    fn unit_entry(
        &self,
        _caller: Caller,
        agency: AgencyCode,
        unit: UnitCode,
        dispatch: DispatchId,
    ) -> Reply<'_, InboxEntry> {
        Box::pin(self.do_unit_entry(agency, unit, dispatch))
    }

    fn unit_document(
        &self,
        _caller: Caller,
        agency: AgencyCode,
        unit: UnitCode,
        dispatch: DispatchId,
        sha256: Digest,
    ) -> Reply<'_, OpenDocument> {
        Box::pin(self.do_unit_document(agency, unit, dispatch, sha256))
    }

    fn mark(
        &self,
        caller: Caller,
        agency: AgencyCode,
        unit: UnitCode,
        dispatch: DispatchId,
        request: MarkRequest,
    ) -> Reply<'_, UnitsRecorded> {
        Box::pin(async move { self.do_mark(&caller, agency, unit, dispatch, request).await })
    }
}
