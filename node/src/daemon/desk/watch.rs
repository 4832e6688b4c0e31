//! Gathering statuses as they become known.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tram_api::Problem;
use tram_dispatch::{AgencyCode, DispatchId};

use super::Desk;
use super::notices::Notices;

/// Pause before the store is read again after it could not be.
const AGAIN: Duration = Duration::from_secs(10);

impl Desk {
    /// Gathers the statuses of what these agencies sent as they become known, until the node stops.
    pub(in crate::daemon) async fn watch_statuses(
        &self,
        notices: &Notices,
        agencies: &BTreeSet<AgencyCode>,
    ) {
        loop {
            // Listens before it looks, so that nothing falls between the two.
            let mut news = self.service.context.core.listen();
            if let Err(problem) = self.gather_all(notices, agencies).await {
                tracing::warn!(detail = problem.detail, "statuses cannot be gathered yet");
                tokio::time::sleep(AGAIN).await;
                continue;
            }
            loop {
                match news.recv().await {
                    Ok(n) if n.status.is_some() && agencies.contains(&n.originator) => {
                        if let Ok(found) = self.looked_up(vec![n.dispatch]).await {
                            let now = self.service.context.core.now().wall;
                            found.iter().for_each(|held| notices.gather(held, now, Some(&n)));
                        }
                    }
                    Ok(_) => {}
                    // It fell behind: all of it again.
                    Err(RecvError::Lagged(_)) => break,
                    Err(RecvError::Closed) => return,
                }
            }
        }
    }

    async fn gather_all(
        &self,
        notices: &Notices,
        agencies: &BTreeSet<AgencyCode>,
    ) -> Result<(), Problem> {
        for agency in agencies {
            let ids: Vec<DispatchId> =
                self.sent_by(agency).await?.into_iter().map(|(_, id)| id).collect();
            for some in ids.chunks(32) {
                for held in self.looked_up(some.to_vec()).await? {
                    notices.gather(&held, self.service.context.core.now().wall, None);
                }
            }
        }
        Ok(())
    }
}
