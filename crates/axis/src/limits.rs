//! Every limit of the endpoint in one place.

/// Most bytes of a request head. A list of 700 recipients makes one of 25 KB.
pub(crate) const HEAD_BYTES_MAX: usize = 384 << 10;
/// Most headers of a request.
pub(crate) const HEADERS_MAX: usize = 256;
/// Most signed parameters.
pub(crate) const PARAMS_MAX: usize = 128;
/// Largest body of a call other than `sendEdoc`.
pub(crate) const SMALL_BODY_BYTES_MAX: u64 = 64 << 10;
/// Largest file of an account that may not send documents: statuses are small.
pub(crate) const STATUS_FILE_BYTES_MAX: u64 = 1 << 20;
/// Bytes read and thrown away of a file that is refused, so that the client reads why.
pub(crate) const REFUSED_BODY_BYTES_MAX: u64 = 64 << 20;
/// Bytes asked of a file's reader at a time; a multiple of three, so that base64 needs no padding within.
pub(crate) const READ_BYTES: usize = 3 << 15;
/// Bytes gathered before they are written to a staged file.
pub(crate) const WRITE_BYTES: usize = 256 << 10;
/// Longest text of a refusal, characters.
pub(crate) const TEXT_CHARS_MAX: usize = 500;
/// Longest parameter that is shown in a refusal, characters.
pub(crate) const SHOWN_CHARS_MAX: usize = 80;
/// Most agencies asked of the node at a time.
pub(crate) const AGENCIES_PAGE: usize = 500;
/// Shortest and longest secret of an account, bytes.
pub(crate) const SECRET_BYTES: std::ops::RangeInclusive<usize> = 16..=1024;
/// How long the answer to a file is remembered, so that the same request again gets the same answer.
pub(crate) const REPEAT_MS: u64 = 86_400_000;
/// Most such answers remembered.
pub(crate) const REPEATS_MAX: usize = 20_000;
/// Whom the endpoint has no place for is told to come back after this, seconds.
pub(crate) const BUSY_RETRY_S: u64 = 5;
/// Longest wait for a TLS handshake, milliseconds.
pub(crate) const HANDSHAKE_MS: u64 = 10_000;

/// What one door allows; the defaults suit a node of two cores.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Open connections in all.
    pub connections_max: usize,
    /// Open connections from one address.
    pub connections_per_address_max: usize,
    /// Requests being worked on.
    pub requests_max: usize,
    /// Of these, those of one account.
    pub requests_per_account_max: usize,
    /// Files being taken or given at one time.
    pub files_max: usize,
    /// Listings of the directory under way.
    pub directories_max: usize,
    /// Largest file.
    pub file_bytes_max: u64,
    /// Most items in one list; what is over comes once some of these are confirmed.
    pub items_max: usize,
    /// Time to send a request head.
    pub head_ms: u64,
    /// Longest pause within a request body.
    pub body_idle_ms: u64,
    /// A body may be slow for this long before the least rate counts.
    pub body_grace_ms: u64,
    /// Slowest average rate of a body after that, bytes per second.
    pub body_rate_min_bytes_per_s: u64,
    /// Longest time that a client may leave an answer unread.
    pub write_idle_ms: u64,
    /// Time that open requests get when the node stops.
    pub drain_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections_max: 256,
            connections_per_address_max: 64,
            requests_max: 128,
            requests_per_account_max: 16,
            files_max: 16,
            directories_max: 2,
            file_bytes_max: 512 << 20,
            items_max: 10_000,
            head_ms: 30_000,
            body_idle_ms: 30_000,
            body_grace_ms: 10_000,
            body_rate_min_bytes_per_s: 1024,
            write_idle_ms: 60_000,
            drain_ms: 3_000,
        }
    }
}
