//! The engine, alone and as a network of engines in one process.

mod ceilings;
mod checkpoints;
mod custody;
mod fairness;
mod flood;
mod flow;
mod mass;
mod operator;
mod outbox;
mod poison;
mod property;
mod refusals;
mod support;
