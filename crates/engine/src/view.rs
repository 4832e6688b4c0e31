//! What the engine may read of the past: a read-only view over the store.

use std::sync::Arc;

use tram_dispatch::{AgencyCode, DispatchId, Reference};

use crate::record::Record;

/// The store could not be read. The node stops: a guess about the past could break a promise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store could not be read: {0}")]
pub struct ViewError(pub String);

/// Read access to everything committed before the batches still on their way to disk.
///
/// The engine keeps what those batches hold in memory, so a view that lags behind them is enough.
pub trait View {
    /// The dispatch that used this submission key.
    fn by_reference(
        &self,
        originator: &AgencyCode,
        reference: &Reference,
    ) -> Result<Option<DispatchId>, ViewError>;

    /// Every record of one dispatch, in commit order; empty if it is unknown.
    fn history(&self, dispatch: &DispatchId) -> Result<Vec<Record>, ViewError>;

    /// The receipt for one of our own leaves: the bytes first given.
    fn own_receipt(&self, leaf: u64) -> Result<Option<Arc<[u8]>>, ViewError>;

    /// The root of our receipt log at an earlier size.
    fn root_at(&self, size: u64) -> Result<Option<[u8; 32]>, ViewError>;
}
