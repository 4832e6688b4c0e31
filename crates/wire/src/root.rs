//! The root document of a network and the file that carries it with its signatures.

use minicbor::Decoder;
use tram_crypto::{Algorithm, sha256};
use tram_dispatch::NetworkId;
use tram_dispatch::directory::{Anchor, RootDocument};
use tram_dispatch::limits::{
    CERTIFICATE_BYTES_MAX, CHAIN_CERTIFICATES_MAX, LIFETIME_MS_MAX, ROOT_BYTES_MAX, ROOT_KEYS_MAX,
    TEXT_BYTES_MAX,
};

use crate::WireError;
use crate::cbor::{self, Fields, FieldsOut, Writer, array, finish, header};
use crate::cose::{ALG, SIGNATURE_BYTES_MAX, TYP, TYP_ROOT, sig_structure};
use crate::fields::{algorithm, bytes_max, fixed, id, plain, spki, string};

/// The format version this program writes and reads (field 0).
pub const VERSION: u64 = 1;

mod key {
    pub(super) const VERSION: u64 = 0;
    pub(super) const NAME: u64 = 1;
    pub(super) const NONCE: u64 = 2;
    pub(super) const NUMBER: u64 = 3;
    pub(super) const NETWORK: u64 = 4;
    pub(super) const KEYS: u64 = 5;
    pub(super) const THRESHOLD: u64 = 6;
    pub(super) const ANCHORS: u64 = 7;
    pub(super) const LIFETIME: u64 = 8;
}

/// Bits of an anchor's purposes.
mod purpose {
    pub(super) const NODES: u64 = 1;
    pub(super) const SEALS: u64 = 2;
}

/// One signature in a root file or directory file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySignature {
    /// Index of the key in the root document that the signature is checked against.
    pub key_index: u8,
    /// The algorithm; it is inside what is signed.
    pub algorithm: Algorithm,
    /// The signature in COSE form.
    pub signature: Vec<u8>,
}

/// A root file, parsed and *not* verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootFile {
    /// The document as signed.
    pub raw_root: Vec<u8>,
    /// The document, parsed.
    pub document: RootDocument,
    /// By the keys of this document, ascending by index.
    pub signatures: Vec<KeySignature>,
    /// By the keys of the document before it, ascending by index; empty for version 1.
    pub previous_signatures: Vec<KeySignature>,
}

/// The network that a root document is of: SHA-256 of the first one's bytes, which later ones name.
pub fn network_id(raw_root: &[u8], document: &RootDocument) -> NetworkId {
    document.network.unwrap_or_else(|| NetworkId(sha256(raw_root)))
}

/// The one encoding of this document.
pub fn encode(document: &RootDocument) -> Vec<u8> {
    let r = document;
    let mut f = FieldsOut::new();
    f.put(key::VERSION, |w| _ = w.uint(VERSION))
        .put(key::NAME, |w| _ = w.text(&r.name))
        .put(key::NONCE, |w| _ = w.bytes(&r.nonce))
        .put(key::NUMBER, |w| _ = w.uint(r.version))
        .put_some(key::NETWORK, r.network, |w, network| _ = w.bytes(network.as_bytes()))
        .put(key::KEYS, |w| {
            w.array(r.keys.len());
            r.keys.iter().for_each(|key| _ = w.bytes(key));
        })
        .put(key::THRESHOLD, |w| _ = w.uint(r.threshold.into()))
        .put(key::ANCHORS, |w| {
            w.array(r.anchors.len());
            for anchor in &r.anchors {
                let nodes = if anchor.nodes { purpose::NODES } else { 0 };
                let seals = if anchor.seals { purpose::SEALS } else { 0 };
                w.array(2).bytes(&anchor.certificate).uint(nodes | seals);
            }
        })
        .put(key::LIFETIME, |w| _ = w.uint(r.lifetime_ms_max));
    f.finish()
}

/// Reads a root document.
///
/// # Errors
/// `NotCanonical`, `TooLarge`; `Malformed` also for a threshold that its keys cannot reach, a repeated
/// key, or a network id where there must be none (version 1) and none where there must be one.
pub fn decode(bytes: &[u8]) -> Result<RootDocument, WireError> {
    cbor::check(bytes, ROOT_BYTES_MAX).map_err(|e| e.within("root document"))?;
    let mut d = Decoder::new(bytes);
    let mut f = Fields::open(&mut d, "root document")?;
    f.version(key::VERSION, VERSION)?;
    let document = RootDocument {
        name: f.required(key::NAME, string)?,
        nonce: f.required(key::NONCE, fixed)?,
        version: f.required(key::NUMBER, |d| Ok(d.u64()?))?,
        network: f.optional(key::NETWORK, id)?,
        keys: f.required(key::KEYS, |d| array(d, 1, ROOT_KEYS_MAX, "keys", spki))?,
        threshold: f.required(key::THRESHOLD, |d| Ok(d.u8()?))?,
        anchors: f.required(key::ANCHORS, |d| array(d, 0, ANCHORS_MAX, "trust anchors", anchor))?,
        lifetime_ms_max: f.required(key::LIFETIME, |d| Ok(d.u64()?))?,
    };
    f.end_skipping()?;
    finish(&d)?;
    validate(&document)?;
    Ok(document)
}

/// Most trust anchors: what [`ROOT_BYTES_MAX`] has room for when every chain has its own.
pub const ANCHORS_MAX: usize = ROOT_KEYS_MAX * CHAIN_CERTIFICATES_MAX;

