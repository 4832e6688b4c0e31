//! Who gets in, who does not, and what both sides are told.

mod support;

use std::{sync::Arc, time::Duration};

use support::{
    Failures, Pair, Pinned, SNI, ed25519, endpoint, foreign, loopback, name, p256, soon,
};
use tram_transport::{
    ALPN, BindError, CloseReason, ConnectError, Endpoint, HandshakeError, Identity,
    TransportLimits, close_code, code,
};

fn brisk() -> TransportLimits {
    TransportLimits { handshake_timeout_ms: 3000, ..Default::default() }
}

#[tokio::test]
async fn both_sides_learn_the_name_of_the_other() {
    let pair = Pair::new(brisk());
    let (mut dialled, mut accepted) = pair.open().await;
    assert_eq!(dialled.session.peer(), &name("b"));
    assert_eq!(accepted.session.peer(), &name("a"));
    assert!(dialled.session.dialled() && !accepted.session.dialled());
    assert_eq!(dialled.session.remote_addr(), pair.b.local_addr().unwrap());

    dialled.control.send.send(b"hello").await.unwrap();
    accepted.control.send.send(b"hello, too").await.unwrap();
    assert_eq!(accepted.control.recv.recv(100).await.unwrap().unwrap(), "hello");
    assert_eq!(dialled.control.recv.recv(100).await.unwrap().unwrap(), "hello, too");
    let stats = dialled.session.stats();
    assert!(stats.sent_bytes > 1200 && stats.received_bytes > 1200 && stats.mtu_bytes <= 6000);
}

#[tokio::test]
async fn a_client_without_certificate_is_refused_and_gets_no_application_data() {
    let (id, other) = (ed25519(), p256());
    let server = endpoint(&id, Pinned::default().know(&other, "a"), brisk());
    let failures = Failures::of(&server);
    for identity in [None, Some(ed25519())] {
        let addr = server.local_addr().unwrap();
        let (client, connecting) = foreign::connecting(addr, identity.as_ref(), ALPN);
        // Nothing to resume, so no 0-RTT, whatever the client offers.
        let connecting = connecting.into_0rtt().map(|_| ()).expect_err("0-RTT was possible");
        // TLS lets the client finish first: it believes itself connected.
        let connection = connecting.await.unwrap();
        if let Ok((mut send, mut recv)) = connection.open_bi().await {
            let _ = send.write_all(&[0, 0, 0, 0]).await;
            assert!(recv.read(&mut [0; 16]).await.is_err());
        }
        soon(connection.closed()).await;
        assert_eq!(connection.stats().frame_rx.stream, 0, "application octets came out");
        drop(client);
    }
    assert_eq!(failures.first().await, HandshakeError::NoCertificate);
    let nobody = tokio::time::timeout(Duration::from_millis(50), server.accept()).await;
    assert!(nobody.is_err(), "an unauthenticated session came out");
}

#[tokio::test]
async fn a_denial_by_the_listener_reaches_both_sides_with_its_code() {
    let (id_a, id_b) = (ed25519(), ed25519());
    let a = endpoint(&id_a, Pinned::default().know(&id_b, "b"), brisk());
    let b = endpoint(&id_b, Pinned::default().deny(&id_a, "CERTIFICATE_REVOKED"), brisk());
    let failures = Failures::of(&b);
    let error = a.connect(b.local_addr().unwrap(), SNI, &name("b")).await.unwrap_err();
    assert_eq!(error.code(), "CERTIFICATE_REVOKED");
    let ConnectError::Handshake(HandshakeError::DeniedByPeer { reason, .. }) = error else {
        panic!("{error}");
    };
    assert!(!reason.contains("our operator"), "details left the house: {reason}");
    let HandshakeError::Certificate(denied) = failures.first().await else {
        panic!("not a denial");
    };
    assert_eq!(denied.code, "CERTIFICATE_REVOKED");
    assert_eq!(denied.detail, "for our operator only");
}

#[tokio::test]
async fn a_denial_by_the_dialler_reaches_both_sides_with_its_code() {
    let (id_a, id_b) = (p256(), p256());
    let b = endpoint(&id_b, Pinned::default().know(&id_a, "a"), brisk());
    let addr = b.local_addr().unwrap();
    let failures = Failures::of(&b);

    let check = Pinned::default().deny(&id_b, code::CERTIFICATE_EXPIRED);
    let error = endpoint(&id_a, check, brisk()).connect(addr, SNI, &name("b")).await.unwrap_err();
    assert!(matches!(error, ConnectError::Handshake(HandshakeError::Clock(_))), "{error}");
    assert_eq!(error.code(), code::CERTIFICATE_EXPIRED);
    assert_eq!(failures.first().await.code(), code::CERTIFICATE_EXPIRED);

    let a = endpoint(&id_a, Pinned::default(), brisk());
    let error = a.connect(addr, SNI, &name("b")).await.unwrap_err();
    assert!(matches!(error, ConnectError::Handshake(HandshakeError::Certificate(_))), "{error}");
    assert_eq!(error.code(), "UNKNOWN_CERTIFICATE");
}

