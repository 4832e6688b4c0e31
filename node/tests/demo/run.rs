//! Starts `tram demo` in a folder of its own and watches it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Longest wait for the processes of the demo to be there.
const STARTED: Duration = Duration::from_secs(60);

/// One demo at a time: each has four nodes, and the machine may have few cores.
static TURN: Mutex<()> = Mutex::new(());

/// A running demo. Dropped, it is interrupted, so that a failed test leaves nothing behind.
pub(crate) struct Demo {
    child: Option<Child>,
    turn: Option<MutexGuard<'static, ()>>,
    home: TempDir,
}

impl Demo {
    /// Starts it with these arguments.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let turn = Some(TURN.lock().unwrap_or_else(PoisonError::into_inner));
        // Below /tmp, whatever TMPDIR is: sockets need short paths.
        let home = tempfile::Builder::new().prefix("tram-t").tempdir_in("/tmp");
        let home = home.expect("a folder below /tmp");
        let out = File::create(home.path().join("out")).expect("a file for the output");
        let err = out.try_clone().expect("a second handle");
        let child = Command::new(env!("CARGO_BIN_EXE_tram"))
            .arg("demo")
            .arg("--dir")
            .arg(home.path().join("demo"))
            .args(arguments)
            .env("LANG", "C")
            .env_remove("LC_ALL")
            .env_remove("LC_MESSAGES")
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn();
        Demo { child: Some(child.expect("the binary runs")), turn, home }
    }

    /// Where the demo put everything.
    pub(crate) fn dir(&self) -> PathBuf {
        self.home.path().join("demo")
    }

    /// What it has said until now.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.home.path().join("out")).unwrap_or_default()
    }

    /// The processes it started, once all are there.
    pub(crate) fn pids(&self) -> Vec<u32> {
        let file = self.dir().join("pids");
        let mut pids = Vec::new();
        wait_until(STARTED, || {
            pids = read_pids(&file);
            pids.len() == 4
        });
        pids
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let id = self.child.as_ref().map(|c| i32::try_from(c.id()).expect("a pid"));
        let pid = id.and_then(Pid::from_raw).expect("it runs");
        kill_process(pid, signal).expect("it can be signalled");
    }

    /// Waits for its end; how it ended and what it said. The folder stays until the value goes.
    pub(crate) fn finish(&mut self, longest: Duration) -> (ExitStatus, String) {
        let mut child = self.child.take().expect("it was not waited for yet");
        let mut status = None;
        wait_until(longest, || {
            status = child.try_wait().expect("it can be waited for");
            status.is_some()
        });
        let Some(status) = status else {
            self.child = Some(child);
            panic!("the demo did not end:\n{}", self.said());
        };
        self.turn = None;
        (status, self.said())
    }

    /// As [`Demo::finish`], for tests that need its folder no more.
    pub(crate) fn end(mut self, longest: Duration) -> (ExitStatus, String) {
        self.finish(longest)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
            if let Some(pid) = pid {
                let _ = kill_process(pid, Signal::TERM);
            }
            let _ = child.wait();
        }
    }
}

fn read_pids(file: &Path) -> Vec<u32> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let last = |line: &str| line.rsplit(' ').next().and_then(|pid| pid.parse().ok());
    text.lines().filter_map(last).collect()
}

/// Whether a process runs; one that ended and was not waited for by its parent does not.
pub(crate) fn alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state follows the name, which stands in parentheses.
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    state.is_some_and(|s| s != 'Z' && s != 'X')
}

/// Asks again until it is so; false if it is not so in time.
pub(crate) fn wait_until(longest: Duration, mut so: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    loop {
        if so() {
            return true;
        }
        if began.elapsed() > longest {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
