//! Webhooks: events are sent to a system by HTTP, signed, in their order, each until it is taken.
//!
//! A thread for each receiver, which reads from the store what happened behind the last event that was
//! taken. Nothing waits for it, and nothing is queued: what a receiver has not taken stays where it is.

mod http;
mod standing;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout_at};
use tram_api::model::EventNotice;
use tram_config::Webhook;
use tram_crypto::sha256_parts;
use tram_dispatch::id::hex;
use tram_dispatch::{AgencyCode, UnixMillis};
use tram_engine::Notice;
use tram_spool::store::{Place, Told};

use super::context::Context;
use super::files;
use http::Sender;
pub(super) use standing::Standing;

/// Folder of the notes how far each receiver is, in the data directory.
const FOLDER: &str = "webhooks";
/// Events read at a time.
const AT_ONCE: usize = 200;
/// First pause after a failure; it doubles up to the configured longest.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
/// So long what comes together is gathered.
const GATHER: Duration = Duration::from_millis(100);
/// How often it is looked whether the node stops.
const STOP: Duration = Duration::from_millis(500);

/// Serves one receiver of the configuration until the node ends; for a thread of its own.
pub(super) fn run(context: &Arc<Context>, runtime: &tokio::runtime::Runtime, at: usize) {
    let Some(hook) = context.config.webhooks.get(at) else { return };
    let mut work = Work { context, hook, at, pause: PAUSE_FIRST };
    let work = async {
        tokio::select! {
            () = work.until_stopped() => {}
            () = stopping(context) => {}
        }
    };
    runtime.block_on(work);
}

async fn stopping(context: &Context) {
    while !context.is_stopping() {
        tokio::time::sleep(STOP).await;
    }
}

struct Work<'a> {
    context: &'a Arc<Context>,
    hook: &'a Webhook,
    at: usize,
    pause: Duration,
}

