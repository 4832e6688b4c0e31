//! Our limits in quinn's terms; every knob of quinn is set here, none left to its default.

use std::{sync::Arc, time::Duration};

use quinn::{
    EndpointConfig, IdleTimeout, MtuDiscoveryConfig, NoneTokenLog, NoneTokenStore, ServerConfig,
    TransportConfig, ValidationTokenConfig, VarInt, congestion::CubicConfig, crypto,
};

use quinn_proto::HashedConnectionIdGenerator;

use crate::reset::{ResetKey, connection_id_key};
use crate::{BindError, TransportLimits, tls::MonotonicClock};

/// What a peer may send before the session is open: enough for the opening frame.
const UNOPENED_WINDOW_BYTES: u32 = 4 << 10;
/// Out-of-order handshake octets kept per connection.
const CRYPTO_BUFFER_BYTES: usize = 16 << 10;
/// Early packets kept per handshake, and over all of them, until we look at it.
const INCOMING_BUFFER_BYTES: u64 = 64 << 10;
const INCOMING_BUFFERS_BYTES: u64 = 4 << 20;
const RETRY_TOKEN_LIFETIME: Duration = Duration::from_secs(15);
/// Every QUIC path carries this (RFC 9000 section 14).
const MTU_MIN_BYTES: u16 = 1200;

pub(crate) fn endpoint_config(
    limits: &TransportLimits,
    key_pkcs8_der: &[u8],
) -> Result<EndpointConfig, BindError> {
    let mut config = EndpointConfig::new(Arc::new(ResetKey::derive(key_pkcs8_der)));
    let ids = connection_id_key(key_pkcs8_der);
    config.cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(ids)));
    // Must admit what MTU discovery may find.
    config
        .max_udp_payload_size(limits.mtu_max_bytes)
        .map_err(|error| BindError::Tls(error.to_string()))?;
    config.supported_versions(vec![1]);
    Ok(config)
}

/// `initial_streams`: what the peer may open before the session is open. One (the control stream)
/// for a peer that dialled us, none for a peer that we dialled.
pub(crate) fn transport_config(
    limits: &TransportLimits,
    initial_streams: u32,
) -> Arc<TransportConfig> {
    let mut mtu = MtuDiscoveryConfig::default();
    mtu.upper_bound(limits.mtu_max_bytes);
    let idle = IdleTimeout::from(VarInt::from_u32(limits.idle_timeout_ms));

    let mut config = TransportConfig::default();
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(initial_streams))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .receive_window(VarInt::from_u32(UNOPENED_WINDOW_BYTES))
        .stream_receive_window(VarInt::from_u32(limits.stream_window_bytes))
        .send_window(limits.window_min_bytes.into())
        // Streams of one priority one after the other: if all began at once, the window could be full
        // of beginnings, and no end would find room.
        .send_fairness(false)
        .max_idle_timeout(Some(idle))
        .keep_alive_interval(Some(Duration::from_millis(limits.keep_alive_ms.into())))
        .datagram_receive_buffer_size(None)
        .datagram_send_buffer_size(0)
        .crypto_buffer_size(CRYPTO_BUFFER_BYTES)
        .allow_spin(false)
        .initial_mtu(MTU_MIN_BYTES)
        .min_mtu(MTU_MIN_BYTES)
        .mtu_discovery_config(Some(mtu))
        .enable_segmentation_offload(true)
        // Cubic, not BBR: under loss BBR re-sent 5–60 % of all packets.
        .congestion_controller_factory(Arc::new(CubicConfig::default()));
    Arc::new(config)
}

pub(crate) fn server_config(
    limits: &TransportLimits,
    tls: Arc<dyn crypto::ServerConfig>,
) -> ServerConfig {
    let mut tokens = ValidationTokenConfig::default();
    tokens.sent(0).log(Arc::new(NoneTokenLog));

    let mut config = ServerConfig::with_crypto(tls);
    config
        .transport_config(transport_config(limits, 1))
        .validation_token_config(tokens)
        .retry_token_lifetime(RETRY_TOKEN_LIFETIME)
        .time_source(Arc::new(MonotonicClock::start()))
        .migration(false)
        .max_incoming(usize::try_from(limits.handshakes_max).unwrap_or(usize::MAX))
        .incoming_buffer_size(INCOMING_BUFFER_BYTES)
        .incoming_buffer_size_total(INCOMING_BUFFERS_BYTES);
    config
}

pub(crate) fn client_config(
    transport: Arc<TransportConfig>,
    tls: Arc<dyn crypto::ClientConfig>,
) -> quinn::ClientConfig {
    let mut config = quinn::ClientConfig::new(tls);
    config.transport_config(transport).token_store(Arc::new(NoneTokenStore)).version(1);
    config
}
