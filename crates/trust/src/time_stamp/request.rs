//! What is sent to a time-stamping server, and what it answers (RFC 3161 section 2.4).

use tram_crypto::sha256;
use tram_dispatch::limits::TIME_STAMP_BYTES_MAX;

use super::der::{
    BOOLEAN, Broken, INTEGER, NULL, OCTETS, OID, SEQUENCE, items, next_if, one, write,
};
use super::{broken, invalid};
use crate::verdict::Refusal;

/// Largest answer of a server, bytes: a token and a few words.
pub const RESPONSE_BYTES_MAX: usize = TIME_STAMP_BYTES_MAX + 4096;

/// Longest words of a server that are passed on, in characters.
const WORDS_MAX: usize = 200;

const SHA_256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];

/// What makes an answer that of one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce([u8; 8]);

impl Nonce {
    /// From eight bytes that nobody can guess. Two bits of them are spent on making it a positive
    /// number of one length.
    #[must_use]
    pub fn new(mut bytes: [u8; 8]) -> Self {
        bytes[0] = bytes[0] & 0x3f | 0x40;
        Nonce(bytes)
    }

    /// As it stands in an INTEGER.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The TimeStampReq for this text: SHA-256 of it, the nonce, and the certificates asked for.
#[must_use]
pub fn request(text: &[u8], nonce: Nonce) -> Vec<u8> {
    let digest = write(SEQUENCE, &[&write(OID, &[SHA_256]), &[NULL, 0]]);
    let imprint = write(SEQUENCE, &[&digest, &write(OCTETS, &[&sha256(text)])]);
    let nonce = write(INTEGER, &[nonce.bytes()]);
    write(SEQUENCE, &[&[INTEGER, 1, 1], &imprint, &nonce, &[BOOLEAN, 1, 0xff]])
}

/// The token in a TimeStampResp, as it came; nothing of it is verified.
///
/// # Errors
/// `TOO_LARGE`; `TIME_STAMP_INVALID` for what is no answer, and where the server refuses, with its
/// words.
pub fn response(bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
    super::within(bytes.len(), RESPONSE_BYTES_MAX)?;
    let parts = one(bytes, SEQUENCE, "the answer")
        .and_then(|whole| items(whole.value, "the answer"))
        .map_err(broken)?;
    let [status, token @ ..] = &parts[..] else { return Err(broken(Broken("the answer"))) };
    let said = status.inside(SEQUENCE, "the status").map_err(broken)?;
    let mut said = &said[..];
    let number = next_if(&mut said, INTEGER)
        .ok_or(Broken("the status"))
        .and_then(|item| item.number(INTEGER, "the status"))
        .map_err(broken)?;
    // 0 granted, 1 granted with modifications.
    match (number, token) {
        (0 | 1, [token]) => Ok(token.raw.to_vec()),
        (0 | 1, _) => Err(invalid("the server grants it, and sends no token")),
        _ => {
            let words = next_if(&mut said, SEQUENCE).map(|s| items(s.value, "the words"));
            let words = words.and_then(Result::ok).unwrap_or_default();
            let words: Vec<_> = words.iter().map(|w| String::from_utf8_lossy(w.value)).collect();
            let words: String = words.join("; ").chars().take(WORDS_MAX).collect();
            Err(invalid(format!("the server refuses (status {number}): {words}")))
        }
    }
}
