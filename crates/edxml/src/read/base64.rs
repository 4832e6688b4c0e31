//! Base64 that streams: white space is passed over, everything else must belong.

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::fault::{Fault, shown};

/// Characters decoded at a time: a multiple of four.
const BLOCK_CHARS: usize = 16 << 10;

/// Some writers leave the padding out.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A decoder between the pieces of its input.
pub(super) struct Decoder {
    block: Vec<u8>,
    ended: bool,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Decoder { block: Vec::with_capacity(BLOCK_CHARS), ended: false }
    }

    /// Takes more characters and gives what they decode to.
    ///
    /// # Errors
    /// [`Fault::Base64`]; those of `give`.
    pub(super) fn feed(
        &mut self,
        mut chars: &[u8],
        give: &mut impl FnMut(&[u8]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let is_space = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
        while !chars.is_empty() {
            let run = chars.iter().position(is_space).unwrap_or(chars.len());
            let take = run.min(BLOCK_CHARS - self.block.len());
            self.block.extend_from_slice(&chars[..take]);
            chars = &chars[take..];
            if self.block.len() == BLOCK_CHARS {
                self.decode(give)?;
            }
            if take == run {
                let spaces = chars.iter().position(|b| !is_space(b)).unwrap_or(chars.len());
                chars = &chars[spaces..];
            }
        }
        Ok(())
    }

    /// Decodes what is left.
    ///
    /// # Errors
    /// As [`Decoder::feed`].
    pub(super) fn finish(
        mut self,
        give: &mut impl FnMut(&[u8]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if self.block.is_empty() { Ok(()) } else { self.decode(give) }
    }

    fn decode(&mut self, give: &mut impl FnMut(&[u8]) -> Result<(), Fault>) -> Result<(), Fault> {
        if self.ended {
            return Err(Fault::Base64("more behind the padding".to_owned()));
        }
        self.ended = self.block.last() == Some(&b'=');
        let bytes = ENGINE.decode(&self.block).map_err(|e| Fault::Base64(shown(e)))?;
        self.block.clear();
        give(&bytes)
    }
}

/// Decodes a short value at once.
///
/// # Errors
/// [`Fault::Base64`].
pub(super) fn decode(text: &str) -> Result<Vec<u8>, Fault> {
    let mut all = Vec::new();
    let mut give = |bytes: &[u8]| {
        all.extend_from_slice(bytes);
        Ok(())
    };
    let mut decoder = Decoder::new();
    decoder.feed(text.as_bytes(), &mut give)?;
    decoder.finish(&mut give)?;
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_way_it_is_cut_and_broken_into_lines() {
        let bytes: Vec<u8> = (0..100_003u32).map(|i| (i * 7 % 251) as u8).collect();
        let text = base64::engine::general_purpose::STANDARD.encode(&bytes);
        let lined: String = text
            .as_bytes()
            .chunks(76)
            .map(|line| format!("{}\r\n", std::str::from_utf8(line).unwrap()))
            .collect();
        for text in [&text, &lined, &text.trim_end_matches('=').to_owned()] {
            for step in [1, 3, 7, 4096, BLOCK_CHARS, BLOCK_CHARS + 1, text.len()] {
                let mut all = Vec::new();
                let mut give = |b: &[u8]| {
                    all.extend_from_slice(b);
                    Ok(())
                };
                let mut decoder = Decoder::new();
                for piece in text.as_bytes().chunks(step) {
                    decoder.feed(piece, &mut give).unwrap();
                }
                decoder.finish(&mut give).unwrap();
                assert!(all == bytes, "in pieces of {step}");
            }
        }
    }

    #[test]
    fn what_is_not_base64_is_refused() {
        let long = format!("{}=", "A".repeat(BLOCK_CHARS - 1));
        for bad in [
            "A",
            "AAAAA",
            "AA=A",
            "A===",
            "AAA*",
            "AB==CD==",
            "AAA-",
            "AAA_",
            "AB",
            "====",
            &format!("{long}AAAA"),
            &format!("{long}===="),
        ] {
            assert!(decode(bad).is_err(), "{}", &bad[..bad.len().min(20)]);
        }
        assert_eq!(decode("").unwrap(), b"");
        assert_eq!(decode(" Y W\nJj\t").unwrap(), b"abc");
        assert_eq!(decode("YWI").unwrap(), b"ab");
    }
}
