//! The server's side of TLS over TCP, for doors that clients know by HTTPS: TLS 1.2 and 1.3, by the
//! certificate of a web server, without one of the client. Sessions between nodes do not use it.

use std::future::Future;
use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::NoServerSessionStorage;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

use crate::tls::{NoClock, parse_identity, tls_error};
use crate::{BindError, Identity};

/// A certificate and its key, ready for handshakes.
#[derive(Clone)]
pub struct HttpsServer(TlsAcceptor);

impl HttpsServer {
    /// Prepares handshakes.
    ///
    /// # Errors
    /// The key is not that of the certificate, or of a kind that is not known.
    pub fn new(identity: &Identity) -> Result<Self, BindError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = parse_identity(identity, &provider)?;
        let mut config = ServerConfig::builder_with_details(provider, Arc::new(NoClock))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(tls_error)?
            .with_no_client_auth()
            .with_cert_resolver(key);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(HttpsServer(TlsAcceptor::from(Arc::new(config))))
    }

    /// Does the handshake on a connection; how long it may take is the caller's affair.
    ///
    /// # Errors
    /// The client does not speak TLS as we do, or went away.
    pub fn accept<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &self,
        stream: S,
    ) -> impl Future<
        Output = io::Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static + use<S>>,
    > + Send
    + use<S> {
        self.0.accept(stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::RootCertStore;
    use rustls_pki_types::{CertificateDer, ServerName};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_rustls::TlsConnector;

    #[tokio::test]
    async fn clients_of_either_version_get_through_and_know_whom_they_speak_to() {
        let signed =
            rcgen::generate_simple_self_signed(vec!["axis.example.vn".to_owned()]).unwrap();
        let certificate = signed.cert.der().to_vec();
        let key_pkcs8_der = signed.signing_key.serialize_der();
        let server =
            HttpsServer::new(&Identity { chain_der: vec![certificate.clone()], key_pkcs8_der })
                .unwrap();
        for version in [&TLS12, &TLS13] {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from(certificate.clone())).unwrap();
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = rustls::ClientConfig::builder_with_provider(provider)
                .with_protocol_versions(&[version])
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
            let connector = TlsConnector::from(Arc::new(config));
            for (name, known) in [("axis.example.vn", true), ("other.example.vn", false)] {
                let (near, far) = tokio::io::duplex(4096);
                let accepting = tokio::spawn(server.accept(far));
                let name = ServerName::try_from(name).unwrap();
                let Ok(mut client) = connector.connect(name, near).await else {
                    assert!(!known);
                    continue;
                };
                assert!(known);
                let mut there = accepting.await.unwrap().unwrap();
                client.write_all(b"hello").await.unwrap();
                client.flush().await.unwrap();
                let mut heard = [0; 5];
                there.read_exact(&mut heard).await.unwrap();
                assert_eq!(&heard, b"hello");
            }
        }
    }
}
