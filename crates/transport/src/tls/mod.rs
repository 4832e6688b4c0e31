//! TLS 1.3 configurations: mutual, `tram/1` only, no resumption, no early data.
//!
//! A configuration is made for each handshake, because the verdict on the peer has to find its way
//! out of rustls' callbacks: each handshake's verifier owns a slot of its own. Keys are parsed once,
//! so this costs a few microseconds of a handshake's millisecond.

mod clock;
mod outcome;
mod verifier;

use std::sync::Arc;

use quinn::crypto::rustls::{NoInitialCipherSuite, QuicClientConfig, QuicServerConfig};
use rustls::{
    client::Resumption,
    crypto::CryptoProvider,
    server::NoServerSessionStorage,
    sign::{CertifiedKey, SingleCertAndKey},
    version::TLS13,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

pub(crate) use clock::{MonotonicClock, NoClock};
pub(crate) use outcome::{alpn_agreed, failure};
pub(crate) use verifier::Verdict;

use crate::{ALPN, BindError, Identity, PeerCheck, PeerName};
use verifier::{Judge, JudgedRole};

/// The provider, our key and the checker: everything a handshake's configuration is made from.
pub(crate) struct Tls {
    provider: Arc<CryptoProvider>,
    check: Arc<dyn PeerCheck>,
    key: Arc<SingleCertAndKey>,
}

impl Tls {
    pub(crate) fn new(identity: &Identity, check: Arc<dyn PeerCheck>) -> Result<Self, BindError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = parse_identity(identity, &provider)?;
        Ok(Self { provider, check, key })
    }

    /// The same with another certificate and key.
    pub(crate) fn with_identity(&self, identity: &Identity) -> Result<Self, BindError> {
        let key = parse_identity(identity, &self.provider)?;
        Ok(Self { provider: self.provider.clone(), check: self.check.clone(), key })
    }

    /// Listener's side of one handshake.
    pub(crate) fn server(
        &self,
        verdict: &Arc<Verdict>,
    ) -> Result<Arc<QuicServerConfig>, BindError> {
        let judge = self.judge(JudgedRole::Accepted, verdict);
        let mut config =
            rustls::ServerConfig::builder_with_details(self.provider.clone(), Arc::new(NoClock))
                .with_protocol_versions(&[&TLS13])
                .map_err(tls_error)?
                .with_client_cert_verifier(Arc::new(judge))
                .with_cert_resolver(self.key.clone());
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Arc::new(QuicServerConfig::try_from(config).map_err(suite_error)?))
    }

    /// Dialler's side of one handshake.
    pub(crate) fn client(
        &self,
        expected: &PeerName,
        verdict: &Arc<Verdict>,
    ) -> Result<Arc<QuicClientConfig>, BindError> {
        let judge = self.judge(JudgedRole::Dialled(expected.clone()), verdict);
        let mut config =
            rustls::ClientConfig::builder_with_details(self.provider.clone(), Arc::new(NoClock))
                .with_protocol_versions(&[&TLS13])
                .map_err(tls_error)?
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(judge))
                .with_client_cert_resolver(self.key.clone());
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = Resumption::disabled();
        config.enable_early_data = false;
        Ok(Arc::new(QuicClientConfig::try_from(config).map_err(suite_error)?))
    }

    fn judge(&self, role: JudgedRole, verdict: &Arc<Verdict>) -> Judge {
        let algorithms = self.provider.signature_verification_algorithms;
        Judge::new(self.check.clone(), role, verdict.clone(), algorithms)
    }
}

pub(crate) fn parse_identity(
    identity: &Identity,
    provider: &CryptoProvider,
) -> Result<Arc<SingleCertAndKey>, BindError> {
    if identity.chain_der.is_empty() {
        return Err(BindError::Identity("no certificate".to_owned()));
    }
    let chain = identity.chain_der.iter().map(|der| CertificateDer::from(der.clone())).collect();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key_pkcs8_der.clone()));
    // Also compares the key with the certificate.
    let certified = CertifiedKey::from_der(chain, key, provider)
        .map_err(|error| BindError::Identity(error.to_string()))?;
    Ok(Arc::new(SingleCertAndKey::from(certified)))
}

pub(crate) fn tls_error(error: rustls::Error) -> BindError {
    BindError::Tls(error.to_string())
}

fn suite_error(error: NoInitialCipherSuite) -> BindError {
    BindError::Tls(error.to_string())
}
