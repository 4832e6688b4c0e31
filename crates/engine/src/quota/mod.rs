//! Ceilings: what agencies, peers, directions and mailboxes may take of this node, so that a greedy
//! or dead one among them does not take what the others need.
//!
//! What is *held* is counted from the dispatches in memory, so a restart finds the same counts; what
//! comes *per time* is counted in buckets, which are full after a start. Being over a ceiling is
//! answered with a time to try again, and leaves nothing in the receipt log.

mod bucket;
mod ceiling;
mod doors;
mod rates;
mod report;
mod room;
mod usage;

pub use bucket::{Bucket, Rate};
pub use ceiling::{Ceiling, Quotas, Use};
pub use doors::{Doors, DoorsOf};
pub use report::{AgencyUse, MailboxUse, NodeUse, PeerUse};
pub use usage::Usage;

pub(crate) use rates::Rates;
pub(crate) use room::{Coming, Shortage, Way};
