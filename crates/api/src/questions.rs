//! The part of the port that auditors ask.

use crate::model::{
    BetweenQuery, DispatchSummary, KeyItem, KeyQuery, NumberedQuery, OverdueQuery, OverdueView,
    Page, ReceiptView, RefusalsQuery, StatisticsQuery, StatisticsView, Tracking,
};
use crate::service::Reply;
use crate::{Caller, Scope};

/// What auditors ask. Each call is made for a caller with the role audit, and for the agencies that
/// the query names. Where a [`Scope`] is given, nothing outside it is answered.
pub trait Questions: Send + Sync + 'static {
    /// Everything about the dispatches of one document number. The socket drops those of which the
    /// caller may see neither originator nor recipient.
    fn audit_documents(&self, caller: Caller, query: NumberedQuery) -> Reply<'_, Page<Tracking>>;

    /// What one agency sent to another.
    fn audit_between(
        &self,
        caller: Caller,
        query: BetweenQuery,
    ) -> Reply<'_, Page<DispatchSummary>>;

    /// Refusals of which originator or recipient is in scope.
    fn audit_refusals(
        &self,
        caller: Caller,
        query: RefusalsQuery,
        scope: Scope,
    ) -> Reply<'_, Page<ReceiptView>>;

    /// What a key touched, of which originator or a recipient is in scope.
    fn audit_key(&self, caller: Caller, query: KeyQuery, scope: Scope) -> Reply<'_, Page<KeyItem>>;

    /// What was not registered in time, of which originator or recipient is in scope.
    fn audit_overdue(
        &self,
        caller: Caller,
        query: OverdueQuery,
        scope: Scope,
    ) -> Reply<'_, OverdueView>;

    /// Counts of the agencies in scope; at most 366 days are asked for.
    fn audit_statistics(
        &self,
        caller: Caller,
        query: StatisticsQuery,
        scope: Scope,
    ) -> Reply<'_, StatisticsView>;
}
