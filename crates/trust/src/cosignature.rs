//! Cosignatures of nodes: C2SP tlog-cosignature, by the checkpoint key of a node's epoch.
//!
//! A node that witnesses uses its checkpoint key with signature type 0x04; the key's name is the origin
//! of its own log. What a checkpoint begins with (`tram/…`) and what a cosignature begins with
//! (`cosignature/v1`) differ, so neither passes for the other.

use tram_crypto::Sign;
use tram_dispatch::{Code, EpochId, NetworkId, NodeId};
use tram_tlog::Hash;
use tram_tlog::checkpoint::Checkpoint;
use tram_tlog::cosignature::Cosignature;
use tram_tlog::note::{NoteError, NoteKey, SignatureType};

use crate::checkpoint::origin;
use crate::directory::Directory;
use crate::verdict::Refusal;

/// A cosignature by the key that the directory lists for a node and epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCosignature {
    witness: NodeId,
    log: NodeId,
    epoch: EpochId,
    size: u64,
    root: [u8; 32],
    cosignature: Cosignature,
}

impl VerifiedCosignature {
    /// The node that cosigned.
    pub fn witness(&self) -> &NodeId {
        &self.witness
    }

    /// Whose log.
    pub fn log(&self) -> &NodeId {
        &self.log
    }

    /// Which life of it.
    pub fn epoch(&self) -> EpochId {
        self.epoch
    }

    /// Number of leaves of the checkpoint.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree of that size.
    pub fn root(&self) -> &[u8; 32] {
        &self.root
    }

    /// The cosignature itself.
    pub fn cosignature(&self) -> &Cosignature {
        &self.cosignature
    }
}

/// The key with which a node cosigns in one of its epochs, as the directory lists it.
pub fn key(directory: &Directory, witness: &NodeId, epoch: EpochId) -> Option<NoteKey> {
    let keys = directory.epoch_keys(witness, &epoch)?;
    let name = origin(directory.network(), witness, epoch);
    NoteKey::new(&name, SignatureType::CosignatureV1, &keys.checkpoint).ok()
}

/// Cosigns a checkpoint of the log of `log` as `witness`, with the checkpoint key of its epoch, at
/// `time` (seconds since 1970-01-01 UTC).
///
/// The caller holds the checkpoint durably and proved that it extends what it held: see
/// [`Cosignature::sign`].
///
/// # Errors
/// [`NoteError`]: a key that is not Ed25519, or a key holder that failed.
pub fn sign(
    network: NetworkId,
    (witness, life): (&NodeId, EpochId),
    (log, epoch): (&NodeId, EpochId),
    (size, root): (u64, [u8; 32]),
    time: u64,
    signer: &dyn Sign,
) -> Result<Cosignature, NoteError> {
    let checkpoint = Checkpoint::new(&origin(network, log, epoch), size, Hash(root))?;
    Cosignature::sign(&checkpoint, &origin(network, witness, life), time, signer)
}

/// Verifies the line of a cosignature on the checkpoint of `log` and `epoch` with this size and root.
/// The witness is the node that the line names; whether its word counts, a policy says.
///
/// # Errors
/// `RECEIPT_INVALID` naming the step that failed, also for a time outside of the witness's epoch.
pub fn verify(
    directory: &Directory,
    (log, epoch): (&NodeId, EpochId),
    (size, root): (u64, [u8; 32]),
    line: &str,
) -> Result<VerifiedCosignature, Refusal> {
    let invalid = |what: String| Refusal::new(Code::ReceiptInvalid, format!("cosignature: {what}"));
    let cosignature = Cosignature::from_line(line).map_err(|e| invalid(e.to_string()))?;
    let (witness, life) = named(directory, cosignature.name())
        .ok_or_else(|| invalid("it names no epoch that the directory lists".to_owned()))?;
    let key = key(directory, &witness, life)
        .ok_or_else(|| invalid(format!("there is no key of {witness}")))?;
    let checkpoint = Checkpoint::new(&origin(directory.network(), log, epoch), size, Hash(root))
        .map_err(|e| invalid(e.to_string()))?;
    cosignature.verify(&checkpoint.to_note_text(), &key).map_err(|e| invalid(e.to_string()))?;
    let listed = directory.epoch(&witness, &life);
    let within = listed.is_some_and(|e| {
        // Cosignatures count whole seconds, which a moment within one is not before.
        let (from, until) = (e.from.0 / 1_000, e.until.map(|until| until.0 / 1_000));
        from <= cosignature.time() && until.is_none_or(|until| cosignature.time() <= until)
    });
    if !within {
        return Err(invalid(format!("its time is outside of that epoch of {witness}")));
    }
    Ok(VerifiedCosignature { witness, log: log.clone(), epoch, size, root, cosignature })
}

/// The node and epoch that a key name means.
fn named(directory: &Directory, name: &str) -> Option<(NodeId, EpochId)> {
    let node: NodeId = name.split('/').nth(2)?.parse().ok()?;
    let named = |id: &EpochId| origin(directory.network(), &node, *id) == name;
    let epoch = directory.epochs_of(&node).find(named)?;
    Some((node, epoch))
}
