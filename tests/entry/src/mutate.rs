//! A seeded mutator: the same seed, run and corpus give the same input, on every machine.

/// SplitMix64: small, fast, and the same everywhere.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice for one run of one seed.
    pub fn new(seed: u64, run: u64) -> Self {
        let mut dice = Dice(seed ^ run.wrapping_mul(0xd1b5_4a32_d192_ed03));
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 for 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        usize::try_from(self.next().checked_rem(bound).unwrap_or(0)).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

/// Longest input made.
const BYTES_MAX: usize = 1 << 16;

/// Pieces that formats here are made of, and numbers at which lengths turn over.
const PIECES: &[&[u8]] = &[
    // CBOR: heads of every kind, the longest lengths, tags, floats, indefinite items.
    b"\xd2\x84",
    b"\xa0",
    b"\x80",
    b"\x40",
    b"\x60",
    b"\xf6",
    b"\xf5",
    b"\xf4",
    b"\xf7",
    b"\xff",
    b"\x9f",
    b"\xbf",
    b"\x5f",
    b"\x7f",
    b"\xf9\x7e\x00",
    b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",
    b"\x9b\x00\x00\x00\x01\x00\x00\x00\x00",
    b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x3b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xc2\x41\x00",
    b"\x18\x17",
    b"\x19\x00\xff",
    b"\x58\x20",
    b"\x81\x81\x81\x81\x81\x81\x81\x81",
    b"\x18\x80",
    // DER.
    b"\x30\x80",
    b"\x30\x84\xff\xff\xff\xff",
    b"\x02\x01\x00",
    b"\x05\x00",
    b"\x06\x03\x2b\x65\x70",
    b"\x03\x02\x00\x00",
    b"\x00\x00",
    b"\x17\x0d500101000000Z",
    b"\x18\x0f99991231235959Z",
    b"\x55\x1d\x13",
    b"\x55\x1d\x1c",
    b"\x55\x1d\x1e",
    b"\x82\x04*.vn",
    // Text that bites.
    b"\x1b[31m",
    b"\xe2\x80\xae",
    b"\xc2\x9b",
    b"\r\n",
    b"\n\n",
    b"\0",
    b"../",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    // HTTP.
    b"HTTP/1.1\r\n",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Host: x\r\n",
    b"Expect: 100-continue\r\n",
    b"Connection: keep-alive\r\n",
    b"0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"Range: bytes=0-1\r\n",
    b"Content-Type: application/json\r\n",
    b"%00",
    b"%2e%2e%2f",
    // JSON and TOML.
    b"{\"a\":",
    b"[[[[[[[[[[[[[[[[",
    b"\"\\ud800\"",
    b"1e999",
    b"-0",
    b"null,",
    b"[node]\n",
    b"= \"\"\n",
    b"'''",
    // Notes.
    b"\xe2\x80\x94 ",
    b"\n\n\xe2\x80\x94 ",
    b"18446744073709551615",
    b"AAAA",
];

/// An input made from a corpus, which must not be empty.
pub fn mutated(corpus: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut input = corpus.get(dice.below(corpus.len())).cloned().unwrap_or_default();
    // Mostly one or two changes: what differs in many places fails at the first of them.
    let changes = [1, 1, 1, 2, 2, 3, 5, 12][dice.below(8)];
    for _ in 0..changes {
        change(&mut input, corpus, dice);
    }
    input.truncate(BYTES_MAX);
    input
}

fn change(input: &mut Vec<u8>, corpus: &[Vec<u8>], dice: &mut Dice) {
    let at = dice.below(input.len());
    // What is put in may also come behind everything.
    let place = dice.below(input.len() + 1);
    match dice.below(12) {
        0 | 1 if !input.is_empty() => input[at] ^= 1 << dice.below(8),
        2 if !input.is_empty() => input[at] = dice.byte(),
        3 if !input.is_empty() => input[at] = [0, 1, 0x7f, 0x80, 0xff][dice.below(5)],
        4 => nudge(input, at, dice),
        5 => insert(input, place, PIECES[dice.below(PIECES.len())]),
        6 => {
            let piece = PIECES[dice.below(PIECES.len())];
            let end = (at + piece.len()).min(input.len());
            input.splice(at..end, piece.iter().copied());
        }
        7 => {
            let end = (at + 1 + dice.below(64)).min(input.len());
            input.drain(at..end);
        }
        8 => input.truncate(at),
        9 => {
            // A part of itself once more.
            let end = (at + 1 + dice.below(256)).min(input.len());
            let part = input.get(at..end).unwrap_or_default().to_vec();
            insert(input, place, &part);
        }
        10 => {
            // A part of another one.
            let other = corpus.get(dice.below(corpus.len())).map_or(&[][..], Vec::as_slice);
            let from = dice.below(other.len());
            let end = (from + 1 + dice.below(256)).min(other.len());
            let part = other.get(from..end).unwrap_or_default();
            if dice.below(2) == 0 {
                insert(input, place, part);
            } else {
                let end = (at + part.len()).min(input.len());
                input.splice(at..end, part.iter().copied());
            }
        }
        _ => {
            let count = 1 + dice.below(32);
            let bytes: Vec<u8> = (0..count).map(|_| dice.byte()).collect();
            insert(input, place, &bytes);
        }
    }
}

/// Takes one to eight bytes as a big-endian number, and moves it a little or to an end: lengths.
fn nudge(input: &mut [u8], at: usize, dice: &mut Dice) {
    let width = [1, 1, 2, 4, 8][dice.below(5)];
    let Some(bytes) = input.get_mut(at..at + width) else { return };
    let value = bytes.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    let value = match dice.below(6) {
        0 => value.wrapping_add(1),
        1 => value.wrapping_sub(1),
        2 => value.wrapping_add(dice.below(256) as u64),
        3 => value << 1,
        4 => u64::MAX,
        _ => 0,
    };
    let whole = value.to_be_bytes();
    bytes.copy_from_slice(&whole[whole.len() - width..]);
}

fn insert(input: &mut Vec<u8>, at: usize, piece: &[u8]) {
    if input.len() + piece.len() <= BYTES_MAX {
        input.splice(at..at, piece.iter().copied());
    }
}
