//! rustls' certificate callbacks, delegated to the [`PeerCheck`].

use std::{
    error::Error as StdError,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::{Denied, PeerCheck, PeerName, Role, code};

/// Written before the code in the close reason, so that the other side finds it.
pub(super) const CODE_MARK: &str = "code=";

/// What the checker said in one handshake.
#[derive(Default)]
pub(crate) struct Verdict(Mutex<Option<Result<PeerName, Denied>>>);

impl Verdict {
    /// The peer's name, if it was accepted.
    pub(crate) fn name(&self) -> Option<PeerName> {
        self.read(|verdict| verdict.as_ref().ok().cloned())
    }

    /// The denial, if it was not.
    pub(crate) fn denied(&self) -> Option<Denied> {
        self.read(|verdict| verdict.as_ref().err().cloned())
    }

    fn read<T>(&self, f: impl FnOnce(&Result<PeerName, Denied>) -> Option<T>) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(f)
    }

    fn set(&self, verdict: Result<PeerName, Denied>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict);
    }
}

/// [`Role`] with its own copy of the name.
pub(super) enum JudgedRole {
    Dialled(PeerName),
    Accepted,
}

/// The verifier of one handshake, for either side.
pub(super) struct Judge {
    check: Arc<dyn PeerCheck>,
    role: JudgedRole,
    verdict: Arc<Verdict>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Judge {
    pub(super) fn new(
        check: Arc<dyn PeerCheck>,
        role: JudgedRole,
        verdict: Arc<Verdict>,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self { check, role, verdict, algorithms }
    }

    fn judge(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
    ) -> Result<(), Error> {
        let chain: Vec<Vec<u8>> = std::iter::once(end_entity)
            .chain(intermediates)
            .map(|certificate| certificate.as_ref().to_vec())
            .collect();
        let verdict = match &self.role {
            JudgedRole::Accepted => self.check.check(&chain, Role::Accepted),
            // A checker that forgets to compare the name must not let another node in.
            JudgedRole::Dialled(expected) => {
                self.check.check(&chain, Role::Dialled { expected }).and_then(|name| {
                    if name == *expected {
                        return Ok(name);
                    }
                    let detail = format!("the certificate names {name}");
                    Err(Denied { code: code::PEER_NAME_MISMATCH, detail })
                })
            }
        };
        let result = match &verdict {
            Ok(_) => Ok(()),
            Err(denied) => {
                let cause = OtherError(Arc::new(CodeOnly(denied.code)));
                Err(Error::InvalidCertificate(CertificateError::Other(cause)))
            }
        };
        self.verdict.set(verdict);
        result
    }

    fn possession(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.judge(end_entity, intermediates).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.possession(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Judge {
    fn client_auth_mandatory(&self) -> bool {
        true
    }

    // No hints: the dialler has one certificate, and our list of anchors is nobody's business.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.judge(end_entity, intermediates).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.possession(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge").finish_non_exhaustive()
    }
}

fn tls12() -> Error {
    Error::General("TLS 1.2 is not spoken here".to_owned())
}

/// The denial as rustls writes it into the close reason: the code and no detail, because whoever
/// is outside the door may learn what is wrong with his certificate, but not what we know.
struct CodeOnly(&'static str);

impl fmt::Display for CodeOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{CODE_MARK}{}", self.0)
    }
}

// rustls prints some errors with Debug; the mark must survive that too.
impl fmt::Debug for CodeOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StdError for CodeOnly {}
