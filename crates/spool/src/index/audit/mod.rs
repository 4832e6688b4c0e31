//! What auditors ask for, kept beside the other tables: numbers, who wrote to whom, refusals, what
//! waits for a clerk, what was late, and counts by day and agency.
//!
//! Events are not scanned for an answer. Each one changes the way of one leg ([`legs`]), and what
//! changed is counted at once ([`tally`]). Counts are absolute values: they lie in memory ([`live`])
//! and go to the index file with the flush that holds the batches they speak of.

pub(crate) mod facts;
pub(crate) mod legs;
pub(crate) mod live;
pub(crate) mod period;
pub(crate) mod tables;
pub(crate) mod tally;
pub(crate) mod touched;
pub(crate) mod traces;

use self::facts::Fact;
use self::legs::{Change, Custody, Leg};
use self::live::{Live, Tallies};
use self::traces::{Learnt, Traces};
use super::kv::Put;
use super::{IndexError, keys};
use crate::journal::Position;
use std::sync::Arc;
use tram_dispatch::envelope::Urgency;
use tram_dispatch::{AgencyCode, Day, DispatchId, Event, EvidenceRecord, UnixMillis};
use tram_engine::record::{Held, Legs, Record};

pub(crate) use self::legs::Trace;
pub(crate) use self::period::{Period, Span};
pub(crate) use self::tally::Tally;

/// What must be known of the batches before.
pub(crate) trait Past {
    /// Whether counts and traces come from the same journal; where they are compared, one may be damaged.
    const AGREES: bool;
    /// Whether custody of a dispatch began in one of them.
    fn held(&self, id: &DispatchId) -> Result<bool, IndexError>;
    /// How far the legs of a dispatch had come in them.
    fn trace(&self, id: &DispatchId) -> Result<Trace, IndexError>;
    /// What they came to under one key of the table of tallies.
    fn tally(&self, key: &[u8]) -> Result<Option<Tally>, IndexError>;
}

/// As which party an agency is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// It sent.
    Originator = 0,
    /// It was addressed.
    Recipient = 1,
}

/// The auditors' part of the indexer.
#[derive(Debug, Default)]
pub(crate) struct Auditor {
    traces: Traces,
    live: Live,
}

impl Auditor {
    /// The counts in memory, for readers.
    pub(crate) fn tallies(&self) -> Tallies {
        self.live.shared()
    }

    /// What has to go to the index file with the batches up to here.
    pub(crate) fn drain(&mut self) -> Vec<Put> {
        self.live.drain()
    }

    /// Drops what the index says as well; called after what was drained is visible there.
    pub(crate) fn trim(&mut self) {
        self.live.trim();
    }

    /// What one record adds. Gives the fact to be kept with its place in the history of its dispatch.
    pub(crate) fn note(
        &mut self,
        out: &mut Vec<Put>,
        at: Position,
        record: &Record,
        past: &impl Past,
    ) -> Result<Option<Fact>, IndexError> {
        match record {
            Record::Held(held) => self.held(out, at, held, past).map(Some),
            Record::Legs(legs) => self.more(out, at, legs, past),
            Record::Evidence(own) => self.evidence(out, at, &own.evidence, true, past),
            Record::Earlier(own) => self.evidence(out, at, &own.evidence, true, past),
            Record::Foreign(foreign) if foreign.authorised => {
                self.evidence(out, at, &foreign.evidence, false, past)
            }
            _ => Ok(None),
        }
    }

    /// Forgets what was seen longest ago, when there is too much.
    pub(crate) fn settle(&mut self) {
        self.traces.settle();
    }

    fn held(
        &mut self,
        out: &mut Vec<Put>,
        at: Position,
        held: &Held,
        past: &impl Past,
    ) -> Result<Fact, IndexError> {
        tables::put_number(out, at, held);
        let (id, originator) = (held.dispatch, &held.originator);
        let urgency = tram_wire::envelope::urgency(&held.raw).unwrap_or_default();
        let trace = self.traces.of(id, past)?;
        let supposed = trace.urgency;
        if supposed != urgency {
            // Evidence that stood before it did not know how urgent it is.
            let legs = trace.legs.clone();
            for (recipient, leg) in &legs {
                tables::put_waiting(out, (id, originator, recipient), urgency, None, leg.waiting());
                let moves = [(leg, supposed, false), (leg, urgency, true)];
                self.count_came(originator, recipient, moves, past)?;
            }
        }
        let (originator, recipients) = (originator.clone(), held.recipients.clone());
        let fact = Fact::Held { at: held.at, urgency, originator, recipients };
        self.learn(out, at, id, &held.originator, &fact, past)?;
        Ok(fact)
    }

    fn more(
        &mut self,
        out: &mut Vec<Put>,
        at: Position,
        legs: &Legs,
        past: &impl Past,
    ) -> Result<Option<Fact>, IndexError> {
        // The peer only learns what is held.
        if legs.recipients.is_empty() {
            return Ok(None);
        }
        let trace = self.traces.of(legs.dispatch, past)?;
        let Some(originator) = trace.originator.clone() else { return Ok(None) };
        let fact = Fact::More { recipients: legs.recipients.clone() };
        self.learn(out, at, legs.dispatch, &originator, &fact, past)?;
        Ok(Some(fact))
    }

