//! Dispatches, receipts, frames and CBOR changed on the way, or made to deceive by somebody who holds
//! keys: none is believed, none costs more than its size. Seeds are fixed.
#![allow(clippy::print_stdout, reason = "says what the run was like")]

mod agree;
mod bombs;
mod cose;
mod deep;
mod frames;
mod receipts;

use ciborium::Value;

/// Numbers that look random and are the same for the same seed (xorshift64*).
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`, which is not zero.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// The bytes of an item, as ciborium writes it: shortest heads, maps in the order given.
pub(crate) fn written(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    ciborium::into_writer(value, &mut out).expect("memory takes everything");
    out
}

pub(crate) fn read(bytes: &[u8]) -> Value {
    ciborium::from_reader(bytes).expect("CBOR")
}
