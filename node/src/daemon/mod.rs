//! The daemon: one node, running.

mod alarms;
mod claims;
mod clock;
mod context;
mod core;
mod doors;
mod files;
mod hand;
mod intake;
mod kept;
mod keys;
mod link;
mod marker;
mod messages;
mod pins;
mod proofs;
mod recent;
mod revocation;
mod run;
mod seals;
mod service;
mod settings;
mod sockets;
mod store;
mod uploads;
mod watch;

pub(crate) use run::run;
pub use run::{RunError, run_node_on};
pub(crate) use service::check_report;
