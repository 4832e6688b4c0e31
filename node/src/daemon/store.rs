//! The store as the core sees it, and its thread.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use tram_dispatch::{Code, Digest};
use tram_engine::record::Batch;
use tram_spool::documents::{DocumentError, DocumentStore};
use tram_spool::store::Store;

use super::core::ToCore;
use super::pins::Pins;

/// Pause before a batch that found no room is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Why a batch is not durable.
#[derive(Debug)]
pub(crate) enum NotCommitted {
    /// Nothing was written: there is no room, or the file system is read-only. It may be tried again.
    Waits(Code, String),
    /// What the disk holds is not known. Nothing may be tried again.
    Failed(String),
}

/// Makes batches durable; runs on the store's thread.
pub(crate) trait Commit: Send {
    /// One append, one fsync, then the index.
    fn commit(&mut self, batch: &Batch) -> Result<(), NotCommitted>;
    /// Housekeeping when nothing waits: make the index durable, write the anchor. An error is for good.
    fn idle(&mut self) -> Result<(), String>;
    /// Writes the anchor: the log goes on from here, whatever the anchor there says.
    fn anchor(&mut self);
    /// Files nobody needs any more.
    fn remove_documents(&mut self, digests: &[Digest]);
}

/// What the store's thread is told.
pub(crate) enum ToStore {
    Commit(Batch),
    Remove(Vec<Digest>),
    /// The log is anchored: a peer or the operator took a doubt away.
    Anchor,
    Stop,
}

/// Makes batches durable and removes what nobody needs.
pub(crate) struct Storage {
    pub store: Store,
    pub documents: DocumentStore,
    pub pins: Pins,
    /// A policy of retention decides: the file of a dispatch that was closed stays until it was removed.
    pub keeps_closed: bool,
}

impl Commit for Storage {
    fn commit(&mut self, batch: &Batch) -> Result<(), NotCommitted> {
        self.store.commit(batch).map(|_| ()).map_err(|e| match e.code() {
            code @ (Code::BusyStorage | Code::StorageReadOnly) if !e.is_fatal() => {
                NotCommitted::Waits(code, e.explain())
            }
            _ => NotCommitted::Failed(e.explain()),
        })
    }

    fn idle(&mut self) -> Result<(), String> {
        self.store.maintain().map_err(|e| e.explain())
    }

    fn anchor(&mut self) {
        if let Err(error) = self.store.replace_anchor() {
            tracing::error!(error = %error.explain(), "the anchor file could not be written; the next start asks a peer again");
        }
    }

    fn remove_documents(&mut self, digests: &[Digest]) {
        for digest in digests {
            // Where the index cannot tell, it stays.
            if self.keeps_closed && !matches!(self.store.reader().document_kept(digest), Ok(false))
            {
                self.pins.left(digest);
                continue;
            }
            match self.documents.remove(digest.as_bytes()) {
                Ok(()) | Err(DocumentError::NotStored { .. }) => {}
                Err(e) => tracing::warn!(%digest, error = %e, "a document file was not removed"),
            }
            self.pins.left(digest);
        }
    }
}

/// Tells the engine's thread when the store's thread ends, also by a panic: otherwise it would wait
/// for a commit for ever, and everybody with it.
struct Farewell<'a>(&'a Sender<ToCore>);

impl Drop for Farewell<'_> {
    fn drop(&mut self) {
        // An engine that is gone ended first; that is how the store's thread ends in order.
        let _ = self.0.send(ToCore::Fatal("the store's thread ended".into()));
    }
}

/// Makes batches durable one after the other, until told to stop or one fails.
pub(crate) fn store_loop(
    mut store: Box<dyn Commit>,
    rx: &Receiver<ToStore>,
    back: &Sender<ToCore>,
) {
    const IDLE: Duration = Duration::from_secs(1);
    let _farewell = Farewell(back);
    loop {
        let housekept = match rx.recv_timeout(IDLE) {
            Ok(ToStore::Commit(batch)) => match settle(&mut *store, batch, rx, back) {
                true => Ok(()),
                false => return,
            },
            Ok(ToStore::Remove(digests)) => {
                store.remove_documents(&digests);
                Ok(())
            }
            Ok(ToStore::Anchor) => {
                store.anchor();
                Ok(())
            }
            Err(RecvTimeoutError::Timeout) => store.idle(),
            Ok(ToStore::Stop) | Err(RecvTimeoutError::Disconnected) => {
                if let Err(error) = store.idle() {
                    tracing::warn!(%error, "housekeeping at the end failed; the next start does it");
                }
                return;
            }
        };
        if let Err(why) = housekept {
            // An engine that is gone ended first.
            let _ = back.send(ToCore::Fatal(why));
            return;
        }
    }
}

