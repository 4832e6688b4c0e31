//! How far a listing over all mailboxes of one agency is: its own, and those that it took over.
//!
//! Entries come in the order of their custody numbers, which no two of a node have in common. A mailbox that
//! falls to the agency later is older than what was listed already, so one number does not do: the cursor
//! names each such mailbox that was looked into, and one that it does not name is listed from its beginning.

use std::collections::BTreeMap;

use tram_dispatch::{AgencyCode, Succession};
use tram_engine::Engine;

/// Mailboxes of closed agencies, with something in them, that are listed with their successor's. Further
/// ones, by code, are listed under their own codes only: the cursor must end somewhere.
pub(crate) const TAKEN_OVER_MAX: usize = 100;

/// Between the parts of a cursor: no agency code has it.
const BETWEEN: char = '/';

/// The agency's own mailbox, then those it took over that have something in them.
pub(crate) fn mailboxes(
    engine: &Engine,
    succession: &Succession,
    agency: &AgencyCode,
) -> Vec<AgencyCode> {
    let held = &engine.state().mailboxes;
    let others = succession.taken_over(agency).iter().filter(|code| held.contains_key(*code));
    std::iter::once(agency).chain(others.take(TAKEN_OVER_MAX)).cloned().collect()
}

/// Up to which custody number each mailbox was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    agency: AgencyCode,
    own: Option<u64>,
    others: BTreeMap<AgencyCode, u64>,
}

impl Places {
    /// Before everything.
    pub(crate) fn start(agency: AgencyCode) -> Self {
        Places { agency, own: None, others: BTreeMap::new() }
    }

    /// Reads a cursor: the place in the own mailbox, then code and place of each other one; a place that is
    /// left out is the own mailbox's. `None`: it is none of ours.
    pub(crate) fn parse(agency: AgencyCode, text: &str) -> Option<Self> {
        let mut parts = text.split(BETWEEN);
        let own: u64 = parts.next()?.parse().ok()?;
        let mut others = BTreeMap::new();
        while let Some(code) = parts.next() {
            let code = AgencyCode::parse_canonical(code).ok()?;
            let place = match parts.next()? {
                "" => own,
                place => place.parse().ok()?,
            };
            others.insert(code, place);
        }
        Some(Places { agency, own: Some(own), others })
    }

    /// The cursor; absent where nothing was looked at.
    pub(crate) fn text(&self) -> Option<String> {
        let own = self.own?;
        let mut text = own.to_string();
        for (code, place) in &self.others {
            text.push(BETWEEN);
            text.push_str(code.as_str());
            text.push(BETWEEN);
            if *place != own {
                text.push_str(&place.to_string());
            }
        }
        Some(text)
    }

    fn of(&self, mailbox: &AgencyCode) -> Option<u64> {
        match *mailbox == self.agency {
            true => self.own,
            false => self.others.get(mailbox).copied(),
        }
    }

    /// Whether a listing that is here has passed this place.
    pub(crate) fn passed(&self, mailbox: &AgencyCode, place: u64) -> bool {
        self.of(mailbox).is_some_and(|at| place <= at)
    }

    /// The entries behind these places, oldest first, at most `max`. `entries` gives those of one mailbox
    /// after a custody number, oldest first; `max` of them are enough.
    pub(crate) fn behind<T>(
        &self,
        mailboxes: &[AgencyCode],
        max: usize,
        entries: impl Fn(&AgencyCode, Option<u64>) -> Vec<(u64, T)>,
    ) -> Vec<(AgencyCode, u64, T)> {
        let mut all = Vec::new();
        for mailbox in mailboxes {
            let found = entries(mailbox, self.of(mailbox)).into_iter();
            all.extend(found.map(|(place, entry)| (mailbox.clone(), place, entry)));
        }
        all.sort_by_key(|(_, place, _)| *place);
        all.truncate(max);
        all
    }

    /// This entry was looked at, and with it whatever is older in these mailboxes.
    pub(crate) fn pass(&mut self, mailboxes: &[AgencyCode], mailbox: &AgencyCode, place: u64) {
        if *mailbox != self.agency {
            self.others.insert(mailbox.clone(), place);
            if self.others.len() > TAKEN_OVER_MAX {
                self.others.retain(|code, _| mailboxes.contains(code));
            }
        }
        self.raise(mailboxes, place);
    }

    /// Everything in these mailboxes was looked at: they stand at one place.
    pub(crate) fn level(&mut self, mailboxes: &[AgencyCode]) {
        let places = mailboxes.iter().filter_map(|mailbox| self.of(mailbox));
        if let Some(last) = places.max() {
            self.raise(mailboxes, last);
        }
    }

