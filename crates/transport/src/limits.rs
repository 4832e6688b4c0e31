//! Every limit of the transport, in one place.

/// Limits of an endpoint, its sessions and streams. [`Default`] is fit for a node of two cores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportLimits {
    /// A session that hears nothing for this long is lost. Default 60 s.
    pub idle_timeout_ms: u32,
    /// A quiet session sends a probe this often; must be less than half the idle timeout, so that
    /// one lost probe does not end a session. Default 20 s.
    pub keep_alive_ms: u32,
    /// From the first packet until the opening frames have crossed. Default 10 s.
    pub handshake_timeout_ms: u32,
    /// From the first octet of a frame to its last; also the longest wait for
    /// `raw_progress_bytes` more octets of a raw range. Default 30 s.
    pub frame_timeout_ms: u32,
    /// Octets of a raw range that must arrive within `frame_timeout_ms` of waiting. Time during
    /// which the reader is busy elsewhere does not count. Default 16 KiB.
    pub raw_progress_bytes: u32,
    /// A writer whose peer takes nothing for this long gives up. Default 120 s: longer than a
    /// frame's time, because a slow disk may hold a bulk stream back for good reason.
    pub send_stall_timeout_ms: u32,
    /// After this a session is closed and must be dialled, and so checked, again. Default 24 h.
    pub session_age_max_ms: u64,
    /// Longest wait for close notices to be delivered when the endpoint closes. Default 3 s.
    pub close_timeout_ms: u32,

    /// Bidirectional streams a peer may have open at a time, the control stream included.
    /// Default 1,024: with fewer a pipelined sender is held up (measured with 100: −40 %).
    pub bidi_streams_max: u32,
    /// Octets a peer may send on one stream ahead of our reading. Default 512 KiB.
    pub stream_window_bytes: u32,
    /// Least window of a session in each direction: octets that a peer may send on all streams ahead
    /// of our reading, and octets of ours that it has not acknowledged yet. Default 512 KiB.
    pub window_min_bytes: u32,
    /// The same while few sessions are open. Default 8 MiB.
    pub window_max_bytes: u32,
    /// Budget over the windows of all sessions, both directions: each session gets an equal share
    /// between the two limits above, and `window_total_bytes / 2 / window_min_bytes` is the most
    /// sessions an endpoint holds. Default 64 MiB, so 64 sessions; it is used only by peers that
    /// outrun us, or do not read.
    pub window_total_bytes: u64,
    /// Longest frame sent or taken, whatever a caller asks for. Default 1 MiB.
    pub frame_bytes_max: u32,
    /// Bulk streams a session should read at a time; see [`crate::Session::bulk_streams_max`].
    /// Default 8.
    pub bulk_streams_max: u32,

    /// Incoming handshakes in progress at a time. Default 256.
    pub handshakes_max: u32,
    /// The same from one IPv4 address or one IPv6 /64. Default 64.
    pub handshakes_per_address_max: u32,
    /// Above this many in progress, diallers must first prove their address (Retry, RFC 9000
    /// section 8.1.2); the rest of `handshakes_max` is thus kept free of spoofed addresses.
    /// Default 64.
    pub retry_above_handshakes: u32,
    /// Sessions per peer; one more closes the oldest, so that a peer that lost its memory of a
    /// session can come back at once. Default 2: both sides may have dialled.
    pub sessions_per_peer_max: u32,
    /// Finished sessions that wait for [`crate::Endpoint::accept`]. Default 64.
    pub accept_queue_max: u32,

    /// Largest UDP payload, 1,200–6,000 octets. Default 6,000; above 6,550 a segmented send of ten
    /// packets exceeds UDP's own maximum and the kernel drops it silently. Discovery starts at
    /// 1,200 and goes higher only where the path allows.
    pub mtu_max_bytes: u16,
    /// Socket buffers asked of the kernel, each direction. Default 4 MiB (with the usual 208 KiB
    /// packets are lost even on loopback); the kernel may grant less (`net.core.rmem_max`).
    pub socket_buffer_bytes: u32,
}

