//! `tram demo` with the real binary: as a person runs it, as it is interrupted, and what an
//! independent verifier says of the receipts.

mod python;
mod run;
mod whole;
