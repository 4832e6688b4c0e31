//! The counts as they follow from all records at once: nothing is kept on the way, and no index is asked.

use crate::answers::calendar;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use tram_dispatch::envelope::Urgency;
use tram_dispatch::{AgencyCode, Code, Day, DispatchId, Event, EvidenceRecord, UnixMillis};
use tram_engine::Record;
use tram_spool::store::{Party, Sum};

/// Sent, arrived, refused, failed, expired, times to arrive; came, registered, returned, lapsed, dropped,
/// registered in time.
pub(crate) type Counts = [u64; 12];

pub(crate) fn counts(sum: &Sum) -> Counts {
    let t = &sum.tally;
    [
        t.sent,
        t.arrived,
        t.refused,
        t.failed,
        t.expired,
        t.to_arrive.count(),
        t.came,
        t.registered,
        t.returned,
        t.lapsed,
        t.dropped,
        sum.registered_in_time(),
    ]
}

/// What the records of one dispatch say of one leg.
pub(crate) struct Leg {
    pub(crate) dispatch: DispatchId,
    pub(crate) originator: AgencyCode,
    pub(crate) recipient: AgencyCode,
    /// When custody of the dispatch began, if it ever did for this leg.
    pub(crate) taken: Option<UnixMillis>,
    /// It was not given back since.
    kept: bool,
    /// The first end since it was taken last: refused, failed, expired.
    ended: Option<usize>,
    pub(crate) arrived: Option<UnixMillis>,
    /// Registered, returned, lapsed; and when.
    answer: Option<(usize, UnixMillis)>,
    /// As the dispatch says, where this node ever held it.
    urgency: Urgency,
    dropped: bool,
}

fn said(record: &Record) -> Option<(&EvidenceRecord, bool)> {
    match record {
        Record::Evidence(own) => Some((&own.evidence, true)),
        Record::Earlier(own) => Some((&own.evidence, true)),
        Record::Foreign(f) if f.authorised => Some((&f.evidence, false)),
        _ => None,
    }
}

fn taken(record: &Record) -> &[AgencyCode] {
    match record {
        Record::Held(held) => &held.recipients,
        Record::Legs(legs) => &legs.recipients,
        _ => &[],
    }
}

fn failure(record: &Record) -> Option<(&EvidenceRecord, bool)> {
    said(record).filter(|(e, _)| e.event == Event::RelayFailure)
}

fn leg(dispatch: DispatchId, recipient: &AgencyCode, records: &[&Record]) -> Leg {
    let about = |record: &&Record| {
        said(record).filter(|(e, _)| e.recipient.as_ref() == Some(recipient)).is_some()
    };
    let mine: Vec<_> =
        records.iter().copied().filter(|r| about(r) || taken(r).contains(recipient)).collect();
    let first = records.iter().find_map(|record| match record {
        Record::Held(held) => Some((held.at, held.originator.clone())),
        _ => None,
    });
    let urgency = records.iter().find_map(|record| match record {
        Record::Held(held) => tram_wire::envelope::urgency(&held.raw),
        _ => None,
    });
    let returned =
        |e: &EvidenceRecord| matches!(e.reason, Some(Code::Returned | Code::CopyDamaged));
    let last = |test: &dyn Fn(&Record) -> bool| mine.iter().rposition(|record| test(record));
    let take = last(&|record| taken(record).contains(recipient));
    let back = last(&|record| failure(record).is_some_and(|(e, ours)| ours && returned(e)));
    let end = |record: &Record| {
        let (e, ours) = said(record)?;
        match e.event {
            Event::RelayRejection if !ours => Some(0),
            Event::ContentConsignmentFailure => Some(0),
            Event::RelayFailure if returned(e) => None,
            Event::RelayFailure if e.reason == Some(Code::DispatchExpired) => Some(2),
            Event::RelayFailure => Some(1),
            _ => None,
        }
    };
    let all = || mine.iter().filter_map(|record| said(record));
    let consigned = |e: &EvidenceRecord| e.event == Event::ContentConsignment;
    let clerk = |e: &EvidenceRecord| match e.event {
        Event::ConsignmentAcceptance | Event::ActAcceptance | Event::ActRejection => Some(0),
        Event::ConsignmentRejection | Event::Withdrawal => Some(1),
        _ => None,
    };
    let lapsed = |e: &EvidenceRecord| (e.event == Event::AcceptanceRejectionExpiry).then_some(2);
    let here = mine.iter().position(|r| said(r).is_some_and(|(e, ours)| ours && consigned(e)));
    let given_up = last(&|r| failure(r).is_some_and(|(e, ours)| ours && !returned(e)));
    let foreign_originator = || all().map(|(e, _)| e.originator.clone()).next();
    Leg {
        dispatch,
        originator: first.clone().map(|(_, code)| code).or_else(foreign_originator).unwrap(),
        recipient: recipient.clone(),
        taken: take.and(first.map(|(at, _)| at)),
        kept: take > back,
        ended: mine[take.map_or(0, |at| at + 1)..].iter().find_map(|record| end(record)),
        arrived: all().find(|(e, _)| consigned(e)).map(|(e, _)| e.time),
        answer: all()
            .find_map(|(e, _)| Some((clerk(e)?, e.time)))
            .or_else(|| all().find_map(|(e, _)| Some((lapsed(e)?, e.time)))),
        urgency: urgency.unwrap_or_default(),
        dropped: all().any(|(e, _)| e.event == Event::ContentHandoverFailure)
            || here.is_some_and(|here| given_up > Some(here)),
    }
}

