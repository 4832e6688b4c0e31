//! One receipt with everything that verifying it needs, but for the key.

use std::sync::Arc;

use minicbor::Decoder;
use tram_crypto::sha256;
use tram_dispatch::limits::{PROOF_PATH_MAX, RECEIPT_BYTES_MAX};
use tram_dispatch::{Digest, EvidenceRecord, NetworkId};
use tram_tlog::{Hash, leaf_hash, root_from_inclusion};

use super::VDP_INCLUSION;
use super::signed_root::SignedRoot;
use crate::WireError;
use crate::cbor::{self, Rules, Tag18, Writer, array, check_with, finish, header};
use crate::cose::{Sign1, VDP, label};
use crate::evidence::{self, SALT_BYTES, commitment};
use crate::fields::fixed;

/// A receipt, parsed and *not* verified: the root is computed from the record and the proof, but nobody
/// has looked at the signature over it. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt(Arc<Inner>);

#[derive(Debug, PartialEq, Eq)]
struct Inner {
    raw: Arc<[u8]>,
    digest: Digest,
    record: EvidenceRecord,
    /// Where the record lies in `raw`.
    record_at: usize,
    salt: [u8; SALT_BYTES],
    leaf_index: u64,
    path: Vec<[u8; 32]>,
    signed_root: SignedRoot,
}

impl Receipt {
    /// Reads a receipt of at most [`RECEIPT_BYTES_MAX`] bytes: `[COSE_Sign1, salt, record]`. The root is
    /// computed by RFC 9162 section 2.1.3.2 and is what [`SignedRoot::root`] then holds.
    ///
    /// # Errors
    /// `NotCanonical`, `TooLarge`; `Malformed` also where the proof does not fit the index and size, or
    /// node and epoch of the record differ from those of the header.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let rules = Rules { tag18: Tag18::FirstElement, ..Rules::plain(RECEIPT_BYTES_MAX) };
        check_with(bytes, &rules).map_err(|e| e.within("receipt"))?;
        Self::read(bytes).map_err(|e| e.within("receipt"))
    }

    fn read(bytes: &[u8]) -> Result<Self, WireError> {
        let mut d = Decoder::new(bytes);
        if header(d.array()?)? != 3 {
            return Err(WireError::malformed("an array of 3 is needed"));
        }
        let sign1 = Sign1::read(&mut d)?;
        let salt = fixed(&mut d)?;
        let record_bytes = d.bytes()?;
        let record_at = d.position() - record_bytes.len();
        finish(&d)?;
        if sign1.payload.is_some() {
            return Err(WireError::malformed("the payload must be detached"));
        }
        let mut signed_root = SignedRoot::read_protected(sign1.protected)
            .map_err(|e| e.within("protected header"))?;
        let proof = Proof::read(sign1.unprotected).map_err(|e| e.within("proof"))?;
        if proof.size != signed_root.size {
            return Err(WireError::malformed("proof and header differ in tree size"));
        }
        let record = evidence::decode(record_bytes)?;
        same_log(&record, &signed_root)?;
        let path: Vec<Hash> = proof.path.iter().copied().map(Hash).collect();
        let leaf = leaf_hash(&commitment(&salt, record_bytes));
        let root = root_from_inclusion(&leaf, proof.leaf_index, proof.size, &path)
            .map_err(|e| WireError::malformed(e).within("proof"))?;
        signed_root.root = root.0;
        signed_root.signature = sign1.signature.to_vec();
        Ok(Receipt(Arc::new(Inner {
            raw: bytes.into(),
            digest: Digest(sha256(bytes)),
            record,
            record_at,
            salt,
            leaf_index: proof.leaf_index,
            path: proof.path,
            signed_root,
        })))
    }

    /// Puts a receipt together from a node's own log. The same arguments give the same bytes for ever.
    ///
    /// # Errors
    /// `WrongNetwork` if the record names another network; `Malformed` if it names another node or epoch
    /// than the root, does not decode, or the path does not lead to the root: then nothing was made.
    pub fn build(
        network: NetworkId,
        signed_root: &SignedRoot,
        leaf_index: u64,
        path: &[[u8; 32]],
        salt: &[u8; SALT_BYTES],
        record_bytes: &[u8],
    ) -> Result<Self, WireError> {
        let bytes = Self::encode(signed_root, leaf_index, path.to_vec(), salt, record_bytes);
        let receipt = Self::parse(&bytes)?;
        if receipt.record().network != network {
            return Err(WireError::wrong_network("the record names another network"));
        }
        if receipt.signed_root() != signed_root {
            return Err(WireError::malformed("the proof does not lead to the signed root"));
        }
        Ok(receipt)
    }

    /// The bytes of a receipt whose proof the caller's own tree has just made: what [`Receipt::build`]
    /// gives, without reading it again. Nothing is checked.
    pub fn encode(
        signed_root: &SignedRoot,
        leaf_index: u64,
        path: Vec<[u8; 32]>,
        salt: &[u8; SALT_BYTES],
        record_bytes: &[u8],
    ) -> Vec<u8> {
        let protected = signed_root.protected();
        let unprotected = Proof { size: signed_root.size, leaf_index, path }.encode();
        let sign1 = Sign1 {
            protected: &protected,
            unprotected: &unprotected,
            payload: None,
            signature: &signed_root.signature,
        };
        let length = protected.len() + unprotected.len() + record_bytes.len() + 128;
        let mut w = Writer::with_capacity(length);
        w.array(3);
        sign1.write(&mut w);
        w.bytes(salt).bytes(record_bytes);
        w.finish()
    }

    /// The bytes as received.
    pub fn raw(&self) -> &Arc<[u8]> {
        &self.0.raw
    }

    /// SHA-256 of the bytes; what `upstream` in an evidence record names.
    pub fn digest(&self) -> Digest {
        self.0.digest
    }

    /// The record, parsed.
    pub fn record(&self) -> &EvidenceRecord {
        &self.0.record
    }

    /// The record as committed to.
    pub fn record_bytes(&self) -> &[u8] {
        // The record is the last item of the receipt.
        &self.0.raw[self.0.record_at..]
    }

    /// The salt of the leaf.
    pub fn salt(&self) -> &[u8; SALT_BYTES] {
        &self.0.salt
    }

    /// The index of the leaf in the log, from 0.
    pub fn leaf_index(&self) -> u64 {
        self.0.leaf_index
    }

    /// The inclusion path, from the leaf to the root.
    pub fn path(&self) -> &[[u8; 32]] {
        &self.0.path
    }

    /// The signed root, with the root that the proof leads to.
    pub fn signed_root(&self) -> &SignedRoot {
        &self.0.signed_root
    }

    /// The bytes that the receipt key must have signed.
    pub fn to_be_signed(&self) -> Vec<u8> {
        self.signed_root().to_be_signed(self.record().network)
    }
}

