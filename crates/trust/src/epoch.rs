//! Epochs of receipt logs that the directory does not list yet.
//!
//! An epoch is *listed* when the directory lists it. Before, it is *announced* by a statement that its node
//! signed with the key of its certificate, and *provisional* once the node's parent cosigned the checkpoint
//! of its first leaf. What an announced epoch signs counts for nothing; what a provisional one signs counts
//! until a directory lists a later epoch of that node and not this one.

use std::sync::Arc;

use tram_crypto::{KeyKind, PublicKey};
use tram_dispatch::directory::Epoch;
use tram_dispatch::evidence::Genesis;
use tram_dispatch::{Code, EpochId, NodeId, UnixMillis};
use tram_tlog::checkpoint::Checkpoint;
use tram_tlog::note::Note;
use tram_wire::epoch::EpochFile;
use tram_wire::genesis::epoch_id;

use crate::checkpoint::origin;
use crate::cosignature;
use crate::directory::{Directory, EpochKeys};
use crate::verdict::Refusal;
use crate::verified::VerifiedCheckpoint;
use crate::verifier::Verifier;

/// How an epoch stands with a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Its node states it.
    Announced,
    /// Its node states it and its parent cosigned it.
    Provisional,
    /// The directory lists it.
    Listed,
}

/// An epoch that its node states, perhaps cosigned by its parent. Cheap to clone.
#[derive(Clone, Debug)]
pub struct VerifiedEpoch(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    genesis: Genesis,
    epoch: Epoch,
    keys: EpochKeys,
    previous: VerifiedCheckpoint,
    cosigned: bool,
    file: Vec<u8>,
}

impl VerifiedEpoch {
    /// Whose log.
    pub fn node(&self) -> &NodeId {
        &self.0.genesis.node
    }

    /// The epoch id.
    pub fn id(&self) -> EpochId {
        self.0.epoch.id
    }

    /// How the log began.
    pub fn genesis(&self) -> &Genesis {
        &self.0.genesis
    }

    /// The last good checkpoint of the epoch before.
    pub fn previous(&self) -> &VerifiedCheckpoint {
        &self.0.previous
    }

    /// Whether its node's parent cosigned it.
    pub fn is_cosigned(&self) -> bool {
        self.0.cosigned
    }

    /// The epoch file, as received.
    pub fn file(&self) -> &[u8] {
        &self.0.file
    }

    pub(crate) fn epoch(&self) -> &Epoch {
        &self.0.epoch
    }

    pub(crate) fn keys(&self) -> &EpochKeys {
        &self.0.keys
    }

    pub(crate) fn standing(&self) -> Standing {
        if self.0.cosigned { Standing::Provisional } else { Standing::Announced }
    }
}

fn invalid(what: impl std::fmt::Display) -> Refusal {
    Refusal::new(Code::EpochUnlisted, what)
}

