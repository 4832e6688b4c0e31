//! Uploading documents by digest, resumable.

use tram_api::model::UploadState;
use tram_api::service::Upload;
use tram_api::{BodyStream, Problem};
use tram_dispatch::{AgencyCode, Code, Digest};
use tram_spool::documents::{DocumentError, DocumentWriter};

use super::super::context::{stage, staging_name};
use super::{NodeService, blocking};

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
        if let Some(size) = self.context.uploads.size(&agency, &sha256) {
            return Ok(Some(state(size, size, true)));
        }
        let partial = self.context.partial_uploads.get(&agency, &sha256);
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
        if self.context.uploads.size(&agency, &sha256) == Some(size) {
            return Ok(done(false));
        }
        let pin = self.context.pins.pin(sha256);
        let pin = pin.ok_or_else(|| Problem::busy("the document is being removed", 1))?;
        let name = staging_name(&format!("agency {agency}"), None, &sha256);
        let documents = self.context.documents.clone();
        let mut writer =
            blocking(move || stage(&documents, &name, size).map_err(document_problem)).await?;
        if writer.len_bytes() != offset {
            let held = writer.len_bytes();
            self.suspend(&agency, sha256, size, writer).await?;
            let detail = format!("{held} bytes are here, the body begins at {offset}");
            return Err(Problem::new(Code::WrongState, detail).at_offset(held));
        }
        loop {
            let chunk = match body.next().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                Err(problem) => {
                    self.suspend(&agency, sha256, size, writer).await?;
                    return Err(problem);
                }
            };
            writer = blocking(move || {
                writer.write(&chunk).map_err(document_problem)?;
                Ok(writer)
            })
            .await?;
        }
        if writer.len_bytes() < size {
            let offset = writer.len_bytes();
            self.suspend(&agency, sha256, size, writer).await?;
            let state = UploadState {
                sha256: sha256.into(),
                size,
                offset,
                complete: false,
                created: false,
            };
            return Ok(state);
        }
        self.context.partial_uploads.remove(&agency, &sha256);
        blocking(move || {
            writer.finish(sha256.as_bytes(), size).map_err(document_problem)?;
            Ok(())
        })
        .await?;
        let now = self.context.core.now().mono_ms;
        if !self.context.uploads.add(&agency, sha256, size, now) {
            return Err(Problem::busy("too many uploads wait for their dispatch", 60));
        }
        drop(pin);
        Ok(done(true))
    }

    async fn suspend(
        &self,
        agency: &AgencyCode,
        sha256: Digest,
        size: u64,
        writer: DocumentWriter,
    ) -> Result<(), Problem> {
        let held = blocking(move || writer.suspend().map_err(document_problem)).await?;
        self.context.partial_uploads.set(agency, sha256, size, held);
        Ok(())
    }
}

fn document_problem(e: DocumentError) -> Problem {
    let code = match &e {
        DocumentError::NoSpace { .. } => Code::BusyStorage,
        DocumentError::Disk(d) if d.is_no_space() => Code::BusyStorage,
        DocumentError::TooLarge { .. } => Code::TooLarge,
        DocumentError::UploadInUse { .. } => Code::Busy,
        DocumentError::Overrun { .. }
        | DocumentError::LengthMismatch { .. }
        | DocumentError::DigestMismatch { .. } => Code::DocumentDigestMismatch,
        _ => Code::StorageFailed,
    };
    Problem::new(code, e.to_string())
}
