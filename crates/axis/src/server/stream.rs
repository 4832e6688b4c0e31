//! Heads as some clients write them, made fit for the HTTP library.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tram_door::Watch;

/// What stands for an octet that HTTP forbids in a head.
const REPLACED: u8 = b'?';

/// One request and its answer.
///
/// One of the client's HTTP libraries writes letters beyond U+00FF as control octets. The HTTP library
/// here would refuse such a head without a word, and the client would see nothing. They are replaced, so
/// that the signature fails with a text that says why.
pub(super) struct Guard {
    head: Head,
    mangled: Arc<AtomicBool>,
}

/// Follows a head to its end.
#[derive(Debug, Default)]
struct Head {
    /// The line being read has an octet.
    line: bool,
    /// A line before it had.
    begun: bool,
    over: bool,
}

impl Head {
    /// Looks at what came; true where something was replaced.
    fn look(&mut self, piece: &mut [u8]) -> bool {
        let mut replaced = false;
        for byte in piece {
            if self.over {
                break;
            }
            match *byte {
                b'\n' => {
                    self.over = self.begun && !self.line;
                    self.begun |= self.line;
                    self.line = false;
                }
                b'\r' => {}
                b'\t' | 0x20..=0x7e | 0x80.. => self.line = true,
                _ => {
                    *byte = REPLACED;
                    (self.line, replaced) = (true, true);
                }
            }
        }
        replaced
    }
}

impl Guard {
    /// `mangled` is set where the head held something that was replaced.
    pub(super) fn new(mangled: Arc<AtomicBool>) -> Self {
        Guard { head: Head::default(), mangled }
    }
}

impl Watch for Guard {
    fn came(&mut self, bytes: &mut [u8]) {
        if !self.head.over && self.head.look(bytes) {
            self.mangled.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked(pieces: &[&[u8]]) -> (Vec<u8>, bool) {
        let (mut head, mut out, mut replaced) = (Head::default(), Vec::new(), false);
        for piece in pieces {
            let mut piece = piece.to_vec();
            replaced |= head.look(&mut piece);
            out.extend(piece);
        }
        (out, replaced)
    }

    #[test]
    fn octets_that_no_head_may_hold_are_replaced_and_bodies_stay_as_they_are() {
        let head = b"\r\nPOST /x HTTP/1.1\r\na: \x03\x11\xa3\tb\x7f\r\n\r\n";
        let body = b"\x00\x01\r\n\r\n\x02";
        let whole: Vec<u8> = [&head[..], body].concat();
        let expected = [&b"\r\nPOST /x HTTP/1.1\r\na: ??\xa3\tb?\r\n\r\n"[..], body].concat();
        for cut in 0..whole.len() {
            assert_eq!(looked(&[&whole[..cut], &whole[cut..]]), (expected.clone(), true));
        }
        let plain = b"GET / HTTP/1.1\nhost: a\n\n\x01";
        assert_eq!(looked(&[plain]), (plain.to_vec(), false));
    }
}
