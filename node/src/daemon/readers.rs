//! Questions about the past: listings and proofs, read by few threads of low priority. However many are
//! asked, and however dear each is, what is on its way keeps the processors.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::nice;
use tokio::sync::oneshot;

/// Threads.
const THREADS: usize = 2;
/// Questions that wait; the sockets have no more places for requests.
const WAITING_MAX: usize = 1024;
/// How much less than the others the threads may have of a processor that both want (nice(2)).
const NICE: i32 = 10;

type Work = Box<dyn FnOnce() + Send>;

/// The threads; they end when this is dropped.
pub(crate) struct Readers(SyncSender<Work>);

/// There is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unread {
    /// Too many questions wait.
    #[error("too many questions wait to be read")]
    Busy,
    /// The question broke off.
    #[error("a question broke off")]
    Broken,
}

impl Readers {
    /// Starts the threads.
    pub(crate) fn start() -> std::io::Result<Self> {
        let (tx, rx) = sync_channel::<Work>(WAITING_MAX);
        let rx = Arc::new(Mutex::new(rx));
        for _ in 0..THREADS {
            let rx = rx.clone();
            std::thread::Builder::new().name("reader".into()).spawn(move || read(&rx))?;
        }
        Ok(Readers(tx))
    }

    /// Runs something that reads and may take long.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unread> {
        let (tx, rx) = oneshot::channel();
        let work = Box::new(move || {
            // Whoever asked and went away is not read for.
            if !tx.is_closed() {
                let _ = tx.send(work());
            }
        });
        self.0.try_send(work).map_err(|e| match e {
            TrySendError::Full(_) => Unread::Busy,
            TrySendError::Disconnected(_) => Unread::Broken,
        })?;
        rx.await.map_err(|_| Unread::Broken)
    }
}

fn read(rx: &Mutex<Receiver<Work>>) {
    // Without it they only share the processors evenly.
    let _ = nice(NICE);
    loop {
        let work = rx.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(work) = work else { return };
        // The panic hook has told it; whoever asked hears that it broke off.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn questions_are_answered_and_one_that_breaks_stops_no_other() {
        let readers = Readers::start().unwrap();
        for _ in 0..2 * THREADS {
            assert_eq!(readers.run(|| panic!("on purpose")).await, Err::<(), _>(Unread::Broken));
        }
        assert_eq!(readers.run(|| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn questions_beyond_the_waiting_room_are_told_so() {
        let readers = Readers::start().unwrap();
        let (open, opened) = std::sync::mpsc::sync_channel::<()>(0);
        let opened = Arc::new(Mutex::new(opened));
        let asks: Vec<_> = (0..THREADS + WAITING_MAX + 8)
            .map(|_| {
                let opened = opened.clone();
                Box::pin(readers.run(move || opened.lock().unwrap().recv().is_err()))
            })
            .collect();
        let mut busy = 0;
        let mut waiting = Vec::new();
        for mut ask in asks {
            match polled_once(&mut ask).await {
                Some(answer) => busy += usize::from(answer == Err(Unread::Busy)),
                None => waiting.push(ask),
            }
        }
        assert!(busy > 0 && waiting.len() >= WAITING_MAX, "{busy} busy, {} wait", waiting.len());
        drop(open);
        for ask in waiting {
            assert_eq!(ask.await, Ok(true));
        }
    }

    /// Polls once.
    async fn polled_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        std::future::poll_fn(|cx| {
            std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(cx) {
                std::task::Poll::Ready(out) => Some(out),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }
}
