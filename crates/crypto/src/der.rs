//! The little of DER (X.690) that public keys need, read strictly: definite shortest lengths only.

/// The bytes are not DER of the expected shape. The caller says which part it was reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DerError;

pub(crate) const TAG_INTEGER: u8 = 0x02;
pub(crate) const TAG_BIT_STRING: u8 = 0x03;
pub(crate) const TAG_NULL: u8 = 0x05;
pub(crate) const TAG_OID: u8 = 0x06;
pub(crate) const TAG_SEQUENCE: u8 = 0x30;

/// A cursor over consecutive DER elements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The tag of the next element, without taking it.
    pub(crate) fn peek_tag(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Takes the next element, which must carry `tag`; gives its contents.
    pub(crate) fn take(&mut self, tag: u8) -> Result<&'a [u8], DerError> {
        let [actual, first, after @ ..] = self.rest else { return Err(DerError) };
        if *actual != tag {
            return Err(DerError);
        }
        let (length, body) = match first {
            0..=0x7f => (usize::from(*first), after),
            0x81 => match after {
                // The long form is only for what the short form cannot say.
                [length @ 0x80..=0xff, body @ ..] => (usize::from(*length), body),
                _ => return Err(DerError),
            },
            0x82 => match after {
                [high @ 1..=0xff, low, body @ ..] => {
                    (usize::from(u16::from_be_bytes([*high, *low])), body)
                }
                _ => return Err(DerError),
            },
            _ => return Err(DerError), // indefinite, or longer than any key we take
        };
        let (contents, rest) = body.split_at_checked(length).ok_or(DerError)?;
        self.rest = rest;
        Ok(contents)
    }

    /// A SEQUENCE; gives a cursor over its elements.
    pub(crate) fn sequence(&mut self) -> Result<Reader<'a>, DerError> {
        self.take(TAG_SEQUENCE).map(Reader::new)
    }

    /// A non-negative INTEGER in its shortest form; gives the magnitude without a leading zero byte.
    pub(crate) fn unsigned(&mut self) -> Result<&'a [u8], DerError> {
        match self.take(TAG_INTEGER)? {
            [0, magnitude @ ..] if magnitude.first().is_some_and(|high| *high >= 0x80) => {
                Ok(magnitude)
            }
            magnitude @ [0x01..=0x7f, ..] | magnitude @ [0] => Ok(magnitude),
            _ => Err(DerError), // empty, negative, or with a needless zero
        }
    }

    /// A BIT STRING made of whole bytes.
    pub(crate) fn bit_string(&mut self) -> Result<&'a [u8], DerError> {
        match self.take(TAG_BIT_STRING)? {
            [0, bytes @ ..] => Ok(bytes),
            _ => Err(DerError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_shortest_form_is_read() {
        assert_eq!(Reader::new(&[2, 1, 5]).unsigned(), Ok(&[5][..]));
        assert_eq!(Reader::new(&[2, 2, 0, 0x80]).unsigned(), Ok(&[0x80][..]));
        for bad in [
            &[2, 0][..],         // empty integer
            &[2, 1, 0x80],       // negative
            &[2, 2, 0, 5],       // needless zero
            &[2, 0x81, 1, 5],    // long form of a short length
            &[2, 0x82, 0, 1, 5], // needless length byte
            &[2, 0x80, 5, 0, 0], // indefinite
            &[2, 2, 5],          // cut short
            &[3, 1, 5],          // another tag
            &[2],
            &[],
        ] {
            assert_eq!(Reader::new(bad).unsigned(), Err(DerError), "{bad:02x?}");
        }
        assert_eq!(Reader::new(&[3, 2, 1, 6]).bit_string(), Err(DerError)); // unused bits
    }
}
