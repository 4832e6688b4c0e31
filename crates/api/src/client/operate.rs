use bytes::Bytes;
use tram_dispatch::{AgencyCode, DispatchId, NodeId};

use super::{Ask, Client, ClientError};
use crate::model::{
    DirectoryInstalled, DirectoryQuery, DirectoryView, Page, PeerTest, PeerView, QueueAction,
    QueueChange, QueueItem, QueueQuery, QueueRequest, RetentionQuery, RetentionView, StatusView,
};
use crate::routes::media;

impl Client {
    /// The node at a glance.
    pub async fn status(&self) -> Result<StatusView, ClientError> {
        self.json(Ask::get(&["status"])).await
    }

    /// The adjacent nodes.
    pub async fn peers(&self) -> Result<Page<PeerView>, ClientError> {
        self.json(Ask::get(&["peers"])).await
    }

    /// Tries the way to one peer.
    pub async fn test_peer(&self, node: &NodeId) -> Result<PeerTest, ClientError> {
        self.json(Ask::post(&["peers", node.as_str(), "test"])).await
    }

    /// One page of the queue.
    pub async fn queue(&self, query: &QueueQuery) -> Result<Page<QueueItem>, ClientError> {
        self.json(Ask::get(&["queue"]).query(query)?).await
    }

    /// Holds, releases, retries or drops one leg; dropping needs a remark.
    pub async fn change_queue(
        &self,
        dispatch: DispatchId,
        recipient: &AgencyCode,
        action: QueueAction,
        remark: Option<String>,
    ) -> Result<QueueChange, ClientError> {
        let dispatch = dispatch.to_string();
        let ask = Ask::post(&["queue", &dispatch, recipient.as_str(), action.name()]);
        self.json(ask.json(&QueueRequest { remark })?).await
    }

    /// The policy of retention, and one page of what is due when.
    pub async fn retention(&self, query: &RetentionQuery) -> Result<RetentionView, ClientError> {
        self.json(Ask::get(&["store", "retention"]).query(query)?).await
    }

    /// The installed directory: its head and one page of agencies.
    pub async fn directory(&self, query: &DirectoryQuery) -> Result<DirectoryView, ClientError> {
        self.json(Ask::get(&["directory"]).query(query)?).await
    }

    /// Has the node verify and install a signed directory file.
    pub async fn install_directory(
        &self,
        file: impl Into<Bytes>,
    ) -> Result<DirectoryInstalled, ClientError> {
        self.json(Ask::post(&["directory"]).body(media::DIRECTORY, file)).await
    }

    /// The OpenAPI description that the node serves.
    pub async fn openapi(&self) -> Result<Bytes, ClientError> {
        self.whole(Ask::get(&["openapi.json"])).await.map(|(_, body)| body)
    }
}
