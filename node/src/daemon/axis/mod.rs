//! The endpoint of the national axis, behind which this node stands as the axis does.
//!
//! ```text
//! client ──▶ tram_axis ──▶ AxisNode ──▶ the service that the local sockets have
//!  sendEdoc: file ──▶ unpacked ──▶ documents, kept file ──▶ sealed by the node ──▶ engine
//!  getEdoc:  the kept file, byte for byte, where the envelope says the same; else composed
//! ```

mod accounts;
mod directory;
mod files;
mod ids;
mod intake;
mod items;
mod node;
mod notices;
mod open;
mod refusals;
mod report;
mod send;
mod sent;
mod start;

pub(super) use start::start;
