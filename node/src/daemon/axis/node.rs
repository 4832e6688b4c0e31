//! The node, as the endpoint asks it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tram_api::Problem;
use tram_axis::{
    Account, AgencyPage, AgencyRequest, DocId, Kind, ListQuery, Node, OpenFile, Received, Refusal,
    Reply, Sending, SentRow, Transport,
};
use tram_dispatch::{Code, UnixMillis};

use super::super::desk::{Desk, Notices, Speaker};
use super::super::service::NodeService;
use super::ids::Ids;
use super::refusals;

/// When a system comes back to a node that is stopping, seconds.
const STOPPING_RETRY_S: u64 = 10;

/// What stands between the endpoint and the service.
pub(super) struct AxisNode {
    pub(super) desk: Desk,
    accounts: BTreeMap<String, Arc<Account>>,
    pub(super) ids: Ids,
    pub(super) notices: Arc<Notices>,
}

impl AxisNode {
    pub(super) fn new(
        service: NodeService,
        accounts: BTreeMap<String, Arc<Account>>,
        staging: PathBuf,
        notices: Notices,
    ) -> Self {
        let desk = Desk::new(service, staging);
        AxisNode { desk, accounts, ids: Ids::default(), notices: Arc::new(notices) }
    }

    /// Gathers statuses as they become known, until the node stops.
    pub(super) async fn watch_statuses(&self) {
        let agencies = self.accounts.values().flat_map(|a| a.agencies.iter()).cloned().collect();
        self.desk.watch_statuses(&self.notices, &agencies).await;
    }

    /// The account as one who speaks at the desk.
    pub(super) fn speaker(account: &Account) -> Speaker {
        Speaker {
            agencies: account.agencies.clone(),
            may_send: account.may_send,
            may_collect: account.may_collect,
            old_codes: account.old_codes,
        }
    }
}

impl Node for AxisNode {
    fn account(&self, system_id: &str) -> Option<Arc<Account>> {
        self.accounts.get(system_id).cloned()
    }

    fn now(&self) -> UnixMillis {
        self.desk.service.context.core.now().wall
    }

    fn room_for(&self, _account: &Account, bytes: u64) -> Result<(), Refusal> {
        let context = &self.desk.service.context;
        if context.is_stopping() {
            return Err(Refusal::system("the node is stopping").retry_after(STOPPING_RETRY_S));
        }
        if let Some(code) = context.no_room() {
            return Err(refusals::of_problem(Problem::new(code, "nothing new is taken now")));
        }
        // Staged, kept as it came, and its attachments once more.
        let needed = bytes.saturating_mul(4);
        match context.documents.available_bytes() {
            Ok(free) if free >= needed => Ok(()),
            Ok(_) => Err(refusals::of_problem(Problem::new(Code::BusyStorage, "no room"))),
            Err(error) => Err(refusals::broken(error)),
        }
    }

    fn send(&self, account: Arc<Account>, sending: Sending) -> Reply<'_, DocId> {
        Box::pin(self.do_send(account, sending))
    }

    fn received(
        &self,
        account: Arc<Account>,
        kind: Kind,
        query: ListQuery,
        items_max: usize,
    ) -> Reply<'_, Vec<Received>> {
        Box::pin(async move {
            match kind {
                Kind::Document => self.waiting(&account, kind, query, items_max).await,
                Kind::Status => self.waiting_statuses(&account, query, items_max).await,
            }
        })
    }

    fn count(&self, account: Arc<Account>, kind: Kind) -> Reply<'_, u64> {
        Box::pin(async move {
            match kind {
                Kind::Document => self.count_waiting(&account, kind).await,
                Kind::Status => Ok(self.count_waiting(&account, kind).await?
                    + self.notices.count(&account.agencies)),
            }
        })
    }

    fn open(&self, account: Arc<Account>, id: DocId) -> Reply<'_, OpenFile> {
        Box::pin(self.do_open(account, id))
    }

    fn is_done(&self, account: Arc<Account>, id: DocId) -> Reply<'_, Option<bool>> {
        Box::pin(self.do_is_done(account, id))
    }

    fn update(
        &self,
        account: Arc<Account>,
        id: DocId,
        said: Transport,
        description: Option<String>,
    ) -> Reply<'_, ()> {
        Box::pin(self.do_update(account, id, said, description))
    }

    fn sent(
        &self,
        account: Arc<Account>,
        kind: Kind,
        one: Option<DocId>,
        rows_max: usize,
    ) -> Reply<'_, Vec<SentRow>> {
        Box::pin(self.do_sent(account, kind, one, rows_max))
    }

    fn agencies(
        &self,
        account: Arc<Account>,
        after: Option<String>,
        max: usize,
    ) -> Reply<'_, AgencyPage> {
        Box::pin(self.do_agencies(account, after, max))
    }

    fn register(&self, account: Arc<Account>, request: AgencyRequest) -> Reply<'_, ()> {
        Box::pin(async move { self.do_register(&account, &request) })
    }

    fn delete(&self, account: Arc<Account>, code: String) -> Reply<'_, ()> {
        Box::pin(async move { self.do_delete(&account, &code) })
    }
}
