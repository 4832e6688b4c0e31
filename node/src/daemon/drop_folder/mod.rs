//! Drop folders: a system that can only write files sends and receives through a folder of its agency.
//!
//! ```text
//! out ── whole? ──▶ copied ──▶ desk ──▶ sent/NAME, NAME.receipt.json │ failed/NAME, NAME.error.json
//! mailbox ──▶ .staging ──▶ in/      statuses of own dispatches ──▶ .staging ──▶ status/
//! ```
//!
//! A thread for each folder, so that a file system that does not answer holds up its own agency alone.

mod folder;
mod give;
mod handing;
mod letter;
mod look;
mod names;
mod send;
mod shelf;
mod snapshot;
mod standing;
mod statuses;

use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tram_config::DropFolder;

use super::context::Context;
use super::desk::{Desk, Notices, Speaker};
use super::service::NodeService;
use folder::Folder;
use give::{Giver, Mailbox};
use look::Look;
use send::{Became, Sender};
use shelf::Shelf;
pub(super) use standing::Standing;
use statuses::Teller;

/// What belongs to drop folders, in the data directory. Nothing in it is custody.
const FOLDER: &str = "drop";
/// Pause before the node's own folder is opened again after it could not be.
const AGAIN: Duration = Duration::from_secs(10);

/// Works on one folder of the configuration until the node ends; for a thread of its own.
pub(super) fn run(context: &Arc<Context>, runtime: &tokio::runtime::Runtime, at: usize) {
    let Some(configured) = context.config.drop_folders.get(at) else { return };
    let own = || own_folders(&context.config.data_dir, configured);
    let Some((data, staging)) = opened(context, at, own) else { return };
    let notices = || Notices::open(&data, context.core.now().wall);
    let Some(notices) = opened(context, at, notices) else { return };
    let agencies = BTreeSet::from([configured.agency.clone()]);
    let who = Speaker {
        agencies: agencies.clone(),
        may_send: configured.submit,
        may_collect: configured.collect,
        old_codes: configured.old_codes,
    };
    let desk = Desk::new(NodeService { context: context.clone() }, staging);
    let (folder, mode) = (configured.folder.display().to_string(), configured.form);
    tracing::info!(folder, agency = %configured.agency, ?mode, "drop folder open");
    let quiet = Duration::from_secs(context.config.drop.quiet_s);
    let mut work = Work {
        configured,
        desk: &desk,
        who: &who,
        notices: &notices,
        data: &data,
        look: Look::new(configured.complete, quiet),
        mailbox: Mailbox::default(),
        swept: false,
    };
    runtime.block_on(async {
        tokio::select! {
            () = work.until_stopped(context, at) => {}
            () = desk.watch_statuses(&notices, &agencies) => {}
        }
    });
}

/// Tries until it opens, and says meanwhile what is wrong; `None` once the node is stopping.
fn opened<T, E: Display>(
    context: &Context,
    at: usize,
    open: impl Fn() -> Result<T, E>,
) -> Option<T> {
    loop {
        match open() {
            Ok(opened) => return Some(opened),
            Err(error) => {
                let now = context.core.now().wall;
                context.drop_folders.with(at, |s| s.set_trouble(Some(error.to_string()), now));
                if context.is_stopping() {
                    return None;
                }
                std::thread::sleep(AGAIN);
            }
        }
    }
}

/// The node's own folder of an agency, and the one in it that is empty at each start.
fn own_folders(data_dir: &Path, configured: &DropFolder) -> io::Result<(PathBuf, PathBuf)> {
    let data = data_dir.join(FOLDER).join(format!("agency-{}", configured.agency));
    let staging = data.join("staging");
    match fs::remove_dir_all(&staging) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    DirBuilder::new().mode(0o700).recursive(true).create(&staging)?;
    Ok((data, staging))
}

