//! A sealed dispatch: the envelope signed by its originator, as COSE_Sign1.

use std::ops::Range;
use std::sync::Arc;

use minicbor::Decoder;
use tram_crypto::{Algorithm, sha256};
use tram_dispatch::limits::{CERTIFICATE_BYTES_MAX, CHAIN_CERTIFICATES_MAX, DISPATCH_BYTES_MAX};
use tram_dispatch::{Digest, DispatchId, Envelope};

use crate::cbor::{self, Writer, array, finish, header};
use crate::cose::{ALG, EMPTY_MAP, Sign1, TYP, TYP_DISPATCH, X5CHAIN, label, sig_structure};
use crate::fields::{algorithm, bytes_max};
use crate::{WireError, envelope};

/// A sealed dispatch, parsed and *not* verified. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedDispatch(Arc<Inner>);

#[derive(Debug, PartialEq, Eq)]
struct Inner {
    raw: Arc<[u8]>,
    envelope: Envelope,
    algorithm: Algorithm,
    chain: Vec<Vec<u8>>,
    protected: Range<usize>,
    payload: Range<usize>,
    signature: Range<usize>,
    id: DispatchId,
    object: Digest,
}

/// Where a part lies in the bytes it was cut from.
fn place(whole: &[u8], part: &[u8]) -> Range<usize> {
    let start = part.as_ptr() as usize - whole.as_ptr() as usize;
    start..start + part.len()
}

/// Why a dispatch could not be sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError<E> {
    /// The envelope or the chain breaks a rule or a limit.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The key provider failed.
    #[error("the key provider could not sign: {0}")]
    Sign(E),
}

impl SealedDispatch {
    /// Reads a sealed dispatch: a tagged COSE_Sign1 of at most [`DISPATCH_BYTES_MAX`] bytes whose payload
    /// is an envelope.
    ///
    /// # Errors
    /// `NotCanonical`, `TooLarge`, `Malformed`.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let sign1 = Sign1::parse(bytes, DISPATCH_BYTES_MAX)?;
        if sign1.unprotected != EMPTY_MAP {
            return Err(WireError::malformed("the unprotected header must be empty"));
        }
        let payload = sign1.payload.ok_or_else(|| WireError::malformed("no payload"))?;
        let header =
            read_header(sign1.protected, TYP_DISPATCH).map_err(|e| e.within("protected header"))?;
        let envelope = envelope::decode(payload)?;
        let to_be_signed = sig_structure(sign1.protected, envelope.network.as_bytes(), payload);
        Ok(SealedDispatch(Arc::new(Inner {
            raw: bytes.into(),
            algorithm: header.algorithm,
            chain: header.chain,
            id: DispatchId(sha256(&to_be_signed)),
            object: Digest(sha256(bytes)),
            protected: place(bytes, sign1.protected),
            payload: place(bytes, payload),
            signature: place(bytes, sign1.signature),
            envelope,
        })))
    }

    /// Seals an envelope. `chain` is DER, leaf first; `sign` gets the to-be-signed bytes and gives the
    /// signature in COSE form (ECDSA: r‖s).
    ///
    /// # Errors
    /// [`SealError::Wire`] if the result would not parse, [`SealError::Sign`] if `sign` failed.
    pub fn seal<E>(
        envelope: &Envelope,
        chain: &[Vec<u8>],
        algorithm: Algorithm,
        sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
    ) -> Result<Self, SealError<E>> {
        let payload = envelope::encode_checked(envelope)?;
        let protected = write_header(TYP_DISPATCH, algorithm, chain);
        // Whatever is over a limit is told before a key is used.
        read_header(&protected, TYP_DISPATCH)?;
        let to_be_signed = sig_structure(&protected, envelope.network.as_bytes(), &payload);
        let signature = sign(&to_be_signed).map_err(SealError::Sign)?;
        let sign1 = Sign1 {
            protected: &protected,
            unprotected: EMPTY_MAP,
            payload: Some(&payload),
            signature: &signature,
        };
        Ok(Self::parse(&sign1.encode())?)
    }

    /// The bytes as received.
    pub fn raw(&self) -> &Arc<[u8]> {
        &self.0.raw
    }

    /// What was signed, parsed.
    pub fn envelope(&self) -> &Envelope {
        &self.0.envelope
    }

    /// The algorithm that the protected header claims.
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// The certificates that came along, DER, leaf first.
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.0.chain
    }

    /// The bytes the signature is over: the COSE `Sig_structure` with the network id as external data.
    /// Put together anew at each call, since a held dispatch should be small.
    pub fn to_be_signed(&self) -> Vec<u8> {
        let network = self.0.envelope.network;
        sig_structure(self.part(&self.0.protected), network.as_bytes(), self.part(&self.0.payload))
    }

    /// The signature.
    pub fn signature(&self) -> &[u8] {
        self.part(&self.0.signature)
    }

    fn part(&self, place: &Range<usize>) -> &[u8] {
        self.0.raw.get(place.clone()).unwrap_or_default()
    }

    /// SHA-256 of the to-be-signed bytes: does not depend on the signature's random part.
    pub fn id(&self) -> DispatchId {
        self.0.id
    }

    /// SHA-256 of the whole object as received.
    pub fn object(&self) -> Digest {
        self.0.object
    }
}

/// The protected header of what an agency seals.
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    pub(crate) chain: Vec<Vec<u8>>,
}

pub(crate) fn write_header(typ: &str, algorithm: Algorithm, chain: &[Vec<u8>]) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(3).int(ALG).int(algorithm.cose_id()).int(TYP).text(typ).int(X5CHAIN);
    // RFC 9360: one certificate is a byte string, several are an array of them.
    if chain.len() != 1 {
        w.array(chain.len());
    }
    chain.iter().for_each(|certificate| _ = w.bytes(certificate));
    w.finish()
}

pub(crate) fn read_header(protected: &[u8], typ: &str) -> Result<Header, WireError> {
    cbor::check(protected, DISPATCH_BYTES_MAX)?;
    let mut d = Decoder::new(protected);
    if header(d.map()?)? != 3 {
        return Err(WireError::malformed("exactly alg, typ and x5chain are needed"));
    }
    label(&mut d, ALG)?;
    let algorithm = algorithm(&mut d)?;
    label(&mut d, TYP)?;
    if d.str()? != typ {
        return Err(WireError::malformed(format_args!("typ is not {typ}")));
    }
    label(&mut d, X5CHAIN)?;
    let chain = if d.datatype()? == minicbor::data::Type::Bytes {
        vec![certificate(&mut d)?]
    } else {
        array(&mut d, 2, CHAIN_CERTIFICATES_MAX, "certificates", certificate)?
    };
    finish(&d)?;
    Ok(Header { algorithm, chain })
}

fn certificate(d: &mut Decoder<'_>) -> Result<Vec<u8>, WireError> {
    let der = bytes_max(d, CERTIFICATE_BYTES_MAX).map_err(|e| e.within("certificate"))?;
    if der.is_empty() { Err(WireError::malformed("an empty certificate")) } else { Ok(der) }
}
