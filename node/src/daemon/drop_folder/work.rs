//! One folder's work: a little of each kind in turn, so that a thousand files in `out` hold up neither
//! what comes in nor what is urgent.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use tram_config::DropFolder;

use super::super::context::Context;
use super::super::desk::{Desk, Notices, Speaker};
use super::folder::{self, Folder};
use super::give::{self, Giver};
use super::look::{self, Entry, Look};
use super::mailbox::Mailbox;
use super::send::{self, Became, Sender};
use super::shelf::{self, Shelf};
use super::statuses::{self, Paused, Teller};
use super::{TURN_MAX, handing};

/// Looks take at most one part in so many of the time, however much lies in `out`.
const LOOK_SHARE: u32 = 5;

pub(super) struct Work<'a> {
    configured: &'a DropFolder,
    desk: &'a Desk,
    who: &'a Speaker,
    notices: &'a Notices,
    data: &'a Path,
    look: Look,
    /// What the last look found whole, and when the next one is.
    whole: VecDeque<Entry>,
    next_look: Option<Instant>,
    mailbox: Mailbox,
    /// Statuses that could not be told.
    untold: Paused,
    swept: bool,
}

/// The folders in one drop folder.
struct Folders {
    staging: Folder,
    out: Folder,
    sent: Folder,
    failed: Folder,
    incoming: Folder,
    status: Folder,
}

impl Folders {
    fn open(path: &Path) -> io::Result<Self> {
        let base = Folder::open(path)?;
        Ok(Folders {
            staging: base.made(handing::STAGING, false)?,
            out: base.made("out", true)?,
            sent: base.made(Shelf::Sent.folder(), true)?,
            failed: base.made(Shelf::Failed.folder(), true)?,
            incoming: base.made("in", true)?,
            status: base.made("status", true)?,
        })
    }
}

