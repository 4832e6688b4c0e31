//! Values of single fields: days, moments, and the numbers that the standard gives a meaning.

mod day;
mod lists;
mod moment;

pub use day::IssueDay;
pub use lists::{Operation, Priority};
pub use moment::LocalTime;
