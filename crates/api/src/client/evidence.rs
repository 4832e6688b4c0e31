use bytes::Bytes;
use http::HeaderValue;
use http::header::ACCEPT;
use tram_dispatch::DispatchId;

use super::{Ask, Client, ClientError};
use crate::model::{
    AnchorRequest, Anchored, Consistency, ConsistencyQuery, DispatchReceiptsQuery, EntriesQuery,
    EvidenceQuery, GenesisView, Inclusion, InclusionQuery, LogAnchor, LogHead, LogTimeStamps,
    LogWitnesses, Page, ReceiptQuery, ReceiptView,
};
use crate::routes::{NEXT, media};

impl Client {
    /// One page of receipts.
    pub async fn receipts(&self, query: &ReceiptQuery) -> Result<Page<ReceiptView>, ClientError> {
        self.json(Ask::get(&["receipts"]).query(query)?).await
    }

    /// One page of receipts as bytes, one after the other (RFC 8742), and the next cursor.
    pub async fn receipts_raw(
        &self,
        query: &ReceiptQuery,
    ) -> Result<(Bytes, Option<String>), ClientError> {
        let ask = Ask::get(&["receipts"]).query(query)?;
        let ask = ask.header(ACCEPT.as_str(), HeaderValue::from_static(media::RECEIPTS));
        let (headers, body) = self.whole(ask).await?;
        let next = headers.get(NEXT).and_then(|v| v.to_str().ok()).map(str::to_owned);
        Ok((body, next))
    }

    /// One page of the receipts of one dispatch.
    pub async fn dispatch_receipts(
        &self,
        dispatch: DispatchId,
        query: &DispatchReceiptsQuery,
    ) -> Result<Page<ReceiptView>, ClientError> {
        let ask = Ask::get(&["dispatches", &dispatch.to_string(), "receipts"]);
        self.json(ask.query(query)?).await
    }

    /// The evidence file of one dispatch, with its documents if wanted.
    pub async fn evidence(
        &self,
        dispatch: DispatchId,
        documents: bool,
    ) -> Result<Bytes, ClientError> {
        let ask = Ask::get(&["dispatches", &dispatch.to_string(), "evidence"]);
        Ok(self.whole(ask.query(&EvidenceQuery { documents })?).await?.1)
    }

    /// Newest durable state of the receipt log.
    pub async fn log_head(&self) -> Result<LogHead, ClientError> {
        self.json(Ask::get(&["log"])).await
    }

    /// What the anchor, outside the store, says of the log.
    pub async fn log_anchor(&self) -> Result<LogAnchor, ClientError> {
        self.json(Ask::get(&["log", "anchor"])).await
    }

    /// Lets an unanchored log go on; the reason is evidence.
    pub async fn override_anchor(&self, reason: &str) -> Result<Anchored, ClientError> {
        let request = AnchorRequest { reason: reason.to_owned() };
        self.json(Ask::post(&["log", "anchor"]).json(&request)?).await
    }

    /// The time-stamps on the log, and what is not covered yet.
    pub async fn log_timestamps(&self) -> Result<LogTimeStamps, ClientError> {
        self.json(Ask::get(&["log", "timestamps"])).await
    }

    /// Who cosigned the log, and whether that is enough.
    pub async fn log_witnesses(&self) -> Result<LogWitnesses, ClientError> {
        self.json(Ask::get(&["log", "witnesses"])).await
    }

    /// Entries of the log as an entry bundle (C2SP tlog-tiles): the first `width` of bundle `index`.
    pub async fn log_entries(&self, index: u64, width: usize) -> Result<Bytes, ClientError> {
        let ask = Ask::get(&["log", "entries"]).query(&EntriesQuery { index, width })?;
        Ok(self.whole(ask).await?.1)
    }

    /// Proof that a leaf is in the log.
    pub async fn inclusion(&self, index: u64, size: u64) -> Result<Inclusion, ClientError> {
        let ask = Ask::get(&["log", "proof", "inclusion"]);
        self.json(ask.query(&InclusionQuery { index, size })?).await
    }

    /// Proof that the log only grew.
    pub async fn consistency(&self, old: u64, new: u64) -> Result<Consistency, ClientError> {
        let ask = Ask::get(&["log", "proof", "consistency"]);
        self.json(ask.query(&ConsistencyQuery { old, new })?).await
    }

    /// The first leaf of the log.
    pub async fn genesis(&self) -> Result<GenesisView, ClientError> {
        self.json(Ask::get(&["log", "genesis"])).await
    }
}