#[tokio::test]
async fn another_node_than_the_one_dialled_is_refused_whatever_the_checker_says() {
    let pair = Pair::new(brisk());
    let addr = pair.b.local_addr().unwrap();
    let error = pair.a.connect(addr, SNI, &name("c")).await.unwrap_err();
    let ConnectError::Handshake(HandshakeError::NameMismatch { expected, denied }) = error else {
        panic!("{error}");
    };
    assert_eq!((expected, denied.code), (name("c"), code::PEER_NAME_MISMATCH));
}

#[tokio::test]
async fn a_stolen_certificate_without_its_key_opens_no_door() {
    let (id_a, id_b, thief) = (ed25519(), ed25519(), ed25519());
    let with_wrong_key = |identity: &Identity| Identity {
        chain_der: identity.chain_der.clone(),
        key_pkcs8_der: thief.key_pkcs8_der.clone(),
    };
    // As client.
    let b = endpoint(&id_b, Pinned::default().know(&id_a, "a"), brisk());
    let failures = Failures::of(&b);
    let addr = b.local_addr().unwrap();
    let (_client, connecting) = foreign::connecting(addr, Some(&with_wrong_key(&id_a)), ALPN);
    soon(connecting.await.unwrap().closed()).await;
    let error = failures.first().await;
    assert!(matches!(error, HandshakeError::Tls(_)), "{error}");
    // As server.
    let impostor = foreign::listening(&with_wrong_key(&id_b), ALPN);
    let a = endpoint(&id_a, Pinned::default().know(&id_b, "b"), brisk());
    let addr = impostor.local_addr().unwrap();
    let error = a.connect(addr, SNI, &name("b")).await.unwrap_err();
    assert!(matches!(error, ConnectError::Handshake(HandshakeError::Tls(_))), "{error}");
}

#[tokio::test]
async fn our_own_certificate_and_key_must_belong_together() {
    let (good, other) = (ed25519(), ed25519());
    let mixed = Identity { chain_der: good.chain_der.clone(), key_pkcs8_der: other.key_pkcs8_der };
    let bound = Endpoint::bind(loopback(), &mixed, Arc::new(Pinned::default()), brisk());
    assert!(matches!(bound, Err(BindError::Identity(_))));
    let bound = endpoint(&good, Pinned::default(), brisk());
    assert!(matches!(bound.set_identity(&mixed), Err(BindError::Identity(_))));
}

#[tokio::test]
async fn a_listener_that_does_not_speak_the_protocol_is_named() {
    let (id_a, id_b) = (ed25519(), ed25519());
    let foreign = foreign::listening(&id_b, b"h3");
    let a = endpoint(&id_a, Pinned::default().know(&id_b, "b"), brisk());
    let error = a.connect(foreign.local_addr().unwrap(), SNI, &name("b")).await.unwrap_err();
    assert_eq!(error.code(), "ALPN_MISMATCH");
}

#[tokio::test]
async fn a_session_opens_with_an_empty_frame_and_nothing_else() {
    let (id_a, id_b) = (ed25519(), ed25519());
    let b = endpoint(&id_b, Pinned::default().know(&id_a, "a"), brisk());
    let failures = Failures::of(&b);
    let addr = b.local_addr().unwrap();
    let (_client, connecting) = foreign::connecting(addr, Some(&id_a), ALPN);
    let connection = connecting.await.unwrap();
    let (mut send, _recv) = connection.open_bi().await.unwrap();
    // One stream, no more, until the session is open; never a unidirectional one.
    let second = tokio::time::timeout(Duration::from_millis(100), connection.open_bi()).await;
    assert!(second.is_err(), "a second stream before the session is open");
    send.write_all(&[0, 0, 0, 1, b'x']).await.unwrap();
    let quinn::ConnectionError::ApplicationClosed(close) = soon(connection.closed()).await else {
        panic!("not closed by the application");
    };
    assert_eq!(close.error_code.into_inner(), u64::from(close_code::PROTOCOL));
    assert_eq!(failures.first().await.code(), "PROTOCOL_ERROR");

    let (_client, connecting) = foreign::connecting(addr, Some(&id_a), ALPN);
    let connection = connecting.await.unwrap();
    let (mut send, mut recv) = connection.open_bi().await.unwrap();
    send.write_all(&[0; 4]).await.unwrap();
    let mut answer = [1; 4];
    recv.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, [0; 4]);
    connection.open_bi().await.unwrap();
    let uni = tokio::time::timeout(Duration::from_millis(100), connection.open_uni()).await;
    assert!(uni.is_err(), "a unidirectional stream");
    assert_eq!(connection.max_datagram_size(), None);
}

