//! Randomness as an argument.

use std::fmt;

use ring::rand::{SecureRandom, SystemRandom};

use crate::digest::sha256_parts;

/// The source of randomness failed. Nothing secret may be made from what was filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the source of randomness failed")]
pub struct EntropyError;

/// A source of bytes that nobody else can predict (or, in tests, that can be repeated).
pub trait Entropy {
    /// Fills all of `out`.
    ///
    /// # Errors
    /// [`EntropyError`] when the source failed; the contents of `out` are then unspecified.
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError>;
}

/// The operating system's generator, through the provider.
#[derive(Clone, Debug)]
pub struct SystemEntropy(SystemRandom);

impl SystemEntropy {
    /// The system's generator; opening it costs nothing.
    #[must_use]
    pub fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Default for SystemEntropy {
    fn default() -> Self {
        Self::new()
    }
}

impl Entropy for SystemEntropy {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        self.0.fill(out).map_err(|_| EntropyError)
    }
}

/// A deterministic stream from a 32-byte seed: block *i* is SHA-256(label ‖ seed ‖ *i* as 8 bytes).
///
/// The same seed gives the same bytes, however the calls to [`Entropy::fill`] are cut. Under a secret
/// seed, published output tells nothing about the rest of the stream, so it also serves as a source
/// of salts; it is not forward secure (the seed reveals the past).
#[derive(Clone)]
pub struct SeededEntropy {
    seed: [u8; 32],
    next_block: u64,
    block: [u8; 32],
    used_bytes: usize,
}

const SEEDED_LABEL: &[u8] = b"tram seeded entropy v1";

impl SeededEntropy {
    /// The stream of this seed, from its beginning.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> Self {
        Self { seed, next_block: 0, block: [0; 32], used_bytes: 32 }
    }

    /// The stream of a small number, for tests that print it.
    #[must_use]
    pub fn from_u64(seed: u64) -> Self {
        Self::new(sha256_parts(&[SEEDED_LABEL, b" u64", &seed.to_be_bytes()]))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        for byte in out {
            if self.used_bytes == self.block.len() {
                self.block =
                    sha256_parts(&[SEEDED_LABEL, &self.seed, &self.next_block.to_be_bytes()]);
                self.next_block = self.next_block.checked_add(1).ok_or(EntropyError)?;
                self.used_bytes = 0;
            }
            *byte = self.block[self.used_bytes];
            self.used_bytes += 1;
        }
        Ok(())
    }
}

impl fmt::Debug for SeededEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeededEntropy")
            .field("next_block", &self.next_block)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_stream_does_not_depend_on_the_cuts() {
        let mut whole = [0; 100];
        SeededEntropy::new([7; 32]).fill(&mut whole).unwrap();
        let mut cut = [0; 100];
        let mut source = SeededEntropy::new([7; 32]);
        let (head, tail) = cut.split_at_mut(33);
        source.fill(head).unwrap();
        source.fill(&mut []).unwrap();
        source.fill(tail).unwrap();
        assert_eq!(whole, cut);
        assert_eq!(
            whole[32..64],
            sha256_parts(&[SEEDED_LABEL, &[7; 32], &1_u64.to_be_bytes()]),
            "the second block is counter 1"
        );
        let mut other = [0; 100];
        SeededEntropy::new([8; 32]).fill(&mut other).unwrap();
        assert_ne!(whole, other);
    }

    #[test]
    fn debug_shows_no_seed() {
        let text = format!("{:?}", SeededEntropy::new([0xab; 32]));
        assert!(!text.contains("171") && !text.contains("ab"), "{text}");
    }

    #[test]
    fn system_entropy_differs_between_calls() {
        let (mut one, mut two) = ([0; 32], [0; 32]);
        SystemEntropy::new().fill(&mut one).unwrap();
        SystemEntropy::default().fill(&mut two).unwrap();
        assert_ne!(one, two);
    }
}
