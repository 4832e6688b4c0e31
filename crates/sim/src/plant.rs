//! Planted bugs: what the simulator can do wrong on purpose, to see that its checks notice.
//!
//! None of them is in the product. Each one alters what the simulated shell does between the real
//! engine, the real store, the disk and the peers.

use std::fmt;
use std::str::FromStr;

macro_rules! plants {
    ($( $(#[doc = $doc:literal])+ $name:ident = $word:literal, )+) => {
        /// One planted bug.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Plant {
            $( $(#[doc = $doc])+ $name, )+
        }

        impl Plant {
            /// All of them.
            pub const ALL: &[Plant] = &[$(Plant::$name),+];

            /// Its name on the command line.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Plant::$name => $word),+ }
            }
        }
    };
}

plants! {
    /// A batch counts as durable as soon as it is made, before the disk has it.
    AnswerBeforeSync = "answer-before-sync",
    /// Directories are never synced: new names are left to luck.
    NoDirectorySync = "no-directory-sync",
    /// After a start, dispatches in mailboxes are unknown to whoever offers them again.
    NoDeduplication = "no-deduplication",
    /// Neither the anchor nor what peers hold of this log is looked at.
    NoRollbackCheck = "no-rollback-check",
    /// Receipts are taken as they come, without a look at their signatures.
    NoProofCheck = "no-proof-check",
    /// A transfer counts as accepted once its bytes are handed to the transport.
    CustodyOnTransport = "custody-on-transport",
    /// A sync that failed is tried again, and its success is believed.
    RetryAfterFailedSync = "retry-after-failed-sync",
    /// Damage in the journal is taken for a batch that was cut short.
    FlippedBitIsTorn = "flipped-bit-is-torn",
    /// A leg offered again is answered with the first receipt, also after it was given back.
    OldReceiptForReturned = "old-receipt-for-returned",
    /// A document that is here already, whoever brought it, need not be brought again.
    DocumentByDigest = "document-by-digest",
}

/// There is no such planted bug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoSuchPlant(pub String);

impl fmt::Display for NoSuchPlant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<&str> = Plant::ALL.iter().map(|p| p.word()).collect();
        write!(f, "no planted bug {:?}; there are: {}", self.0, all.join(", "))
    }
}

impl std::error::Error for NoSuchPlant {}

impl FromStr for Plant {
    type Err = NoSuchPlant;

    fn from_str(text: &str) -> Result<Self, NoSuchPlant> {
        let found = Plant::ALL.iter().find(|p| p.word() == text);
        found.copied().ok_or_else(|| NoSuchPlant(text.to_owned()))
    }
}
