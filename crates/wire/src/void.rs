//! Void statements: an agency's word, sealed like a dispatch, that a number of one of its series was
//! never used and never will be.
//!
//! Without it a number that was assigned and then not sent could not be told from one whose dispatch was
//! suppressed. The first node records it as [`Event::SequenceVoid`](tram_dispatch::Event::SequenceVoid).

use std::sync::Arc;

use minicbor::Decoder;
use tram_crypto::{Algorithm, sha256};
use tram_dispatch::envelope::Sequence;
use tram_dispatch::limits::{STATEMENT_BYTES_MAX, TEXT_BYTES_MAX};
use tram_dispatch::{AgencyCode, Digest, DispatchId, NetworkId, UnixMillis};

use crate::WireError;
use crate::cbor::{self, Fields, FieldsOut, finish};
use crate::cose::{EMPTY_MAP, Sign1, TYP_VOID, sig_structure};
use crate::fields::{agency, id, plain, sequence, string, time};
use crate::sealed::{SealError, read_header, write_header};

/// The format version this program writes and reads (field 0).
const VERSION: u64 = 1;

mod key {
    pub(super) const VERSION: u64 = 0;
    pub(super) const NETWORK: u64 = 1;
    pub(super) const AGENCY: u64 = 2;
    pub(super) const SEQUENCE: u64 = 3;
    pub(super) const TIME: u64 = 4;
    pub(super) const REASON: u64 = 5;
}

/// What the agency says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Void {
    /// The network.
    pub network: NetworkId,
    /// The agency whose series it is.
    pub agency: AgencyCode,
    /// The number that stays unused.
    pub sequence: Sequence,
    /// When this is said, by the clock of whoever seals it.
    pub time: UnixMillis,
    /// Why, in words.
    pub reason: String,
}

/// A sealed void statement, parsed and *not* verified. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedVoid(Arc<Inner>);

#[derive(Debug, PartialEq, Eq)]
struct Inner {
    raw: Arc<[u8]>,
    void: Void,
    algorithm: Algorithm,
    chain: Vec<Vec<u8>>,
    to_be_signed: Vec<u8>,
    signature: Vec<u8>,
}

impl SealedVoid {
    /// Reads a sealed void statement: a tagged COSE_Sign1 of at most [`STATEMENT_BYTES_MAX`] bytes, with
    /// the header of a dispatch but for `typ`, and the network id as external data.
    ///
    /// # Errors
    /// `NotCanonical`, `TooLarge`, `Malformed`.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let sign1 = Sign1::parse(bytes, STATEMENT_BYTES_MAX)?;
        if sign1.unprotected != EMPTY_MAP {
            return Err(WireError::malformed("the unprotected header must be empty"));
        }
        let payload = sign1.payload.ok_or_else(|| WireError::malformed("no payload"))?;
        let header =
            read_header(sign1.protected, TYP_VOID).map_err(|e| e.within("protected header"))?;
        let void = decode(payload)?;
        let to_be_signed = sig_structure(sign1.protected, void.network.as_bytes(), payload);
        Ok(SealedVoid(Arc::new(Inner {
            raw: bytes.into(),
            void,
            algorithm: header.algorithm,
            chain: header.chain,
            to_be_signed,
            signature: sign1.signature.to_vec(),
        })))
    }

    /// Seals a void statement. `chain` is DER, leaf first; `sign` gets the to-be-signed bytes and gives
    /// the signature in COSE form (ECDSA: r‖s).
    ///
    /// # Errors
    /// [`SealError::Wire`] if the result would not parse, [`SealError::Sign`] if `sign` failed.
    pub fn seal<E>(
        void: &Void,
        chain: &[Vec<u8>],
        algorithm: Algorithm,
        sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
    ) -> Result<Self, SealError<E>> {
        let payload = encode(void);
        decode(&payload)?;
        let protected = write_header(TYP_VOID, algorithm, chain);
        read_header(&protected, TYP_VOID)?;
        let signed = sig_structure(&protected, void.network.as_bytes(), &payload);
        let signature = sign(&signed).map_err(SealError::Sign)?;
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

    /// SHA-256 of the bytes: what field 19 of its record names.
    pub fn digest(&self) -> Digest {
        Digest(sha256(&self.0.raw))
    }

    /// SHA-256 of the to-be-signed bytes: what stands for a dispatch id in its record.
    pub fn id(&self) -> DispatchId {
        DispatchId(sha256(&self.0.to_be_signed))
    }

    /// What is said.
    pub fn void(&self) -> &Void {
        &self.0.void
    }

    /// The algorithm that the protected header claims.
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// The certificates that came along, DER, leaf first.
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.0.chain
    }

    /// The bytes the signature is over.
    pub fn to_be_signed(&self) -> &[u8] {
        &self.0.to_be_signed
    }

    /// The signature.
    pub fn signature(&self) -> &[u8] {
        &self.0.signature
    }
}

fn encode(v: &Void) -> Vec<u8> {
    let s = v.sequence;
    let mut f = FieldsOut::new();
    f.put(key::VERSION, |w| _ = w.uint(VERSION))
        .put(key::NETWORK, |w| _ = w.bytes(v.network.as_bytes()))
        .put(key::AGENCY, |w| _ = w.text(v.agency.as_str()))
        .put(key::SEQUENCE, |w| _ = w.array(2).uint(s.series).uint(s.number))
        .put(key::TIME, |w| _ = w.uint(v.time.0))
        .put(key::REASON, |w| _ = w.text(&v.reason));
    f.finish()
}

fn decode(bytes: &[u8]) -> Result<Void, WireError> {
    cbor::check(bytes, STATEMENT_BYTES_MAX)?;
    let mut d = Decoder::new(bytes);
    let mut f = Fields::open(&mut d, "payload")?;
    f.version(key::VERSION, VERSION)?;
    let void = Void {
        network: f.required(key::NETWORK, id)?,
        agency: f.required(key::AGENCY, agency)?,
        sequence: f.required(key::SEQUENCE, sequence)?,
        time: f.required(key::TIME, time)?,
        reason: f.required(key::REASON, |d| {
            let reason = string(d)?;
            plain(&reason, 1, TEXT_BYTES_MAX)?;
            Ok(reason)
        })?,
    };
    f.end_skipping()?;
    finish(&d)?;
    if void.sequence.number == 0 {
        return Err(WireError::malformed("sequence numbers start at 1"));
    }
    Ok(void)
}
