//! The directory: looking up, and installing a newer one.

use std::sync::{Arc, PoisonError};

use tram_api::model::{DirectoryAgency, DirectoryInstalled, DirectoryQuery, DirectoryView};
use tram_api::{BodyStream, Problem};
use tram_dispatch::limits::DIRECTORY_BYTES_MAX;
use tram_dispatch::text::comparable;
use tram_dispatch::{Code, directory::Agency};
use tram_engine::Input;
use tram_trust::{Directory, Verifier};

use super::super::core::ToCore;
use super::{NodeService, blocking, storage};

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
            let wanted = query.find.as_deref().map(|f| comparable(f).to_lowercase());
            let mut items: Vec<DirectoryAgency> = directory
                .agencies()
                .filter(|a| query.after.as_deref().is_none_or(|after| a.code.as_str() > after))
                .filter(|a| wanted.as_deref().is_none_or(|w| matches(a, w)))
                .take(limit + 1)
                .map(view)
                .collect();
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
        let now = context.core.now().wall;
        let (directory, changed) = blocking(move || {
            // One after the other, and in the order in which the engine is told: of two that come at
            // once, the older must not be what is left on disk.
            let _alone = context.budgets.installing.lock().unwrap_or_else(PoisonError::into_inner);
            let old = context.verifier();
            let previous = old.directory();
            let directory = Directory::verify(old.root(), &bytes, Some(previous), now)
                .map_err(|r| Problem::new(r.code, r.detail))?;
            if directory.digest() == previous.digest() {
                return Ok((previous.clone(), false));
            }
            super::super::files::replace(&context.config.directory, &bytes).map_err(storage)?;
            let directory = Arc::new(directory);
            context.set_verifier(Verifier::new(
                old.root().clone(),
                directory.clone(),
                old.crls().clone(),
                super::super::run::trust_options(&context.config),
            ));
            context.core.send(ToCore::Input(Input::Directory(directory.clone())))?;
            tracing::info!(target: "audit", version = directory.version(), "directory installed");
            Ok((directory, true))
        })
        .await?;
        Ok(DirectoryInstalled {
            version: directory.version(),
            digest: directory.digest().into(),
            expires_at: directory.expires_at().into(),
            entries: directory.head().entries,
            changed,
        })
    }
}

fn matches(agency: &Agency, wanted: &str) -> bool {
    comparable(&agency.name).to_lowercase().contains(wanted)
        || agency.code.as_str().to_lowercase().contains(wanted)
        || agency.former.iter().any(|f| f.as_str().to_lowercase().contains(wanted))
}

fn view(agency: &Agency) -> DirectoryAgency {
    DirectoryAgency {
        code: agency.code.clone().into(),
        name: agency.name.clone(),
        tier: agency.tier,
        former: agency.former.iter().map(|f| f.clone().into()).collect(),
        parent: agency.parent.clone().map(Into::into),
        node: agency.node.clone().map(Into::into),
        open: agency.open,
        successor: agency.successor.clone().map(Into::into),
    }
}