impl<'a> Work<'a> {
    pub(super) fn new(
        configured: &'a DropFolder,
        (desk, who, notices): (&'a Desk, &'a Speaker, &'a Notices),
        data: &'a Path,
        look: Look,
    ) -> Self {
        let (whole, mailbox) = (VecDeque::new(), Mailbox::default());
        let (next_look, untold, swept) = (None, Paused::new(), false);
        Work {
            configured,
            desk,
            who,
            notices,
            data,
            look,
            whole,
            next_look,
            mailbox,
            untold,
            swept,
        }
    }

    pub(super) async fn until_stopped(&mut self, context: &Context, at: usize) {
        let interval = Duration::from_millis(context.config.drop.interval_ms);
        while !context.is_stopping() {
            let (more, trouble) = match self.round(context, at, interval).await {
                Ok(more) => (more, self.waiting_for()),
                Err(trouble) => (false, Some(trouble)),
            };
            let now = context.core.now().wall;
            context.drop_folders.with(at, |s| {
                if let Some(words) = &trouble
                    && s.trouble.is_none()
                {
                    let folder = self.configured.folder.display();
                    tracing::warn!(%folder, words, "a drop folder is in trouble");
                }
                s.set_trouble(trouble, now);
            });
            match more {
                // Whoever gathers statuses has its turn in between.
                true => tokio::task::yield_now().await,
                false => tokio::time::sleep(interval).await,
            }
        }
    }

    /// Why something has no turn now.
    fn waiting_for(&self) -> Option<String> {
        let untold = || self.untold.values().next().map(|pause| pause.words().to_owned());
        self.look.trouble().or_else(|| self.mailbox.trouble()).or_else(untold)
    }

    /// Some work of each kind: whether there is more of it at once, or the last trouble met, when all
    /// was tried.
    async fn round(
        &mut self,
        context: &Context,
        at: usize,
        interval: Duration,
    ) -> Result<bool, String> {
        let folders = Folders::open(&self.configured.folder).map_err(|e| e.to_string())?;
        if !self.swept {
            let notes = [give::NOTES, statuses::NOTES].map(|notes| self.data.join(notes));
            handing::sweep(&folders.staging, &notes).map_err(|e| e.to_string())?;
            self.swept = true;
        }
        let sent = self.send(context, at, &folders, interval).await;
        let mut given = Ok(false);
        if self.configured.collect {
            let giver = Giver {
                desk: self.desk,
                who: self.who,
                agency: &self.configured.agency,
                form: self.configured.form,
                reserve_bytes: context.config.limits.free_space_reserve_bytes,
                data: self.data,
            };
            let asked = self.mailbox.ask(&giver).await;
            given = self.mailbox.give(&giver, &folders.staging, &folders.incoming).await;
            given = asked.and(given);
        }
        let teller = Teller {
            desk: self.desk,
            who: self.who,
            form: self.configured.form,
            notices: self.notices,
            data: self.data,
        };
        let mut told = Ok(false);
        if self.configured.submit {
            let now = context.core.now().wall;
            told = teller.tell(&mut self.untold, &folders.staging, &folders.status, now);
        }
        context.drop_folders.with(at, |s| {
            s.to_send = self.look.waiting();
            s.to_hand_over = self.mailbox.waiting();
            s.to_tell = self.notices.len();
        });
        Ok(sent? | given? | told?)
    }

    /// Sends some of what lies in `out` whole; whether there is more.
    async fn send(
        &mut self,
        context: &Context,
        at: usize,
        folders: &Folders,
        interval: Duration,
    ) -> Result<bool, String> {
        let sender = Sender {
            desk: self.desk,
            who: self.who,
            agency: &self.configured.agency,
            bytes_max: context.config.drop.entry_bytes_max,
        };
        let begun = Instant::now();
        if self.next_look.is_none_or(|next| next <= begun) {
            let found = self.look.look(&folders.out, begun).map_err(|e| e.to_string())?;
            self.whole = found.into();
            let ended = Instant::now();
            self.next_look = Some(ended + interval.max((ended - begun) * LOOK_SHARE));
        }
        let mut trouble = Ok(());
        for _ in 0..TURN_MAX {
            let Some(entry) = self.whole.pop_front() else { break };
            if context.is_stopping() {
                break;
            }
            let sent = match look::identity(&folders.out, &entry.name) {
                Ok(now) if now == Some(entry.identity) => {
                    self.send_one(context, at, folders, &sender, &entry).await
                }
                // What changed or went since the look is the next one's.
                Ok(_) => Ok(()),
                Err(error) => Err(error.to_string()),
            };
            if let Err(words) = sent {
                let words = format!("out/{}: {words}", folder::shown(&entry.name));
                trouble = Err(words.clone());
                self.look.later(&entry.name, words, Instant::now());
            }
        }
        trouble.map(|()| !self.whole.is_empty())
    }

    async fn send_one(
        &mut self,
        context: &Context,
        at: usize,
        folders: &Folders,
        sender: &Sender<'_>,
        entry: &Entry,
    ) -> Result<(), String> {
        let (content, became) = sender.send(&folders.out, entry).await;
        let mut why = String::new();
        let (kind, shelf, beside) = match became {
            Became::Sent(beside) => (Shelf::Sent, &folders.sent, beside),
            Became::Refused(problem) => {
                let (code, detail, name) =
                    (problem.code, &problem.detail, folder::shown(&entry.name));
                tracing::info!(entry = name, %code, detail, "a drop folder's entry is refused");
                why = format!("{code}: {detail}: ");
                (Shelf::Failed, &folders.failed, send::error_of(&problem))
            }
            Became::Later(words) => return Err(words),
        };
        let what = (content.as_str(), &beside);
        let put = shelf::put((&folders.out, shelf), kind, entry, what, &|| Ok(()));
        // Where it cannot even be put away, what is wrong with it is the better word.
        let put = put.map_err(|e| format!("{why}{e}"))?;
        self.look.gone(&entry.name);
        context.drop_folders.with(at, |s| match (kind, put) {
            (_, None) => {}
            (Shelf::Sent, Some(_)) => s.sent += 1,
            (Shelf::Failed, Some(_)) => s.refused += 1,
        });
        Ok(())
    }
}
