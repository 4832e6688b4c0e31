//! How the node does: its state, and the alarms that it rests on.

use std::time::Duration;

use tram_api::Problem;
use tram_api::model::{Alarm, CertificateView, NodeState, RevocationView};
use tram_dispatch::{Code, UnixMillis};
use tram_trust::revocation::Crl;

use super::super::alarms::Found;
use super::NodeService;

/// Certificates that end within this are to be renewed.
const RENEW_MS: u64 = 30 * 86_400_000;
/// How often alarms are looked for when nobody asks: the moment one came about is known this well.
const LOOK_EVERY: Duration = Duration::from_secs(5);

impl NodeService {
    /// Looks for alarms until the node ends, so that each has its moment and stands in the log.
    pub(crate) async fn watch_alarms(self) {
        loop {
            // A core that is stopping has no alarms to tell.
            let _ = self.alarms().await;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The node's state, by its alarms.
    pub(super) fn state(&self, shut: Option<Code>, alarms: &[Alarm]) -> NodeState {
        if self.context.is_stopping() {
            NodeState::Stopping
        } else if matches!(shut, Some(Code::LogUnanchored | Code::EpochUnlisted)) {
            NodeState::Unanchored
        } else if shut.is_some() {
            NodeState::Halted
        } else if alarms.is_empty() {
            NodeState::Ready
        } else {
            NodeState::Degraded
        }
    }

    /// What needs somebody now.
    pub(super) async fn alarms(&self) -> Result<Vec<Alarm>, Problem> {
        let c = &self.context;
        let now = c.core.now().wall;
        let (halted, contradiction, peers, certain, anchor) = c
            .core
            .glance(|engine, _| {
                let peers = !engine.peers().is_empty();
                let certain = engine.clock_is_certain();
                let anchor = super::anchor::alarm(engine);
                (engine.halted(), engine.contradiction().cloned(), peers, certain, anchor)
            })
            .await?;
        let mut found = Vec::new();
        found.extend(anchor);
        found.extend(super::anchor::epoch_alarm(c));
        if let Some(code) = halted {
            found.extend(contradiction.map(|proof| {
                let size = proof.shown.size();
                let detail = format!(
                    "nothing new is signed: {} holds a checkpoint of this log at {size} leaves \
                     that it contradicts; the proof is in {} of the data directory",
                    proof.shown_by,
                    super::super::proofs::FOLDER
                );
                Found::new(code, detail).about("proof").since(proof.at)
            }));
        }
        for (peer, claim) in c.claims.standing() {
            let detail = format!(
                "{peer} holds a checkpoint of this log that does not verify ({} times since the \
                 start); it has no effect: {}",
                claim.count, claim.detail
            );
            let alarm = Found::new(Code::ClaimUnproved, detail).about(peer.as_str());
            found.push(alarm.since(claim.since.unwrap_or(now)));
        }
        for (peer, detail) in c.passing.forks() {
            found.push(Found::new(Code::DirectoryFork, detail).about(peer.as_str()));
        }
        if !certain && peers {
            found.push(Found::new(Code::ClockUncertain, "no peer's clock agrees with ours yet"));
        }
        let verifier = c.verifier();
        let expires_at = verifier.directory().expires_at();
        if expires_at <= now {
            let detail = format!("it expired at {expires_at}");
            found.push(Found::new(Code::DirectoryOld, detail).since(expires_at));
        }
        if let Some(code) = c.no_room() {
            let detail = match c.core.waits() {
                Some(_) => "a commit waits; it is tried again every second",
                None if code == Code::BusyStorage => "the reserve of free space is reached",
                None => "the data directory's file system",
            };
            found.push(Found::new(code, detail));
        }
        found.extend(self.certificates(now).iter().filter(|cert| cert.renew).map(|cert| {
            let ends = cert.not_after.0;
            let (code, since) = match ends <= now {
                true => (Code::CertificateExpired, ends),
                false => (Code::CertificateEndsSoon, UnixMillis(ends.0.saturating_sub(RENEW_MS))),
            };
            let about = format!("{} {}", cert.purpose, cert.name);
            Found::new(code, format!("{about} ends {ends}")).about(about).since(since)
        }));
        let grace_ms = verifier.options().revocation_grace_ms;
        found.extend(c.revocation.alarms(verifier.crls(), grace_ms, now));
        found.extend(c.door.get().map(|door| door.alarms(now)).unwrap_or_default());
        found.extend(c.retention.alarm(now));
        found.extend(c.public_log_alarm(now));
        found.extend(c.webhooks.alarms(&c.config.webhooks, now));
        found.extend(c.drop_folders.alarms(&c.config.drop_folders, now));
        found.extend(c.time_stamp_debt().and_then(|debt| debt.alarm(now)));
        found.extend(c.overdue.alarms());
        found.extend(self.quarantine_alarms().await?);
        Ok(c.alarms.settle(now, found))
    }

    /// One alarm for each dispatch set aside, as many as somebody will read.
    async fn quarantine_alarms(&self) -> Result<Vec<Found>, Problem> {
        const TOLD_MAX: usize = 20;
        let look = |engine: &tram_engine::Engine, _: &dyn tram_engine::View| {
            let told = engine.quarantined().take(TOLD_MAX).map(|(id, cause, since)| {
                let detail = format!("dispatch {id}: {}: {}", cause.code, cause.detail);
                let found = Found::new(Code::Quarantined, detail).about(id.to_string());
                // One found at this start alone has no moment of its own.
                if since.0 == 0 { found } else { found.since(since) }
            });
            let more = engine.quarantined().count().saturating_sub(TOLD_MAX);
            let more = (more > 0)
                .then(|| Found::new(Code::Quarantined, format!("and {more} more")).about("more"));
            told.chain(more).collect()
        };
        Ok(self.context.core.glance(look).await?)
    }

    /// The revocation lists in force.
    pub(super) fn revocation(&self, now: UnixMillis) -> Vec<RevocationView> {
        let verifier = self.context.verifier();
        let view = |list: &Crl| RevocationView {
            issuer: list.issuer().to_owned(),
            this_update: list.this_update().into(),
            next_update: list.next_update().into(),
            overdue: list.next_update() <= now,
        };
        verifier.crls().lists().map(view).collect()
    }

    /// The node's own certificates and those of the seals it holds.
    pub(super) fn certificates(&self, now: UnixMillis) -> Vec<CertificateView> {
        let c = &self.context;
        let mut list = Vec::new();
        let mut add = |purpose: &str, der: &[u8]| {
            if let Ok(info) = tram_pki::read_certificate(der) {
                list.push(CertificateView {
                    purpose: purpose.into(),
                    name: info.names.first().cloned().unwrap_or(info.subject),
                    not_after: info.not_after.into(),
                    renew: info.not_after.since_ms(now) < RENEW_MS,
                });
            }
        };
        for der in super::super::keys::chain(&c.config.keys.tls_certificate).iter().flatten() {
            add("node", der);
        }
        for (_, der) in c.seals.certificates() {
            add("seal", der);
        }
        if let Some(door) = &c.config.door {
            for der in super::super::keys::chain(&door.certificate).iter().flatten() {
                add("door", der);
            }
        }
        list
    }
}
