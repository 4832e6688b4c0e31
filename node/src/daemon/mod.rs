//! The daemon: one node, running.

mod again;
mod alarms;
mod claims;
mod clock;
mod context;
mod core;
mod files;
mod hand;
mod intake;
mod kept;
mod keys;
mod link;
mod lists;
mod marker;
mod messages;
mod pins;
pub(crate) mod proofs;
mod readers;
mod recent;
mod revocation;
mod run;
mod seals;
mod service;
mod settings;
mod sockets;
mod store;
mod time_stamps;
mod watch;
mod witnesses;

pub(crate) use run::run;
pub use run::{RunError, run_node_on};
pub(crate) use service::check_report;
