//! The policy of retention: how long the documents of a dispatch are kept once nothing is left to do for
//! it. A file of its own, so that it can be approved, published and archived apart from the configuration.

mod read;

use tram_dispatch::AgencyCode;

pub use read::{RetentionError, load, parse};

/// Most rules in one policy.
pub const RULES_MAX: usize = 64;
/// Longest name of a rule, in bytes: it stands in each proof of removal.
pub const NAME_BYTES_MAX: usize = 64;
/// Longest period, in days.
pub const KEEP_DAYS_MAX: u64 = 36_500;
/// Most dispatches whose documents are removed in a day, where the policy says nothing.
pub const PER_DAY_DEFAULT: u64 = 20_000;

/// A policy of retention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// What people call it.
    pub name: String,
    /// Most dispatches whose documents are removed in a day; the rest waits, with an alarm.
    pub per_day_max: u64,
    /// The rules, in the order of the file.
    pub rules: Vec<RetentionRule>,
}

/// One rule: which dispatches, and for how long. All conditions must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionRule {
    /// Its name.
    pub name: String,
    /// What the node was for the dispatch; empty: whatever it was.
    pub places: Vec<Place>,
    /// How a leg ended; empty: however it did.
    pub outcomes: Vec<Ending>,
    /// Types of document (loại văn bản), compared without case; empty: all.
    pub types: Vec<String>,
    /// Agencies, each with those below it, as originator or recipient; empty: all.
    pub agencies: Vec<AgencyCode>,
    /// For how long.
    pub keep: Keep,
}

/// How long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keep {
    /// Days after the newest evidence about the dispatch.
    Days(u64),
    /// Always.
    ForEver,
}

/// What the node was for a dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// It was submitted here.
    First,
    /// It came from a peer and went to another.
    Relay,
    /// A recipient's mailbox is here.
    Recipient,
}

/// How a leg ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// Held for the recipient, whose system has not taken it as far as is known here.
    Consigned,
    /// The recipient's system took it.
    HandedOver,
    /// The clerk registered it.
    Registered,
    /// The clerk refused it.
    RefusedByRecipient,
    /// The clerk gave it back, as its recall asked.
    Withdrawn,
    /// A node refused it.
    Refused,
    /// Given up.
    Failed,
    /// Its time ran out.
    Expired,
    /// Given back to the node before.
    Returned,
}

impl Place {
    /// The words of the file.
    pub const NAMES: &'static [(&'static str, Place)] =
        &[("first", Place::First), ("relay", Place::Relay), ("recipient", Place::Recipient)];

    /// The word of the file.
    #[must_use]
    pub fn word(self) -> &'static str {
        word(Self::NAMES, self)
    }
}

impl Ending {
    /// The words of the file: those that listings show of a leg.
    pub const NAMES: &'static [(&'static str, Ending)] = &[
        ("consigned", Ending::Consigned),
        ("handed_over", Ending::HandedOver),
        ("registered", Ending::Registered),
        ("refused_by_recipient", Ending::RefusedByRecipient),
        ("withdrawn", Ending::Withdrawn),
        ("refused", Ending::Refused),
        ("failed", Ending::Failed),
        ("expired", Ending::Expired),
        ("returned", Ending::Returned),
    ];

    /// The word of the file.
    #[must_use]
    pub fn word(self) -> &'static str {
        word(Self::NAMES, self)
    }

    /// Reads the word that listings show of a leg; `None` for one that has not ended.
    #[must_use]
    pub fn from_word(text: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(word, _)| *word == text).map(|(_, ending)| *ending)
    }
}

fn word<T: PartialEq>(names: &[(&'static str, T)], value: T) -> &'static str {
    names.iter().find(|(_, v)| *v == value).map_or("", |(word, _)| word)
}

/// What a policy is asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetentionFacts {
    /// What the node was for it; it can be first node and recipient's node in one.
    pub places: Vec<Place>,
    /// How its legs ended.
    pub endings: Vec<Ending>,
    /// The type of document, where the envelope names one.
    pub kind: Option<String>,
    /// Originator and recipients.
    pub agencies: Vec<AgencyCode>,
}

impl RetentionPolicy {
    /// The rule that decides: of those that match the one that keeps longest, of several such the first.
    /// `None`: no rule speaks of it, so it is kept.
    #[must_use]
    pub fn rule_for(&self, facts: &RetentionFacts) -> Option<&RetentionRule> {
        let mut found: Option<&RetentionRule> = None;
        for rule in self.rules.iter().filter(|rule| rule.matches(facts)) {
            if found.is_none_or(|longest| rule.keep > longest.keep) {
                found = Some(rule);
            }
        }
        found
    }

    /// The periods that occur, in days, each once, the shortest first.
    #[must_use]
    pub fn periods(&self) -> Vec<u64> {
        let mut days: Vec<u64> = self
            .rules
            .iter()
            .filter_map(|rule| match rule.keep {
                Keep::Days(days) => Some(days),
                Keep::ForEver => None,
            })
            .collect();
        days.sort_unstable();
        days.dedup();
        days
    }
}

impl RetentionRule {
    fn matches(&self, facts: &RetentionFacts) -> bool {
        let any = |wanted: &[Place], found: &[Place]| {
            wanted.is_empty() || wanted.iter().any(|w| found.contains(w))
        };
        let ended =
            self.outcomes.is_empty() || self.outcomes.iter().any(|o| facts.endings.contains(o));
        let same = |kind: &String, other: &String| kind.to_lowercase() == other.to_lowercase();
        let typed = self.types.is_empty()
            || facts.kind.as_ref().is_some_and(|kind| self.types.iter().any(|t| same(t, kind)));
        let party = self.agencies.is_empty()
            || self.agencies.iter().any(|top| facts.agencies.iter().any(|a| a.is_within(top)));
        any(&self.places, &facts.places) && ended && typed && party
    }
}
