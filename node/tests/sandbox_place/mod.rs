//! A running `tram sandbox`.

#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(unreachable_pub, reason = "a module of test binaries")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A sandbox; dropped, it is ended.
pub struct Sandbox {
    child: Option<Child>,
    /// What it said: one line of JSON.
    pub said: Value,
}

impl Sandbox {
    /// Starts it and waits until both nodes are ready.
    pub fn start(words: &[&str]) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_tram"))
            .args(["sandbox", "--json"])
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = child.expect("the binary runs");
        let mut line = String::new();
        let out = child.stdout.take().expect("its output");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let said = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        Sandbox { child: Some(child), said }
    }

    /// The socket of the upper node (0) or of the lower one (1).
    pub fn socket(&self, tier: usize) -> PathBuf {
        self.said["nodes"][tier]["socket"].as_str().expect("a socket").into()
    }

    /// Its nodes' processes.
    pub fn pids(&self) -> Vec<u32> {
        let file = Path::new(self.said["folder"].as_str().expect("a folder")).join("pids");
        let text = fs::read_to_string(file).expect("the file of processes");
        text.lines().filter_map(|l| l.rsplit(' ').next()?.parse().ok()).collect()
    }

    /// Signals it, and waits for its end.
    pub fn end(mut self, signal: Signal) -> ExitStatus {
        let mut child = self.child.take().expect("it runs");
        ask(&child, signal);
        child.wait().expect("it ends")
    }
}

fn ask(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    kill_process(pid.expect("a process id"), signal).expect("a process of ours");
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            ask(&child, Signal::TERM);
            let _ = child.wait();
        }
    }
}

/// Whether a process runs; one that ended and was not waited for by its parent does not.
pub fn alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state follows the name, which stands in parentheses.
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    state.is_some_and(|s| s != 'Z' && s != 'X')
}
