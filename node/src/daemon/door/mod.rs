//! The API for systems on other machines: what `tram_api` serves, behind mutual TLS.
//!
//! ```text
//! system ──▶ tram_api::serve_remote ──▶ Registry: authorities, revocation, [[door_systems]]
//!                     └──▶ the service that the local sockets have, with the system's roles
//! ```

mod registry;
mod start;

pub(super) use registry::Registry;
pub(super) use start::{start, watch};
