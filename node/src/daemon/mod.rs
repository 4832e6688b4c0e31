//! The daemon: one node, running.

mod context;
mod core;
mod files;
mod keys;
mod link;
mod pins;
mod run;
mod seals;
mod service;
mod store;
mod uploads;

pub use run::{RunError, run};
pub(crate) use service::check_report;
