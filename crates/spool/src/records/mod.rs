//! Records of the engine as records of the journal, and back.
//!
//! A journal record has a kind and a body. The kind is the number of the engine's variant; the body
//! begins with a version byte and then holds the fields of the variant in their order, in the layout
//! of [`wire`](self): integers as shortest LEB128, everything of variable length behind its length,
//! identifiers as 32 plain bytes, an optional field behind a byte 0 or 1. One value has exactly one
//! encoding, and decoding takes nothing else.
//!
//! What can be had from bytes that are kept anyway is not stored twice: the decoded evidence comes
//! from the encoded record or from the receipt, a receipt's digest from the receipt.

mod decode;
mod encode;
mod error;
mod strip;
mod wire;

pub use decode::decode;
pub use encode::encode;
pub use error::RecordError;
pub(crate) use strip::without_documents;

pub(crate) use wire::{Reader, Writer};

/// The version of every body this program writes, and the newest it reads.
pub const VERSION: u8 = 1;

/// In the place of the version: the beginning of custody as it is written anew without its documents, with
/// zeros behind it up to the length that it had.
const STRIPPED: u8 = 0xff;

/// Record kinds; they never change their meaning.
pub(crate) mod kind {
    pub(crate) const GENESIS: u16 = 1;
    pub(crate) const HELD: u16 = 2;
    pub(crate) const LEGS: u16 = 3;
    pub(crate) const EVIDENCE: u16 = 4;
    pub(crate) const FOREIGN: u16 = 5;
    pub(crate) const OUTBOX_DONE: u16 = 6;
    pub(crate) const HOLD: u16 = 7;
    pub(crate) const PEER_EPOCH: u16 = 8;
    pub(crate) const REOFFER: u16 = 9;
    pub(crate) const PEER_CHECKPOINT: u16 = 10;
    pub(crate) const CLOSED: u16 = 11;
    pub(crate) const ROOT: u16 = 12;
    pub(crate) const ATTEMPT: u16 = 13;
    pub(crate) const QUARANTINE: u16 = 14;
    pub(crate) const COSIGNED: u16 = 15;
    pub(crate) const NUMBERED: u16 = 16;
    pub(crate) const VOID: u16 = 17;
    pub(crate) const STATEMENT: u16 = 18;
    pub(crate) const LINKED: u16 = 19;
    pub(crate) const UNIT: u16 = 20;
    pub(crate) const OFFERED: u16 = 21;
    pub(crate) const EARLIER: u16 = 30;
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};
    use tram_dispatch::{AgencyCode, DispatchId, UnitMark, UnixMillis};
    use tram_engine::record::{Bearing, Linked, Record, UnitNote};

    #[test]
    fn links_round_trip_and_an_unknown_bearing_is_refused() {
        for bearing in Bearing::ALL {
            let recipients = ["H41", "H41.12"].map(|c| AgencyCode::parse(c).unwrap()).to_vec();
            let (dispatch, by) = (DispatchId([1; 32]), DispatchId([2; 32]));
            let linked = Linked { dispatch, by, bearing, recipients, at: UnixMillis(7) };
            let mut encoded = encode(&Record::Linked(linked.clone()));
            assert_eq!(decode(&encoded).unwrap(), Record::Linked(linked));
            // Behind the version and two ids.
            encoded.body[65] = 9;
            assert!(decode(&encoded).is_err());
        }
    }

    #[test]
    fn what_units_say_round_trips() {
        for mark in UnitMark::ALL {
            let note = |remark: Option<&str>| UnitNote {
                dispatch: DispatchId([3; 32]),
                recipient: AgencyCode::parse("H41.12").unwrap(),
                unit: "P.TC-KH".parse().unwrap(),
                mark,
                by: "uid 1000 (gid 77)".to_owned(),
                remark: remark.map(str::to_owned),
                at: UnixMillis(7),
            };
            for note in [note(None), note(Some("xử lý trước thứ sáu"))] {
                let mut encoded = encode(&Record::Unit(note.clone()));
                assert_eq!(decode(&encoded).unwrap(), Record::Unit(note));
                // Behind the version, the id, and two texts with their lengths.
                encoded.body[1 + 32 + 7 + 8] = 9;
                assert!(decode(&encoded).is_err());
            }
        }
    }
}
