//! A batch: records to sectors, and back.

use super::error::{CommitError, JournalError, corrupt};
use super::limits::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX, KIND_MAX};
use super::position::{BatchPosition, Position};
use super::sector::{
    HEAD, PAYLOAD, SECTOR, SECTOR_BYTES, SegmentSeal, is_zero, le_u16, le_u32, le_u64, sectors_for,
};
use std::collections::BTreeMap;

const MAGIC: [u8; 4] = *b"TRBT";
/// Of a batch that was written anew in its place: its successor names what it was before.
const MAGIC_REWRITTEN: [u8; 4] = *b"TRBW";
/// Kind of the END record.
const KIND_END: u16 = u16::MAX;
/// Bytes of the batch header in the stream.
pub(super) const BATCH_HEADER: usize = 56;
/// Bytes before each record's body: kind, zero, index, length.
pub(super) const RECORD_HEADER: usize = 12;

/// One record: a kind the caller chooses, up to [`KIND_MAX`], and bytes the journal does not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What the body is.
    pub kind: u16,
    /// The bytes.
    pub body: Vec<u8>,
}

/// The first bytes of a batch's stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchHeader {
    pub(super) records: u32,
    pub(super) batch_seq: u64,
    pub(super) stream_bytes: u64,
    pub(super) chain: [u8; 32],
    /// Bodies of it were replaced since it was committed.
    pub(super) rewritten: bool,
}

/// Length of the stream of `records`, or why they cannot be one batch.
pub(super) fn stream_bytes(records: &[Record]) -> Result<u64, CommitError> {
    if records.is_empty() {
        return Err(CommitError::Empty);
    }
    if let Some(bad) = records.iter().find(|r| r.kind > KIND_MAX) {
        return Err(CommitError::ReservedKind { kind: bad.kind });
    }
    let bodies: u64 = records.iter().map(|r| (r.body.len() + RECORD_HEADER) as u64).sum();
    let bytes = bodies + (BATCH_HEADER + RECORD_HEADER) as u64;
    if bytes > BATCH_BYTES_MAX || records.len() > BATCH_RECORDS_MAX {
        return Err(CommitError::TooLarge { records: records.len(), bytes });
    }
    Ok(bytes)
}

/// Fills `out` with the sectors of a batch that will lie at `at`, and returns where each record
/// begins. `stream_bytes` is what the function of that name returned for the same records.
pub(super) fn encode(
    out: &mut Vec<u8>,
    records: &[Record],
    stream_bytes: u64,
    at: BatchPosition,
    chain: &[u8; 32],
    seal: SegmentSeal,
) -> Vec<Position> {
    out.clear();
    let sectors = sectors_for(stream_bytes) as usize;
    out.reserve(sectors * SECTOR);
    let count = records.len() as u32;
    put(out, &MAGIC);
    put(out, &count.to_le_bytes());
    put(out, &at.batch_seq.to_le_bytes());
    put(out, &stream_bytes.to_le_bytes());
    put(out, chain);
    let mut positions = Vec::with_capacity(records.len());
    for (index, record) in (0_u32..).zip(records) {
        open_sector(out);
        let offset = at.offset + out.len() as u64;
        positions.push(Position { segment: at.segment, offset, record: index });
        put(out, &record_header(record.kind, index, record.body.len() as u32));
        put(out, &record.body);
    }
    put(out, &record_header(KIND_END, count, 0));
    out.resize(sectors * SECTOR, 0);
    seal.seal(out, at.offset, at.batch_seq);
    positions
}

fn record_header(kind: u16, index: u32, len: u32) -> [u8; RECORD_HEADER] {
    let mut out = [0; RECORD_HEADER];
    out[..2].copy_from_slice(&kind.to_le_bytes());
    out[4..8].copy_from_slice(&index.to_le_bytes());
    out[8..].copy_from_slice(&len.to_le_bytes());
    out
}

/// Leaves room for the head of a sector that begins here.
fn open_sector(out: &mut Vec<u8>) {
    if out.len().is_multiple_of(SECTOR) {
        out.extend_from_slice(&[0; HEAD]);
    }
}

