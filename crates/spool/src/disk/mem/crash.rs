//! What a power cut leaves.

use super::content::{Change, Content, Inode, Sector};
use super::fault::Faults;
use super::rng::Rng;
use super::{DiskCounts, State};
use std::collections::BTreeMap;

impl State {
    pub(super) fn crash(&self, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let names = self.names.crash(&mut rng);
        let reachable = names.reachable();
        let inodes = self
            .inodes
            .iter()
            .filter(|(id, _)| reachable.contains(id))
            .map(|(id, inode)| (*id, Inode::settled(inode.after_crash(&mut rng))))
            .collect();
        Self {
            inodes,
            inode_next: self.inode_next,
            names,
            counts: DiskCounts::default(),
            faults: Faults::default(),
            capacity_bytes: self.capacity_bytes,
        }
    }
}

impl Inode {
    fn after_crash(&self, rng: &mut Rng) -> Content {
        let mut content = self.durable.clone();
        match rng.below(4) {
            0 => {}
            1 => self.pending.iter().for_each(|p| content.apply(&p.change)),
            2 => {
                // The writes reached the medium in order, up to some moment.
                let kept = rng.below(self.pending.len() + 1);
                self.pending.iter().take(kept).for_each(|p| content.apply(&p.change));
            }
            _ => self.keep_any_versions(&mut content, rng),
        }
        content.clip();
        content
    }

    /// Each sector, and the length, keeps its old state or any one it had since the last sync.
    fn keep_any_versions(&self, content: &mut Content, rng: &mut Rng) {
        let mut versions: BTreeMap<u64, Vec<&Option<Sector>>> = BTreeMap::new();
        let mut lens = Vec::new();
        for pending in &self.pending {
            match &pending.change {
                Change::Sector(index, bytes) => versions.entry(*index).or_default().push(bytes),
                Change::Len(len) => lens.push(*len),
            }
        }
        for (index, choices) in versions {
            let choice = rng.below(choices.len() + 1);
            if choice > 0 {
                content.apply(&Change::Sector(index, choices[choice - 1].clone()));
            }
        }
        let choice = rng.below(lens.len() + 1);
        if choice > 0 {
            content.len = lens[choice - 1];
        }
    }
}
