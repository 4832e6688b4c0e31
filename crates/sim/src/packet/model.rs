//! What must hold of one schedule, kept beside it: orders, acknowledgements, deliveries.

use std::collections::BTreeMap;
use std::sync::Arc;

use tram_dispatch::{DispatchId, NodeId};

/// Most violations kept; one is enough to fail.
const VIOLATIONS_MAX: usize = 20;

/// What those outside know.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// Orders by dispatch.
    orders: BTreeMap<DispatchId, usize>,
    /// Receipts given for a submission.
    acknowledged: BTreeMap<DispatchId, Vec<Arc<[u8]>>>,
    /// How often a recipient was told that it now has a dispatch.
    deliveries: BTreeMap<(DispatchId, NodeId), u32>,
    pub(crate) verdict: Verdict,
}

/// An acknowledged dispatch.
#[derive(Clone, Debug)]
pub(crate) struct Promise {
    pub(crate) id: DispatchId,
    /// Which order it is of.
    pub(crate) order: usize,
    /// The receipts that were given for it.
    pub(crate) receipts: Vec<Arc<[u8]>>,
}

/// What was found wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Legs of acknowledged dispatches without their outcome.
    pub(crate) lost: u64,
    /// Legs with more than one delivery or outcome.
    pub(crate) duplicated: u64,
    /// Receipts that do not verify.
    pub(crate) unverifiable: u64,
    /// Documents that arrived with other bytes.
    pub(crate) altered: u64,
    /// Sessions, streams or connections left over, or missing.
    pub(crate) leaked: u64,
    /// In words, with everything that is none of these.
    pub(crate) violations: Vec<String>,
}

impl Model {
    /// An order has its dispatch.
    pub(super) fn ordered(&mut self, id: DispatchId, number: usize) {
        self.orders.insert(id, number);
    }

    pub(super) fn order_of(&self, id: &DispatchId) -> Option<usize> {
        self.orders.get(id).copied()
    }

    /// The originator has the receipts of its submission.
    pub(super) fn acknowledged(&mut self, id: DispatchId, receipts: Vec<Arc<[u8]>>) {
        self.acknowledged.insert(id, receipts);
    }

    /// A recipient's system was told that it has confirmed, for the first time.
    pub(super) fn delivered(&mut self, id: DispatchId, at: &NodeId) {
        let count = self.deliveries.entry((id, at.clone())).or_default();
        *count += 1;
        if *count == 2 {
            self.verdict.duplicated += 1;
            self.violate(format!("{id} was delivered twice at {at}"));
        }
    }

    /// A document is not what was handed in.
    pub(super) fn other_document(&mut self, id: &DispatchId, at: &NodeId) {
        self.verdict.altered += 1;
        self.violate(format!("a document of {id} at {at} has other bytes"));
    }

    /// Something that must hold does not.
    pub(super) fn violate(&mut self, what: String) {
        if self.verdict.violations.len() < VIOLATIONS_MAX {
            self.verdict.violations.push(what);
        }
    }

    /// What was promised for each acknowledged dispatch.
    pub(crate) fn promises(&self) -> Vec<Promise> {
        let one = |(id, receipts): (&DispatchId, &Vec<Arc<[u8]>>)| {
            let order = *self.orders.get(id)?;
            Some(Promise { id: *id, order, receipts: receipts.clone() })
        };
        self.acknowledged.iter().filter_map(one).collect()
    }

    /// How many orders were acknowledged.
    pub(crate) fn acknowledgements(&self) -> usize {
        self.acknowledged.len()
    }
}

impl Verdict {
    /// Nothing was found.
    pub(crate) fn is_clean(&self) -> bool {
        *self == Verdict::default()
    }
}
