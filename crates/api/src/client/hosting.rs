use tram_dispatch::group::{self, Group};
use tram_dispatch::{AgencyCode, Digest, DispatchId, UnitCode};

use super::{Ask, Client, ClientError, Download};
use crate::model::{
    ForwardRequest, GroupView, HostedAgency, HostedQuery, InboxEntry, MarkRequest, Page,
    RecipientsQuery, RecipientsView, UnitItem, UnitQuery, UnitState, UnitView, UnitsRecorded,
};

impl Client {
    /// The named groups that an agency may address.
    pub async fn groups(&self, agency: &AgencyCode) -> Result<Page<GroupView>, ClientError> {
        self.json(Ask::get(&["agencies", agency.as_str(), "groups"])).await
    }

    /// Whom groups mean today, for an agency that would address them.
    pub async fn recipients(
        &self,
        agency: &AgencyCode,
        groups: &[Group],
    ) -> Result<RecipientsView, ClientError> {
        let query = RecipientsQuery { groups: group::list(groups) };
        self.json(Ask::get(&["agencies", agency.as_str(), "recipients"]).query(&query)?).await
    }

    /// One page of the agencies whose mailboxes the node holds.
    pub async fn hosted(&self, query: &HostedQuery) -> Result<Page<HostedAgency>, ClientError> {
        self.json(Ask::get(&["agencies"]).query(query)?).await
    }

    /// The units of an agency.
    pub async fn units(&self, agency: &AgencyCode) -> Result<Page<UnitView>, ClientError> {
        self.json(Ask::get(&["agencies", agency.as_str(), "units"])).await
    }

    /// Forwards an arrived dispatch to units of its recipient.
    pub async fn forward(
        &self,
        agency: &AgencyCode,
        dispatch: DispatchId,
        units: &[UnitCode],
        remark: Option<String>,
    ) -> Result<UnitsRecorded, ClientError> {
        let dispatch = dispatch.to_string();
        let ask = Ask::post(&["agencies", agency.as_str(), "inbox", &dispatch, "forward"]);
        let units = units.iter().cloned().map(Into::into).collect();
        self.json(ask.json(&ForwardRequest { units, remark })?).await
    }

    /// One page of a unit's mailbox.
    pub async fn unit_inbox(
        &self,
        agency: &AgencyCode,
        unit: &UnitCode,
        query: &UnitQuery,
    ) -> Result<Page<UnitItem>, ClientError> {
        let path = ["agencies", agency.as_str(), "units", unit.as_str(), "inbox"];
        self.json(Ask::get(&path).query(query)?).await
    }

    /// One dispatch of a unit's mailbox.
    pub async fn unit_entry(
        &self,
        agency: &AgencyCode,
        unit: &UnitCode,
        dispatch: DispatchId,
    ) -> Result<InboxEntry, ClientError> {
        let dispatch = dispatch.to_string();
        let path = ["agencies", agency.as_str(), "units", unit.as_str(), "inbox", &dispatch];
        self.json(Ask::get(&path)).await
    }

    /// Opens one of its documents, from a byte on.
    pub async fn unit_document(
        &self,
        agency: &AgencyCode,
        unit: &UnitCode,
        dispatch: DispatchId,
        sha256: Digest,
        from: u64,
    ) -> Result<Download, ClientError> {
        let (dispatch, sha256) = (dispatch.to_string(), sha256.to_string());
        let unit = unit.as_str();
        let inbox = ["agencies", agency.as_str(), "units", unit, "inbox", &dispatch];
        let path: Vec<&str> = inbox.into_iter().chain(["documents", &sha256]).collect();
        self.opened(Ask::get(&path), from).await
    }

    /// The unit says that it read a dispatch, or is done with it.
    pub async fn mark(
        &self,
        agency: &AgencyCode,
        unit: &UnitCode,
        dispatch: DispatchId,
        state: UnitState,
        remark: Option<String>,
    ) -> Result<UnitsRecorded, ClientError> {
        let dispatch = dispatch.to_string();
        let unit = unit.as_str();
        let path = ["agencies", agency.as_str(), "units", unit, "inbox", &dispatch, "mark"];
        self.json(Ask::post(&path).json(&MarkRequest { state, remark })?).await
    }
}
