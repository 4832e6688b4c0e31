//! What the originator is told of a leg, beside what happened to it.

use tram_dispatch::{AgencyCode, DispatchId, Event};
use tram_engine::state::held::HeldDispatch;
use tram_engine::state::leg::{Leg, Outcome};

use super::{Model, Wrong};

/// What can excuse that a leg was not delivered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Excuses {
    /// An operator gave it up somewhere.
    pub dropped: bool,
    /// Its time ran out.
    pub expired: bool,
    /// Its recipient moved: what its node before says afterwards counts no more.
    pub moved: bool,
    /// The disk of the recipient's node was lost.
    pub host_lost: bool,
    /// That one disk only, once: the relay before it keeps what was consigned there until handover, and
    /// gives it again.
    pub only_host_lost: bool,
    /// The disk of some node was lost: what became known after the consignment may not have got past
    /// it, for nobody offers a leg again whose delivery is proved.
    pub some_disk_lost: bool,
}

impl Model {
    /// Judges one leg at its first node when everything has come to rest. `there` is the leg at the
    /// node that has it in a mailbox, if one has.
    pub fn judge(
        &mut self,
        at_ms: u64,
        held: &HeldDispatch,
        recipient: &AgencyCode,
        there: Option<&Leg>,
        excuses: Excuses,
    ) {
        let id = held.id();
        let name = format!("{} for {recipient}", id.short());
        let Some(leg) = held.legs.get(recipient) else {
            self.wrong(Wrong::Lost, at_ms, format!("{name}: the first node has no such leg"));
            return;
        };
        self.one_outcome(at_ms, held, recipient, &name);
        let (consigned, in_lost_log) = self.fact(&id, recipient, Event::ContentConsignment);
        let delivered = there.is_some() || consigned || self.was_delivered(&id, recipient);
        let excused = excuses.dropped || excuses.expired || excuses.moved;
        match leg {
            Leg::Mailbox { .. } | Leg::Ended { outcome: Outcome::Consigned, .. } => {
                // What was handed over is the clerk's, also where nobody had heard of the consignment.
                let (_, handed_over) = self.fact(&id, recipient, Event::ContentHandover);
                let given_again = excuses.only_host_lost && !handed_over && !excused;
                let in_lost_log = handed_over || (in_lost_log && !given_again);
                if !delivered && !in_lost_log {
                    let what = format!("{name}: told consigned, and no mailbox has it");
                    self.wrong(Wrong::Lost, at_ms, what);
                }
                if let Some(there) = there
                    && there.word() != leg.word()
                    && !excuses.some_disk_lost
                    && !excuses.moved
                {
                    let what = format!("{name}: told {}, it is {}", leg.word(), there.word());
                    self.wrong(Wrong::Outcome, at_ms, what);
                }
            }
            Leg::Ended { outcome, .. } => {
                // A failure told too early is put right by the consignment, unless a lost disk had it.
                let not_put_right = excused && excuses.some_disk_lost;
                let silent = excuses.host_lost || excuses.moved || not_put_right;
                if there.is_some() && !silent {
                    let what = format!("{name}: told {}, it was delivered", outcome.word());
                    self.wrong(Wrong::Outcome, at_ms, what);
                }
                let fits = match outcome {
                    Outcome::Expired => excuses.expired,
                    Outcome::Failed => excuses.dropped || excuses.moved,
                    Outcome::Refused => excuses.moved,
                    Outcome::Consigned => true,
                };
                if !fits {
                    let what = format!("{name}: {} without a cause", outcome.word());
                    self.wrong(Wrong::Lost, at_ms, what);
                }
            }
            Leg::Held { .. } | Leg::OnHold | Leg::Transferred { .. } | Leg::Returned { .. } => {
                // Its last news may have gone with the disk that had them, or come when the node that
                // sent them was two directories in the past.
                let told = (in_lost_log && excuses.host_lost) || (excuses.moved && delivered);
                let given_back = excused && matches!(leg, Leg::Returned { .. });
                if !told && !given_back {
                    let what = format!("{name}: {} for ever", leg.word());
                    self.wrong(Wrong::Stuck, at_ms, what);
                }
            }
        }
    }

    /// Each terminal event of a leg comes once from one log; a failure never follows a consignment.
    fn one_outcome(&mut self, at_ms: u64, held: &HeldDispatch, recipient: &AgencyCode, name: &str) {
        let mut terminal = std::collections::BTreeMap::new();
        for k in held.evidence.iter().filter(|k| k.authorised) {
            let e = &k.evidence;
            if e.recipient.as_ref() != Some(recipient) {
                continue;
            }
            let returned = e.reason == Some(tram_dispatch::Code::Returned);
            let ends = match e.event {
                Event::ContentConsignment
                | Event::ContentConsignmentFailure
                | Event::RelayRejection => true,
                Event::RelayFailure => !returned,
                _ => false,
            };
            if ends {
                *terminal.entry((e.event, e.epoch, e.reason)).or_insert(0u32) += 1;
            }
        }
        for ((event, ..), n) in terminal {
            if n > 1 && event != Event::RelayRejection {
                let what = format!("{name}: {} told {n} times by one log", event.name());
                self.wrong(Wrong::Outcome, at_ms, what);
            }
        }
    }

    /// A dispatch was acknowledged and its first node knows nothing of it.
    pub fn forgotten(&mut self, at_ms: u64, id: &DispatchId) {
        let what = format!("{}: acknowledged, and its first node does not know it", id.short());
        self.wrong(Wrong::Lost, at_ms, what);
    }
}
