//! The client's side of TLS over TCP: for commands that reach a node on another machine.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::Resumption;
use rustls::time_provider::TimeProvider;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use crate::mutual::HTTP;
use crate::tls::{parse_identity, tls_error};
use crate::{BindError, Identity};

/// Whom to believe, and what to show.
#[derive(Clone)]
pub struct HttpsClient(TlsConnector);

/// The moment at which certificates are judged.
#[derive(Debug)]
struct At(u64);

impl TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.0)))
    }
}

impl HttpsClient {
    /// Prepares sessions with servers whose certificates lead to one of `anchors_der` and are valid at
    /// `now_s` (seconds since 1970). Shows `identity` where there is one and the server asks.
    ///
    /// # Errors
    /// An anchor is no certificate; the key is not that of the certificate.
    pub fn new(
        identity: Option<&Identity>,
        anchors_der: &[Vec<u8>],
        now_s: u64,
    ) -> Result<Self, BindError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        for der in anchors_der {
            roots.add(CertificateDer::from(der.as_slice())).map_err(tls_error)?;
        }
        let own = identity.map(|identity| parse_identity(identity, &provider)).transpose()?;
        let builder = ClientConfig::builder_with_details(provider, Arc::new(At(now_s)))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(tls_error)?
            .with_root_certificates(roots);
        let mut config = match own {
            Some(own) => builder.with_client_cert_resolver(own),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![HTTP.to_vec()];
        config.resumption = Resumption::disabled();
        config.enable_early_data = false;
        Ok(HttpsClient(TlsConnector::from(Arc::new(config))))
    }

    /// Does the handshake with a server of this name (of DNS, or an IP address).
    ///
    /// # Errors
    /// It is not a name; the server is another, or does not speak TLS as we do.
    pub async fn connect<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &self,
        name: &str,
        stream: S,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static + use<S>> {
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        self.0.connect(name, stream).await
    }
}
