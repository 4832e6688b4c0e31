//! What is consigned to the agency goes into `in`, durably; only then the handover is confirmed.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use tram_api::Service as _;
use tram_api::model::{InboxQuery, InboxState};
use tram_api::service::OpenDocument;
use tram_config::Form;
use tram_dispatch::{AgencyCode, Code, DispatchId, UnixMillis};

use super::super::desk::{Desk, Opened, Speaker};
use super::folder::Folder;
use super::handing::{Handing, Stage};
use super::snapshot::LETTER;
use super::urgency::{self, Rank};
use super::{TURN_MAX, names};

/// Most dispatches whose turn is known; the mailbox holds the others.
const WAITING_MAX: usize = 20_000;
/// Entries asked for at a time.
const PAGE: u32 = 256;
/// Bytes copied at a time.
const STEP_BYTES: usize = 256 << 10;
/// Notes about what is being given, in the data directory's folder of this agency.
pub(super) const NOTES: &str = "giving";
/// Longest pause before one is given again.
const PAUSE_LONGEST: Duration = Duration::from_secs(300);

/// The most urgent first; of those as urgent, what came first.
type Turn = (Reverse<Rank>, u64);

struct Waiting {
    id: DispatchId,
    /// The agency's own code, or one whose mailbox it took over.
    recipient: AgencyCode,
    at: UnixMillis,
    tries: u32,
    not_before: Option<Instant>,
}

/// What waits for the agency's system.
#[derive(Default)]
pub(super) struct Mailbox {
    /// What was looked at: nothing before it is asked for again.
    cursor: Option<String>,
    waiting: BTreeMap<Turn, Waiting>,
    /// How many came so far.
    came: u64,
}

/// Gives what is addressed to one agency.
#[derive(Clone, Copy)]
pub(super) struct Giver<'a> {
    pub(super) desk: &'a Desk,
    pub(super) who: &'a Speaker,
    pub(super) agency: &'a AgencyCode,
    pub(super) form: Form,
    /// Bytes that stay free on the folder's file system.
    pub(super) reserve_bytes: u64,
    /// The node's folder of this agency's notes.
    pub(super) data: &'a Path,
}

