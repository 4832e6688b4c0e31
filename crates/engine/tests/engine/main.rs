//! The engine, alone and as a network of engines in one process.

mod custody;
mod flow;
mod operator;
mod outbox;
mod property;
mod refusals;
mod support;
