//! Readers over bytes that [`super::check`] has let through.

use std::collections::BTreeMap;

use minicbor::Decoder;
use minicbor::data::Type;

use super::NON_CRITICAL_KEYS_FROM;
use crate::WireError;

/// Elements that room is made for before the first is read.
const CAPACITY_FIRST: usize = 64;

/// Reads an array of `least..=most` elements.
///
/// # Errors
/// `Malformed` for another type or too few, `TooLarge` for too many, and what `element` gives.
pub(crate) fn array<'a, T>(
    d: &mut Decoder<'a>,
    least: usize,
    most: usize,
    what: &str,
    mut element: impl FnMut(&mut Decoder<'a>) -> Result<T, WireError>,
) -> Result<Vec<T>, WireError> {
    let count = header(d.array()?)?;
    if count > most as u64 {
        return Err(WireError::too_large(format_args!("{count} {what}, at most {most} allowed")));
    }
    if count < least as u64 {
        return Err(WireError::malformed(format_args!("{count} {what}, at least {least} needed")));
    }
    // The walk has seen each element, but an element may be one byte here and a hundred in memory: what
    // fails early shall not have cost more than a little.
    let mut out = Vec::with_capacity(usize::try_from(count).map_or(0, |n| n.min(CAPACITY_FIRST)));
    for _ in 0..count {
        out.push(element(d)?);
    }
    Ok(out)
}

/// The length of a definite array or map.
pub(crate) fn header(length: Option<u64>) -> Result<u64, WireError> {
    length.ok_or_else(|| WireError::not_canonical("indefinite length"))
}

/// Checks that nothing is left over.
pub(crate) fn finish(d: &Decoder<'_>) -> Result<(), WireError> {
    if d.position() == d.input().len() {
        Ok(())
    } else {
        Err(WireError::malformed("bytes are left over"))
    }
}

/// Reads a map with unsigned keys in ascending order, field by field.
///
/// Fields must be asked for in ascending order of their keys: the walk has checked that the map has that
/// order, so a key passed over can be told as unknown at once.
pub(crate) struct Fields<'d, 'a> {
    d: &'d mut Decoder<'a>,
    left: u64,
    next: Option<u64>,
    what: &'static str,
}

impl<'d, 'a> Fields<'d, 'a> {
    /// Opens the map; `what` names it in errors.
    pub(crate) fn open(d: &'d mut Decoder<'a>, what: &'static str) -> Result<Self, WireError> {
        let left = header(d.map()?)?;
        let mut fields = Fields { d, left, next: None, what };
        fields.advance()?;
        Ok(fields)
    }

    fn advance(&mut self) -> Result<(), WireError> {
        self.next = match self.left.checked_sub(1) {
            None => None,
            Some(left) => {
                self.left = left;
                let key = self.d.u64().map_err(|e| WireError::from(e).within(self.what))?;
                Some(key)
            }
        };
        Ok(())
    }

    /// The field `key` if it is there.
    pub(crate) fn optional<T>(
        &mut self,
        key: u64,
        read: impl FnOnce(&mut Decoder<'a>) -> Result<T, WireError>,
    ) -> Result<Option<T>, WireError> {
        match self.next {
            Some(next) if next == key => {
                let value =
                    read(self.d).map_err(|e| e.within(&format!("{} field {key}", self.what)))?;
                self.advance()?;
                Ok(Some(value))
            }
            Some(next) if next < key => Err(self.unknown(next)),
            _ => Ok(None),
        }
    }

    /// The field `key`, which must be there.
    pub(crate) fn required<T>(
        &mut self,
        key: u64,
        read: impl FnOnce(&mut Decoder<'a>) -> Result<T, WireError>,
    ) -> Result<T, WireError> {
        let what = self.what;
        self.optional(key, read)?
            .ok_or_else(|| WireError::malformed(format_args!("{what} has no field {key}")))
    }

    /// A required field that must be exactly this number: the format's version.
    pub(crate) fn version(&mut self, key: u64, expected: u64) -> Result<(), WireError> {
        let version = self.required(key, |d| Ok(d.u64()?))?;
        if version == expected {
            return Ok(());
        }
        let what = self.what;
        Err(WireError::malformed(format_args!(
            "{what} has format version {version}, this program knows {expected}"
        )))
    }

    /// Ends a map that has no room for fields of later versions.
    pub(crate) fn end(self) -> Result<(), WireError> {
        match self.next {
            None => Ok(()),
            Some(key) => Err(self.unknown(key)),
        }
    }

    /// Ends a map whose non-critical fields are passed over; whoever needs them has the raw bytes.
    pub(crate) fn end_skipping(mut self) -> Result<(), WireError> {
        while let Some(key) = self.next {
            if key < NON_CRITICAL_KEYS_FROM {
                return Err(self.unknown(key));
            }
            self.d.skip()?;
            self.advance()?;
        }
        Ok(())
    }

    /// Ends a map whose non-critical fields are kept as raw CBOR.
    pub(crate) fn end_keeping(mut self) -> Result<BTreeMap<u64, Vec<u8>>, WireError> {
        let mut kept = BTreeMap::new();
        while let Some(key) = self.next {
            if key < NON_CRITICAL_KEYS_FROM {
                return Err(self.unknown(key));
            }
            kept.insert(key, raw(self.d)?.to_vec());
            self.advance()?;
        }
        Ok(kept)
    }

    fn unknown(&self, key: u64) -> WireError {
        let what = self.what;
        WireError::malformed(format_args!("{what} has an unknown critical field {key}"))
    }
}

/// The raw bytes of the next item.
pub(crate) fn raw<'a>(d: &mut Decoder<'a>) -> Result<&'a [u8], WireError> {
    let start = d.position();
    d.skip()?;
    Ok(&d.input()[start..d.position()])
}

/// Whether the next item is null; takes it if so.
pub(crate) fn null(d: &mut Decoder<'_>) -> Result<bool, WireError> {
    let null = d.datatype()? == Type::Null;
    if null {
        d.null()?;
    }
    Ok(null)
}
