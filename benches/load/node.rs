//! A whole node inside this program: the product's own, over a disk that counts.

use std::io::BufRead as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tram_spool::disk::{CountingDisk, DelayDisk, Disk};

/// First argument of a node process; then milliseconds added to each sync, then the configuration.
pub(crate) const ARGUMENT: &str = "__node";

type Counting = Arc<CountingDisk<Arc<dyn Disk>>>;

/// Runs the node until its standard input ends or SIGTERM. Each line on standard input names a file
/// into which the counts of the disk are written.
pub(crate) fn main(mut arguments: impl Iterator<Item = String>) -> ExitCode {
    let delay_ms: u64 = arguments.next().and_then(|a| a.parse().ok()).expect("milliseconds");
    let config = arguments.next().expect("a configuration file");
    let counting: Arc<OnceLock<Counting>> = Arc::default();
    let shown = counting.clone();
    std::thread::Builder::new()
        .name("counts".into())
        .spawn(move || answer(&shown))
        .expect("a thread");
    let wrapped = tram::run_node_on(Path::new(&config), |disk| {
        let counted = Arc::new(CountingDisk::counting(disk));
        let _ = counting.set(counted.clone());
        if delay_ms == 0 {
            counted
        } else {
            Arc::new(DelayDisk::delaying(counted, Duration::from_millis(delay_ms)))
        }
    });
    match wrapped {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

fn answer(counting: &OnceLock<Counting>) {
    for line in std::io::stdin().lock().lines() {
        let Ok(path) = line else { break };
        let counts = counting.get().map(|disk| disk.counts()).unwrap_or_default();
        let text = format!(
            "{} {} {} {}",
            counts.syncs, counts.dir_syncs, counts.writes, counts.bytes_written
        );
        let temporary = format!("{path}.new");
        std::fs::write(&temporary, text).expect("a file");
        std::fs::rename(&temporary, &path).expect("a file");
    }
    // Whoever started this node is gone.
    std::process::exit(0);
}
