//! Base64 past the parser: its raw bytes go to the caller, and nothing of it is held, however long it is.

use std::io::{self, BufRead};

use quick_xml::events::Event;

use super::prolog::resolved;
use super::pull::Pull;
use crate::fault::{EdxmlError, Fault, quoted};

/// Longest reference inside base64, without `&` and `;`.
const REFERENCE_BYTES_MAX: usize = 8;

impl<R: BufRead> Pull<R> {
    /// Streams the character data of the element opened last to `take`, piece by piece; of references
    /// only white space is allowed in it. Nothing is held, however long it is.
    pub(crate) fn stream(
        &mut self,
        mut take: impl FnMut(&[u8]) -> Result<(), Fault>,
    ) -> Result<(), EdxmlError> {
        if self.empty {
            return self.leave();
        }
        loop {
            self.stream_to_markup(&mut take)?;
            self.reader.get_mut().grant(self.limits.event_bytes_max);
            let mut buffer = std::mem::take(&mut self.buffer);
            buffer.clear();
            let event = self.reader.read_event_into(&mut buffer);
            let ended = match event.map_err(|e| self.broken(e))? {
                Event::End(_) => true,
                Event::CData(data) => {
                    take(data.as_bytes()).map_err(|fault| self.fail(fault))?;
                    false
                }
                Event::Comment(text) => self.aside(&text).map(|()| false)?,
                Event::PI(text) => self.aside(&text).map(|()| false)?,
                Event::Start(tag) | Event::Empty(tag) => {
                    return Err(self.fail(Fault::StrayElement(quoted(tag.name().as_ref()))));
                }
                Event::DocType(_) => return Err(self.fail(Fault::Dtd)),
                Event::Eof => return Err(self.fail(Fault::Cut)),
                _ => return Err(self.fail(Fault::NotWellFormed("markup in base64".to_owned()))),
            };
            self.buffer = buffer;
            if ended {
                return self.leave();
            }
        }
    }

    fn stream_to_markup(
        &mut self,
        take: &mut impl FnMut(&[u8]) -> Result<(), Fault>,
    ) -> Result<(), EdxmlError> {
        loop {
            self.reader.get_mut().grant(u64::MAX);
            let mut stream = self.reader.stream();
            let shown = match stream.fill_buf() {
                Ok(shown) => shown,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(self.broken(e.into())),
            };
            if shown.is_empty() {
                return Err(self.fail(Fault::Cut));
            }
            let end = shown.iter().position(|b| matches!(b, b'<' | b'&'));
            let taken = take(&shown[..end.unwrap_or(shown.len())]);
            let (n, found) = (end.unwrap_or(shown.len()), end.map(|i| shown[i]));
            stream.consume(n);
            taken.map_err(|fault| self.fail(fault))?;
            match found {
                None => {}
                Some(b'<') => return Ok(()),
                Some(_) => self.pass_space_reference()?,
            }
        }
    }

    /// `&#13;` and the like, which some writers put at the ends of lines.
    fn pass_space_reference(&mut self) -> Result<(), EdxmlError> {
        let mut name = String::new();
        loop {
            let mut byte = [0];
            match io::Read::read(&mut self.reader.stream(), &mut byte) {
                Ok(0) => return Err(self.fail(Fault::Cut)),
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(self.broken(e.into())),
            }
            match byte[0] {
                b'&' if name.is_empty() => name.push('&'),
                b';' => break,
                b if b.is_ascii_graphic() && name.len() <= REFERENCE_BYTES_MAX => {
                    name.push(char::from(b));
                }
                _ => {
                    return Err(
                        self.fail(Fault::NotWellFormed("an unfinished reference".to_owned()))
                    );
                }
            }
        }
        match resolved(name.trim_start_matches('&')) {
            Ok(' ' | '\t' | '\r' | '\n') => Ok(()),
            Ok(c) => Err(self.fail(Fault::Base64(format!("a reference to {c:?}")))),
            Err(fault) => Err(self.fail(fault)),
        }
    }
}
