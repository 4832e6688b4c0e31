//! Giving a file: the one that was received, byte for byte, where the envelope says the same; else one
//! composed of the dispatch.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;
use tram_api::service::OpenDocument;
use tram_api::{Caller, Problem, Service as _};
use tram_dispatch::envelope::Document;
use tram_dispatch::{AgencyCode, Code, DispatchId, Envelope};
use tram_edxml::map::{Outline, outline};
use tram_edxml::{Content, Ignore, Limits, MEDIA_TYPE, read};
use tram_engine::state::held::HeldDispatch;
use tram_trust::Directory;

use super::super::service::NodeService;
use super::{Desk, Speaker, blocking, broken, of_stopping, present};
use crate::edxml::compose_from;

/// Bytes asked for at a time where reading blocks.
const STEP_BYTES: usize = 256 << 10;

/// A file that a dispatch is given as.
pub(in crate::daemon) enum Opened {
    /// The kept file.
    Kept(OpenDocument),
    /// One composed, without a name, with its length in bytes.
    Composed(File, u64),
}

impl Desk {
    /// A dispatch with all that is known of it.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub(in crate::daemon) async fn held(&self, id: DispatchId) -> Result<HeldDispatch, Problem> {
        let core = &self.service.context.core;
        let found = core.question(move |engine, view| engine.find(&id, view)).await;
        let unknown = || Problem::new(Code::NotFound, "no such document for this system");
        found.map_err(of_stopping)?.map_err(broken)?.ok_or_else(unknown)
    }

    /// Opens a dispatch of an agency's mailbox as an edXML file.
    ///
    /// # Errors
    /// What the service refuses.
    pub(in crate::daemon) async fn open(
        &self,
        who: &Speaker,
        agency: &AgencyCode,
        dispatch: DispatchId,
    ) -> Result<Opened, Problem> {
        let directory = self.service.context.verifier().directory().clone();
        let held = self.held(dispatch).await?;
        let envelope = held.dispatch.envelope().clone();
        self.remark_types(agency, dispatch, &envelope).await;
        let place = Opener {
            service: self.service.clone(),
            caller: who.caller(),
            agency: agency.clone(),
            dispatch,
        };
        let kept = envelope.documents.iter().find(|d| d.media_type == MEDIA_TYPE).cloned();
        if let Some(kept) = kept
            && self.is_sound(&place, &envelope, &kept, &directory).await?
        {
            return Ok(Opened::Kept(place.open(&kept).await?));
        }
        self.composed(place, envelope, directory).await
    }

    /// Notes once in the service log that documents are given which are not what they say: the national
    /// XML has no place for it.
    async fn remark_types(&self, agency: &AgencyCode, dispatch: DispatchId, envelope: &Envelope) {
        if self.looked.get(&dispatch).is_some() {
            return;
        }
        let documents = self.service.type_remarks(&envelope.documents).await.len();
        self.looked.set(dispatch, documents > 0);
        if documents > 0 {
            tracing::info!(%dispatch, recipient = %agency, documents, "documents unlike their media types given");
        }
    }

    /// Whether the kept file says what the envelope says, so that it may be given as it is.
    async fn is_sound(
        &self,
        place: &Opener,
        envelope: &Envelope,
        kept: &Document,
        directory: &Arc<Directory>,
    ) -> Result<bool, Problem> {
        if let Some(known) = self.sound.get(&place.dispatch) {
            return Ok(known);
        }
        let opened = place.open(kept).await?;
        let (handle, envelope, directory) =
            (Handle::current(), envelope.clone(), directory.clone());
        let sound = blocking(move || {
            let file = BufReader::with_capacity(1 << 16, Pulled::new(opened, handle));
            let reading = match read(file, &mut Ignore, &Limits::DEFAULT) {
                Ok(reading) => reading,
                Err(error) if error.code() == Code::Unreadable => {
                    return Err(broken(error));
                }
                Err(_) => return Ok(false),
            };
            let said = match &reading.content {
                Content::Document(edoc) => outline(edoc, &reading.sha256, &mut Vec::new()),
                Content::Status(notice) => tram_edxml::map::recall(notice, &reading.sha256),
            };
            Ok(said.is_ok_and(|said| says_the_same(&said, &envelope, &directory)))
        })
        .await?;
        self.sound.set(place.dispatch, sound);
        Ok(sound)
    }

    /// Whether the kept file of a recall is a status that asks for a document back.
    pub(in crate::daemon) async fn is_status(
        &self,
        who: &Speaker,
        agency: &AgencyCode,
        dispatch: DispatchId,
        kept: &Document,
    ) -> bool {
        if let Some(known) = self.asking.get(&dispatch) {
            return known;
        }
        let (service, caller) = (self.service.clone(), who.caller());
        let place = Opener { service, caller, agency: agency.clone(), dispatch };
        // What cannot be read now is a document for now.
        let Ok(opened) = place.open(kept).await else { return false };
        let handle = Handle::current();
        let looked = blocking(move || {
            let file = BufReader::new(Pulled::new(opened, handle));
            match read(file, &mut Ignore, &Limits::DEFAULT) {
                Ok(reading) => Ok(matches!(reading.content, Content::Status(_))),
                Err(error) if error.code() == Code::Unreadable => Err(broken(error)),
                Err(_) => Ok(false),
            }
        });
        let Ok(is_status) = looked.await else { return false };
        self.asking.set(dispatch, is_status);
        is_status
    }

    async fn composed(
        &self,
        place: Opener,
        envelope: Envelope,
        directory: Arc<Directory>,
    ) -> Result<Opened, Problem> {
        let (handle, staging) = (Handle::current(), self.staging.clone());
        let (file, size) = blocking(move || {
            let names = names(&directory, &envelope);
            let file = tempfile::tempfile_in(staging).map_err(broken)?;
            let mut out = BufWriter::new(file);
            let open = |document: &Document| {
                let opened =
                    handle.block_on(place.open(document)).map_err(std::io::Error::other)?;
                Ok(Pulled::new(opened, handle.clone()))
            };
            let composed = compose_from(&envelope, &names, open, &mut out).map_err(broken)?;
            out.flush().map_err(broken)?;
            let file = out.into_inner().map_err(broken)?;
            Ok((file, composed.written.size))
        })
        .await?;
        Ok(Opened::Composed(file, size))
    }
}

