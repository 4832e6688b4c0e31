//! `tram sandbox`: a pair of nodes that a developer can use at once, and that leaves nothing behind.

mod sandbox_place;

use rustix::process::Signal;
use sandbox_place::{Sandbox, alive};
use tram_api::Client;
use tram_api::model::SealRequest;
use tram_dispatch::AgencyCode;

#[tokio::test]
async fn two_nodes_exchange_and_their_state_is_there_again() {
    let home = tempfile::Builder::new().prefix("tram-t").tempdir_in("/tmp").expect("a folder");
    let dir = home.path().join("s");
    let dir = dir.to_str().expect("a path");
    let sandbox = Sandbox::start(&["--dir", dir]);
    assert!(sandbox.said["kept"] == true && sandbox.said["folder"] == dir, "{}", sandbox.said);
    let below = Client::new(sandbox.socket(1));
    let request: SealRequest = serde_json::from_str(
        r#"{"originator":"H41","recipients":["G22"],"metadata":{"subject":"Thử"},"documents":[]}"#,
    )
    .expect("a request");
    let accepted = below.seal(&"1".parse().expect("a reference"), &request).await;
    let dispatch = accepted.expect("accepted").dispatch;
    let pids = sandbox.pids();
    assert_eq!(pids.len(), 2);
    assert!(sandbox.end(Signal::INT).success());
    assert!(pids.into_iter().all(|pid| !alive(pid)));

    let sandbox = Sandbox::start(&["--dir", dir]);
    let above = Client::new(sandbox.socket(0));
    let agency = AgencyCode::parse("G22").expect("a code");
    let query = tram_api::model::InboxQuery { wait_s: Some(20), ..Default::default() };
    let inbox = above.inbox(&agency, &query).await.expect("an inbox");
    assert_eq!(inbox.items[0].dispatch, dispatch);
    assert!(sandbox.end(Signal::TERM).success());
}

#[test]
fn without_a_folder_nothing_is_left_behind() {
    let sandbox = Sandbox::start(&[]);
    let folder = sandbox.said["folder"].as_str().expect("a folder").to_owned();
    let curl = sandbox.said["curl"].as_str().expect("a line").to_owned();
    assert!(std::path::Path::new(&folder).is_dir() && curl.contains("--unix-socket"));
    let pids = sandbox.pids();
    assert!(sandbox.end(Signal::INT).success());
    assert!(!std::path::Path::new(&folder).exists());
    assert!(pids.into_iter().all(|pid| !alive(pid)));
}