fn put(out: &mut Vec<u8>, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        open_sector(out);
        let room = SECTOR - out.len() % SECTOR;
        let (now, rest) = bytes.split_at(room.min(bytes.len()));
        out.extend_from_slice(now);
        bytes = rest;
    }
}

/// Reads the batch header from the payload of a batch's first sector.
pub(super) fn decode_header(first_sector: &[u8]) -> Result<BatchHeader, &'static str> {
    let payload = &first_sector[HEAD..SECTOR];
    let rewritten = payload[..4] == MAGIC_REWRITTEN;
    if payload[..4] != MAGIC && !rewritten {
        return Err("the batch header has a wrong magic number");
    }
    let mut chain = [0; 32];
    chain.copy_from_slice(&payload[24..BATCH_HEADER]);
    let header = BatchHeader {
        records: le_u32(payload, 4),
        batch_seq: le_u64(payload, 8),
        stream_bytes: le_u64(payload, 16),
        chain,
        rewritten,
    };
    let smallest = (BATCH_HEADER + 2 * RECORD_HEADER) as u64;
    let fits = (smallest..=BATCH_BYTES_MAX).contains(&header.stream_bytes)
        && (1..=BATCH_RECORDS_MAX as u64).contains(&u64::from(header.records));
    if fits { Ok(header) } else { Err("the batch header's length or count is out of range") }
}

/// Reads kind, index and body length of a record; `None` if it is not one.
pub(super) fn decode_record_header(bytes: &[u8]) -> Option<(u16, u32, u32)> {
    (le_u16(bytes, 2) == 0).then(|| (le_u16(bytes, 0), le_u32(bytes, 4), le_u32(bytes, 8)))
}

/// Takes the records out of a whole batch whose sectors have all been judged valid, and checks
/// its structure to the last byte. `keep` says whether bodies are wanted.
pub(super) fn decode_records(
    sectors: &[u8],
    header: &BatchHeader,
    at: BatchPosition,
    keep: bool,
) -> Result<Vec<(Position, Record)>, JournalError> {
    let fail =
        |stream_at: u64, what| Err(corrupt(at.segment, at.offset + file_offset(stream_at), what));
    let stream = Stream { sectors };
    let end = header.stream_bytes;
    let mut cursor = BATCH_HEADER as u64;
    let mut records = Vec::with_capacity(if keep { header.records as usize } else { 0 });
    for index in 0..=header.records {
        if cursor + RECORD_HEADER as u64 > end {
            return fail(cursor, "the batch ends before its END record");
        }
        let mut head = [0; RECORD_HEADER];
        stream.copy(cursor, &mut head);
        let Some((kind, found, len)) = decode_record_header(&head) else {
            return fail(cursor, "a record header is malformed");
        };
        let last = index == header.records;
        if found != index || last != (kind == KIND_END) || (last && len > 0) {
            return fail(cursor, "a record is out of order or the END record is misplaced");
        }
        let body_at = cursor + RECORD_HEADER as u64;
        if u64::from(len) > end - body_at {
            return fail(cursor, "a record is longer than its batch");
        }
        if keep && !last {
            let mut body = vec![0; len as usize];
            stream.copy(body_at, &mut body);
            let offset = at.offset + file_offset(cursor);
            let position = Position { segment: at.segment, offset, record: index };
            records.push((position, Record { kind, body }));
        }
        cursor = body_at + u64::from(len);
    }
    if cursor != end {
        return fail(cursor, "bytes follow the END record");
    }
    let padding = (file_offset(end - 1) + 1) as usize;
    if !is_zero(&sectors[padding..]) {
        return fail(end - 1, "the padding of the batch is not zero");
    }
    Ok(records)
}

