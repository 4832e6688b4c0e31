//! The endpoint of the national document axis (trục liên thông văn bản quốc gia) as its existing clients
//! know it: they work unchanged, with another URL, system id and key.
//!
//! ```text
//! bytes ── server ──▶ head ── signed ──▶ Params ── call ──▶ Call     pure, but for `server`
//!                      │  HMAC over the received bytes; what is not signed is not looked at
//!                      ▼
//!                    Node: what the endpoint asks of the node (a port; `tram` implements it)
//!                      │
//! bytes ◀── server ── answer ◀──┘  exactly the members and spellings that the clients read
//! ```
//!
//! What a client needs to see is known from its library; what the real axis answers is not. So every
//! answer is made such that no client loses mail over it: see `docs/axis.md`.
//!
//! A request is one connection. The clients open a new one for nearly every call anyway, and so a
//! request can never be taken for a part of another.

mod account;
mod answer;
mod call;
mod clock;
mod doc_id;
mod file_hash;
mod limits;
mod params;
mod port;
mod refusal;
mod repeats;
mod route;
mod server;
mod signed;

pub use account::{Account, Secret, SecretError};
pub use call::{Call, Kind, ListQuery, Transport};
pub use clock::{shown, stamped_at};
pub use doc_id::DocId;
pub use file_hash::{FileEnd, FileHash, unpadded};
pub use limits::Limits;
pub use params::Params;
pub use port::{
    Agency, AgencyPage, AgencyRequest, FileRead, Node, OpenFile, Received, Reply, Sending, SentRow,
};
pub use refusal::{Number, Refusal};
pub use route::{Route, route};
pub use server::{Door, serve};
pub use signed::{Head, Signed, verify};
