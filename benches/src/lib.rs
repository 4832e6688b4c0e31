//! Support code shared by the benches.
