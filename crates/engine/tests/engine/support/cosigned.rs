//! What nodes cosigned of each other's logs: given only for what is durable, and never two histories.

use std::collections::BTreeMap;

use tram_dispatch::{EpochId, NodeId};
use tram_engine::{Cosign, Record};
use tram_trust::VerifiedCosignature;

use super::net::{lives_of, net};
use super::node::TestNode;

/// Roots by witness, log, epoch and size.
#[derive(Default)]
pub(crate) struct CosignedRoots(BTreeMap<(NodeId, NodeId, EpochId, u64), [u8; 32]>);

impl CosignedRoots {
    /// A cosignature leaves its witness: with the line that it carries, verified.
    pub(crate) fn left(
        &mut self,
        witness: &TestNode,
        cosign: &Cosign,
    ) -> Option<VerifiedCosignature> {
        let Cosign::Sign { log, epoch, size, root, time, .. } = cosign else { return None };
        let durable = witness.store.records.iter().any(|r| match r {
            Record::PeerCheckpoint(c) => {
                (&c.peer, c.epoch, c.size, c.root) == (log, *epoch, *size, *root)
            }
            _ => false,
        });
        assert!(durable, "{} cosigned what it does not hold", witness.id);
        let name = (witness.id.clone(), log.clone(), *epoch, *size);
        let first = self.0.entry(name).or_insert(*root);
        assert_eq!(first, root, "{} cosigned two roots of size {size}", witness.id);
        let life = &lives_of(&witness.id)[witness.life];
        let (me, of) = ((&witness.id, life.epoch), (log, *epoch));
        let (network, key) = (net().base.id(), &*life.checkpoint);
        let made = tram_trust::cosignature::sign(network, me, of, (*size, *root), *time, key);
        let line = made.unwrap().to_line();
        let directory = &witness.directory;
        Some(tram_trust::cosignature::verify(directory, of, (*size, *root), &line).unwrap())
    }

    /// What a witness cosigned of one epoch of a log, by size.
    pub(crate) fn of(
        &self,
        witness: &NodeId,
        log: &NodeId,
        epoch: EpochId,
    ) -> Vec<(u64, [u8; 32])> {
        let of_log =
            |(w, l, e, _): &(NodeId, NodeId, EpochId, u64)| (w, l, *e) == (witness, log, epoch);
        self.0.iter().filter(|(k, _)| of_log(k)).map(|(k, root)| (k.3, *root)).collect()
    }
}
