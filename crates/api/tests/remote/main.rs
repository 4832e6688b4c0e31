//! The contract over mutual TLS, against a node in memory: who is let in, and what strangers cannot do.

#![allow(dead_code, unreachable_pub)]

#[path = "../socket/fake.rs"]
mod fake;
#[path = "../socket/harness.rs"]
mod harness;

mod door;
mod known;
mod strangers;
