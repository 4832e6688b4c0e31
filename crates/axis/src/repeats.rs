//! Requests that are made again: both of the client's HTTP libraries repeat a POST by themselves when a
//! connection breaks, `sendEdoc` included. The second has the same signed text, hence the same HMAC.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::doc_id::DocId;
use crate::limits::{REPEAT_MS, REPEATS_MAX};
use crate::refusal::Refusal;

/// Answers given, by account and HMAC.
#[derive(Debug, Default)]
pub(crate) struct Repeats(Mutex<BTreeMap<(String, String), Entry>>);

#[derive(Debug)]
struct Entry {
    since_ms: u64,
    answer: Arc<OnceCell<DocId>>,
}

impl Repeats {
    /// The answer to a request: the one that it got before, or the one that `work` comes to. Where the
    /// same request is being worked on, waits for it. A refusal is not remembered: what was wrong may be
    /// mended.
    ///
    /// # Errors
    /// Those of `work`.
    pub(crate) async fn once(
        &self,
        key: (String, String),
        now_ms: u64,
        work: impl Future<Output = Result<DocId, Refusal>>,
    ) -> Result<DocId, Refusal> {
        let answer = self.entry(key, now_ms);
        answer.get_or_try_init(|| work).await.copied()
    }

    /// The answer given before, if any.
    pub(crate) fn known(&self, key: &(String, String), now_ms: u64) -> Option<DocId> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(key)?;
        (now_ms.saturating_sub(entry.since_ms) < REPEAT_MS).then(|| entry.answer.get().copied())?
    }

    fn entry(&self, key: (String, String), now_ms: u64) -> Arc<OnceCell<DocId>> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let old = |e: &Entry| now_ms.saturating_sub(e.since_ms) >= REPEAT_MS;
        if entries.get(&key).is_some_and(old) {
            entries.remove(&key);
        }
        if entries.len() >= REPEATS_MAX && !entries.contains_key(&key) {
            entries.retain(|_, e| !old(e) && e.answer.initialized());
            while entries.len() >= REPEATS_MAX {
                let oldest = entries.iter().min_by_key(|(_, e)| e.since_ms).map(|(k, _)| k.clone());
                let Some(oldest) = oldest else { break };
                entries.remove(&oldest);
            }
        }
        let fresh = || Entry { since_ms: now_ms, answer: Arc::default() };
        entries.entry(key).or_insert_with(fresh).answer.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tram_dispatch::DispatchId;

    fn key(n: usize) -> (String, String) {
        ("a".to_owned(), n.to_string())
    }

    fn id(n: u8) -> DocId {
        DocId::sent(DispatchId([n; 32]))
    }

    #[tokio::test]
    async fn a_request_is_worked_on_once_also_by_two_at_a_time() {
        let (repeats, worked) = (Repeats::default(), AtomicUsize::new(0));
        let work = || async {
            worked.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok(id(1))
        };
        let (first, second) =
            tokio::join!(repeats.once(key(1), 0, work()), repeats.once(key(1), 5, work()));
        assert_eq!((first, second), (Ok(id(1)), Ok(id(1))));
        assert_eq!(worked.load(Ordering::SeqCst), 1);
        assert_eq!(repeats.known(&key(1), 10), Some(id(1)));
        assert_eq!(repeats.known(&key(2), 10), None);
        // A day later it is another request.
        assert_eq!(repeats.once(key(1), REPEAT_MS, async { Ok(id(2)) }).await, Ok(id(2)));
    }

    #[tokio::test]
    async fn a_refusal_is_not_remembered() {
        let repeats = Repeats::default();
        let refusal = Refusal::system("full");
        let refused = repeats.once(key(1), 0, async { Err(Refusal::system("full")) }).await;
        assert_eq!(refused, Err(refusal));
        assert_eq!(repeats.known(&key(1), 0), None);
        assert_eq!(repeats.once(key(1), 1, async { Ok(id(1)) }).await, Ok(id(1)));
    }

    #[tokio::test]
    async fn there_are_never_more_than_so_many() {
        let repeats = Repeats::default();
        for n in 0..REPEATS_MAX + 3 {
            repeats.once(key(n), n as u64, async { Ok(id(1)) }).await.unwrap();
        }
        assert_eq!(repeats.0.lock().unwrap().len(), REPEATS_MAX);
        assert_eq!(repeats.known(&key(0), 0), None);
        assert_eq!(repeats.known(&key(REPEATS_MAX + 2), 0), Some(id(1)));
    }
}