/// Whether the document keeps to every rule that needs nothing but itself.
///
/// # Errors
/// As [`decode`].
pub fn validate(document: &RootDocument) -> Result<(), WireError> {
    let r = document;
    plain(&r.name, 1, TEXT_BYTES_MAX).map_err(|e| e.within("name"))?;
    if r.version == 0 || r.network.is_some() != (r.version > 1) {
        return Err(WireError::malformed("version 1 names no network, later versions name it"));
    }
    if r.keys.len() > ROOT_KEYS_MAX {
        return Err(WireError::too_large(format_args!("more than {ROOT_KEYS_MAX} keys")));
    }
    if r.threshold == 0 || usize::from(r.threshold) > r.keys.len() {
        return Err(WireError::malformed("threshold must be 1 to the number of keys"));
    }
    if (1..r.keys.len()).any(|i| r.keys[..i].contains(&r.keys[i])) {
        return Err(WireError::malformed("a key stands twice"));
    }
    if !(1..=LIFETIME_MS_MAX).contains(&r.lifetime_ms_max) {
        return Err(WireError::malformed(format_args!("lifetime must be 1 to {LIFETIME_MS_MAX}")));
    }
    Ok(())
}

fn anchor(d: &mut Decoder<'_>) -> Result<Anchor, WireError> {
    if header(d.array()?)? != 2 {
        return Err(WireError::malformed("an anchor is an array of 2"));
    }
    let certificate = bytes_max(d, CERTIFICATE_BYTES_MAX)?;
    let purposes = d.u64()?;
    if purposes == 0 || purposes > (purpose::NODES | purpose::SEALS) || certificate.is_empty() {
        return Err(WireError::malformed("an anchor without certificate or purpose"));
    }
    let has = |bit| purposes & bit != 0;
    Ok(Anchor { certificate, nodes: has(purpose::NODES), seals: has(purpose::SEALS) })
}

/// The bytes that one key signs for a root document.
pub fn to_be_signed(algorithm: Algorithm, raw_root: &[u8], network: NetworkId) -> Vec<u8> {
    key_to_be_signed(TYP_ROOT, algorithm, raw_root, network)
}

/// A `Sig_structure` whose protected header is `{1: algorithm, 16: typ}`.
pub(crate) fn key_to_be_signed(
    typ: &str,
    algorithm: Algorithm,
    payload: &[u8],
    network: NetworkId,
) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(2).int(ALG).int(algorithm.cose_id()).int(TYP).text(typ);
    sig_structure(&w.finish(), network.as_bytes(), payload)
}

impl RootFile {
    /// Reads a root file: `[document, signatures]`, from version 2 on with the signatures of the keys
    /// before as third element.
    ///
    /// # Errors
    /// `NotCanonical`, `TooLarge`, `Malformed`.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        cbor::check(bytes, ROOT_FILE_BYTES_MAX).map_err(|e| e.within("root file"))?;
        let mut d = Decoder::new(bytes);
        let parts = header(d.array()?)?;
        if parts != 2 && parts != 3 {
            return Err(WireError::malformed("root file: an array of 2 or 3 is needed"));
        }
        let raw_root = d.bytes()?.to_vec();
        let document = decode(&raw_root)?;
        let signatures = read_signatures(&mut d)?;
        let previous = if parts == 3 { read_signatures(&mut d)? } else { Vec::new() };
        finish(&d)?;
        if (parts == 3) != (document.version > 1) {
            return Err(WireError::malformed(
                "root file: signatures of the keys before belong to versions from 2 on",
            ));
        }
        Ok(RootFile { raw_root, document, signatures, previous_signatures: previous })
    }

    /// The file's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(self.raw_root.len() + 256);
        let later = self.document.version > 1;
        w.array(2 + usize::from(later)).bytes(&self.raw_root);
        write_signatures(&mut w, &self.signatures);
        if later {
            write_signatures(&mut w, &self.previous_signatures);
        }
        w.finish()
    }

    /// The network.
    pub fn network(&self) -> NetworkId {
        network_id(&self.raw_root, &self.document)
    }
}

/// Largest root file: the document and two full sets of signatures.
pub const ROOT_FILE_BYTES_MAX: usize =
    ROOT_BYTES_MAX + 2 * ROOT_KEYS_MAX * (SIGNATURE_BYTES_MAX + 16) + 16;

/// Reads `[* [key index, algorithm, signature]]`, ascending by index.
pub(crate) fn read_signatures(d: &mut Decoder<'_>) -> Result<Vec<KeySignature>, WireError> {
    let signatures = array(d, 1, ROOT_KEYS_MAX, "signatures", |d| {
        if header(d.array()?)? != 3 {
            return Err(WireError::malformed("a signature is an array of 3"));
        }
        let (key_index, algorithm) = (d.u8()?, algorithm(d)?);
        Ok(KeySignature { key_index, algorithm, signature: bytes_max(d, SIGNATURE_BYTES_MAX)? })
    })?;
    if !signatures.is_sorted_by(|a, b| a.key_index < b.key_index) {
        return Err(WireError::malformed("signatures are repeated or out of order"));
    }
    Ok(signatures)
}

/// Writes what [`read_signatures`] reads.
pub(crate) fn write_signatures(w: &mut Writer, signatures: &[KeySignature]) {
    w.array(signatures.len());
    for s in signatures {
        w.array(3).uint(s.key_index.into()).int(s.algorithm.cose_id()).bytes(&s.signature);
    }
}
