//! The giving side of one transfer: offer, give the documents asked for, take the answer.

use std::collections::BTreeSet;

use tram_dispatch::Code;
use tram_dispatch::envelope::Document;
use tram_dispatch::limits::{INLINE_DOCUMENT_BYTES_MAX, INLINE_TOTAL_BYTES_MAX};
use tram_wire::frame::{Answer, Frame, Range};

use crate::Refused;

/// Which documents ride along with the offer, by index: small ones, until the frame is full.
pub fn riding(documents: &[Document]) -> BTreeSet<usize> {
    let (mut total, mut riding) = (0, BTreeSet::new());
    for (i, d) in documents.iter().enumerate() {
        let size = usize::try_from(d.size).unwrap_or(usize::MAX);
        if size <= INLINE_DOCUMENT_BYTES_MAX && total + size <= INLINE_TOTAL_BYTES_MAX {
            total += size;
            riding.insert(i);
        }
    }
    riding
}

/// What to do next.
#[derive(Debug, PartialEq)]
pub enum Next {
    /// Give these ranges, each as a `Data` frame and its raw bytes to the end of the document.
    Give(Vec<Range>),
    /// The peer answered; the transfer is over.
    Answered(Vec<Answer>),
}

/// One transfer as its giver sees it.
#[derive(Debug)]
pub struct Giver {
    sizes: Vec<u64>,
    asked: bool,
}

impl Giver {
    /// A transfer of a dispatch with these documents.
    pub fn new(documents: &[Document]) -> Self {
        Giver { sizes: documents.iter().map(|d| d.size).collect(), asked: false }
    }

    /// Takes a frame of the taker.
    ///
    /// # Errors
    /// [`Refused`] when the frame has no place or asks for what does not exist: reset the stream.
    pub fn handle(&mut self, frame: Frame) -> Result<Next, Refused> {
        let bad = |detail: String| Refused { code: Code::Malformed, detail };
        match frame {
            Frame::Want(ranges) if !self.asked => {
                let mut last = None;
                for r in &ranges {
                    let size = self.sizes.get(usize::from(r.document));
                    if size.is_none_or(|s| r.offset > *s) || last >= Some(r.document) {
                        return Err(bad(format!("range {} of document {}", r.offset, r.document)));
                    }
                    last = Some(r.document);
                }
                self.asked = true;
                Ok(Next::Give(ranges))
            }
            Frame::Answer(answers) => Ok(Next::Answered(answers)),
            other => Err(bad(format!("frame {} has no place here", crate::name(&other)))),
        }
    }

    /// How many bytes follow a range's start.
    pub fn remaining(&self, range: &Range) -> u64 {
        self.sizes.get(usize::from(range.document)).map_or(0, |s| s.saturating_sub(range.offset))
    }
}
