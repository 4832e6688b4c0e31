//! Reads the documents of dispatches that were set aside for what is stored of them: a read that failed
//! once need not fail the next time. The engine says which, and when.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use tram_dispatch::DispatchId;
use tram_dispatch::envelope::Document;
use tram_engine::record::Stage;
use tram_engine::{Engine, Input, View};

use super::context::Context;
use super::core::ToCore;
use super::kept::Unfit;

/// How often the engine is asked.
const LOOK: Duration = Duration::from_secs(1);

/// Looks until the engine is gone; for a thread of its own, which waits for the disk.
pub(super) fn run(context: &Arc<Context>) {
    loop {
        std::thread::sleep(LOOK);
        let (tx, rx) = sync_channel(1);
        let question = move |engine: &Engine, _: &dyn View| {
            // Whoever asked waits for it.
            let _ = tx.send(engine.documents_in_doubt());
            Box::new(|| ()) as super::messages::Deliver
        };
        if context.core.send(ToCore::Glance(Box::new(question))).is_err() {
            return;
        }
        let Ok(in_doubt) = rx.recv() else { return };
        for (dispatch, documents) in in_doubt {
            let input = look(context, dispatch, &documents);
            if context.core.send(ToCore::Input(input)).is_err() {
                return;
            }
        }
    }
}

/// Reads all of them. What breaks off counts as damaged: it is set aside already.
fn look(context: &Context, dispatch: DispatchId, documents: &[Document]) -> Input {
    let read = || documents.iter().try_for_each(|document| context.read_whole(document));
    match context.hands.work(&dispatch, Stage::Fetch, read) {
        Ok(Ok(())) => {
            tracing::info!(%dispatch, "what is stored of it reads well again");
            Input::Sound { dispatch }
        }
        Ok(Err(Unfit::Damaged(detail) | Unfit::Later(detail))) | Err(detail) => {
            tracing::debug!(%dispatch, detail, "what is stored of it is still damaged");
            Input::Damaged { dispatch, detail }
        }
    }
}
