//! The two sides of a transfer around the engine: what must hold of a peer's offer before the engine
//! decides ([`take`]), and what an offer of ours says and its answers prove ([`give`]).
//!
//! Functions of what came. Whoever runs the session moves frames and bytes of documents, waits, and
//! chooses the thread on which signatures are checked.

pub mod give;
pub mod take;

use tram_dispatch::Code;

/// Why something is not done: the code, and the same in words.
pub type Objection = (Code, String);
