//! Mutual TLS over TCP, for systems that are no nodes: TLS 1.2 and 1.3, with certificates of whatever
//! authority. Sessions between nodes do not use it.
//!
//! Here the other end proves that it holds the key of the certificate it shows. Whether the certificate is
//! worth anything is for whoever gets the chain: so a caller can be told what is wrong with it, in words
//! that no alert of TLS has.

use std::io;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, UnixTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

use crate::tls::{NoClock, parse_identity, tls_error};
use crate::{BindError, Identity};

/// The protocol that is spoken inside.
pub(crate) const HTTP: &[u8] = b"http/1.1";

/// A certificate and its key, ready for handshakes in which the other end is asked for one too.
#[derive(Clone)]
pub struct MutualServer(TlsAcceptor);

impl MutualServer {
    /// Prepares handshakes. The names of `authorities_der` are told to clients, many of which choose a
    /// certificate by them; nothing is verified against them here.
    ///
    /// # Errors
    /// The key is not that of the certificate, or of a kind that is not known; an authority is no
    /// certificate.
    pub fn new(identity: &Identity, authorities_der: &[Vec<u8>]) -> Result<Self, BindError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = parse_identity(identity, &provider)?;
        let possession = Possession::new(&provider, authorities_der)?;
        let mut config = ServerConfig::builder_with_details(provider, Arc::new(NoClock))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(tls_error)?
            .with_client_cert_verifier(Arc::new(possession))
            .with_cert_resolver(key);
        config.alpn_protocols = vec![HTTP.to_vec()];
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(MutualServer(TlsAcceptor::from(Arc::new(config))))
    }

    /// Does the handshake on a connection, and gives what is said and the certificates shown (DER, the
    /// other end's own first; empty if it showed none). How long it may take is the caller's affair.
    ///
    /// # Errors
    /// The other end does not speak TLS as we do, does not hold the key, or went away.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &self,
        stream: S,
    ) -> io::Result<(impl AsyncRead + AsyncWrite + Unpin + Send + 'static + use<S>, Vec<Vec<u8>>)>
    {
        let stream = self.0.accept(stream).await?;
        let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let chain_der = shown.iter().map(|der| der.as_ref().to_vec()).collect();
        Ok((stream, chain_der))
    }
}

/// Asks for a certificate, takes any, and sees that its key is held.
#[derive(Debug)]
struct Possession {
    algorithms: WebPkiSupportedAlgorithms,
    names: Vec<DistinguishedName>,
}

impl Possession {
    fn new(provider: &CryptoProvider, authorities_der: &[Vec<u8>]) -> Result<Self, BindError> {
        let mut authorities = RootCertStore::empty();
        for der in authorities_der {
            authorities.add(CertificateDer::from(der.as_slice())).map_err(tls_error)?;
        }
        Ok(Possession {
            algorithms: provider.signature_verification_algorithms,
            names: authorities.subjects(),
        })
    }
}

impl ClientCertVerifier for Possession {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.names
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HttpsClient;
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use rustls::ClientConfig;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_rustls::TlsConnector;

    const NOW_S: u64 = 1_795_248_000;

    fn made(name: &str) -> (Vec<u8>, Identity) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let der = cert.der().to_vec();
        let key_pkcs8_der = signing_key.serialize_der();
        (der.clone(), Identity { chain_der: vec![der], key_pkcs8_der })
    }

    #[tokio::test]
    async fn both_ends_know_whom_they_speak_to_and_one_without_a_certificate_shows_none() {
        let (server_der, server) = made("tram.example.vn");
        let (client_der, client) = made("van-phong");
        let door = MutualServer::new(&server, std::slice::from_ref(&client_der)).unwrap();
        for (identity, expected) in [(Some(&client), vec![client_der.clone()]), (None, Vec::new())]
        {
            let anchors = std::slice::from_ref(&server_der);
            let dialler = HttpsClient::new(identity, anchors, NOW_S).unwrap();
            let (near, far) = tokio::io::duplex(4096);
            let there = door.clone();
            let accepting = tokio::spawn(async move {
                let (mut stream, chain) = there.accept(far).await.unwrap();
                let mut heard = [0; 5];
                stream.read_exact(&mut heard).await.unwrap();
                assert_eq!(&heard, b"hello");
                stream.write_all(b"bye").await.unwrap();
                stream.flush().await.unwrap();
                (stream, chain)
            });
            let mut stream = dialler.connect("tram.example.vn", near).await.unwrap();
            stream.write_all(b"hello").await.unwrap();
            stream.flush().await.unwrap();
            let mut heard = [0; 3];
            stream.read_exact(&mut heard).await.unwrap();
            assert_eq!(&heard, b"bye");
            assert_eq!(accepting.await.unwrap().1, expected);
        }
        let (near, far) = tokio::io::duplex(4096);
        let there = door.clone();
        let accepting = tokio::spawn(async move { there.accept(far).await.is_err() });
        let other = HttpsClient::new(None, std::slice::from_ref(&server_der), NOW_S).unwrap();
        assert!(other.connect("khac.example.vn", near).await.is_err());
        assert!(accepting.await.unwrap());
    }

    /// Shows a certificate and signs with another key.
    #[tokio::test]
    async fn who_does_not_hold_the_key_gets_no_session_in_either_version() {
        use rustls::client::ResolvesClientCert;
        use rustls::sign::CertifiedKey as Certified;

        #[derive(Debug)]
        struct Thief(Arc<Certified>);
        impl ResolvesClientCert for Thief {
            fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<Certified>> {
                Some(self.0.clone())
            }
            fn has_certs(&self) -> bool {
                true
            }
        }

        let (server_der, server) = made("tram.example.vn");
        let (victim_der, _) = made("van-phong");
        let (_, own) = made("ke-gian");
        let door = MutualServer::new(&server, &[]).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = rustls_pki_types::PrivatePkcs8KeyDer::from(own.key_pkcs8_der);
        let key = provider.key_provider.load_private_key(key.into()).unwrap();
        let thief = Thief(Arc::new(Certified::new(vec![CertificateDer::from(victim_der)], key)));
        let thief = Arc::new(thief);
        for version in [&TLS12, &TLS13] {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from(server_der.clone())).unwrap();
            let config = ClientConfig::builder_with_provider(provider.clone())
                .with_protocol_versions(&[version])
                .unwrap()
                .with_root_certificates(roots)
                .with_client_cert_resolver(thief.clone());
            let (near, far) = tokio::io::duplex(4096);
            let there = door.clone();
            let accepting = tokio::spawn(async move { there.accept(far).await.is_err() });
            let name = rustls_pki_types::ServerName::try_from("tram.example.vn").unwrap();
            let connected = TlsConnector::from(Arc::new(config)).connect(name, near).await;
            if let Ok(mut stream) = connected {
                let mut nothing = Vec::new();
                assert!(stream.read_to_end(&mut nothing).await.is_err());
            }
            assert!(accepting.await.unwrap(), "{version:?}");
        }
    }
}
