//! Engines in one process: stores in memory, messages as values, every signature real.

pub(crate) mod check;
pub(crate) mod cosigned;
pub(crate) mod country;
pub(crate) mod mail;
pub(crate) mod net;
pub(crate) mod node;
pub(crate) mod store;
pub(crate) mod world;
