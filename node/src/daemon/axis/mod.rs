//! The endpoint of the national axis, behind which this node stands as the axis does.
//!
//! ```text
//! client ──▶ tram_axis ──▶ AxisNode ──▶ the desk ──▶ the service that the local sockets have
//! ```

mod accounts;
mod directory;
mod entry;
mod files;
mod ids;
mod items;
mod node;
mod open;
mod refusals;
mod send;
mod sent;
mod start;

pub(super) use start::start;
