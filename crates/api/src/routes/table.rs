//! The routes themselves.

use super::Verb::{Get, Head, Post, Put};
use super::build::{empty, json, page, params, raw, route};
use super::{AUDIT, AgencyIn, Answer, READ, Route, SEE, audit, hosting, log, media};
use crate::access::Role;
use crate::limits::{
    DIRECTORY_BODY_BYTES_MAX, JSON_BYTES_MAX, SUBMISSION_BYTES_MAX, UPLOAD_BYTES_MAX,
};
use crate::model::*;
use crate::openapi::shape;

const WATCH: &[Role] = &[Role::Operate, Role::Audit];
const SUBMIT: &[Role] = &[Role::Submit];
pub(super) const COLLECT: &[Role] = &[Role::Collect];
/// Who may look into a mailbox.
pub(super) const LOOK: &[Role] = &[Role::Collect, Role::Read];
pub(super) const OPERATE: &[Role] = &[Role::Operate];

const INBOX: &str = "/v1/agencies/{agency}/inbox";

/// Every route of the socket.
pub static ROUTES: &[Route] = &[
    route(
        Head,
        "/v1/documents/{sha256}",
        "upload_state",
        "submit",
        "How far an upload is",
        SUBMIT,
        &[empty(200, "Headers Upload-Offset and Upload-Complete say it")],
    )
    .agency(AgencyIn::Query)
    .query(params::<UploadStateQuery>),
    route(
        Put,
        "/v1/documents/{sha256}",
        "upload",
        "submit",
        "Upload a document, or the rest of one, by its digest",
        SUBMIT,
        &[
            json::<UploadState>(200, "Complete, and was before"),
            json::<UploadState>(201, "Complete now, and durable"),
            json::<UploadState>(202, "Part of it is held; continue at the offset"),
        ],
    )
    .agency(AgencyIn::Query)
    .query(params::<UploadQuery>)
    .body(UPLOAD_BYTES_MAX, &[(media::BYTES, None)]),
    route(
        Post,
        "/v1/dispatches",
        "submit",
        "submit",
        "Submit a sealed dispatch, or metadata to be sealed by the node",
        SUBMIT,
        &[
            json::<Accepted>(200, "Accepted before: the same receipt again"),
            json::<Accepted>(201, "The node has custody, durably"),
        ],
    )
    .body(
        SUBMISSION_BYTES_MAX,
        &[
            (media::SEALED, None),
            (media::SUBMISSION, None),
            (media::JSON, Some(shape::<SealRequest>)),
        ],
    ),
    route(
        Get,
        "/v1/dispatches",
        "list_dispatches",
        "track",
        "Dispatches by agency, reference or date",
        SEE,
        &[page::<DispatchSummary>(200, "One page, newest first")],
    )
    .query(params::<DispatchQuery>)
    .dear(),
    route(
        Get,
        "/v1/dispatches/{dispatch}",
        "track",
        "track",
        "One dispatch: its legs and its evidence",
        SEE,
        &[json::<Tracking>(200, "What this node knows")],
    ),
    route(
        Get,
        "/v1/dispatches/{dispatch}/receipts",
        "dispatch_receipts",
        "track",
        "The receipts of one dispatch",
        READ,
        &[
            page::<ReceiptView>(
                200,
                "One page; with Accept: application/cbor-seq the receipts' bytes",
            ),
            raw(200, "The receipts' bytes; header Tram-Next has the cursor", media::RECEIPTS),
        ],
    )
    .query(params::<DispatchReceiptsQuery>)
    .dear(),
    route(
        Get,
        "/v1/dispatches/{dispatch}/evidence",
        "dispatch_evidence",
        "evidence",
        "Everything that proves what became of one dispatch, in one file",
        AUDIT,
        &[raw(200, "An evidence file; see docs/protocol.md, section 7.7", media::EVIDENCE)],
    )
    .query(params::<EvidenceQuery>)
    .dear(),
    route(
        Get,
        INBOX,
        "inbox",
        "collect",
        "The mailbox of an agency; waits for the next dispatch where asked to",
        LOOK,
        &[page::<InboxItem>(200, "One page, oldest first; it always has a next")],
    )
    .agency(AgencyIn::Path)
    .query(params::<InboxQuery>)
    .waits(),
    route(
        Get,
        "/v1/agencies/{agency}/inbox/{dispatch}",
        "inbox_entry",
        "collect",
        "One consigned dispatch",
        LOOK,
        &[json::<InboxEntry>(200, "Metadata and documents")],
    )
    .agency(AgencyIn::Path),
    route(
        Get,
        "/v1/agencies/{agency}/inbox/{dispatch}/dispatch",
        "fetch",
        "collect",
        "Its sealed bytes; header Tram-Fetch has the token for the confirmation",
        LOOK,
        &[raw(200, "The bytes as sealed", media::SEALED)],
    )
    .agency(AgencyIn::Path),
    route(
        Get,
        "/v1/agencies/{agency}/inbox/{dispatch}/documents/{sha256}",
        "fetch_document",
        "collect",
        "One document, or one byte range of it (RFC 9110 section 14)",
        LOOK,
        &[raw(200, "All bytes", media::BYTES), raw(206, "The range", media::BYTES)],
    )
    .agency(AgencyIn::Path),
    route(
        Post,
        "/v1/agencies/{agency}/inbox/{dispatch}/confirm",
        "confirm",
        "collect",
        "Confirm that the recipient's system holds it durably",
        COLLECT,
        &[json::<Recorded>(200, "Recorded as ContentHandover")],
    )
    .agency(AgencyIn::Path)
    .body(JSON_BYTES_MAX, &[(media::JSON, Some(shape::<ConfirmRequest>))]),
    route(
        Post,
        "/v1/agencies/{agency}/inbox/{dispatch}/register",
        "register",
        "collect",
        "Register it",
        COLLECT,
        &[json::<Recorded>(200, "Recorded as ConsignmentAcceptance")],
    )
    .agency(AgencyIn::Path)
    .body(
        JSON_BYTES_MAX,
        &[(media::JSON, Some(shape::<RegisterRequest>)), (media::STATEMENT, None)],
    ),
    route(
        Post,
        "/v1/agencies/{agency}/inbox/{dispatch}/refuse",
        "refuse",
        "collect",
        "Refuse it, with the reason",
        COLLECT,
        &[json::<Recorded>(200, "Recorded as ConsignmentRejection")],
    )
    .agency(AgencyIn::Path)
    .body(JSON_BYTES_MAX, &[(media::JSON, Some(shape::<RefuseRequest>)), (media::STATEMENT, None)]),
    route(
        Post,
        "/v1/agencies/{agency}/inbox/{dispatch}/status",
        "report",
        "collect",
        "Say how far it is (04 to 06), or answer a recall or an update (15, 16)",
        COLLECT,
        &[json::<Recorded>(200, "Recorded as HandlingStatus, ActAcceptance or ActRejection")],
    )
    .agency(AgencyIn::Path)
    .body(JSON_BYTES_MAX, &[(media::JSON, Some(shape::<StatusRequest>)), (media::STATEMENT, None)]),
    route(
        Get,
        "/v1/receipts",
        "receipts",
        "evidence",
        "Receipts by dispatch, agency, event or date",
        READ,
        &[
            page::<ReceiptView>(
                200,
                "One page; with Accept: application/cbor-seq the receipts' bytes",
            ),
            raw(200, "The receipts' bytes; header Tram-Next has the cursor", media::RECEIPTS),
        ],
    )
    .query(params::<ReceiptQuery>)
    .dear(),
    hosting::FORWARD,
    hosting::UNITS,
    hosting::UNIT_INBOX,
    hosting::UNIT_ENTRY,
    hosting::UNIT_DOCUMENT,
    hosting::MARK,
    hosting::HOSTED,
    hosting::GROUPS,
    hosting::RECIPIENTS,
    audit::NUMBERED,
    audit::BETWEEN,
    audit::REFUSALS,
    audit::KEY,
    audit::OVERDUE,
    audit::STATISTICS,
    route(
        Get,
        "/v1/audit/gaps",
        "gaps",
        "evidence",
        "Which numbers of an originator are missing, and why",
        AUDIT,
        &[json::<GapsReport>(200, "Its admissions and its series")],
    )
    .agency(AgencyIn::Query)
    .query(params::<GapsQuery>)
    .dear(),
    route(
        Post,
        "/v1/agencies/{agency}/series/{series}/{number}/void",
        "void_number",
        "submit",
        "Declare that a number of a series stays unused",
        SUBMIT,
        &[json::<Voided>(200, "Recorded as SequenceVoid")],
    )
    .agency(AgencyIn::Path)
    .body(JSON_BYTES_MAX, &[(media::JSON, Some(shape::<VoidRequest>)), (media::VOID, None)]),
    route(
        Get,
        "/v1/log",
        "log_head",
        "evidence",
        "Newest durable state of the receipt log",
        SEE,
        &[json::<LogHead>(200, "Size, root and checkpoint")],
    ),
    route(
        Get,
        "/v1/log/entries",
        "log_entries",
        "evidence",
        "Entries of the log, as they are published: salted commitments",
        SEE,
        &[raw(200, "An entry bundle (C2SP tlog-tiles)", media::ENTRIES)],
    )
    .query(params::<EntriesQuery>),
    route(
        Get,
        "/v1/log/proof/inclusion",
        "inclusion",
        "evidence",
        "Proof that a leaf is in the log",
        SEE,
        &[json::<Inclusion>(200, "The proof")],
    )
    .query(params::<InclusionQuery>),
    route(
        Get,
        "/v1/log/proof/consistency",
        "consistency",
        "evidence",
        "Proof that the log only grew",
        SEE,
        &[json::<Consistency>(200, "The proof")],
    )
    .query(params::<ConsistencyQuery>),
    log::WITNESSES,
    log::ANCHOR,
    log::OVERRIDE_ANCHOR,
    log::TIMESTAMPS,
    log::GENESIS,
    route(
        Get,
        "/v1/events",
        "events",
        "track",
        "Evidence events as they become durable (server-sent events)",
        SEE,
        &[Answer {
            status: 200,
            meaning: "A stream; each event's data is an EventNotice",
            body: Some((media::EVENTS, Some(shape::<EventNotice>))),
        }],
    )
    .query(params::<EventsQuery>)
    .waits(),
    route(
        Get,
        "/v1/status",
        "status",
        "operate",
        "The node at a glance",
        SEE,
        &[json::<StatusView>(200, "State, alarms, counts")],
    ),
    route(
        Get,
        "/v1/peers",
        "peers",
        "operate",
        "The adjacent nodes",
        WATCH,
        &[page::<PeerView>(200, "All of them")],
    ),
    route(
        Post,
        "/v1/peers/{node}/test",
        "test_peer",
        "operate",
        "Try the way to one peer, step by step",
        OPERATE,
        &[json::<PeerTest>(200, "What each step found, also where one failed")],
    ),
    route(
        Get,
        "/v1/queue",
        "queue",
        "operate",
        "The legs that still need something done",
        WATCH,
        &[page::<QueueItem>(200, "One page, most urgent first")],
    )
    .query(params::<QueueQuery>)
    .dear(),
    route(
        Post,
        "/v1/queue/{dispatch}/{recipient}/{action}",
        "change_queue",
        "operate",
        "Hold, release, retry or drop one leg",
        OPERATE,
        &[json::<QueueChange>(200, "Done, and in the audit log")],
    )
    .body(JSON_BYTES_MAX, &[(media::JSON, Some(shape::<QueueRequest>))]),
    route(
        Get,
        "/v1/directory",
        "directory",
        "operate",
        "The installed directory: its head and its agencies",
        SEE,
        &[json::<DirectoryView>(200, "One page of agencies, by code")],
    )
    .query(params::<DirectoryQuery>),
    route(
        Post,
        "/v1/directory",
        "install_directory",
        "operate",
        "Verify and install a signed directory file",
        OPERATE,
        &[json::<DirectoryInstalled>(200, "Installed")],
    )
    .body(DIRECTORY_BODY_BYTES_MAX, &[(media::DIRECTORY, None), (media::BYTES, None)]),
    route(
        Get,
        "/v1/store/retention",
        "retention",
        "operate",
        "How long documents are kept, and which go when",
        WATCH,
        &[json::<RetentionView>(200, "The policy, and one page of dispatches")],
    )
    .query(params::<RetentionQuery>)
    .dear(),
    route(
        Post,
        "/v1/store/check",
        "check_store",
        "operate",
        "Check the whole store while the node runs",
        OPERATE,
        &[Answer {
            status: 200,
            meaning: "Lines of progress; the last is the report or a problem",
            body: Some((media::LINES, Some(shape::<CheckLine>))),
        }],
    )
    .query(params::<CheckQuery>)
    .waits(),
    route(
        Get,
        "/v1/openapi.json",
        "openapi",
        "operate",
        "This description",
        &[],
        &[raw(200, "OpenAPI 3.1", media::JSON)],
    ),
];
