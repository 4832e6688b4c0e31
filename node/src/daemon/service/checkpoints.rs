//! Checkpoints of this node's own log over trees that it signed, as they stand in an evidence file.

use std::collections::BTreeSet;

use tram_api::Problem;
use tram_dispatch::Code;
use tram_spool::store::CosignedCheckpoint;
use tram_wire::evidence_file::{Link, ProvedCheckpoint};

use super::super::context::Context;
use super::{store_problem, time_stamps};

/// A checkpoint over trees of these sizes, and the smallest that is time-stamped; none of no sizes. Blocks.
///
/// # Errors
/// The store cannot be read, or the log has not come so far.
pub(crate) fn own(
    context: &Context,
    sizes: &BTreeSet<u64>,
) -> Result<Vec<ProvedCheckpoint>, Problem> {
    let Some(largest) = sizes.last().copied() else { return Ok(Vec::new()) };
    let mut checkpoints = vec![cosigned(context, largest, sizes)?];
    time_stamps::include(context, sizes, &mut checkpoints)?;
    Ok(checkpoints)
}

/// The smallest that the witnesses of this node's policy have cosigned, else the newest that anybody
/// cosigned, else the log as it is.
fn cosigned(
    context: &Context,
    largest: u64,
    sizes: &BTreeSet<u64>,
) -> Result<ProvedCheckpoint, Problem> {
    let policy = context.policy().ok();
    let enough =
        |c: &CosignedCheckpoint| policy.as_ref().is_some_and(|policy| context.reached(policy, c));
    let mut found = context.store.cosigned_from(largest, enough).map_err(store_problem)?;
    if found.is_none() {
        found = context.store.newest_cosigned(largest, |_| true).map_err(store_problem)?;
    }
    let (size, note) = match found {
        Some(cosigned) => (cosigned.size, context.cosigned_note(policy.as_ref(), &cosigned)),
        None => {
            let size = context.core.head().size;
            let root = context.store.root(size).map_err(store_problem)?;
            (size, context.signed_checkpoint(size, root))
        }
    };
    let note = note.map_err(|e| Problem::new(Code::Internal, e.to_string()))?;
    proved(context, size, note, sizes)
}

/// A checkpoint with the proofs that it extends trees of these sizes.
pub(super) fn proved(
    context: &Context,
    size: u64,
    note: Vec<u8>,
    sizes: &BTreeSet<u64>,
) -> Result<ProvedCheckpoint, Problem> {
    let link = |from: &u64| {
        let path = context.store.consistency_proof(*from, size).map_err(store_problem)?;
        Ok::<_, Problem>(Link { size: *from, path })
    };
    let links = sizes.iter().map(link).collect::<Result<_, _>>()?;
    Ok(ProvedCheckpoint { note, links, stamps: Vec::new() })
}
