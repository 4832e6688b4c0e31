//! The keys of the auditors' tables; [`super::super::keys`] lists them with all others.

use super::super::kv::Put;
use super::super::ordered::{put_position, put_uint, take_position, take_uint};
use super::facts::{put_urgency, take_urgency};
use super::legs::Leg;
use super::{Party, Period, Span};
use crate::index::keys;
use crate::journal::Position;
use tram_dispatch::envelope::Urgency;
use tram_dispatch::text::comparable;
use tram_dispatch::{
    AgencyCode, Code, Day, DispatchId, Event, EvidenceRecord, NodeId, UnixMillis, WorkingDays,
};
use tram_engine::record::Held;
use tram_wire::envelope::{Numbered, numbered};

pub(crate) const NUMBERS: u8 = b'N';
pub(crate) const BETWEEN: u8 = b'B';
pub(crate) const REFUSALS: u8 = b'X';
pub(crate) const WAITING: u8 = b'W';
pub(crate) const LATE: u8 = b'K';
pub(crate) const TALLIES: u8 = b'S';

/// Refusals and failures, all of them; of one reason; of one node; of one agency.
const ALL: u8 = 0;
const BY_CODE: u8 = 1;
const BY_NODE: u8 = 2;
const BY_AGENCY: u8 = 3;

/// Whether an event says that something was refused, failed or expired.
pub(crate) fn is_negative(event: Event) -> bool {
    is_refusal(event)
        || matches!(
            event,
            Event::RelayFailure
                | Event::ContentConsignmentFailure
                | Event::ContentHandoverFailure
                | Event::AcceptanceRejectionExpiry
        )
}

/// Whether somebody refused, rather than something failing or time running out.
pub(crate) fn is_refusal(event: Event) -> bool {
    matches!(
        event,
        Event::SubmissionRejection | Event::RelayRejection | Event::ConsignmentRejection
    )
}

/// A document's number and notation as they are compared: what people write as `16/CT-TTg` may be
/// sealed as one text or as two. Without case, since people do not keep to it.
pub(crate) fn folded(number: Option<&str>, notation: Option<&str>) -> (String, String) {
    let number = number.unwrap_or_default();
    let (number, rest) = number.split_once('/').unwrap_or((number, ""));
    let notation = notation.map_or("", |n| n.trim_start_matches('/'));
    let notation = if notation.is_empty() { rest } else { notation };
    let fold = |text: &str| {
        let text = text.trim();
        if text.is_ascii() { text.to_ascii_lowercase() } else { comparable(&text.to_lowercase()) }
    };
    (fold(number), fold(notation))
}

/// The beginning of all keys of an agency's documents with a number; with a notation, of those.
pub(crate) fn number(agency: &AgencyCode, number: &str, notation: Option<&str>) -> Vec<u8> {
    let mut key = vec![NUMBERS];
    for part in [agency.as_str(), number].into_iter().chain(notation) {
        key.extend_from_slice(part.as_bytes());
        key.push(0);
    }
    key
}

/// Year and position in a key of that table: behind the third zero byte.
pub(crate) fn number_place(key: &[u8]) -> Option<(u64, Position)> {
    let mut zeros = key.iter().enumerate().filter(|(_, byte)| **byte == 0).map(|(at, _)| at);
    let mut rest = key.get(zeros.nth(2)? + 1..)?;
    Some((take_uint(&mut rest)?, take_position(&mut rest)?))
}

/// The number of a document, under which it is found; the year is that of its date of issue, else
/// that of custody.
pub(crate) fn put_number(out: &mut Vec<Put>, at: Position, held: &Held) {
    let found = numbered(&held.raw).unwrap_or_default();
    let Numbered { number: sealed, notation, issued_on } = found;
    if sealed.is_none() && notation.is_none() {
        return;
    }
    let (folded_number, folded_notation) = folded(sealed, notation);
    // A zero byte would end the part too early; no number has one.
    if folded_number.contains('\0') || folded_notation.contains('\0') {
        return;
    }
    let year = issued_on.and_then(|day| day.parse::<Day>().ok()).unwrap_or(Day::of(held.at)).year();
    let mut key = number(&held.originator, &folded_number, Some(&folded_notation));
    put_uint(&mut key, u64::try_from(year).unwrap_or_default());
    put_position(&mut key, at);
    out.push((key, Some(held.dispatch.as_bytes().to_vec())));
}

