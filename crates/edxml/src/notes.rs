//! What was odd about a file that was read all the same: for people, and for whoever has to talk to
//! its writer.

use std::fmt;

/// One oddity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The element, as in an error.
    pub place: String,
    /// What is odd.
    pub odd: Odd,
}

/// The kinds of oddity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Odd {
    /// A byte order mark at the beginning.
    ByteOrderMark,
    /// The word `null` in place of a value.
    Null,
    /// An element that is not known; it is in the kept file.
    Unknown,
    /// Elements without a namespace, taken for those of edXML. Said once, of the first.
    NoNamespace,
    /// A field that the standard asks for is missing or empty.
    Wanting,
    /// The same recipient a second time.
    RecipientTwice,
    /// A `ResponseFor` that says nothing.
    EmptyResponse,
    /// An answer to a document that is not named by sender and id, so that no dispatch can be named.
    UnnamedResponse,
    /// The manifest and the attachments do not name the same things.
    Manifest,
    /// `cid:` stands on one side only.
    CidOnOneSide,
    /// An attachment without a byte.
    EmptyAttachment,
    /// The declared type is not what the bytes are.
    TypeDiffers {
        /// What is declared.
        declared: String,
        /// What the bytes are.
        found: &'static str,
    },
    /// Bytes that a text decoder has replaced: the document was damaged before it came here.
    Damaged,
    /// A text was changed for the envelope, which has no control or deceptive characters; the kept file
    /// has it as it was.
    Cleaned,
    /// Flash at a set hour, and no field that says the hour: carried as flash.
    HourUnknown,
    /// A day before 1970, which an envelope cannot hold.
    DayTooOld,
    /// An update adds recipients in its `ReceiverList` that `To` does not name: nothing goes to them.
    AddedNotInTo {
        /// Their codes.
        agencies: String,
    },
    /// An update takes off recipients that `To` does not name: they are not told.
    RemovedNotTold {
        /// Their codes.
        agencies: String,
    },
    /// Said by the dispatch, and edXML has no field for it.
    NoField,
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Odd::ByteOrderMark => "begins with a byte order mark",
            Odd::Null => "holds the word null, taken for nothing",
            Odd::Unknown => "is not known here; the kept file has it",
            Odd::NoNamespace => "is in no namespace, taken for edXML",
            Odd::Wanting => "is missing or empty, and the standard asks for it",
            Odd::RecipientTwice => "names a recipient again",
            Odd::EmptyResponse => "says nothing",
            Odd::UnnamedResponse => "does not name sender and id of the document answered",
            Odd::Manifest => "the manifest and the attachments do not agree",
            Odd::CidOnOneSide => "cid: stands on one side only",
            Odd::EmptyAttachment => "has no bytes",
            Odd::TypeDiffers { declared, found } => {
                return write!(f, "is declared {declared:?} and is {found}");
            }
            Odd::Damaged => "was damaged by a text decoder on its way",
            Odd::Cleaned => "was cleaned of control characters for the envelope",
            Odd::HourUnknown => "asks for a set hour that edXML does not say; carried as flash",
            Odd::DayTooOld => "lies before 1970; the kept file has it",
            Odd::AddedNotInTo { agencies } => {
                return write!(f, "adds {agencies}, not named in To: nothing is sent there");
            }
            Odd::RemovedNotTold { agencies } => {
                return write!(f, "takes off {agencies}, not named in To: nothing is told there");
            }
            Odd::NoField => "cannot be said in edXML",
        })
    }
}

/// The oddities of one file, as many as are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    kept: Vec<Note>,
    more: u64,
    max: usize,
}

impl Notes {
    pub(crate) fn new(max: usize) -> Self {
        Notes { kept: Vec::new(), more: 0, max }
    }

    pub(crate) fn add(&mut self, note: Note) {
        if self.kept.len() < self.max {
            self.kept.push(note);
        } else {
            self.more += 1;
        }
    }

    /// Whether one more would only be counted.
    pub(crate) fn is_full(&self) -> bool {
        self.kept.len() >= self.max
    }

    /// Counts one that is not kept.
    pub(crate) fn count(&mut self) {
        self.more += 1;
    }

    /// Those kept, in the order they were met.
    pub fn iter(&self) -> impl Iterator<Item = &Note> {
        self.kept.iter()
    }

    /// How many more there were.
    pub fn more(&self) -> u64 {
        self.more
    }

    /// Whether one of this kind was met.
    pub fn has(&self, odd: &Odd) -> bool {
        self.kept.iter().any(|n| n.odd == *odd)
    }
}
