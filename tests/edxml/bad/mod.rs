//! The bad files, by families. Everything is made from three good ones by rule, the same in every run.

mod acts;
mod attachments;
mod bytes;
mod fields;
mod floods;
mod markup;
mod zips;

use std::io::{self, Cursor, Read};

use tram_edxml::Limits;

/// The composed sample: a document.
pub(crate) const SAMPLE: &str =
    include_str!("../../../crates/edxml/tests/samples/official-letter.edxml");

/// A bad file.
pub(crate) struct Bad {
    /// Family and what is wrong.
    pub(crate) name: String,
    /// The bytes, made when they are asked for.
    pub(crate) open: Box<dyn Fn() -> Box<dyn Read>>,
    /// How the place in the refusal must end; empty where any element will do.
    pub(crate) place: String,
    /// The bounds it is read with.
    pub(crate) limits: Limits,
}

/// Gathers them.
pub(crate) struct Gathered(pub(crate) Vec<Bad>);

impl Gathered {
    /// A file of these bytes, whose refusal names an element that ends in `place`.
    pub(crate) fn bytes(&mut self, name: String, bytes: Vec<u8>, place: &str) {
        let open = move || -> Box<dyn Read> { Box::new(Cursor::new(bytes.clone())) };
        let (open, place) = (Box::new(open), place.to_owned());
        self.0.push(Bad { name, open, place, limits: Limits::DEFAULT });
    }

    /// The sample with one thing exchanged.
    pub(crate) fn swap(&mut self, name: String, from: &str, to: &str, place: &str) {
        self.bytes(name, swapped(SAMPLE, from, to).into_bytes(), place);
    }

    /// A file that is made while it is read: before, one piece many times, after.
    pub(crate) fn repeated(&mut self, name: String, parts: [&str; 3], times: u64, place: &str) {
        let [before, piece, after] = parts.map(str::to_owned);
        let open = move || -> Box<dyn Read> {
            let middle = Repeat { piece: piece.clone().into_bytes(), at: 0, left: times };
            let (before, after) = (Cursor::new(before.clone()), Cursor::new(after.clone()));
            Box::new(before.chain(middle).chain(after))
        };
        let (open, place) = (Box::new(open), place.to_owned());
        self.0.push(Bad { name, open, place, limits: Limits::DEFAULT });
    }
}

/// One piece, again and again.
struct Repeat {
    piece: Vec<u8>,
    at: usize,
    left: u64,
}

impl Read for Repeat {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut n = 0;
        while n < out.len() && self.left > 0 {
            let take = (self.piece.len() - self.at).min(out.len() - n);
            out[n..n + take].copy_from_slice(&self.piece[self.at..self.at + take]);
            (n, self.at) = (n + take, self.at + take);
            if self.at == self.piece.len() {
                (self.at, self.left) = (0, self.left - 1);
            }
        }
        Ok(n)
    }
}

/// The text with the first `from`, which must be there, exchanged.
pub(crate) fn swapped(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

/// The text cut in two behind the first `mark`.
pub(crate) fn behind<'t>(text: &'t str, mark: &str) -> (&'t str, &'t str) {
    let at = text.find(mark).unwrap_or_else(|| panic!("{mark}")) + mark.len();
    text.split_at(at)
}

/// Every bad file.
pub(crate) fn all() -> Vec<Bad> {
    let mut all = Gathered(Vec::new());
    bytes::add(&mut all);
    markup::add(&mut all);
    fields::add(&mut all);
    acts::add(&mut all);
    attachments::add(&mut all);
    zips::add(&mut all);
    floods::add(&mut all);
    all.0
}