/// The beginning of all keys of what one agency sent to another, from `time` on.
pub(crate) fn between(from: &AgencyCode, to: &AgencyCode, time: UnixMillis) -> Vec<u8> {
    let mut key = Vec::with_capacity(from.as_str().len() + to.as_str().len() + 28);
    key.push(BETWEEN);
    for agency in [from, to] {
        key.extend_from_slice(agency.as_str().as_bytes());
        key.push(0);
    }
    put_uint(&mut key, time.0);
    key
}

/// The beginning of all keys of refusals and failures from `time` on.
pub(crate) fn refusal(time: UnixMillis) -> Vec<u8> {
    timed(vec![REFUSALS, ALL], time)
}

/// As [`refusal`], for one reason.
pub(crate) fn refusal_by_code(code: Code, time: UnixMillis) -> Vec<u8> {
    let mut key = vec![REFUSALS, BY_CODE];
    put_uint(&mut key, code.number().into());
    timed(key, time)
}

/// As [`refusal`], where a node said so or is the one whose offer was refused.
pub(crate) fn refusal_by_node(node: &NodeId, time: UnixMillis) -> Vec<u8> {
    let mut key = vec![REFUSALS, BY_NODE];
    key.extend_from_slice(node.as_str().as_bytes());
    key.push(0);
    timed(key, time)
}

/// As [`refusal`], for what concerns one agency, as originator or recipient.
pub(crate) fn refusal_by_agency(agency: &AgencyCode, time: UnixMillis) -> Vec<u8> {
    of_agency(REFUSALS, agency, time)
}

fn of_agency(table: u8, agency: &AgencyCode, time: UnixMillis) -> Vec<u8> {
    let mut key = Vec::with_capacity(agency.as_str().len() + 28);
    key.extend_from_slice(&[table, BY_AGENCY]);
    key.extend_from_slice(agency.as_str().as_bytes());
    key.push(0);
    timed(key, time)
}

fn timed(mut key: Vec<u8>, time: UnixMillis) -> Vec<u8> {
    put_uint(&mut key, time.0);
    key
}

/// Its value lets other events be passed over unread: the event, then the reason.
pub(crate) fn put_refusal(out: &mut Vec<Put>, at: Position, e: &EvidenceRecord) {
    let mut value = vec![keys::listed(e.event)];
    put_uint(&mut value, e.reason.map_or(0, Code::number).into());
    let mut keys = vec![refusal(e.time)];
    keys.extend(e.reason.map(|code| refusal_by_code(code, e.time)));
    keys.push(refusal_by_node(&e.node, e.time));
    let previous = e.previous.as_ref().filter(|node| **node != e.node);
    keys.extend(previous.map(|node| refusal_by_node(node, e.time)));
    keys.push(refusal_by_agency(&e.originator, e.time));
    let recipient = e.recipient.as_ref().filter(|recipient| **recipient != e.originator);
    keys.extend(recipient.map(|agency| refusal_by_agency(agency, e.time)));
    out.extend(keys.into_iter().map(|key| (keys::at(key, at), Some(value.clone()))));
}

/// Event and reason in a value of that table.
pub(crate) fn refusal_value(mut value: &[u8]) -> Option<(u8, u16)> {
    let (event, rest) = value.split_first()?;
    value = rest;
    let code = u16::try_from(take_uint(&mut value)?).ok()?;
    value.is_empty().then_some((*event, code))
}

/// The beginning of all keys of what waits for a clerk, or (`late`) may have been registered too late,
/// from this moment of arrival on; of one recipient, or of all.
pub(crate) fn arrivals(late: bool, recipient: Option<&AgencyCode>, arrived: UnixMillis) -> Vec<u8> {
    let table = if late { LATE } else { WAITING };
    match recipient {
        Some(agency) => of_agency(table, agency, arrived),
        None => timed(vec![table, ALL], arrived),
    }
}

/// A leg: dispatch, originator, recipient.
type Parties<'a> = (DispatchId, &'a AgencyCode, &'a AgencyCode);

/// The keys of a leg that arrived: among all, and among those of its recipient.
fn arrival_keys(
    late: bool,
    recipient: &AgencyCode,
    (arrived, at): (UnixMillis, Position),
) -> impl Iterator<Item = Vec<u8>> {
    let both = [None, Some(recipient)];
    both.into_iter().map(move |recipient| keys::at(arrivals(late, recipient, arrived), at))
}

