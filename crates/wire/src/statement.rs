//! Statements that an agency seals itself: that its clerk registered or refused a dispatch.
//!
//! An evidence record names one by its digest (field 19). Then a verifier may say "signed by the agency";
//! without it the event is claimed by the agency's node.

use std::sync::Arc;

use minicbor::Decoder;
use tram_crypto::{Algorithm, sha256};
use tram_dispatch::limits::{STATEMENT_BYTES_MAX, TEXT_BYTES_MAX};
use tram_dispatch::{AgencyCode, Digest, DispatchId, Event, NetworkId, UnixMillis};

use crate::WireError;
use crate::cbor::{self, Fields, FieldsOut, finish};
use crate::cose::{EMPTY_MAP, Sign1, TYP_STATEMENT, sig_structure};
use crate::fields::{agency, id, plain, string, time};
use crate::sealed::{SealError, read_header, write_header};

/// The format version this program writes and reads (field 0).
const VERSION: u64 = 1;

mod key {
    pub(super) const VERSION: u64 = 0;
    pub(super) const NETWORK: u64 = 1;
    pub(super) const AGENCY: u64 = 2;
    pub(super) const DISPATCH: u64 = 3;
    pub(super) const OBJECT: u64 = 4;
    pub(super) const EVENT: u64 = 5;
    pub(super) const TIME: u64 = 6;
    pub(super) const REMARK: u64 = 7;
}

/// What the agency says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The network.
    pub network: NetworkId,
    /// The agency that says so: the recipient.
    pub agency: AgencyCode,
    /// The dispatch.
    pub dispatch: DispatchId,
    /// SHA-256 of the whole sealed object as the agency holds it.
    pub object: Digest,
    /// `ConsignmentAcceptance` (registered) or `ConsignmentRejection` (refused).
    pub event: Event,
    /// When, by the agency's clock.
    pub time: UnixMillis,
    /// The clerk's own words.
    pub remark: Option<String>,
}

/// A sealed statement, parsed and *not* verified. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedStatement(Arc<Inner>);

#[derive(Debug, PartialEq, Eq)]
struct Inner {
    raw: Arc<[u8]>,
    digest: Digest,
    statement: Statement,
    algorithm: Algorithm,
    chain: Vec<Vec<u8>>,
    to_be_signed: Vec<u8>,
    signature: Vec<u8>,
}

impl SealedStatement {
    /// Reads a sealed statement: a tagged COSE_Sign1 of at most [`STATEMENT_BYTES_MAX`] bytes, with the
    /// header of a dispatch but for `typ`, and the network id as external data.
    ///
    /// # Errors
    /// `NotCanonical`, `TooLarge`, `Malformed`.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        Self::read(bytes).map_err(|e| e.within("statement"))
    }

    fn read(bytes: &[u8]) -> Result<Self, WireError> {
        let sign1 = Sign1::parse(bytes, STATEMENT_BYTES_MAX)?;
        if sign1.unprotected != EMPTY_MAP {
            return Err(WireError::malformed("the unprotected header must be empty"));
        }
        let payload = sign1.payload.ok_or_else(|| WireError::malformed("no payload"))?;
        let header = read_header(sign1.protected, TYP_STATEMENT)
            .map_err(|e| e.within("protected header"))?;
        let statement = decode(payload)?;
        let to_be_signed = sig_structure(sign1.protected, statement.network.as_bytes(), payload);
        Ok(SealedStatement(Arc::new(Inner {
            raw: bytes.into(),
            digest: Digest(sha256(bytes)),
            statement,
            algorithm: header.algorithm,
            chain: header.chain,
            to_be_signed,
            signature: sign1.signature.to_vec(),
        })))
    }

    /// Seals a statement. `chain` is DER, leaf first; `sign` gets the to-be-signed bytes and gives the
    /// signature in COSE form (ECDSA: r‖s).
    ///
    /// # Errors
    /// [`SealError::Wire`] if the result would not parse, [`SealError::Sign`] if `sign` failed.
    pub fn seal<E>(
        statement: &Statement,
        chain: &[Vec<u8>],
        algorithm: Algorithm,
        sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
    ) -> Result<Self, SealError<E>> {
        let payload = encode(statement);
        decode(&payload)?;
        let protected = write_header(TYP_STATEMENT, algorithm, chain);
        read_header(&protected, TYP_STATEMENT)?;
        let signed = sig_structure(&protected, statement.network.as_bytes(), &payload);
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

    /// SHA-256 of the bytes: what field 19 of a record names.
    pub fn digest(&self) -> Digest {
        self.0.digest
    }

    /// What is said.
    pub fn statement(&self) -> &Statement {
        &self.0.statement
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

fn encode(s: &Statement) -> Vec<u8> {
    let mut f = FieldsOut::new();
    f.put(key::VERSION, |w| _ = w.uint(VERSION))
        .put(key::NETWORK, |w| _ = w.bytes(s.network.as_bytes()))
        .put(key::AGENCY, |w| _ = w.text(s.agency.as_str()))
        .put(key::DISPATCH, |w| _ = w.bytes(s.dispatch.as_bytes()))
        .put(key::OBJECT, |w| _ = w.bytes(s.object.as_bytes()))
        .put(key::EVENT, |w| _ = w.uint(s.event.number().into()))
        .put(key::TIME, |w| _ = w.uint(s.time.0))
        .put_some(key::REMARK, s.remark.as_deref(), |w, text| _ = w.text(text));
    f.finish()
}

fn decode(bytes: &[u8]) -> Result<Statement, WireError> {
    cbor::check(bytes, STATEMENT_BYTES_MAX)?;
    let mut d = Decoder::new(bytes);
    let mut f = Fields::open(&mut d, "payload")?;
    f.version(key::VERSION, VERSION)?;
    let statement = Statement {
        network: f.required(key::NETWORK, id)?,
        agency: f.required(key::AGENCY, agency)?,
        dispatch: f.required(key::DISPATCH, id)?,
        object: f.required(key::OBJECT, id)?,
        event: f.required(key::EVENT, |d| match Event::from_number(d.u8()?) {
            Some(event @ (Event::ConsignmentAcceptance | Event::ConsignmentRejection)) => Ok(event),
            _ => Err(WireError::malformed("an agency says only that it registered or refused")),
        })?,
        time: f.required(key::TIME, time)?,
        remark: f.optional(key::REMARK, |d| {
            let remark = string(d)?;
            plain(&remark, 1, TEXT_BYTES_MAX)?;
            Ok(remark)
        })?,
    };
    f.end_skipping()?;
    finish(&d)?;
    Ok(statement)
}
