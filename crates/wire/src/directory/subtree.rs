//! A change of one subtree, signed by the key to which the directory delegates it: how a province hands in
//! what changed below it. It takes effect in the next version that the network's keys sign, and nowhere
//! before.

use minicbor::Decoder;
use tram_crypto::{Algorithm, sha256};
use tram_dispatch::directory::Entry;
use tram_dispatch::limits::{DIRECTORY_BYTES_MAX, DIRECTORY_ENTRIES_MAX};
use tram_dispatch::{AgencyCode, Digest, NetworkId, UnixMillis};

use super::entry::{decode_entry, sort_key};
use crate::WireError;
use crate::cbor::{self, Fields, FieldsOut, Rules, Writer, array, check_with, finish, header};
use crate::cose::TYP_SUBTREE;
use crate::fields::{agency, algorithm, bytes_max, id, time};
use crate::root::key_to_be_signed;

/// The format version this program writes and reads (field 0).
const VERSION: u64 = 1;

/// Longest signature.
const SIGNATURE_BYTES_MAX: usize = 512;

/// What the delegated key signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubtreeChange {
    /// The network.
    pub network: NetworkId,
    /// The top of the subtree, as the delegation has it.
    pub subtree: AgencyCode,
    /// SHA-256 of the delegated key's SubjectPublicKeyInfo.
    pub key: Digest,
    /// Digest of the directory that it changes.
    pub base: Digest,
    /// When it was signed.
    pub issued_at: UnixMillis,
    /// Entries that are new, or other than before, ascending by sort key; at least one.
    pub entries: Vec<Entry>,
}

/// The change with its signature, parsed and *not* verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubtreeFile {
    /// What was signed.
    pub body: Vec<u8>,
    /// The same, parsed.
    pub change: SubtreeChange,
    /// The algorithm of the signature.
    pub algorithm: Algorithm,
    /// The signature.
    pub signature: Vec<u8>,
}

/// The one encoding of this change.
pub fn encode_change(change: &SubtreeChange) -> Vec<u8> {
    let c = change;
    let mut f = FieldsOut::new();
    f.put(0, |w| _ = w.uint(VERSION))
        .put(1, |w| _ = w.bytes(c.network.as_bytes()))
        .put(2, |w| _ = w.text(c.subtree.as_str()))
        .put(3, |w| _ = w.bytes(c.key.as_bytes()))
        .put(4, |w| _ = w.bytes(c.base.as_bytes()))
        .put(5, |w| _ = w.uint(c.issued_at.0))
        .put(6, |w| {
            w.array(c.entries.len());
            c.entries.iter().for_each(|entry| _ = w.bytes(&super::encode_entry(entry)));
        });
    f.finish()
}

/// Reads a change.
///
/// # Errors
/// `NotCanonical`, `TooLarge`; `Malformed` also where entries are repeated or out of order.
pub fn decode_change(bytes: &[u8]) -> Result<SubtreeChange, WireError> {
    let rules = Rules { items_max: DIRECTORY_ENTRIES_MAX, ..Rules::plain(DIRECTORY_BYTES_MAX) };
    check_with(bytes, &rules).map_err(|e| e.within("subtree change"))?;
    let mut d = Decoder::new(bytes);
    let mut f = Fields::open(&mut d, "subtree change")?;
    f.version(0, VERSION)?;
    let entry = |d: &mut Decoder<'_>| decode_entry(d.bytes()?);
    let change = SubtreeChange {
        network: f.required(1, id)?,
        subtree: f.required(2, agency)?,
        key: f.required(3, id)?,
        base: f.required(4, id)?,
        issued_at: f.required(5, time)?,
        entries: f.required(6, |d| array(d, 1, DIRECTORY_ENTRIES_MAX, "entries", entry))?,
    };
    f.end_skipping()?;
    finish(&d)?;
    let keys: Vec<Vec<u8>> = change.entries.iter().map(sort_key).collect();
    if !keys.is_sorted_by(|a, b| a < b) {
        return Err(WireError::malformed("subtree change: entries are repeated or out of order"));
    }
    Ok(change)
}

/// The bytes that the delegated key signs.
pub fn change_to_be_signed(algorithm: Algorithm, body: &[u8], network: NetworkId) -> Vec<u8> {
    key_to_be_signed(TYP_SUBTREE, algorithm, body, network)
}

impl SubtreeFile {
    /// Reads `[change, algorithm, signature]`.
    ///
    /// # Errors
    /// Those of [`decode_change`].
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        cbor::check(bytes, DIRECTORY_BYTES_MAX).map_err(|e| e.within("subtree file"))?;
        let mut d = Decoder::new(bytes);
        if header(d.array()?)? != 3 {
            return Err(WireError::malformed("subtree file: an array of 3 is needed"));
        }
        let body = bytes_max(&mut d, DIRECTORY_BYTES_MAX)?;
        let algorithm = algorithm(&mut d)?;
        let signature = bytes_max(&mut d, SIGNATURE_BYTES_MAX)?;
        finish(&d)?;
        Ok(SubtreeFile { change: decode_change(&body)?, body, algorithm, signature })
    }

    /// The bytes of the file.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(self.body.len() + self.signature.len() + 16);
        w.array(3).bytes(&self.body).int(self.algorithm.cose_id()).bytes(&self.signature);
        w.finish()
    }

    /// SHA-256 of what was signed.
    pub fn digest(&self) -> Digest {
        Digest(sha256(&self.body))
    }
}
