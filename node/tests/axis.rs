//! The endpoint of the national axis on real nodes, with a client by hand that makes the requests of the
//! client library: what is sent on one node is listed, fetched and confirmed on another.

mod support;

#[path = "../../crates/axis/tests/door/client.rs"]
#[allow(dead_code, reason = "shared with the suite of the endpoint, which uses more of it")]
mod client;

#[path = "axis/country.rs"]
mod country;
#[path = "axis/edxml.rs"]
mod edxml;
#[path = "axis/handover.rs"]
mod handover;
#[path = "axis/https.rs"]
mod https;
#[path = "axis/java.rs"]
mod java;
#[path = "axis/large.rs"]
mod large;
#[path = "axis/merger.rs"]
mod merger;
#[path = "axis/refusals.rs"]
mod refusals;
#[path = "axis/roles.rs"]
mod roles;
#[path = "axis/statuses.rs"]
mod statuses;
