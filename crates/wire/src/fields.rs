//! Readers and writers of the small values that every format shares.

use minicbor::Decoder;
use tram_crypto::{Algorithm, SPKI_BYTES_MAX};
use tram_dispatch::envelope::Sequence;
use tram_dispatch::{AgencyCode, Code, NodeId, Reference, UnixMillis, text};

use crate::WireError;
use crate::cbor::{Writer, header, null};

/// A byte string of exactly `N` bytes.
pub(crate) fn fixed<const N: usize>(d: &mut Decoder<'_>) -> Result<[u8; N], WireError> {
    let bytes = d.bytes()?;
    bytes.try_into().map_err(|_| {
        WireError::malformed(format_args!("{} bytes where {N} are needed", bytes.len()))
    })
}

/// An identifier or digest of 32 bytes.
pub(crate) fn id<T: From<[u8; 32]>>(d: &mut Decoder<'_>) -> Result<T, WireError> {
    Ok(fixed::<32>(d)?.into())
}

/// A byte string of at most `max` bytes, kept as received.
pub(crate) fn bytes_max(d: &mut Decoder<'_>, max: usize) -> Result<Vec<u8>, WireError> {
    let bytes = d.bytes()?;
    within_bytes(bytes.len(), max)?;
    Ok(bytes.to_vec())
}

/// A public key: SubjectPublicKeyInfo, DER, not looked into.
pub(crate) fn spki(d: &mut Decoder<'_>) -> Result<Vec<u8>, WireError> {
    let key = bytes_max(d, SPKI_BYTES_MAX)?;
    if key.is_empty() { Err(WireError::malformed("an empty key")) } else { Ok(key) }
}

/// A length against its limit.
pub(crate) fn within_bytes(length: usize, max: usize) -> Result<(), WireError> {
    if length <= max {
        return Ok(());
    }
    Err(WireError::too_large(format_args!("{length} bytes, at most {max} allowed")))
}

/// Text as received; [`plain`] says whether it may stand there.
pub(crate) fn string(d: &mut Decoder<'_>) -> Result<String, WireError> {
    Ok(d.str()?.to_owned())
}

/// Whether a text of `least..=max` bytes has no control or deceptive character.
pub(crate) fn plain(value: &str, least: usize, max: usize) -> Result<(), WireError> {
    within_bytes(value.len(), max)?;
    if value.len() < least {
        return Err(WireError::malformed("an empty text"));
    }
    if !text::is_plain(value) {
        return Err(WireError::malformed("a text with control or direction characters"));
    }
    Ok(())
}

/// An agency code in its canonical spelling.
pub(crate) fn agency(d: &mut Decoder<'_>) -> Result<AgencyCode, WireError> {
    AgencyCode::parse_canonical(d.str()?)
        .map_err(|_| WireError::malformed("not an agency code in canonical spelling"))
}

/// A node id.
pub(crate) fn node(d: &mut Decoder<'_>) -> Result<NodeId, WireError> {
    d.str()?.parse().map_err(|_| WireError::malformed("not a node id"))
}

/// A reference.
pub(crate) fn reference(d: &mut Decoder<'_>) -> Result<Reference, WireError> {
    d.str()?.parse().map_err(|_| WireError::malformed("not a reference"))
}

/// A moment.
pub(crate) fn time(d: &mut Decoder<'_>) -> Result<UnixMillis, WireError> {
    Ok(UnixMillis(d.u64()?))
}

/// A moment or null.
pub(crate) fn time_or_null(d: &mut Decoder<'_>) -> Result<Option<UnixMillis>, WireError> {
    if null(d)? { Ok(None) } else { time(d).map(Some) }
}

/// Writes a moment or null.
pub(crate) fn put_time_or_null(w: &mut Writer, value: Option<UnixMillis>) {
    match value {
        Some(time) => w.uint(time.0),
        None => w.null(),
    };
}

/// A code of the table, by its number.
pub(crate) fn code(d: &mut Decoder<'_>) -> Result<Code, WireError> {
    let number = d.u16()?;
    Code::read(number).ok_or_else(|| WireError::malformed("code 0"))
}

/// An array of exactly so many elements; gives none of them.
pub(crate) fn exactly(d: &mut Decoder<'_>, expected: u64) -> Result<(), WireError> {
    if header(d.array()?)? == expected {
        Ok(())
    } else {
        Err(WireError::malformed(format_args!("an array of {expected} is needed")))
    }
}

/// A place in the originator's numbering.
pub(crate) fn sequence(d: &mut Decoder<'_>) -> Result<Sequence, WireError> {
    exactly(d, 2)?;
    Ok(Sequence { series: d.u64()?, number: d.u64()? })
}

/// A signature algorithm, by its COSE number.
pub(crate) fn algorithm(d: &mut Decoder<'_>) -> Result<Algorithm, WireError> {
    let number = d.i64()?;
    Algorithm::from_cose_id(number)
        .ok_or_else(|| WireError::malformed(format_args!("algorithm {number} is not supported")))
}

/// Whether the elements ascend strictly.
pub(crate) fn ascending<T: Ord>(items: &[T], what: &str) -> Result<(), WireError> {
    if items.is_sorted_by(|a, b| a < b) {
        return Ok(());
    }
    Err(WireError::malformed(format_args!("{what} are repeated or out of order")))
}
