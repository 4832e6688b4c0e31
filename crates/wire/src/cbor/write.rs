//! A writer of canonical CBOR into memory.

use std::convert::Infallible;

use minicbor::Encoder;
use minicbor::encode::Error;

/// Appends items to a buffer. minicbor writes heads in their shortest form; the order of map keys is the
/// caller's, and the crate's tests hold every encoder against the walk.
pub(crate) struct Writer(Encoder<Vec<u8>>);

type Written<'a> = Result<&'a mut Encoder<Vec<u8>>, Error<Infallible>>;

/// A `Vec` takes every write, so there is no error to pass on.
fn done(written: Written<'_>) {
    debug_assert!(written.is_ok());
}

impl Writer {
    pub(crate) fn new() -> Self {
        Writer(Encoder::new(Vec::new()))
    }

    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Writer(Encoder::new(Vec::with_capacity(bytes)))
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.into_writer()
    }

    pub(crate) fn uint(&mut self, value: u64) -> &mut Self {
        done(self.0.u64(value));
        self
    }

    pub(crate) fn int(&mut self, value: i64) -> &mut Self {
        done(self.0.i64(value));
        self
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) -> &mut Self {
        done(self.0.bytes(value));
        self
    }

    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        done(self.0.str(value));
        self
    }

    pub(crate) fn bool(&mut self, value: bool) -> &mut Self {
        done(self.0.bool(value));
        self
    }

    pub(crate) fn null(&mut self) -> &mut Self {
        done(self.0.null());
        self
    }

    pub(crate) fn array(&mut self, length: usize) -> &mut Self {
        done(self.0.array(length as u64));
        self
    }

    pub(crate) fn map(&mut self, length: usize) -> &mut Self {
        done(self.0.map(length as u64));
        self
    }

    pub(crate) fn tag18(&mut self) -> &mut Self {
        done(self.0.tag(minicbor::data::Tag::new(18)));
        self
    }

    /// An item that is already encoded.
    pub(crate) fn raw(&mut self, item: &[u8]) -> &mut Self {
        self.0.writer_mut().extend_from_slice(item);
        self
    }

    /// A map of the fields that are there; their keys must ascend.
    pub(crate) fn fields(&mut self, fields: Fields) -> &mut Self {
        self.map(fields.count).raw(&fields.items.finish())
    }
}

/// Collects the fields of a map, to write their number before them.
pub(crate) struct Fields {
    count: usize,
    items: Writer,
}

impl Fields {
    pub(crate) fn new() -> Self {
        Fields { count: 0, items: Writer::with_capacity(256) }
    }

    /// A field that is always there.
    pub(crate) fn put(&mut self, key: u64, write: impl FnOnce(&mut Writer)) -> &mut Self {
        self.count += 1;
        self.items.uint(key);
        write(&mut self.items);
        self
    }

    /// A field that is there if it has a value.
    pub(crate) fn put_some<T>(
        &mut self,
        key: u64,
        value: Option<T>,
        write: impl FnOnce(&mut Writer, T),
    ) -> &mut Self {
        match value {
            Some(value) => self.put(key, |w| write(w, value)),
            None => self,
        }
    }

    /// The whole map.
    pub(crate) fn finish(self) -> Vec<u8> {
        let mut w = Writer::with_capacity(self.items.0.writer().len() + 3);
        w.fields(self);
        w.finish()
    }
}
