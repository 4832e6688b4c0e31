//! What operators see and do: status, peers, queue, store.

use std::time::Instant;

use tram_api::model::{
    CheckLine, CheckQuery, CheckReport, Page, PeerRelation, PeerTest, PeerTestStep, PeerView,
    QueueAction, QueueChange, QueueCounts, QueueItem, QueueQuery, QueueRequest, StatusView,
};
use tram_api::{Base64, Feed, Problem};
use tram_dispatch::{AgencyCode, Code, DispatchId, NodeId, UnixMillis};
use tram_engine::{Action, Engine, Input, View};

use super::{NodeService, convert, settled};

/// Page size where the caller names none, and the largest.
const PAGE_DEFAULT: u32 = 100;
const PAGE_MAX: u32 = 1000;
/// Lines of the queue taken in one question to the engine.
const LOOK_AT_ONCE: usize = 256;

impl NodeService {
    pub(super) async fn do_status(&self) -> Result<StatusView, Problem> {
        let c = &self.context;
        let now = c.core.now().wall;
        let counts = self.leg_counts().await?;
        let (shut, peers) = c.core.glance(|engine, _| (engine.shut(), engine.peers())).await?;
        let verifier = c.verifier();
        let directory = verifier.directory();
        let certificates = self.certificates(now);
        let free_bytes = c.documents.available_bytes().unwrap_or(0);
        let alarms = self.alarms().await?;
        let connected = peers.iter().filter(|p| p.connected).count() as u32;
        let agencies = directory
            .agencies()
            .filter(|a| a.node.as_ref() == Some(&c.me))
            .map(|a| a.code.clone().into())
            .collect();
        let [active, deferred, on_hold, transferred, waiting, quarantined] = counts;
        Ok(StatusView {
            node: c.me.clone().into(),
            network: c.network.into(),
            network_name: c.root.document().name.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
            state: self.state(shut, &alarms),
            alarms,
            started_at: c.started_at.into(),
            now: now.into(),
            agencies,
            queue: QueueCounts { active, deferred, on_hold, quarantined, transferred, waiting },
            peers_connected: connected,
            peers: self.adjacent().len() as u32,
            directory_version: directory.version(),
            directory_expires_at: Some(directory.expires_at().into()),
            epoch: c.epoch.into(),
            log_size: c.core.head().size,
            store_bytes: c.store.journal().segments().iter().map(|s| s.used_bytes).sum(),
            free_bytes,
            certificates,
            revocation: self.revocation(now),
            time_stamps: super::time_stamps::standing(c),
            webhooks: c.webhooks.views(&c.config.webhooks),
            drop_folders: c.drop_folders.views(&c.config.drop_folders),
            proofs: super::super::proofs::list(&c.config.data_dir),
            limits: self.limits_view().await?,
        })
    }

    /// Counts of legs. Counting goes over everything held, on the engine's thread; so it is done anew
    /// only when that costs the engine at most a hundredth of its time, whoever asks how often.
    async fn leg_counts(&self) -> Result<[u64; 6], Problem> {
        const AT_MOST_A: u32 = 100;
        let mut kept = self.context.leg_counts.lock().await;
        if let Some((counts, until)) = *kept
            && Instant::now() < until
        {
            return Ok(counts);
        }
        let (counts, took) = self
            .context
            .core
            .glance(|engine, _| {
                let begun = Instant::now();
                (engine.leg_counts(), begun.elapsed())
            })
            .await?;
        *kept = Some((counts, Instant::now() + took * AT_MOST_A));
        Ok(counts)
    }

    /// The adjacent nodes by the directory: parent, children, lateral peers.
    fn adjacent(&self) -> Vec<(NodeId, PeerRelation)> {
        let me = &self.context.me;
        let verifier = self.context.verifier();
        let directory = verifier.directory();
        let mut list = Vec::new();
        for node in directory.nodes().filter(|n| n.open && n.id != *me) {
            if directory.parent(me) == Some(&node.id) {
                list.push((node.id.clone(), PeerRelation::Parent));
            } else if node.parent.as_ref() == Some(me) {
                list.push((node.id.clone(), PeerRelation::Child));
            } else if directory.adjacent(me, &node.id) {
                list.push((node.id.clone(), PeerRelation::Lateral));
            }
        }
        list
    }

