//! The genesis leaf: the first of every receipt log; its leaf hash is the epoch id.

use minicbor::Decoder;
use tram_crypto::{SPKI_BYTES_MAX, sha256_parts};
use tram_dispatch::EpochId;
use tram_dispatch::evidence::Genesis;
use tram_dispatch::limits::NOTE_BYTES_MAX;
use tram_tlog::leaf_hash;

use crate::WireError;
use crate::cbor::{self, Fields, FieldsOut, finish};
use crate::evidence::{SALT_BYTES, commitment};
use crate::fields::{bytes_max, id, node, spki, time};

/// The format version this program writes and reads (field 0).
pub const VERSION: u64 = 1;

/// Largest encoded genesis: two keys, a note and the fixed fields.
pub const GENESIS_BYTES_MAX: usize = NOTE_BYTES_MAX + 2 * SPKI_BYTES_MAX + 256;

mod key {
    pub(super) const VERSION: u64 = 0;
    pub(super) const NETWORK: u64 = 1;
    pub(super) const NODE: u64 = 2;
    pub(super) const RECEIPT_KEY: u64 = 3;
    pub(super) const CHECKPOINT_KEY: u64 = 4;
    pub(super) const STARTED_AT: u64 = 5;
    pub(super) const PREVIOUS: u64 = 6;
}

/// The one encoding of this genesis.
pub fn encode(genesis: &Genesis) -> Vec<u8> {
    let g = genesis;
    let mut f = FieldsOut::new();
    f.put(key::VERSION, |w| _ = w.uint(VERSION))
        .put(key::NETWORK, |w| _ = w.bytes(g.network.as_bytes()))
        .put(key::NODE, |w| _ = w.text(g.node.as_str()))
        .put(key::RECEIPT_KEY, |w| _ = w.bytes(&g.receipt_key))
        .put(key::CHECKPOINT_KEY, |w| _ = w.bytes(&g.checkpoint_key))
        .put(key::STARTED_AT, |w| _ = w.uint(g.started_at.0))
        .put_some(key::PREVIOUS, g.previous.as_deref(), |w, note| _ = w.bytes(note));
    f.finish()
}

/// Reads a genesis. It has no room for unknown fields: the epoch id must be computable from the value.
///
/// # Errors
/// `NotCanonical`, `TooLarge`, `Malformed`.
pub fn decode(bytes: &[u8]) -> Result<Genesis, WireError> {
    cbor::check(bytes, GENESIS_BYTES_MAX).map_err(|e| e.within("genesis"))?;
    let mut d = Decoder::new(bytes);
    let mut f = Fields::open(&mut d, "genesis")?;
    f.version(key::VERSION, VERSION)?;
    let genesis = Genesis {
        network: f.required(key::NETWORK, id)?,
        node: f.required(key::NODE, node)?,
        receipt_key: f.required(key::RECEIPT_KEY, spki)?,
        checkpoint_key: f.required(key::CHECKPOINT_KEY, spki)?,
        started_at: f.required(key::STARTED_AT, time)?,
        previous: f.optional(key::PREVIOUS, |d| bytes_max(d, NOTE_BYTES_MAX))?,
    };
    f.end()?;
    finish(&d)?;
    Ok(genesis)
}

/// The genesis leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenesisLeaf {
    /// The first 16 bytes of SHA-256("tram genesis" ‖ bytes): a genesis is public, so its salt is too.
    pub salt: [u8; SALT_BYTES],
    /// The encoded genesis.
    pub bytes: Vec<u8>,
    /// SHA-256(salt ‖ bytes): the content of the leaf.
    pub commitment: [u8; 32],
}

/// The leaf of this genesis.
pub fn leaf(genesis: &Genesis) -> GenesisLeaf {
    let bytes = encode(genesis);
    let digest = sha256_parts(&[b"tram genesis", &bytes]);
    let mut salt = [0; SALT_BYTES];
    salt.copy_from_slice(&digest[..SALT_BYTES]);
    GenesisLeaf { commitment: commitment(&salt, &bytes), salt, bytes }
}

/// The epoch id: the RFC 9162 leaf hash of the genesis leaf.
pub fn epoch_id(genesis: &Genesis) -> EpochId {
    EpochId(leaf_hash(&leaf(genesis).commitment).0)
}