    fn evidence(
        &mut self,
        out: &mut Vec<Put>,
        at: Position,
        e: &EvidenceRecord,
        ours: bool,
        past: &impl Past,
    ) -> Result<Option<Fact>, IndexError> {
        if tables::is_negative(e.event) {
            tables::put_refusal(out, at, e);
        }
        if e.event == Event::SubmissionRejection {
            let day = Day::of(e.time);
            self.live.change(day, Party::Originator, &e.originator, past, |t, _| {
                t.rejected += 1;
                true
            })?;
        }
        let Some(fact) = Fact::of(e, ours) else { return Ok(None) };
        self.learn(out, at, e.dispatch, &e.originator, &fact, past)?;
        Ok(Some(fact))
    }

    /// What a record says about legs moves them in all tables.
    fn learn(
        &mut self,
        out: &mut Vec<Put>,
        at: Position,
        id: DispatchId,
        originator: &AgencyCode,
        fact: &Fact,
        past: &impl Past,
    ) -> Result<(), IndexError> {
        let Learnt { trace, mut changes } = self.traces.learn(id, fact, at, past)?;
        let (sent, urgency) = (trace.sent, trace.urgency);
        // As the record of custody names it, so that what is taken out is where it was taken in.
        let originator = &trace.originator.clone().unwrap_or_else(|| originator.clone());
        changes.retain(|change| change.before != change.after);
        for Change { recipient, before, after } in &changes {
            let leg = (id, originator, recipient);
            tables::put_waiting(out, leg, urgency, before.waiting(), after.waiting());
            tables::put_late(out, leg, urgency, before, after);
            let first = before.custody == Custody::Never && after.custody == Custody::Taken;
            if let Some(sent) = sent.filter(|_| first) {
                let key = keys::at(tables::between(originator, recipient, sent), at);
                out.push((key, Some(id.as_bytes().to_vec())));
            }
        }
        self.count(originator, (sent, urgency), &changes, past)
    }

    fn count(
        &mut self,
        originator: &AgencyCode,
        (sent, urgency): (Option<UnixMillis>, Urgency),
        changes: &[Change],
        past: &impl Past,
    ) -> Result<(), IndexError> {
        if let Some(sent) = sent {
            let moved = |c: &&Change| c.before.way() != c.after.way();
            let count = |t: &mut Tally, c: &Change| {
                t.way(&c.before, sent, false) & t.way(&c.after, sent, true)
            };
            let day = Day::of(sent);
            if changes.iter().any(|c| moved(&c)) {
                self.live.change(day, Party::Originator, originator, past, |t, _| {
                    changes.iter().filter(moved).fold(true, |sound, c| count(t, c) & sound)
                })?;
            }
            for c in changes.iter().filter(moved) {
                self.live.change(day, Party::Recipient, &c.recipient, past, |t, _| count(t, c))?;
            }
        }
        for c in changes.iter().filter(|c| c.before.came() != c.after.came()) {
            let moves = [(&c.before, urgency, false), (&c.after, urgency, true)];
            self.count_came(originator, &c.recipient, moves, past)?;
        }
        Ok(())
    }

    /// Takes what became of a leg that arrived out of the counts of both parties, or in.
    fn count_came(
        &mut self,
        originator: &AgencyCode,
        recipient: &AgencyCode,
        moves: [(&Leg, Urgency, bool); 2],
        past: &impl Past,
    ) -> Result<(), IndexError> {
        for (party, agency) in [(Party::Originator, originator), (Party::Recipient, recipient)] {
            for (leg, urgency, gained) in moves {
                let Some((arrived, _)) = leg.arrived else { continue };
                self.live.change(Day::of(arrived), party, agency, past, |t, span| {
                    t.came(leg, urgency, gained, span == Span::Day)
                })?;
            }
        }
        Ok(())
    }
}

/// Handles of the index that know the past.
impl Past for super::lookup::Lookup {
    const AGREES: bool = true;

    fn held(&self, id: &DispatchId) -> Result<bool, IndexError> {
        Ok(self.held_at(id)?.is_some())
    }

    fn trace(&self, id: &DispatchId) -> Result<Trace, IndexError> {
        self.trace_before(id, None)
    }

    fn tally(&self, key: &[u8]) -> Result<Option<Tally>, IndexError> {
        self.kv.get(key)?.map(|bytes| Tally::decode(&bytes)).transpose()
    }
}

/// The past as it was before one batch, in an index that knows the future too; counts begin at zero.
pub(crate) struct Before<'a> {
    pub(crate) lookup: Option<&'a super::lookup::Lookup>,
    /// The first position of the batch.
    pub(crate) at: Option<Position>,
}

impl Past for Before<'_> {
    const AGREES: bool = false;

    fn held(&self, id: &DispatchId) -> Result<bool, IndexError> {
        let Some(lookup) = self.lookup else { return Ok(false) };
        Ok(lookup.held_at(id)?.is_some_and(|at| Some(at) < self.at))
    }

    fn trace(&self, id: &DispatchId) -> Result<Trace, IndexError> {
        self.lookup.map_or_else(|| Ok(Trace::default()), |l| l.trace_before(id, self.at))
    }

    fn tally(&self, _: &[u8]) -> Result<Option<Tally>, IndexError> {
        Ok(None)
    }
}

/// A shared handle to the counts in memory.
pub(crate) type Shared = Arc<std::sync::RwLock<live::Map>>;
