//! From entries to the working file that says the same.

use tram_dispatch::NetworkId;
use tram_dispatch::directory as plain;
use tram_dispatch::id::hex;

use super::working::{Agency, Binding, Delegation, Epoch, Node, Working};

impl Working {
    /// The working file of these entries, as if nothing had been signed yet.
    pub(super) fn of(network: NetworkId, entries: &[plain::Entry]) -> Self {
        let mut working = Working {
            network: network.to_string(),
            signed: None,
            agencies: Vec::new(),
            nodes: Vec::new(),
            delegations: Vec::new(),
        };
        for entry in entries {
            match entry {
                plain::Entry::Agency(a) => working.agencies.push(agency(a)),
                plain::Entry::Node(n) => working.nodes.push(node(n)),
                plain::Entry::Delegation(d) => working.delegations.push(delegation(d)),
            }
        }
        working
    }
}

fn some<T: ToString>(value: Option<&T>) -> Option<String> {
    value.map(ToString::to_string)
}

fn texts<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

pub(super) fn agency(a: &plain::Agency) -> Agency {
    let binding = |b: &plain::Binding| Binding {
        certificate: b.certificate.to_string(),
        from: b.from.to_string(),
        until: some(b.until.as_ref()),
    };
    Agency {
        code: a.code.to_string(),
        name: a.name.clone(),
        tier: a.tier,
        parent: some(a.parent.as_ref()),
        node: some(a.node.as_ref()),
        open: a.open,
        successor: some(a.successor.as_ref()),
        former: texts(&a.former),
        contact: a.contact.clone(),
        from: some(a.from.as_ref()),
        until: some(a.until.as_ref()),
        bindings: a.bindings.iter().map(binding).collect(),
    }
}

pub(super) fn node(n: &plain::Node) -> Node {
    let epoch = |e: &plain::Epoch| Epoch {
        id: e.id.to_string(),
        receipt_key: hex(&e.receipt_key),
        checkpoint_key: hex(&e.checkpoint_key),
        from: e.from.to_string(),
        until: some(e.until.as_ref()),
    };
    Node {
        id: n.id.to_string(),
        parent: some(n.parent.as_ref()),
        addresses: n.addresses.clone(),
        lateral: texts(&n.lateral),
        open: n.open,
        epochs: n.epochs.iter().map(epoch).collect(),
    }
}

pub(super) fn delegation(d: &plain::Delegation) -> Delegation {
    Delegation {
        subtree: d.subtree.to_string(),
        key: hex(&d.key),
        from: d.from.to_string(),
        until: some(d.until.as_ref()),
    }
}
