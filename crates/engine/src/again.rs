//! Looking again at what was set aside for what is stored of it: a read that failed once need not
//! fail the next time. After a bounded number of looks, ever further apart, it waits for the operator.

use std::collections::{BTreeMap, VecDeque};

use tram_dispatch::envelope::Document;
use tram_dispatch::{DispatchId, Now};

use crate::engine::{Engine, Fatal};
use crate::hand::fold_watched;
use crate::quarantine::Here;
use crate::record::{Foreign, Owed, Quarantine, Record};
use crate::state::aside::unpassed;
use crate::state::held::HeldDispatch;
use crate::view::View;

/// Looks at one dispatch before it waits for the operator; with the delays below they span 30 hours.
const LOOKS_MAX: u32 = 8;
/// From setting it aside to the first look, monotonic ms; from then on four times as long each time.
const FIRST_LOOK_MS: u64 = 5_000;
/// One that came back and is set aside again within this time, monotonic ms, goes on counting.
const COUNT_ON_MS: u64 = 3_600_000;
/// Looks taken at a time, so that nobody waits long for them.
const LOOKS_AT_ONCE: usize = 8;

/// What is looked at again.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    of: BTreeMap<DispatchId, Look>,
    /// Receipts found at the start that were kept without being passed on.
    pub(crate) unpassed: VecDeque<Foreign>,
}

/// How it stands with looking at one dispatch.
#[derive(Debug, Default)]
struct Look {
    /// Looks taken.
    taken: u32,
    /// When the next is due; absent: never, or it came back.
    due_mono_ms: Option<u64>,
    /// Its records are sound; the shell is to read its documents.
    documents: bool,
    /// It counts among those damaged in this life of the process.
    counted: bool,
    /// When it came back.
    back_mono_ms: Option<u64>,
}

impl Looks {
    /// A dispatch was set aside for what is stored of it. One found at the start is looked at at once.
    pub(crate) fn begin(&mut self, id: DispatchId, now_mono_ms: Option<u64>) {
        let look = self.of.entry(id).or_default();
        look.back_mono_ms = None;
        look.documents = false;
        look.due_mono_ms = match now_mono_ms {
            _ if look.taken >= LOOKS_MAX => None,
            Some(now) => Some(now.saturating_add(delay_ms(look.taken))),
            None => Some(0),
        };
    }

    /// It counts among those damaged.
    pub(crate) fn count(&mut self, id: &DispatchId) {
        if let Some(look) = self.of.get_mut(id) {
            look.counted = true;
        }
    }

    /// Nothing is looked for any more.
    pub(crate) fn end(&mut self, id: &DispatchId) {
        self.of.remove(id);
    }

    /// Its documents were read and are not what was taken: they are read again at the next look.
    pub(crate) fn still_damaged(&mut self, id: &DispatchId) {
        if let Some(look) = self.of.get_mut(id) {
            look.documents = false;
        }
    }

    /// When the next look is due, monotonic ms.
    pub(crate) fn next_due(&self) -> Option<u64> {
        self.of.values().filter_map(|look| look.due_mono_ms).min()
    }

    /// Looks taken at one dispatch, and when the next is due.
    pub(crate) fn standing(&self, id: &DispatchId) -> (u32, Option<u64>) {
        self.of.get(id).map_or((0, None), |look| (look.taken, look.due_mono_ms))
    }

    fn due(&self, now: Now) -> Vec<DispatchId> {
        let due = |look: &Look| look.due_mono_ms.is_some_and(|at| at <= now.mono_ms);
        self.of
            .iter()
            .filter(|(_, look)| due(look))
            .map(|(id, _)| *id)
            .take(LOOKS_AT_ONCE)
            .collect()
    }
}

/// The time to the next look after so many, ms.
fn delay_ms(taken: u32) -> u64 {
    FIRST_LOOK_MS << (2 * taken.min(LOOKS_MAX))
}

impl Engine {
    /// Takes the looks that are due, and passes on what a start found that nobody upstream was given.
    pub(crate) fn look_again(&mut self, now: Now, view: &dyn View) -> Result<(), Fatal> {
        if self.shut().is_some() || (self.looks.of.is_empty() && self.looks.unpassed.is_empty()) {
            return Ok(());
        }
        while !self.is_full()
            && let Some(foreign) = self.looks.unpassed.pop_front()
        {
            self.decide_on(&foreign.evidence.dispatch);
            self.pass_on(now, foreign);
        }
        self.looks.of.retain(|_, look| {
            look.back_mono_ms.is_none_or(|at| now.mono_ms < at.saturating_add(COUNT_ON_MS))
        });
        for id in self.looks.due(now) {
            if !self.state.is_quarantined(&id) {
                // The operator dropped it, or its time ran out.
                self.looks.end(&id);
                continue;
            }
            if let Some(look) = self.looks.of.get_mut(&id) {
                look.taken += 1;
                let next = now.mono_ms.saturating_add(delay_ms(look.taken));
                look.due_mono_ms = (look.taken < LOOKS_MAX).then_some(next);
            }
            self.decide_on(&id);
            if self.state.is_aside(&id) {
                self.read_again(now, &id, view);
            } else if self.receipts_are_sound(&id, view) {
                match self.has_documents(&id) {
                    false => self.back(now, &id, None, Vec::new()),
                    true => {
                        if let Some(look) = self.looks.of.get_mut(&id) {
                            look.documents = true;
                        }
                    }
                }
            }
        }
        self.decided();
        Ok(())
    }

