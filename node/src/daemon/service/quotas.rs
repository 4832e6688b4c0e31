//! What is in use of limits and quotas, as operators see it.

use std::collections::BTreeMap;

use tram_api::Problem;
use tram_api::model::{AgencyQuotaView, Gauge, LimitsView, MailboxQuotaView, PeerQuotaView};
use tram_dispatch::NodeId;
use tram_engine::Engine;
use tram_engine::quota::{AgencyUse, MailboxUse, Quotas};

use super::super::context::Context;
use super::NodeService;

/// Most agencies and mailboxes in one answer.
const LISTED_MAX: usize = 100;

fn gauge(used: u64, max: u64) -> Gauge {
    Gauge { used, max }
}

impl NodeService {
    /// The node's limits, with the agencies and mailboxes that use most of them.
    pub(super) async fn limits_view(&self) -> Result<LimitsView, Problem> {
        let context = &self.context;
        let now = context.core.now().mono_ms;
        let look = move |engine: &Engine, _: &dyn tram_engine::View| {
            let (agencies, mailboxes) =
                (engine.agency_use(now, LISTED_MAX), engine.mailbox_use(LISTED_MAX));
            (engine.node_use(), agencies, mailboxes)
        };
        let (node, agencies, mailboxes) = context.core.glance(look).await?;
        let (used, max, quotas) = (node.used, node.ceiling, node.quotas);
        Ok(LimitsView {
            open: gauge(used.count, max.count),
            memory_bytes: gauge(used.memory_bytes, max.memory_bytes),
            stored_bytes: gauge(used.stored_bytes, max.stored_bytes),
            agencies: agencies.into_iter().map(|a| agency(context, &quotas, a)).collect(),
            mailboxes: mailboxes.into_iter().map(|m| mailbox(&quotas, m)).collect(),
        })
    }

    /// The quotas of every peer the engine knows.
    pub(super) async fn peer_quotas(&self) -> Result<BTreeMap<NodeId, PeerQuotaView>, Problem> {
        let context = &self.context;
        let now = context.core.now().mono_ms;
        let look = move |engine: &Engine, _: &dyn tram_engine::View| {
            let peers = engine.peers().into_iter();
            peers.map(|p| (p.peer.clone(), peer(engine, &p.peer, now))).collect::<BTreeMap<_, _>>()
        };
        let mut all = context.core.glance(look).await?;
        for (node, view) in &mut all {
            view.turned_away += context.doors.peers.turned_away(node);
        }
        Ok(all)
    }
}

fn agency(context: &Context, quotas: &Quotas, a: AgencyUse) -> AgencyQuotaView {
    let max = quotas.agency_open;
    AgencyQuotaView {
        open: gauge(a.open.count, max.count),
        open_bytes: gauge(a.open.stored_bytes, max.stored_bytes),
        dispatches_left: a.dispatches_left,
        bytes_left: a.bytes_left,
        turned_away: a.turned_away + context.doors.agencies.turned_away(&a.agency),
        agency: a.agency.into(),
    }
}

fn mailbox(quotas: &Quotas, m: MailboxUse) -> MailboxQuotaView {
    let max = quotas.mailbox;
    MailboxQuotaView {
        recipient: m.recipient.into(),
        kept: gauge(m.kept.count, max.count),
        kept_bytes: gauge(m.kept.stored_bytes, max.stored_bytes),
    }
}

fn peer(engine: &Engine, node: &NodeId, now_mono_ms: u64) -> PeerQuotaView {
    let (used, quotas) = (engine.peer_use(node, now_mono_ms), engine.node_use().quotas);
    let (open, direction) = (quotas.peer_open, quotas.direction);
    let outgoing = used.waiting.plus(used.kept);
    PeerQuotaView {
        incoming: gauge(used.incoming.count, open.count),
        incoming_bytes: gauge(used.incoming.stored_bytes, open.stored_bytes),
        outgoing: gauge(outgoing.count, direction.count),
        outgoing_bytes: gauge(outgoing.stored_bytes, direction.stored_bytes),
        kept: used.kept.count,
        offers_left: used.offers_left,
        turned_away: used.turned_away,
    }
}
