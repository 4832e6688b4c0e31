//! The signed root: one signature per commit, shared by every receipt of it.

use minicbor::Decoder;
use tram_crypto::Algorithm;
use tram_dispatch::limits::RECEIPT_BYTES_MAX;
use tram_dispatch::{Digest, EpochId, NetworkId, NodeId, UnixMillis};

use super::{LABEL_COMMIT_TIME, LABEL_EPOCH, LABEL_NODE, LABEL_TREE_SIZE, VDS_RFC9162_SHA256};
use crate::WireError;
use crate::cbor::{self, Writer, finish, header};
use crate::cose::{ALG, KID, SIGNATURE_BYTES_MAX, TYP, TYP_RECEIPT, VDS, label, sig_structure};
use crate::fields::{bytes_max, fixed, id, node, time};

/// What a node signs after a commit: the root of its receipt log, with the size, the commit time and
/// whose log it is. Parsed, not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRoot {
    /// The `kid`: SHA-256 of the receipt key's SubjectPublicKeyInfo, DER.
    pub key: Digest,
    /// The node whose log it is.
    pub node: NodeId,
    /// The epoch of the log.
    pub epoch: EpochId,
    /// Number of leaves.
    pub size: u64,
    /// Commit time.
    pub time: UnixMillis,
    /// The root of the tree of that size (RFC 9162 section 2.1.1).
    pub root: [u8; 32],
    /// Ed25519, 64 bytes; over [`SignedRoot::to_be_signed`].
    pub signature: Vec<u8>,
}

impl SignedRoot {
    /// The bytes that the receipt key signs: a `Sig_structure` over the receipt's protected header, the
    /// network id as external data, and the root as detached payload. Does not depend on `signature`.
    pub fn to_be_signed(&self, network: NetworkId) -> Vec<u8> {
        sig_structure(&self.protected(), network.as_bytes(), &self.root)
    }

    /// The protected header of every receipt under this root.
    pub(super) fn protected(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(224);
        w.map(8)
            .int(ALG)
            .int(Algorithm::EdDsa.cose_id())
            .int(KID)
            .bytes(self.key.as_bytes())
            .int(TYP)
            .text(TYP_RECEIPT)
            .int(VDS)
            .uint(VDS_RFC9162_SHA256)
            .int(LABEL_NODE)
            .text(self.node.as_str())
            .int(LABEL_EPOCH)
            .bytes(self.epoch.as_bytes())
            .int(LABEL_TREE_SIZE)
            .uint(self.size)
            .int(LABEL_COMMIT_TIME)
            .uint(self.time.0);
        w.finish()
    }

    /// Reads a protected header; `root` is left zero and `signature` empty.
    pub(super) fn read_protected(protected: &[u8]) -> Result<Self, WireError> {
        cbor::check(protected, RECEIPT_BYTES_MAX)?;
        let mut d = Decoder::new(protected);
        if header(d.map()?)? != 8 {
            return Err(WireError::malformed("exactly eight labels are needed"));
        }
        label(&mut d, ALG)?;
        if d.i64()? != Algorithm::EdDsa.cose_id() {
            return Err(WireError::malformed("receipts are signed with EdDSA"));
        }
        label(&mut d, KID)?;
        let key = id(&mut d)?;
        label(&mut d, TYP)?;
        if d.str()? != TYP_RECEIPT {
            return Err(WireError::malformed("typ is not that of a receipt"));
        }
        label(&mut d, VDS)?;
        if d.u64()? != VDS_RFC9162_SHA256 {
            return Err(WireError::malformed("unknown verifiable data structure"));
        }
        label(&mut d, LABEL_NODE)?;
        let node = node(&mut d)?;
        label(&mut d, LABEL_EPOCH)?;
        let epoch = id(&mut d)?;
        label(&mut d, LABEL_TREE_SIZE)?;
        let size = d.u64()?;
        label(&mut d, LABEL_COMMIT_TIME)?;
        let time = time(&mut d)?;
        finish(&d)?;
        Ok(SignedRoot { key, node, epoch, size, time, root: [0; 32], signature: Vec::new() })
    }

    /// The form in which a node stores its signed roots: an array of the seven fields in the order of
    /// this struct. It never travels.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(256);
        w.array(7)
            .bytes(self.key.as_bytes())
            .text(self.node.as_str())
            .bytes(self.epoch.as_bytes())
            .uint(self.size)
            .uint(self.time.0)
            .bytes(&self.root)
            .bytes(&self.signature);
        w.finish()
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// `NotCanonical`, `TooLarge`, `Malformed`.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        cbor::check(bytes, RECEIPT_BYTES_MAX).map_err(|e| e.within("signed root"))?;
        let mut d = Decoder::new(bytes);
        if header(d.array()?)? != 7 {
            return Err(WireError::malformed("signed root: an array of 7 is needed"));
        }
        let signed_root = SignedRoot {
            key: id(&mut d)?,
            node: node(&mut d)?,
            epoch: id(&mut d)?,
            size: d.u64()?,
            time: time(&mut d)?,
            root: fixed(&mut d)?,
            signature: bytes_max(&mut d, SIGNATURE_BYTES_MAX)?,
        };
        finish(&d)?;
        Ok(signed_root)
    }
}
