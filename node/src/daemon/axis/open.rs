//! Giving a file: the one that was received, byte for byte, where the envelope says the same; else one
//! composed of the dispatch.

use std::collections::BTreeMap;
use std::io::{BufReader, BufWriter, Write as _};
use std::sync::Arc;

use tokio::runtime::Handle;
use tram_api::service::OpenDocument;
use tram_api::{Caller, Service as _};
use tram_axis::{Account, DocId, OpenFile, Refusal};
use tram_dispatch::envelope::Document;
use tram_dispatch::{AgencyCode, Code, DispatchId, Envelope};
use tram_edxml::map::{Outline, outline};
use tram_edxml::{Content, Ignore, Limits, MEDIA_TYPE, read};
use tram_trust::Directory;

use super::super::service::NodeService;
use super::files::{Pulled, Small, Staged, Stored, blocking};
use super::node::AxisNode;
use super::refusals;
use crate::edxml::compose_from;

impl AxisNode {
    pub(super) async fn do_open(
        &self,
        account: Arc<Account>,
        id: DocId,
    ) -> Result<OpenFile, Refusal> {
        let directory = self.service.context.verifier().directory().clone();
        if let Some(bytes) = self.notices.file(&account, id, &directory)? {
            let size = bytes.len() as u64;
            return Ok(OpenFile { size, reader: Box::new(Small(bytes)) });
        }
        let (dispatch, agency) = self.find(&account, id).await?;
        let held = self.held(dispatch).await?;
        let envelope = held.dispatch.envelope().clone();
        let place = Opener {
            service: self.service.clone(),
            caller: Self::caller(&account),
            agency,
            dispatch,
        };
        let kept = envelope.documents.iter().find(|d| d.media_type == MEDIA_TYPE).cloned();
        if let Some(kept) = kept
            && self.is_sound(&place, &envelope, &kept, &directory).await?
        {
            let opened = place.open(&kept).await?;
            return Ok(OpenFile { size: opened.size, reader: Box::new(Stored(opened)) });
        }
        self.composed(place, envelope, directory).await
    }

    /// Whether the kept file says what the envelope says, so that it may be given as it is.
    async fn is_sound(
        &self,
        place: &Opener,
        envelope: &Envelope,
        kept: &Document,
        directory: &Arc<Directory>,
    ) -> Result<bool, Refusal> {
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
                    return Err(refusals::broken(error));
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
    pub(super) async fn is_status(
        &self,
        account: &Account,
        agency: &AgencyCode,
        dispatch: DispatchId,
        kept: &Document,
    ) -> bool {
        if let Some(known) = self.asking.get(&dispatch) {
            return known;
        }
        let (service, caller) = (self.service.clone(), Self::caller(account));
        let place = Opener { service, caller, agency: agency.clone(), dispatch };
        // What cannot be read now is a document for now.
        let Ok(opened) = place.open(kept).await else { return false };
        let handle = Handle::current();
        let looked = blocking(move || {
            let file = BufReader::new(Pulled::new(opened, handle));
            match read(file, &mut Ignore, &Limits::DEFAULT) {
                Ok(reading) => Ok(matches!(reading.content, Content::Status(_))),
                Err(error) if error.code() == Code::Unreadable => Err(refusals::broken(error)),
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
    ) -> Result<OpenFile, Refusal> {
        let (handle, staging) = (Handle::current(), self.staging.clone());
        let (file, size) = blocking(move || {
            let names = names(&directory, &envelope);
            let file = tempfile::tempfile_in(staging).map_err(refusals::broken)?;
            let mut out = BufWriter::new(file);
            let open = |document: &Document| {
                let opened =
                    handle.block_on(place.open(document)).map_err(std::io::Error::other)?;
                Ok(Pulled::new(opened, handle.clone()))
            };
            let composed =
                compose_from(&envelope, &names, open, &mut out).map_err(refusals::broken)?;
            out.flush().map_err(refusals::broken)?;
            let file = out.into_inner().map_err(refusals::broken)?;
            Ok((file, composed.written.size))
        })
        .await?;
        Ok(OpenFile { size, reader: Box::new(Staged(Arc::new(file))) })
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
    async fn open(&self, document: &Document) -> Result<OpenDocument, Refusal> {
        let (caller, agency) = (self.caller.clone(), self.agency.clone());
        let opened =
            self.service.open_document(caller, agency, self.dispatch, document.sha256).await;
        opened.map_err(refusals::of_problem)
    }
}

fn says_the_same(said: &Outline, envelope: &Envelope, directory: &Directory) -> bool {
    let present = |code: &AgencyCode| AxisNode::present(directory, code);
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
