//! The node's own numbers of admission: one that is on no leaf was left out of the log.

use std::collections::BTreeSet;

use tram_api::model::{AdmissionLeaf, Gap, GapClass, Numbering, Suppression};
use tram_api::{Base64, Problem};
use tram_dispatch::{Code, Digest, UnixMillis};
use tram_wire::Receipt;

use super::super::store_problem;
use super::{Look, Room, gap, numbering};

/// Most leaves opened between two admissions.
const LEAVES_MAX: usize = 10_000;
/// Most leaves named that cannot be opened.
const UNOPENED_MAX: usize = 100;

/// What lies between two admissions that are in the log: read once for all that are missing there.
struct Between {
    /// Admissions of the originator on the leaves between: an index may lack one that the log has.
    there: BTreeSet<u64>,
    since: UnixMillis,
    detail: Option<String>,
    proof: Suppression,
}

impl Look {
    /// What became of the node's own numbers of admission.
    pub(super) fn admissions(&self, room: &mut Room) -> Result<Numbering, Problem> {
        let mut found = numbering(None);
        // Of a gap that an earlier answer left off in, it is further down.
        let before = self.store.admission_before(&self.agency, self.from);
        let mut before = before.map_err(store_problem)?;
        let (mut expected, mut from) = (self.from, self.from);
        loop {
            if !room.page() {
                found.next = Some(expected);
                return Ok(found);
            }
            let page = self.store.admissions(&self.agency, from, room.entries);
            let page = page.map_err(store_problem)?;
            for after in &page {
                if expected < after.0 {
                    if found.gaps.len() >= self.limit || room.leaves == 0 {
                        found.next = Some(expected);
                        return Ok(found);
                    }
                    let between = self.between(before, *after, room)?;
                    while expected < after.0 {
                        if found.gaps.len() >= self.limit {
                            found.next = Some(expected);
                            return Ok(found);
                        }
                        found.gaps.extend(between.suppressed(expected));
                        expected += 1;
                    }
                }
                found.present += 1;
                found.newest = after.0;
                before = Some(*after);
                let Some(next) = after.0.checked_add(1) else { return Ok(found) };
                expected = next;
            }
            if page.len() < room.entries {
                return Ok(found);
            }
            from = expected;
        }
    }

    /// Opens the leaves between two admissions (number, leaf).
    fn between(
        &self,
        before: Option<(u64, u64)>,
        after: (u64, u64),
        room: &mut Room,
    ) -> Result<Between, Problem> {
        let first = before.map_or(1, |(_, leaf)| leaf.saturating_add(1));
        let most = LEAVES_MAX.min(room.leaves);
        let (mut there, mut opened, mut unopened) = (BTreeSet::new(), 0, Vec::new());
        for leaf in (first..after.1).take(most) {
            room.leaves = room.leaves.saturating_sub(1);
            match self.store.receipt(leaf) {
                Ok(Some(receipt)) => {
                    let record = receipt.record();
                    if record.originator == self.agency {
                        there.extend(record.admission);
                    }
                    opened += 1;
                }
                Ok(None) | Err(_) => unopened.push(leaf),
            }
        }
        let not_read = after.1.saturating_sub(first).saturating_sub(most as u64);
        let not_named = unopened.len().saturating_sub(UNOPENED_MAX) as u64;
        unopened.truncate(UNOPENED_MAX);
        let left = |count: u64, what: &str| {
            (count > 0).then(|| format!("{count} more leaves lie between and {what}"))
        };
        let details = [left(not_read, "were not read"), left(not_named, "cannot be opened")];
        let details: Vec<String> = details.into_iter().flatten().collect();
        let after = self.admission(after)?;
        let since = Receipt::parse(&after.receipt.0).map(|r| r.record().time).unwrap_or_default();
        let before = before.map(|at| self.admission(at)).transpose()?;
        Ok(Between {
            there,
            since,
            detail: (!details.is_empty()).then(|| details.join("; ")),
            proof: Suppression { before, after, opened, unopened },
        })
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

impl Between {
    /// What two checkpoints prove of an admission that no leaf between them has; `None` if one has it.
    fn suppressed(&self, number: u64) -> Option<Gap> {
        if self.there.contains(&number) {
            return None;
        }
        let mut gap = gap(number, GapClass::Suppressed, self.since);
        gap.detail.clone_from(&self.detail);
        gap.proof = Some(self.proof.clone());
        Some(gap)
    }
}
