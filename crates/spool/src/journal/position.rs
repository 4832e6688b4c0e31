//! Where things lie. Positions order as the journal does.

/// Where a record begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Segment number.
    pub segment: u64,
    /// Offset of the record's first byte in the segment file.
    pub offset: u64,
    /// Index of the record in its batch.
    pub record: u32,
}

impl Position {
    /// Length of [`Position::to_bytes`].
    pub const BYTES: usize = 20;

    /// Big-endian, so that the bytes order as the positions do.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut out = [0; Self::BYTES];
        out[..8].copy_from_slice(&self.segment.to_be_bytes());
        out[8..16].copy_from_slice(&self.offset.to_be_bytes());
        out[16..].copy_from_slice(&self.record.to_be_bytes());
        out
    }

    /// The inverse of [`Position::to_bytes`].
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let (segment, rest) = split8(bytes);
        let (offset, rest) = split8(rest);
        let mut record = [0; 4];
        record.copy_from_slice(&rest[..4]);
        Self { segment, offset, record: u32::from_be_bytes(record) }
    }
}

/// Where a batch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchPosition {
    /// Segment number.
    pub segment: u64,
    /// Offset of the batch's first sector in the segment file.
    pub offset: u64,
    /// Sequence number of the batch; counted from 1 over the whole journal.
    pub batch_seq: u64,
}

impl BatchPosition {
    /// Length of [`BatchPosition::to_bytes`].
    pub const BYTES: usize = 24;

    /// Big-endian, so that the bytes order as the positions do.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut out = [0; Self::BYTES];
        out[..8].copy_from_slice(&self.segment.to_be_bytes());
        out[8..16].copy_from_slice(&self.offset.to_be_bytes());
        out[16..].copy_from_slice(&self.batch_seq.to_be_bytes());
        out
    }

    /// The inverse of [`BatchPosition::to_bytes`].
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let (segment, rest) = split8(bytes);
        let (offset, rest) = split8(rest);
        let (batch_seq, _) = split8(rest);
        Self { segment, offset, batch_seq }
    }
}

fn split8(bytes: &[u8]) -> (u64, &[u8]) {
    let mut out = [0; 8];
    out.copy_from_slice(&bytes[..8]);
    (u64::from_be_bytes(out), &bytes[8..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_round_trip_and_keep_the_order() {
        let values = [0, 1, 255, 256, u64::MAX];
        let mut previous: Option<(Position, [u8; Position::BYTES])> = None;
        for segment in values {
            for offset in values {
                for record in [0, 7, u32::MAX] {
                    let position = Position { segment, offset, record };
                    let bytes = position.to_bytes();
                    assert_eq!(Position::from_bytes(&bytes), position);
                    if let Some((p, b)) = previous {
                        assert!(p < position && b < bytes);
                    }
                    previous = Some((position, bytes));
                }
                let batch = BatchPosition { segment, offset, batch_seq: 9 };
                assert_eq!(BatchPosition::from_bytes(&batch.to_bytes()), batch);
            }
        }
    }
}
