//! What a process used between two moments: CPU by thread, and what its disk did.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::time::{Duration, Instant};

use crate::support::Node;

/// Scheduler ticks per second in /proc, on every Linux this runs on (USER_HZ).
const TICKS_PER_S: u64 = 100;

/// What one process used.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usage {
    /// Who.
    pub(crate) name: String,
    /// CPU milliseconds by the name of the thread, user and system.
    pub(crate) cpu_ms: BTreeMap<String, u64>,
    /// Syncs of files through the disk port.
    pub(crate) syncs: u64,
    /// Syncs of directories.
    pub(crate) dir_syncs: u64,
    /// Bytes written through the disk port.
    pub(crate) written_bytes: u64,
    /// The most memory it ever had resident.
    pub(crate) peak_memory_bytes: u64,
}

impl Usage {
    /// Everything since the driver began.
    pub(crate) fn of_driver() -> Self {
        Usage { name: "driver".into(), cpu_ms: cpu_ms(std::process::id()), ..Usage::default() }
    }

    /// Everything since a node's process began.
    pub(crate) fn of_node(node: &mut Node) -> Self {
        let path = node.files.folder.join("counts");
        let _ = fs::remove_file(&path);
        writeln!(node.input(), "{}", path.display()).expect("the node reads its input");
        let deadline = Instant::now() + Duration::from_secs(5);
        let text = loop {
            match fs::read_to_string(&path) {
                Ok(text) => break text,
                Err(_) => assert!(Instant::now() < deadline, "{} does not count", node.files.id),
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        let counts: Vec<u64> = text.split(' ').filter_map(|n| n.parse().ok()).collect();
        let [syncs, dir_syncs, _, written_bytes] = counts[..] else { panic!("counts: {text}") };
        Usage {
            name: node.files.id.to_string(),
            cpu_ms: cpu_ms(node.pid()),
            peak_memory_bytes: node.peak_memory_bytes(),
            syncs,
            dir_syncs,
            written_bytes,
        }
    }

    /// What was used since `before`.
    pub(crate) fn since(mut self, before: &Usage) -> Self {
        for (thread, ms) in &mut self.cpu_ms {
            *ms = ms.saturating_sub(before.cpu_ms.get(thread).copied().unwrap_or(0));
        }
        self.syncs -= before.syncs;
        self.dir_syncs -= before.dir_syncs;
        self.written_bytes -= before.written_bytes;
        self
    }

    /// CPU milliseconds of all threads.
    pub(crate) fn cpu_ms_all(&self) -> u64 {
        self.cpu_ms.values().sum()
    }
}

/// CPU of the living threads of a process, by name.
fn cpu_ms(pid: u32) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    let tasks =
        fs::read_dir(format!("/proc/{pid}/task")).expect("the threads of a process of ours");
    for task in tasks.flatten() {
        // A thread that ended meanwhile is left out.
        let Ok(stat) = fs::read_to_string(task.path().join("stat")) else { continue };
        let (Some(open), Some(close)) = (stat.find('('), stat.rfind(')')) else { continue };
        let fields: Vec<&str> = stat[close + 1..].split_whitespace().collect();
        let ticks =
            |field: usize| fields.get(field).and_then(|f| f.parse::<u64>().ok()).unwrap_or(0);
        // utime and stime are fields 14 and 15 of proc(5); the state, field 3, is the first here.
        *found.entry(stat[open + 1..close].to_owned()).or_default() +=
            (ticks(11) + ticks(12)) * 1000 / TICKS_PER_S;
    }
    found
}
