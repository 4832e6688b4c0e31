//! What agencies seal, as COSE_Sign1: dispatches, and the statements that speak of them.

use std::ops::Range;
use std::sync::Arc;

use minicbor::Decoder;
use tram_crypto::{Algorithm, sha256};
use tram_dispatch::limits::{CERTIFICATE_BYTES_MAX, CHAIN_CERTIFICATES_MAX, DISPATCH_BYTES_MAX};
use tram_dispatch::{AgencyCode, Digest, DispatchId, Envelope, NetworkId};

use crate::cbor::{self, Writer, array, finish, header};
use crate::cose::{ALG, EMPTY_MAP, Sign1, TYP, TYP_DISPATCH, X5CHAIN, label, sig_structure};
use crate::fields::{algorithm, bytes_max};
use crate::{WireError, envelope};

/// What an agency seals: the payload of a COSE_Sign1 with its own `typ`.
pub trait Sealable: Sized {
    /// The `typ` in the protected header (RFC 9596).
    const TYP: &'static str;
    /// Largest sealed object, bytes.
    const BYTES_MAX: usize;
    /// What it is called where somebody is told of it.
    const NOUN: &'static str;

    /// The network; its id is the external data of the signature.
    fn network(&self) -> NetworkId;

    /// The agency that must have sealed it.
    fn sealer(&self) -> &AgencyCode;

    /// The payload.
    ///
    /// # Errors
    /// Whatever [`Sealable::decode`] would refuse.
    fn encode(&self) -> Result<Vec<u8>, WireError>;

    /// Reads a payload.
    ///
    /// # Errors
    /// `NotCanonical`, `TooLarge`, `Malformed`.
    fn decode(payload: &[u8]) -> Result<Self, WireError>;
}

/// Something sealed by an agency, parsed and *not* verified. Cheap to clone.
#[derive(Debug, PartialEq, Eq)]
pub struct Sealed<C>(Arc<Inner<C>>);

/// A sealed dispatch, parsed and *not* verified.
pub type SealedDispatch = Sealed<Envelope>;

#[derive(Debug, PartialEq, Eq)]
struct Inner<C> {
    raw: Arc<[u8]>,
    content: C,
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

/// Why something could not be sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError<E> {
    /// The content or the chain breaks a rule or a limit.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The key provider failed.
    #[error("the key provider could not sign: {0}")]
    Sign(E),
}

impl<C> Clone for Sealed<C> {
    fn clone(&self) -> Self {
        Sealed(Arc::clone(&self.0))
    }
}

impl<C: Sealable> Sealed<C> {
    /// Reads a sealed object: a tagged COSE_Sign1 of at most [`Sealable::BYTES_MAX`] bytes, with nothing
    /// but alg, typ and x5chain in its header and the network id as external data.
    ///
    /// # Errors
    /// `NotCanonical`, `TooLarge`, `Malformed`.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let sign1 = Sign1::parse(bytes, C::BYTES_MAX)?;
        if sign1.unprotected != EMPTY_MAP {
            return Err(WireError::malformed("the unprotected header must be empty"));
        }
        let payload = sign1.payload.ok_or_else(|| WireError::malformed("no payload"))?;
        let header =
            read_header(sign1.protected, C::TYP).map_err(|e| e.within("protected header"))?;
        let content = C::decode(payload)?;
        let to_be_signed = sig_structure(sign1.protected, content.network().as_bytes(), payload);
        Ok(Sealed(Arc::new(Inner {
            raw: bytes.into(),
            algorithm: header.algorithm,
            chain: header.chain,
            id: DispatchId(sha256(&to_be_signed)),
            object: Digest(sha256(bytes)),
            protected: place(bytes, sign1.protected),
            payload: place(bytes, payload),
            signature: place(bytes, sign1.signature),
            content,
        })))
    }

    /// Seals. `chain` is DER, leaf first; `sign` gets the to-be-signed bytes and gives the signature in
    /// COSE form (ECDSA: r‖s).
    ///
    /// # Errors
    /// [`SealError::Wire`] if the result would not parse, [`SealError::Sign`] if `sign` failed.
    pub fn seal<E>(
        content: &C,
        chain: &[Vec<u8>],
        algorithm: Algorithm,
        sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
    ) -> Result<Self, SealError<E>> {
        let payload = content.encode()?;
        let protected = write_header(C::TYP, algorithm, chain);
        // Whatever is over a limit is told before a key is used.
        read_header(&protected, C::TYP)?;
        let to_be_signed = sig_structure(&protected, content.network().as_bytes(), &payload);
        let signature = sign(&to_be_signed).map_err(SealError::Sign)?;
        let sign1 = Sign1 {
            protected: &protected,
            unprotected: EMPTY_MAP,
            payload: Some(&payload),
            signature: &signature,
        };
        Ok(Self::parse(&sign1.encode())?)
    }

    /// The bytes the signature is over: the COSE `Sig_structure` with the network id as external data.
    /// Put together anew at each call, since a held dispatch should be small.
    pub fn to_be_signed(&self) -> Vec<u8> {
        let network = self.0.content.network();
        sig_structure(self.part(&self.0.protected), network.as_bytes(), self.part(&self.0.payload))
    }
}

