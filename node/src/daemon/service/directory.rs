//! The directory: looking up, and installing a newer one.

use tram_api::model::{DirectoryAgency, DirectoryInstalled, DirectoryQuery, DirectoryView};
use tram_api::{BodyStream, Problem};
use tram_dispatch::limits::DIRECTORY_BYTES_MAX;
use tram_dispatch::{AgencyCode, Code};

use super::{NodeService, blocking};
use crate::directory::listed;

/// Page size where the caller names none, and the largest.
const PAGE_DEFAULT: u32 = 100;
const PAGE_MAX: u32 = 1000;

impl NodeService {
    pub(super) async fn do_directory(
        &self,
        query: DirectoryQuery,
    ) -> Result<DirectoryView, Problem> {
        let verifier = self.context.verifier();
        blocking(move || {
            let directory = verifier.directory();
            let limit = query.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX) as usize;
            let after = query.after.as_deref().map(AgencyCode::parse_canonical).transpose();
            let after = after.map_err(|e| Problem::new(Code::BadRequest, format!("after: {e}")))?;
            let wanted = query.find.as_deref().unwrap_or_default();
            let found = directory.find(wanted, after.as_ref()).take(limit + 1);
            let mut items: Vec<DirectoryAgency> = found.map(|a| listed(directory, a)).collect();
            let more = items.len() > limit;
            items.truncate(limit);
            let next = if more { items.last().map(|i| i.code.0.as_str().to_owned()) } else { None };
            let head = directory.head();
            Ok(DirectoryView {
                network: directory.network().into(),
                version: directory.version(),
                digest: directory.digest().into(),
                issued_at: head.issued_at.into(),
                expires_at: directory.expires_at().into(),
                entries: head.entries,
                items,
                next,
            })
        })
        .await
    }

    pub(super) async fn do_install_directory(
        &self,
        mut body: BodyStream,
    ) -> Result<DirectoryInstalled, Problem> {
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await? {
            if bytes.len() + chunk.len() > DIRECTORY_BYTES_MAX {
                return Err(Problem::new(Code::TooLarge, "the directory file"));
            }
            bytes.extend_from_slice(&chunk);
        }
        let context = self.context.clone();
        let (directory, changed) =
            blocking(move || context.take_directory(&bytes, "the operator")).await?;
        Ok(DirectoryInstalled {
            version: directory.version(),
            digest: directory.digest().into(),
            expires_at: directory.expires_at().into(),
            entries: directory.head().entries,
            changed,
        })
    }
}
