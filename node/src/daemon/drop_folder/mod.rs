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
mod mailbox;
mod names;
mod pause;
mod send;
mod shelf;
mod snapshot;
mod standing;
mod statuses;
mod urgency;
mod work;

use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tram_config::DropFolder;

use super::context::Context;
use super::desk::{Desk, Notices, Speaker};
use super::service::NodeService;
use look::Look;
pub(super) use standing::Standing;
use work::Work;

/// What belongs to drop folders, in the data directory. Nothing in it is custody.
const FOLDER: &str = "drop";
/// Entries sent, dispatches given and statuses told before the others have their turn again.
const TURN_MAX: usize = 64;
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
    let look = Look::new(configured.complete, quiet);
    let mut work = Work::new(configured, (&desk, &who, &notices), &data, look);
    let listening = async {
        match configured.submit {
            true => desk.watch_statuses(&notices, &agencies).await,
            // What is never sent has no statuses.
            false => std::future::pending().await,
        }
    };
    runtime.block_on(async {
        tokio::select! {
            () = work.until_stopped(context, at) => {}
            () = listening => {}
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

/// The rights of files hold for this thread as for any user's, also where a superuser runs the tests.
#[cfg(test)]
fn as_nobody_special() {
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
    let mut sets = capabilities(None).unwrap();
    let over = CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
    sets.effective.remove(over);
    sets.permitted.remove(over);
    set_capabilities(None, sets).unwrap();
}
