//! Uploading documents by digest, resumable.

use tram_api::model::UploadState;
use tram_api::service::Upload;
use tram_api::{BodyStream, Problem};
use tram_dispatch::{AgencyCode, Code, Digest};
use tram_spool::documents::{Bringer, DocumentError, DocumentWriter};

use super::super::core::ToCore;
use super::super::intake;
use super::{NodeService, blocking};

/// When to try an upload again that is over the quota.
const UPLOAD_RETRY_S: u64 = 60;

impl NodeService {
    pub(super) async fn do_upload_state(
        &self,
        agency: AgencyCode,
        sha256: Digest,
    ) -> Result<Option<UploadState>, Problem> {
        let state = |size, offset, complete| UploadState {
            sha256: sha256.into(),
            size,
            offset,
            complete,
            created: false,
        };
        let who = Bringer::Agency(agency);
        if let Some(size) = self.context.uploads.size(&who, &sha256) {
            return Ok(Some(state(size, size, true)));
        }
        let partial = self.context.partial_uploads.get(&who, &sha256);
        Ok(partial.map(|(size, offset)| state(size, offset, false)))
    }

    pub(super) async fn do_upload(
        &self,
        upload: Upload,
        mut body: BodyStream,
    ) -> Result<UploadState, Problem> {
        let Upload { agency, sha256, size, offset } = upload;
        let done = |created| UploadState {
            sha256: sha256.into(),
            size,
            offset: size,
            complete: true,
            created,
        };
        let who = Bringer::Agency(agency);
        if self.context.uploads.size(&who, &sha256) == Some(size) {
            return Ok(done(false));
        }
        if !intake::within_quota(&self.context, &who, &sha256, size) {
            let detail = "uploaded documents wait for the dispatch that names them";
            return Err(Problem::new(Code::Quota, detail).retry_after(UPLOAD_RETRY_S));
        }
        let turn = self.context.budgets.uploads.try_acquire();
        let _turn = turn.map_err(|_| Problem::busy("too many uploads are under way", 5))?;
        let pin = self.context.pins.pin(sha256);
        let pin = pin.ok_or_else(|| Problem::busy("the document is being removed", 1))?;
        let (documents, owner) = (self.context.documents.clone(), who.clone());
        let stage = move || documents.stage(&owner, &sha256, size).map_err(problem);
        let mut writer = blocking(stage).await?;
        if writer.len_bytes() != offset {
            let held = writer.len_bytes();
            self.suspend(&who, sha256, size, writer).await?;
            let detail = format!("{held} bytes are here, the body begins at {offset}");
            return Err(Problem::new(Code::WrongState, detail).at_offset(held));
        }
        loop {
            let chunk = match body.next().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                Err(problem) => {
                    self.suspend(&who, sha256, size, writer).await?;
                    return Err(problem);
                }
            };
            let context = self.context.clone();
            let written = blocking(move || {
                intake::watched(&context, writer.write(&chunk)).map_err(problem)?;
                Ok(writer)
            })
            .await;
            if written.is_err() {
                // Its staged file went with it.
                self.context.partial_uploads.remove(&who, &sha256);
            }
            writer = written?;
        }
        if writer.len_bytes() < size {
            let offset = writer.len_bytes();
            self.suspend(&who, sha256, size, writer).await?;
            let state = UploadState {
                sha256: sha256.into(),
                size,
                offset,
                complete: false,
                created: false,
            };
            return Ok(state);
        }
        let (context, owner) = (self.context.clone(), who.clone());
        let finish =
            move || intake::finish(&context, &owner, sha256, size, writer).map_err(problem);
        let remembered = blocking(finish).await?;
        drop(pin);
        if !remembered {
            self.context.core.send(ToCore::Unneeded(vec![sha256]))?;
            return Err(Problem::busy("too many uploads wait for their dispatch", 60));
        }
        Ok(done(true))
    }

    async fn suspend(
        &self,
        who: &Bringer,
        sha256: Digest,
        size: u64,
        writer: DocumentWriter,
    ) -> Result<(), Problem> {
        let (context, who) = (self.context.clone(), who.clone());
        let keep = move || intake::suspend(&context, &who, sha256, size, writer).map_err(problem);
        blocking(keep).await.map(|_held| ())
    }
}

fn problem(e: DocumentError) -> Problem {
    let code = match &e {
        DocumentError::NoSpace { .. } | DocumentError::Disk(_) => e.code(),
        DocumentError::TooLarge { .. } => Code::TooLarge,
        DocumentError::UploadInUse { .. } => Code::Busy,
        DocumentError::Overrun { .. }
        | DocumentError::LengthMismatch { .. }
        | DocumentError::DigestMismatch { .. } => Code::DocumentDigestMismatch,
        _ => Code::StorageFailed,
    };
    Problem::new(code, e.explain())
}
