//! What the HTTP doors of a node share, below what is said through them: the local sockets, the
//! endpoint of the national axis, and the API for other machines.
//!
//! ```text
//! listener ── accept ──▶ Counts (who has how many) ──▶ secure (TLS, in time) ──▶ http ──▶ the end
//!                                                      Paced: who stops reading is given up
//! ```
//!
//! Who a caller is and what is answered is the affair of the doors. TLS comes through a port ([`Tls`]),
//! so that this crate knows no certificates.

mod accept;
mod counts;
mod http;
mod paced;
mod secure;
mod watched;

pub use accept::{Listen, accept};
pub use counts::{Counted, Counts};
pub use http::{HttpLimits, http};
pub use paced::Paced;
pub use secure::{Duplex, Secured, Session, Tls, secure};
pub use watched::{Watch, Watched};