impl Mailbox {
    /// How many wait, as far as is known.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Asks what came.
    pub(super) async fn ask(&mut self, giver: &Giver<'_>) -> Result<(), String> {
        while self.waiting.len() < WAITING_MAX {
            let query = InboxQuery {
                state: Some(InboxState::Waiting),
                after: self.cursor.clone(),
                limit: Some(PAGE),
                ..InboxQuery::default()
            };
            let (caller, agency) = (giver.who.caller(), giver.agency.clone());
            let asking = giver.desk.service.inbox(caller, agency, query, Duration::ZERO).await;
            let page = asking.map_err(|p| format!("{}: {}", p.code, p.detail))?;
            for item in page.items.iter().filter(|item| !giver.has_own_folder(&item.recipient)) {
                let (id, at) = (item.dispatch.0, item.consigned_at.0);
                let turn = (Reverse(urgency::rank(item.urgency)), self.came);
                self.came += 1;
                let recipient = item.recipient.0.clone();
                let waiting = Waiting { id, recipient, at, tries: 0, not_before: None };
                self.waiting.insert(turn, waiting);
            }
            self.cursor = page.next.or(self.cursor.take());
            if page.items.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Gives some of those that have their turn; whether others have it as well. What cannot be given now
    /// holds nobody up.
    pub(super) async fn give(
        &mut self,
        giver: &Giver<'_>,
        staging: &Folder,
        target: &Folder,
    ) -> Result<bool, String> {
        let now = Instant::now();
        let due = self.waiting.iter().filter(|(_, w)| w.not_before.is_none_or(|at| at <= now));
        let mut turns: Vec<Turn> = due.map(|(turn, _)| *turn).take(TURN_MAX + 1).collect();
        let more = turns.len() > TURN_MAX;
        turns.truncate(TURN_MAX);
        let mut trouble = Ok(more);
        for turn in turns {
            if giver.desk.service.context.is_stopping() {
                break;
            }
            let Some(next) = self.waiting.get_mut(&turn) else { continue };
            let old = Some(&next.recipient).filter(|of| *of != giver.agency);
            let name = names::incoming(next.at, next.id, old);
            let of = Giver { agency: &next.recipient, ..*giver };
            match of.give(next.id, name, staging, target).await {
                Ok(()) => {
                    self.waiting.remove(&turn);
                }
                Err(error) => {
                    trouble = Err(format!("dispatch {}: {error}", next.id));
                    let pause = Duration::from_secs(1 << next.tries.min(9)).min(PAUSE_LONGEST);
                    next.tries += 1;
                    next.not_before = Some(Instant::now() + pause);
                }
            }
        }
        trouble
    }
}

impl Giver<'_> {
    async fn give(
        &self,
        id: DispatchId,
        mut name: String,
        staging: &Folder,
        target: &Folder,
    ) -> Result<(), String> {
        let handing = Handing { staging, target, data: self.data, notes: NOTES };
        if self.form == Form::Edxml {
            name.push_str(".edxml");
        }
        let words = |e: io::Error| e.to_string();
        if handing.resume(&name).map_err(words)? == Stage::Fresh {
            let written = match self.form {
                Form::Edxml => self.file(id, staging, &name).await,
                Form::Json => self.folder(id, staging, &name).await,
            };
            match written {
                Ok(true) => {}
                // It was given back to its originator, or taken through another door.
                Ok(false) => return staging.remove(&name).map_err(words),
                Err(error) => {
                    // What is half written is in nobody's way, on a full disk least of all.
                    let _ = staging.remove(&name);
                    return Err(error);
                }
            }
            handing.publish(&name, &|_| Ok(())).map_err(words)?;
            tracing::debug!(dispatch = %id, recipient = %self.agency, name, "given to a drop folder");
        }
        match self.desk.confirmed(self.who, self.agency, id).await {
            Ok(()) => {}
            Err(problem) if matches!(problem.code, Code::WrongState | Code::NotFound) => {}
            Err(problem) => return Err(format!("{}: {}", problem.code, problem.detail)),
        }
        handing.forget(&name).map_err(words)
    }

    /// Whether what came for another code goes into a folder of that agency's, which somebody has still.
    fn has_own_folder(&self, recipient: &AgencyCode) -> bool {
        let mut folders = self.desk.service.context.config.drop_folders.iter();
        *recipient != *self.agency && folders.any(|f| f.collect && f.agency == *recipient)
    }

    fn room(&self, staging: &Folder, bytes: u64) -> Result<(), String> {
        let free = staging.free_bytes().map_err(|e| e.to_string())?;
        match free >= bytes.saturating_add(self.reserve_bytes) {
            true => Ok(()),
            false => Err(format!("{free} bytes are free, {bytes} and the reserve are needed")),
        }
    }

    /// One edXML file. False where the dispatch waits no more.
    async fn file(&self, id: DispatchId, staging: &Folder, name: &str) -> Result<bool, String> {
        let mut opened = match self.desk.open(self.who, self.agency, id).await {
            Ok(opened) => opened,
            Err(p) if matches!(p.code, Code::WrongState | Code::NotFound) => return Ok(false),
            Err(p) => return Err(format!("{}: {}", p.code, p.detail)),
        };
        let size = match &opened {
            Opened::Kept(document) => document.size,
            Opened::Composed(_, size) => *size,
        };
        self.room(staging, size)?;
        let words = |e: io::Error| e.to_string();
        let mut file = staging.create(name).map_err(words)?;
        match &mut opened {
            Opened::Kept(document) => copy(document, &mut file).await?,
            Opened::Composed(made, _) => {
                io::Seek::rewind(made).map_err(words)?;
                io::copy(made, &mut file).map_err(words)?;
            }
        }
        file.sync_all().map_err(words)?;
        Ok(true)
    }

    /// A folder: the documents, what is known of them as JSON, the dispatch as it was sealed.
    async fn folder(&self, id: DispatchId, staging: &Folder, name: &str) -> Result<bool, String> {
        let (service, caller) = (&self.desk.service, self.who.caller());
        let fetched = match service.fetch(caller.clone(), self.agency.clone(), id).await {
            Ok(fetched) => fetched,
            Err(p) if matches!(p.code, Code::WrongState | Code::NotFound) => return Ok(false),
            Err(p) => return Err(format!("{}: {}", p.code, p.detail)),
        };
        let told = |p: tram_api::Problem| format!("{}: {}", p.code, p.detail);
        let entry = service.inbox_entry(caller.clone(), self.agency.clone(), id).await;
        let entry = entry.map_err(told)?;
        let bytes = entry.documents.iter().map(|d| d.size).sum::<u64>();
        self.room(staging, bytes.saturating_add(fetched.sealed.len() as u64))?;
        let words = |e: io::Error| e.to_string();
        let folder = staging.made(name, true).map_err(words)?;
        folder.write("sealed.dispatch", &fetched.sealed).map_err(words)?;
        let mut value = serde_json::to_value(&entry).map_err(|e| e.to_string())?;
        for (at, document) in entry.documents.iter().enumerate() {
            let own = names::document(&document.name, document.sha256.0);
            let listed = value.pointer_mut(&format!("/documents/{at}"));
            if let Some(fields) = listed.and_then(|d| d.as_object_mut()) {
                fields.insert("file".to_owned(), own.as_str().into());
            }
            if folder.has(&own).map_err(words)? {
                continue;
            }
            let opened =
                service.open_document(caller.clone(), self.agency.clone(), id, document.sha256.0);
            let mut opened = opened.await.map_err(told)?;
            let mut file = folder.create(&own).map_err(words)?;
            copy(&mut opened, &mut file).await?;
            file.sync_all().map_err(words)?;
        }
        let text = serde_json::to_vec_pretty(&value).map_err(|e| e.to_string())?;
        folder.write(LETTER, &text).map_err(words)?;
        folder.sync().map_err(words)?;
        Ok(true)
    }
}

/// Copies a document out of the store.
async fn copy(document: &mut OpenDocument, file: &mut std::fs::File) -> Result<(), String> {
    let mut offset = 0;
    while offset < document.size {
        let left = usize::try_from(document.size - offset).unwrap_or(STEP_BYTES);
        let piece = document.reader.read(offset, left.min(STEP_BYTES)).await;
        let piece = piece.map_err(|p| format!("{}: {}", p.code, p.detail))?;
        file.write_all(&piece).map_err(|e| e.to_string())?;
        offset += piece.len() as u64;
    }
    Ok(())
}
