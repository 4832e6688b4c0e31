//! What the daemon and the command line share about directories.

mod listed;

pub(crate) use listed::listed;
