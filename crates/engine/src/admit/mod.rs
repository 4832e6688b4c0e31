//! Admission: what this node takes into custody, from whom, and what it refuses.

pub(crate) mod chain;
pub(crate) mod number;
pub(crate) mod offer;
mod rules;
mod submit;

pub(crate) use rules::Objection;
