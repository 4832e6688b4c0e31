//! The vocabulary of Trạm: agency codes, identifiers, envelope, evidence, directory entries,
//! limits and the one table of codes.
//!
//! This crate knows no bytes on the wire, no cryptography, no clock, no disk and no network.
//! Every value here can be built by hand in a test; what makes one *verified* is the `trust`
//! crate, which wraps it in a type that only it can construct.

pub mod agency;
pub mod calendar;
pub mod codes;
pub mod directory;
pub mod envelope;
pub mod evidence;
pub mod group;
pub mod id;
pub mod limits;
pub mod node;
pub mod reference;
pub mod secrecy;
pub mod status;
pub mod succession;
pub mod text;
pub mod time;
pub mod unit;

pub use agency::AgencyCode;
pub use calendar::{Day, Month, WorkingDays};
pub use codes::Code;
pub use envelope::Envelope;
pub use evidence::{Event, EvidenceRecord};
pub use id::{Digest, DispatchId, EpochId, NetworkId};
pub use node::NodeId;
pub use reference::Reference;
pub use status::Status;
pub use succession::Succession;
pub use time::{Now, UnixMillis};
pub use unit::{UnitCode, UnitMark};
