//! What the doors share that take and give files, the axis endpoint and drop folders: a file becomes a
//! dispatch or a status, a dispatch becomes a file, statuses wait until somebody has them.
//!
//! ```text
//! file ──▶ unpacked ──▶ documents, kept file ──▶ sealed by the node ──▶ engine
//! dispatch ──▶ the kept file, byte for byte, where the envelope says the same; else composed
//! ```

mod keep;
mod notices;
mod open;
mod report;
mod send;
mod sent;
mod speaker;
mod verdicts;
mod watch;

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::PathBuf;

use tram_api::Problem;
use tram_dispatch::{AgencyCode, Code};
use tram_edxml::EdxmlError;
use tram_trust::{Directory, Resolution};

pub(super) use keep::keep;
pub(super) use notices::{Item, Notices};
pub(super) use open::Opened;
pub(super) use report::Given;
pub(super) use sent::BACK_MS;
pub(super) use speaker::Speaker;
use verdicts::Verdicts;

use super::core::Stopping;
use super::service::NodeService;

/// The desk of one door.
pub(super) struct Desk {
    pub(super) service: NodeService,
    /// Where files are taken apart; nothing in it outlives a start.
    pub(super) staging: PathBuf,
    /// Whether a dispatch's kept file may be given for it.
    sound: Verdicts,
    /// Whether a dispatch's kept file is a status.
    asking: Verdicts,
    /// Of which dispatches it was looked whether their documents are what they say.
    looked: Verdicts,
}

impl Desk {
    pub(super) fn new(service: NodeService, staging: PathBuf) -> Self {
        let [sound, asking, looked] = std::array::from_fn(|_| Verdicts::default());
        Desk { service, staging, sound, asking, looked }
    }

    /// Every mailbox of these agencies: their own, and those that they took over.
    pub(super) fn mailboxes<'a>(
        &self,
        agencies: impl IntoIterator<Item = &'a AgencyCode>,
    ) -> BTreeSet<AgencyCode> {
        let succession = self.service.context.succession();
        agencies.into_iter().flat_map(|a| succession.mailboxes(a)).cloned().collect()
    }

    /// Whether what came for this code is one of these agencies'.
    pub(super) fn receives(&self, agencies: &BTreeSet<AgencyCode>, recipient: &AgencyCode) -> bool {
        let succession = self.service.context.succession();
        agencies.iter().any(|agency| succession.is_of(recipient, agency))
    }
}

/// The code by which the directory knows an agency today: its present one for a former one.
pub(super) fn present(directory: &Directory, code: &AgencyCode) -> AgencyCode {
    match directory.resolve(code) {
        Resolution::Open(agency) => agency.code.clone(),
        // The engine follows successors itself, and evidence says so.
        Resolution::Successor { from, .. } => from.code.clone(),
        Resolution::Closed | Resolution::Unknown => code.clone(),
    }
}

/// Runs something that may block off a loop.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(broken)?
}

/// Something of the node failed.
pub(super) fn broken(error: impl Display) -> Problem {
    tracing::error!(%error, "a file");
    Problem::new(Code::Internal, "the node failed on this file")
}

/// The node is stopping, or its store waits.
fn of_stopping(stopping: Stopping) -> Problem {
    stopping.into()
}

/// What is wrong with a file.
pub(super) fn of_edxml(error: &EdxmlError) -> Problem {
    match error.code() {
        // Of the node's own disk.
        Code::Unreadable => {
            tracing::error!(%error, "a file cannot be taken apart");
            Problem::new(Code::BusyStorage, "the node cannot take the file apart now")
        }
        code => Problem::new(code, error.to_string()),
    }
}
