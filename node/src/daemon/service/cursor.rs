//! What a listing of mailboxes gives a client to go on with: `EPOCH/UNSHOWN/PLACES`.
//!
//! Places are custody numbers. They begin below those of before where a store was restored and its log begun
//! anew, so the cursor names the epoch of the log: one of another epoch lists from the beginning. A dispatch
//! that is set aside unread is in no mailbox, and when it comes back it has its old place, which the listing has
//! passed: so the cursor names those that it could not show, and they are listed first when they are back.

use std::collections::BTreeSet;

use tram_dispatch::id::hex;
use tram_dispatch::{AgencyCode, DispatchId, EpochId, Event, NodeId};
use tram_engine::Engine;
use tram_engine::state::held::HeldDispatch;

use super::places::Places;

/// Most dispatches named: a store with more that it cannot read is beyond help, and the engine stops.
const UNSHOWN_MAX: usize = 64;
/// The part of an id, or of an epoch, that is named. Nobody learns the id of what others got.
const SHORT_BYTES: usize = 8;
/// Between the parts.
const BETWEEN: char = '/';

type Short = [u8; SHORT_BYTES];

fn short(id: &DispatchId) -> Short {
    let mut short = Short::default();
    short.copy_from_slice(&id.as_bytes()[..SHORT_BYTES]);
    short
}

fn parse_short(text: &str) -> Option<Short> {
    let plain = text.len() == 2 * SHORT_BYTES && text.bytes().all(|b| b.is_ascii_hexdigit());
    let number = u64::from_str_radix(text, 16).ok().filter(|_| plain);
    number.map(u64::to_be_bytes)
}

/// How far a listing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    epoch: Short,
    unshown: BTreeSet<Short>,
    pub(super) places: Places,
}

impl Cursor {
    /// Before everything, or where a cursor says; `None`: it is none of ours.
    pub(super) fn of(epoch: &EpochId, agency: &AgencyCode, after: Option<&str>) -> Option<Self> {
        let mut begun = [0; SHORT_BYTES];
        begun.copy_from_slice(&epoch.as_bytes()[..SHORT_BYTES]);
        let places = Places::start(agency.clone());
        let start = Cursor { epoch: begun, unshown: BTreeSet::new(), places };
        let Some(text) = after else { return Some(start) };
        let (epoch, rest) = text.split_once(BETWEEN)?;
        let (unshown, places) = rest.split_once(BETWEEN)?;
        let mut shorts = unshown.split(',').filter(|text| !text.is_empty()).map(parse_short);
        let (epoch, unshown) = (parse_short(epoch)?, shorts.by_ref().collect::<Option<_>>()?);
        let places = Places::parse(agency.clone(), places)?;
        Some(if epoch == start.epoch { Cursor { epoch, unshown, places } } else { start })
    }

    /// The cursor; absent where nothing was looked at.
    pub(super) fn text(&self) -> Option<String> {
        let places = self.places.text()?;
        let unshown: Vec<String> = self.unshown.iter().map(|id| hex(id)).collect();
        let (epoch, unshown) = (hex(&self.epoch), unshown.join(","));
        Some(format!("{epoch}{BETWEEN}{unshown}{BETWEEN}{places}"))
    }

    /// What is back, and lies before these places: at most so many dispatches, each with its mailbox.
    pub(super) fn back<'e>(
        &mut self,
        engine: &'e Engine,
        me: &NodeId,
        mailboxes: &[AgencyCode],
        max: usize,
    ) -> Vec<(AgencyCode, &'e HeldDispatch)> {
        let (state, mut found) = (engine.state(), Vec::new());
        for id in self.unshown.clone() {
            let begins = |other: &DispatchId| short(other) == id;
            let mut first = [0; 32];
            first[..SHORT_BYTES].copy_from_slice(&id);
            let first = DispatchId(first);
            let mut aside = state.broken.range(first..).take_while(|(id, _)| begins(id));
            if aside.any(|(_, broken)| broken.aside.is_some()) {
                continue;
            }
            if found.len() >= max {
                break;
            }
            self.unshown.remove(&id);
            for (_, held) in state.held.range(first..).take_while(|(id, _)| begins(id)) {
                let passed = |mailbox: &&AgencyCode| {
                    let consigned = held.own(me, &[Event::ContentConsignment], Some(mailbox));
                    let place = consigned.map(|known| known.evidence.custody);
                    place.is_some_and(|place| self.places.passed(mailbox, place))
                };
                found.extend(mailboxes.iter().filter(passed).map(|code| (code.clone(), held)));
            }
        }
        found
    }

    /// Notes what may lie in these mailboxes and cannot be shown now.
    pub(super) fn note_unshown(&mut self, engine: &Engine, mailboxes: &[AgencyCode]) {
        for (id, broken) in &engine.state().broken {
            let Some(aside) = &broken.aside else { continue };
            let its =
                |recipients: &Vec<AgencyCode>| recipients.iter().any(|r| mailboxes.contains(r));
            if aside.held.as_ref().is_none_or(|held| its(&held.recipients))
                && self.unshown.len() < UNSHOWN_MAX
            {
                self.unshown.insert(short(id));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_of_another_epoch_lists_from_the_beginning() {
        let (agency, epochs) = ("H41".parse().unwrap(), [EpochId([1; 32]), EpochId([2; 32])]);
        let start = Cursor::of(&epochs[0], &agency, None).unwrap();
        assert_eq!(start.text(), None);
        for text in [
            "0101010101010101//5000",
            "0101010101010101//7/H41.12.07/4/H41.12.08/",
            "0101010101010101/0000000000000001,ff00000000000000/7",
        ] {
            let cursor = Cursor::of(&epochs[0], &agency, Some(text)).unwrap();
            assert_eq!(cursor.text().as_deref(), Some(text));
            let anew = Cursor::of(&epochs[1], &agency, Some(text)).unwrap();
            assert_eq!(anew, Cursor::of(&epochs[1], &agency, None).unwrap());
        }
        for bad in [
            "",
            "5000",
            "0101010101010101/5000",
            "01010101010101//5000",
            "0101010101010101//",
            "0101010101010101/1/5000",
            "0101010101010101//x",
            "+101010101010101//5000",
        ] {
            assert_eq!(Cursor::of(&epochs[0], &agency, Some(bad)), None, "{bad:?}");
        }
    }
}
