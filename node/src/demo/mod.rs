//! `tram demo`: four nodes on one machine, a dispatch down and its answer up, every receipt
//! verified offline, and what is refused.
//!
//! ```text
//! authorities, network ──▶ processes: four times `tram run`
//!                              │ local sockets
//!                          scenario: down, answer, receipts, refusals ──▶ summary
//! ```
//!
//! The demo is a client like any other: what it shows went through the nodes' own sockets, and
//! what it says of receipts it found in files that it had exported.

mod authorities;
mod documents;
mod failure;
mod folder;
mod network;
mod page;
mod pdf;
mod processes;
pub(crate) mod sandbox;
mod scenario;
mod setup;
mod summary;
mod tiers;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tram_api::Language;
use tram_crypto::SystemEntropy;
use tram_dispatch::UnixMillis;

use failure::DemoError;
use folder::Folder;
use network::{Network, Shape};
use page::Page;
use processes::Processes;
use scenario::Scenario;
use summary::Summary;

/// What the person asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct DemoOptions {
    /// Leave the nodes running until Ctrl-C.
    pub(crate) keep: bool,
    /// Print the summary as JSON, last line.
    pub(crate) json: bool,
    /// Where to put everything; a folder that is new or empty, and stays. Otherwise a new one in
    /// the system's place for temporary files, which goes away at the end.
    pub(crate) dir: Option<PathBuf>,
    /// The language of the words.
    pub(crate) lang: Language,
}

/// How a run ended.
enum Ending {
    /// It came to its end.
    Done(Summary),
    /// A signal ended it; its number.
    Interrupted(u8),
}

/// Runs the demo. 0 if everything was as it should be, 1 if not, 128 and the signal's number if
/// one ended it.
pub(crate) fn run(options: DemoOptions) -> ExitCode {
    let page = Page::new(options.lang);
    let started = Instant::now();
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| DemoError::System("the runtime cannot be started", e))
        .and_then(|runtime| runtime.block_on(whole(&options, page, started)));
    match outcome {
        Ok(Ending::Done(summary)) if summary.ok => ExitCode::SUCCESS,
        Ok(Ending::Done(_)) => ExitCode::FAILURE,
        Ok(Ending::Interrupted(signal)) => ExitCode::from(128 + signal),
        Err(error) => {
            page.line("");
            page.wrong(error.to_string());
            if options.json {
                let elapsed_ms = started.elapsed().as_millis() as u64;
                page.line(Summary::default().close(false, elapsed_ms).json());
            }
            ExitCode::FAILURE
        }
    }
}

async fn whole(options: &DemoOptions, page: Page, started: Instant) -> Result<Ending, DemoError> {
    // From here on a signal is waited for, not deadly: whatever it interrupts is cleaned up.
    let mut signals = Signals::new()?;
    let mut entropy = SystemEntropy::new();
    let folder = Folder::new(options.dir.as_deref(), &mut entropy)?;
    scenario::introduce(page, folder.path());
    let network =
        Network::create(Shape::DEMO, folder.path(), folder.sockets(), wall_now(), &mut entropy)?;
    let mut processes = Processes::start(&network.dir, &network.nodes)?;
    let scenario = Scenario::new(&network, page);
    let played = tokio::select! {
        played = scenario.play(&mut processes) => played,
        signal = signals.any() => {
            processes.stop().await;
            return Ok(Ending::Interrupted(signal));
        }
    };
    let mut summary = match played {
        Ok(summary) => summary,
        Err(error) => {
            processes.stop().await;
            folder.keep_as_evidence(page);
            return Err(error);
        }
    };
    if options.keep {
        summary = summary.close(true, started.elapsed().as_millis() as u64);
        scenario.suggest(true, &summary);
        finish(options, page, &summary);
        let _ = signals.any().await;
        summary.ok &= processes.stop().await;
        return Ok(Ending::Done(summary));
    }
    let orderly = processes.stop().await;
    if !orderly {
        page.wrong(page.pick("a node did not stop in order", "có nút không dừng đúng cách"));
    }
    summary = summary.close(orderly, started.elapsed().as_millis() as u64);
    if !summary.ok {
        folder.keep_as_evidence(page);
    }
    scenario.suggest(false, &summary);
    finish(options, page, &summary);
    Ok(Ending::Done(summary))
}

/// The last line, for programs.
fn finish(options: &DemoOptions, page: Page, summary: &Summary) {
    if options.json {
        page.line(summary.json());
    }
}

fn wall_now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(since.as_millis() as u64)
}

/// The signals that ask a program to end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> Result<Self, DemoError> {
        let listen = |kind| signal(kind).map_err(|e| DemoError::System("signals", e));
        Ok(Signals {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for any of them; its number.
    async fn any(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
            _ = self.hangup.recv() => 1,
        }
    }
}
