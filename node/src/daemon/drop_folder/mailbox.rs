//! What waits for the agency's system, and whose turn it is.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use tram_api::Service as _;
use tram_api::model::{InboxQuery, InboxState};
use tram_dispatch::{AgencyCode, DispatchId, UnixMillis};

use super::folder::Folder;
use super::give::Giver;
use super::pause::Pause;
use super::urgency::{self, Rank};
use super::{TURN_MAX, names};

/// Most dispatches whose turn is known; the mailbox holds the others.
const WAITING_MAX: usize = 20_000;
/// Entries asked for at a time.
const PAGE: u32 = 256;

/// The most urgent first; of those as urgent, what came first.
type Turn = (Reverse<Rank>, u64);

struct Waiting {
    id: DispatchId,
    /// The agency's own code, or one whose mailbox it took over.
    recipient: AgencyCode,
    at: UnixMillis,
    pause: Option<Pause>,
}

/// What waits for the agency's system.
#[derive(Default)]
pub(super) struct Mailbox {
    /// What was looked at: nothing before it is asked for again.
    cursor: Option<String>,
    waiting: BTreeMap<Turn, Waiting>,
    /// What is among them.
    queued: BTreeSet<(DispatchId, AgencyCode)>,
    /// How many came so far.
    came: u64,
}

impl Mailbox {
    /// How many wait, as far as is known.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Why something of it could not be given.
    pub(super) fn trouble(&self) -> Option<String> {
        let mut pauses = self.waiting.values().filter_map(|w| w.pause.as_ref());
        pauses.next().map(|pause| pause.words().to_owned())
    }

    /// Asks what came.
    pub(super) async fn ask(&mut self, giver: &Giver<'_>) -> Result<(), String> {
        while self.waiting.len() < WAITING_MAX {
            let query = InboxQuery {
                state: Some(InboxState::Waiting),
                after: self.cursor.clone(),
                limit: Some(PAGE),
                ..InboxQuery::default()
            };
            let (caller, agency) = (giver.who.caller(), giver.agency.clone());
            let asking = giver.desk.service.inbox(caller, agency, query, Duration::ZERO).await;
            let page = asking.map_err(|p| format!("{}: {}", p.code, p.detail))?;
            for item in page.items.iter().filter(|item| giver.is_its(&item.recipient)) {
                let (id, recipient, at) =
                    (item.dispatch.0, item.recipient.0.clone(), item.consigned_at.0);
                // A listing from the beginning shows what is queued already.
                if self.queued.insert((id, recipient.clone())) {
                    let turn = (Reverse(urgency::rank(item.urgency)), self.came);
                    self.came += 1;
                    self.waiting.insert(turn, Waiting { id, recipient, at, pause: None });
                }
            }
            self.cursor = page.next.or(self.cursor.take());
            if page.items.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Gives some of those that have their turn; whether others have it as well. What cannot be given now
    /// holds nobody up.
    pub(super) async fn give(
        &mut self,
        giver: &Giver<'_>,
        staging: &Folder,
        target: &Folder,
    ) -> Result<bool, String> {
        let now = Instant::now();
        let due = |w: &Waiting| w.pause.as_ref().is_none_or(|pause| pause.is_over(now));
        let due = self.waiting.iter().filter(|(_, w)| due(w));
        let mut turns: Vec<Turn> = due.map(|(turn, _)| *turn).take(TURN_MAX + 1).collect();
        let more = turns.len() > TURN_MAX;
        turns.truncate(TURN_MAX);
        let mut trouble = Ok(more);
        for turn in turns {
            if giver.desk.service.context.is_stopping() {
                break;
            }
            let Some(next) = self.waiting.get_mut(&turn) else { continue };
            if !giver.is_its(&next.recipient) {
                // A newer directory says so. Should it fall to this agency again, it is listed anew.
                self.remove(&turn);
                self.cursor = None;
                continue;
            }
            let old = Some(&next.recipient).filter(|of| *of != giver.agency);
            let name = names::incoming(next.at, next.id, old);
            let of = Giver { agency: &next.recipient, ..*giver };
            match of.give(next.id, name, staging, target).await {
                Ok(()) => self.remove(&turn),
                Err(error) => {
                    let words = format!("dispatch {}: {error}", next.id);
                    trouble = Err(words.clone());
                    next.pause = Some(Pause::after(next.pause.as_ref(), words, Instant::now()));
                }
            }
        }
        trouble
    }

    fn remove(&mut self, turn: &Turn) {
        if let Some(gone) = self.waiting.remove(turn) {
            self.queued.remove(&(gone.id, gone.recipient));
        }
    }
}
