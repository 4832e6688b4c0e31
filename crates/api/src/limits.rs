//! Every limit of the socket in one place.

use tram_dispatch::limits::{
    DIRECTORY_BYTES_MAX, DISPATCH_BYTES_MAX, DOCUMENT_BYTES_MAX, DOCUMENTS_MAX,
    JOURNAL_INLINE_BYTES_MAX,
};

/// Largest JSON body.
pub const JSON_BYTES_MAX: u64 = 1 << 20;
/// Deepest nesting of a JSON body.
pub const JSON_DEPTH_MAX: usize = 32;
/// Most bytes of documents that ride along in one submission; each is at most
/// `INLINE_DOCUMENT_BYTES_MAX`.
pub const SUBMISSION_INLINE_BYTES_MAX: usize = JOURNAL_INLINE_BYTES_MAX;
/// Largest framed submission: the sealed dispatch, the documents and their lengths.
pub const SUBMISSION_BYTES_MAX: u64 =
    (4 + DISPATCH_BYTES_MAX + SUBMISSION_INLINE_BYTES_MAX + 8 * DOCUMENTS_MAX) as u64;
/// Largest document that an upload may bring.
pub const UPLOAD_BYTES_MAX: u64 = DOCUMENT_BYTES_MAX;
/// Largest signed directory that may be installed.
pub const DIRECTORY_BODY_BYTES_MAX: u64 = DIRECTORY_BYTES_MAX as u64;
/// Most items in one page of a listing.
pub const PAGE_ITEMS_MAX: u32 = 500;
/// Items in one page where the question does not say.
pub const PAGE_ITEMS_DEFAULT: u32 = 100;
/// Longest cursor and fetch token: a cursor of an inbox names the mailboxes of closed agencies.
pub const CURSOR_BYTES_MAX: usize = 10_000;
/// Longest search text.
pub const FIND_BYTES_MAX: usize = 256;
/// Longest wait that one question may ask for, seconds.
pub const WAIT_S_MAX: u64 = 60;
/// Bytes asked of a document reader at a time.
pub const READ_BYTES: usize = 64 << 10;
/// Longest socket path Linux takes (`sun_path`, less the closing zero and one byte for the name
/// used while binding).
pub const SOCKET_PATH_BYTES_MAX: usize = 106;
/// Answers up to this size are held besides the budget: one for each request at the most.
pub const ANSWER_SMALL_BYTES: usize = 16 << 10;
/// Headers in one request.
pub const HEADERS_MAX: usize = 64;

/// What one socket allows; the defaults suit a node of two cores.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Open connections in all.
    pub connections_max: usize,
    /// Open connections of one caller (a user id, a system), so that nobody locks the others out.
    pub connections_per_caller_max: usize,
    /// Open connections from one address, those that are still unknown among them. TLS only.
    pub connections_per_address_max: usize,
    /// Longest wait for a TLS handshake.
    pub handshake_ms: u64,
    /// How often the certificate behind an open connection is judged again.
    pub judge_again_ms: u64,
    /// Requests being worked on that do not wait.
    pub requests_max: usize,
    /// Requests that wait: long polls and event streams.
    pub waits_max: usize,
    /// Requests at a time whose answers may be long, from the question until the answer is read.
    pub listings_max: usize,
    /// Of these, those of one caller.
    pub listings_per_caller_max: usize,
    /// Bytes of request bodies held in memory at one time.
    pub body_memory_bytes_max: usize,
    /// Bytes of finished answers held in memory at one time, until their clients read them; small
    /// ones ([`ANSWER_SMALL_BYTES`]) are not counted.
    pub answer_memory_bytes_max: usize,
    /// Request line and headers together.
    pub header_bytes_max: usize,
    /// Time to send a request head; also how long a connection may idle between requests.
    pub header_ms: u64,
    /// Longest pause within a request body.
    pub body_idle_ms: u64,
    /// A body may be slow for this long before the minimum rate counts.
    pub body_grace_ms: u64,
    /// Slowest average rate of a request body after the grace, bytes per second.
    pub body_rate_min_bytes_per_s: u64,
    /// Longest time that a client may leave a response unread.
    pub write_idle_ms: u64,
    /// Pause between two comments that keep an event stream alive.
    pub event_heartbeat_ms: u64,
    /// Time that open requests get to finish when the node stops.
    pub drain_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections_max: 512,
            connections_per_caller_max: 384,
            connections_per_address_max: 64,
            handshake_ms: 10_000,
            judge_again_ms: 60_000,
            requests_max: 512,
            waits_max: 256,
            listings_max: 16,
            listings_per_caller_max: 4,
            body_memory_bytes_max: 24 << 20,
            answer_memory_bytes_max: 24 << 20,
            header_bytes_max: 32 << 10,
            header_ms: 30_000,
            body_idle_ms: 30_000,
            body_grace_ms: 10_000,
            body_rate_min_bytes_per_s: 1024,
            write_idle_ms: 60_000,
            event_heartbeat_ms: 15_000,
            drain_ms: 5_000,
        }
    }
}
