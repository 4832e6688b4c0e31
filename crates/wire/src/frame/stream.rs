//! How frames lie on a stream: four bytes of length, most significant first, then the frame.

use tram_dispatch::limits::FRAME_BYTES_MAX;

use super::{Frame, encode};
use crate::WireError;

/// Bytes before each frame.
pub const LENGTH_PREFIX_BYTES: usize = 4;

/// A frame as it is written to a stream.
///
/// # Errors
/// `TooLarge` if it is over [`FRAME_BYTES_MAX`].
pub fn encode_prefixed(frame: &Frame) -> Result<Vec<u8>, WireError> {
    let body = encode(frame);
    let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= FRAME_BYTES_MAX);
    let length = length.ok_or_else(|| too_large(body.len()))?;
    let mut out = Vec::with_capacity(LENGTH_PREFIX_BYTES + body.len());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&body);
    Ok(out)
}

/// How many bytes follow this prefix. Check it before making room for them.
///
/// # Errors
/// `TooLarge` if it is over [`FRAME_BYTES_MAX`].
pub fn announced_length(prefix: [u8; LENGTH_PREFIX_BYTES]) -> Result<usize, WireError> {
    let length = u32::from_be_bytes(prefix) as usize;
    if length <= FRAME_BYTES_MAX { Ok(length) } else { Err(too_large(length)) }
}

fn too_large(length: usize) -> WireError {
    WireError::too_large(format_args!(
        "a frame of {length} bytes, at most {FRAME_BYTES_MAX} allowed"
    ))
}
