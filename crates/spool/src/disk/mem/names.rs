//! Names: live, durable, and the unsynced operations between.

use super::super::port::parent_of;
use super::super::{DiskError, DiskOp};
use super::rng::Rng;
use std::collections::{BTreeMap, BTreeSet};

/// What a name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Dir,
    File(u64),
}

/// An unsynced operation on one name: a link to a node, or (`None`) its removal.
#[derive(Clone, Debug)]
struct NameOp {
    id: u64,
    name: String,
    node: Option<Node>,
    /// The unlink half of a rename must not outlive its link half.
    requires: Option<u64>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    live: BTreeMap<String, Node>,
    durable: BTreeMap<String, Node>,
    pending: Vec<NameOp>,
    op_next: u64,
}

impl Names {
    pub(super) fn live(&self, path: &str) -> Option<Node> {
        if path.is_empty() { Some(Node::Dir) } else { self.live.get(path).copied() }
    }

    pub(super) fn link(&mut self, path: &str, node: Node, op: DiskOp) -> Result<u64, DiskError> {
        if self.live(parent_of(path)) != Some(Node::Dir) {
            return Err(DiskError::NotFound { op, path: path.to_owned() });
        }
        Ok(self.record(path, Some(node), None))
    }

    pub(super) fn unlink(&mut self, path: &str) {
        self.record(path, None, None);
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        let node = self.live(from);
        let Some(node @ Node::File(_)) = node else {
            return Err(DiskError::NotFound { op: DiskOp::Rename, path: from.to_owned() });
        };
        if from != to {
            let linked = self.link(to, node, DiskOp::Rename)?;
            self.record(from, None, Some(linked));
        }
        Ok(())
    }

    pub(super) fn create_dir_all(&mut self, dir: &str) -> Result<(), DiskError> {
        let ends = dir.match_indices('/').map(|(i, _)| i).chain([dir.len()]);
        for end in ends {
            let path = &dir[..end];
            match self.live(path) {
                Some(Node::Dir) => {}
                Some(Node::File(_)) => {
                    let path = path.to_owned();
                    return Err(DiskError::AlreadyExists { op: DiskOp::CreateDir, path });
                }
                None => {
                    self.link(path, Node::Dir, DiskOp::CreateDir)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn list(&self, dir: &str) -> Result<Vec<(String, Node)>, DiskError> {
        if self.live(dir) != Some(Node::Dir) {
            return Err(DiskError::NotFound { op: DiskOp::List, path: dir.to_owned() });
        }
        let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        Ok(self
            .live
            .range(prefix.clone()..)
            .take_while(|(path, _)| path.starts_with(&prefix))
            .filter_map(|(path, node)| {
                let name = &path[prefix.len()..];
                (!name.contains('/')).then(|| (name.to_owned(), *node))
            })
            .collect())
    }

    /// Makes the operations on names in `dir` durable, with everything they stand on.
    pub(super) fn sync_dir(&mut self, dir: &str) -> Result<(), DiskError> {
        if self.live(dir) != Some(Node::Dir) {
            return Err(DiskError::NotFound { op: DiskOp::SyncDir, path: dir.to_owned() });
        }
        // From the newest back: what an operation stands on is older than it.
        let (mut chosen, mut required) = (BTreeSet::new(), BTreeSet::new());
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for op in self.pending.iter().rev() {
            let name = op.name.as_str();
            if parent_of(name) == dir || required.contains(&op.id) || names.contains(name) {
                chosen.insert(op.id);
                names.insert(name);
                required.extend(op.requires);
            }
        }
        let (apply, keep) =
            std::mem::take(&mut self.pending).into_iter().partition(|o| chosen.contains(&o.id));
        self.pending = keep;
        let apply: Vec<NameOp> = apply;
        for op in &apply {
            set(&mut self.durable, op);
        }
        Ok(())
    }

    /// The names after a power cut: any subset of the unsynced operations in which each stands on
    /// all earlier ones of the same name, and an unlink on the link it belongs to.
    pub(super) fn crash(&self, rng: &mut Rng) -> Self {
        let mut names = self.durable.clone();
        let mut blocked: BTreeSet<&str> = BTreeSet::new();
        let mut dropped: BTreeSet<u64> = BTreeSet::new();
        let keep_percent = [0, 50, 90, 100][rng.below(4)];
        for op in &self.pending {
            let stands = !blocked.contains(op.name.as_str())
                && op.requires.is_none_or(|id| !dropped.contains(&id));
            if stands && rng.below(100) < keep_percent {
                set(&mut names, op);
            } else {
                blocked.insert(&op.name);
                dropped.insert(op.id);
            }
        }
        let whole = names.clone();
        names.retain(|path, _| {
            path.match_indices('/').all(|(i, _)| whole.get(&path[..i]) == Some(&Node::Dir))
        });
        Self { live: names.clone(), durable: names, pending: Vec::new(), op_next: self.op_next }
    }

    /// The files that some name can still lead to, now or after a crash.
    pub(super) fn reachable(&self) -> BTreeSet<u64> {
        let pending = self.pending.iter().filter_map(|o| o.node.as_ref());
        self.live
            .values()
            .chain(self.durable.values())
            .chain(pending)
            .filter_map(|node| match node {
                Node::File(id) => Some(*id),
                Node::Dir => None,
            })
            .collect()
    }

    fn record(&mut self, name: &str, node: Option<Node>, requires: Option<u64>) -> u64 {
        let id = self.op_next;
        self.op_next += 1;
        let op = NameOp { id, name: name.to_owned(), node, requires };
        set(&mut self.live, &op);
        self.pending.push(op);
        id
    }
}

fn set(names: &mut BTreeMap<String, Node>, op: &NameOp) {
    match op.node {
        Some(node) => {
            names.insert(op.name.clone(), node);
        }
        None => {
            names.remove(&op.name);
        }
    }
}
