//! Groups of recipients, hosted agencies, and the units that an agency distributes to.

use super::Verb::{Get, Post};
use super::build::{json, page, params, raw, route};
use super::table::{COLLECT, LOOK};
use super::{AgencyIn, Route, SEE, media};
use crate::limits::JSON_BYTES_MAX;
use crate::model::*;
use crate::openapi::shape;

pub(super) const GROUPS: Route = route(
    Get,
    "/v1/agencies/{agency}/groups",
    "groups",
    "submit",
    "The named groups that an agency may address",
    SEE,
    &[page::<GroupView>(200, "All of them")],
)
.agency(AgencyIn::Path);

pub(super) const RECIPIENTS: Route = route(
    Get,
    "/v1/agencies/{agency}/recipients",
    "recipients",
    "submit",
    "Whom groups mean today, for an agency that would address them",
    SEE,
    &[json::<RecipientsView>(200, "The explicit list, and who is left out")],
)
.agency(AgencyIn::Path)
.query(params::<RecipientsQuery>)
.dear();

pub(super) const HOSTED: Route = route(
    Get,
    "/v1/agencies",
    "hosted",
    "operate",
    "The agencies whose mailboxes this node holds",
    SEE,
    &[page::<HostedAgency>(200, "One page, by code")],
)
.query(params::<HostedQuery>)
.dear();

pub(super) const FORWARD: Route = route(
    Post,
    "/v1/agencies/{agency}/inbox/{dispatch}/forward",
    "forward",
    "collect",
    "Forward it to units of the agency",
    COLLECT,
    &[json::<UnitsRecorded>(200, "Durably on record")],
)
.agency(AgencyIn::Path)
.body(JSON_BYTES_MAX, &[(media::JSON, Some(shape::<ForwardRequest>))]);

pub(super) const UNITS: Route = route(
    Get,
    "/v1/agencies/{agency}/units",
    "units",
    "collect",
    "The units of an agency, with what lies in their mailboxes",
    LOOK,
    &[page::<UnitView>(200, "All of them, by code")],
)
.agency(AgencyIn::Path);

pub(super) const UNIT_INBOX: Route = route(
    Get,
    "/v1/agencies/{agency}/units/{unit}/inbox",
    "unit_inbox",
    "collect",
    "The mailbox of a unit: what was forwarded to it",
    LOOK,
    &[page::<UnitItem>(200, "One page, in the order in which they came to the agency")],
)
.agency(AgencyIn::Path)
.query(params::<UnitQuery>)
.unit();

pub(super) const UNIT_ENTRY: Route = route(
    Get,
    "/v1/agencies/{agency}/units/{unit}/inbox/{dispatch}",
    "unit_entry",
    "collect",
    "One dispatch of a unit's mailbox",
    LOOK,
    &[json::<InboxEntry>(200, "Metadata and documents, with all that was recorded of units")],
)
.agency(AgencyIn::Path)
.unit();

pub(super) const UNIT_DOCUMENT: Route = route(
    Get,
    "/v1/agencies/{agency}/units/{unit}/inbox/{dispatch}/documents/{sha256}",
    "unit_document",
    "collect",
    "One document of it, or one byte range (RFC 9110 section 14)",
    LOOK,
    &[raw(200, "All bytes", media::BYTES), raw(206, "The range", media::BYTES)],
)
.agency(AgencyIn::Path)
.unit();

pub(super) const MARK: Route = route(
    Post,
    "/v1/agencies/{agency}/units/{unit}/inbox/{dispatch}/mark",
    "mark",
    "collect",
    "Say that the unit read it, or is done with it",
    COLLECT,
    &[json::<UnitsRecorded>(200, "Durably on record")],
)
.agency(AgencyIn::Path)
.body(JSON_BYTES_MAX, &[(media::JSON, Some(shape::<MarkRequest>))])
.unit();
