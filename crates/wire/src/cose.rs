//! COSE_Sign1 (RFC 9052 section 4.2) in the one shape that this product uses.

use minicbor::Decoder;

use crate::WireError;
use crate::cbor::{Rules, Tag18, Writer, check_with, finish, header, null, raw};
use crate::fields::within_bytes;

/// Header label `alg` (RFC 9052 section 3.1).
pub const ALG: i64 = 1;
/// Header label `kid` (RFC 9052 section 3.1).
pub const KID: i64 = 4;
/// Header label `typ` (RFC 9596).
pub const TYP: i64 = 16;
/// Header label `x5chain` (RFC 9360).
pub const X5CHAIN: i64 = 33;
/// Header label `vds`, the verifiable data structure (RFC 9942).
pub const VDS: i64 = 395;
/// Header label `vdp`, its proofs (RFC 9942).
pub const VDP: i64 = 396;

/// `typ` of a sealed dispatch.
pub const TYP_DISPATCH: &str = "application/tram-dispatch+cose";
/// `typ` of a receipt.
pub const TYP_RECEIPT: &str = "application/tram-receipt+cose";
/// `typ` of a signature over a root document.
pub const TYP_ROOT: &str = "application/tram-root+cose";
/// `typ` of a signature over a directory head.
pub const TYP_DIRECTORY: &str = "application/tram-directory+cose";
/// A change of a subtree of the directory.
pub const TYP_SUBTREE: &str = "application/tram-subtree+cose";
/// `typ` of a statement that an agency seals about a dispatch.
pub const TYP_STATEMENT: &str = "application/tram-statement+cose";

/// `typ` of a statement that a number of an agency's series stays unused.
pub const TYP_VOID: &str = "application/tram-void+cose";

/// `typ` of a genesis as its node states it.
pub const TYP_EPOCH: &str = "application/tram-epoch+cose";

/// Longest signature in bytes: RSA of 4096 bits.
pub const SIGNATURE_BYTES_MAX: usize = 512;

/// The parts of a COSE_Sign1, as they lie in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sign1<'a> {
    /// The encoded protected header, the content of its byte string.
    pub protected: &'a [u8],
    /// The unprotected header, a raw map.
    pub unprotected: &'a [u8],
    /// The payload; `None` where it is detached.
    pub payload: Option<&'a [u8]>,
    /// The signature.
    pub signature: &'a [u8],
}

impl<'a> Sign1<'a> {
    /// Reads a tagged COSE_Sign1 of at most `bytes_max` bytes and nothing behind it.
    ///
    /// Headers and payload are only located: their content is checked by who knows it.
    ///
    /// # Errors
    /// As [`check_with`]; `Malformed` where it is not a COSE_Sign1.
    pub fn parse(bytes: &'a [u8], bytes_max: usize) -> Result<Self, WireError> {
        check_with(bytes, &Rules { tag18: Tag18::Top, ..Rules::plain(bytes_max) })?;
        let mut d = Decoder::new(bytes);
        let sign1 = Self::read(&mut d)?;
        finish(&d)?;
        Ok(sign1)
    }

    /// Reads one inside of something that has been walked.
    pub(crate) fn read(d: &mut Decoder<'a>) -> Result<Self, WireError> {
        let shape = || WireError::malformed("not a COSE_Sign1");
        if d.tag().map_err(|_| shape())?.as_u64() != 18
            || header(d.array().map_err(|_| shape())?)? != 4
        {
            return Err(shape());
        }
        let protected = d.bytes()?;
        let start = d.position();
        header(d.map()?)?;
        d.set_position(start);
        let unprotected = raw(d)?;
        let payload = if null(d)? { None } else { Some(d.bytes()?) };
        let signature = d.bytes()?;
        within_bytes(signature.len(), SIGNATURE_BYTES_MAX).map_err(|e| e.within("signature"))?;
        if signature.is_empty() {
            return Err(WireError::malformed("an empty signature"));
        }
        Ok(Sign1 { protected, unprotected, payload, signature })
    }

    /// The tagged encoding.
    pub fn encode(&self) -> Vec<u8> {
        let parts = [self.protected, self.unprotected, self.payload.unwrap_or(&[]), self.signature];
        let length: usize = parts.iter().map(|part| part.len() + 5).sum();
        let mut w = Writer::with_capacity(length);
        self.write(&mut w);
        w.finish()
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        w.tag18().array(4).bytes(self.protected).raw(self.unprotected);
        match self.payload {
            Some(payload) => w.bytes(payload),
            None => w.null(),
        };
        w.bytes(self.signature);
    }
}

/// An empty map: the unprotected header of everything but receipts.
pub(crate) const EMPTY_MAP: &[u8] = &[0xa0];

/// The bytes that are signed: `Sig_structure` with context `Signature1` (RFC 9052 section 4.4).
pub fn sig_structure(protected: &[u8], external_aad: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut w = Writer::with_capacity(32 + protected.len() + external_aad.len() + payload.len());
    w.array(4).text("Signature1").bytes(protected).bytes(external_aad).bytes(payload);
    w.finish()
}

/// Takes the header label that must come next.
pub(crate) fn label(d: &mut Decoder<'_>, expected: i64) -> Result<(), WireError> {
    match d.i64()? {
        found if found == expected => Ok(()),
        found => {
            Err(WireError::malformed(format_args!("label {found} where {expected} is needed")))
        }
    }
}