    /// As [`Engine::take_up`]; one that is set aside because it could not be read is read again first,
    /// as long as it is looked at at all.
    pub(crate) fn take_up_again(
        &mut self,
        now: Now,
        id: &DispatchId,
        view: &dyn View,
    ) -> Result<Here, Fatal> {
        if self.state.is_aside(id) && self.shut().is_none() && self.looks.standing(id).1.is_some() {
            self.read_again(now, id, view);
        }
        self.take_up(now, id, view)
    }

    /// Reads what could not be read, and takes it up if that succeeds.
    fn read_again(&mut self, now: Now, id: &DispatchId, view: &dyn View) {
        if let Ok((held, kept)) = self.reread(id, view) {
            self.back(now, id, held, kept);
        }
    }

    /// The records of a dispatch that is set aside, folded, and the receipts kept meanwhile that
    /// nobody was given. What is not durable yet is known to this process only.
    pub(crate) fn reread(
        &mut self,
        id: &DispatchId,
        view: &dyn View,
    ) -> Result<(Option<HeldDispatch>, Vec<Foreign>), String> {
        let read = self.read_noted(id, || view.history(id));
        let mut history = read.map_err(|e| e.to_string())?;
        if let Some(aside) = self.state.broken.get(id).and_then(|b| b.aside.as_ref()) {
            for (batch, record) in &aside.fresh {
                if *batch > self.durable && !history.contains(record) {
                    history.push(record.clone());
                }
            }
        }
        let folded = fold_watched(&history, &*self.hand);
        self.decide_on(id);
        Ok((folded?, unpassed(&history)))
    }

    /// Whether every receipt of ours about a dispatch in memory can be read.
    fn receipts_are_sound(&mut self, id: &DispatchId, view: &dyn View) -> bool {
        if !matches!(self.load(id, view), Ok(true)) {
            return false;
        }
        let sealed = self.log.head().0;
        let Some(h) = self.state.held.get(id) else { return false };
        let in_store = |owed: &Owed| matches!(owed, Owed::Own(leaf) if *leaf < sealed);
        let mut ours = h.evidence.iter().filter(|k| k.raw.is_none() && in_store(&k.owed));
        ours.all(|k| self.receipt_there(id, k.owed, view).is_ok())
    }

    fn has_documents(&self, id: &DispatchId) -> bool {
        let held = self.state.held.get(id);
        held.is_some_and(|h| h.documents && !h.dispatch.envelope().documents.is_empty())
    }

    /// The documents to read and compare with their digests, by dispatch. Whoever does says
    /// [`Sound`](crate::Input::Sound) or [`Damaged`](crate::Input::Damaged) for each dispatch.
    pub fn documents_in_doubt(&self) -> Vec<(DispatchId, Vec<Document>)> {
        let asked = self.looks.of.iter().filter(|(_, look)| look.documents);
        asked
            .filter_map(|(id, _)| {
                Some((*id, self.state.held.get(id)?.dispatch.envelope().documents.clone()))
            })
            .collect()
    }

    /// The documents of a dispatch were read, and are what was taken.
    pub(crate) fn sound(&mut self, now: Now, id: &DispatchId) {
        let asked = self.looks.of.get(id).is_some_and(|look| look.documents);
        if asked && self.state.is_quarantined(id) && self.shut().is_none() {
            self.back(now, id, None, Vec::new());
        }
    }

    /// What was set aside is taken up again, by itself.
    fn back(&mut self, now: Now, id: &DispatchId, read: Option<HeldDispatch>, kept: Vec<Foreign>) {
        self.take_back_up(now, id, read, kept);
        if let Some(look) = self.looks.of.get_mut(id) {
            look.due_mono_ms = None;
            look.documents = false;
            look.back_mono_ms = Some(now.mono_ms);
            if std::mem::take(&mut look.counted) {
                self.damaged = self.damaged.saturating_sub(1);
            }
        }
    }

    /// Ends the quarantine of a dispatch, and goes on with everything that waited.
    pub(crate) fn take_back_up(
        &mut self,
        now: Now,
        id: &DispatchId,
        read: Option<HeldDispatch>,
        kept: Vec<Foreign>,
    ) {
        if let Some(held) = read {
            self.state.insert(held);
        }
        let released = Quarantine { dispatch: *id, cause: None, at: now.wall };
        self.record(now, Record::Quarantine(released), None, true);
        self.take_back_one(now, id);
        self.state.owe_all(id);
        for foreign in kept {
            self.pass_on(now, foreign);
        }
        self.queue_legs(id);
    }
}
