//! Errors, one enum per family of operations.

use std::{io, net::SocketAddr};

use crate::{CloseReason, Denied, LimitError, PeerName, code};

/// An endpoint could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// A limit is wrong.
    #[error(transparent)]
    Limits(#[from] LimitError),
    /// Our own certificate or key is unusable.
    #[error("the node's certificate or key is unusable: {0}")]
    Identity(String),
    /// The address cannot be used.
    #[error("cannot bind UDP {addr}: {source}")]
    Address {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Called outside a tokio runtime.
    #[error("no tokio runtime is running here")]
    NoRuntime,
    /// The TLS provider lacks what QUIC needs.
    #[error("TLS configuration: {0}")]
    Tls(String),
}

/// A session could not be dialled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// This machine has no way to the address.
    #[error("no route to {addr}: {source}")]
    NoRoute {
        /// The address dialled.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The machine answers, but nothing listens on that UDP port.
    #[error("nothing listens on UDP {addr}")]
    Refused {
        /// The address dialled.
        addr: SocketAddr,
    },
    /// The server name or address cannot be dialled at all.
    #[error("cannot dial: {0}")]
    Target(String),
    /// Our own endpoint is closing.
    #[error("this endpoint is closing")]
    Stopping,
    /// The handshake did not succeed.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
}

/// A handshake did not end in a session; the same for dialler and listener.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// No answer in time (or packets are dropped on the way).
    #[error("no answer within {after_ms} ms")]
    Timeout {
        /// The time waited.
        after_ms: u32,
    },
    /// We find the peer's certificate expired or not yet valid: one of the two clocks, or the
    /// certificate, is wrong.
    #[error("the peer's certificate is outside its validity: {0}")]
    Clock(Denied),
    /// We do not accept the peer's certificate.
    #[error("the peer's certificate was not accepted: {0}")]
    Certificate(Denied),
    /// The node reached is not the one that was meant.
    #[error("expected {expected}: {denied}")]
    NameMismatch {
        /// The node we dialled.
        expected: PeerName,
        /// The checker's words.
        denied: Denied,
    },
    /// The dialler sent no certificate.
    #[error("the peer sent no certificate")]
    NoCertificate,
    /// The peer does not speak `tram/1`.
    #[error("the peer does not speak tram/1")]
    Alpn,
    /// The peer does not speak QUIC version 1.
    #[error("the peer does not speak QUIC version 1")]
    Version,
    /// The peer did not accept our certificate, or us.
    #[error("the peer denied us: {code} ({reason})")]
    DeniedByPeer {
        /// The peer's code; for a foreign TLS implementation `TLS_ALERT_` and the number.
        code: String,
        /// The peer's words, cleaned.
        reason: String,
    },
    /// Too many sessions or handshakes there; try later.
    #[error("the peer is busy")]
    Busy,
    /// Another TLS failure.
    #[error("TLS: {0}")]
    Tls(String),
    /// The connection ended before the session was open.
    #[error("the session did not open: {0}")]
    Closed(CloseReason),
    /// The opening of the session broke the protocol.
    #[error("the session did not open: {0}")]
    Protocol(String),
}

impl ConnectError {
    /// A stable code for tables and programs.
    pub fn code(&self) -> &str {
        match self {
            Self::NoRoute { .. } => "NO_ROUTE",
            Self::Refused { .. } => "CONNECTION_REFUSED",
            Self::Target(_) => "BAD_ADDRESS",
            Self::Stopping => "STOPPING",
            Self::Handshake(error) => error.code(),
        }
    }
}

impl HandshakeError {
    /// A stable code for tables and programs: the denial's own code where there is one.
    pub fn code(&self) -> &str {
        match self {
            Self::Timeout { .. } => "TIMEOUT",
            Self::Clock(denied) | Self::Certificate(denied) | Self::NameMismatch { denied, .. } => {
                denied.code
            }
            Self::NoCertificate => code::CERTIFICATE_REQUIRED,
            Self::Alpn => "ALPN_MISMATCH",
            Self::Version => "QUIC_VERSION_MISMATCH",
            Self::DeniedByPeer { code, .. } => code,
            Self::Busy => "BUSY",
            Self::Tls(_) => "TLS_FAILED",
            Self::Closed(_) => "CLOSED",
            Self::Protocol(_) => "PROTOCOL_ERROR",
        }
    }
}

/// A stream cannot go on. Except for [`StreamError::RawPending`] and [`StreamError::RawOverrun`],
/// which the caller can mend, the stream is unusable afterwards.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// A frame longer than allowed; nothing of it was allocated.
    #[error("a frame of {declared_bytes} octets; at most {max_bytes} are allowed here")]
    TooLarge {
        /// Its declared length.
        declared_bytes: u64,
        /// The limit in force.
        max_bytes: u64,
    },
    /// The stream ended inside a frame or a raw range.
    #[error("the stream ended in the middle")]
    Truncated,
    /// Too slow: see `frame_timeout_ms`, `raw_progress_bytes`, `send_stall_timeout_ms`.
    #[error("no sufficient progress within {after_ms} ms")]
    Stalled {
        /// The time allowed.
        after_ms: u32,
    },
    /// Nothing came within the time that the caller gave; see [`crate::FrameReceiver::recv_within`].
    #[error("nothing came within {after_ms} ms")]
    Silent {
        /// The time given.
        after_ms: u64,
    },
    /// The peer gave the stream up.
    #[error("reset by the peer ({code})")]
    Reset {
        /// The peer's code.
        code: u64,
    },
    /// The peer no longer reads the stream.
    #[error("stopped by the peer ({code})")]
    Stopped {
        /// The peer's code.
        code: u64,
    },
    /// The session is gone.
    #[error(transparent)]
    SessionClosed(#[from] CloseReason),
    /// The announced raw range is not finished.
    #[error("{left_bytes} octets of a raw range are still to come")]
    RawPending {
        /// What is left of it.
        left_bytes: u64,
    },
    /// More raw octets than announced.
    #[error("{excess_bytes} octets more than announced")]
    RawOverrun {
        /// How many too many.
        excess_bytes: u64,
    },
    /// The stream failed, was finished, or an earlier write was abandoned half-way.
    #[error("the stream is no longer usable")]
    Unusable,
}
