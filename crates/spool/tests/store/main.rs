//! The store as a whole: random histories over simulated disks with power cuts and damage, and over
//! real directories.

mod carry;
mod check;
mod cosignatures;
mod crash;
mod documents;
mod listing;
mod log;
mod model;
mod open;
mod records;
mod retention;
mod same;
mod world;
