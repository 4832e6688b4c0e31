//! Custody, routing, queues, retry, expiry: the node as a value.
//!
//! [`Engine`] is a state machine without clock, disk, network or entropy of its own. The shell
//! hands it [`Input`]s with [`tram_dispatch::Now`], takes [`record::Batch`]es to the store, reports them durable,
//! and carries out [`Output`]s. A whole country of engines runs inside one test.

pub mod acts;
mod admit;
mod again;
pub mod anchor;
mod before;
mod contradiction;
pub mod cosign;
mod crowd;
mod custody;
mod doubt;
mod engine;
mod filling;
pub mod hand;
pub mod handling;
pub mod input;
mod lapse;
mod log;
mod mailbox;
mod operate;
pub mod output;
mod past;
mod peers;
mod quarantine;
pub mod quota;
pub mod record;
mod recovered;
mod release;
pub mod retention;
pub mod route;
pub mod settings;
pub mod state;
mod timers;
mod track;
pub mod transfer;
mod unanswered;
pub mod units;
pub mod view;
mod witness;

pub use admit::number::Wanted;
pub use anchor::{Anchor, Doubt};
pub use before::HostsBefore;
pub use contradiction::Contradiction;
pub use cosign::{Cosign, Cosigning};
pub use engine::{Engine, Fatal, Recovered};
pub use hand::{Hand, unfinished};
pub use input::{Action, Documents, Input, PeerAnswer, PeerUp, Token};
pub use log::{Issuer, LogError, genesis_batch};
pub use output::{Answer, Notice, Output, Reply, Transfer};
pub use record::{Batch, Record};
pub use settings::Settings;
pub use view::{NumberUse, View, ViewError};