    pub(super) async fn do_peers(&self) -> Result<Page<PeerView>, Problem> {
        let known = self.context.core.question(|engine, _| engine.peers()).await?;
        let quotas = self.peer_quotas().await?;
        let verifier = self.context.verifier();
        let items = self
            .adjacent()
            .into_iter()
            .map(|(node, relation)| {
                let line = known.iter().find(|l| l.peer == node);
                let live = self.context.sessions.get(&node);
                let entry = verifier.directory().node(&node);
                PeerView {
                    relation,
                    addresses: entry.map(|n| n.addresses.clone()).unwrap_or_default(),
                    connected: line.is_some_and(|l| l.connected),
                    since: live.session.as_ref().map(|(_, at)| (*at).into()),
                    rtt_ms: live.session.as_ref().map(|(s, _)| s.stats().rtt.as_millis() as u64),
                    queued: line.map_or(0, |l| l.queued as u64),
                    oldest_at: None,
                    epoch: line.and_then(|l| l.epoch).map(Into::into),
                    log_size: line.and_then(|l| l.log_size),
                    quota: quotas.get(&node).copied().unwrap_or_default(),
                    code: live
                        .trouble
                        .as_ref()
                        .and_then(|(c, _)| c.parse::<Code>().ok())
                        .map(Into::into),
                    detail: live.trouble.map(|(code, detail)| format!("{code}: {detail}")),
                    node: node.into(),
                }
            })
            .collect();
        Ok(Page { items, next: None })
    }

    pub(super) async fn do_test_peer(&self, node: NodeId) -> Result<PeerTest, Problem> {
        let mut steps = Vec::new();
        let mut step = |name: &str, ok: bool, at: Instant, detail: String, code: Option<Code>| {
            steps.push(PeerTestStep {
                step: name.into(),
                ok,
                elapsed_ms: at.elapsed().as_millis() as u64,
                detail,
                code: code.map(Into::into),
            });
            ok
        };
        let begun = Instant::now();
        let verifier = self.context.verifier();
        let listed = verifier.directory().adjacent(&self.context.me, &node);
        let detail = if listed {
            format!("{node} is adjacent in directory version {}", verifier.directory().version())
        } else {
            format!("{node} is not an open node next to {}", self.context.me)
        };
        let code = (!listed).then_some(Code::PeerNotInDirectory);
        if !step("directory", listed, begun, detail, code) {
            return Ok(PeerTest { node: node.into(), ok: false, steps });
        }
        let configured = self.context.config.peers.iter().find(|p| match &p.name {
            tram_config::PeerName::Node(id) => *id == node,
            tram_config::PeerName::Parent => {
                verifier.directory().parent(&self.context.me) == Some(&node)
            }
        });
        let peer = configured.cloned().unwrap_or(tram_config::Peer {
            name: tram_config::PeerName::Node(node.clone()),
            address: None,
        });
        let begun = Instant::now();
        let resolved = super::super::link::resolve(&self.context, &peer).await;
        let addresses = match resolved {
            Ok((_, addresses)) => addresses,
            Err((_, _, detail)) => {
                let live = self.context.sessions.get(&node).session.is_some();
                let detail =
                    if live { format!("{detail}; it dials us and is connected") } else { detail };
                step("address", live, begun, detail, (!live).then_some(Code::NoRoute));
                return Ok(PeerTest { node: node.into(), ok: live, steps });
            }
        };
        let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        step("address", true, begun, list.join(", "), None);
        let begun = Instant::now();
        let ok = match super::super::link::probe(&self.context, &node, &addresses).await {
            Ok(detail) => step("session", true, begun, detail, None),
            Err((code, detail)) => {
                let code = code.parse::<Code>().unwrap_or(Code::PeerUnreachable);
                step("session", false, begun, detail, Some(code))
            }
        };
        Ok(PeerTest { node: node.into(), ok, steps })
    }

