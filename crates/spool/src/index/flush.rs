//! Writing the upper layer to the file, behind the commits' back.

use super::kv::{Kv, Layer};
use super::{FLUSH_BACKLOG_MAX, IndexError};
use crate::anchor::{Anchor, AnchorFile};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

/// One frozen layer, and the anchor that speaks of the same batch.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) layer: Arc<Layer>,
    pub(crate) anchor: Option<Anchor>,
}

#[derive(Debug, Default)]
struct Progress {
    busy: bool,
    failed: Option<IndexError>,
}

#[derive(Debug, Default)]
struct State {
    progress: Mutex<Progress>,
    changed: Condvar,
}

/// The one writer of the index file and of the anchor.
#[derive(Debug)]
pub(crate) struct Flusher {
    kv: Arc<Kv>,
    anchor: Option<AnchorFile>,
    state: Arc<State>,
    /// Absent where flushes are done in place.
    thread: Option<(SyncSender<Job>, JoinHandle<()>)>,
}

impl Flusher {
    /// With a thread of its own, or (`in_place`) without.
    pub(crate) fn start(
        kv: Arc<Kv>,
        anchor: Option<AnchorFile>,
        in_place: bool,
    ) -> Result<Self, IndexError> {
        let mut flusher = Self { kv, anchor, state: Arc::default(), thread: None };
        if !in_place {
            let (sender, jobs) = sync_channel(1);
            let (kv, anchor) = (Arc::clone(&flusher.kv), flusher.anchor.clone());
            let state = Arc::clone(&flusher.state);
            let thread = std::thread::Builder::new()
                .name("tram-index".to_owned())
                .spawn(move || run(&kv, anchor.as_ref(), &state, &jobs))
                .map_err(|e| IndexError::Storage(e.to_string()))?;
            flusher.thread = Some((sender, thread));
        }
        Ok(flusher)
    }

    /// Whether a flush may begin now. Where far too much waits behind a running one, this waits for
    /// it: the upper layer's memory is bounded.
    pub(crate) fn ready(&self, waiting: usize, flush_entries: usize) -> Result<bool, IndexError> {
        let mut progress = self.lock();
        while progress.busy && waiting > flush_entries.saturating_mul(FLUSH_BACKLOG_MAX) {
            progress = self.wait(progress);
        }
        match &progress.failed {
            Some(e) => Err(e.clone()),
            None => Ok(!progress.busy),
        }
    }

    /// Begins a flush; none may be running.
    pub(crate) fn begin(&self, job: Job) -> Result<(), IndexError> {
        self.lock().busy = true;
        match &self.thread {
            Some((sender, _)) => sender
                .send(job)
                .map_err(|_| IndexError::Storage("the index writer is gone".to_owned())),
            None => {
                finish(&self.state, write(&self.kv, self.anchor.as_ref(), &job));
                self.idle()
            }
        }
    }

    /// Waits until no flush is running.
    pub(crate) fn idle(&self) -> Result<(), IndexError> {
        let mut progress = self.lock();
        while progress.busy {
            progress = self.wait(progress);
        }
        progress.failed.clone().map_or(Ok(()), Err)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.state.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(
        &self,
        progress: std::sync::MutexGuard<'a, Progress>,
    ) -> std::sync::MutexGuard<'a, Progress> {
        self.state.changed.wait(progress).unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.thread.take() {
            drop(sender);
            if thread.join().is_err() {
                tracing::error!("the index writer had stopped early");
            }
        }
    }
}

fn run(kv: &Kv, anchor: Option<&AnchorFile>, state: &Arc<State>, jobs: &Receiver<Job>) {
    // If a write panics (redb on a damaged file, say) the commits must learn of it.
    let _guard = Guard(Arc::clone(state));
    while let Ok(job) = jobs.recv() {
        let written = write(kv, anchor, &job);
        drop(job);
        finish(state, written);
    }
}

struct Guard(Arc<State>);

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            finish(&self.0, Err(IndexError::damaged("the index writer stopped")));
        }
    }
}

fn finish(state: &State, written: Result<(), IndexError>) {
    let mut progress = state.progress.lock().unwrap_or_else(PoisonError::into_inner);
    progress.busy = false;
    if let Err(error) = written {
        tracing::error!(code = "STORAGE_FAILED", %error, "the index could not be written");
        progress.failed.get_or_insert(error);
    }
    state.changed.notify_all();
}

fn write(kv: &Kv, anchor: Option<&AnchorFile>, job: &Job) -> Result<(), IndexError> {
    kv.flush(&job.layer)?;
    if let (Some(file), Some(anchor)) = (anchor, &job.anchor)
        && let Err(error) = file.write(anchor)
    {
        // An old anchor only notices less; the peers still remember how far this log had come.
        tracing::error!(%error, "the anchor file could not be written");
    }
    Ok(())
}
