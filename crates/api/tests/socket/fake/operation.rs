//! What operators ask and do; directory, store and events.

use super::*;

impl Fake {
    pub(super) fn status(&self, _: Caller) -> Reply<'_, StatusView> {
        Box::pin(async move {
            Ok(StatusView {
                node: Self::node().into(),
                network: tram_dispatch::NetworkId([9; 32]).into(),
                network_name: "trial".into(),
                version: "0.1.0".into(),
                state: NodeState::Ready,
                alarms: vec![],
                started_at: NOW.into(),
                now: NOW.into(),
                agencies: vec![],
                queue: QueueCounts::default(),
                peers_connected: 0,
                peers: 1,
                directory_version: 1,
                directory_expires_at: None,
                epoch: tram_dispatch::EpochId([4; 32]).into(),
                log_size: 2,
                store_bytes: 1,
                free_bytes: 2,
                certificates: vec![],
                time_stamps: None,
                webhooks: Vec::new(),
                drop_folders: Vec::new(),
                proofs: vec![],
                revocation: vec![],
                limits: LimitsView::default(),
            })
        })
    }

    pub(super) fn peers(&self, _: Caller) -> Reply<'_, Page<PeerView>> {
        Box::pin(async move { Ok(Page::default()) })
    }

    pub(super) fn test_peer(&self, _: Caller, node: NodeId) -> Reply<'_, PeerTest> {
        Box::pin(async move { Ok(PeerTest { node: node.into(), ok: true, steps: vec![] }) })
    }

    pub(super) fn queue(&self, _: Caller, _: QueueQuery) -> Reply<'_, Page<QueueItem>> {
        Box::pin(async move { Ok(Page::default()) })
    }

    pub(super) fn change_queue(
        &self,
        _: Caller,
        dispatch: DispatchId,
        recipient: AgencyCode,
        action: QueueAction,
        _: QueueRequest,
    ) -> Reply<'_, QueueChange> {
        Box::pin(async move {
            Ok(QueueChange {
                dispatch: dispatch.into(),
                recipient: recipient.into(),
                action,
                state: LegState::OnHold,
                receipt: None,
            })
        })
    }

    pub(super) fn directory(&self, _: Caller, query: DirectoryQuery) -> Reply<'_, DirectoryView> {
        Box::pin(async move {
            let agency = DirectoryAgency {
                code: "H41".parse::<AgencyCode>().unwrap().into(),
                name: query.find.unwrap_or_default(),
                tier: 2,
                former: vec![],
                parent: None,
                node: Some(Self::node().into()),
                open: true,
                successor: None,
                reaches: None,
                contact: None,
                from: None,
                until: None,
            };
            Ok(DirectoryView {
                network: tram_dispatch::NetworkId([9; 32]).into(),
                version: 1,
                digest: Digest([8; 32]).into(),
                issued_at: NOW.into(),
                expires_at: NOW.into(),
                entries: 1,
                items: vec![agency],
                next: None,
            })
        })
    }

    pub(super) fn install_directory(
        &self,
        _: Caller,
        mut body: BodyStream,
    ) -> Reply<'_, DirectoryInstalled> {
        Box::pin(async move {
            while body.next().await?.is_some() {}
            Ok(DirectoryInstalled {
                version: 2,
                digest: Digest([8; 32]).into(),
                expires_at: NOW.into(),
                entries: body.received_bytes(),
                changed: true,
            })
        })
    }

    pub(super) fn retention(&self, _: Caller, query: RetentionQuery) -> Reply<'_, RetentionView> {
        Box::pin(async move {
            Ok(RetentionView {
                policy: None,
                moment: NOW.into(),
                removed_today: query.limit.unwrap_or(0).into(),
                limited: query.due == Some(true),
                trouble: None,
                items: Vec::new(),
                next: query.after,
            })
        })
    }

    pub(super) fn check_store(&self, _: Caller, query: CheckQuery) -> Reply<'_, Feed<CheckLine>> {
        Box::pin(async move {
            let (sender, feed) = mpsc::channel(1);
            tokio::spawn(async move {
                for done in 1..=3 {
                    let phase = "journal".to_owned();
                    let _ = sender.send(CheckLine::Progress { phase, done, total: 3 }).await;
                }
                if query.documents == Some(false) {
                    return;
                }
                let report = CheckReport {
                    ok: true,
                    at: NOW.into(),
                    batches: 3,
                    dispatches: 0,
                    legs: 0,
                    leaves: 0,
                    documents: 0,
                    documents_bytes: 0,
                    damages: vec![],
                };
                let _ = sender.send(CheckLine::Report(report)).await;
            });
            Ok(feed)
        })
    }

    pub(super) fn events(&self, _: Caller, after: Option<String>) -> Reply<'_, Feed<EventNotice>> {
        Box::pin(async move {
            let start: usize = after.map_or(0, |a| a.parse().unwrap_or(0));
            let waiting: Vec<_> = self.lock().notices.iter().skip(start).cloned().collect();
            let (sender, feed) = mpsc::channel(64);
            tokio::spawn(async move {
                for notice in waiting {
                    if sender.send(notice).await.is_err() {
                        return;
                    }
                }
                sender.closed().await;
            });
            Ok(feed)
        })
    }
}
