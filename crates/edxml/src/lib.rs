//! edXML, the XML of the national axis (QCVN 102:2016/BTTTT and its amendment of 2022): read tolerantly
//! within stated bounds, written strictly, and mapped to what a dispatch says.
//!
//! ```text
//! bytes ── read ──▶ Reading { Content, attachments, signature report, marks, notes, digest }
//!                      │  attachments stream to the caller's Sink and never lie in memory whole
//!                      ▼
//!               map::outline ──▶ Outline: the parts of an envelope that edXML can say
//! Outline ── map::edoc ──▶ Edoc ── write_document ──▶ bytes that picky receivers take
//! ```
//!
//! Nothing here is trusted: what a file says is what somebody wrote. The received bytes themselves are
//! kept by the caller, as a document of the dispatch; this crate gives their digest. No field table of
//! the standard was at hand when it was written: `docs/edxml.md` says how sure each form is.

mod declared;
mod fault;
mod limits;
pub mod map;
pub mod model;
mod notes;
mod read;
mod secrecy;
mod sniff;
pub mod values;
mod write;
mod xml;
mod zip;

pub use fault::{EdxmlError, Fault};
pub use limits::Limits;
pub use model::{Content, Edoc, Reading, StatusNotice};
pub use notes::{Note, Notes, Odd};
pub use read::{Ignore, Sink, read};
pub use secrecy::Marked;
pub use sniff::{LOOK_BYTES, Sniffed, media_type};
pub use write::{Part, WriteError, Written, write_document, write_status};
pub use zip::{Unfolded, unfold};

/// The media type by which a kept edXML file is known among the documents of a dispatch.
pub const MEDIA_TYPE: &str = "application/x-edxml+xml";
