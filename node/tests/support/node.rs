//! A node as a process of its own.

use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;
use tram_api::Client;
use tram_api::model::{NodeState, StatusView};

use super::SOON;
use super::files::NodeFiles;

/// Tells a node to stop when its standard input ends, so that none outlives its test.
const STDIN_VARIABLE: &str = "TRAM_EXIT_ON_STDIN_EOF";
/// Pause between two looks.
const POLL: Duration = Duration::from_millis(10);

/// What is started as a node: a program and the arguments before the configuration file.
#[derive(Clone, Debug)]
pub struct Program {
    pub path: PathBuf,
    pub arguments: Vec<String>,
    /// It reads its standard input itself, and ends with it.
    pub reads_input: bool,
}

impl Program {
    /// The product: `tram run --config`.
    pub fn tram() -> Self {
        let Some(path) = option_env!("CARGO_BIN_EXE_tram") else {
            panic!("only tests of the product have its path");
        };
        Program {
            path: path.into(),
            arguments: vec!["run".into(), "--config".into()],
            reads_input: false,
        }
    }

    /// The same, started through another program: `path arguments… tram run --config`. That one must
    /// become the node, not its parent.
    pub fn through(self, path: &str, arguments: Vec<String>) -> Self {
        let mut all = arguments;
        all.push(self.path.to_str().expect("a path in UTF-8").to_owned());
        all.extend(self.arguments);
        Program { path: path.into(), arguments: all, reads_input: self.reads_input }
    }

    /// The same, with variables in its environment.
    pub fn with(self, variables: &[(&str, String)]) -> Self {
        let set = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.through("env", set)
    }
}

struct Running {
    child: Child,
    /// Held open: its end stops the node.
    stdin: Option<ChildStdin>,
}

/// A node that may run or not; what runs is killed when this is dropped.
pub struct Node {
    pub files: Arc<NodeFiles>,
    program: Program,
    running: Option<Running>,
}

impl Node {
    pub fn new(files: Arc<NodeFiles>, program: Program) -> Self {
        Node { files, program, running: None }
    }

    /// Starts the process; does not wait for anything.
    pub fn start(&mut self) {
        assert!(self.running.is_none(), "{} runs already", self.files.id);
        self.running = Some(self.spawn());
    }

    fn spawn(&self) -> Running {
        let log = OpenOptions::new().append(true).create(true).open(&self.files.log);
        let log = log.expect("a log file");
        let mut command = Command::new(&self.program.path);
        if !self.program.reads_input {
            command.env(STDIN_VARIABLE, "1");
        }
        let mut child = command
            .args(&self.program.arguments)
            .arg(&self.files.config)
            .env_remove("TRAM_CONFIG")
            .env_remove("TRAM_SOCKET")
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .spawn()
            .expect("the node's program can be started");
        let stdin = child.stdin.take();
        Running { child, stdin }
    }

    /// Starts a second process on the same files and waits until it ends by itself: its exit code,
    /// and what it said.
    pub fn second(&self) -> (Option<i32>, String) {
        let before = fs::read(&self.files.log).unwrap_or_default().len();
        let mut second = self.spawn();
        let deadline = Instant::now() + SOON;
        let status = loop {
            if let Some(status) = second.child.try_wait().expect("a child can be asked") {
                break status;
            }
            if Instant::now() > deadline {
                let _ = second.child.kill();
                let _ = second.child.wait();
                panic!("a second process on the files of {} goes on", self.files.id);
            }
            std::thread::sleep(POLL);
        };
        let said = fs::read(&self.files.log).unwrap_or_default();
        (status.code(), String::from_utf8_lossy(&said[before..]).into_owned())
    }

    /// How it ended by itself, if it did; it is gone then.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.running.as_mut()?.child.try_wait().expect("a child can be asked")?;
        self.running = None;
        Some(status)
    }

    /// What is started from now on.
    pub fn set_program(&mut self, program: Program) {
        self.program = program;
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process id"), signal).expect("a process of ours");
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.running.as_ref().expect("it runs").child.id()
    }

    /// SIGKILL, and gone.
    pub fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.child.kill().expect("a process of ours can be killed");
            running.child.wait().expect("a process of ours ends");
        }
    }

    /// SIGTERM; waits for the end.
    pub async fn stop(&mut self) -> ExitStatus {
        let mut running = self.running.take().expect("it runs");
        let pid = i32::try_from(running.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process id"), Signal::TERM).expect("a process of ours");
        let deadline = Instant::now() + SOON;
        loop {
            if let Some(status) = running.child.try_wait().expect("a child can be asked") {
                return status;
            }
            if Instant::now() > deadline {
                let _ = running.child.kill();
                let _ = running.child.wait();
                panic!("{} does not stop on SIGTERM", self.files.id);
            }
            sleep(POLL).await;
        }
    }

    /// A client of its socket.
    pub fn client(&self) -> Client {
        Client::new(&self.files.socket)
    }

    /// Waits until it answers and all its peers are connected.
    pub async fn ready(&mut self) -> StatusView {
        let works = |s: &StatusView| matches!(s.state, NodeState::Ready | NodeState::Degraded);
        self.until(|s| works(s) && s.peers > 0 && s.peers_connected == s.peers).await
    }

    /// Waits until it answers, with peers or without, be it that it is halted.
    pub async fn answers(&mut self) -> StatusView {
        self.until(|s| !matches!(s.state, NodeState::Starting | NodeState::Stopping)).await
    }

    async fn until(&mut self, enough: impl Fn(&StatusView) -> bool) -> StatusView {
        let deadline = Instant::now() + SOON;
        let client = self.client();
        loop {
            let status = client.status().await.ok();
            if let Some(status) = status
                && enough(&status)
            {
                return status;
            }
            let running = self.running.as_mut().expect("it runs");
            if let Some(status) = running.child.try_wait().expect("a child can be asked") {
                panic!("{} ended ({status}):\n{}", self.files.id, self.tail());
            }
            assert!(Instant::now() < deadline, "{} is not ready:\n{}", self.files.id, self.tail());
            sleep(POLL).await;
        }
    }

    /// The most memory it ever had resident, bytes (`VmHWM`).
    pub fn peak_memory_bytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.pid());
        let text = fs::read_to_string(path).expect("the status of a process of ours");
        let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        let kib = line.and_then(|l| l.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        kib.expect("a number of kB") * 1024
    }

    /// The end of its log.
    pub fn tail(&self) -> String {
        let text = fs::read(&self.files.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    /// The pipe to its standard input, for programs that read it.
    pub fn input(&mut self) -> &mut ChildStdin {
        let running = self.running.as_mut().expect("it runs");
        running.stdin.as_mut().expect("a pipe")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(running) = &mut self.running {
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
    }
}