impl Work<'_> {
    /// The file that says how far this receiver is.
    fn note(&self) -> String {
        let named = [self.hook.agency.as_str().as_bytes(), b"\0", self.hook.url.text.as_bytes()];
        hex(&sha256_parts(&named)[..16])
    }

    async fn until_stopped(&mut self) {
        loop {
            if let Err(trouble) = self.serve().await {
                let now = self.context.core.now().wall;
                let told = self.context.webhooks.with(self.at, |s| s.set_trouble(&trouble, now));
                if told {
                    let url = self.hook.url.text.as_str();
                    tracing::warn!(url, trouble, "a receiver of events does not take them");
                }
                tokio::time::sleep(self.pause).await;
                let longest = Duration::from_secs(self.context.config.webhook.pause_s_max);
                self.pause = (self.pause * 2).min(longest);
            }
        }
    }

    /// Sends what there is and what comes, until something fails.
    async fn serve(&mut self) -> Result<(), String> {
        let receiver = Sender::open(self.hook, &self.context.config)?;
        // Listens before it looks, so that nothing falls between the two.
        let mut news = self.context.core.listen();
        let (mut overdue, newest) = self.context.overdue.listen();
        let mut after = self.begin()?;
        let mut mark = self.begin_overdue(newest)?;
        let mut since = None;
        loop {
            loop {
                let some = self.behind(after, since)?;
                let whole = some.len() == AT_ONCE;
                for told in some {
                    if told.authorised && self.concerns(&told) {
                        let notice = self.context.announced(&told);
                        self.send(&receiver, &notice, told.evidence.time).await?;
                    }
                    after = Some(told.place);
                    self.keep(after)?;
                }
                if !whole {
                    break;
                }
            }
            for entry in self.context.overdue.behind(mark) {
                if entry.originator == self.hook.agency {
                    let behind = self.context.event_id(after.unwrap_or(self.context.store.place()));
                    let notice = entry.notice(self.context, &behind);
                    self.send(&receiver, &notice, entry.due).await?;
                }
                mark = entry.noted;
                self.keep_overdue(mark)?;
            }
            self.context.webhooks.with(self.at, |s| s.caught_up());
            since = tokio::select! {
                oldest = self.heard(&mut news) => Some(oldest),
                // Of the news it may have heard meanwhile nothing is known any more: everything is looked at.
                passed = overdue.changed() => match passed {
                    Ok(()) => None,
                    Err(_) => std::future::pending().await,
                },
            };
        }
    }

    /// Waits for news of this agency; the time of the oldest that came, so that the index is looked at
    /// from there on only. What comes together is sent together.
    async fn heard(&self, news: &mut Receiver<Arc<Notice>>) -> UnixMillis {
        let mut oldest: Option<UnixMillis> = None;
        let mut gather = None;
        loop {
            let next = match gather {
                None => news.recv().await,
                Some(until) => match timeout_at(until, news.recv()).await {
                    Ok(next) => next,
                    Err(_) => return oldest.unwrap_or_default(),
                },
            };
            match next {
                Ok(n) => {
                    let recipient = n.recipient.as_ref().is_some_and(|r| self.receives(r));
                    if recipient || n.originator == self.hook.agency {
                        oldest = Some(oldest.map_or(n.time, |before| before.min(n.time)));
                        gather.get_or_insert_with(|| Instant::now() + GATHER);
                    }
                }
                // It fell behind: everything is looked at.
                Err(RecvError::Lagged(_)) => return UnixMillis::default(),
                // The node ends.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    fn behind(&self, after: Option<Place>, since: Option<UnixMillis>) -> Result<Vec<Told>, String> {
        let succession = self.context.succession();
        let codes: BTreeSet<_> = succession.mailboxes(&self.hook.agency).cloned().collect();
        self.context.happened(Some(codes), after, since, AT_ONCE).map_err(|p| p.detail)
    }

    /// Whether what is addressed to this code is this agency's: to it, or to one that it took over.
    fn receives(&self, recipient: &AgencyCode) -> bool {
        self.context.succession().is_of(recipient, &self.hook.agency)
    }

    /// What a closed agency sent is not its successor's.
    fn concerns(&self, told: &Told) -> bool {
        let e = &told.evidence;
        e.originator == self.hook.agency || e.recipient.as_ref().is_some_and(|r| self.receives(r))
    }

    fn path(&self) -> PathBuf {
        self.context.config.data_dir.join(FOLDER).join(self.note())
    }

    /// Where to begin: behind what was taken last, or, the first time, behind everything there is.
    fn begin(&self) -> Result<Option<Place>, String> {
        match std::fs::read_to_string(self.path()) {
            Ok(id) => self.context.event_place(id.trim()).map_err(|p| p.detail),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let place = Some(self.context.store.place());
                self.keep(place)?;
                Ok(place)
            }
            Err(e) => Err(format!("{}: {e}", self.path().display())),
        }
    }

    /// Notes durably how far the receiver is.
    fn keep(&self, place: Option<Place>) -> Result<(), String> {
        let Some(place) = place else { return Ok(()) };
        let id = self.context.event_id(place);
        let kept = files::keep(&self.context.config.data_dir, FOLDER, &self.note(), id.as_bytes());
        kept.map(|_| ()).map_err(|e| format!("{}: {e}", self.path().display()))
    }

    /// How far the receiver is with deadlines that passed; the first time, behind those there are.
    fn begin_overdue(&self, newest: UnixMillis) -> Result<UnixMillis, String> {
        let path = self.context.config.data_dir.join(FOLDER).join(self.overdue_note());
        match std::fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map(UnixMillis).map_err(|_| path.display().to_string()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                self.keep_overdue(newest)?;
                Ok(newest)
            }
            Err(e) => Err(format!("{}: {e}", path.display())),
        }
    }

    fn keep_overdue(&self, mark: UnixMillis) -> Result<(), String> {
        let (name, text) = (self.overdue_note(), mark.0.to_string());
        let kept = files::keep(&self.context.config.data_dir, FOLDER, &name, text.as_bytes());
        kept.map(|_| ()).map_err(|e| format!("{FOLDER}/{name}: {e}"))
    }

    fn overdue_note(&self) -> String {
        format!("{}.overdue", self.note())
    }

    async fn send(
        &mut self,
        receiver: &Sender,
        notice: &EventNotice,
        at: UnixMillis,
    ) -> Result<(), String> {
        let body = serde_json::to_vec(notice).map_err(|e| e.to_string())?;
        self.context.webhooks.with(self.at, |s| s.waits(at));
        receiver.send(&notice.id, body, self.context.core.now().wall).await?;
        self.pause = PAUSE_FIRST;
        self.context.webhooks.with(self.at, |s| s.took());
        Ok(())
    }
}
