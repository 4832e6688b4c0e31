//! The numbers of a series, which whoever seals counts.

use tram_api::model::{Gap, GapClass, Numbering};
use tram_api::{Base64, Problem};
use tram_dispatch::{Code, UnixMillis};
use tram_engine::record::Numbered;
use tram_spool::store::{NumberEntry, NumberUse};

use super::super::store_problem;
use super::{Look, Room, gap, numbering};

/// Most repeated numbers named.
const REPEATED_MAX: usize = 100;

/// A missing number below an entry that is there.
struct Missing {
    number: u64,
    since: UnixMillis,
    known: Option<NumberEntry>,
}

impl Look {
    /// What became of the numbers of a series.
    pub(super) fn series(&self, series: u64, room: &mut Room) -> Result<Numbering, Problem> {
        let mut found = numbering(Some(series));
        let (mut expected, mut from) = (self.from, self.from);
        loop {
            if !room.page() {
                found.next = Some(expected);
                return Ok(found);
            }
            let page = self.store.numbers(&self.agency, series, from, room.entries);
            let page = page.map_err(store_problem)?;
            let cut = page.len() == room.entries;
            // The last number may have more entries behind the page: it is read again with them.
            let last = page.last().map(|e| e.number);
            let whole = |e: &&NumberEntry| !cut || Some(e.number) != last || last == Some(from);
            let whole: Vec<NumberEntry> = page.iter().filter(whole).copied().collect();
            for entries in whole.chunk_by(|a, b| a.number == b.number) {
                let Some(first) = entries.first() else { continue };
                while expected < first.number {
                    if found.gaps.len() >= self.limit {
                        found.next = Some(expected);
                        return Ok(found);
                    }
                    let missing = Missing { number: expected, since: first.at, known: None };
                    found.gaps.push(self.judged(missing)?);
                    expected += 1;
                }
                if found.gaps.len() >= self.limit {
                    found.next = Some(first.number);
                    return Ok(found);
                }
                self.number(entries, &mut found)?;
                found.newest = first.number;
                let Some(next) = first.number.checked_add(1) else { return Ok(found) };
                expected = next;
            }
            match last {
                Some(last) if cut => from = if last == from { expected } else { last },
                _ => return Ok(found),
            }
        }
    }

    /// One number that something is known of.
    fn number(&self, entries: &[NumberEntry], found: &mut Numbering) -> Result<(), Problem> {
        let Some(first) = entries.first() else { return Ok(()) };
        let count = |what| entries.iter().filter(|e| e.what == what).count();
        let of = |what| entries.iter().find(|e| e.what == what).copied();
        let decided = entries.len() - count(NumberUse::Assigned);
        if decided > 1 && found.repeated.len() < REPEATED_MAX {
            found.repeated.push(first.number);
        }
        if of(NumberUse::Accepted).is_some() {
            found.present += 1;
            return Ok(());
        }
        let known = of(NumberUse::Refused).or(of(NumberUse::Void)).or(of(NumberUse::Assigned));
        let missing = Missing { number: first.number, since: first.at, known };
        found.gaps.push(self.judged(missing)?);
        Ok(())
    }

    /// Why a number stands for no dispatch.
    fn judged(&self, missing: Missing) -> Result<Gap, Problem> {
        let Missing { number, since, known } = missing;
        let since = known.map_or(since, |entry| entry.at);
        let waited = self.now.since_ms(since) >= self.grace_ms;
        let class = match known.map(|entry| entry.what) {
            Some(NumberUse::Refused) => GapClass::Refused,
            Some(NumberUse::Void) => GapClass::Void,
            _ if !waited => GapClass::Pending,
            _ => GapClass::NeverSeen,
        };
        let mut gap = gap(number, class, since);
        let Some(entry) = known else { return Ok(gap) };
        gap.detail = self.assignment(&entry)?;
        if let Some(leaf) = entry.leaf {
            let receipt = self.store.receipt(leaf).map_err(store_problem)?;
            let lost = || Problem::new(Code::StoreCorrupt, format!("leaf {leaf}"));
            let receipt = receipt.ok_or_else(lost)?;
            let record = receipt.record();
            gap.dispatch = Some(record.dispatch.into());
            gap.code = record.reason.map(Into::into);
            gap.detail.clone_from(&record.remark);
            gap.receipt = Some(Base64(receipt.raw().to_vec()));
            if class == GapClass::Void {
                let raw = self.store.void_statement(&record.dispatch).map_err(store_problem)?;
                gap.statement = raw.map(|raw| Base64(raw.to_vec()));
            }
        }
        Ok(gap)
    }

    fn assignment(&self, entry: &NumberEntry) -> Result<Option<String>, Problem> {
        if entry.what != NumberUse::Assigned {
            return Ok(None);
        }
        let numbered = self.store.assignment(entry).map_err(store_problem)?;
        let words =
            |n: Numbered| format!("assigned here to reference {}, and not sent", n.reference);
        Ok(numbered.map(words))
    }
}
