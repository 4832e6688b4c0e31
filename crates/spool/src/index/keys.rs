//! The tables of the index: the first byte of a key names its table.
//!
//! | table | key behind the first byte | value |
//! | --- | --- | --- |
//! | `r` references | originator, 0, reference, 0, position of Held | dispatch id |
//! | `h` history | dispatch id, position of the first record in a batch | the batch's records about it: position, kind, length of a fact, the fact ([`super::audit::facts`]), … |
//! | `a` active | dispatch id | nothing |
//! | `l` leaves | leaf index | position |
//! | `R` roots | tree size | signed root, as stored |
//! | `t` tiles | tile level, tile index | up to 256 hashes (C2SP tlog-tiles) |
//! | `e` events | event, time, position | nothing; event 0 is Held, 254 Closed, 255 every event of a later version |
//! | `g` agencies | agency, 0, class, time, position | event; class 0 Held, 1 receipts |
//! | `p` peers | node, 0, what | position; what 0 epoch, 1 and an epoch its checkpoint, 2 its newest cosignature |
//! | `w` cosignatures | tree size, witness, position | position |
//! | `d` documents | digest, position of Held | 0 inline or 1 file, dispatch id |
//! | `D` removals | dispatch id, position of its evidence | nothing |
//! | `n` admissions | agency, 0, number | leaf index |
//! | `q` sequence numbers | agency, 0, series, number, what, position | time, leaf index; what as in [`super::numbers`] |
//! | `o` open numbers | agency, 0, series, number | position of Numbered |
//! | `s` series | agency, 0, series | the newest number assigned here |
//! | `N` numbers | originator, 0, number, 0, notation, 0, year, position of Held | dispatch id |
//! | `B` between | originator, 0, recipient, 0, time of custody, position of the record that first took the leg | dispatch id |
//! | `X` refusals | 0, or 1 and a code, or 2 and a node and 0, or 3 and an agency and 0; time, position | event, code |
//! | `W` waiting for a clerk | 0, or 3 and the recipient and 0; arrival, position of the consignment | dispatch id, 0, originator, 0, recipient |
//! | `K` registered late | as `W` | as `W`, with when it was registered |
//! | `S` counts | length of the period, its number ([`super::audit::period`]), 0 originator or 1 recipient, agency | [`super::audit::tally`] |
//! | `k` keys | 0 and SHA-256 of a seal's public key, or 1 and a node and 0; time, position of what was sealed with it, handed over or said by it | nothing; of a node which parts of the record ([`super::audit::touched`]) |
//! | `c` certificates | SHA-256 of a seal's certificate | SHA-256 of its public key, length of the serial number, serial number, issuer |
//! | `m` | | the head: see [`super::head`] |
//!
//! Integers, times and positions are written so that they sort ([`super::ordered`]). Agency codes,
//! references and node ids hold no zero byte. `r`, `h`, `l`, `R`, `e`, `g`, `d`, `D`, `w`, `n`, `q`,
//! `N`, `B`, `X`, `K`, `k` and `c` are only ever added to; the rest is replaced or removed.

use super::ordered::{put_position, put_uint, take_position, take_uint};
use crate::journal::Position;
use tram_dispatch::{
    AgencyCode, Digest, DispatchId, EpochId, Event, NodeId, Reference, UnixMillis,
};

pub(crate) const REFERENCES: u8 = b'r';
pub(crate) const HISTORY: u8 = b'h';
pub(crate) const ACTIVE: u8 = b'a';
pub(crate) const LEAVES: u8 = b'l';
pub(crate) const ROOTS: u8 = b'R';
pub(crate) const TILES: u8 = b't';
pub(crate) const EVENTS: u8 = b'e';
pub(crate) const AGENCIES: u8 = b'g';
pub(crate) const PEERS: u8 = b'p';
pub(crate) const DOCUMENTS: u8 = b'd';
pub(crate) const REMOVALS: u8 = b'D';
pub(crate) const COSIGNATURES: u8 = b'w';
pub(crate) const ADMISSIONS: u8 = b'n';
pub(crate) const SEQUENCES: u8 = b'q';
pub(crate) const OPEN_NUMBERS: u8 = b'o';
pub(crate) const SERIES: u8 = b's';

/// The key of the head.
pub(crate) const HEAD: &[u8] = b"m";
/// The event number under which it is listed that nothing is left to do for a dispatch.
pub(crate) const CLOSED_EVENT: u8 = u8::MAX - 1;
/// The event number under which Held records are listed.
pub(crate) const HELD_EVENT: u8 = 0;
/// The event number under which receipts with an event of a later version are listed.
pub(crate) const LATER_EVENT: u8 = u8::MAX;
/// Class of dispatches in the table of agencies.
pub(crate) const CLASS_DISPATCH: u8 = 0;
/// Class of receipts in the table of agencies.
pub(crate) const CLASS_RECEIPT: u8 = 1;
/// A document that rides in its Held record.
pub(crate) const FORM_INLINE: u8 = 0;
/// A document that is a file.
pub(crate) const FORM_FILE: u8 = 1;

