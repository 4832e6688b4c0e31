//! What stands between the input and the XML parser: it counts, it hashes, and it stops the flow when
//! more would have to be held in memory than was granted.

use std::io::{self, BufRead, Read};

use tram_crypto::Sha256Stream;

/// Which bound stopped the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The file is too large.
    File,
    /// What the parser reads as one piece is too large.
    Piece,
}

/// The metered input.
pub(crate) struct Meter<R> {
    input: R,
    hash: Sha256Stream,
    read: u64,
    file_max: u64,
    granted: u64,
    stopped: Option<Stop>,
}

impl<R: BufRead> Meter<R> {
    pub(crate) fn new(input: R, file_max: u64) -> Self {
        let hash = Sha256Stream::new();
        Meter { input, hash, read: 0, file_max, granted: u64::MAX, stopped: None }
    }

    /// From here on at most so many bytes, until more is granted.
    pub(crate) fn grant(&mut self, bytes: u64) {
        self.granted = bytes;
    }

    /// Bytes read so far.
    pub(crate) fn read_bytes(&self) -> u64 {
        self.read
    }

    /// Which bound was reached, if one was.
    pub(crate) fn stopped(&self) -> Option<Stop> {
        self.stopped
    }

    /// SHA-256 of all that was read.
    pub(crate) fn finish(self) -> [u8; 32] {
        self.hash.finish()
    }
}

impl<R: BufRead> Read for Meter<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let n = available.len().min(out.len());
        out[..n].copy_from_slice(&available[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Meter<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let left = self.file_max.saturating_sub(self.read);
        let (room, bound) =
            if left < self.granted { (left, Stop::File) } else { (self.granted, Stop::Piece) };
        let available = self.input.fill_buf()?;
        if room == 0 && !available.is_empty() {
            self.stopped = Some(bound);
            return Err(io::Error::other("a bound of the reader"));
        }
        let n = available.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        Ok(&available[..n])
    }

    fn consume(&mut self, n: usize) {
        // What was shown by `fill_buf` is still there: a buffered reader asks its source only when empty.
        if let Ok(shown) = self.input.fill_buf() {
            self.hash.update(&shown[..n.min(shown.len())]);
        }
        self.input.consume(n);
        self.read += n as u64;
        self.granted = self.granted.saturating_sub(n as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_hashes_all_and_stops_at_either_bound() {
        let mut meter = Meter::new(&b"abcdefgh"[..], 100);
        let mut all = String::new();
        meter.read_to_string(&mut all).unwrap();
        assert_eq!((all.as_str(), meter.read_bytes(), meter.stopped()), ("abcdefgh", 8, None));
        assert_eq!(meter.finish(), tram_crypto::sha256(b"abcdefgh"));

        let mut meter = Meter::new(&b"abcdefgh"[..], 5);
        assert!(meter.read_to_end(&mut Vec::new()).is_err());
        assert_eq!((meter.read_bytes(), meter.stopped()), (5, Some(Stop::File)));

        let mut meter = Meter::new(&b"abcdefgh"[..], 8);
        meter.grant(3);
        assert!(meter.read_to_end(&mut Vec::new()).is_err());
        assert_eq!((meter.read_bytes(), meter.stopped()), (3, Some(Stop::Piece)));
        meter.grant(5);
        let mut rest = Vec::new();
        meter.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"defgh", "exactly as much as was granted is no fault");
    }
}
