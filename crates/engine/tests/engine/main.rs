//! The engine, alone and as a network of engines in one process.

mod again;
mod ceilings;
mod checkpoints;
mod cosign;
mod custody;
mod drain;
mod fairness;
mod flood;
mod flow;
mod mass;
mod numbers;
mod operator;
mod outbox;
mod poison;
mod property;
mod refusals;
mod support;
mod transfer;
