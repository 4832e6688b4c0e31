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
pub(crate) mod traces;

use self::facts::Fact;
use self::legs::Leg;
use self::live::{Live, Tallies};
use self::traces::Traces;
use super::kv::Put;
use super::{IndexError, keys};
use crate::journal::Position;
use std::sync::Arc;
use tram_dispatch::{AgencyCode, Day, DispatchId, Event, EvidenceRecord, UnixMillis};
use tram_engine::record::{Held, Legs, Record};

pub(crate) use self::legs::Trace;
pub(crate) use self::period::{Period, Span};
pub(crate) use self::tally::Tally;

/// What must be known of the batches before.
pub(crate) trait Past {
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

    /// What one record adds; `time` is that of its batch. Gives the fact to be kept with its place
    /// in the history of its dispatch.
    pub(crate) fn note(
        &mut self,
        out: &mut Vec<Put>,
        at: Position,
        record: &Record,
        time: UnixMillis,
        past: &impl Past,
    ) -> Result<Option<Fact>, IndexError> {
        match record {
            Record::Held(held) => self.held(out, at, held, past).map(Some),
            Record::Legs(legs) => self.more(out, at, legs, time, past).map(|()| None),
            Record::Evidence(own) => self.evidence(out, at, &own.evidence, past),
            Record::Earlier(own) => self.evidence(out, at, &own.evidence, past),
            Record::Foreign(foreign) if foreign.authorised => {
                self.evidence(out, at, &foreign.evidence, past)
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
        self.sent(out, at, held.dispatch, &held.originator, &held.recipients, held.at, past)?;
        self.traces.begin(held.dispatch, held.originator.clone(), held.at);
        Ok(Fact::Held { at: held.at, originator: held.originator.clone() })
    }

    fn more(
        &mut self,
        out: &mut Vec<Put>,
        at: Position,
        legs: &Legs,
        time: UnixMillis,
        past: &impl Past,
    ) -> Result<(), IndexError> {
        if legs.recipients.is_empty() {
            return Ok(());
        }
        let trace = self.traces.of(legs.dispatch, past)?;
        let Some(originator) = trace.originator.clone() else { return Ok(()) };
        let sent = trace.sent.unwrap_or(time);
        self.sent(out, at, legs.dispatch, &originator, &legs.recipients, sent, past)
    }

    #[allow(clippy::too_many_arguments, reason = "one row of a table")]
    fn sent(
        &mut self,
        out: &mut Vec<Put>,
        at: Position,
        dispatch: DispatchId,
        originator: &AgencyCode,
        recipients: &[AgencyCode],
        sent: UnixMillis,
        past: &impl Past,
    ) -> Result<(), IndexError> {
        for recipient in recipients {
            let key = keys::at(tables::between(originator, recipient, sent), at);
            out.push((key, Some(dispatch.as_bytes().to_vec())));
        }
        let day = Day::of(sent);
        let legs = recipients.len() as u64;
        self.live.change(day, Party::Originator, originator, past, |t, _| t.sent += legs)?;
        for recipient in recipients {
            self.live.change(day, Party::Recipient, recipient, past, |t, _| t.sent += 1)?;
        }
        Ok(())
    }

    fn evidence(
        &mut self,
        out: &mut Vec<Put>,
        at: Position,
        e: &EvidenceRecord,
        past: &impl Past,
    ) -> Result<Option<Fact>, IndexError> {
        if tables::is_negative(e.event) {
            tables::put_refusal(out, at, e);
        }
        if e.event == Event::SubmissionRejection {
            let day = Day::of(e.time);
            self.live
                .change(day, Party::Originator, &e.originator, past, |t, _| t.rejected += 1)?;
        }
        let Some(fact) = Fact::of(e) else { return Ok(None) };
        let Fact::Leg { recipient, .. } = &fact else { return Ok(None) };
        let trace = self.traces.of(e.dispatch, past)?;
        let sent = trace.sent;
        let leg = trace.legs.entry(recipient.clone()).or_default();
        let before = *leg;
        leg.learn(&fact, at);
        let after = *leg;
        if before != after {
            tables::put_waiting(out, e, before.waiting(), after.waiting());
            tables::put_late(out, e, &before, &after);
            self.count(&e.originator, recipient, sent, &before, &after, past)?;
        }
        Ok(Some(fact))
    }

    fn count(
        &mut self,
        originator: &AgencyCode,
        recipient: &AgencyCode,
        sent: Option<UnixMillis>,
        before: &Leg,
        after: &Leg,
        past: &impl Past,
    ) -> Result<(), IndexError> {
        let parties = [(Party::Originator, originator), (Party::Recipient, recipient)];
        for (party, agency) in parties {
            if let Some(sent) = sent.filter(|_| before.way() != after.way()) {
                self.live.change(Day::of(sent), party, agency, past, |t, _| {
                    t.way(before, sent, false);
                    t.way(after, sent, true);
                })?;
            }
            for (leg, gained) in [(before, false), (after, true)] {
                let same = before.came() == after.came();
                if let Some((arrived, _)) = leg.arrived.filter(|_| !same) {
                    let day = Day::of(arrived);
                    self.live.change(day, party, agency, past, |t, span| {
                        t.came(leg, gained, span == Span::Day);
                    })?;
                }
            }
        }
        Ok(())
    }
}

/// Handles of the index that know the past.
impl Past for super::lookup::Lookup {
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