/// Makes one batch durable and says so. While there is no room it is tried again and again: what waits
/// for it is told, and nothing that it holds was promised to anybody. False when this is the end.
fn settle(
    store: &mut dyn Commit,
    batch: Batch,
    rx: &Receiver<ToStore>,
    back: &Sender<ToCore>,
) -> bool {
    let mut waits = false;
    loop {
        match store.commit(&batch) {
            Ok(()) => {
                if waits {
                    tracing::info!("the store takes writes again");
                }
                return back.send(ToCore::Persisted(batch, Ok(()))).is_ok();
            }
            Err(NotCommitted::Failed(why)) => {
                // An engine that is gone ended first.
                let _ = back.send(ToCore::Persisted(batch, Err(why)));
                return false;
            }
            Err(NotCommitted::Waits(code, why)) if !waits => {
                waits = true;
                tracing::error!(%code, error = %why, "the store waits");
                if back.send(ToCore::StoreWaits(code)).is_err() {
                    return false;
                }
            }
            Err(NotCommitted::Waits(..)) => {}
        }
        match rx.recv_timeout(AGAIN) {
            Err(RecvTimeoutError::Timeout) => {}
            // Removing is what may make room.
            Ok(ToStore::Remove(digests)) => store.remove_documents(&digests),
            Ok(ToStore::Anchor) => store.anchor(),
            Ok(ToStore::Stop | ToStore::Commit(_)) | Err(RecvTimeoutError::Disconnected) => {
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    /// Answers what it was given, one after the other, and then that all is well.
    struct Scripted(Vec<NotCommitted>);

    impl Commit for Scripted {
        fn commit(&mut self, _: &Batch) -> Result<(), NotCommitted> {
            self.0.pop().map_or(Ok(()), Err)
        }
        fn idle(&mut self) -> Result<(), String> {
            Err("the index file failed".to_owned())
        }
        fn anchor(&mut self) {}
        fn remove_documents(&mut self, _: &[Digest]) {}
    }

    fn batch() -> Batch {
        Batch { number: 7, records: Vec::new(), tree_nodes: Vec::new() }
    }

    #[expect(clippy::disallowed_methods, reason = "the kind of queue that the loop reads")]
    fn run(answers: Vec<NotCommitted>, first: Vec<ToStore>) -> Vec<ToCore> {
        let (tx, rx) = std::sync::mpsc::channel();
        let (back, told) = std::sync::mpsc::channel();
        let (done_tx, done) = sync_channel(1);
        first.into_iter().for_each(|message| tx.send(message).unwrap());
        std::thread::spawn(move || {
            store_loop(Box::new(Scripted(answers)), &rx, &back);
            done_tx.send(()).unwrap();
        });
        done.recv_timeout(Duration::from_secs(20)).unwrap();
        drop(tx);
        told.try_iter().collect()
    }

    #[test]
    fn a_batch_that_finds_no_room_is_committed_when_there_is_some() {
        let full = || NotCommitted::Waits(Code::BusyStorage, "no space".to_owned());
        let told = run(vec![full(), full()], vec![ToStore::Commit(batch())]);
        let mut told = told.into_iter();
        assert!(matches!(told.next(), Some(ToCore::StoreWaits(Code::BusyStorage))));
        assert!(matches!(told.next(), Some(ToCore::Persisted(b, Ok(()))) if b.number == 7));
        // Then it is idle, and its housekeeping fails: that is the end.
        assert!(matches!(told.next(), Some(ToCore::Fatal(why)) if why.contains("index")));
    }

    #[test]
    fn a_batch_whose_outcome_is_unknown_is_never_tried_again() {
        let failed = NotCommitted::Failed("EIO".to_owned());
        let mut told = run(vec![failed], vec![ToStore::Commit(batch())]).into_iter();
        assert!(matches!(told.next(), Some(ToCore::Persisted(_, Err(why))) if why == "EIO"));
        assert!(matches!(told.next(), Some(ToCore::Fatal(_))), "the thread says that it ended");
        assert!(told.next().is_none());
    }

    #[test]
    fn a_store_that_waits_hears_that_the_node_stops() {
        let full = || NotCommitted::Waits(Code::StorageReadOnly, "read-only".to_owned());
        let answers = (0..100).map(|_| full()).collect();
        let told = run(answers, vec![ToStore::Commit(batch()), ToStore::Stop]);
        assert!(matches!(told[0], ToCore::StoreWaits(Code::StorageReadOnly)));
        assert!(!told.iter().any(|m| matches!(m, ToCore::Persisted(..))), "nothing was promised");
    }
}
