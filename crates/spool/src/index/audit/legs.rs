//! How far a leg has come, as the evidence of all nodes that may say so tells it.

use super::facts::Fact;
use crate::journal::Position;
use std::collections::BTreeMap;
use tram_dispatch::{AgencyCode, Event, UnixMillis};

/// One dispatch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    /// When this node took custody; absent where it never did.
    pub(crate) sent: Option<UnixMillis>,
    pub(crate) originator: Option<AgencyCode>,
    pub(crate) legs: BTreeMap<AgencyCode, Leg>,
}

/// One leg.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Leg {
    /// It ended before it arrived; a consignment prevails.
    pub(crate) ended: Option<Way>,
    /// The recipient's node held it: when, and where that is written.
    pub(crate) arrived: Option<(UnixMillis, Position)>,
    /// What the recipient made of it.
    pub(crate) answer: Option<(Answer, UnixMillis)>,
}

/// Delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Underway,
    Refused,
    Failed,
    Expired,
    Arrived,
}

/// The clerk's answer, or its absence in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Registered,
    Returned,
    Lapsed,
}

impl Trace {
    pub(crate) fn learn(&mut self, fact: &Fact, at: Position) {
        match fact {
            Fact::Held { at, originator } => {
                self.sent.get_or_insert(*at);
                self.originator.get_or_insert_with(|| originator.clone());
            }
            Fact::Leg { recipient, .. } => {
                self.legs.entry(recipient.clone()).or_default().learn(fact, at);
            }
        }
    }
}

impl Leg {
    /// Takes in what was said; `at` is where. Evidence of different nodes may come in any order.
    pub(crate) fn learn(&mut self, fact: &Fact, at: Position) {
        let Fact::Leg { event, expired, time, .. } = fact else { return };
        let answer = match event {
            Event::ContentConsignment => {
                self.arrived.get_or_insert((*time, at));
                return;
            }
            Event::RelayRejection | Event::ContentConsignmentFailure => {
                self.ended.get_or_insert(Way::Refused);
                return;
            }
            Event::RelayFailure => {
                let way = if *expired { Way::Expired } else { Way::Failed };
                self.ended.get_or_insert(way);
                return;
            }
            Event::ConsignmentAcceptance | Event::ActAcceptance | Event::ActRejection => {
                Answer::Registered
            }
            Event::ConsignmentRejection | Event::Withdrawal => Answer::Returned,
            Event::AcceptanceRejectionExpiry => Answer::Lapsed,
            _ => return,
        };
        // A clerk may still answer when the time is over; the first answer stays.
        if self.answer.is_none_or(|(was, _)| was == Answer::Lapsed && answer != Answer::Lapsed) {
            self.answer = Some((answer, *time));
        }
    }

    pub(crate) fn way(&self) -> Way {
        if self.arrived.is_some() { Way::Arrived } else { self.ended.unwrap_or(Way::Underway) }
    }

    /// What is counted under the day it arrived.
    pub(crate) fn came(&self) -> Option<(UnixMillis, Option<(Answer, UnixMillis)>)> {
        self.arrived.map(|(at, _)| (at, self.answer))
    }

    /// Since when it waits for the clerk, if it does.
    pub(crate) fn waiting(&self) -> Option<(UnixMillis, Position)> {
        let answered = matches!(self.answer, Some((Answer::Registered | Answer::Returned, _)));
        self.arrived.filter(|_| !answered)
    }

    /// When it arrived and when the clerk registered it.
    pub(crate) fn registered(&self) -> Option<((UnixMillis, Position), UnixMillis)> {
        match (self.arrived, self.answer) {
            (Some(arrived), Some((Answer::Registered, at))) => Some((arrived, at)),
            _ => None,
        }
    }
}
