//! Statements that an agency seals itself: that its clerk registered or refused a dispatch, how far it
//! is with it, and what it answers to a recall or an update.
//!
//! An evidence record names one by its digest (field 19). Then a verifier may say "signed by the agency";
//! without it the event is claimed by the agency's node.

use minicbor::Decoder;
use tram_dispatch::envelope::SealedBy;
use tram_dispatch::limits::{STATEMENT_BYTES_MAX, TEXT_BYTES_MAX};
use tram_dispatch::{
    AgencyCode, Digest, DispatchId, Event, EvidenceRecord, NetworkId, Status, UnixMillis,
};

use crate::WireError;
use crate::cbor::{self, Fields, FieldsOut, finish};
use crate::cose::TYP_STATEMENT;
use crate::fields::{agency, id, node, plain, string, time};
use crate::sealed::{Sealable, Sealed};

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
    pub(super) const SEALED_BY: u64 = 8;
    pub(super) const STATUS: u64 = 9;
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
    /// `ConsignmentAcceptance` (registered), `ConsignmentRejection` (refused), `HandlingStatus`,
    /// `ActAcceptance` or `ActRejection`.
    pub event: Event,
    /// How far it is: 04 to 06, with `HandlingStatus` and with nothing else.
    pub status: Option<Status>,
    /// When, by the agency's clock.
    pub time: UnixMillis,
    /// The clerk's own words.
    pub remark: Option<String>,
    /// Who holds the sealing key.
    pub sealed_by: SealedBy,
}

impl Statement {
    /// Whether a record says the same: network, dispatch, object, event and recipient.
    pub fn is_said_by(&self, record: &EvidenceRecord) -> bool {
        record.network == self.network
            && record.dispatch == self.dispatch
            && record.object == Some(self.object)
            && record.event == self.event
            && record.recipient.as_ref() == Some(&self.agency)
            && self.status.is_none_or(|status| record.status == Some(status.number()))
    }
}

/// A sealed statement, parsed and *not* verified.
pub type SealedStatement = Sealed<Statement>;

impl SealedStatement {
    /// What is said.
    pub fn statement(&self) -> &Statement {
        self.content()
    }
}

impl Sealable for Statement {
    const TYP: &'static str = TYP_STATEMENT;
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
    if let SealedBy::Node(node) = &s.sealed_by {
        f.put(key::SEALED_BY, |w| _ = w.text(node.as_str()));
    }
    f.put_some(key::STATUS, s.status, |w, status| _ = w.uint(status.number().into()));
    f.finish()
}

fn decode(bytes: &[u8]) -> Result<Statement, WireError> {
    cbor::check(bytes, STATEMENT_BYTES_MAX)?;
    let mut d = Decoder::new(bytes);
    let mut f = Fields::open(&mut d, "payload")?;
    f.version(key::VERSION, VERSION)?;
    let mut statement = Statement {
        network: f.required(key::NETWORK, id)?,
        agency: f.required(key::AGENCY, agency)?,
        dispatch: f.required(key::DISPATCH, id)?,
        object: f.required(key::OBJECT, id)?,
        event: f.required(key::EVENT, |d| match Event::from_number(d.u8()?) {
            Some(
                event @ (Event::ConsignmentAcceptance
                | Event::ConsignmentRejection
                | Event::HandlingStatus
                | Event::ActAcceptance
                | Event::ActRejection),
            ) => Ok(event),
            _ => Err(WireError::malformed("an agency says nothing of this event")),
        })?,
        status: None,
        time: f.required(key::TIME, time)?,
        remark: f.optional(key::REMARK, |d| {
            let remark = string(d)?;
            plain(&remark, 1, TEXT_BYTES_MAX)?;
            Ok(remark)
        })?,
        sealed_by: f.optional(key::SEALED_BY, node)?.map_or(SealedBy::Agency, SealedBy::Node),
    };
    statement.status = f.optional(key::STATUS, |d| {
        let status = Status::from_number(d.u8()?).filter(|s| s.is_handling());
        status.ok_or_else(|| WireError::malformed("the status of a statement is 4, 5 or 6"))
    })?;
    if statement.status.is_some() != (statement.event == Event::HandlingStatus) {
        return Err(WireError::malformed("a status goes with HandlingStatus, and only with it"));
    }
    f.end_skipping()?;
    finish(&d)?;
    Ok(statement)
}
