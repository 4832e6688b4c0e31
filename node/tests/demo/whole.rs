//! The whole demo, and every way it may end.

use std::time::{Duration, Instant};

use crate::run::{Demo, alive, wait_until};

/// The whole run: longer means that something hangs.
const WHOLE: Duration = Duration::from_secs(120);

#[test]
fn the_demo_is_as_it_should_be_and_leaves_nothing_behind() {
    let demo = Demo::start(&["--json"]);
    let pids = demo.pids();
    assert_eq!(pids.len(), 4);
    let (status, output) = demo.end(WHOLE);
    assert!(status.success(), "{status}\n{output}");
    let last = output.lines().last().unwrap_or_default();
    let summary: serde_json::Value = serde_json::from_str(last).expect("the last line is JSON");
    for (field, expected) in [
        ("tiers", 4),
        ("dispatches", 10),
        ("consigned", 12),
        // Registered, assigned, in work, done; a recall agreed to, seen of both; one declined; an update
        // agreed to; one returned; two recipients of a group.
        ("statuses_seen", 11),
        // Six of the directive, ten of the answer, two signed refusals.
        ("receipts_verified", 18),
        ("receipts_failed", 0),
        ("refused_as_expected", 8),
        ("refused_expected", 8),
    ] {
        assert_eq!(summary[field], expected, "{field}: {summary}");
    }
    for shown in ["ok", "witnessed", "rollback_caught"] {
        assert_eq!(summary[shown], true, "{shown}: {summary}");
    }
    assert!(summary["elapsed_ms"].as_u64() > Some(0));
    for code in [
        "DOCUMENT_DIGEST_MISMATCH",
        "SIGNATURE_INVALID",
        "ORIGINATOR_MISMATCH",
        "CERTIFICATE_EXPIRED",
        "CERTIFICATE_NAME_CONSTRAINT",
        "REFERENCE_REUSED",
        "SECRET_REFUSED",
        "RECEIPT_INVALID",
    ] {
        assert!(output.contains(code), "{code} is not shown\n{output}");
    }
    // Why it came back, as the centre sees it, and whom the group means.
    for shown in ["WRONG_ADDRESSEE", "gửi nhầm", "communes-of:H41: H41.12.03, H41.12.05"] {
        assert!(output.contains(shown), "{shown} is not shown\n{output}");
    }
    let left: Vec<u32> = pids.into_iter().filter(|pid| alive(*pid)).collect();
    assert!(left.is_empty(), "still running: {left:?}");
}

#[test]
fn an_interrupt_in_the_middle_leaves_no_process() {
    // The nodes are up; sessions and dispatches are on their way.
    let demo = Demo::start(&[]);
    let pids = demo.pids();
    demo.signal(rustix::process::Signal::INT);
    let (status, output) = demo.end(WHOLE);
    assert_eq!(status.code(), Some(130), "{output}");
    let left: Vec<u32> = pids.into_iter().filter(|pid| alive(*pid)).collect();
    assert!(left.is_empty(), "still running: {left:?}");
}

#[test]
fn nodes_end_by_themselves_when_the_demo_is_killed() {
    let demo = Demo::start(&[]);
    let pids = demo.pids();
    demo.signal(rustix::process::Signal::KILL);
    let (status, _) = demo.end(WHOLE);
    assert!(!status.success());
    let gone = wait_until(Duration::from_secs(30), || pids.iter().all(|pid| !alive(*pid)));
    assert!(gone, "still running: {pids:?}");
}

#[test]
fn kept_nodes_answer_the_commands_that_are_suggested() {
    let demo = Demo::start(&["--keep", "--lang", "vi"]);
    let mut pids = demo.pids();
    let began = Instant::now();
    let said = loop {
        let said = demo.said();
        if said.contains("Ctrl-C") {
            break said;
        }
        assert!(began.elapsed() < WHOLE, "{said}");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(said.contains("Mọi việc đều đúng"), "{said}");
    let program = env!("CARGO_BIN_EXE_tram");
    let commands: Vec<&str> =
        said.lines().map(str::trim).filter(|line| line.starts_with(program)).collect();
    assert!(commands.len() >= 7, "{said}");
    for command in commands {
        let run = std::process::Command::new("/bin/sh").args(["-c", command]).output();
        let run = run.expect("a shell");
        let (out, err) =
            (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
        assert!(run.status.success(), "{command}: {}\n{out}{err}", run.status);
        assert!(!out.is_empty(), "{command} says nothing");
    }
    // One node was started again since.
    let before = std::mem::replace(&mut pids, demo.pids());
    assert!(pids.iter().all(|pid| alive(*pid)));
    demo.signal(rustix::process::Signal::TERM);
    let (status, output) = demo.end(WHOLE);
    assert!(status.success(), "{output}");
    assert!(before.iter().chain(&pids).all(|pid| !alive(*pid)));
}
