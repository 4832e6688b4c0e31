//! The durable store: journal, document files, rebuildable index, recovery, offline check.
//!
//! * [`disk`]: the port through which every byte of the spool goes, and its real and simulated
//!   implementations;
//! * [`journal`]: the append-only segmented journal, the durable truth of a node;
//! * [`documents`]: documents too large to ride in the journal, one file each, named by digest;
//! * [`records`]: what the engine makes durable, as records of the journal;
//! * [`index`]: the rebuildable index over the journal;
//! * [`store`]: all of it as one thing, with one writer and many readers;
//! * [`check`]: the whole store, verified;
//! * [`lock`]: one daemon per store;
//! * [`reread`]: what the disk holds after a failure, read past the page cache;
//! * [`anchor`]: the small file outside the data directory that betrays a rolled-back store.

pub mod anchor;
pub mod check;
pub mod disk;
pub mod documents;
pub mod index;
pub mod journal;
pub mod lock;
pub mod records;
pub mod reread;
pub mod store;
