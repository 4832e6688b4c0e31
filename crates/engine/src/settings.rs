//! What the operator may set of the engine's behaviour. Defaults are for a district node.

use tram_dispatch::WorkingDays;

use crate::quota::{Ceiling, Quotas};

/// Limits and delays of the engine. Times in milliseconds.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Most dispatches with work left to do, held in memory; over it new work is answered `BUSY`. Of
    /// this and the next two, an eighth more is there for what is on its way from other nodes.
    pub held_max: usize,
    /// Most memory that held dispatches may take, as estimated; over it new work is answered
    /// `BUSY`.
    pub memory_bytes_max: u64,
    /// Most bytes of sealed dispatches and documents held; over it new work is answered
    /// `BUSY_STORAGE`.
    pub stored_bytes_max: u64,
    /// What each agency, peer, direction and mailbox may have of it.
    pub quotas: Quotas,
    /// Most transfers under way to one peer.
    pub transfers_per_peer_max: usize,
    /// Recipients and receipts in one transfer, bytes, where the frame leaves that much beside the dispatch
    /// and the documents that ride along. Recipients that do not fit follow in the next transfer.
    pub transfer_receipts_bytes_max: usize,
    /// First delay before a transfer is tried again.
    pub retry_ms_min: u64,
    /// Longest delay between tries; delays double up to it, each with ±25 % jitter.
    pub retry_ms_max: u64,
    /// Receipts under way to a peer without "stored" are sent again after this.
    pub outbox_resend_ms: u64,
    /// A batch is full from so many bytes on. One input more, or one dispatch more that time has come for,
    /// may still go into it: it must stay far below what the journal takes at once (64 MiB).
    pub filling_bytes_max: usize,
    /// Housekeeping records wait at most this long for a commit that carries them.
    pub linger_ms: u64,
    /// The last relay keeps a consigned dispatch at most this long while its handover is open.
    pub keep_after_consignment_ms: u64,
    /// The recipient's node keeps documents this long after the clerk registered or refused.
    pub keep_after_registration_ms: u64,
    /// The documents of a dispatch for which nothing is left to do stay until a policy of retention
    /// removes them; otherwise their files go at once.
    pub keep_closed_documents: bool,
    /// The working days by which a clerk's time to register runs out, with evidence; absent: never.
    pub registration_days: Option<WorkingDays>,
    /// Longest lifetime of a dispatch; the network's root document says it.
    pub lifetime_ms_max: u64,
    /// The clock counts as right without a peer's agreement.
    pub clock_trusted: bool,
    /// How far a peer's clock may differ and still agree.
    pub clock_skew_ms_max: u64,
    /// What "later" answers say when this node is at a limit.
    pub busy_retry_ms: u64,
    /// The same when an account is full that only deliveries, or the operator, empty.
    pub quota_retry_ms: u64,
    /// The same when what is full waits for a peer that is away, or for a clerk.
    pub absent_retry_ms: u64,
}

impl Settings {
    /// What the node may hold altogether.
    pub fn ceiling(&self) -> Ceiling {
        Ceiling {
            count: self.held_max as u64,
            stored_bytes: self.stored_bytes_max,
            memory_bytes: self.memory_bytes_max,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            held_max: 200_000,
            memory_bytes_max: 1 << 30,
            stored_bytes_max: 1 << 40,
            quotas: Quotas::default(),
            transfers_per_peer_max: 256,
            transfer_receipts_bytes_max: tram_dispatch::limits::FRAME_BYTES_MAX,
            retry_ms_min: 1_000,
            retry_ms_max: 300_000,
            outbox_resend_ms: 30_000,
            filling_bytes_max: 16 << 20,
            linger_ms: 50,
            keep_after_consignment_ms: 7 * 86_400_000,
            keep_after_registration_ms: 30 * 86_400_000,
            keep_closed_documents: false,
            registration_days: None,
            lifetime_ms_max: tram_dispatch::limits::LIFETIME_MS_MAX,
            clock_trusted: false,
            clock_skew_ms_max: 300_000,
            busy_retry_ms: 5_000,
            quota_retry_ms: 30_000,
            absent_retry_ms: 60_000,
        }
    }
}
