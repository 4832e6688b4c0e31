//! The local socket contract of a node: HTTP/1.1 on a Unix socket, its OpenAPI 3.1 description,
//! and the client that the CLI uses. The same over mutual TLS, for systems on other machines.
//!
//! The node implements [`Service`]; this crate does the rest: who is calling (kernel credentials, or a
//! certificate that [`Systems`] knows; [`Access`]), which role a route needs ([`routes`]), sizes and waits ([`Limits`]), parsing, and
//! problems (RFC 9457) taken from the one table of codes in `tram-dispatch`.
//!
//! It knows nothing of the engine, the store or the wire format: sealed dispatches and receipts
//! pass through as the bytes they are.

pub mod access;
mod channel;
pub mod client;
pub mod hosting;
pub mod limits;
pub mod model;
pub mod openapi;
pub mod problem;
pub mod questions;
pub mod routes;
mod scope;
mod server;
pub mod service;
pub mod text;

pub use access::{Access, Agencies, Caller, Peer, Role, Rule, UnitRule, Who};
pub use client::{Client, ClientError, Dial, Dialled};
pub use hosting::Hosting;
pub use limits::Limits;
pub use problem::{Language, Problem};
pub use questions::Questions;
pub use scope::{Scope, Sight};
pub use server::{
    BindError, BodyStream, RemoteDoor, Socket, SocketOptions, Systems, serve, serve_remote,
};
pub use service::{DocumentRead, Feed, OpenDocument, Reply, Service};
pub use text::{Base64, Text};
