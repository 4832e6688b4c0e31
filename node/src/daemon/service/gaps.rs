//! Which numbers of an originator are missing, and why: from the index, with the receipts that say so.

use std::sync::Arc;

use tram_api::model::{
    AdmissionLeaf, Gap, GapClass, GapsQuery, GapsReport, Numbering, Suppression,
};
use tram_api::{Base64, Problem};
use tram_dispatch::{AgencyCode, Code, Digest, UnixMillis};
use tram_spool::store::{NumberEntry, NumberUse, StoreReader};
use tram_wire::Receipt;

use super::super::context::Context;
use super::{NodeService, blocking, store_problem};

/// A number may be missing for a day before it is judged.
const GRACE_S_DEFAULT: u64 = 86_400;
const LIMIT_DEFAULT: u32 = 100;
/// Index entries read at a time.
const ENTRIES: usize = 4_096;
/// Most series in one answer.
const SERIES_MAX: usize = 100;
/// Most repeated numbers named.
const REPEATED_MAX: usize = 100;
/// Most leaves opened to prove one suppression.
const LEAVES_MAX: u64 = 10_000;

/// Where and how one numbering is looked through.
struct Look {
    store: StoreReader,
    agency: AgencyCode,
    from: u64,
    limit: usize,
    now: UnixMillis,
    grace_ms: u64,
}

/// A missing number below an entry that is there.
struct Missing {
    number: u64,
    since: UnixMillis,
    known: Option<NumberEntry>,
}

impl NodeService {
    pub(super) async fn do_gaps(&self, query: GapsQuery) -> Result<GapsReport, Problem> {
        let context: Arc<Context> = self.context.clone();
        blocking(move || {
            let grace_s = query.grace_s.unwrap_or(GRACE_S_DEFAULT);
            let agency = query.agency.0.clone();
            let look = Look {
                store: context.store.clone(),
                agency: agency.clone(),
                from: query.from.unwrap_or(1),
                limit: query.limit.unwrap_or(LIMIT_DEFAULT) as usize,
                now: context.core.now().wall,
                grace_ms: grace_s.saturating_mul(1_000),
            };
            let series = match query.series {
                Some(series) => vec![series],
                None if query.admissions => Vec::new(),
                None => look.store.series_of(&agency, SERIES_MAX + 1).map_err(store_problem)?,
            };
            let mut numberings = Vec::new();
            if query.series.is_none() {
                numberings.push(look.admissions()?);
            }
            for series in series.iter().take(SERIES_MAX) {
                numberings.push(look.series(*series)?);
            }
            Ok(GapsReport {
                agency: agency.into(),
                node: context.me.clone().into(),
                epoch: context.epoch.into(),
                at: look.now.into(),
                grace_s,
                numberings,
                more_series: series.len() > SERIES_MAX,
            })
        })
        .await
    }
}

impl Look {
    /// What became of the numbers of a series.
    fn series(&self, series: u64) -> Result<Numbering, Problem> {
        let mut found = Numbering {
            series: Some(series),
            newest: 0,
            present: 0,
            repeated: Vec::new(),
            gaps: Vec::new(),
            next: None,
        };
        let (mut expected, mut from) = (self.from, self.from);
        loop {
            let page = self.store.numbers(&self.agency, series, from, ENTRIES);
            let page = page.map_err(store_problem)?;
            let cut = page.len() == ENTRIES;
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
        let mut gap = Gap {
            number,
            class,
            since: since.into(),
            code: None,
            detail: None,
            dispatch: None,
            receipt: None,
            statement: None,
            proof: None,
        };
        let Some(entry) = known else { return Ok(gap) };
        if let Some(numbered) = self.assignment(&entry)? {
            gap.detail = Some(numbered);
        }
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
        let words = |n: tram_engine::record::Numbered| {
            format!("assigned here to reference {}, and not sent", n.reference)
        };
        Ok(numbered.map(words))
    }

    /// What became of the node's own numbers of admission.
    fn admissions(&self) -> Result<Numbering, Problem> {
        let mut found = Numbering {
            series: None,
            newest: 0,
            present: 0,
            repeated: Vec::new(),
            gaps: Vec::new(),
            next: None,
        };
        let mut before = None;
        if let Some(below) = self.from.checked_sub(1).filter(|below| *below > 0) {
            let page = self.store.admissions(&self.agency, below, 1).map_err(store_problem)?;
            before = page.first().copied().filter(|(number, _)| *number == below);
        }
        let (mut expected, mut from) = (self.from, self.from);
        loop {
            let page = self.store.admissions(&self.agency, from, ENTRIES).map_err(store_problem)?;
            for after in &page {
                while expected < after.0 {
                    if found.gaps.len() >= self.limit {
                        found.next = Some(expected);
                        return Ok(found);
                    }
                    found.gaps.extend(self.suppressed(expected, before, *after)?);
                    expected += 1;
                }
                found.present += 1;
                found.newest = after.0;
                before = Some(*after);
                let Some(next) = after.0.checked_add(1) else { return Ok(found) };
                expected = next;
            }
            if page.len() < ENTRIES {
                return Ok(found);
            }
            from = expected;
        }
    }

    /// What two checkpoints prove of an admission that no leaf between them has; `None` if one has it.
    fn suppressed(
        &self,
        number: u64,
        before: Option<(u64, u64)>,
        after: (u64, u64),
    ) -> Result<Option<Gap>, Problem> {
        let first = before.map_or(1, |(_, leaf)| leaf.saturating_add(1));
        let (mut opened, mut unopened) = (0, Vec::new());
        for leaf in (first..after.1).take(LEAVES_MAX as usize) {
            match self.store.receipt(leaf) {
                Ok(Some(receipt)) => {
                    let record = receipt.record();
                    if record.originator == self.agency && record.admission == Some(number) {
                        return Ok(None);
                    }
                    opened += 1;
                }
                Ok(None) | Err(_) => unopened.push(leaf),
            }
        }
        let left = after.1.saturating_sub(first).saturating_sub(LEAVES_MAX);
        let detail =
            (left > 0).then(|| format!("{left} more leaves lie between and were not read"));
        let after = self.admission(after)?;
        let since = Receipt::parse(&after.receipt.0).map(|r| r.record().time).unwrap_or_default();
        let before = before.map(|at| self.admission(at)).transpose()?;
        Ok(Some(Gap {
            number,
            class: GapClass::Suppressed,
            since: since.into(),
            code: None,
            detail,
            dispatch: None,
            receipt: None,
            statement: None,
            proof: Some(Suppression { before, after, opened, unopened }),
        }))
    }

    fn admission(&self, (admission, leaf): (u64, u64)) -> Result<AdmissionLeaf, Problem> {
        let lost = || Problem::new(Code::StoreCorrupt, format!("leaf {leaf}"));
        let receipt = self.store.receipt(leaf).map_err(store_problem)?.ok_or_else(lost)?;
        let root = receipt.signed_root();
        Ok(AdmissionLeaf {
            admission,
            leaf,
            size: root.size,
            root: Digest(root.root).into(),
            receipt: Base64(receipt.raw().to_vec()),
        })
    }
}
