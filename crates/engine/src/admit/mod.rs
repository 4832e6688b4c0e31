//! Admission: what this node takes into custody, from whom, and what it refuses.

mod chain;
pub(crate) mod number;
pub(crate) mod offer;
mod rules;
mod submit;

pub(crate) use rules::Objection;
