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

/// Appends `value` in as few bytes as it takes, seven bits each, the lowest first (LEB128). These do *not* sort.
pub(crate) fn put_short(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes what [`put_short`] wrote from the front.
pub(crate) fn take_short(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for (n, byte) in bytes.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7f);
        if bits << (7 * n) >> (7 * n) != bits {
            return None;
        }
        value |= bits << (7 * n);
        if *byte < 0x80 {
            *bytes = &bytes[n + 1..];
            return Some(value);
        }
    }
    None
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
        fn short_ones_come_back(value: u64, shift in 0_u32..64) {
            let mut bytes = Vec::new();
            put_short(&mut bytes, value >> shift);
            let mut rest = &bytes[..];
            prop_assert_eq!(take_short(&mut rest), Some(value >> shift));
            prop_assert!(rest.is_empty());
            prop_assert_eq!(take_short(&mut &bytes[..bytes.len() - 1]), None);
        }

        #[test]
        fn any_bytes_are_safe(bytes: Vec<u8>) {
            let _ = take_position(&mut &bytes[..]);
            let _ = take_short(&mut &bytes[..]);
        }
    }
}
