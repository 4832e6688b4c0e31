//! Sessions between nodes: QUIC (RFC 9000) with mutual TLS 1.3 (RFC 8446, RFC 9001), ALPN `tram/1`.
//!
//! The only crate that names quinn and rustls; neither shows in its public types. It moves frames
//! and byte ranges and knows nothing of what is in them. Who a peer *is* it does not decide either:
//! each handshake asks a [`PeerCheck`], and only a peer that was named by it comes out of
//! [`Endpoint::accept`] or [`Endpoint::connect`].
//!
//! One session has one control stream and up to `bidi_streams_max` transfer streams:
//!
//! 1. The dialler opens the first bidirectional stream, the **control** stream, and sends one empty
//!    frame (four zero octets). The listener, once it has admitted the peer, answers with one empty
//!    frame. Before that answer the dialler may open nothing else, and grants nothing.
//! 2. Either side then opens one bidirectional stream per transfer.
//! 3. A frame is a big-endian `u32` length and as many octets. A frame may announce a raw byte
//!    range, which follows without further framing.
//!
//! No 0-RTT, no data of the listener before the dialler's certificate was accepted ("0.5-RTT"), no
//! resumption, no migration, no unidirectional streams, no datagrams, QUIC version 1 only.
//!
//! Nothing here reads the wall clock: timers are tokio's (so a paused clock works in tests), and the
//! validity of certificates is the [`PeerCheck`]'s affair. Run it on a current-thread runtime: that
//! costs less than half the CPU per request of a multi-thread one.

mod check;
mod datagrams;
mod endpoint;
mod error;
#[cfg(feature = "fixtures")]
pub mod fixtures;
mod frame;
mod https;
mod https_client;
mod identity;
mod limits;
mod mutual;
mod outbox;
mod quic;
mod reason;
mod registry;
mod reset;
mod session;
mod socket;
mod tls;

pub use check::{Denied, PeerCheck, Role, code};
pub use datagrams::Datagrams;
pub use endpoint::{Endpoint, EndpointStats, Opened};
pub use error::{BindError, ConnectError, HandshakeError, StreamError};
pub use frame::{FrameReceiver, FrameSender};
pub use https::HttpsServer;
pub use https_client::HttpsClient;
pub use identity::{Identity, PeerName};
pub use limits::{LimitError, TransportLimits};
pub use mutual::MutualServer;
pub use outbox::{Outbox, OutboxWriter, outbox};
pub use reason::{CloseReason, close_code};
pub use session::{Control, Session, SessionStats};

/// The application protocol both sides must negotiate (RFC 7301).
pub const ALPN: &[u8] = b"tram/1";
