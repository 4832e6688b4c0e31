//! The part of the port about agencies that a node hosts: whom they address by one name, and among which
//! of their units they distribute what arrives.

use tram_dispatch::{AgencyCode, Digest, DispatchId, UnitCode};

use crate::model::{
    ForwardRequest, GroupView, HostedAgency, HostedQuery, InboxEntry, MarkRequest, Page,
    RecipientsQuery, RecipientsView, UnitItem, UnitQuery, UnitView, UnitsRecorded,
};
use crate::service::{OpenDocument, Reply};
use crate::{Caller, Scope};

/// What is asked of and for hosted agencies. Each call is made for a caller with the role for the agency
/// that the path names, or, where a unit is named, with that unit's mailbox.
pub trait Hosting: Send + Sync + 'static {
    /// The named groups that an agency may address.
    fn groups(&self, caller: Caller, agency: AgencyCode) -> Reply<'_, Page<GroupView>>;

    /// Whom groups mean, for an agency that would address them.
    fn recipients(
        &self,
        caller: Caller,
        agency: AgencyCode,
        query: RecipientsQuery,
    ) -> Reply<'_, RecipientsView>;

    /// The agencies in scope whose mailboxes this node holds, by code.
    fn hosted(
        &self,
        caller: Caller,
        query: HostedQuery,
        scope: Scope,
    ) -> Reply<'_, Page<HostedAgency>>;

    /// The units of an agency.
    fn units(&self, caller: Caller, agency: AgencyCode) -> Reply<'_, Page<UnitView>>;

    /// The clerk forwards an arrived dispatch to units.
    fn forward(
        &self,
        caller: Caller,
        agency: AgencyCode,
        dispatch: DispatchId,
        request: ForwardRequest,
    ) -> Reply<'_, UnitsRecorded>;

    /// The mailbox of a unit.
    fn unit_inbox(
        &self,
        caller: Caller,
        agency: AgencyCode,
        unit: UnitCode,
        query: UnitQuery,
    ) -> Reply<'_, Page<UnitItem>>;

    /// One dispatch of a unit's mailbox.
    fn unit_entry(
        &self,
        caller: Caller,
        agency: AgencyCode,
        unit: UnitCode,
        dispatch: DispatchId,
    ) -> Reply<'_, InboxEntry>;

    /// Opens one of its documents.
    fn unit_document(
        &self,
        caller: Caller,
        agency: AgencyCode,
        unit: UnitCode,
        dispatch: DispatchId,
        sha256: Digest,
    ) -> Reply<'_, OpenDocument>;

    /// The unit says how far it is.
    fn mark(
        &self,
        caller: Caller,
        agency: AgencyCode,
        unit: UnitCode,
        dispatch: DispatchId,
        request: MarkRequest,
    ) -> Reply<'_, UnitsRecorded>;
}
