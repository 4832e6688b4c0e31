//! What comes before the elements and between them: encoding, declaration, references.

use std::io::{self, BufRead};

use quick_xml::events::BytesDecl;

use super::chars::is_allowed;
use super::pull::{BEFORE_ROOT, Pull};
use crate::fault::{EdxmlError, Fault, quoted, shown};
use crate::notes::{Note, Odd};

impl<R: BufRead> Pull<R> {
    /// Whether the encoding is one that is read, as far as the first bytes tell.
    pub(super) fn first_bytes(&mut self) -> Result<(), EdxmlError> {
        let first = loop {
            match self.reader.get_mut().fill_buf() {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.broken(e.into())),
                Ok(shown) => break shown.iter().take(4).copied().collect::<Vec<u8>>(),
            }
        };
        let other = match first[..] {
            [0xfe, 0xff, ..] | [0, b'<', ..] => Some("UTF-16, big endian"),
            [0xff, 0xfe, 0, 0] | [b'<', 0, 0, 0] | [0, 0, ..] => Some("UTF-32"),
            [0xff, 0xfe, ..] | [b'<', 0, ..] => Some("UTF-16, little endian"),
            _ => None,
        };
        if first.starts_with(&[0xef, 0xbb, 0xbf]) {
            self.note(Note { place: BEFORE_ROOT.to_owned(), odd: Odd::ByteOrderMark });
        }
        other.map_or(Ok(()), |name| Err(self.fail(Fault::Encoding(name.to_owned()))))
    }
}

/// What a reference stands for: one of the five entities of XML, or a character by its number.
pub(super) fn resolved(name: &str) -> Result<char, Fault> {
    let numbered = |digits: &str, radix: u32| {
        let plain = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
        let number = if plain { u32::from_str_radix(digits, radix).ok() } else { None };
        let c = number.and_then(char::from_u32).filter(|c| is_allowed(*c));
        c.ok_or_else(|| Fault::Entity(format!("&{};", quoted(name))))
    };
    match name {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        _ => match name.strip_prefix('#') {
            Some(digits) => match digits.strip_prefix('x') {
                Some(digits) => numbered(digits, 16),
                None => numbered(digits, 10),
            },
            None => Err(Fault::Entity(format!("&{};", quoted(name)))),
        },
    }
}

pub(super) fn declaration(decl: &BytesDecl<'_>) -> Result<(), Fault> {
    let version = decl.version().map_err(|e| Fault::NotWellFormed(shown(e)))?;
    if version != "1.0" {
        return Err(Fault::Version(quoted(&version)));
    }
    match decl.encoding() {
        None => Ok(()),
        Some(Err(e)) => Err(Fault::NotWellFormed(shown(e))),
        Some(Ok(name)) => match name.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" | "us-ascii" => Ok(()),
            _ => Err(Fault::Encoding(quoted(&name))),
        },
    }
}