struct Work<'a> {
    configured: &'a DropFolder,
    desk: &'a Desk,
    who: &'a Speaker,
    notices: &'a Notices,
    data: &'a Path,
    look: Look,
    mailbox: Mailbox,
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

impl Work<'_> {
    async fn until_stopped(&mut self, context: &Context, at: usize) {
        let interval = Duration::from_millis(context.config.drop.interval_ms);
        while !context.is_stopping() {
            let trouble = self.round(context, at).await.err();
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
            tokio::time::sleep(interval).await;
        }
    }

    /// One look at everything; the last trouble met, when all was tried.
    async fn round(&mut self, context: &Context, at: usize) -> Result<(), String> {
        let folders = Folders::open(&self.configured.folder).map_err(|e| e.to_string())?;
        if !self.swept {
            let notes = [give::NOTES, statuses::NOTES].map(|notes| self.data.join(notes));
            handing::sweep(&folders.staging, &notes).map_err(|e| e.to_string())?;
            self.swept = true;
        }
        let sent = self.send(context, at, &folders).await;
        let mut given = Ok(());
        if self.configured.collect {
            let giver = Giver {
                desk: self.desk,
                who: self.who,
                agency: &self.configured.agency,
                form: self.configured.form,
                reserve_bytes: context.config.limits.free_space_reserve_bytes,
                data: self.data,
            };
            given = self.mailbox.ask(&giver).await;
            given = given.and(self.mailbox.give(&giver, &folders.staging, &folders.incoming).await);
        }
        let teller = Teller {
            desk: self.desk,
            who: self.who,
            agency: &self.configured.agency,
            form: self.configured.form,
            notices: self.notices,
            data: self.data,
        };
        let mut told = Ok(0);
        if self.configured.submit {
            told = teller.tell(&folders.staging, &folders.status, context.core.now().wall);
        }
        context.drop_folders.with(at, |s| {
            s.to_send = self.look.waiting();
            s.to_hand_over = self.mailbox.waiting();
            s.to_tell = told.as_ref().copied().unwrap_or(s.to_tell);
        });
        sent.and(given).and(told.map(|_| ()))
    }

    /// Sends what lies in `out` whole.
    async fn send(
        &mut self,
        context: &Context,
        at: usize,
        folders: &Folders,
    ) -> Result<(), String> {
        let sender = Sender {
            desk: self.desk,
            who: self.who,
            agency: &self.configured.agency,
            bytes_max: context.config.drop.entry_bytes_max,
        };
        let mut trouble = Ok(());
        let entries = self.look.look(&folders.out, Instant::now()).map_err(|e| e.to_string())?;
        for entry in entries {
            if context.is_stopping() {
                break;
            }
            let shown = folder::shown(&entry.name);
            let (content, became) = sender.send(&folders.out, &entry).await;
            let (kind, shelf, beside) = match &became {
                Became::Sent(beside) => (Shelf::Sent, &folders.sent, beside.clone()),
                Became::Refused(problem) => {
                    let (code, detail) = (problem.code, &problem.detail);
                    tracing::info!(entry = shown, %code, detail, "a drop folder's entry is refused");
                    (Shelf::Failed, &folders.failed, send::error_of(problem))
                }
                Became::Later(words) => {
                    trouble = Err(format!("{shown}: {words}"));
                    self.look.later(&entry.name, Instant::now());
                    continue;
                }
            };
            let what = (content.as_str(), &beside);
            match shelf::put((&folders.out, shelf), kind, &entry, what, &|| Ok(())) {
                Ok(put) => {
                    self.look.gone(&entry.name);
                    context.drop_folders.with(at, |s| match (kind, put) {
                        (_, None) => {}
                        (Shelf::Sent, Some(_)) => s.sent += 1,
                        (Shelf::Failed, Some(_)) => s.refused += 1,
                    });
                }
                Err(error) => {
                    trouble = Err(format!("{shown}: {error}"));
                    self.look.later(&entry.name, Instant::now());
                }
            }
        }
        trouble
    }
}
