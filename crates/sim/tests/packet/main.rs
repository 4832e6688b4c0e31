//! Real QUIC between real nodes over a network in memory: drawn schedules, and the faults that
//! deserve a test of their own.

mod drawn;
mod fabric;
mod links;
mod outage;
mod support;
