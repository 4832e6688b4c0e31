//! The API over mutual TLS on real nodes: systems on other machines, and those who are none.

mod support;

#[path = "door/commands.rs"]
mod commands;
#[path = "door/strangers.rs"]
mod strangers;
#[path = "door/systems.rs"]
mod systems;
#[path = "door/tools.rs"]
mod tools;
#[path = "door/work.rs"]
mod work;
