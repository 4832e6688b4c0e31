//! After the faults: everything is mended, and then everything must come to its end.

use tram_dispatch::{AgencyCode, DispatchId};
use tram_engine::Engine;
use tram_engine::state::held::HeldDispatch;
use tram_engine::state::leg::{Leg, Stage};

use super::people::Heard;
use super::{Happening, World};
use crate::land::land;
use crate::model::{Excuses, Wrong};
use crate::node::{Moment, Outage};
use crate::plan::Kind;

/// One look at whether all is done, ms.
const SLICE_MS: u64 = 5_000;
/// After so many of them something is stuck: twenty virtual minutes, with longest delays of eight seconds.
const SLICES_MAX: u32 = 240;
/// When everything is settled, so much time passes: what is kept for a while may go. Longer than the
/// 30 days of a mailbox, for the time in a log stays where a clock that was ahead has put it.
const LATER_MS: u64 = 40 * 86_400_000;

impl World<'_> {
    pub(super) fn settle(&mut self) {
        self.mend();
        let mut settled = false;
        for slice in 0..SLICES_MAX {
            for place in self.plan.places.clone() {
                self.clerks(place);
                self.release_holds(place);
            }
            self.until(self.t + SLICE_MS);
            if slice % 4 == 3 {
                self.hurry_clients();
            }
            if !self.model.violations().is_empty() {
                break;
            }
            if self.is_settled() {
                settled = true;
                break;
            }
        }
        if settled {
            self.judge();
            self.later();
        } else if self.model.violations().is_empty() {
            let why = self.unsettled();
            self.wrong(Wrong::Stuck, why);
        }
    }

    /// Ends all faults. Media that are known to be bad are replaced.
    fn mend(&mut self) {
        self.healed = true;
        self.net.heal();
        let t = self.t;
        self.trace.line(t, || "== all faults end".to_owned());
        let (version, court) = (self.directory, self.court);
        // No session lasts for ever: new ones bring the peers' clocks, which are right now.
        for (a, b) in self.plan.links() {
            self.flap((a, b));
        }
        for place in self.plan.places.clone() {
            let Some(site) = self.sites.get_mut(&place) else { continue };
            site.armed = None;
            site.forge = false;
            site.offset_ms = 0;
            site.slow_until = 0;
            site.node.disk().set_faults(Vec::new());
            self.roomy(place);
            self.on(place, |node, now| node.set_directory(now, version, court));
            let site = &self.sites[&place];
            if site.damaged || site.doubtful {
                // The operator's check of the store finds it, or the disk is not trusted any more.
                self.crash(place, Moment::Now, Outage::Process);
                self.with_site(place, |site| site.giving_up = true);
                self.after(10, Happening::NewDisk(place));
            }
            self.with_site(place, |site| site.faulted = false);
            self.after(4_000, Happening::Start(place, None));
        }
    }

    fn engines(&self) -> impl Iterator<Item = (usize, &Engine)> {
        self.sites.iter().filter_map(|(p, s)| Some((*p, s.node.engine()?)))
    }

    /// Whether nothing is left to do anywhere.
    fn is_settled(&self) -> bool {
        self.unsettled_reason().is_none()
    }

    fn unsettled(&self) -> String {
        self.unsettled_reason().unwrap_or_else(|| "it settled at the last moment".to_owned())
    }

    fn unsettled_reason(&self) -> Option<String> {
        for (i, client) in self.people.clients.iter().enumerate() {
            if client.begun && client.heard.is_none() && !self.host_gone(i) {
                return Some(format!("order {i} was never answered"));
            }
        }
        for (place, site) in &self.sites {
            let Some(engine) = site.node.engine() else {
                return Some(format!("{} does not run", land().places[*place].id));
            };
            if site.node.is_committing() {
                return Some(format!("{} is committing", engine.me()));
            }
            for p in engine.peers() {
                let there = land().place_of(&p.peer).and_then(|p| self.sites.get(&p));
                let here = there.is_some();
                let known = there.map(|site| site.node.keys().epoch);
                if here && p.epoch.is_some() && p.epoch != known {
                    let (me, peer) = (engine.me(), &p.peer);
                    return Some(format!("{me} has not met {peer} since its disk was lost"));
                }
                let waits = (p.queued, p.in_flight, p.receipts_owed);
                if here && waits != (0, 0, 0) {
                    return Some(format!(
                        "{} to {}: {} queued, {} under way, {} receipts owed{}",
                        engine.me(),
                        p.peer,
                        p.queued,
                        p.in_flight,
                        p.receipts_owed,
                        self.first_in_queue(engine)
                    ));
                }
            }
            if engine.state().held.values().any(|h| h.legs.values().any(|l| *l == Leg::OnHold)) {
                return Some(format!("{} has a leg on hold", engine.me()));
            }
            for (agency, box_) in &engine.state().mailboxes {
                for id in box_.values() {
                    let leg = engine.state().held.get(id).and_then(|h| h.legs.get(agency));
                    if let Some(Leg::Mailbox {
                        stage: Stage::Consigned | Stage::HandedOver, ..
                    }) = leg
                    {
                        return Some(format!("{} waits for the clerk of {agency}", id.short()));
                    }
                }
            }
        }
        self.unfinished_leg()
    }

    fn first_in_queue(&self, engine: &Engine) -> String {
        engine.queue(None, 1).first().map_or(String::new(), |line| {
            let cause = line.standing.as_ref().and_then(|s| s.cause);
            format!("; first: {} for {:?}, {cause:?}", line.dispatch.short(), line.recipient)
        })
    }

    /// A leg at a first node without an outcome, that nothing excuses.
    fn unfinished_leg(&self) -> Option<String> {
        for (i, client) in self.people.clients.iter().enumerate() {
            let Some(Heard::Acknowledged { life }) = client.heard else { continue };
            let site = &self.sites[&client.host];
            let (Some((engine, view)), true) =
                (site.node.engine_and_view(), site.node.life() == life)
            else {
                continue;
            };
            let id = client.sealed.id();
            let held = engine.find(&id, view).ok().flatten()?;
            for (recipient, leg) in &held.legs {
                let excused = self.excuses(i, &id, recipient);
                let open = matches!(leg, Leg::Held { .. } | Leg::OnHold | Leg::Transferred { .. });
                let there = self.model.was_delivered(&id, recipient);
                if open && !excused.host_lost && !(excused.moved && there) {
                    return Some(format!(
                        "order {i}, {} for {recipient}: {}",
                        id.short(),
                        leg.word()
                    ));
                }
            }
        }
        None
    }

    /// Whether the disk of an order's first node was lost after it had been acknowledged to someone.
    fn host_gone(&self, i: usize) -> bool {
        let client = &self.people.clients[i];
        matches!(client.heard, Some(Heard::Acknowledged { life })
            if self.sites[&client.host].node.life() != life)
    }

    fn excuses(&self, i: usize, id: &DispatchId, recipient: &AgencyCode) -> Excuses {
        let order = &self.plan.orders[i];
        let host = land().host_of(self.directory, recipient);
        let lost = |p: usize| self.sites.get(&p).is_none_or(|s| s.node.life() > 0);
        let lives: u64 = self.sites.values().map(|s| s.node.life() as u64).sum();
        Excuses {
            dropped: self.people.dropped.contains(&(*id, recipient.clone())),
            expired: self.t >= order.lifetime_ms,
            moved: *recipient == land().mover && self.directory > 0,
            host_lost: host.is_none_or(lost),
            only_host_lost: lives == 1
                && host.is_some_and(lost)
                && super::site::keeps_finished(self.plan),
            some_disk_lost: self.sites.values().any(|s| s.node.life() > 0),
        }
    }

    /// Compares what everybody was told with what happened.
    fn judge(&mut self) {
        let t = self.t;
        for i in 0..self.people.clients.len() {
            self.judge_order(i);
        }
        let mut found = Vec::new();
        for site in self.sites.values() {
            if let (Some(log), Some(reader)) =
                (self.model.log(&site.node.keys().epoch), site.node.reader())
                && let Err(what) = log.compare(&reader)
            {
                found.push(what);
            }
        }
        for what in found {
            self.model.wrong(Wrong::Forked, t, what);
        }
    }

    fn judge_order(&mut self, i: usize) {
        let t = self.t;
        let client = &self.people.clients[i];
        let Some(Heard::Acknowledged { life }) = client.heard else { return };
        if matches!(self.plan.orders[i].kind, Kind::Again(_)) {
            return;
        }
        let (id, host) = (client.sealed.id(), client.host);
        let site = &self.sites[&host];
        if site.node.life() != life {
            return;
        }
        let Some((engine, view)) = site.node.engine_and_view() else { return };
        let Ok(Some(held)) = engine.find(&id, view) else {
            self.model.forgotten(t, &id);
            return;
        };
        let shown: Vec<_> =
            held.evidence.iter().map(|k| engine.receipt_of(k, view).ok().flatten()).collect();
        for (known, raw) in held.evidence.iter().zip(shown) {
            match raw {
                // What the originator can show an auditor.
                Some(raw) => _ = self.model.released(t, "the first node's export", &raw),
                None => {
                    let what = format!("{}: a receipt is gone", known.evidence.event.name());
                    self.model.wrong(Wrong::Lost, t, what);
                }
            }
        }
        let recipients = held.dispatch.envelope().recipients.clone();
        for recipient in recipients {
            let there = self.delivered(&id, &recipient);
            let excuses = self.excuses(i, &id, &recipient);
            self.model.judge(t, &held, &recipient, there.as_ref(), excuses);
        }
    }

    /// The leg as the node has it that holds it in a mailbox.
    fn delivered(&self, id: &DispatchId, recipient: &AgencyCode) -> Option<Leg> {
        self.sites.values().find_map(|site| {
            let (engine, view) = site.node.engine_and_view()?;
            let held = engine.find(id, view).ok().flatten()?;
            let leg = held.legs.get(recipient)?;
            matches!(leg, Leg::Mailbox { .. }).then(|| leg.clone())
        })
    }

    /// Long after, nothing is kept that nobody needs.
    fn later(&mut self) {
        self.t += LATER_MS;
        for place in self.plan.places.clone() {
            self.on(place, |node, now| node.tick(now));
        }
        self.until(self.t + 30_000);
        // A leg whose consignment counts no more stays, see the model.
        let moved = self.directory > 0;
        let excused = |h: &HeldDispatch| {
            moved && matches!(h.legs.get(&land().mover), Some(Leg::Transferred { .. }))
        };
        let kept = self.engines().find_map(|(_, e)| {
            let h = e.state().held.values().find(|h| !excused(h))?;
            let legs: Vec<_> = h.legs.iter().map(|(r, l)| format!("{r} {}", l.word())).collect();
            let (id, owed) = (h.id(), h.owed.len());
            Some(format!("{} still holds {}: {}; owed {owed}", e.me(), id.short(), legs.join(", ")))
        });
        if let Some(what) = kept {
            self.wrong(Wrong::Stuck, what);
        }
    }
}
