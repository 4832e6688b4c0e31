//! The one table of routes. The router, the role checks, the body limits and the OpenAPI
//! description are all made from it.

mod audit;
mod build;
mod hosting;
mod log;
mod table;

use utoipa::openapi::path::Parameter;

pub use table::ROUTES;

use crate::access::Role;
use crate::openapi::Shape;

/// Header: bytes of an upload that the node holds.
pub const UPLOAD_OFFSET: &str = "upload-offset";
/// Header: whether an upload is complete, `?1` or `?0` (RFC 9651 boolean).
pub const UPLOAD_COMPLETE: &str = "upload-complete";
/// Header: the token that a confirmation repeats.
pub const FETCH: &str = "tram-fetch";
/// Header: the cursor of a listing whose body has no room for it.
pub const NEXT: &str = "tram-next";
/// Header: the reference of a dispatch that the node is to seal.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Media types of bodies that are not JSON.
pub mod media {
    /// A sealed dispatch, alone.
    pub const SEALED: &str = "application/vnd.tram.dispatch+cbor";
    /// A sealed dispatch with small documents: 4-byte big-endian length and the sealed bytes, then
    /// for each document in the envelope's order 8-byte big-endian length and bytes; length
    /// 2^64-1 and no bytes for one that was uploaded before.
    pub const SUBMISSION: &str = "application/vnd.tram.submission";
    /// JSON.
    pub const JSON: &str = "application/json";
    /// Receipts one after the other (RFC 8742).
    pub const RECEIPTS: &str = "application/cbor-seq";
    /// An evidence file.
    pub const EVIDENCE: &str = "application/vnd.tram.evidence+cbor";
    /// What an agency sealed about a dispatch that came for it.
    pub const STATEMENT: &str = "application/vnd.tram.statement+cbor";
    /// An entry bundle of the receipt log (C2SP tlog-tiles).
    pub const ENTRIES: &str = "application/vnd.tram.entries";
    /// A sealed void statement.
    pub const VOID: &str = "application/vnd.tram.void+cbor";
    /// A signed directory file.
    pub const DIRECTORY: &str = "application/vnd.tram.directory+cbor";
    /// One JSON value per line.
    pub const LINES: &str = "application/x-ndjson";
    /// Server-sent events (WHATWG HTML section 9.2).
    pub const EVENTS: &str = "text/event-stream";
    /// Bytes of a document.
    pub const BYTES: &str = "application/octet-stream";
}

/// Where a route names the agency that the role must be held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgencyIn {
    /// Nowhere, or inside what is handed in or found: the handler or the service asks.
    Nowhere,
    /// Path segment `{agency}`.
    Path,
    /// Query `agency`.
    Query,
}

/// One answer of a route.
#[derive(Clone, Copy)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// What it means.
    pub meaning: &'static str,
    /// Media type and, for JSON, its schema; absent where there is no body.
    pub body: Option<(&'static str, Option<Shape>)>,
}

/// One route.
#[derive(Clone, Copy)]
pub struct Route {
    /// Its name: operation id in the description.
    pub name: &'static str,
    /// Group in the description.
    pub tag: &'static str,
    /// HTTP method.
    pub verb: Verb,
    /// Path with `{variables}`.
    pub path: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// Any of these roles is needed; none: whoever may open the socket.
    pub roles: &'static [Role],
    /// Where the agency is named that the role must be held for.
    pub agency: AgencyIn,
    /// Query parameters.
    pub query: Option<fn() -> Vec<Parameter>>,
    /// Request media types with their schemas; empty: no body is taken.
    pub body: &'static [(&'static str, Option<Shape>)],
    /// Largest request body in bytes.
    pub body_bytes_max: u64,
    /// Good answers.
    pub answers: &'static [Answer],
    /// Whether the account of the unit that the path names may use it without a role.
    pub unit: bool,
    /// Whether it may wait for something to happen.
    pub waits: bool,
    /// Whether its answer may be long or dear to find: few of those are made at a time.
    pub dear: bool,
}

impl Route {
    /// Whether its answer is made in memory before it is sent; a document is read while it is sent.
    pub fn is_whole(&self) -> bool {
        self.answers.iter().all(|a| a.body.is_none_or(|(media, _)| media != media::BYTES))
    }

    /// Whether it is about what came to an agency: of a closed one that is its successor's matter.
    pub fn is_collecting(&self) -> bool {
        self.tag == COLLECTING
    }
}

/// The methods in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// GET.
    Get,
    /// HEAD.
    Head,
    /// PUT.
    Put,
    /// POST.
    Post,
}

impl Verb {
    /// The method's name.
    pub const fn name(self) -> &'static str {
        match self {
            Verb::Get => "GET",
            Verb::Head => "HEAD",
            Verb::Put => "PUT",
            Verb::Post => "POST",
        }
    }
}

/// The group of routes about what came to an agency.
const COLLECTING: &str = "collect";

/// Roles that may see dispatches and their evidence.
pub const SEE: &[Role] = &[Role::Submit, Role::Collect, Role::Read, Role::Audit, Role::Operate];
/// Who may take evidence files out: they hold the envelope, and documents where asked.
pub const AUDIT: &[Role] = &[Role::Audit];
/// Roles that may see subjects and receipts.
pub const READ: &[Role] = &[Role::Submit, Role::Collect, Role::Read, Role::Audit];
