//! Malformed edXML, several hundred files of it: each is refused in under a second of processor time, with the element named,
//! and a process that reads them all stays within 64 MiB.
//!
//! How memory is measured: the test starts itself again as a child that does nothing but read every bad
//! file, the way the product does (attachments to a sink, hidden ZIPs unfolded), and then says the highest
//! resident size that the system saw of it (`VmHWM` of `/proc/self/status`). The bytes of the files
//! themselves are made one file at a time and count as well.

#![expect(clippy::print_stdout, reason = "a child tells its parent what it measured")]

mod bad;
mod large;
mod refusing;
