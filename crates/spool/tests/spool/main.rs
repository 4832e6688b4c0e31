//! The journal and the document store over real, simulated and damaged disks.

mod disks;
mod documents;
mod journal;
mod journal_crash;
mod journal_damage;
mod journal_rewrite;
mod support;