fn key(table: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::with_capacity(parts.iter().map(|p| p.len()).sum::<usize>() + 32);
    out.push(table);
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// The beginning of all keys of a submission key.
pub(crate) fn reference(originator: &AgencyCode, reference: &Reference) -> Vec<u8> {
    let (agency, text) = (originator.as_str().as_bytes(), reference.as_str().as_bytes());
    key(REFERENCES, &[agency, b"\0", text, b"\0"])
}

/// The beginning of all keys of a dispatch's history.
pub(crate) fn history(dispatch: &DispatchId) -> Vec<u8> {
    key(HISTORY, &[dispatch.as_bytes()])
}

pub(crate) fn active(dispatch: &DispatchId) -> Vec<u8> {
    key(ACTIVE, &[dispatch.as_bytes()])
}

pub(crate) fn leaf(index: u64) -> Vec<u8> {
    number(LEAVES, index)
}

pub(crate) fn root(size: u64) -> Vec<u8> {
    number(ROOTS, size)
}

fn number(table: u8, number: u64) -> Vec<u8> {
    let mut out = key(table, &[]);
    put_uint(&mut out, number);
    out
}

pub(crate) fn tile(level: u8, index: u64) -> Vec<u8> {
    let mut out = key(TILES, &[&[level]]);
    put_uint(&mut out, index);
    out
}

/// Under which number an event is listed.
pub(crate) fn listed(event: Event) -> u8 {
    match event {
        Event::Unknown(_) => LATER_EVENT,
        known => known.number(),
    }
}

/// The beginning of all keys of an event, from `time` on.
pub(crate) fn event(event: u8, time: UnixMillis) -> Vec<u8> {
    let mut out = key(EVENTS, &[&[event]]);
    put_uint(&mut out, time.0);
    out
}

/// The beginning of all keys of an agency and class, from `time` on.
pub(crate) fn agency(agency: &AgencyCode, class: u8, time: UnixMillis) -> Vec<u8> {
    let mut out = key(AGENCIES, &[agency.as_str().as_bytes(), b"\0", &[class]]);
    put_uint(&mut out, time.0);
    out
}

pub(crate) fn peer_epoch(peer: &NodeId) -> Vec<u8> {
    key(PEERS, &[peer.as_str().as_bytes(), b"\0\0"])
}

pub(crate) fn peer_checkpoint(peer: &NodeId, epoch: &EpochId) -> Vec<u8> {
    key(PEERS, &[peer.as_str().as_bytes(), b"\0\x01", epoch.as_bytes()])
}

pub(crate) fn peer_cosigned(peer: &NodeId) -> Vec<u8> {
    key(PEERS, &[peer.as_str().as_bytes(), b"\0\x02"])
}

/// The beginning of all keys of cosignatures from this size on; with a witness, one of them.
pub(crate) fn cosigned_from(size: u64) -> Vec<u8> {
    number(COSIGNATURES, size)
}

pub(crate) fn cosigned(size: u64, witness: &NodeId) -> Vec<u8> {
    let mut out = cosigned_from(size);
    out.extend_from_slice(witness.as_str().as_bytes());
    out
}

/// The tree size in a key of the table of cosignatures.
pub(crate) fn cosigned_size(key: &[u8]) -> Option<u64> {
    take_uint(&mut key.get(1..)?)
}

/// Whether a key of the table of peers is that of a newest cosignature.
pub(crate) fn is_peer_cosigned(key: &[u8]) -> bool {
    // An epoch behind a checkpoint's key may end so as well, but node ids hold no zero byte.
    key.iter().position(|byte| *byte == 0).is_some_and(|at| key[at..] == *b"\0\x02")
}

/// The beginning of all keys of an agency in one of the tables of numbers; each integer narrows it.
pub(crate) fn numbers(table: u8, agency: &AgencyCode, numbers: &[u64]) -> Vec<u8> {
    let mut out = key(table, &[agency.as_str().as_bytes(), b"\0"]);
    numbers.iter().for_each(|number| put_uint(&mut out, *number));
    out
}

/// The beginning of all keys of a document.
pub(crate) fn document(digest: &Digest) -> Vec<u8> {
    key(DOCUMENTS, &[digest.as_bytes()])
}

/// The beginning of all keys of the removals of a dispatch's documents.
pub(crate) fn removals(dispatch: &DispatchId) -> Vec<u8> {
    key(REMOVALS, &[dispatch.as_bytes()])
}

/// The key with a position behind it.
pub(crate) fn at(mut key: Vec<u8>, position: Position) -> Vec<u8> {
    put_position(&mut key, position);
    key
}

/// The first key behind all that begin with `prefix`.
pub(crate) fn behind(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            break;
        }
    }
    end
}

/// The position behind a prefix of this length.
pub(crate) fn position_of(key: &[u8], prefix_len: usize) -> Option<Position> {
    let mut rest = key.get(prefix_len..)?;
    take_position(&mut rest).filter(|_| rest.is_empty())
}

/// Time and position behind a prefix of this length.
pub(crate) fn moment_of(key: &[u8], prefix_len: usize) -> Option<(UnixMillis, Position)> {
    let mut rest = key.get(prefix_len..)?;
    let time = take_uint(&mut rest)?;
    let position = take_position(&mut rest).filter(|_| rest.is_empty())?;
    Some((UnixMillis(time), position))
}
