use super::{Ask, Client, ClientError};
use crate::model::{
    BetweenQuery, DispatchSummary, KeyItem, KeyQuery, NumberedQuery, OverdueQuery, OverdueView,
    Page, ReceiptView, RefusalsQuery, StatisticsQuery, StatisticsView, Tracking,
};

impl Client {
    /// Everything about the dispatches of one document number.
    pub async fn audit_documents(
        &self,
        query: &NumberedQuery,
    ) -> Result<Page<Tracking>, ClientError> {
        self.json(Ask::get(&["audit", "documents"]).query(query)?).await
    }

    /// One page of what one agency sent to another.
    pub async fn audit_between(
        &self,
        query: &BetweenQuery,
    ) -> Result<Page<DispatchSummary>, ClientError> {
        self.json(Ask::get(&["audit", "between"]).query(query)?).await
    }

    /// One page of refusals.
    pub async fn audit_refusals(
        &self,
        query: &RefusalsQuery,
    ) -> Result<Page<ReceiptView>, ClientError> {
        self.json(Ask::get(&["audit", "refusals"]).query(query)?).await
    }

    /// One page of what a key touched; `NOT_FOUND` where that is nothing.
    pub async fn audit_key(&self, query: &KeyQuery) -> Result<Page<KeyItem>, ClientError> {
        self.json(Ask::get(&["audit", "key"]).query(query)?).await
    }

    /// One page of what was not registered in time.
    pub async fn audit_overdue(&self, query: &OverdueQuery) -> Result<OverdueView, ClientError> {
        self.json(Ask::get(&["audit", "overdue"]).query(query)?).await
    }

    /// One page of statistics.
    pub async fn audit_statistics(
        &self,
        query: &StatisticsQuery,
    ) -> Result<StatisticsView, ClientError> {
        self.json(Ask::get(&["audit", "statistics"]).query(query)?).await
    }
}
