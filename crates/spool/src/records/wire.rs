//! The layout of a body: a writer and a strict reader.

use super::RecordError;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

/// Appends fields to a body.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn u8(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }

    /// LEB128, shortest.
    pub(crate) fn uint(&mut self, mut value: u64) -> &mut Self {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.u8(value as u8)
    }

    /// Bytes of a known length.
    pub(crate) fn fixed(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.uint(bytes.len() as u64).fixed(bytes)
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    pub(crate) fn bool(&mut self, value: bool) -> &mut Self {
        self.u8(u8::from(value))
    }

    pub(crate) fn list<T>(
        &mut self,
        items: &[T],
        mut write: impl FnMut(&mut Self, &T),
    ) -> &mut Self {
        self.uint(items.len() as u64);
        items.iter().for_each(|item| write(self, item));
        self
    }
}

/// Takes fields from a body; every error names the field.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    kind: u16,
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(kind: u16, body: &'a [u8]) -> Self {
        Self { kind, left: body }
    }

    pub(crate) fn bad(&self, field: &'static str, what: impl Display) -> RecordError {
        RecordError::Field { kind: self.kind, field, what: what.to_string() }
    }

    pub(crate) fn take(
        &mut self,
        field: &'static str,
        len: usize,
    ) -> Result<&'a [u8], RecordError> {
        let (head, rest) = self
            .left
            .split_at_checked(len)
            .ok_or_else(|| self.bad(field, "the body is cut short"))?;
        self.left = rest;
        Ok(head)
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, RecordError> {
        Ok(self.take(field, 1)?[0])
    }

    pub(crate) fn uint(&mut self, field: &'static str) -> Result<u64, RecordError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8(field)?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(self.bad(field, "the number is above 64 bits"));
            }
            value |= bits << shift;
            if byte < 0x80 {
                return if byte == 0 && shift > 0 {
                    Err(self.bad(field, "the number is not in its shortest form"))
                } else {
                    Ok(value)
                };
            }
        }
        Err(self.bad(field, "the number is above 64 bits"))
    }

    pub(crate) fn fixed<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<[u8; N], RecordError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(field, N)?);
        Ok(out)
    }

    pub(crate) fn bytes(&mut self, field: &'static str) -> Result<&'a [u8], RecordError> {
        let len = self.uint(field)?;
        let len = usize::try_from(len).map_err(|_| self.bad(field, "the body is cut short"))?;
        self.take(field, len)
    }

    pub(crate) fn shared(&mut self, field: &'static str) -> Result<Arc<[u8]>, RecordError> {
        Ok(self.bytes(field)?.into())
    }

    /// Text with a grammar of its own.
    pub(crate) fn parse<T>(&mut self, field: &'static str) -> Result<T, RecordError>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.parse_by(field, str::parse)
    }

    pub(crate) fn parse_by<T, E: Display>(
        &mut self,
        field: &'static str,
        parse: impl FnOnce(&'a str) -> Result<T, E>,
    ) -> Result<T, RecordError> {
        let bytes = self.bytes(field)?;
        let text = std::str::from_utf8(bytes).map_err(|e| self.bad(field, e))?;
        parse(text).map_err(|e| self.bad(field, e))
    }

    pub(crate) fn bool(&mut self, field: &'static str) -> Result<bool, RecordError> {
        match self.u8(field)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(self.bad(field, format_args!("{other} is neither 0 nor 1"))),
        }
    }

    pub(crate) fn list<T>(
        &mut self,
        field: &'static str,
        mut read: impl FnMut(&mut Self) -> Result<T, RecordError>,
    ) -> Result<Vec<T>, RecordError> {
        let count = self.uint(field)?;
        if count > self.left.len() as u64 {
            // Every item takes at least one byte.
            return Err(self.bad(field, "the body is cut short"));
        }
        (0..count).map(|_| read(self)).collect()
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.left)
    }

    /// Checks that nothing is left.
    /// Nothing but zeros may be left.
    pub(crate) fn end_in_zeros(&self) -> Result<(), RecordError> {
        match self.left.iter().all(|byte| *byte == 0) {
            true => Ok(()),
            false => Err(self.bad("end", "bytes are left over")),
        }
    }

    pub(crate) fn end(&self) -> Result<(), RecordError> {
        if self.left.is_empty() {
            Ok(())
        } else {
            Err(self.bad("end", format_args!("{} bytes are left over", self.left.len())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_form() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut w = Writer::default();
            w.uint(value);
            let bytes = w.finish();
            let mut r = Reader::new(0, &bytes);
            assert_eq!(r.uint("n"), Ok(value));
            assert!(r.end().is_ok());
        }
        let long: [&[u8]; 3] = [&[0x80, 0], &[0xff; 11], &[0x80]];
        for bytes in long {
            assert!(Reader::new(0, bytes).uint("n").is_err());
        }
    }
}