/// Moves a leg in or out of what waits for a clerk.
pub(crate) fn put_waiting(
    out: &mut Vec<Put>,
    leg: Parties<'_>,
    urgency: Urgency,
    before: Option<(UnixMillis, Position)>,
    after: Option<(UnixMillis, Position)>,
) {
    if before == after {
        return;
    }
    if let Some(was) = before {
        out.extend(arrival_keys(false, leg.2, was).map(|key| (key, None)));
    }
    if let Some(is) = after {
        let value = arrival_value(leg, urgency, None);
        out.extend(arrival_keys(false, leg.2, is).map(|key| (key, Some(value.clone()))));
    }
}

/// Keeps what may have been registered too late: on a later day than it arrived, or after its hour. Whether
/// a day is a working day is asked later, since the list of holidays may change.
pub(crate) fn put_late(
    out: &mut Vec<Put>,
    leg: Parties<'_>,
    urgency: Urgency,
    before: &Leg,
    after: &Leg,
) {
    let (None, Some(((arrived, at), registered))) = (before.registered(), after.registered())
    else {
        return;
    };
    // The deadline of what is urgent is the same by every list of holidays.
    let is_late = match urgency {
        Urgency::Normal => Day::of(registered) > Day::of(arrived),
        urgent => registered >= WorkingDays::default().register_by(arrived, urgent),
    };
    if is_late {
        let value = arrival_value(leg, urgency, Some(registered));
        let keys = arrival_keys(true, leg.2, (arrived, at));
        out.extend(keys.map(|key| (key, Some(value.clone()))));
    }
}

fn arrival_value(
    (dispatch, originator, recipient): Parties<'_>,
    urgency: Urgency,
    registered: Option<UnixMillis>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    out.extend_from_slice(dispatch.as_bytes());
    put_uint(&mut out, registered.unwrap_or_default().0);
    put_urgency(&mut out, urgency);
    out.extend_from_slice(originator.as_str().as_bytes());
    out.push(0);
    out.extend_from_slice(recipient.as_str().as_bytes());
    out
}

/// What [`arrival_value`] holds: dispatch, registration, urgency, originator, recipient.
pub(crate) type Arrival = (DispatchId, Option<UnixMillis>, Urgency, AgencyCode, AgencyCode);

/// Reads a value of those tables.
pub(crate) fn arrival(value: &[u8]) -> Option<Arrival> {
    let (id, mut rest) = value.split_first_chunk::<32>()?;
    let registered = take_uint(&mut rest)?;
    let urgency = take_urgency(&mut rest)?;
    let (originator, recipient) = std::str::from_utf8(rest).ok()?.split_once('\0')?;
    let agency = |text: &str| AgencyCode::parse_canonical(text).ok();
    let registered = (registered > 0).then_some(UnixMillis(registered));
    Some((DispatchId(*id), registered, urgency, agency(originator)?, agency(recipient)?))
}

/// The key of the counts of one agency, one party, one period.
pub(crate) fn tally(period: Period, party: Party, agency: &str) -> Vec<u8> {
    let mut key = tallies(period);
    key.push(party as u8);
    key.extend_from_slice(agency.as_bytes());
    key
}

/// The beginning of all keys of counts of a period.
pub(crate) fn tallies(period: Period) -> Vec<u8> {
    let mut key = tallies_of(period.span);
    key.extend_from_slice(&period.number.to_be_bytes());
    key
}

/// The beginning of all keys of counts of periods of a length.
pub(crate) fn tallies_of(span: Span) -> Vec<u8> {
    let mut key = Vec::with_capacity(32);
    key.extend_from_slice(&[TALLIES, span as u8]);
    key
}

/// Period, party and agency in such a key.
pub(crate) fn tally_key(key: &[u8]) -> Option<(Period, Party, &str)> {
    let ([TALLIES, span], rest) = key.split_first_chunk()? else { return None };
    let (number, rest) = rest.split_first_chunk::<4>()?;
    let period = Period { span: Span::read(*span)?, number: u32::from_be_bytes(*number) };
    let (party, agency) = rest.split_first()?;
    let party = match party {
        0 => Party::Originator,
        1 => Party::Recipient,
        _ => return None,
    };
    Some((period, party, std::str::from_utf8(agency).ok()?))
}
