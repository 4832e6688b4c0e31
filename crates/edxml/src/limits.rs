//! Every bound on what is read. Reached means refused, with the element named; nothing is cut short.

use tram_dispatch::limits::{DOCUMENTS_MAX, RECIPIENTS_MAX, RELATED_MAX};

/// The bounds of one reading. [`Limits::DEFAULT`] is what the product uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest file.
    pub file_bytes_max: u64,
    /// Largest attachment, decoded from base64; also the largest that a hidden ZIP may unfold to.
    pub attachment_bytes_max: u64,
    /// Most attachments. One less than the documents of a dispatch: the file itself is one of them.
    pub attachments_max: usize,
    /// Most bytes of one start tag, comment, processing instruction or run of text.
    pub event_bytes_max: u64,
    /// Longest value of one element.
    pub text_bytes_max: usize,
    /// Most bytes of all values together, attachments apart.
    pub texts_bytes_max: usize,
    /// Most elements.
    pub elements_max: u64,
    /// Most comments and processing instructions.
    pub asides_max: u64,
    /// Deepest nesting.
    pub depth_max: usize,
    /// Most attributes of one element, namespace declarations included.
    pub attributes_max: usize,
    /// Longest name of an element or attribute, prefix included.
    pub name_bytes_max: usize,
    /// Longest value of an attribute.
    pub attribute_bytes_max: usize,
    /// Most recipients.
    pub recipients_max: usize,
    /// Most entries of any other list: places, answers, appendices, hops, certificates.
    pub items_max: usize,
    /// Largest certificate in a signature.
    pub certificate_bytes_max: usize,
    /// Remarks kept about what was odd; the rest is counted.
    pub notes_max: usize,
    /// What a hidden ZIP may unfold to without its ratio being looked at.
    pub unzip_free_bytes: u64,
    /// Most bytes out of one byte in, above that.
    pub unzip_ratio_max: u64,
}

impl Limits {
    /// The bounds of the product.
    pub const DEFAULT: Limits = Limits {
        file_bytes_max: 2 << 30,
        attachment_bytes_max: 1 << 30,
        attachments_max: DOCUMENTS_MAX - 1,
        event_bytes_max: 128 << 10,
        text_bytes_max: 64 << 10,
        texts_bytes_max: 8 << 20,
        elements_max: 120_000,
        asides_max: 10_000,
        depth_max: 24,
        attributes_max: 32,
        name_bytes_max: 128,
        attribute_bytes_max: 4 << 10,
        recipients_max: RECIPIENTS_MAX,
        items_max: RELATED_MAX * 4,
        certificate_bytes_max: 16 << 10,
        notes_max: 64,
        unzip_free_bytes: 1 << 20,
        unzip_ratio_max: 200,
    };

    /// As (name, value, what it bounds), for documents and their test.
    pub fn table(&self) -> Vec<(&'static str, u64, &'static str)> {
        vec![
            ("file_bytes_max", self.file_bytes_max, "the file"),
            (
                "attachment_bytes_max",
                self.attachment_bytes_max,
                "one attachment, decoded and unfolded",
            ),
            ("attachments_max", self.attachments_max as u64, "attachments"),
            (
                "event_bytes_max",
                self.event_bytes_max,
                "one tag, comment, instruction or run of text",
            ),
            ("text_bytes_max", self.text_bytes_max as u64, "the value of one element"),
            (
                "texts_bytes_max",
                self.texts_bytes_max as u64,
                "all values together, attachments apart",
            ),
            ("elements_max", self.elements_max, "elements"),
            ("asides_max", self.asides_max, "comments and processing instructions"),
            ("depth_max", self.depth_max as u64, "nesting"),
            ("attributes_max", self.attributes_max as u64, "attributes of one element"),
            ("name_bytes_max", self.name_bytes_max as u64, "a name with its prefix"),
            ("attribute_bytes_max", self.attribute_bytes_max as u64, "the value of an attribute"),
            ("recipients_max", self.recipients_max as u64, "recipients"),
            ("items_max", self.items_max as u64, "entries of any other list"),
            (
                "certificate_bytes_max",
                self.certificate_bytes_max as u64,
                "a certificate in a signature",
            ),
            ("notes_max", self.notes_max as u64, "remarks kept about oddities"),
            (
                "unzip_free_bytes",
                self.unzip_free_bytes,
                "a hidden ZIP unfolds to without a look at its ratio",
            ),
            ("unzip_ratio_max", self.unzip_ratio_max, "bytes out of one byte in, above that"),
        ]
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
