//! Reading and writing whole files in memory, for tests.

use std::io;

use tram_edxml::{Edoc, EdxmlError, Limits, Part, Reading, Sink, read, write_document};

pub(crate) const SAMPLE: &str = include_str!("../samples/official-letter.edxml");

/// Keeps the attachments.
#[derive(Debug, Default)]
pub(crate) struct Kept(pub(crate) Vec<Vec<u8>>);

impl Sink for Kept {
    fn begin(&mut self, index: usize) -> io::Result<()> {
        assert_eq!(index, self.0.len());
        self.0.push(Vec::new());
        Ok(())
    }

    fn piece(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.last_mut().expect("begun").extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self, index: usize) -> io::Result<()> {
        assert_eq!(index + 1, self.0.len());
        Ok(())
    }
}

/// Reads a text, the attachments with it.
pub(crate) fn take(text: &str) -> Result<(Reading, Vec<Vec<u8>>), EdxmlError> {
    let mut kept = Kept::default();
    let reading = read(text.as_bytes(), &mut kept, &Limits::DEFAULT)?;
    Ok((reading, kept.0))
}

/// Reads a text of a document.
pub(crate) fn document(text: &str) -> (Edoc, Reading) {
    let (reading, _) = take(text).unwrap_or_else(|e| panic!("{e}"));
    match &reading.content {
        tram_edxml::Content::Document(edoc) => ((**edoc).clone(), reading.clone()),
        other => panic!("{other:?}"),
    }
}

/// Writes a document with these attachments.
pub(crate) fn written(edoc: &Edoc, parts: &[Part], contents: &[Vec<u8>]) -> String {
    let mut out = Vec::new();
    let written = write_document(&mut out, edoc, parts, |i| Ok(&contents[i][..])).unwrap();
    assert_eq!(written.size, out.len() as u64);
    assert_eq!(written.sha256.0, tram_crypto::sha256(&out));
    String::from_utf8(out).unwrap()
}

/// What is said of a text's attachment.
pub(crate) fn part(name: &str, content: &[u8]) -> Part {
    Part {
        name: name.to_owned(),
        media_type: "application/pdf".to_owned(),
        description: None,
        sha256: tram_dispatch::Digest(tram_crypto::sha256(content)),
    }
}

/// The text with one thing exchanged, which must be there.
pub(crate) fn with(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replace(from, to)
}
