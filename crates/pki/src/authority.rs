//! Authorities: they sign authorities below them, node and seal certificates, and revocation
//! lists, and refuse what verifiers would refuse.

use rcgen::{CertificateParams, Issuer, KeyPair, SubjectPublicKeyInfo};
use rustls_pki_types::CertificateDer;
use tram_crypto::Entropy;
use tram_dispatch::limits::CHAIN_CERTIFICATES_MAX;

use crate::key::Key;
use crate::name::{Subtree, within};
use crate::request::{Asked, Request};
use crate::show::{self, CertificateInfo, read_certificate};
use crate::{PkiError, Serial, Validity, profile};

/// Switches for [`Authority::issue`] and [`Authority::issue_authority`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IssueOptions {
    /// Signs a name outside the authority's own constraints. Verifiers refuse the result: this
    /// exists to show that they do, and for tests of them.
    pub allow_outside_constraints: bool,
}

/// A key that signs certificates, with its own certificate and those above it.
#[derive(Debug)]
pub struct Authority {
    key: Key,
    chain: Vec<Vec<u8>>,
    infos: Vec<CertificateInfo>,
}

impl Authority {
    /// A new root: self-signed, without name constraints (verifiers take it as a trust anchor
    /// and do not read any), with at most `path_len` levels of authorities below it.
    ///
    /// # Errors
    /// [`PkiError::CommonName`], [`PkiError::EmptyValidity`], [`PkiError::Entropy`],
    /// [`PkiError::Encode`].
    pub fn new_root(
        common_name: &str,
        key: Key,
        validity: Validity,
        path_len: Option<u8>,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, PkiError> {
        let mut params = profile::authority(common_name, None, path_len)?;
        profile::issued(&mut params, validity, &Serial::random(entropy)?)?;
        let der = params.self_signed(key.pair())?.der().to_vec();
        Self::from_parts(key, vec![der])
    }

    /// An authority from its key and its chain: own certificate first, then each issuer in
    /// order; the root may be left out.
    ///
    /// # Errors
    /// [`PkiError::KeyMismatch`], [`PkiError::NotAuthority`], [`PkiError::ChainOrder`],
    /// [`PkiError::ChainLength`], and those of [`read_certificate`].
    pub fn from_parts(key: Key, chain: Vec<Vec<u8>>) -> Result<Self, PkiError> {
        if chain.is_empty() || chain.len() > CHAIN_CERTIFICATES_MAX {
            return Err(PkiError::ChainLength(chain.len()));
        }
        let infos: Vec<CertificateInfo> =
            chain.iter().map(|der| read_certificate(der)).collect::<Result<_, _>>()?;
        if infos[0].spki != key.spki_der() {
            return Err(PkiError::KeyMismatch);
        }
        for info in &infos {
            if !info.is_authority || !info.key_usage.contains(&"keyCertSign") {
                return Err(PkiError::NotAuthority(info.subject.clone(), "certificates"));
            }
        }
        for (i, pair) in chain.windows(2).enumerate() {
            let (child, issuer) = (show::parse(&pair[0])?, show::parse(&pair[1])?);
            if child.issuer().as_raw() != issuer.subject().as_raw()
                || child.verify_signature(Some(issuer.public_key())).is_err()
            {
                return Err(PkiError::ChainOrder(infos[i].subject.clone()));
            }
        }
        Ok(Authority { key, chain, infos })
    }

    /// Makes an authority below this one. Its path length is one less than this one's, unless a
    /// smaller one is given.
    ///
    /// # Errors
    /// As [`Authority::issue_authority`].
    pub fn new_subordinate(
        &self,
        common_name: &str,
        key: Key,
        subtree: &Subtree,
        validity: Validity,
        path_len: Option<u8>,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, PkiError> {
        let request = Request::for_authority(common_name, &key)?;
        let options = IssueOptions::default();
        let (request, name) = (&request, common_name);
        let der =
            self.issue_authority(request, name, subtree, validity, path_len, entropy, options)?;
        Self::from_parts(key, self.chain_of(&der))
    }

    /// Signs the certificate of an authority below this one, DER. `common_name` must be its own
    /// within the network: revocation lists are found by it.
    ///
    /// # Errors
    /// [`PkiError::OtherPurpose`], [`PkiError::OutsideConstraints`], [`PkiError::PathLength`],
    /// [`PkiError::ChainLength`], [`PkiError::OutlivesIssuer`], [`PkiError::EmptyValidity`],
    /// [`PkiError::CommonName`], [`PkiError::Opaque`], [`PkiError::Entropy`],
    /// [`PkiError::Encode`].
    #[allow(clippy::too_many_arguments)]
    pub fn issue_authority(
        &self,
        request: &Request,
        common_name: &str,
        subtree: &Subtree,
        validity: Validity,
        path_len: Option<u8>,
        entropy: &mut dyn Entropy,
        options: IssueOptions,
    ) -> Result<Vec<u8>, PkiError> {
        if *request.asked() != Asked::Authority {
            let found = "a node or seal certificate";
            return Err(PkiError::OtherPurpose { found, expected: "an authority" });
        }
        // The new authority's certificate and one leaf come before this chain.
        let length = self.chain_without_root().len() + 2;
        if length > CHAIN_CERTIFICATES_MAX {
            return Err(PkiError::ChainLength(length));
        }
        let path_len = self.path_len_below(path_len)?;
        for name in subtree.permitted()? {
            self.permits(&name, options)?;
        }
        let mut params = profile::authority(common_name, Some(subtree), path_len)?;
        self.sign(&mut params, request, validity, entropy)
    }

    /// Signs a node or seal certificate, DER.
    ///
    /// # Errors
    /// [`PkiError::OtherPurpose`], [`PkiError::OutsideConstraints`], [`PkiError::OutlivesIssuer`],
    /// [`PkiError::EmptyValidity`], [`PkiError::Entropy`], [`PkiError::Encode`].
    pub fn issue(
        &self,
        request: &Request,
        validity: Validity,
        entropy: &mut dyn Entropy,
        options: IssueOptions,
    ) -> Result<Vec<u8>, PkiError> {
        let Asked::For(subject) = request.asked() else {
            let (found, expected) = ("an authority", "a node or seal certificate");
            return Err(PkiError::OtherPurpose { found, expected });
        };
        self.permits(&subject.dns_name()?, options)?;
        self.sign(&mut profile::leaf(subject)?, request, validity, entropy)
    }

    fn sign(
        &self,
        params: &mut CertificateParams,
        request: &Request,
        validity: Validity,
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<u8>, PkiError> {
        let limit = self.info().not_after;
        if validity.not_after.secs() > limit.secs() {
            return Err(PkiError::OutlivesIssuer { asked: validity.not_after, limit });
        }
        if self.infos.iter().any(|info| info.spki == request.spki_der()) {
            return Err(PkiError::KeyNotAccepted("it is the key of an authority".into()));
        }
        profile::issued(params, validity, &Serial::random(entropy)?)?;
        let public_key = SubjectPublicKeyInfo::from_der(request.spki_der())?;
        let der = params.signed_by(&public_key, &self.issuer()?)?.der().to_vec();
        // The encoder wrote the key anew; it must be the one that was asked for.
        if read_certificate(&der)?.spki != request.spki_der() {
            return Err(PkiError::KeyNotAccepted("it cannot be written unchanged".into()));
        }
        Ok(der)
    }

    fn path_len_below(&self, asked: Option<u8>) -> Result<Option<u8>, PkiError> {
        let Some(own) = self.info().path_len else { return Ok(asked) };
        let own = u8::try_from(own).unwrap_or(u8::MAX);
        let below = asked.or(own.checked_sub(1));
        match below {
            Some(below) if below < own => Ok(Some(below)),
            _ => Err(PkiError::PathLength {
                authority: self.info().subject.clone(),
                allowed: own,
                asked: u16::from(below.unwrap_or(0)) + 1,
            }),
        }
    }

    /// Whether a dNSName keeps the constraints of this authority and of all above it.
    fn permits(&self, name: &str, options: IssueOptions) -> Result<(), PkiError> {
        if options.allow_outside_constraints {
            return Ok(());
        }
        for info in &self.infos {
            let dns = |list: &[String]| list.iter().any(|base| within(name, base));
            let constrained = !info.permitted.is_empty();
            if (constrained && !dns(&info.permitted)) || dns(&info.excluded) {
                return Err(PkiError::OutsideConstraints {
                    name: name.to_owned(),
                    authority: info.subject.clone(),
                    permitted: info.permitted.join(", "),
                });
            }
        }
        Ok(())
    }

    pub(crate) fn issuer(&self) -> Result<Issuer<'static, &KeyPair>, PkiError> {
        let certificate = CertificateDer::from(self.chain[0].as_slice());
        Ok(Issuer::from_ca_cert_der(&certificate, self.key.pair())?)
    }

    /// What the authority's own certificate says.
    #[must_use]
    pub fn info(&self) -> &CertificateInfo {
        &self.infos[0]
    }

    /// The authority's own certificate, DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.chain[0]
    }

    /// The authority's key, to be written to a file.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Own certificate, then its issuers, root last if known.
    #[must_use]
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// The chain without a self-signed root: what travels with certificates, since verifiers
    /// hold the root themselves.
    #[must_use]
    pub fn chain_without_root(&self) -> &[Vec<u8>] {
        let rootless = self.infos.iter().filter(|info| !info.self_signed).count();
        &self.chain[..rootless]
    }

    /// The chain of a certificate this authority signed, for an authority's file: with the root.
    #[must_use]
    pub fn chain_of(&self, certificate: &[u8]) -> Vec<Vec<u8>> {
        let mut chain = vec![certificate.to_vec()];
        chain.extend_from_slice(&self.chain);
        chain
    }

    /// The chain of a certificate this authority signed, as nodes present it: without the root.
    #[must_use]
    pub fn presented_chain_of(&self, certificate: &[u8]) -> Vec<Vec<u8>> {
        let mut chain = vec![certificate.to_vec()];
        chain.extend_from_slice(self.chain_without_root());
        chain
    }
}
