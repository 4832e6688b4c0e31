//! The receipt log: who cosigned it, what vouches for it, how it began.

use super::Verb::{Get, Post};
use super::build::{json, route};
use super::table::OPERATE;
use super::{AUDIT, Route, SEE, media};
use crate::limits::JSON_BYTES_MAX;
use crate::model::*;
use crate::openapi::shape;

pub(super) const WITNESSES: Route = route(
    Get,
    "/v1/log/witnesses",
    "log_witnesses",
    "evidence",
    "Who cosigned the log, and whether that is enough",
    SEE,
    &[json::<LogWitnesses>(200, "The newest checkpoint, the policy, and each witness")],
)
.dear();

pub(super) const ANCHOR: Route = route(
    Get,
    "/v1/log/anchor",
    "log_anchor",
    "evidence",
    "What the anchor, outside the store, says of the log",
    SEE,
    &[json::<LogAnchor>(200, "Whether receipts are signed, and why not")],
);

pub(super) const OVERRIDE_ANCHOR: Route = route(
    Post,
    "/v1/log/anchor",
    "override_anchor",
    "operate",
    "Let an unanchored log go on, which is evidence",
    OPERATE,
    &[json::<Anchored>(200, "Recorded as AnchorOverride")],
)
.body(JSON_BYTES_MAX, &[(media::JSON, Some(shape::<AnchorRequest>))]);

pub(super) const TIMESTAMPS: Route = route(
    Get,
    "/v1/log/timestamps",
    "log_timestamps",
    "evidence",
    "The time-stamps on the log, and what none covers yet",
    AUDIT,
    &[json::<LogTimeStamps>(200, "How it stands, and the newest time-stamps")],
)
.dear();

pub(super) const GENESIS: Route = route(
    Get,
    "/v1/log/genesis",
    "genesis",
    "evidence",
    "The first leaf of the log, with its keys",
    SEE,
    &[json::<GenesisView>(200, "The leaf")],
);
