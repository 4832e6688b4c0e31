//! How far a leg has come, as the evidence of all nodes that may say so tells it.

use super::facts::Fact;
use crate::journal::Position;
use tram_dispatch::envelope::Urgency;
use tram_dispatch::{AgencyCode, Event, UnixMillis};

/// One dispatch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    /// When this node took custody; absent where it never did.
    pub(crate) sent: Option<UnixMillis>,
    pub(crate) originator: Option<AgencyCode>,
    /// Normal until custody is known to have begun.
    pub(crate) urgency: Urgency,
    /// By recipient, in order: most have one, and a tree would take the room of eleven.
    pub(crate) legs: Vec<(AgencyCode, Leg)>,
}

/// One leg.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Leg {
    pub(crate) custody: Custody,
    /// It ended before it arrived, since it was taken last; a consignment prevails.
    pub(crate) ended: Option<Way>,
    /// The recipient's node held it: when, and where that is written.
    pub(crate) arrived: Option<(UnixMillis, Position)>,
    /// What the recipient made of it.
    pub(crate) answer: Option<(Answer, UnixMillis)>,
    /// It arrived at this node.
    here: bool,
    /// It was given up after it arrived: no clerk will answer.
    dropped: bool,
}

/// What became of a leg at one record.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) recipient: AgencyCode,
    pub(crate) before: Leg,
    pub(crate) after: Leg,
}

/// Whether this node answers for a leg.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Custody {
    #[default]
    Never,
    /// It took the leg, whatever became of it since.
    Taken,
    /// It gave the leg back, and does not answer for it any more.
    GivenBack,
}

/// When it arrived, the answer, and whether it was given up unanswered.
pub(crate) type Came = (UnixMillis, Option<(Answer, UnixMillis)>, bool);

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
    /// Takes in what a record says; `at` is where. Gives the legs that it speaks of.
    pub(crate) fn learn(&mut self, fact: &Fact, at: Position) -> Vec<Change> {
        let recipients = match fact {
            Fact::Held { at, urgency, originator, recipients } => {
                self.sent.get_or_insert(*at);
                self.urgency = *urgency;
                self.originator.get_or_insert_with(|| originator.clone());
                recipients.as_slice()
            }
            Fact::More { recipients } => recipients.as_slice(),
            Fact::GivenBack { recipient } | Fact::Leg { recipient, .. } => {
                std::slice::from_ref(recipient)
            }
        };
        self.legs.reserve_exact(recipients.len().saturating_sub(self.legs.len()));
        recipients.iter().map(|recipient| self.learn_of(recipient, fact, at)).collect()
    }

    fn learn_of(&mut self, recipient: &AgencyCode, fact: &Fact, at: Position) -> Change {
        let place = self.legs.binary_search_by(|(known, _)| known.cmp(recipient));
        let place = place.unwrap_or_else(|place| {
            self.legs.insert(place, (recipient.clone(), Leg::default()));
            place
        });
        let (recipient, leg) = &mut self.legs[place];
        let before = *leg;
        leg.learn(fact, at);
        Change { recipient: recipient.clone(), before, after: *leg }
    }
}

impl Leg {
    /// Takes in what was said; `at` is where. Evidence of different nodes may come in any order.
    fn learn(&mut self, fact: &Fact, at: Position) {
        let (event, ours, expired, time) = match fact {
            // Taken again, it is on its way again.
            Fact::Held { .. } | Fact::More { .. } => {
                (self.custody, self.ended) = (Custody::Taken, None);
                return;
            }
            Fact::GivenBack { .. } => {
                if self.custody == Custody::Taken {
                    self.custody = Custody::GivenBack;
                }
                return;
            }
            Fact::Leg { event, ours, expired, time, .. } => (event, *ours, expired, time),
        };
        let answer = match event {
            Event::ContentConsignment => {
                self.arrived.get_or_insert((*time, at));
                self.here |= ours;
                return;
            }
            Event::RelayRejection | Event::ContentConsignmentFailure => {
                self.ended.get_or_insert(Way::Refused);
                return;
            }
            Event::RelayFailure => {
                let way = if *expired { Way::Expired } else { Way::Failed };
                self.ended.get_or_insert(way);
                // The operator may drop what was set aside in a mailbox.
                self.dropped |= ours && self.here;
                return;
            }
            Event::ContentHandoverFailure => {
                self.dropped = true;
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

    /// How far delivery has come, of a leg that this node answers for.
    pub(crate) fn way(&self) -> Option<Way> {
        let way = match self.arrived {
            Some(_) => Way::Arrived,
            None => self.ended.unwrap_or(Way::Underway),
        };
        (self.custody == Custody::Taken).then_some(way)
    }

    /// What is counted under the day it arrived: the answer, and whether there will be none.
    pub(crate) fn came(&self) -> Option<Came> {
        self.arrived.map(|(at, _)| (at, self.answer, self.is_dropped()))
    }

    /// Whether the clerk answered.
    fn is_answered(&self) -> bool {
        matches!(self.answer, Some((Answer::Registered | Answer::Returned, _)))
    }

    /// Whether it was given up unanswered.
    pub(crate) fn is_dropped(&self) -> bool {
        self.dropped && !self.is_answered()
    }

    /// Since when it waits for the clerk, if it does.
    pub(crate) fn waiting(&self) -> Option<(UnixMillis, Position)> {
        self.arrived.filter(|_| !self.is_answered() && !self.dropped)
    }

    /// When it arrived and when the clerk registered it.
    pub(crate) fn registered(&self) -> Option<((UnixMillis, Position), UnixMillis)> {
        match (self.arrived, self.answer) {
            (Some(arrived), Some((Answer::Registered, at))) => Some((arrived, at)),
            _ => None,
        }
    }
}
