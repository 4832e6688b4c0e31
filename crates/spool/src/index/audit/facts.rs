//! What is kept of a record beside its place in a history, so that a leg's way is known without
//! reading the journal.

use super::super::ordered::{put_uint, take_uint};
use tram_dispatch::{AgencyCode, Code, Event, EvidenceRecord, UnixMillis};

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    /// Custody began.
    Held { at: UnixMillis, originator: AgencyCode },
    /// Something became of one leg.
    Leg { event: Event, expired: bool, time: UnixMillis, recipient: AgencyCode },
}

const HELD: u8 = 0;
const EXPIRED: u8 = 0x80;

impl Fact {
    /// What a piece of evidence says about a leg, if it says how far that has come.
    pub(crate) fn of(e: &EvidenceRecord) -> Option<Self> {
        let tells = match e.event {
            // Given back to the node before: the leg goes on there.
            Event::RelayFailure => !matches!(e.reason, Some(Code::Returned | Code::CopyDamaged)),
            Event::RelayRejection
            | Event::ContentConsignment
            | Event::ContentConsignmentFailure
            | Event::ConsignmentAcceptance
            | Event::ConsignmentRejection
            | Event::AcceptanceRejectionExpiry
            | Event::ActAcceptance
            | Event::ActRejection
            | Event::Withdrawal => true,
            _ => false,
        };
        let recipient = e.recipient.clone().filter(|_| tells)?;
        let expired = e.reason == Some(Code::DispatchExpired);
        Some(Fact::Leg { event: e.event, expired, time: e.time, recipient })
    }

    /// Appends it: a number, a time, and the agency to the end.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let (number, time, agency) = match self {
            Fact::Held { at, originator } => (HELD, at, originator),
            Fact::Leg { event, expired, time, recipient } => {
                (event.number() | if *expired { EXPIRED } else { 0 }, time, recipient)
            }
        };
        out.push(number);
        put_uint(out, time.0);
        out.extend_from_slice(agency.as_str().as_bytes());
    }

    /// Reads what [`Fact::put`] wrote, and nothing behind it.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (number, mut rest) = bytes.split_first()?;
        let time = UnixMillis(take_uint(&mut rest)?);
        let agency = AgencyCode::parse_canonical(std::str::from_utf8(rest).ok()?).ok()?;
        if *number == HELD {
            return Some(Fact::Held { at: time, originator: agency });
        }
        let event = Event::from_number(number & !EXPIRED)?;
        Some(Fact::Leg { event, expired: number & EXPIRED > 0, time, recipient: agency })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_round_trip_and_any_bytes_are_safe() {
        let agency = AgencyCode::parse("H41.12").unwrap();
        let leg = |event, expired| Fact::Leg {
            event,
            expired,
            time: UnixMillis(1_790_000_000_123),
            recipient: agency.clone(),
        };
        let held = Fact::Held { at: UnixMillis(7), originator: agency.clone() };
        for fact in [held, leg(Event::ContentConsignment, false), leg(Event::RelayFailure, true)] {
            let mut bytes = Vec::new();
            fact.put(&mut bytes);
            assert_eq!(Fact::read(&bytes), Some(fact));
            for end in 0..bytes.len() {
                let _ = Fact::read(&bytes[..end]);
            }
        }
    }
}
