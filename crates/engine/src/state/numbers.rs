//! What is counted of each originator: the submissions this node decided about, and the numbers that its
//! key provider gave to what it seals.
//!
//! Both are a fold over records. A number is part of the batch that holds what it was given to, so no
//! crash can give one twice, and none is passed over.

use std::collections::BTreeMap;

use tram_dispatch::envelope::Sequence;
use tram_dispatch::{AgencyCode, Digest, Reference, UnixMillis};

use crate::record::{Numbered, Record};

/// Most numbers of one series that may be assigned and neither used nor void. About 300 bytes each.
pub const OPEN_NUMBERS_MAX: usize = 1_024;

/// All counters of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    admissions: BTreeMap<AgencyCode, u64>,
    series: BTreeMap<(AgencyCode, u64), Series>,
}

/// One series of this node's key provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Series {
    /// The newest number assigned.
    last: u64,
    /// Numbers that were neither used nor declared void.
    open: BTreeMap<u64, Assigned>,
}

/// What a number was assigned to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// The reference of the dispatch.
    pub reference: Reference,
    /// SHA-256 over what it says, number and time of sealing apart.
    pub content: Digest,
    /// When: the envelope's time of sealing.
    pub at: UnixMillis,
    /// By an earlier life of the process: what was to be sealed with it is gone.
    pub stale: bool,
}

impl Numbers {
    /// Takes in what a store knows of the newest admission of an originator.
    pub fn admitted(&mut self, originator: &AgencyCode, number: u64) {
        match self.admissions.get_mut(originator) {
            Some(last) => *last = number.max(*last),
            None => _ = self.admissions.insert(originator.clone(), number),
        }
    }

    /// Takes in what a store knows of the newest number of a series.
    pub fn assigned(&mut self, originator: &AgencyCode, series: u64, number: u64) {
        let known = self.series.entry((originator.clone(), series)).or_default();
        known.last = known.last.max(number);
    }

    /// Applies one record.
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Evidence(own) => {
                let e = &own.evidence;
                if let Some(number) = e.admission {
                    self.admitted(&e.originator, number);
                }
                if let Some(used) = e.sequence {
                    self.close(&e.originator, used);
                }
            }
            // Admissions are numbered anew in each epoch; numbers of a series are not.
            Record::Earlier(own) => {
                let e = &own.evidence;
                if let Some(used) = e.sequence {
                    self.close(&e.originator, used);
                }
            }
            Record::Numbered(n) => {
                let Numbered { originator, sequence, reference, content, at } = n;
                self.assigned(originator, sequence.series, sequence.number);
                if let Some(series) = self.series.get_mut(&(originator.clone(), sequence.series)) {
                    let (reference, content, at) = (reference.clone(), *content, *at);
                    let assigned = Assigned { reference, content, at, stale: false };
                    series.open.insert(sequence.number, assigned);
                }
            }
            _ => {}
        }
    }

    /// The number of the next submission of an originator.
    pub(crate) fn next_admission(&self, originator: &AgencyCode) -> u64 {
        self.admissions.get(originator).map_or(1, |last| last.saturating_add(1))
    }

    /// The next number of a series; `None` where it is used up or too many are open.
    pub(crate) fn next_in(&self, originator: &AgencyCode, series: u64) -> Option<u64> {
        match self.series.get(&(originator.clone(), series)) {
            None => Some(1),
            Some(s) if s.open.len() >= OPEN_NUMBERS_MAX => None,
            Some(s) => s.last.checked_add(1),
        }
    }

    /// The number that was assigned to this in this life of the process, if it is still open.
    pub(crate) fn given(
        &self,
        originator: &AgencyCode,
        series: u64,
        reference: &Reference,
        content: &Digest,
    ) -> Option<(u64, UnixMillis)> {
        let series = self.series.get(&(originator.clone(), series))?;
        let same = |a: &Assigned| a.reference == *reference && a.content == *content && !a.stale;
        series.open.iter().find(|(_, a)| same(a)).map(|(number, a)| (*number, a.at))
    }

    /// What an open number was assigned to.
    pub fn open(&self, originator: &AgencyCode, sequence: Sequence) -> Option<&Assigned> {
        self.series.get(&(originator.clone(), sequence.series))?.open.get(&sequence.number)
    }

    /// Whether this node's key provider counts the series.
    pub fn counts(&self, originator: &AgencyCode, series: u64) -> bool {
        self.series.contains_key(&(originator.clone(), series))
    }

    /// Every open number that an earlier life of the process assigned.
    pub fn stale(&self) -> Vec<(AgencyCode, Sequence, Assigned)> {
        let all = self.series.iter().flat_map(|((agency, series), s)| {
            s.open.iter().map(move |(number, assigned)| {
                let sequence = Sequence { series: *series, number: *number };
                (agency.clone(), sequence, assigned.clone())
            })
        });
        all.filter(|(.., assigned)| assigned.stale).collect()
    }

    /// What was open when the process before ended can be used no more.
    pub fn begin_anew(&mut self) {
        let all = self.series.values_mut().flat_map(|s| s.open.values_mut());
        all.for_each(|assigned| assigned.stale = true);
    }

    fn close(&mut self, originator: &AgencyCode, used: Sequence) {
        if self.series.is_empty() {
            // Nobody seals here: no key is made for the look.
            return;
        }
        if let Some(series) = self.series.get_mut(&(originator.clone(), used.series)) {
            series.open.remove(&used.number);
        }
    }
}
