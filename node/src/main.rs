//! The `tram` binary.
fn main() {}
