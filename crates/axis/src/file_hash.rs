//! The file behind `sendEdoc`: what the client hashed, out of what it sent.
//!
//! The client appends CR LF to the file, always, and signs SHA-256 of the file without it, written as
//! hexadecimal **without leading zeros per octet** (`0x0a` is `a`).

use std::fmt::Write as _;

use tram_crypto::Sha256Stream;

use crate::refusal::{Number, Refusal};

/// What the client appends.
const APPENDED: [u8; 2] = *b"\r\n";

/// Hashes a body as it comes, with and without its last two octets.
#[derive(Clone, Debug, Default)]
pub struct FileHash {
    /// Of all but `last`.
    hash: Sha256Stream,
    last: Vec<u8>,
    bytes: u64,
}

/// The file within the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileEnd {
    /// Its length; what follows in the body is not part of it.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: [u8; 32],
}

impl FileHash {
    /// Nothing came yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        let keep = piece.len().min(APPENDED.len());
        let (first, end) = piece.split_at(piece.len() - keep);
        // What was kept goes before this piece, but for what of it is still among the last two.
        let stays = APPENDED.len() - keep;
        let goes = self.last.len().saturating_sub(stays);
        self.hash.update(&self.last[..goes]);
        self.last.drain(..goes);
        self.hash.update(first);
        self.last.extend_from_slice(end);
    }

    /// Bytes taken so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Where the file ends, by the hash that the client signed: written either way, and with the file
    /// either followed by CR LF or not.
    ///
    /// # Errors
    /// [`Number::File`] where neither fits.
    pub fn end(self, claimed: &str) -> Result<FileEnd, Refusal> {
        let FileHash { mut hash, last, bytes } = self;
        if last == APPENDED {
            let sha256 = hash.clone().finish();
            if is(claimed, &sha256) {
                return Ok(FileEnd { size: bytes - 2, sha256 });
            }
        }
        hash.update(&last);
        let sha256 = hash.finish();
        if is(claimed, &sha256) {
            return Ok(FileEnd { size: bytes, sha256 });
        }
        Err(Refusal::new(Number::File, "hash-file is not the SHA-256 of the file that came"))
    }
}

/// A digest as the client writes it: each octet without leading zeros, 32 to 64 digits.
pub fn unpadded(digest: &[u8; 32]) -> String {
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:x}");
        text
    })
}

fn is(claimed: &str, digest: &[u8; 32]) -> bool {
    let claimed = claimed.trim().to_ascii_lowercase();
    claimed == unpadded(digest) || claimed == tram_dispatch::id::hex(digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tram_crypto::sha256;

    const ABC: &str = "ba7816bf8f1cfea414140de5dae2223b0361a396177a9cb410ff61f2015ad";

    fn ended(pieces: &[&[u8]], claimed: &str) -> Option<u64> {
        let mut hash = FileHash::new();
        pieces.iter().for_each(|piece| hash.update(piece));
        hash.end(claimed).ok().map(|end| end.size)
    }

    #[test]
    fn the_vector_of_three_bytes() {
        assert_eq!(unpadded(&sha256(b"abc")), ABC);
        assert_eq!(ABC.len(), 61);
        assert_eq!(ended(&[b"abc\r\n"], ABC), Some(3));
    }

    #[test]
    fn the_file_is_found_however_the_body_is_cut_into_pieces() {
        let file = b"line\r\n\x00\x01\r\n\r\n";
        let mut body = file.to_vec();
        body.extend_from_slice(b"\r\n");
        let claimed = unpadded(&sha256(file));
        for first in 0..=body.len() {
            for second in first..=body.len() {
                let pieces = [&body[..first], &body[first..second], &body[second..]];
                assert_eq!(ended(&pieces, &claimed), Some(file.len() as u64), "{first} {second}");
            }
        }
        let single: Vec<&[u8]> = body.chunks(1).collect();
        assert_eq!(ended(&single, &claimed), Some(file.len() as u64));
    }

    #[test]
    fn without_the_appendix_with_padding_and_in_capitals_it_is_found_too() {
        let padded = tram_dispatch::id::hex(&sha256(b"abc"));
        assert_eq!(ended(&[b"abc"], ABC), Some(3));
        assert_eq!(ended(&[b"abc\r\n"], &padded), Some(3));
        assert_eq!(ended(&[b"abc\r\n"], &padded.to_uppercase()), Some(3));
        // A file that ends with CR LF, sent without the appendix.
        assert_eq!(ended(&[b"abc\r\n"], &unpadded(&sha256(b"abc\r\n"))), Some(5));
    }

    #[test]
    fn another_file_is_refused() {
        assert_eq!(ended(&[b"abd\r\n"], ABC), None);
        assert_eq!(ended(&[b"\r\n"], ABC), None);
        assert_eq!(ended(&[], ABC), None);
        assert_eq!(ended(&[b"abc\n"], ABC), None);
        assert_eq!(ended(&[b"\r\n"], &unpadded(&sha256(b""))), Some(0));
    }
}
