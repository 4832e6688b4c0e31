//! What a node refuses, with which code: through the local socket, from a peer over QUIC, at the TLS
//! door, and when a store is not its own.

mod support;

#[path = "refusals/door.rs"]
mod door;
#[path = "refusals/peer.rs"]
mod peer;
#[path = "refusals/socket.rs"]
mod socket;
#[path = "refusals/store.rs"]
mod store;
