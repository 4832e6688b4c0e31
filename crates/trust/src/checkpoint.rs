//! Checkpoints of receipt logs: C2SP tlog-checkpoint, signed with the node's checkpoint key.

use tram_dispatch::limits::NOTE_BYTES_MAX;
use tram_dispatch::{Code, EpochId, NetworkId, NodeId};
use tram_tlog::checkpoint::Checkpoint;

use crate::directory::Directory;
use crate::verdict::Refusal;
use crate::verified::VerifiedCheckpoint;

/// The origin line of a node's checkpoints, which is also the name of the key that signs them:
/// `tram/<network>/<node>/<epoch>`.
pub fn origin(network: NetworkId, node: &NodeId, epoch: EpochId) -> String {
    format!("tram/{network}/{node}/{epoch}")
}

/// Verifies a signed note as a checkpoint of one of this node's epochs.
///
/// # Errors
/// `TOO_LARGE`; `RECEIPT_INVALID` naming the step that failed.
pub fn verify(
    directory: &Directory,
    node: &NodeId,
    note: &[u8],
) -> Result<VerifiedCheckpoint, Refusal> {
    if note.len() > NOTE_BYTES_MAX {
        let detail = format!("a checkpoint of {} bytes is over the limit", note.len());
        return Err(Refusal::new(Code::TooLarge, detail));
    }
    let invalid = |what: String| Refusal::new(Code::ReceiptInvalid, format!("checkpoint: {what}"));
    directory.node(node).ok_or_else(|| invalid(format!("there is no node {node}")))?;
    let line = note.split(|b| *b == b'\n').next().unwrap_or_default();
    let named = |id: &EpochId| origin(directory.network(), node, *id).as_bytes() == line;
    let epoch = directory
        .epochs_of(node)
        .find(named)
        .ok_or_else(|| invalid(format!("it is of no epoch that the directory lists for {node}")))?;
    let keys = directory
        .epoch_keys(node, &epoch)
        .ok_or_else(|| invalid(format!("there is no key of {node}")))?;
    let origin = origin(directory.network(), node, epoch);
    let opened = Checkpoint::open_from(note, &origin, &keys.checkpoint)
        .map_err(|e| invalid(e.to_string()))?;
    Ok(VerifiedCheckpoint::assertion(
        node.clone(),
        epoch,
        opened.size(),
        opened.root().0,
        note.to_vec(),
    ))
}
