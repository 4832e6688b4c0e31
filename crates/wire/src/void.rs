//! Void statements: an agency's word, sealed like a dispatch, that a number of one of its series was
//! never used and never will be.
//!
//! Without it a number that was assigned and then not sent could not be told from one whose dispatch was
//! suppressed. The first node records it as [`Event::SequenceVoid`](tram_dispatch::Event::SequenceVoid).

use minicbor::Decoder;
use tram_dispatch::envelope::Sequence;
use tram_dispatch::limits::{STATEMENT_BYTES_MAX, TEXT_BYTES_MAX};
use tram_dispatch::{AgencyCode, NetworkId, UnixMillis};

use crate::WireError;
use crate::cbor::{self, Fields, FieldsOut, finish};
use crate::cose::TYP_VOID;
use crate::fields::{agency, id, plain, sequence, string, time};
use crate::sealed::{Sealable, Sealed};

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

/// A sealed void statement, parsed and *not* verified.
pub type SealedVoid = Sealed<Void>;

impl SealedVoid {
    /// What is said.
    pub fn void(&self) -> &Void {
        self.content()
    }
}

impl Sealable for Void {
    const TYP: &'static str = TYP_VOID;
    const BYTES_MAX: usize = STATEMENT_BYTES_MAX;
    const NOUN: &'static str = "statement";

    fn network(&self) -> NetworkId {
        self.network
    }

    fn sealer(&self) -> &AgencyCode {
        &self.agency
    }

    fn encode(&self) -> Result<Vec<u8>, WireError> {
        let payload = encode(self);
        decode(&payload)?;
        Ok(payload)
    }

    fn decode(payload: &[u8]) -> Result<Self, WireError> {
        decode(payload)
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