#[tokio::test]
async fn another_application_protocol_is_named() {
    let (id_a, id_b) = (ed25519(), ed25519());
    let b = endpoint(&id_b, Pinned::default().know(&id_a, "a"), brisk());
    let failures = Failures::of(&b);
    let (_client, connecting) =
        foreign::connecting(b.local_addr().unwrap(), Some(&id_a), b"tram/2");
    let Err(quinn::ConnectionError::ConnectionClosed(close)) = connecting.await else {
        panic!("connected");
    };
    assert_eq!(u64::from(close.error_code), 0x100 + 120);
    assert_eq!(failures.first().await, HandshakeError::Alpn);
}

#[tokio::test]
async fn a_dead_port_and_a_silent_one_are_told_apart() {
    let limits = TransportLimits { handshake_timeout_ms: 300, ..Default::default() };
    let pair = Pair::new(limits);
    let silent = std::net::UdpSocket::bind(loopback()).unwrap();
    let addr = silent.local_addr().unwrap();
    let error = pair.a.connect(addr, SNI, &name("b")).await.unwrap_err();
    assert_eq!(error.code(), "TIMEOUT");
    drop(silent);
    let error = pair.a.connect(addr, SNI, &name("b")).await.unwrap_err();
    assert_eq!(error.code(), "CONNECTION_REFUSED");
    let error = pair.a.connect(addr, "not a name", &name("b")).await.unwrap_err();
    assert_eq!(error.code(), "BAD_ADDRESS");
    pair.a.close("over").await;
    let error = pair.a.connect(addr, SNI, &name("b")).await.unwrap_err();
    assert_eq!(error.code(), "STOPPING", "{error}");
}

#[tokio::test]
async fn a_listener_under_load_asks_for_proof_of_address() {
    // Every handshake is "above the threshold" of none, so each goes through Retry.
    let pair = Pair::with(brisk(), TransportLimits { retry_above_handshakes: 0, ..brisk() });
    let (dialled, _accepted) = pair.open().await;
    assert_eq!(dialled.session.peer(), &name("b"));
}

#[tokio::test]
async fn a_full_node_says_busy() {
    let narrow = TransportLimits { window_total_bytes: 1 << 20, ..brisk() };
    let (id_a, id_b, id_c) = (ed25519(), ed25519(), ed25519());
    let know = Pinned::default().know(&id_b, "b");
    let (a, c) = (endpoint(&id_a, know.clone(), brisk()), endpoint(&id_c, know, brisk()));
    let b = endpoint(&id_b, Pinned::default().know(&id_a, "a").know(&id_c, "c"), narrow);
    let addr = b.local_addr().unwrap();
    let first = a.connect(addr, SNI, &name("b")).await.unwrap();
    let error = c.connect(addr, SNI, &name("b")).await.unwrap_err();
    assert_eq!(error.code(), "BUSY");
    first.session.close(close_code::CLOSED, "done");
    soon(b.accept().await.unwrap().session.closed()).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    c.connect(addr, SNI, &name("b")).await.unwrap();
}

#[tokio::test]
async fn one_session_too_many_ends_the_oldest_of_that_peer() {
    let pair = Pair::new(TransportLimits { sessions_per_peer_max: 1, ..brisk() });
    let (old, _old_accepted) = pair.open().await;
    let (new, _new_accepted) = pair.open().await;
    let reason = soon(old.session.closed()).await;
    let (CloseReason::Local { code, .. } | CloseReason::Peer { code, .. }) = reason else {
        panic!("{reason}");
    };
    assert_eq!(code, close_code::SUPERSEDED);
    assert_eq!(new.session.close_reason(), None);
}

#[tokio::test]
async fn a_renewed_certificate_is_used_from_the_next_handshake_on() {
    let (id_a, old, new) = (ed25519(), ed25519(), p256());
    let check = Pinned::default().deny(&old, "CERTIFICATE_REVOKED").know(&new, "b");
    let a = endpoint(&id_a, check, brisk());
    let b = endpoint(&old, Pinned::default().know(&id_a, "a"), brisk());
    let addr = b.local_addr().unwrap();
    assert!(a.connect(addr, SNI, &name("b")).await.is_err());
    b.set_identity(&new).unwrap();
    a.connect(addr, SNI, &name("b")).await.unwrap();
}

#[tokio::test]
async fn a_node_that_only_dials_answers_nobody() {
    let (id_a, id_b) = (ed25519(), ed25519());
    let check = Arc::new(Pinned::default().know(&id_b, "b"));
    let a = Endpoint::bind_dial_only(loopback(), &id_a, check, brisk()).unwrap();
    let b = endpoint(
        &id_b,
        Pinned::default().know(&id_a, "a"),
        TransportLimits { handshake_timeout_ms: 300, ..Default::default() },
    );
    a.connect(b.local_addr().unwrap(), SNI, &name("b")).await.unwrap();
    let error = b.connect(a.local_addr().unwrap(), SNI, &name("a")).await.unwrap_err();
    assert_eq!(error.code(), "TIMEOUT");
    a.close("done").await;
    assert!(a.accept().await.is_none());
}
