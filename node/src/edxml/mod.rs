//! edXML files and dispatches: unpacked to files, turned into requests, composed of what was fetched.
//!
//! ```text
//! file ── unpack ──▶ Unpacked { reading, documents } ── request ──▶ SealRequest and files to upload
//! envelope, documents ── compose ──▶ file
//! ```

mod compose;
mod request;
mod unpack;

pub(crate) use compose::{Composed, compose, compose_from};
pub(crate) use request::{Asked, ask, outline_of};
pub(crate) use unpack::{Piece, Unpacked, unpack, unpack_in};
