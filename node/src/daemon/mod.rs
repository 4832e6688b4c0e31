//! The daemon: one node, running.

mod context;
mod core;
mod files;
mod intake;
mod keys;
mod link;
mod pins;
mod recent;
mod run;
mod seals;
mod service;
mod sockets;
mod store;
mod uploads;

pub(crate) use run::run;
pub use run::{RunError, run_node_on};
pub(crate) use service::check_report;