impl<C> Sealed<C> {
    /// What was signed, parsed.
    pub fn content(&self) -> &C {
        &self.0.content
    }

    /// The bytes as received.
    pub fn raw(&self) -> &Arc<[u8]> {
        &self.0.raw
    }

    /// The algorithm that the protected header claims.
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// The certificates that came along, DER, leaf first.
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.0.chain
    }

    /// The signature.
    pub fn signature(&self) -> &[u8] {
        self.part(&self.0.signature)
    }

    fn part(&self, place: &Range<usize>) -> &[u8] {
        self.0.raw.get(place.clone()).unwrap_or_default()
    }

    /// SHA-256 of the to-be-signed bytes: does not depend on the signature's random part. The id of a
    /// dispatch; what stands for one in the record of a void statement.
    pub fn id(&self) -> DispatchId {
        self.0.id
    }

    /// SHA-256 of the whole object as received.
    pub fn object(&self) -> Digest {
        self.0.object
    }
}

impl SealedDispatch {
    /// What was signed, parsed.
    pub fn envelope(&self) -> &Envelope {
        self.content()
    }
}

impl Sealable for Envelope {
    const TYP: &'static str = TYP_DISPATCH;
    const BYTES_MAX: usize = DISPATCH_BYTES_MAX;
    const NOUN: &'static str = "dispatch";

    fn network(&self) -> NetworkId {
        self.network
    }

    fn sealer(&self) -> &AgencyCode {
        &self.originator
    }

    fn encode(&self) -> Result<Vec<u8>, WireError> {
        envelope::encode_checked(self)
    }

    fn decode(payload: &[u8]) -> Result<Self, WireError> {
        envelope::decode(payload)
    }
}

/// The protected header of what an agency seals.
struct Header {
    algorithm: Algorithm,
    chain: Vec<Vec<u8>>,
}

/// The leaf certificate in a sealed object that was parsed before, DER, for indexes: no copy, no digest.
/// `None` where these bytes are none; nothing else about them is checked.
#[must_use]
pub fn leaf(sealed: &[u8]) -> Option<&[u8]> {
    let mut d = Decoder::new(sealed);
    d.tag().ok()?;
    d.array().ok()?;
    let mut d = Decoder::new(d.bytes().ok()?);
    for _ in 0..d.map().ok()?? {
        if d.i64().ok()? == X5CHAIN {
            if d.datatype().ok()? == minicbor::data::Type::Array {
                d.array().ok()?;
            }
            return d.bytes().ok();
        }
        d.skip().ok()?;
    }
    None
}

fn write_header(typ: &str, algorithm: Algorithm, chain: &[Vec<u8>]) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(3).int(ALG).int(algorithm.cose_id()).int(TYP).text(typ).int(X5CHAIN);
    // RFC 9360: one certificate is a byte string, several are an array of them.
    if chain.len() != 1 {
        w.array(chain.len());
    }
    chain.iter().for_each(|certificate| _ = w.bytes(certificate));
    w.finish()
}

fn read_header(protected: &[u8], typ: &str) -> Result<Header, WireError> {
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
