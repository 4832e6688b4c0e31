//! Elements with or without the prefix, indented, their texts escaped.

use std::io::{self, Write};

use super::WriteError;
use crate::fault::Fault;
use crate::xml::{NAMESPACE, first_forbidden};

/// The prefix inside the envelope.
pub(super) const PREFIX: &str = "edXML:";

/// A writer of elements.
pub(super) struct Elements<W> {
    out: W,
    open: Vec<String>,
    prefix: &'static str,
    written: u64,
}

impl<W: Write> Elements<W> {
    pub(super) fn new(out: W) -> Self {
        Elements { out, open: Vec::new(), prefix: "", written: 0 }
    }

    pub(super) fn out(&mut self) -> &mut W {
        &mut self.out
    }

    pub(super) fn into_out(self) -> W {
        self.out
    }

    /// From here on elements have no prefix.
    pub(super) fn plain(&mut self) {
        self.prefix = "";
    }

    /// From here on elements have the prefix.
    pub(super) fn prefixed(&mut self) {
        self.prefix = PREFIX;
    }

    pub(super) fn prefix(&self) -> &'static str {
        self.prefix
    }

    pub(super) fn declaration(&mut self) -> Result<(), WriteError> {
        self.put("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
    }

    pub(super) fn open(&mut self, name: &str) -> Result<(), WriteError> {
        self.open_with(name, &[])
    }

    /// Opens an element that declares its prefix.
    pub(super) fn open_declaring(&mut self, name: &str) -> Result<(), WriteError> {
        self.open_with(name, &[("xmlns:edXML", NAMESPACE)])
    }

    pub(super) fn open_with(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
    ) -> Result<(), WriteError> {
        self.indent()?;
        self.tag(name, attributes)?;
        self.put("\n")?;
        self.open.push(format!("{}{name}", self.prefix));
        Ok(())
    }

    pub(super) fn close(&mut self) -> Result<(), WriteError> {
        let Some(name) = self.open.pop() else { return Ok(()) };
        self.indent()?;
        self.put(&format!("</{name}>\n"))
    }

    /// An element with a text, which may be empty.
    pub(super) fn leaf(&mut self, name: &str, text: &str) -> Result<(), WriteError> {
        if let Some(c) = first_forbidden(text) {
            let place = format!("{}/{name}", self.open.join("/").replace(PREFIX, ""));
            return Err(Fault::Character(c).at(place, self.written).into());
        }
        self.indent()?;
        self.tag(name, &[])?;
        let prefix = self.prefix;
        self.put(&escaped(text))?;
        self.put(&format!("</{prefix}{name}>\n"))
    }

    /// An element with a text that may be absent: then it is there, and empty.
    pub(super) fn maybe(&mut self, name: &str, text: Option<&str>) -> Result<(), WriteError> {
        self.leaf(name, text.unwrap_or_default())
    }

    /// An element that is left out where there is nothing to say: for the fields of single vendors.
    pub(super) fn extra(&mut self, name: &str, text: Option<&str>) -> Result<(), WriteError> {
        text.map_or(Ok(()), |text| self.leaf(name, text))
    }

    /// The start of an element outside the envelope that has the prefix all the same, and content that
    /// the caller writes.
    pub(super) fn begin_content(&mut self, name: &str) -> Result<(), WriteError> {
        self.indent()?;
        self.tag(name, &[("xmlns:edXML", NAMESPACE)])
    }

    /// Its end.
    pub(super) fn end_content(&mut self, name: &str) -> Result<(), WriteError> {
        let prefix = self.prefix;
        self.put(&format!("</{prefix}{name}>\n"))
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)]) -> Result<(), WriteError> {
        let prefix = self.prefix;
        self.put(&format!("<{prefix}{name}"))?;
        for (key, value) in attributes {
            self.put(&format!(" {key}=\"{}\"", escaped(value)))?;
        }
        self.put(">")
    }

    fn indent(&mut self) -> Result<(), WriteError> {
        self.put(&"  ".repeat(self.open.len()))
    }

    fn put(&mut self, text: &str) -> Result<(), WriteError> {
        self.written += text.len() as u64;
        self.out.write_all(text.as_bytes()).map_err(io::Error::into)
    }
}

/// A text for an element or an attribute. A carriage return would be read as a line feed, so it goes as a
/// reference.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            c => out.push(c),
        }
    }
    out
}
