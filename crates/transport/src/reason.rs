//! Why a session ended, and the codes that say so on the wire.

use quinn::ConnectionError;

/// Application close codes of `tram/1` (RFC 9000 section 19.19) that this crate sends itself.
/// Codes from `0x100` are free for the layers above.
pub mod close_code {
    /// Ended without complaint.
    pub const CLOSED: u32 = 0;
    /// The node is stopping.
    pub const SHUTDOWN: u32 = 1;
    /// The session reached its greatest age; dial again.
    pub const SESSION_AGE: u32 = 2;
    /// A newer session of the same peer took its place.
    pub const SUPERSEDED: u32 = 3;
    /// Too many sessions or handshakes; try later.
    pub const BUSY: u32 = 4;
    /// The opening of the session broke the protocol.
    pub const PROTOCOL: u32 = 5;
}

/// Stream error code for a stream given up in the middle of a frame or raw range.
pub(crate) const STREAM_ABANDONED: u32 = 1;
/// Stream error code for a peer that broke the framing or its time limit.
pub(crate) const STREAM_REFUSED: u32 = 2;

/// Longest reason phrase sent or kept, in octets.
const REASON_BYTES_MAX: usize = 256;

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// We closed it.
    #[error("closed here ({code}): {reason}")]
    Local {
        /// See [`close_code`].
        code: u32,
        /// Words for people.
        reason: String,
    },
    /// The peer closed it.
    #[error("closed by the peer ({code}): {reason}")]
    Peer {
        /// See [`close_code`]; `u32::MAX` if the peer sent a larger one.
        code: u32,
        /// The peer's words: at most 256 octets, control characters replaced.
        reason: String,
    },
    /// The peer's QUIC or TLS layer gave up.
    #[error("aborted by the peer (QUIC error {code:#x}): {reason}")]
    PeerTransport {
        /// QUIC transport error code (RFC 9000 section 20.1).
        code: u64,
        /// The peer's words, cleaned.
        reason: String,
    },
    /// Nothing was heard for the idle timeout.
    #[error("the peer fell silent")]
    TimedOut,
    /// The peer no longer knows the session, probably because it restarted.
    #[error("the peer lost the session")]
    Reset,
    /// The peer broke QUIC, or QUIC here cannot go on.
    #[error("transport error: {0}")]
    Transport(String),
}

impl CloseReason {
    /// `local` is what we said when we closed it ourselves: quinn does not keep that.
    pub(crate) fn from_quinn(error: ConnectionError, local: Option<(u32, String)>) -> Self {
        match error {
            ConnectionError::LocallyClosed => {
                let (code, reason) = local.unwrap_or((close_code::CLOSED, "closed".to_owned()));
                Self::Local { code, reason }
            }
            ConnectionError::ApplicationClosed(close) => Self::Peer {
                code: u32::try_from(close.error_code.into_inner()).unwrap_or(u32::MAX),
                reason: clean(&close.reason),
            },
            ConnectionError::ConnectionClosed(close) => {
                Self::PeerTransport { code: close.error_code.into(), reason: clean(&close.reason) }
            }
            ConnectionError::TimedOut => Self::TimedOut,
            ConnectionError::Reset => Self::Reset,
            other => Self::Transport(clean(other.to_string().as_bytes())),
        }
    }
}

/// A peer's words made safe to log and show.
pub(crate) fn clean(bytes: &[u8]) -> String {
    let bytes = bytes.get(..REASON_BYTES_MAX).unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes);
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Cuts our own reason phrase at a character boundary.
pub(crate) fn clip(reason: &str) -> &str {
    let mut end = reason.len().min(REASON_BYTES_MAX);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peer_words_are_bounded_and_harmless() {
        assert_eq!(clean(b"a\x1b[31mb\n"), "a\u{fffd}[31mb\u{fffd}");
        assert_eq!(clean(&[b'x'; 4000]).len(), 256);
        assert!(clip(&"ệ".repeat(200)).len() <= 256);
    }
}