impl Verifier {
    /// Verifies an epoch file: the statement by the key of the node's certificate, on a path to an anchor
    /// for nodes; the genesis, whose last good checkpoint is of another epoch of that node; and the
    /// checkpoint of the one leaf. A cosignature on it that is not the parent's counts for nothing.
    ///
    /// The certificate is judged at the moment of the parent's cosignature, without one at `now`.
    ///
    /// # Errors
    /// The codes of the certificate checks; `WRONG_NETWORK`; `EPOCH_UNLISTED` with the rule that is
    /// broken, also where the directory knows better.
    pub fn epoch(&self, file: &[u8], now: UnixMillis) -> Result<VerifiedEpoch, Refusal> {
        let parsed = EpochFile::decode(file).map_err(|e| invalid(e.detail))?;
        let directory = self.directory();
        let genesis = parsed.statement.content().genesis().clone();
        if genesis.network != directory.network() {
            return Err(Refusal::new(Code::WrongNetwork, "the epoch is of another network"));
        }
        let (node, id) = (genesis.node.clone(), epoch_id(&genesis));
        let listed = directory
            .node(&node)
            .filter(|listed| listed.open)
            .ok_or_else(|| invalid(format!("{node} is no open node in the directory")))?;
        if listed.epochs.iter().any(|e| e.id == id) {
            return Err(invalid("the directory lists it: nothing needs to be proved"));
        }
        if listed.epochs.iter().any(|e| e.from > genesis.started_at) {
            return Err(invalid(format!("the directory lists a later epoch of {node}")));
        }
        let keys = keys(&genesis)?;
        let note = genesis.previous.as_deref();
        let note = note.ok_or_else(|| invalid("its genesis names no checkpoint before it"))?;
        let previous = crate::checkpoint::verify(directory, &node, note)?;
        if previous.epoch() == id {
            return Err(invalid("its genesis names itself"));
        }
        let origin = origin(directory.network(), &node, id);
        let first = Checkpoint::open_from(&parsed.note, &origin, &keys.checkpoint)
            .map_err(|e| invalid(format!("checkpoint: {e}")))?;
        // The tree of one leaf has that leaf's hash for its root, which is the epoch id.
        if first.size() != 1 || first.root().0 != id.0 {
            return Err(invalid("the checkpoint is not that of its genesis leaf alone"));
        }
        let cosigned_at = cosigned_at(directory, &node, id, &parsed.note);
        let judged_at = cosigned_at.unwrap_or(now);
        self.states(&parsed, &node, judged_at)?;
        let epoch = Epoch {
            id,
            receipt_key: genesis.receipt_key.clone(),
            checkpoint_key: genesis.checkpoint_key.clone(),
            from: genesis.started_at,
            until: None,
        };
        let cosigned = cosigned_at.is_some();
        let file = file.to_vec();
        Ok(VerifiedEpoch(Arc::new(Inner { genesis, epoch, keys, previous, cosigned, file })))
    }

    /// Whether the node itself made the statement.
    fn states(&self, file: &EpochFile, node: &NodeId, at: UnixMillis) -> Result<(), Refusal> {
        let sealed = &file.statement;
        let (named, key) = self.node_key(sealed.chain(), at)?;
        if named != *node {
            return Err(invalid(format!("{named} states an epoch of {node}")));
        }
        if !sealed.algorithm().fits(key.kind()) {
            let detail = format!("{} with a key of kind {}", sealed.algorithm(), key.kind());
            return Err(Refusal::new(Code::AlgorithmRefused, detail));
        }
        key.verify(sealed.algorithm(), &sealed.to_be_signed(), sealed.signature()).map_err(|e| {
            Refusal::new(Code::SignatureInvalid, format!("the statement of {node}: {e}"))
        })
    }
}

/// The two keys, as the directory takes them.
fn keys(genesis: &Genesis) -> Result<EpochKeys, Refusal> {
    let key = |what: &str, spki: &[u8]| {
        let key =
            PublicKey::from_spki_der(spki).map_err(|e| invalid(format!("{what} key: {e}")))?;
        match key.kind() {
            KeyKind::Ed25519 => Ok(key),
            kind => Err(invalid(format!("the {what} key is {kind}, not Ed25519"))),
        }
    };
    let receipt = key("receipt", &genesis.receipt_key)?;
    let checkpoint = key("checkpoint", &genesis.checkpoint_key)?;
    if receipt == checkpoint {
        return Err(invalid("one key for receipts and checkpoints"));
    }
    Ok(EpochKeys { receipt, checkpoint })
}

/// When the node's parent cosigned the checkpoint of the genesis leaf, if it did.
fn cosigned_at(
    directory: &Directory,
    node: &NodeId,
    id: EpochId,
    note: &[u8],
) -> Option<UnixMillis> {
    let parent = directory.parent(node)?;
    let note = Note::parse(note).ok()?;
    let times = note.signatures().iter().filter_map(|line| {
        let cosignature = tram_tlog::cosignature::Cosignature::from_signature(line).ok()?;
        let line = cosignature.to_line();
        let given = cosignature::verify(directory, (node, id), (1, id.0), &line).ok()?;
        (given.witness() == parent)
            .then(|| UnixMillis(given.cosignature().time().saturating_mul(1_000)))
    });
    times.min()
}