/// Opens documents of one item.
struct Opener {
    service: NodeService,
    caller: Caller,
    agency: AgencyCode,
    dispatch: DispatchId,
}

impl Opener {
    async fn open(&self, document: &Document) -> Result<OpenDocument, Problem> {
        let (caller, agency) = (self.caller.clone(), self.agency.clone());
        self.service.open_document(caller, agency, self.dispatch, document.sha256).await
    }
}

fn says_the_same(said: &Outline, envelope: &Envelope, directory: &Directory) -> bool {
    let present = |code: &AgencyCode| present(directory, code);
    let mut recipients: Vec<AgencyCode> = said.recipients.iter().map(present).collect();
    recipients.sort();
    recipients.dedup();
    let mut addressed: Vec<AgencyCode> = envelope.recipients.iter().map(present).collect();
    addressed.sort();
    addressed.dedup();
    present(&said.originator) == present(&envelope.originator)
        && said.reference == envelope.reference
        && recipients == addressed
        && said.metadata == envelope.metadata
        && said.act == envelope.act
}

/// Names of those who send and receive, as the directory has them.
fn names(directory: &Directory, envelope: &Envelope) -> BTreeMap<AgencyCode, String> {
    let codes = envelope.recipients.iter().chain([&envelope.originator]);
    codes.filter_map(|code| Some((code.clone(), directory.agency(code)?.name.clone()))).collect()
}

/// A document of the store for readers that block. Not for a thread that drives a runtime.
pub(in crate::daemon) struct Pulled {
    document: OpenDocument,
    offset: u64,
    piece: Bytes,
    handle: Handle,
}

impl Pulled {
    pub(in crate::daemon) fn new(document: OpenDocument, handle: Handle) -> Self {
        Pulled { document, offset: 0, piece: Bytes::new(), handle }
    }
}

impl Read for Pulled {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() && self.offset < self.document.size {
            let left = usize::try_from(self.document.size - self.offset).unwrap_or(STEP_BYTES);
            let reading = self.document.reader.read(self.offset, left.min(STEP_BYTES));
            self.piece = self.handle.block_on(reading).map_err(io::Error::other)?;
            self.offset += self.piece.len() as u64;
        }
        let n = self.piece.len().min(buffer.len());
        buffer[..n].copy_from_slice(&self.piece.split_to(n));
        Ok(n)
    }
}
