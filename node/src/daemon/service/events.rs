//! Evidence events as they happen.

use tram_api::model::EventNotice;
use tram_api::{Caller, Feed, Problem, Role};
use tram_dispatch::Status;

use super::NodeService;

/// Notices that wait for a slow listener before it is cut off.
const WAITING_MAX: usize = 1024;

impl NodeService {
    /// Sends what happens from now on. Ids are only good for the running process: a listener that
    /// names one is given what comes next, and asks the listings for what it missed.
    pub(super) async fn do_events(
        &self,
        caller: Caller,
        _after: Option<String>,
    ) -> Result<Feed<EventNotice>, Problem> {
        let scope = caller.scope(&[Role::Submit, Role::Collect, Role::Audit, Role::Operate]);
        let mut news = self.context.core.listen();
        let (tx, rx) = tokio::sync::mpsc::channel(WAITING_MAX);
        tokio::spawn(async move {
            let mut serial: u64 = 0;
            loop {
                let n = tokio::select! {
                    news = news.recv() => match news {
                        Ok(n) => n,
                        // It fell behind: cut off, it looks into the listings.
                        Err(_) => return,
                    },
                    // Nobody listens any more.
                    () = tx.closed() => return,
                };
                serial += 1;
                let visible = scope.contains(&n.originator)
                    || n.recipient.as_ref().is_some_and(|r| scope.contains(r));
                if !visible {
                    continue;
                }
                let notice = EventNotice {
                    id: serial.to_string(),
                    event: n.event.into(),
                    dispatch: n.dispatch.into(),
                    originator: n.originator.clone().into(),
                    recipient: n.recipient.clone().map(Into::into),
                    node: n.node.clone().into(),
                    at: n.time.into(),
                    status: n.status.and_then(Status::from_number).map(Into::into),
                    code: n.reason.map(Into::into),
                };
                if tx.try_send(notice).is_err() {
                    return;
                }
            }
        });
        Ok(rx)
    }
}