    pub(super) async fn do_queue(&self, query: QueueQuery) -> Result<Page<QueueItem>, Problem> {
        let limit = query.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX) as usize;
        let after = match &query.after {
            None => None,
            Some(text) => {
                let bad = || Problem::bad_request("after: not a cursor of this listing");
                let (id, agency) = text.split_once('~').ok_or_else(bad)?;
                let id: DispatchId = id.parse().map_err(|_| bad())?;
                let agency = Some(agency).filter(|agency| !agency.is_empty());
                let agency = agency.map(|agency| agency.parse::<AgencyCode>().map_err(|_| bad()));
                Some((id, agency.transpose()?))
            }
        };
        let now = self.context.core.now();
        let (peer, state) = (query.peer.map(|p| p.0), query.state);
        let (mut items, mut from) = (Vec::new(), after);
        // Some lines at a time, so that a long queue does not hold up everybody else.
        loop {
            let start = from.clone();
            let look = move |engine: &Engine, _: &dyn View| {
                let lines = engine.queue(start, LOOK_AT_ONCE).into_iter();
                lines
                    .map(|line| {
                        let due = line.standing.as_ref().and_then(|s| s.due_mono_ms);
                        let (cause, standing) = (line.quarantine, line.standing);
                        let asked = line.peer.as_ref().zip(line.asked_until_mono_ms);
                        let asked =
                            asked.map(|(peer, until)| asked_first(peer, convert::at(now, until)));
                        let tries = match &cause {
                            Some(cause) if cause.may_pass() => line.looks,
                            Some(_) => line.broke_off,
                            None => standing.as_ref().map_or(0, |s| s.attempts),
                        };
                        let next = if cause.is_some() { line.look_mono_ms } else { due };
                        QueueItem {
                            state: match &cause {
                                Some(_) => tram_api::model::LegState::Quarantined,
                                None => convert::leg_state(&line.leg, due.is_some()).0,
                            },
                            dispatch: line.dispatch.into(),
                            recipient: line.recipient.map(Into::into),
                            originator: line.originator.map(Into::into),
                            peer: line.peer.map(Into::into),
                            urgency: line.urgency.map(convert::urgency),
                            bytes: line.bytes,
                            accepted_at: line.since.map(Into::into),
                            expires_at: line.expires_at.map(Into::into),
                            attempts: tries,
                            next_attempt_at: next.map(|next| convert::at(now, next).into()),
                            code: match &cause {
                                Some(cause) => Some(cause.code.into()),
                                None => standing.and_then(|s| s.cause).map(Into::into),
                            },
                            detail: cause.map(|cause| cause.detail).or(asked),
                        }
                    })
                    .collect::<Vec<_>>()
            };
            let lines = self.context.core.question(look).await?;
            let ended = lines.len() < LOOK_AT_ONCE;
            for line in lines {
                if items.len() == limit {
                    let cursor = |i: &QueueItem| {
                        let recipient = i.recipient.as_ref().map(ToString::to_string);
                        format!("{}~{}", i.dispatch.0, recipient.unwrap_or_default())
                    };
                    let next = items.last().map(cursor);
                    return Ok(Page { items, next });
                }
                let recipient = line.recipient.as_ref().map(|r| r.0.clone());
                from = Some((line.dispatch.0, recipient));
                let of_peer = |p: &NodeId| line.peer.as_ref().is_some_and(|l| l.0 == *p);
                if peer.as_ref().is_none_or(of_peer) && state.is_none_or(|s| s == line.state) {
                    items.push(line);
                }
            }
            if ended {
                return Ok(Page { items, next: None });
            }
        }
    }

    pub(super) async fn do_change_queue(
        &self,
        dispatch: DispatchId,
        recipient: AgencyCode,
        action: QueueAction,
        request: QueueRequest,
    ) -> Result<QueueChange, Problem> {
        let act = match action {
            QueueAction::Hold => Action::Hold,
            QueueAction::Release => Action::Release,
            QueueAction::Retry => Action::Retry,
            QueueAction::Drop => {
                let words = request.remark.clone().filter(|r| !r.trim().is_empty());
                Action::Drop(words.ok_or_else(|| {
                    Problem::bad_request("remark: say why the leg is given up; it becomes evidence")
                })?)
            }
        };
        let to = recipient.clone();
        let reply = self
            .context
            .core
            .ask(move |token| Input::Operate { token, dispatch, recipient: to, action: act })
            .await?;
        let (receipts, _) = settled(reply)?;
        tracing::info!(target: "audit", %dispatch, %recipient, action = action.name(), "queue changed");
        let (leg, now) = (recipient.clone(), self.context.core.now());
        let state = self
            .context
            .core
            .question(move |engine, view| {
                let aside = engine.state().is_aside(&dispatch);
                if aside {
                    return Some(tram_api::model::LegState::Quarantined);
                }
                let held = engine.find(&dispatch, view).ok().flatten()?;
                let legs = convert::legs(engine, &held, now);
                legs.into_iter().find(|l| l.recipient.0 == leg).map(|l| l.state)
            })
            .await?
            .unwrap_or(tram_api::model::LegState::Ended);
        Ok(QueueChange {
            dispatch: dispatch.into(),
            recipient: recipient.into(),
            action,
            state,
            receipt: receipts.first().map(|r| Base64(r.to_vec())),
        })
    }

    pub(super) async fn do_check_store(
        &self,
        query: CheckQuery,
    ) -> Result<Feed<CheckLine>, Problem> {
        let (tx, rx) = tokio::sync::mpsc::channel(64);
        let (store, verifier) = (self.context.store.clone(), self.context.verifier());
        if query.documents == Some(false) {
            let detail = "documents=false: a check of the running store always reads documents";
            return Err(Problem::bad_request(detail));
        }
        let now = self.context.core.now().wall;
        let alone = self.context.budgets.store_checks.clone().try_acquire_owned();
        let alone = alone.map_err(|_| Problem::busy("the store is being checked already", 60))?;
        tokio::task::spawn_blocking(move || {
            let _alone = alone;
            let mut progress = |p: tram_spool::check::Progress| {
                let line = CheckLine::Progress {
                    phase: p.phase.word().into(),
                    done: p.done,
                    total: p.total,
                };
                // A listener that is slow misses a progress line, not the report.
                let _ = tx.try_send(line);
            };
            let signatures = crate::signatures::ByDirectory(&verifier);
            let checked =
                tram_spool::check::check_at(&store, None, Some(&signatures), &mut progress);
            let line = match checked {
                Ok(report) => CheckLine::Report(check_report(&report, now)),
                Err(e) => {
                    let problem = Problem::new(e.code(), e.explain());
                    CheckLine::Problem(problem.document(tram_api::Language::English))
                }
            };
            // Whoever asked may have gone away.
            let _ = tx.blocking_send(line);
        });
        Ok(rx)
    }
}

/// The report of a store check as the API gives it.
pub(crate) fn check_report(
    report: &tram_spool::check::CheckReport,
    now: UnixMillis,
) -> CheckReport {
    let words = |f: &tram_spool::check::Finding| format!("{} {}: {}", f.code, f.place, f.what);
    let damage = |f: &&tram_spool::check::Finding| f.severity != tram_spool::check::Severity::Note;
    let mut damages: Vec<String> = report.findings.iter().filter(damage).map(words).collect();
    if report.findings_more > 0 {
        damages.push(format!("and {} more", report.findings_more));
    }
    CheckReport {
        ok: report.is_ok(),
        at: now.into(),
        batches: report.batches,
        dispatches: report.dispatches,
        legs: report.legs,
        leaves: report.leaves,
        documents: report.documents,
        documents_bytes: report.documents_bytes,
        damages,
    }
}

/// Why a leg does not take the way of the directory yet.
fn asked_first(peer: &NodeId, until: UnixMillis) -> String {
    format!(
        "{peer} was offered it under another directory and may have it: it is asked first, until {until} at the latest; `release` sends it on now, at the risk that it lies in two mailboxes"
    )
}
