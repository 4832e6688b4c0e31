//! A clerk's week across four tiers, played through each door that a document system may use: issue, arrive,
//! accept, assign, complete, refuse, return, recall agreed and refused, update, replace, an urgent one
//! before a backlog, a secret one, a hosted commune, a closed agency, many recipients. Every status is seen by
//! the originator through the same door, and every dispatch's evidence verifies offline.
#![allow(clippy::print_stdout, reason = "a long run tells how far it is")]

mod support;

#[path = "../../crates/axis/tests/door/client.rs"]
#[allow(dead_code, reason = "shared with the suite of the endpoint, which uses more of it")]
mod client;
#[path = "axis/edxml.rs"]
#[allow(dead_code, reason = "shared with the suite of the endpoint, which uses more of it")]
mod edxml;
#[path = "door/systems.rs"]
mod systems;

#[path = "week/api_desk.rs"]
mod api_desk;
#[path = "week/axis_desk.rs"]
mod axis_desk;
#[path = "week/desk.rs"]
mod desk;
#[path = "week/story.rs"]
mod story;
#[path = "week/world.rs"]
mod world;

use world::{Door, World};

/// Dispatches that wait while the urgent one comes, and recipients of the one to many.
const SHORT: (u32, u32) = (40, 5);

#[tokio::test]
async fn a_week_through_the_local_socket() {
    story::week(World::running(Door::Socket, SHORT.1).await, SHORT.0).await;
}

#[tokio::test]
async fn a_week_through_the_axis_endpoint() {
    story::week(World::running(Door::Axis, SHORT.1).await, SHORT.0).await;
}

#[tokio::test]
async fn a_week_through_the_door_for_other_machines() {
    story::week(World::running(Door::Remote, SHORT.1).await, SHORT.0).await;
}

/// `TRAM_LONG_BACKLOG` dispatches wait (10,000), one goes to `TRAM_LONG_RECIPIENTS` (1,000).
#[tokio::test]
#[ignore = "long: a backlog of 10,000 dispatches and 1,000 recipients, through each door"]
async fn long_clerks_week() {
    let backlog = support::number("TRAM_LONG_BACKLOG", 10_000) as u32;
    let many = support::number("TRAM_LONG_RECIPIENTS", 1_000) as u32;
    for door in [Door::Socket, Door::Remote, Door::Axis] {
        let began = std::time::Instant::now();
        story::week(World::running(door, many).await, backlog).await;
        println!(
            "{door:?}: backlog={backlog} recipients={many} seconds={}",
            began.elapsed().as_secs()
        );
    }
}
