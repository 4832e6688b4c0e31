//! `GET /v1/log/timestamps`, the line in the status, and the tokens for an evidence file.

use std::collections::BTreeSet;

use tram_api::Problem;
use tram_api::model::{LogTimeStamps, TimeStampView, TimeStampsStanding};
use tram_crypto::sha256;
use tram_dispatch::{Code, Digest};
use tram_tlog::note::Note;
use tram_wire::evidence_file::ProvedCheckpoint;

use super::super::context::Context;
use super::checkpoints::proved;
use super::{NodeService, storage, store_problem};

/// Most time-stamps in one answer: each is verified.
const SHOWN_MAX: usize = 100;
/// Most files that are tried where the first does not hold.
const TRIED_MAX: usize = 16;

impl NodeService {
    pub(super) async fn do_log_timestamps(&self) -> Result<LogTimeStamps, Problem> {
        let context = self.context.clone();
        self.reading(move || {
            let mut stamps = Vec::new();
            for kept in context.tokens().map_err(storage)?.iter().rev().take(SHOWN_MAX) {
                let token = kept.token().map(|t| Digest(sha256(&t))).unwrap_or(Digest([0; 32]));
                let (latest, authority, serial) = match context.verified_token(kept) {
                    Ok((_, stamp)) => (Some(stamp.latest.into()), stamp.authority, stamp.serial),
                    Err(why) => (None, why, String::new()),
                };
                let (size, token) = (kept.size, token.into());
                stamps.push(TimeStampView { size, latest, authority, serial, token });
            }
            Ok(LogTimeStamps {
                node: context.me.clone().into(),
                epoch: context.epoch.into(),
                size: context.core.head().size,
                standing: standing(&context),
                stamps,
            })
        })
        .await
    }
}

/// How it stands. Blocks for a look into the index.
pub(super) fn standing(context: &Context) -> Option<TimeStampsStanding> {
    let debt = context.time_stamp_debt()?;
    let configured = context.config.time_stamps.as_ref()?;
    Some(TimeStampsStanding {
        server: configured.server.text.clone(),
        stamped_size: debt.stamped_size,
        unstamped_since: debt.since.map(Into::into),
        trouble: debt.trouble,
    })
}

/// Puts the smallest time-stamped checkpoint over trees of these sizes into the list: on the one of its
/// size that is there, else as one more.
pub(super) fn include(
    context: &Context,
    sizes: &BTreeSet<u64>,
    checkpoints: &mut Vec<ProvedCheckpoint>,
) -> Result<(), Problem> {
    let Some(largest) = sizes.last().copied() else { return Ok(()) };
    let kept = context.tokens().map_err(storage)?;
    let head = context.core.head().size;
    let covering = kept.iter().filter(|k| k.size >= largest && k.size <= head);
    // A file that was damaged is passed over for the next one.
    let found = covering.take(TRIED_MAX).find_map(|k| Some((k.size, sound(context, k)?)));
    let Some((size, token)) = found else { return Ok(()) };
    let text = context.checkpoint_text(size).map_err(|e| Problem::new(Code::Internal, e))?;
    let is_of_it =
        |c: &&mut ProvedCheckpoint| Note::parse(&c.note).is_ok_and(|note| note.text() == text);
    if let Some(there) = checkpoints.iter_mut().find(is_of_it) {
        there.stamps.push(token);
        return Ok(());
    }
    let root = context.store.root(size).map_err(store_problem)?;
    let note = context
        .signed_checkpoint(size, root)
        .map_err(|e| Problem::new(Code::Internal, e.to_string()))?;
    let mut added = proved(context, size, note, sizes)?;
    added.stamps.push(token);
    checkpoints.push(added);
    Ok(())
}

/// The token, if it is one over this log, whoever signed it: the anchors may have changed since.
fn sound(context: &Context, kept: &super::super::time_stamps::Kept) -> Option<Vec<u8>> {
    let token = kept.token().ok()?;
    let text = context.checkpoint_text(kept.size).ok()?;
    tram_trust::time_stamp::consistent(&token, text.as_bytes()).ok()?;
    Some(token)
}