/// Replaces the bodies of some records, by their index and where they begin, with others of the same length. Gives how many;
/// nothing was changed where that is fewer than asked for.
pub(super) fn rewrite(
    sectors: &mut [u8],
    header: &BatchHeader,
    bodies: &BTreeMap<u32, (u64, &[u8])>,
    at: BatchPosition,
    seal: SegmentSeal,
) -> usize {
    let mut cursor = BATCH_HEADER as u64;
    let mut places = Vec::new();
    for index in 0..header.records {
        let mut head = [0; RECORD_HEADER];
        Stream { sectors }.copy(cursor, &mut head);
        let Some((_, _, len)) = decode_record_header(&head) else { break };
        let begins = at.offset + file_offset(cursor);
        cursor += RECORD_HEADER as u64;
        let body = bodies.get(&index).filter(|(offset, _)| *offset == begins);
        if let Some((_, body)) = body.filter(|(_, body)| body.len() == len as usize) {
            places.push((cursor, *body));
        }
        cursor += u64::from(len);
    }
    if places.len() == bodies.len() {
        for (stream_at, body) in &places {
            overwrite(sectors, *stream_at, body);
        }
        overwrite(sectors, 0, &MAGIC_REWRITTEN);
        seal.seal(sectors, at.offset, at.batch_seq);
    }
    places.len()
}

fn overwrite(sectors: &mut [u8], stream_at: u64, mut bytes: &[u8]) {
    let mut at = stream_at as usize;
    while !bytes.is_empty() {
        let within = at % PAYLOAD;
        let (now, rest) = bytes.split_at((PAYLOAD - within).min(bytes.len()));
        let to = at / PAYLOAD * SECTOR + HEAD + within;
        sectors[to..to + now.len()].copy_from_slice(now);
        at += now.len();
        bytes = rest;
    }
}

/// Offset in the batch's sectors of a byte of its stream.
fn file_offset(stream_at: u64) -> u64 {
    let payload = PAYLOAD as u64;
    stream_at / payload * SECTOR_BYTES + HEAD as u64 + stream_at % payload
}

pub(super) struct Stream<'a> {
    pub(super) sectors: &'a [u8],
}

impl Stream<'_> {
    pub(super) fn copy(&self, stream_at: u64, out: &mut [u8]) {
        let mut at = stream_at as usize;
        let mut done = 0;
        while done < out.len() {
            let within = at % PAYLOAD;
            let n = (PAYLOAD - within).min(out.len() - done);
            let from = at / PAYLOAD * SECTOR + HEAD + within;
            out[done..done + n].copy_from_slice(&self.sectors[from..from + n]);
            at += n;
            done += n;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(lens: &[usize]) {
        let records: Vec<Record> = (0_u16..)
            .zip(lens)
            .map(|(kind, len)| Record { kind, body: (0..*len).map(|i| i as u8).collect() })
            .collect();
        let bytes = stream_bytes(&records).unwrap();
        let at = BatchPosition { segment: 2, offset: 1024, batch_seq: 5 };
        let seal = SegmentSeal::new(&[0; 16], 2);
        let mut sectors = vec![0xaa; 3];
        let positions = encode(&mut sectors, &records, bytes, at, &[3; 32], seal);
        assert_eq!(sectors.len() as u64, sectors_for(bytes) * SECTOR_BYTES);
        let header = decode_header(&sectors).unwrap();
        assert_eq!((header.batch_seq, header.stream_bytes, header.chain), (5, bytes, [3; 32]));
        let decoded = decode_records(&sectors, &header, at, true).unwrap();
        assert_eq!(decoded.iter().map(|(p, _)| *p).collect::<Vec<_>>(), positions);
        assert!(decoded.iter().map(|(_, r)| r).eq(records.iter()));
    }

    #[test]
    fn every_alignment_round_trips() {
        for len in 0..1100 {
            round_trip(&[len]);
            round_trip(&[len, 0, 3, len / 2]);
        }
    }

    #[test]
    fn what_cannot_be_a_batch_is_refused() {
        assert!(matches!(stream_bytes(&[]), Err(CommitError::Empty)));
        let reserved = Record { kind: KIND_END, body: vec![] };
        assert!(matches!(stream_bytes(&[reserved]), Err(CommitError::ReservedKind { .. })));
        let large = Record { kind: 0, body: vec![0; BATCH_BYTES_MAX as usize] };
        assert!(matches!(stream_bytes(&[large]), Err(CommitError::TooLarge { .. })));
    }
}
