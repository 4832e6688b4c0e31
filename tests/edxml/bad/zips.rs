//! Hidden ZIPs that are bombs, lie or are damaged.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::{Gathered, SAMPLE};

/// A ZIP of one entry, with what its headers say about it.
struct Wrapper {
    packed: Vec<u8>,
    method: u16,
    crc: u32,
    size: u32,
}

impl Wrapper {
    /// Deflated zeros, so many.
    fn zeros(count: u64) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        let (piece, mut crc) = (vec![0; 1 << 16], flate2::Crc::new());
        let mut left = count;
        while left > 0 {
            let n = left.min(1 << 16) as usize;
            encoder.write_all(&piece[..n]).unwrap();
            crc.update(&piece[..n]);
            left -= n as u64;
        }
        let (packed, crc) = (encoder.finish().unwrap(), crc.sum());
        Wrapper { packed, method: 8, crc, size: count as u32 }
    }

    fn bytes(&self) -> Vec<u8> {
        const NAME: &[u8] = b"7d0e6c1e-0c0b-4c55-9d0a-51f0a2b7e001";
        let mut shared = Vec::new();
        for field in [20, 0, self.method, 0, 0] {
            shared.extend_from_slice(&u16::to_le_bytes(field));
        }
        for field in [self.crc, self.packed.len() as u32, self.size] {
            shared.extend_from_slice(&field.to_le_bytes());
        }
        shared.extend_from_slice(&(NAME.len() as u16).to_le_bytes());
        shared.extend_from_slice(&[0, 0]);
        let mut out = [&b"PK\x03\x04"[..], &shared, NAME, &self.packed].concat();
        let at = out.len() as u32;
        let central = [&b"PK\x01\x02\x14\0"[..], &shared, &[0; 14], NAME].concat();
        out.extend_from_slice(&central);
        out.extend_from_slice(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
        out.extend_from_slice(&(central.len() as u32).to_le_bytes());
        out.extend_from_slice(&at.to_le_bytes());
        out.extend_from_slice(&[0, 0]);
        out
    }
}

pub(super) fn add(all: &mut Gathered) {
    let start = SAMPLE.find("JVBERi").unwrap();
    let end = start + SAMPLE[start..].find('<').unwrap();
    let mut put = |name: &str, bytes: &[u8]| {
        let to = STANDARD.encode(bytes);
        all.swap(format!("ZIP: {name}"), &SAMPLE[start..end], &to, "/AttachmentEncoded/Attachment");
    };
    for megabytes in [2, 16, 64] {
        let name = format!("a bomb of {megabytes} MiB");
        put(&name, &Wrapper::zeros(megabytes << 20).bytes());
    }
    for says in [0, 1, 1000, 1 << 20] {
        let mut lie = Wrapper::zeros(64 << 20);
        lie.size = says;
        put(&format!("a bomb that says {says} bytes"), &lie.bytes());
    }
    let mut more = Wrapper::zeros(1000);
    more.size = 1001;
    put("less than it says", &more.bytes());
    let mut sum = Wrapper::zeros(1000);
    sum.crc ^= 1;
    put("a wrong checksum", &sum.bytes());
    for at in 0..6 {
        let mut damaged = Wrapper::zeros(5000);
        damaged.packed[at] ^= 0xff;
        put(&format!("damaged at byte {at}"), &damaged.bytes());
    }
    for left in [0, 1, 4] {
        let mut cut = Wrapper::zeros(5000);
        cut.packed.truncate(left);
        put(&format!("cut to {left} bytes"), &cut.bytes());
    }
    let stored = Wrapper { packed: vec![1; 1000], method: 0, crc: 7, size: 1000 };
    put("stored, with a wrong checksum", &stored.bytes());
    let huge = Wrapper { packed: vec![0; 100], method: 8, crc: 0, size: u32::MAX - 1 };
    put("one that says 4 GiB", &huge.bytes());
}
