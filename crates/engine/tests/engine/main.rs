//! The engine, alone and as a network of engines in one process.

mod flow;
mod support;
