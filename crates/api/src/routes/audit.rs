//! The questions auditors ask.

use super::Verb::Get;
use super::build::{json, page, params, route};
use super::{AUDIT, Route};
use crate::model::*;

pub(super) const NUMBERED: Route = route(
    Get,
    "/v1/audit/documents",
    "audit_documents",
    "audit",
    "Everything about the dispatches of one document number",
    AUDIT,
    &[page::<Tracking>(200, "One page with all of them, oldest first; at most 100")],
)
.query(params::<NumberedQuery>)
.dear();

pub(super) const BETWEEN: Route = route(
    Get,
    "/v1/audit/between",
    "audit_between",
    "audit",
    "All dispatches from one agency to another between two moments",
    AUDIT,
    &[page::<DispatchSummary>(200, "One page, oldest first")],
)
.query(params::<BetweenQuery>)
.dear();

pub(super) const REFUSALS: Route = route(
    Get,
    "/v1/audit/refusals",
    "audit_refusals",
    "audit",
    "All refusals and their reasons; failures and expiry where asked for",
    AUDIT,
    &[page::<ReceiptView>(200, "One page, oldest first. No subject is ever in it")],
)
.query(params::<RefusalsQuery>)
.dear();

pub(super) const KEY: Route = route(
    Get,
    "/v1/audit/key",
    "audit_key",
    "audit",
    "Everything that a key touched: sealed with it, or handed over and said by its node",
    AUDIT,
    &[page::<KeyItem>(200, "One page, oldest first. A page may be empty and still have a next")],
)
.query(params::<KeyQuery>)
.dear();

pub(super) const OVERDUE: Route = route(
    Get,
    "/v1/audit/overdue",
    "audit_overdue",
    "audit",
    "Everything not registered by its deadline",
    AUDIT,
    &[json::<OverdueView>(200, "One page, by arrival")],
)
.query(params::<OverdueQuery>)
.dear();

pub(super) const STATISTICS: Route = route(
    Get,
    "/v1/audit/statistics",
    "audit_statistics",
    "audit",
    "Per agency or tier: how many were sent, arrived, registered, refused, expired, and how fast",
    AUDIT,
    &[json::<StatisticsView>(200, "One page of rows")],
)
.query(params::<StatisticsQuery>)
.dear();