    /// Nothing older than this is left in these mailboxes. One that falls to another agency keeps its place.
    fn raise(&mut self, mailboxes: &[AgencyCode], place: u64) {
        self.own = self.own.max(Some(place));
        for (code, at) in &mut self.others {
            if *at < place && mailboxes.contains(code) {
                *at = place;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn code(text: &str) -> AgencyCode {
        text.parse().unwrap()
    }

    type Held = BTreeMap<AgencyCode, BTreeSet<u64>>;

    /// One page as the node makes it; where the listing ended there, all places are one.
    fn page(held: &Held, mailboxes: &[AgencyCode], places: &mut Places, max: usize) -> Vec<u64> {
        let entries = |mailbox: &AgencyCode, after: Option<u64>| {
            let of = held.get(mailbox).into_iter().flatten();
            let behind = of.filter(|n| after.is_none_or(|after| **n > after));
            behind.take(max).map(|n| (*n, ())).collect()
        };
        let found = places.behind(mailboxes, max, entries);
        for (mailbox, place, ()) in &found {
            places.pass(mailboxes, mailbox, *place);
        }
        if found.len() < max {
            places.level(mailboxes);
        }
        // Only the text goes to the client.
        if let Some(text) = places.text() {
            assert!(text.bytes().all(|b| b.is_ascii_graphic()));
            assert_eq!(Places::parse(places.agency.clone(), &text).as_ref(), Some(&*places));
        }
        found.into_iter().map(|(_, place, ())| place).collect()
    }

    #[test]
    fn a_mailbox_that_falls_to_the_agency_is_listed_from_its_beginning_and_once() {
        let [own, old, other] = ["H41.12.03", "H41.12.07", "H41.12.08"].map(code);
        let mut held = Held::from([
            (own.clone(), [3, 7, 9].into()),
            (old.clone(), [1, 4, 8].into()),
            (other.clone(), [2].into()),
        ]);
        let mut places = Places::start(own.clone());
        let alone = [own.clone()];
        assert_eq!(places.text(), None);
        assert_eq!(page(&held, &alone, &mut places, 2), [3, 7]);
        assert_eq!(places.text().as_deref(), Some("7"));
        // It falls to the agency in the middle of the listing.
        let both = [own.clone(), old.clone()];
        assert_eq!(page(&held, &both, &mut places, 2), [1, 4]);
        assert_eq!(places.text().as_deref(), Some("7/H41.12.07/4"));
        assert_eq!(page(&held, &both, &mut places, 2), [8, 9]);
        assert_eq!(places.text().as_deref(), Some("9/H41.12.07/"));
        assert_eq!(page(&held, &both, &mut places, 2), [0; 0]);
        // Both go on, and one more comes to it.
        held.get_mut(&old).unwrap().insert(12);
        held.get_mut(&own).unwrap().insert(11);
        let all = [own.clone(), old.clone(), other];
        assert_eq!(page(&held, &all, &mut places, 9), [2, 11, 12]);
        assert_eq!(places.text().as_deref(), Some("12/H41.12.07//H41.12.08/"));
        // One that falls to somebody else keeps its place; should it come back, nothing is twice.
        held.get_mut(&old).unwrap().insert(13);
        held.get_mut(&own).unwrap().insert(14);
        assert_eq!(page(&held, &alone, &mut places, 9), [14]);
        assert_eq!(page(&held, &both, &mut places, 9), [13]);
        assert_eq!(page(&held, &both, &mut places, 9), [0; 0]);
    }

    #[test]
    fn whatever_falls_to_it_when_everything_is_listed_exactly_once() {
        // Every way in which three mailboxes are joined while entries come and pages are read.
        for case in 0..2_000_u64 {
            let mut seed = case.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            let mut random = |n: u64| {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                seed % n
            };
            let all = ["A", "B", "C"].map(code);
            let (mut held, mut joined, mut next) = (Held::new(), 1, 1);
            let (mut places, mut seen) = (Places::start(all[0].clone()), Vec::new());
            for _ in 0..40 {
                match random(5) {
                    0 | 1 => {
                        let mailbox = all[random(3) as usize].clone();
                        held.entry(mailbox).or_default().insert(next);
                        next += 1;
                    }
                    2 if random(3) == 0 => joined = (joined + 1).min(3),
                    _ => {
                        let max = 1 + random(4) as usize;
                        seen.extend(page(&held, &all[..joined], &mut places, max));
                    }
                }
            }
            loop {
                let more = page(&held, &all, &mut places, 3);
                if more.is_empty() {
                    break;
                }
                seen.extend(more);
            }
            seen.sort_unstable();
            let expected: Vec<u64> = (1..next).collect();
            assert_eq!(seen, expected, "case {case}");
        }
    }

    #[test]
    fn what_is_no_cursor_is_none() {
        for bad in ["", "x", "1/", "1/H41", "1/H41/x", "1//2", "-1", "1/H41/2/", "/H41/2"] {
            assert_eq!(Places::parse(code("H41"), bad), None, "{bad:?}");
        }
        assert!(Places::parse(code("H41"), "0").is_some());
    }
}
