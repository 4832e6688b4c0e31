//! What is consigned to the agency goes into `in`, durably; only then the handover is confirmed.

use std::io::{self, Write as _};
use std::path::Path;

use tram_api::Service as _;
use tram_api::service::OpenDocument;
use tram_config::Form;
use tram_dispatch::{AgencyCode, Code, DispatchId, Event};
use tram_engine::state::leg::{Leg, Stage as Reached};

use super::super::desk::{Desk, Opened, Speaker};
use super::folder::Folder;
use super::handing::{Handing, Stage};
use super::names;
use super::snapshot::LETTER;

/// Bytes copied at a time.
const STEP_BYTES: usize = 256 << 10;
/// Notes about what is being given, in the data directory's folder of this agency.
pub(super) const NOTES: &str = "giving";

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

impl Giver<'_> {
    /// Gives one dispatch. One that the system has through another door is left alone.
    pub(super) async fn give(
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
            if !self.waits(id).await? {
                return Ok(());
            }
            let written = match self.form {
                Form::Edxml => self.file(id, staging, &name).await,
                Form::Json => self.folder(id, staging, &name).await,
            };
            match written {
                // Writing much takes long enough for somebody else.
                Ok(true) if self.waits(id).await? => {}
                // It was given back to its originator, or taken through another door.
                Ok(_) => return staging.remove(&name).map_err(words),
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

    /// Whether what came for this code belongs into this folder, by the directory in force: not where
    /// another agency took that code over, or where it has a folder of its own, which somebody has still.
    pub(super) fn is_its(&self, recipient: &AgencyCode) -> bool {
        let context = &self.desk.service.context;
        let mut folders = context.config.drop_folders.iter();
        *recipient == *self.agency
            || (context.succession().is_of(recipient, self.agency)
                && !folders.any(|f| f.collect && f.agency == *recipient))
    }

    /// Whether nobody has it yet. A request may be answered before its bytes are fetched.
    async fn waits(&self, id: DispatchId) -> Result<bool, String> {
        let (context, agency) = (&self.desk.service.context, self.agency.clone());
        let me = context.me.clone();
        let look = move |engine: &tram_engine::Engine, view: &dyn tram_engine::View| {
            if engine.state().is_aside(&id) {
                return Err("it is set aside".to_owned());
            }
            let Some(held) = engine.find(&id, view).map_err(|e| e.to_string())? else {
                return Ok(false);
            };
            Ok(match held.legs.get(&agency) {
                Some(Leg::Mailbox { stage: Reached::Consigned, .. }) => true,
                Some(Leg::Mailbox { stage: Reached::Registered, .. }) => {
                    held.own(&me, &[Event::ContentHandover], Some(&agency)).is_none()
                }
                _ => false,
            })
        };
        context.core.reading(look).await.map_err(|e| e.to_string())?
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
