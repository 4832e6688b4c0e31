//! Integers and positions as short bytes that sort as the values do.

use crate::journal::Position;

/// Appends `value`: one byte with the number of bytes that follow, then these, big-endian and
/// without leading zeros. Longer means larger, so the order of bytes is the order of values.
pub(crate) fn put_uint(out: &mut Vec<u8>, value: u64) {
    let len = 8 - value.leading_zeros() as usize / 8;
    out.push(len as u8);
    out.extend_from_slice(&value.to_be_bytes()[8 - len..]);
}

/// Takes what [`put_uint`] wrote from the front.
pub(crate) fn take_uint(bytes: &mut &[u8]) -> Option<u64> {
    let (len, rest) = bytes.split_first()?;
    let (value, rest) = rest.split_at_checked(usize::from(*len).min(9))?;
    let mut full = [0; 8];
    full.get_mut(8_usize.checked_sub(value.len())?..)?.copy_from_slice(value);
    *bytes = rest;
    Some(u64::from_be_bytes(full))
}

/// Appends a position: segment, offset, record.
pub(crate) fn put_position(out: &mut Vec<u8>, at: Position) {
    put_uint(out, at.segment);
    put_uint(out, at.offset);
    put_uint(out, at.record.into());
}

/// Takes what [`put_position`] wrote from the front.
pub(crate) fn take_position(bytes: &mut &[u8]) -> Option<Position> {
    Some(Position {
        segment: take_uint(bytes)?,
        offset: take_uint(bytes)?,
        record: u32::try_from(take_uint(bytes)?).ok()?,
    })
}

/// A position alone.
pub(crate) fn position(at: Position) -> Vec<u8> {
    let mut out = Vec::with_capacity(16);
    put_position(&mut out, at);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn uint(value: u64) -> Vec<u8> {
        let mut out = Vec::new();
        put_uint(&mut out, value);
        out
    }

    proptest! {
        #[test]
        fn order_and_value_are_kept(a: u64, b: u64, shift in 0_u32..64) {
            let (a, b) = (a >> shift, b >> (63 - shift));
            prop_assert_eq!(a.cmp(&b), uint(a).cmp(&uint(b)));
            let bytes = uint(a);
            let mut rest = &bytes[..];
            prop_assert_eq!(take_uint(&mut rest), Some(a));
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn any_bytes_are_safe(bytes: Vec<u8>) {
            let _ = take_position(&mut &bytes[..]);
        }
    }
}
