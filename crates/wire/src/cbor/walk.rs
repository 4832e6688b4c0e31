//! The structural walk (RFC 8949 section 4.2.1): does one canonical item fill these bytes exactly?
//!
//! Iterative, with a stack of fixed size, and without any allocation before it fails: a hostile length
//! or depth costs nothing. It knows no types of ours, so that a mistake in a decoder cannot let a second
//! encoding of the same value in.

use tram_dispatch::limits::{CBOR_DEPTH_MAX, CBOR_ITEMS_MAX};

use crate::WireError;

/// Where the tag 18 (COSE_Sign1, RFC 9052 section 4.2) may stand. No other tag may stand anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag18 {
    /// Nowhere.
    Nowhere,
    /// Before the outermost item: a sealed dispatch.
    Top,
    /// Before the first element of the outermost array: a receipt.
    FirstElement,
}

/// What the walk allows.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Longest input.
    pub bytes_max: usize,
    /// Most elements of one array, or pairs of one map.
    pub items_max: usize,
    /// Where tag 18 may stand.
    pub tag18: Tag18,
}

impl Rules {
    /// No tags, [`CBOR_ITEMS_MAX`] items.
    pub const fn plain(bytes_max: usize) -> Self {
        Rules { bytes_max, items_max: CBOR_ITEMS_MAX, tag18: Tag18::Nowhere }
    }
}

/// Checks that `bytes` are exactly one item in deterministic form without tags, of at most
/// `bytes_max` bytes.
///
/// # Errors
/// `TooLarge` over a limit, `NotCanonical` for a second spelling of something allowed, `Malformed` for
/// everything else. The position in the detail is the byte offset of the item at fault.
pub fn check(bytes: &[u8], bytes_max: usize) -> Result<(), WireError> {
    check_with(bytes, &Rules::plain(bytes_max))
}

/// As [`check`], with other rules.
///
/// # Errors
/// As [`check`].
pub fn check_with(bytes: &[u8], rules: &Rules) -> Result<(), WireError> {
    if bytes.len() > rules.bytes_max {
        let (len, max) = (bytes.len(), rules.bytes_max);
        return Err(WireError::too_large(format_args!("{len} bytes, at most {max} allowed")));
    }
    let end = Walk { bytes, at: 0, rules }.run()?;
    if end == bytes.len() {
        return Ok(());
    }
    let left = bytes.len() - end;
    Err(WireError::malformed(format_args!("{left} bytes are left over after byte {end}")))
}

/// An array or map that is being walked.
#[derive(Clone, Copy, Default)]
struct Open {
    /// Items still to come; a map's keys and values both count.
    left: u64,
    /// Whether it is a map.
    map: bool,
    /// Where its first item begins.
    first: usize,
    /// The encoded key before, as a range of the input; empty before the first.
    key: (usize, usize),
    /// Where the key that is being walked began.
    key_start: usize,
}

impl Open {
    /// Whether the item being walked is a map's key.
    fn at_key(&self) -> bool {
        self.map && self.left.is_multiple_of(2)
    }
}

/// What one head was.
enum Item {
    /// A whole item, content included.
    Whole,
    /// A container whose items follow, if it has any.
    Container(Open),
    /// A tag: the item it belongs to follows.
    Tag,
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    rules: &'a Rules,
}

