//! Copies of a store made file by file while its node runs.

use std::collections::BTreeMap;
use std::process::Command;

use tram_dispatch::Code;

use crate::say;
use crate::support::evidence::{check_store, eventually, inbox};
use crate::support::sealing::small_document;
use crate::support::{Network, Plan, agency, number};

/// Dispatches handed in between two copies.
const BETWEEN: usize = 5;

/// Checks a copy as an auditor would: exit status and what was said.
fn check(folder: &std::path::Path) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tram"));
    command.args(["store", "check", "--offline", "--config"]).arg(folder.join("tram.toml"));
    let output = command.output().expect("the command line runs");
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test]
async fn a_copy_of_a_running_node_is_a_part_of_it_or_is_refused() {
    let (network, nodes) = Network::running(&Plan::tiers(2)).await;
    let files = nodes[1].files.clone();
    let client = nodes[1].client();
    let copies = number("TRAM_COPIES", 8) as usize;
    let mut found: BTreeMap<i32, usize> = BTreeMap::new();
    for copy in 0..copies {
        let to = files.folder.with_extension(format!("copy{copy}"));
        let mut copying =
            Command::new("cp").arg("-a").arg(&files.folder).arg(&to).spawn().expect("cp");
        for i in 0..BETWEEN {
            let document = format!("văn bản {copy}.{i}").into_bytes();
            let documents = vec![small_document(&document)];
            let reference = format!("{}/SAO", copy * BETWEEN + i);
            let sealed = network.seal(&network.envelope(1, &[0], &reference, documents));
            client.submit(sealed.raw(), &[Some(document.into())]).await.expect("accepted");
        }
        assert!(copying.wait().expect("cp ends").success());
        let (exit, said) = check(&to);
        let exit = exit.unwrap_or_else(|| panic!("it crashed: {said}"));
        // Whole; or what was copied at other moments does not fit together, and that is said.
        let refused = exit == i32::from(Code::StoreCorrupt.row().exit);
        assert!(exit == 0 || (refused && said.contains("STORE_CORRUPT")), "{exit}: {said}");
        *found.entry(exit).or_default() += 1;
        std::fs::remove_dir_all(&to).expect("the copy can be removed");
    }
    say(&format!("copies={copies} whole={:?} refused={:?}", found.get(&0), found.get(&4)));
    // The original knows nothing of it.
    let centre = nodes[0].client();
    eventually("all are there", || async {
        inbox(&centre, &agency(0)).await.len() == copies * BETWEEN
    })
    .await;
    check_store(&client).await;
}
