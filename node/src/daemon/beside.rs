//! Threads that work beside the core: none of them is waited for, each ends when the node does.

use std::sync::Arc;

use tram_dispatch::Code;

use super::context::Context;
use super::run::{RunError, runtime};
use super::{again, drop_folder, intake, retention, service, tiles, time_stamps, watch, webhooks};

/// Starts them.
///
/// # Errors
/// [`RunError`] where the system gives no thread, or no runtime to one that needs it.
pub(super) fn start(context: &Arc<Context>) -> Result<(), RunError> {
    spawn("sweep", context, |context| intake::sweep(&context))?;
    spawn("watch", context, |context| watch::run(&context))?;
    spawn("again", context, |context| again::run(&context))?;
    spawn("tiles", context, |context| tiles::run(&context))?;
    let asking = runtime().map_err(internal)?;
    spawn("retention", context, move |context| retention::run(&context, &asking))?;
    if context.config.time_stamps.is_some() {
        // It waits for a server outside, and nothing for it.
        let asking = runtime().map_err(internal)?;
        spawn("stamp", context, move |context| time_stamps::run(&context, &asking))?;
    }
    for at in 0..context.config.drop_folders.len() {
        let working = runtime().map_err(internal)?;
        spawn("drop", context, move |context| drop_folder::run(&context, &working, at))?;
    }
    for at in 0..context.config.webhooks.len() {
        let sending = runtime().map_err(internal)?;
        spawn("webhook", context, move |context| webhooks::run(&context, &sending, at))?;
    }
    service::close_stale_beside(context).map_err(internal)
}

fn spawn(
    name: &str,
    context: &Arc<Context>,
    work: impl FnOnce(Arc<Context>) + Send + 'static,
) -> Result<(), RunError> {
    let context = context.clone();
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(move || work(context)).map(|_| ()).map_err(internal)
}

fn internal(error: std::io::Error) -> RunError {
    RunError::new(Code::Internal, error.to_string())
}
