//! Certificates, checkers and wires for the transport's tests.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, SignatureAlgorithm};
use tokio::net::UdpSocket;
use tram_transport::{
    Denied, Endpoint, HandshakeError, Identity, Opened, PeerCheck, PeerName, Role, TransportLimits,
};

pub(crate) const SNI: &str = "n1.03.12.h41.node.alt";

pub(crate) fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

pub(crate) fn name(text: &str) -> PeerName {
    PeerName::new(text)
}

fn certificate(algorithm: &'static SignatureAlgorithm) -> Identity {
    let key = KeyPair::generate_for(algorithm).unwrap();
    let params = CertificateParams::new(vec![SNI.to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Identity { chain_der: vec![certificate.der().to_vec()], key_pkcs8_der: key.serialize_der() }
}

pub(crate) fn ed25519() -> Identity {
    certificate(&PKCS_ED25519)
}

pub(crate) fn p256() -> Identity {
    certificate(&PKCS_ECDSA_P256_SHA256)
}

/// Knows certificates by their octets. Everything else is `UNKNOWN_CERTIFICATE`.
#[derive(Default, Clone)]
pub(crate) struct Pinned(BTreeMap<Vec<u8>, Result<PeerName, Denied>>);

impl Pinned {
    pub(crate) fn know(mut self, identity: &Identity, peer: &str) -> Self {
        self.0.insert(identity.chain_der[0].clone(), Ok(name(peer)));
        self
    }

    pub(crate) fn deny(mut self, identity: &Identity, code: &'static str) -> Self {
        let denied = Denied { code, detail: "for our operator only".to_owned() };
        self.0.insert(identity.chain_der[0].clone(), Err(denied));
        self
    }
}

impl PeerCheck for Pinned {
    fn check(&self, chain_der: &[Vec<u8>], _role: Role<'_>) -> Result<PeerName, Denied> {
        self.0.get(&chain_der[0]).cloned().unwrap_or_else(|| {
            Err(Denied { code: "UNKNOWN_CERTIFICATE", detail: "not pinned".to_owned() })
        })
    }
}

pub(crate) fn endpoint(identity: &Identity, check: Pinned, limits: TransportLimits) -> Endpoint {
    Endpoint::bind(loopback(), identity, Arc::new(check), limits).unwrap()
}

/// Lets a test fail instead of hang.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(10), future).await.expect("this takes too long")
}

/// Two endpoints that know each other as `a` and `b`.
pub(crate) struct Pair {
    pub(crate) a: Endpoint,
    pub(crate) b: Endpoint,
}

impl Pair {
    pub(crate) fn new(limits: TransportLimits) -> Self {
        Self::with(limits.clone(), limits)
    }

    pub(crate) fn with(limits_a: TransportLimits, limits_b: TransportLimits) -> Self {
        let (id_a, id_b) = (ed25519(), p256());
        let a = endpoint(&id_a, Pinned::default().know(&id_b, "b"), limits_a);
        let b = endpoint(&id_b, Pinned::default().know(&id_a, "a"), limits_b);
        Self { a, b }
    }

    /// `a` dials `b`.
    pub(crate) async fn open(&self) -> (Opened, Opened) {
        self.open_through(self.b.local_addr().unwrap()).await
    }

    pub(crate) async fn open_through(&self, addr: SocketAddr) -> (Opened, Opened) {
        let b = name("b");
        let (dialled, accepted) = tokio::join!(self.a.connect(addr, SNI, &b), self.b.accept());
        (dialled.unwrap(), accepted.unwrap())
    }
}

/// Handshake failures an endpoint reported.
#[derive(Clone, Default)]
pub(crate) struct Failures(Arc<Mutex<Vec<HandshakeError>>>);

impl Failures {
    pub(crate) fn of(endpoint: &Endpoint) -> Self {
        let failures = Self::default();
        let seen = failures.clone();
        endpoint.on_handshake_failure(move |_, error| seen.0.lock().unwrap().push(error.clone()));
        failures
    }

    pub(crate) async fn first(&self) -> HandshakeError {
        for _ in 0..500 {
            if let Some(error) = self.0.lock().unwrap().first() {
                return error.clone();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no failure was reported");
    }
}

/// A wire to `to` that can be cut.
pub(crate) struct Wire {
    pub(crate) addr: SocketAddr,
    cut: Arc<AtomicBool>,
}

impl Wire {
    pub(crate) async fn to(to: SocketAddr) -> Self {
        let (front, back) = tokio::join!(UdpSocket::bind(loopback()), UdpSocket::bind(loopback()));
        let (front, back) = (front.unwrap(), back.unwrap());
        let addr = front.local_addr().unwrap();
        let cut = Arc::new(AtomicBool::new(false));
        let is_cut = cut.clone();
        tokio::spawn(async move {
            let (mut out, mut back_in) = (vec![0; 65_536], vec![0; 65_536]);
            let mut from = None;
            loop {
                tokio::select! {
                    Ok((n, addr)) = front.recv_from(&mut out) => {
                        // Not the dialler's one-octet probe, which comes from another port.
                        if n > 1 {
                            from = Some(addr);
                        }
                        if !is_cut.load(Ordering::Relaxed) {
                            back.send_to(&out[..n], to).await.unwrap();
                        }
                    }
                    Ok((n, _)) = back.recv_from(&mut back_in) => {
                        if let (Some(from), false) = (from, is_cut.load(Ordering::Relaxed)) {
                            front.send_to(&back_in[..n], from).await.unwrap();
                        }
                    }
                }
            }
        });
        Self { addr, cut }
    }

    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }
}

/// A client of quinn's own making, for what our endpoint would never do.
pub(crate) mod foreign {
    use super::*;
    use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
    use rustls::{
        crypto::ring::default_provider,
        sign::{CertifiedKey, SingleCertAndKey},
        version::TLS13,
    };
    use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
    use tram_transport::fixtures::Gullible;

    pub(crate) fn connecting(
        to: SocketAddr,
        identity: Option<&Identity>,
        alpn: &[u8],
    ) -> (quinn::Endpoint, quinn::Connecting) {
        let builder = rustls::ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Gullible));
        let mut tls = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder.with_client_cert_resolver(unchecked(identity)),
        };
        tls.alpn_protocols = vec![alpn.to_vec()];
        tls.enable_early_data = true;
        let config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()));
        let endpoint = quinn::Endpoint::client(loopback()).unwrap();
        let connecting = endpoint.connect_with(config, to, SNI).unwrap();
        (endpoint, connecting)
    }

    /// A listener that takes any client, and hands out `identity`.
    pub(crate) fn listening(identity: &Identity, alpn: &[u8]) -> quinn::Endpoint {
        let mut tls = rustls::ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(unchecked(identity));
        tls.alpn_protocols = vec![alpn.to_vec()];
        let tls = QuicServerConfig::try_from(tls).unwrap();
        let config = quinn::ServerConfig::with_crypto(Arc::new(tls));
        let endpoint = quinn::Endpoint::server(config, loopback()).unwrap();
        let listener = endpoint.clone();
        tokio::spawn(async move {
            let mut kept = Vec::new();
            while let Some(incoming) = listener.accept().await {
                kept.push(incoming.await);
            }
        });
        endpoint
    }

    /// Certificate and key without asking whether they belong together.
    fn unchecked(identity: &Identity) -> Arc<SingleCertAndKey> {
        let chain = identity.chain_der.iter().cloned().map(CertificateDer::from).collect();
        let key = PrivatePkcs8KeyDer::from(identity.key_pkcs8_der.clone());
        let key = default_provider().key_provider.load_private_key(PrivateKeyDer::Pkcs8(key));
        Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key.unwrap())))
    }
}
