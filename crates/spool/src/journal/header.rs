//! The segment header, and the names of segment files.

use super::error::{JournalError, corrupt};
use super::limits::FORMAT_VERSION;
use super::sector::{SECTOR, SECTOR_BYTES, is_zero, le_u32, le_u64};

const MAGIC: [u8; 8] = *b"TRAMJRNL";
const SUFFIX: &str = ".segment";
const NAME_DIGITS: usize = 20;
/// Where the checksum lies, in this and all later versions.
const CRC_AT: usize = SECTOR - 4;
/// End of the fields of this version.
const FIELDS_END: usize = 104;

/// What the first sector of a segment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) segment: u64,
    pub(super) store_id: [u8; 16],
    /// Sequence number of the first batch to come.
    pub(super) first_batch_seq: u64,
    /// Chain value that batch must name.
    pub(super) chain: [u8; 32],
    /// Where the previous segment ends; 0 in the very first segment.
    pub(super) previous_end: u64,
    /// Preallocated length of this segment.
    pub(super) capacity: u64,
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> [u8; SECTOR] {
        let mut out = [0; SECTOR];
        out[..8].copy_from_slice(&MAGIC);
        out[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        out[12..16].copy_from_slice(&(SECTOR as u32).to_le_bytes());
        out[16..24].copy_from_slice(&self.segment.to_le_bytes());
        out[24..40].copy_from_slice(&self.store_id);
        out[40..48].copy_from_slice(&self.first_batch_seq.to_le_bytes());
        out[48..80].copy_from_slice(&self.chain);
        out[80..88].copy_from_slice(&self.previous_end.to_le_bytes());
        out[88..96].copy_from_slice(&self.capacity.to_le_bytes());
        let crc = crc32c::crc32c(&out[..CRC_AT]);
        out[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads the first sector of the file named for `segment`. `None` if it was never written.
    pub(super) fn decode(bytes: &[u8; SECTOR], segment: u64) -> Result<Option<Self>, JournalError> {
        if is_zero(bytes) {
            return Ok(None);
        }
        if bytes[..8] != MAGIC {
            return Err(corrupt(segment, 0, "the segment header has a wrong magic number"));
        }
        if le_u32(bytes, CRC_AT) != crc32c::crc32c(&bytes[..CRC_AT]) {
            return Err(corrupt(segment, CRC_AT as u64, "the segment header's checksum is wrong"));
        }
        let found = le_u32(bytes, 8);
        if found > FORMAT_VERSION {
            return Err(JournalError::FormatTooNew { segment, found, supported: FORMAT_VERSION });
        }
        let mut store_id = [0; 16];
        store_id.copy_from_slice(&bytes[24..40]);
        let mut chain = [0; 32];
        chain.copy_from_slice(&bytes[48..80]);
        let header = Self {
            segment: le_u64(bytes, 16),
            store_id,
            first_batch_seq: le_u64(bytes, 40),
            chain,
            previous_end: le_u64(bytes, 80),
            capacity: le_u64(bytes, 88),
        };
        let sound = found == FORMAT_VERSION
            && le_u32(bytes, 12) as usize == SECTOR
            && header.segment == segment
            && header.first_batch_seq > 0
            && header.previous_end.is_multiple_of(SECTOR_BYTES)
            && header.capacity.is_multiple_of(SECTOR_BYTES)
            && header.capacity > SECTOR_BYTES
            && is_zero(&bytes[FIELDS_END..CRC_AT]);
        if sound {
            Ok(Some(header))
        } else {
            Err(corrupt(segment, 0, "the segment header contradicts itself or its file name"))
        }
    }
}

/// The file name of a segment.
pub(super) fn segment_name(segment: u64) -> String {
    format!("{segment:0NAME_DIGITS$}{SUFFIX}")
}

/// The inverse of [`segment_name`]; `None` for every other name.
pub(crate) fn parse_segment_name(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    if digits.len() != NAME_DIGITS || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|n| *n > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> SegmentHeader {
        SegmentHeader {
            segment: 5,
            store_id: [1; 16],
            first_batch_seq: 77,
            chain: [9; 32],
            previous_end: 4096,
            capacity: 65_536,
        }
    }

    #[test]
    fn round_trip_and_every_flipped_bit_is_refused() {
        let bytes = header().encode();
        assert_eq!(SegmentHeader::decode(&bytes, 5).unwrap(), Some(header()));
        assert!(SegmentHeader::decode(&bytes, 6).is_err());
        assert_eq!(SegmentHeader::decode(&[0; SECTOR], 5).unwrap(), None);
        for bit in 0..SECTOR * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHeader::decode(&flipped, 5).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_newer_format_is_refused_by_name() {
        let mut bytes = header().encode();
        bytes[8..12].copy_from_slice(&(FORMAT_VERSION + 1).to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        let error = SegmentHeader::decode(&bytes, 5).unwrap_err();
        assert!(matches!(error, JournalError::FormatTooNew { found: 2, supported: 1, .. }));
    }

    #[test]
    fn names() {
        assert_eq!(segment_name(12), "00000000000000000012.segment");
        assert_eq!(parse_segment_name(&segment_name(12)), Some(12));
        for other in
            ["12.segment", "00000000000000000012.segment.bak", "0000000000000000001x.segment"]
        {
            assert_eq!(parse_segment_name(other), None);
        }
        assert_eq!(parse_segment_name(&segment_name(0)), None);
    }
}