fn same_log(record: &EvidenceRecord, root: &SignedRoot) -> Result<(), WireError> {
    if record.node != root.node || record.epoch != root.epoch {
        return Err(WireError::malformed("record and header name different logs"));
    }
    Ok(())
}

/// The inclusion proof in the unprotected header: `{396: {-1: [bstr .cbor [size, index, path]]}}`.
struct Proof {
    size: u64,
    leaf_index: u64,
    path: Vec<[u8; 32]>,
}

impl Proof {
    fn encode(&self) -> Vec<u8> {
        let mut proof = Writer::with_capacity(24 + 34 * self.path.len());
        proof.array(3).uint(self.size).uint(self.leaf_index).array(self.path.len());
        self.path.iter().for_each(|hash| _ = proof.bytes(hash));
        let proof = proof.finish();
        let mut w = Writer::with_capacity(proof.len() + 16);
        w.map(1).int(VDP).map(1).int(VDP_INCLUSION).array(1).bytes(&proof);
        w.finish()
    }

    fn read(unprotected: &[u8]) -> Result<Self, WireError> {
        let shape = || WireError::malformed("exactly one inclusion proof is needed");
        let mut d = Decoder::new(unprotected);
        if header(d.map()?)? != 1 {
            return Err(shape());
        }
        label(&mut d, VDP)?;
        if header(d.map()?)? != 1 {
            return Err(shape());
        }
        label(&mut d, VDP_INCLUSION)?;
        if header(d.array()?)? != 1 {
            return Err(shape());
        }
        let proof = d.bytes()?;
        cbor::check(proof, RECEIPT_BYTES_MAX)?;
        let mut d = Decoder::new(proof);
        if header(d.array()?)? != 3 {
            return Err(WireError::malformed("an array of 3 is needed"));
        }
        let (size, leaf_index) = (d.u64()?, d.u64()?);
        let path = array(&mut d, 0, PROOF_PATH_MAX, "path nodes", fixed)?;
        finish(&d)?;
        Ok(Proof { size, leaf_index, path })
    }
}
