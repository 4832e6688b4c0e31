//! The disk port and its implementations.
//!
//! All storage access of the spool goes through [`Disk`], so that the simulator can run the real
//! journal on a disk that tears, loses, delays and refuses. What the port promises is what POSIX
//! and Linux promise, and no more:
//!
//! * bytes written are durable after [`DiskFile::sync_data`] on that file returned `Ok`;
//! * a created, renamed or removed *name* is durable after [`Disk::sync_dir`] on its directory;
//! * after a failed sync nothing is known, and a second sync that succeeds proves nothing
//!   (Linux marks the pages clean after it reported the error once). The process must stop.
//!
//! [`RealDisk`] is a directory of the file system, [`MemDisk`] a deterministic model of one with
//! crashes and faults, [`CountingDisk`] and [`DelayDisk`] wrap another disk for measurements.

mod error;
mod mem;
mod port;
mod real;
mod tap;

pub use error::{DiskError, DiskOp};
pub use mem::{Fault, FaultEffect, FaultError, MemDisk};
pub use port::{Disk, DiskFile, EntryKind, ListedEntry, OpenMode, create_dir_durable, read_full};
pub use real::RealDisk;
pub use tap::{CountingDisk, DelayDisk, DiskCounts, SyncDelay, Tap, TapCounters, TappedDisk};
