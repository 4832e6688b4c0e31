//! The store as a whole: random histories over simulated disks with power cuts and damage, and over
//! real directories.

mod check;
mod cosignatures;
mod crash;
mod documents;
mod listing;
mod log;
mod model;
mod open;
mod records;
mod same;
mod world;
