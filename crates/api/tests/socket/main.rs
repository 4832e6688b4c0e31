//! The contract through a real Unix socket, against a node in memory.

#![allow(unreachable_pub)]

mod access;
mod borrowed;
mod description;
mod fake;
mod harness;
mod hostile;
mod hosting;
mod problems;
mod questions;
mod routes;
mod smuggling;
mod waiting;
