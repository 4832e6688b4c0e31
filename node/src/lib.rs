//! The product: assembles the crates into one daemon and one command-line tool.

pub mod cli;
mod daemon;
mod demo;
mod sealing;
mod signatures;

pub use daemon::{RunError, run_node_on};
