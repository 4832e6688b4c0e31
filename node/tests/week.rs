//! A clerk's week across four tiers, played through each door that a document system may use: issue, arrive,
//! accept, assign, complete, refuse, return, recall agreed and refused, update, replace, an urgent one
//! before a backlog, a secret one, a hosted commune, a closed agency, a group. Every status is seen by
//! the originator through the same door, and is proved offline by the evidence of its dispatch.
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
#[path = "week/drop_desk.rs"]
mod drop_desk;
#[path = "week/proofs.rs"]
mod proofs;
#[path = "week/story.rs"]
mod story;
#[path = "week/world.rs"]
mod world;
#[path = "week/written.rs"]
mod written;

use drop_desk::Form;
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

/// The centre's system writes folders of JSON and PDF, the others read and write edXML.
#[tokio::test]
async fn a_week_through_drop_folders() {
    story::week(World::running(Door::Folder(Form::Json), SHORT.1).await, SHORT.0).await;
}

/// The other way round.
#[tokio::test]
async fn a_week_through_drop_folders_of_edxml() {
    story::week(World::running(Door::Folder(Form::Edxml), SHORT.1).await, SHORT.0).await;
}

/// `TRAM_LONG_BACKLOG` dispatches wait (10,000), one goes to `TRAM_LONG_RECIPIENTS` (1,000), through each door or
/// those that `TRAM_LONG_DOOR` names.
#[tokio::test]
#[ignore = "long: a backlog of 10,000 dispatches and 1,000 recipients, through each door"]
async fn long_clerks_week() {
    let backlog = support::number("TRAM_LONG_BACKLOG", 10_000) as u32;
    let many = support::number("TRAM_LONG_RECIPIENTS", 1_000) as u32;
    let folders = [Door::Folder(Form::Json), Door::Folder(Form::Edxml)];
    // Some of them alone, by a part of their names.
    let only = std::env::var("TRAM_LONG_DOOR").unwrap_or_default().to_lowercase();
    let doors = [Door::Socket, Door::Remote, Door::Axis].into_iter().chain(folders);
    let doors: Vec<Door> =
        doors.filter(|door| format!("{door:?}").to_lowercase().contains(&only)).collect();
    assert!(!doors.is_empty(), "TRAM_LONG_DOOR={only}: no such door");
    for door in doors {
        let began = std::time::Instant::now();
        story::week(World::running(door, many).await, backlog).await;
        println!(
            "{door:?}: backlog={backlog} recipients={many} seconds={}",
            began.elapsed().as_secs()
        );
    }
}
