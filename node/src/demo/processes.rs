//! The four `tram run` processes: started, awaited, and stopped on every way out.
//!
//! Three nets hold that none stays behind. An orderly end sends SIGTERM and waits; a value that is
//! dropped kills; and each node reads its standard input, a pipe that this process holds open, and
//! ends when it closes: so also if this process is killed itself.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{Instant, sleep, timeout_at};
use tram_api::Client;
use tram_api::model::{NodeState, StatusView};

use super::failure::DemoError;
use super::network::{DemoNode, Network};

/// Tells a node to stop when its standard input ends.
const STDIN_VARIABLE: &str = "TRAM_EXIT_ON_STDIN_EOF";
/// File with one line per process, `node pid`, in the demo's folder.
pub(super) const PIDS_FILE: &str = "pids";
/// Longest wait for a node to be ready, and for its sessions.
const READY_S: u64 = 30;
/// Longest wait for a node to stop by itself.
const STOP_S: u64 = 10;
/// Pause between two questions.
const POLL_MS: u64 = 10;
/// Lines of a log that are shown when its node failed.
const TAIL_LINES: usize = 12;

struct Running {
    node: String,
    child: Child,
    log: PathBuf,
    _stdin: Option<ChildStdin>,
}

/// The running nodes, from the top.
pub(super) struct Processes(Vec<Running>);

impl Processes {
    /// Starts a process for every node.
    pub(super) fn start(dir: &Path, nodes: &[DemoNode]) -> Result<Self, DemoError> {
        let program = std::env::current_exe()
            .map_err(|e| DemoError::System("this program's own file is not found", e))?;
        let mut running = Processes(Vec::new());
        for node in nodes {
            running.0.push(start(&program, node)?);
        }
        running.note(dir)?;
        Ok(running)
    }

    /// Writes down which process is which node.
    fn note(&self, dir: &Path) -> Result<(), DemoError> {
        let mut pids = String::new();
        for running in &self.0 {
            let pid = running.child.id().unwrap_or_default();
            let _ = writeln!(pids, "{} {pid}", running.node);
        }
        let path = dir.join(PIDS_FILE);
        fs::write(&path, pids).map_err(|e| DemoError::file(&path, e))
    }

    /// Stops one node in order.
    pub(super) async fn stop_one(&mut self, node: &DemoNode) -> Result<(), DemoError> {
        let Some(at) = self.0.iter().position(|r| r.node == node.id.as_str()) else {
            return Ok(());
        };
        terminate(&self.0[at].child);
        let deadline = Instant::now() + Duration::from_secs(STOP_S);
        match timeout_at(deadline, self.0[at].child.wait()).await {
            Ok(Ok(status)) if status.success() => {
                self.0.remove(at);
                Ok(())
            }
            _ => Err(self.failed(node.id.as_str(), "did not stop in order")),
        }
    }

    /// Starts one node again, the lowest.
    pub(super) fn start_one(
        &mut self,
        network: &Network,
        node: &DemoNode,
    ) -> Result<(), DemoError> {
        let program = std::env::current_exe()
            .map_err(|e| DemoError::System("this program's own file is not found", e))?;
        self.0.push(start(&program, node)?);
        self.note(&network.dir)
    }

    /// Waits until every node answers and has its sessions; returns what each says of itself.
    pub(super) async fn ready(&mut self, nodes: &[DemoNode]) -> Result<Vec<StatusView>, DemoError> {
        let deadline = Instant::now() + Duration::from_secs(READY_S);
        let mut views = Vec::new();
        for node in nodes {
            let client = Client::new(&node.socket);
            loop {
                self.alive()?;
                // A node that is not there yet and one that still starts look alike from here.
                let status = client.status().await.ok();
                let sessions = |s: &StatusView| s.peers > 0 && s.peers_connected == s.peers;
                if let Some(status) = status
                    && matches!(status.state, NodeState::Ready | NodeState::Degraded)
                    && sessions(&status)
                {
                    views.push(status);
                    break;
                }
                if Instant::now() > deadline {
                    return Err(self.failed(node.id.as_str(), "is not ready"));
                }
                sleep(Duration::from_millis(POLL_MS)).await;
            }
        }
        Ok(views)
    }

    /// An error if a process ended.
    pub(super) fn alive(&mut self) -> Result<(), DemoError> {
        for running in &mut self.0 {
            if let Ok(Some(status)) = running.child.try_wait() {
                let (node, what) = (running.node.clone(), format!("ended ({status})"));
                return Err(self.failed(&node, &what));
            }
        }
        Ok(())
    }

    /// Asks every node to stop, and waits; what does not stop is killed. True if all stopped by
    /// themselves with success.
    pub(super) async fn stop(mut self) -> bool {
        // From below, so that no node sees its parent go first.
        for running in self.0.iter().rev() {
            terminate(&running.child);
        }
        let deadline = Instant::now() + Duration::from_secs(STOP_S);
        let mut orderly = true;
        for running in &mut self.0 {
            match timeout_at(deadline, running.child.wait()).await {
                Ok(Ok(status)) => orderly &= status.success(),
                _ => {
                    orderly = false;
                    let _ = running.child.kill().await;
                }
            }
        }
        orderly
    }

    fn failed(&self, node: &str, what: &str) -> DemoError {
        let log = self.0.iter().find(|r| r.node == node).map(|r| r.log.clone()).unwrap_or_default();
        let (node, what, tail) = (node.to_owned(), what.to_owned(), tail(&log));
        DemoError::Node { node, what, log, tail }
    }
}

fn start(program: &Path, node: &DemoNode) -> Result<Running, DemoError> {
    let log = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&node.log)
        .map_err(|e| DemoError::file(&node.log, e))?;
    let clone = |log: &File| log.try_clone().map_err(|e| DemoError::file(&node.log, e));
    let mut child = Command::new(program)
        .args(["run", "--config"])
        .arg(&node.config)
        .env(STDIN_VARIABLE, "1")
        .env_remove("TRAM_CONFIG")
        .env_remove("TRAM_SOCKET")
        .stdin(Stdio::piped())
        .stdout(clone(&log)?)
        .stderr(log)
        // Ctrl-C goes to this process alone, which then stops the nodes in order.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| DemoError::System("a node process cannot be started", e))?;
    let stdin = child.stdin.take();
    Ok(Running { node: node.id.to_string(), child, log: node.log.clone(), _stdin: stdin })
}

/// SIGTERM, if it still runs: the pid is its own until it has been waited for.
fn terminate(child: &Child) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid {
        let _ = kill_process(pid, Signal::TERM);
    }
}

/// The last lines of a log, safe to show.
fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<String> = text.lines().map(tram_dispatch::text::escaped).collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
