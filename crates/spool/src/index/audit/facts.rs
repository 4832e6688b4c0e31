//! What is kept of a record beside its place in a history, so that a leg's way is known without
//! reading the journal.

use super::super::ordered::{put_uint, take_uint};
use tram_dispatch::envelope::Urgency;
use tram_dispatch::{AgencyCode, Code, Event, EvidenceRecord, UnixMillis};

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    /// Custody began, or began again, of the legs toward these.
    Held { at: UnixMillis, urgency: Urgency, originator: AgencyCode, recipients: Vec<AgencyCode> },
    /// Custody of further legs began.
    More { recipients: Vec<AgencyCode> },
    /// This node gave a leg back to the node before, where it goes on.
    GivenBack { recipient: AgencyCode },
    /// Something became of one leg; `ours`: this node says so.
    Leg { event: Event, ours: bool, expired: bool, time: UnixMillis, recipient: AgencyCode },
}

const HELD: u8 = 0;
// Above the number of every event that tells how far a leg has come.
const MORE: u8 = 0x3f;
const GIVEN_BACK: u8 = 0x3e;
const OURS: u8 = 0x40;
const EXPIRED: u8 = 0x80;

impl Fact {
    /// What a piece of evidence says about a leg, if it says how far that has come; `ours`: of this node.
    pub(crate) fn of(e: &EvidenceRecord, ours: bool) -> Option<Self> {
        let tells = match e.event {
            Event::RelayFailure if matches!(e.reason, Some(Code::Returned | Code::CopyDamaged)) => {
                // What another node gives back goes on where it had it from.
                let recipient = e.recipient.clone().filter(|_| ours)?;
                return Some(Fact::GivenBack { recipient });
            }
            // Of an offer: this node never had the leg, and may well take it later.
            Event::RelayRejection => !ours,
            Event::RelayFailure
            | Event::ContentConsignment
            | Event::ContentConsignmentFailure
            | Event::ContentHandoverFailure
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
        Some(Fact::Leg { event: e.event, ours, expired, time: e.time, recipient })
    }

    /// Appends it: a number, then what there is of a time and an urgency, and agencies to the end.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        match self {
            Fact::Held { at, urgency, originator, recipients } => {
                out.push(HELD);
                put_uint(out, at.0);
                put_urgency(out, *urgency);
                put_agencies(out, std::iter::once(originator).chain(recipients));
            }
            Fact::More { recipients } => {
                out.push(MORE);
                put_agencies(out, recipients);
            }
            Fact::GivenBack { recipient } => {
                out.push(GIVEN_BACK);
                put_agencies(out, [recipient]);
            }
            Fact::Leg { event, ours, expired, time, recipient } => {
                let flags = if *ours { OURS } else { 0 } | if *expired { EXPIRED } else { 0 };
                out.push(event.number() | flags);
                put_uint(out, time.0);
                put_agencies(out, [recipient]);
            }
        }
    }

    /// Reads what [`Fact::put`] wrote, and nothing behind it.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (number, mut rest) = bytes.split_first()?;
        Some(match *number {
            HELD => {
                let at = UnixMillis(take_uint(&mut rest)?);
                let urgency = take_urgency(&mut rest)?;
                let mut agencies = agencies(rest);
                let originator = agencies.next()??;
                Fact::Held { at, urgency, originator, recipients: agencies.collect::<Option<_>>()? }
            }
            MORE => Fact::More { recipients: agencies(rest).collect::<Option<_>>()? },
            GIVEN_BACK => Fact::GivenBack { recipient: agency(rest)? },
            number => {
                let event = Event::from_number(number & !(EXPIRED | OURS))?;
                let (ours, expired) = (number & OURS > 0, number & EXPIRED > 0);
                let time = UnixMillis(take_uint(&mut rest)?);
                Fact::Leg { event, ours, expired, time, recipient: agency(rest)? }
            }
        })
    }
}

/// Appends codes with a zero byte between them.
fn put_agencies<'a>(out: &mut Vec<u8>, agencies: impl IntoIterator<Item = &'a AgencyCode>) {
    for (n, agency) in agencies.into_iter().enumerate() {
        if n > 0 {
            out.push(0);
        }
        out.extend_from_slice(agency.as_str().as_bytes());
    }
}

fn agencies(bytes: &[u8]) -> impl Iterator<Item = Option<AgencyCode>> + '_ {
    bytes.split(|byte| *byte == 0).map(agency)
}

fn agency(bytes: &[u8]) -> Option<AgencyCode> {
    AgencyCode::parse_canonical(std::str::from_utf8(bytes).ok()?).ok()
}

/// Flash at an hour, which follows.
const FLASH_AT: u64 = 4;

/// Appends how urgent something is: its class, and the hour where there is one.
pub(super) fn put_urgency(out: &mut Vec<u8>, urgency: Urgency) {
    match urgency {
        Urgency::FlashAt(hour) => {
            put_uint(out, FLASH_AT);
            put_uint(out, hour.0);
        }
        other => put_uint(out, other.class().into()),
    }
}

/// Reads what [`put_urgency`] wrote.
pub(super) fn take_urgency(bytes: &mut &[u8]) -> Option<Urgency> {
    Some(match take_uint(bytes)? {
        0 => Urgency::Normal,
        1 => Urgency::Urgent,
        2 => Urgency::VeryUrgent,
        3 => Urgency::Flash,
        FLASH_AT => Urgency::FlashAt(UnixMillis(take_uint(bytes)?)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_round_trip_and_any_bytes_are_safe() {
        let agency = AgencyCode::parse("H41.12").unwrap();
        let leg = |event, ours, expired| Fact::Leg {
            event,
            ours,
            expired,
            time: UnixMillis(1_790_000_000_123),
            recipient: agency.clone(),
        };
        let (at, recipients) = (UnixMillis(7), vec![agency.clone(), "G22".parse().unwrap()]);
        let held = |urgency| Fact::Held {
            at,
            urgency,
            originator: agency.clone(),
            recipients: recipients.clone(),
        };
        let urgencies =
            [Urgency::Normal, Urgency::VeryUrgent, Urgency::FlashAt(UnixMillis(1 << 41))];
        let others = [
            Fact::More { recipients: recipients.clone() },
            Fact::GivenBack { recipient: agency.clone() },
            leg(Event::ContentConsignment, true, false),
            leg(Event::RelayFailure, false, true),
            leg(Event::Withdrawal, true, true),
        ];
        for fact in urgencies.map(held).into_iter().chain(others) {
            let mut bytes = Vec::new();
            fact.put(&mut bytes);
            assert_eq!(Fact::read(&bytes), Some(fact));
            for end in 0..bytes.len() {
                let _ = Fact::read(&bytes[..end]);
            }
        }
    }

    #[test]
    fn no_event_that_tells_has_a_number_of_its_own_meaning() {
        for number in 0..=u8::MAX {
            let Some(event) = Event::from_number(number) else { continue };
            let known = !matches!(event, Event::Unknown(_));
            assert!(!known || (number != HELD && number < GIVEN_BACK), "{event:?}");
        }
    }
}
