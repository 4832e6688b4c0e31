//! The product: assembles the crates into one daemon and one command-line tool.

pub mod cli;
mod daemon;
mod demo;
mod directory;
mod edxml;
mod groups;
#[cfg(test)]
#[path = "../../tests/entry/src/mutate.rs"]
#[allow(unreachable_pub, reason = "shared with the fuzz targets, for decoders of this package")]
mod mutate;
mod sealing;
mod signatures;
mod tiles;

/// The system's allocator took a fifth of the CPU under load (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub use daemon::{AtWork, RunError, run_node_dying, run_node_on};