impl Walk<'_> {
    /// Walks one item; gives the offset behind it.
    fn run(mut self) -> Result<usize, WireError> {
        let mut stack = [Open::default(); CBOR_DEPTH_MAX];
        let mut depth = 0usize;
        loop {
            let start = self.at;
            if let Some(top) = depth.checked_sub(1).map(|top| &mut stack[top])
                && top.at_key()
            {
                top.key_start = start;
            }
            let tag_allowed = match self.rules.tag18 {
                Tag18::Nowhere => false,
                Tag18::Top => start == 0,
                Tag18::FirstElement => depth == 1 && !stack[0].map && start == stack[0].first,
            };
            match self.item(tag_allowed)? {
                Item::Tag => continue,
                Item::Container(_) if depth == CBOR_DEPTH_MAX => {
                    return Err(WireError::too_large(format_args!(
                        "nested deeper than {CBOR_DEPTH_MAX} at byte {start}"
                    )));
                }
                Item::Container(open) if open.left > 0 => {
                    stack[depth] = open;
                    depth += 1;
                    continue;
                }
                Item::Whole | Item::Container(_) => {}
            }
            // An item ends here, and with it every container that it was the last item of.
            loop {
                let Some(top) = depth.checked_sub(1).map(|top| &mut stack[top]) else {
                    return Ok(self.at);
                };
                if top.at_key() {
                    self.key_ended(top)?;
                }
                top.left -= 1;
                if top.left > 0 {
                    break;
                }
                depth -= 1;
            }
        }
    }

    /// Reads one head, and the content of strings.
    fn item(&mut self, tag_allowed: bool) -> Result<Item, WireError> {
        let start = self.at;
        let (major, info) = self.initial()?;
        if major == 7 {
            return match info {
                20..=22 => Ok(Item::Whole), // false, true, null
                25..=27 => {
                    Err(WireError::malformed(format_args!("floating point at byte {start}")))
                }
                _ => Err(WireError::malformed(format_args!("simple value at byte {start}"))),
            };
        }
        let value = self.argument(major, info, start)?;
        match major {
            0 | 1 => Ok(Item::Whole),
            2 | 3 => {
                let content = self.take(value, start)?;
                if major == 3 && std::str::from_utf8(content).is_err() {
                    return Err(WireError::malformed(format_args!(
                        "text at byte {start} is not UTF-8"
                    )));
                }
                Ok(Item::Whole)
            }
            4 | 5 => self.container(major == 5, value, start),
            _ if tag_allowed && value == 18 => Ok(Item::Tag),
            _ => Err(WireError::malformed(format_args!("tag {value} at byte {start}"))),
        }
    }

    fn initial(&mut self) -> Result<(u8, u8), WireError> {
        let byte = *self.bytes.get(self.at).ok_or_else(|| self.ends_early())?;
        self.at += 1;
        Ok((byte >> 5, byte & 31))
    }

    /// The argument of a head, in its shortest form only.
    fn argument(&mut self, major: u8, info: u8, start: usize) -> Result<u64, WireError> {
        let (width, least) = match info {
            0..=23 => return Ok(u64::from(info)),
            24 => (1, 24),
            25 => (2, 1 << 8),
            26 => (4, 1 << 16),
            27 => (8, 1 << 32),
            31 if (2..=5).contains(&major) => {
                return Err(WireError::not_canonical(format_args!(
                    "indefinite length at byte {start}"
                )));
            }
            _ => return Err(WireError::malformed(format_args!("reserved head at byte {start}"))),
        };
        let argument = self.take(width, start)?;
        let value = argument.iter().fold(0, |value: u64, byte| value << 8 | u64::from(*byte));
        if value < least {
            return Err(WireError::not_canonical(format_args!(
                "number at byte {start} is not in its shortest form"
            )));
        }
        Ok(value)
    }

    fn take(&mut self, length: u64, start: usize) -> Result<&[u8], WireError> {
        let left = self.bytes.len() - self.at;
        match usize::try_from(length) {
            Ok(length) if length <= left => {
                let taken = &self.bytes[self.at..self.at + length];
                self.at += length;
                Ok(taken)
            }
            _ => Err(WireError::malformed(format_args!(
                "the item at byte {start} needs {length} bytes more, {left} are there"
            ))),
        }
    }

    fn container(&mut self, map: bool, count: u64, start: usize) -> Result<Item, WireError> {
        let max = self.rules.items_max as u64;
        if count > max {
            return Err(WireError::too_large(format_args!(
                "{count} items at byte {start}, at most {max} allowed"
            )));
        }
        let left = if map { count * 2 } else { count };
        if left > (self.bytes.len() - self.at) as u64 {
            return Err(self.ends_early());
        }
        Ok(Item::Container(Open { left, map, first: self.at, ..Open::default() }))
    }

    /// Keys ascend strictly by their encoded bytes (RFC 8949 section 4.2.1), so none stands twice.
    fn key_ended(&self, map: &mut Open) -> Result<(), WireError> {
        let key = (map.key_start, self.at);
        let first = map.key == (0, 0);
        if !first && self.bytes[map.key.0..map.key.1] >= self.bytes[key.0..key.1] {
            return Err(WireError::not_canonical(format_args!(
                "map key at byte {} is repeated or out of order",
                key.0
            )));
        }
        map.key = key;
        Ok(())
    }

    fn ends_early(&self) -> WireError {
        WireError::malformed(format_args!("ends early, at byte {}", self.bytes.len()))
    }
}
