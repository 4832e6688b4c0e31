//! What a failed handshake means, in words an operator can act on.

use quinn::{ConnectionError, TransportErrorCode, crypto::rustls::HandshakeData};

use super::verifier::CODE_MARK;
use crate::{
    ALPN, CloseReason, Denied, HandshakeError, PeerName, code,
    reason::{clean, close_code},
};

/// TLS alerts (RFC 8446 section 6.2) that say something of their own.
const ALERT_CERTIFICATE_EXPIRED: u64 = 45;
const ALERT_CERTIFICATE_REQUIRED: u64 = 116;
const ALERT_NO_APPLICATION_PROTOCOL: u64 = 120;
/// QUIC carries alert `n` as transport error `0x100 + n` (RFC 9001 section 4.8).
const CRYPTO_ERRORS: std::ops::RangeInclusive<u64> = 0x100..=0x1ff;
/// Longest code taken from a peer's words.
const CODE_BYTES_MAX: usize = 64;

/// Explains `error`. Our own verdict, where there is one, goes before whatever TLS made of it.
pub(crate) fn failure(
    error: ConnectionError,
    denied: Option<Denied>,
    expected: Option<&PeerName>,
    timeout_ms: u32,
) -> HandshakeError {
    if let Some(denied) = denied {
        return local_denial(denied, expected);
    }
    match error {
        ConnectionError::VersionMismatch => HandshakeError::Version,
        ConnectionError::TimedOut => HandshakeError::Timeout { after_ms: timeout_ms },
        ConnectionError::TransportError(error) => match alert(error.code) {
            Some(ALERT_NO_APPLICATION_PROTOCOL) => HandshakeError::Alpn,
            Some(ALERT_CERTIFICATE_REQUIRED) => HandshakeError::NoCertificate,
            Some(_) => HandshakeError::Tls(clean(error.reason.as_bytes())),
            None => HandshakeError::Protocol(clean(error.to_string().as_bytes())),
        },
        ConnectionError::ConnectionClosed(close) => match alert(close.error_code) {
            Some(ALERT_NO_APPLICATION_PROTOCOL) => HandshakeError::Alpn,
            Some(number) => peer_denial(number, clean(&close.reason)),
            None if close.error_code == TransportErrorCode::CONNECTION_REFUSED => {
                HandshakeError::Busy
            }
            None => HandshakeError::Closed(CloseReason::PeerTransport {
                code: close.error_code.into(),
                reason: clean(&close.reason),
            }),
        },
        ConnectionError::ApplicationClosed(close)
            if close.error_code.into_inner() == u64::from(close_code::BUSY) =>
        {
            HandshakeError::Busy
        }
        other => HandshakeError::Closed(CloseReason::from_quinn(other, None)),
    }
}

/// Whether the connection speaks `tram/1`; rustls enforces it already, this is the second lock.
pub(crate) fn alpn_agreed(connection: &quinn::Connection) -> bool {
    connection
        .handshake_data()
        .and_then(|data| data.downcast::<HandshakeData>().ok())
        .is_some_and(|data| data.protocol.as_deref() == Some(ALPN))
}

fn local_denial(denied: Denied, expected: Option<&PeerName>) -> HandshakeError {
    match (denied.code, expected) {
        (code::CERTIFICATE_EXPIRED | code::CERTIFICATE_NOT_YET_VALID, _) => {
            HandshakeError::Clock(denied)
        }
        (code::PEER_NAME_MISMATCH, Some(expected)) => {
            HandshakeError::NameMismatch { expected: expected.clone(), denied }
        }
        _ => HandshakeError::Certificate(denied),
    }
}

fn peer_denial(alert: u64, reason: String) -> HandshakeError {
    let code = match (code_in(&reason), alert) {
        (Some(code), _) => code.to_owned(),
        (None, ALERT_CERTIFICATE_REQUIRED) => code::CERTIFICATE_REQUIRED.to_owned(),
        (None, ALERT_CERTIFICATE_EXPIRED) => code::CERTIFICATE_EXPIRED.to_owned(),
        (None, number) => format!("TLS_ALERT_{number}"),
    };
    HandshakeError::DeniedByPeer { code, reason }
}

/// The denial code another node of ours put into its close reason.
fn code_in(reason: &str) -> Option<&str> {
    let (_, rest) = reason.split_once(CODE_MARK)?;
    let is_code = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let end = rest.find(|c| !is_code(c)).unwrap_or(rest.len());
    (1..=CODE_BYTES_MAX).contains(&end).then(|| &rest[..end])
}

fn alert(code: TransportErrorCode) -> Option<u64> {
    let code = u64::from(code);
    CRYPTO_ERRORS.contains(&code).then_some(code & 0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_and_bounded() {
        assert_eq!(code_in("invalid peer certificate: code=A_B1) x"), Some("A_B1"));
        assert_eq!(code_in("code="), None);
        assert_eq!(code_in("nothing"), None);
        assert_eq!(code_in(&format!("code={}", "A".repeat(65))), None);
    }

    #[test]
    fn foreign_alerts_keep_their_number() {
        let HandshakeError::DeniedByPeer { code, .. } = peer_denial(48, String::new()) else {
            panic!("not a denial");
        };
        assert_eq!(code, "TLS_ALERT_48");
    }
}