impl Default for TransportLimits {
    fn default() -> Self {
        Self {
            idle_timeout_ms: 60_000,
            keep_alive_ms: 20_000,
            handshake_timeout_ms: 10_000,
            frame_timeout_ms: 30_000,
            raw_progress_bytes: 16 << 10,
            send_stall_timeout_ms: 120_000,
            session_age_max_ms: 24 * 60 * 60 * 1000,
            close_timeout_ms: 3_000,
            bidi_streams_max: 1024,
            stream_window_bytes: 512 << 10,
            window_min_bytes: 512 << 10,
            window_max_bytes: 8 << 20,
            window_total_bytes: 64 << 20,
            frame_bytes_max: 1 << 20,
            bulk_streams_max: 8,
            handshakes_max: 256,
            handshakes_per_address_max: 64,
            retry_above_handshakes: 64,
            sessions_per_peer_max: 2,
            accept_queue_max: 64,
            mtu_max_bytes: 6_000,
            socket_buffer_bytes: 4 << 20,
        }
    }
}

/// A limit that contradicts another, or the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} must be {rule}")]
pub struct LimitError {
    /// The field's name.
    pub field: &'static str,
    /// What it must be.
    pub rule: &'static str,
}

impl TransportLimits {
    /// Checks the limits against each other.
    ///
    /// # Errors
    /// The first field that is wrong, with its rule.
    pub fn validate(&self) -> Result<(), LimitError> {
        let rules = [
            (self.keep_alive_ms > 0, "keep_alive_ms", "at least 1"),
            (
                u64::from(self.keep_alive_ms) * 2 < u64::from(self.idle_timeout_ms),
                "keep_alive_ms",
                "less than half of idle_timeout_ms",
            ),
            (self.handshake_timeout_ms > 0, "handshake_timeout_ms", "at least 1"),
            (self.frame_timeout_ms > 0, "frame_timeout_ms", "at least 1"),
            (self.raw_progress_bytes > 0, "raw_progress_bytes", "at least 1"),
            (self.send_stall_timeout_ms > 0, "send_stall_timeout_ms", "at least 1"),
            (
                (1..=365 * 86_400_000).contains(&self.session_age_max_ms),
                "session_age_max_ms",
                "between 1 ms and 365 days",
            ),
            (
                (2..=65_536).contains(&self.bidi_streams_max),
                "bidi_streams_max",
                "between 2 and 65536",
            ),
            (self.stream_window_bytes >= 4096, "stream_window_bytes", "at least 4096"),
            (
                self.stream_window_bytes <= self.window_min_bytes,
                "stream_window_bytes",
                "at most window_min_bytes",
            ),
            (
                self.window_min_bytes <= self.window_max_bytes,
                "window_min_bytes",
                "at most window_max_bytes",
            ),
            (
                // A MAX_DATA beyond a QUIC variable-length integer of 30 bits buys nothing.
                self.window_max_bytes <= 1 << 30,
                "window_max_bytes",
                "at most 1 GiB",
            ),
            (
                self.window_total_bytes >= 2 * u64::from(self.window_min_bytes),
                "window_total_bytes",
                "at least twice window_min_bytes",
            ),
            (self.frame_bytes_max > 0, "frame_bytes_max", "at least 1"),
            (self.bulk_streams_max > 0, "bulk_streams_max", "at least 1"),
            (self.handshakes_max > 0, "handshakes_max", "at least 1"),
            (
                self.retry_above_handshakes < self.handshakes_max,
                "retry_above_handshakes",
                "less than handshakes_max",
            ),
            (self.handshakes_per_address_max > 0, "handshakes_per_address_max", "at least 1"),
            (self.sessions_per_peer_max > 0, "sessions_per_peer_max", "at least 1"),
            (self.accept_queue_max > 0, "accept_queue_max", "at least 1"),
            ((1200..=6000).contains(&self.mtu_max_bytes), "mtu_max_bytes", "between 1200 and 6000"),
        ];
        match rules.iter().find(|(holds, ..)| !holds) {
            Some(&(_, field, rule)) => Err(LimitError { field, rule }),
            None => Ok(()),
        }
    }

    /// Most sessions the window budget allows.
    pub fn sessions_max(&self) -> u64 {
        self.window_total_bytes / 2 / u64::from(self.window_min_bytes.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_consistent() {
        let limits = TransportLimits::default();
        assert_eq!(limits.validate(), Ok(()));
        assert_eq!(limits.sessions_max(), 64);
    }

    #[test]
    fn contradictions_are_named() {
        let limits = TransportLimits { keep_alive_ms: 30_000, ..Default::default() };
        assert_eq!(limits.validate().unwrap_err().field, "keep_alive_ms");
        let limits = TransportLimits { mtu_max_bytes: 9000, ..Default::default() };
        assert_eq!(limits.validate().unwrap_err().field, "mtu_max_bytes");
    }
}
