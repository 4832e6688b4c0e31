//! What the engine may read of the past: a read-only view over the store.

use std::sync::Arc;

use tram_dispatch::envelope::Sequence;
use tram_dispatch::{AgencyCode, DispatchId, Event, Reference, UnixMillis};

use crate::record::Record;

/// The store could not be read. The node stops: a guess about the past could break a promise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store could not be read: {0}")]
pub struct ViewError(pub String);

/// What became of a number of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberUse {
    /// This node's key provider assigned it.
    Assigned,
    /// Custody was taken.
    Accepted,
    /// Refused, with evidence.
    Refused,
    /// A statement says that it stays unused.
    Void,
}

impl NumberUse {
    /// What an event of the first node says of the number that its record names.
    pub(crate) fn of(event: Event) -> Option<Self> {
        match event {
            Event::SubmissionAcceptance => Some(NumberUse::Accepted),
            Event::SubmissionRejection => Some(NumberUse::Refused),
            Event::SequenceVoid => Some(NumberUse::Void),
            _ => None,
        }
    }

    /// In words, after "the number".
    pub(crate) fn words(self) -> &'static str {
        match self {
            NumberUse::Assigned => "is assigned",
            NumberUse::Accepted => "stands for a dispatch in custody",
            NumberUse::Refused => "stands for a dispatch that was refused",
            NumberUse::Void => "is void",
        }
    }
}

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

    /// What became of a number of an originator's series, and when: not [`NumberUse::Assigned`], which is no
    /// use yet.
    fn number_use(
        &self,
        originator: &AgencyCode,
        sequence: Sequence,
    ) -> Result<Option<(NumberUse, UnixMillis)>, ViewError>;

    /// The root of our receipt log at an earlier size.
    fn root_at(&self, size: u64) -> Result<Option<[u8; 32]>, ViewError>;
}
