//! Evidence events as they happen, what happened since an event before, and deadlines as they pass.

use std::sync::Arc;

use tram_api::model::EventNotice;
use tram_api::{Caller, Feed, Problem, Sight};
use tram_engine::Notice;
use tram_spool::store::Place;

use super::{NodeService, story};

/// Notices that wait for a slow listener before it is cut off.
const WAITING_MAX: usize = 1024;
/// Events read at a time for somebody who comes back.
const AT_ONCE: usize = 500;
/// News looked up at a time: few beside [`WAITING_MAX`], so that nobody who listens is cut off for it.
const NEWS_AT_ONCE: usize = 128;

impl NodeService {
    /// Sends what happened after an event, where one is named, then what happens. Ids hold over
    /// restarts.
    pub(super) async fn do_events(
        &self,
        caller: Caller,
        after: Option<String>,
    ) -> Result<Feed<EventNotice>, Problem> {
        let mut sight = Sight::of(&caller, tram_api::routes::SEE);
        let named = after.map(|id| self.context.event_place(&id)).transpose()?;
        // Listens before it looks, so that nothing falls between the two.
        let mut news = self.context.core.listen();
        let (mut overdue, mut mark) = self.context.overdue.listen();
        let (tx, rx) = tokio::sync::mpsc::channel(WAITING_MAX);
        let (node, begun) = (self.clone(), self.context.store.place());
        tokio::spawn(async move {
            let mut seen: Option<Place> = None;
            let mut last = node.context.event_id(begun);
            if let Some(mut after) = named {
                loop {
                    let scope = sight.now(node.context.succession());
                    let (context, agencies) = (node.context.clone(), scope.codes());
                    let read = move || context.happened(agencies, after, None, AT_ONCE);
                    // What cannot be read ends the stream: the listener asks again.
                    let Ok(some) = node.reading(read).await else { return };
                    let whole = some.len() == AT_ONCE;
                    for told in &some {
                        after = Some(told.place);
                        let notice = node.context.announced(told);
                        last.clone_from(&notice.id);
                        let e = &told.evidence;
                        let visible = scope.sees(&e.originator, e.recipient.as_ref());
                        if told.authorised && visible && tx.send(notice).await.is_err() {
                            return;
                        }
                    }
                    seen = after;
                    if !whole {
                        break;
                    }
                }
            }
            loop {
                let n = tokio::select! {
                    passed = overdue.changed() => {
                        let scope = sight.now(node.context.succession());
                        for entry in node.context.overdue.behind(mark) {
                            mark = entry.noted;
                            let visible = scope.sees(&entry.originator, None);
                            let notice = entry.notice(&node.context, &last);
                            if visible && tx.try_send(notice).is_err() {
                                return;
                            }
                        }
                        // The node ends.
                        if passed.is_err() {
                            return;
                        }
                        continue;
                    }
                    news = news.recv() => match news {
                        Ok(n) => n,
                        // It fell behind: cut off, it asks again from the last it saw.
                        Err(_) => return,
                    },
                    // Nobody listens any more.
                    () = tx.closed() => return,
                };
                // Whoever listens for weeks sees what fell to the agency since.
                let scope = sight.now(node.context.succession());
                let sees = |n: &Arc<Notice>| scope.sees(&n.originator, n.recipient.as_ref());
                // With it, what else is there by now. Who fell behind hears so at the next look.
                let mut asked: Vec<Arc<Notice>> = Some(n).into_iter().filter(sees).collect();
                for _ in 1..NEWS_AT_ONCE {
                    let Ok(more) = news.try_recv() else { break };
                    asked.extend(Some(more).filter(sees));
                }
                if asked.is_empty() {
                    continue;
                }
                let context = node.context.clone();
                let look = move || Ok((context.places_of(&asked)?, asked));
                let Ok((found, asked)) = node.reading(look).await else { return };
                for (told, n) in found.into_iter().zip(asked) {
                    let notice = match told {
                        // What was told is not told again.
                        Some(told) if Some(told.place) <= seen || !told.authorised => continue,
                        Some(told) => node.context.announced(&told),
                        // News without evidence has no place of its own.
                        None => story::named(last.clone(), &n),
                    };
                    last.clone_from(&notice.id);
                    if tx.try_send(notice).is_err() {
                        return;
                    }
                }
            }
        });
        Ok(rx)
    }
}