/// Every leg that anything is said of.
pub(crate) fn legs(records: &[Record]) -> Vec<Leg> {
    let mut of: BTreeMap<DispatchId, Vec<&Record>> = BTreeMap::new();
    for record in records {
        if let Some(id) = record.dispatch() {
            of.entry(id).or_default().push(record);
        }
    }
    let mut legs = Vec::new();
    for (id, records) in of {
        let named = records.iter().filter_map(|r| said(r)).filter_map(|(e, _)| e.recipient.clone());
        let taken = records.iter().flat_map(|record| taken(record)).cloned();
        let recipients: BTreeSet<_> = named.chain(taken).collect();
        legs.extend(recipients.iter().map(|recipient| leg(id, recipient, &records)));
    }
    legs
}

impl Leg {
    /// Whether it waits for the clerk.
    pub(crate) fn waits(&self) -> bool {
        self.arrived.is_some() && !matches!(self.answer, Some((0 | 1, _))) && !self.dropped
    }

    fn count(&self, days: &RangeInclusive<Day>, counts: &mut Counts) {
        let within = |at: &UnixMillis| days.contains(&Day::of(*at));
        if self.kept && self.taken.filter(within).is_some() {
            counts[0] += 1;
            match (self.arrived, self.ended) {
                (Some(_), _) => {
                    counts[1] += 1;
                    counts[5] += 1;
                }
                (None, Some(end)) => counts[2 + end] += 1,
                (None, None) => {}
            }
        }
        if let Some(arrived) = self.arrived.filter(within) {
            counts[6] += 1;
            if let Some((answer, at)) = self.answer {
                counts[7 + answer] += 1;
                let in_time = at < calendar().register_by(arrived, self.urgency);
                counts[11] += u64::from(answer == 0 && in_time);
            }
            counts[10] += u64::from(self.dropped && !matches!(self.answer, Some((0 | 1, _))));
        }
    }
}

/// The counts of each agency as each party, on some days.
pub(crate) fn recount(
    legs: &[Leg],
    days: &RangeInclusive<Day>,
) -> BTreeMap<(AgencyCode, Party), Counts> {
    let mut all: BTreeMap<_, Counts> = BTreeMap::new();
    for leg in legs {
        for key in [(&leg.originator, Party::Originator), (&leg.recipient, Party::Recipient)] {
            leg.count(days, all.entry((key.0.clone(), key.1)).or_default());
        }
    }
    all.retain(|_, counts| *counts != Counts::default());
    all
}
