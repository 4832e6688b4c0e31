//! The door with a client by hand on the one side and a node in memory on the other.

mod calls;
mod client;
mod hostile;
mod memory;
mod sending;
