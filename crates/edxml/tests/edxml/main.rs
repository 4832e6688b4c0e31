//! edXML read, written and mapped: every form met in the field, and back.

mod bytes;
mod folding;
mod forms;
mod limits;
mod made;
mod mapping;
mod marks;
mod round;
mod sample;
mod statuses;
mod wrapping;
