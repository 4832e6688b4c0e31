//! The taking side of one transfer: what was asked for must come, in that order and no more.

use std::collections::VecDeque;

use tram_dispatch::Code;
use tram_dispatch::envelope::Document;
use tram_wire::frame::{Frame, Range};

use crate::Refused;

/// The ranges a taker asked for and still awaits.
#[derive(Debug)]
pub struct Awaited {
    ranges: VecDeque<(Range, u64)>,
}

impl Awaited {
    /// Asks for these documents, each from an offset to its end.
    pub fn new(documents: &[Document], ranges: &[Range]) -> Self {
        let remaining = |r: &Range| {
            documents.get(usize::from(r.document)).map_or(0, |d| d.size.saturating_sub(r.offset))
        };
        Awaited { ranges: ranges.iter().map(|r| (*r, remaining(r))).collect() }
    }

    /// The range whose bytes must come next, with its length in bytes; `None` when all came.
    pub fn next(&self) -> Option<&(Range, u64)> {
        self.ranges.front()
    }

    /// Takes the `Data` frame that announces the next range's raw bytes.
    ///
    /// # Errors
    /// [`Refused`] when it is not the one awaited: reset the stream.
    pub fn announce(&mut self, frame: Frame) -> Result<(Range, u64), Refused> {
        let Some((range, length)) = self.ranges.pop_front() else {
            return Err(Refused { code: Code::Malformed, detail: "nothing was asked for".into() });
        };
        let expected = Frame::Data { document: range.document, offset: range.offset, length };
        if frame == expected {
            Ok((range, length))
        } else {
            let detail =
                format!("frame {} instead of document {}", crate::name(&frame), range.document);
            Err(Refused { code: Code::Malformed, detail })
        }
    }
}
