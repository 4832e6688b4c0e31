//! Sectors: the unit that a disk writes entirely or not at all.

/// Bytes in a sector.
pub(super) const SECTOR: usize = 512;
/// Bytes of a sector's head: checksum, block index, batch sequence.
pub(super) const HEAD: usize = 16;
/// Bytes of the batch stream in a sector.
pub(super) const PAYLOAD: usize = SECTOR - HEAD;
/// [`SECTOR`] for arithmetic on offsets.
pub(super) const SECTOR_BYTES: u64 = SECTOR as u64;

/// Sectors that a stream of `stream_bytes` needs.
pub(super) fn sectors_for(stream_bytes: u64) -> u64 {
    stream_bytes.div_ceil(PAYLOAD as u64)
}

/// Seed of all checksums in one segment: they hold in this store and this segment only.
#[derive(Clone, Copy, Debug)]
pub(super) struct SegmentSeal {
    seed: u32,
}

/// The state of a sector on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SectorState {
    /// All zeros: preallocated and never written.
    Unwritten,
    /// Whole, and in its place.
    Valid {
        /// The batch it belongs to.
        batch_seq: u64,
        /// Its place in that batch.
        block: u32,
    },
    /// Written, and not what was written.
    Damaged,
}

impl SegmentSeal {
    pub(super) fn new(store_id: &[u8; 16], segment: u64) -> Self {
        let seed = crc32c::crc32c(store_id);
        Self { seed: crc32c::crc32c_append(seed, &segment.to_le_bytes()) }
    }

    /// Fills in the heads of the sectors of one batch that will lie at `offset`.
    pub(super) fn seal(&self, sectors: &mut [u8], offset: u64, batch_seq: u64) {
        let mut at = offset;
        for (block, sector) in (0_u32..).zip(sectors.chunks_exact_mut(SECTOR)) {
            sector[4..8].copy_from_slice(&block.to_le_bytes());
            sector[8..HEAD].copy_from_slice(&batch_seq.to_le_bytes());
            let crc = self.checksum(sector, at);
            sector[..4].copy_from_slice(&crc.to_le_bytes());
            at += SECTOR_BYTES;
        }
    }

    /// Judges the sector found at `offset`.
    pub(super) fn judge(&self, sector: &[u8], offset: u64) -> SectorState {
        let found = le_u32(sector, 0);
        if found == self.checksum(sector, offset) {
            let (block, batch_seq) = (le_u32(sector, 4), le_u64(sector, 8));
            // No batch has number 0, so zeros are not valid even if their checksum were zero.
            if batch_seq > 0 {
                return SectorState::Valid { batch_seq, block };
            }
        }
        if is_zero(sector) { SectorState::Unwritten } else { SectorState::Damaged }
    }

    fn checksum(&self, sector: &[u8], offset: u64) -> u32 {
        crc32c::crc32c_append(
            crc32c::crc32c_append(self.seed, &offset.to_le_bytes()),
            &sector[4..SECTOR],
        )
    }
}

/// True if no bit is set.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    static ZEROS: [u8; SECTOR] = [0; SECTOR];
    bytes.chunks(SECTOR).all(|chunk| *chunk == ZEROS[..chunk.len()])
}

/// Reads a little-endian number; the caller has checked the length.
pub(super) fn le_u16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// Reads a little-endian number; the caller has checked the length.
pub(super) fn le_u32(bytes: &[u8], at: usize) -> u32 {
    let mut out = [0; 4];
    out.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(out)
}

/// Reads a little-endian number; the caller has checked the length.
pub(super) fn le_u64(bytes: &[u8], at: usize) -> u64 {
    let mut out = [0; 8];
    out.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sector_is_valid_in_its_place_only_and_any_flipped_bit_damages_it() {
        let seal = SegmentSeal::new(&[7; 16], 3);
        let mut sectors = vec![0; 2 * SECTOR];
        sectors[HEAD] = 1;
        seal.seal(&mut sectors, 1024, 9);
        let second = &sectors[SECTOR..];
        assert_eq!(seal.judge(second, 1536), SectorState::Valid { batch_seq: 9, block: 1 });
        assert_eq!(seal.judge(second, 2048), SectorState::Damaged);
        assert_eq!(SegmentSeal::new(&[7; 16], 4).judge(second, 1536), SectorState::Damaged);
        assert_eq!(SegmentSeal::new(&[8; 16], 3).judge(second, 1536), SectorState::Damaged);
        for bit in 0..SECTOR * 8 {
            let mut flipped = second.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(seal.judge(&flipped, 1536), SectorState::Damaged, "bit {bit}");
        }
        assert_eq!(seal.judge(&[0; SECTOR], 1536), SectorState::Unwritten);
    }
}
